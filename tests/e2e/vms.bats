#!/usr/bin/env bats
# vms.bats - virtual machines to log into: the contract of the mini cloud (load balancer, server
# nodes, shells), `davit vm` and `davit menu`, with the real ssh and a real terminal.

load lib
setup_file() {
	# Once for all runs of this machine: it is made of Debian's packages.
	"$repo/deploy/images/vm/make.sh" davit-vm-e2e >/dev/null
	cluster_up
	export lb s1 s2
	lb=http://127.0.0.1:$(free_ports 3)
	s1=http://127.0.0.1:$((${lb##*:} + 1))
	s2=http://127.0.0.1:$((${lb##*:} + 2))
	gateway_start --contracts vms --vms-listen "$lb" --vms-server "$s1=n1" --vms-server "$s2" --vm-image davit-vm-e2e
	wait_for 60 curl -fsS -o /dev/null "$lb/list_all"
	# Answers ssh's question for the password.
	printf '#!/bin/sh\necho "$VM_PASSWORD"\n' >"$E2E_DIR/askpass"
	chmod 755 "$E2E_DIR/askpass"
	export SSH_ASKPASS=$E2E_DIR/askpass SSH_ASKPASS_REQUIRE=force HOME=$E2E_DIR/vms-home
	mkdir -p "$HOME/.ssh"
}
teardown() { tmux -L "$E2E_IMAGE-menu" kill-server 2>/dev/null || true; }
teardown_file() { cluster_down; }

# http CURL-ARGUMENT... URL: prints the body, and then the status on a line of its own.
http() { curl -sS -m 120 -w '\n%{http_code}\n' "$@"; }
status() { tail -n 1 <<<"$output"; }
body() { head -n -1 <<<"$output"; }
is_status() { [ "$(status)" = "$1" ] || fail "status $(status), want $1: $(body)"; }
is_body() { # FILTER WANT
	[ "$(body | jq -c "$1")" = "$2" ] || fail "$1 is $(body | jq -c "$1"), want $2: $(body)"
}
# login PASSWORD SSH-ARGUMENT...
login() {
	VM_PASSWORD=$1 timeout 120 ssh -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1 "${@:2}"
}

@test "E1: a VM is created through the balancer and ssh gets in at once, with its password only" {
	run http -d '{"name": "vm_1"}' "$lb/create_vm"
	is_status 201
	is_body 'keys' '["name","password","ssh_host","ssh_port","status","username"]'
	is_body '[.status, .name, .username, (.ssh_port | type)]' '["created","vm_1","root","string"]'
	host=$(body | jq -r .ssh_host) port=$(body | jq -r .ssh_port) password=$(body | jq -r .password)
	[ ${#password} -eq 20 ]
	run login "$password" -p "$port" "root@$host" 'id -u; hostname'
	[ "$output" = "0
vm-1" ] || fail "$status: $output"
	run login root -p "$port" "root@$host" true
	[ "$status" -eq 255 ]
	# Told once: nobody can read it afterwards.
	! call GetTask '{"task": "vm_1"}' | grep -q "$password"
}

@test "VMs go to the servers in turn, and each server has its own" {
	run http -d '{"name": "vm_2"}' "$lb/create_vm"
	is_status 201
	run http -d '{"name": "vm_3"}' "$lb/create_vm"
	[ "$(task vm_1 .node_name) $(task vm_2 .node_name) $(task vm_3 .node_name)" = "n1 n2 n1" ]
	run http "$lb/list_all"
	is_body '[.[] | map_values(map(.name))]' "[{\"$s1\":[\"vm_1\",\"vm_3\"]},{\"$s2\":[\"vm_2\"]}]"
	run http "$s2/list_vms"
	is_body 'map([.name, .status, (.id | length)])' '[["vm_2","running",12]]'
	run http -d '{"name": "vm_2"}' "$s1/create_vm"
	is_status 400
	is_body . '{"error":"VM already exists"}'
	run http -d '{"name": ' "$lb/create_vm"
	is_status 400
}

@test "commands are run by a shell, where the VM is or wherever it is" {
	run http -d "{\"server\": \"$s2\", \"name\": \"vm_2\", \"cmd\": \"echo 'Connected to VM:' && hostname\"}" "$lb/exec_vm"
	is_status 200
	[ "$(body)" = "Connected to VM:
vm-2" ] || [ "$(body)" = "Connected to VM:
vm-2
" ]
	run http -d '{"name": "vm_2", "cmd": "echo to both >&2; exit 3"}' "$lb/exec_vm"
	is_status 200
	has 'to both'
	run http -d '{"cmd": "hostname"}' "$s2/exec_vm/vm_2"
	has vm-2
	run http -d "{\"server\": \"$s1\", \"name\": \"vm_2\"}" "$lb/exec_vm"
	is_status 404
	is_body . '{"error":"VM not found"}'
	run http -d '{"cmd": "true"}' "$lb/exec_vm"
	is_status 400
	is_body . '{"error":"Missing server or name"}'
}

@test "a shell is talked to request by request until it is closed" {
	run http -d "{\"server\": \"$s1\", \"name\": \"vm_1\"}" "$lb/shell_session"
	is_status 201
	is_body .status '"active"'
	session=$(body | jq -r .session_id)
	said=
	read_more() { said+=$(curl -sS -m 120 -d "{\"session_id\": \"$session\"}" "$lb/shell_output"); [[ $said == *"six=42"* ]]; }
	run http -d "{\"server\": \"$s1\", \"session_id\": \"$session\", \"input\": \"echo six=\$((6*7))\"}" "$lb/shell_input"
	is_status 200
	is_body .status '"sent"'
	wait_for 60 read_more
	run http -X POST "$s1/shell_close/$session"
	is_body .status '"closed"'
	run http "$s1/shell_output/$session"
	is_status 404
	is_body . '{"error":"Session not found"}'
}

@test "a VM is deleted at its server or at the balancer, and its name is free again" {
	run http -X DELETE "$s1/delete_vm/vm_2"
	is_status 404
	run http -X DELETE "$s2/delete_vm/vm_2"
	is_status 200
	is_body . '{"name":"vm_2","status":"deleted"}'
	run http -d "{\"server\": \"$s1\", \"name\": \"vm_3\"}" "$lb/delete_vm"
	is_status 200
	run http -d '{"name": "vm_3"}' "$s2/create_vm"
	is_status 201
	run http -d '{"name": "vm_3"}' "$lb/delete_vm"
	is_status 200
	run http "$lb/list_all"
	is_body '[.[] | map_values(map(.name))]' "[{\"$s1\":[\"vm_1\"]},{\"$s2\":[]}]"
}

@test "one that ends by itself is stale, and is not listed any more" {
	id=$(task vm_1 .id)
	docker kill "$(task vm_1 .container_id)" >/dev/null
	is_stale() { [ "$(curl -sS "$s1/list_vms")" = '[]' ]; }
	wait_for 60 is_stale
}

@test "davit vm: with a key and a password of one's own, by ssh and by name" {
	ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/key"
	run davit vm create --image davit-vm-e2e --key "$BATS_TEST_TMPDIR/key.pub" --password sesame -o json mine
	[ "$(jq -c '[.name, .password, .username]' <<<"$output")" = '["mine","sesame","root"]' ] || fail "$output"
	run davit vm ssh -i "$BATS_TEST_TMPDIR/key" mine -- hostname
	[ "${lines[-1]}" = mine ] || fail "$output"
	run login sesame -p "$(jq -r .ssh_port <<<"$(davit vm ls -o json | jq '{ssh_port: .[0].ports[0].host_port}')")" root@127.0.0.1 'exit 7'
	[ "$status" -eq 7 ]
	run davit vm ls
	has "ssh -p"
	run davit vm ssh nobody
	[ "$status" -eq 4 ]
	run davit vm rm mine
	[ "$output" = mine ]
	run davit vm ls -q
	[ -z "$output" ]
}

@test "a VM that is made over HTTP takes the public key that came with it" {
	ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/key"
	run http -d "$(jq -cn --rawfile key "$BATS_TEST_TMPDIR/key.pub" '{name: "keyed", public_key: $key}')" "$lb/create_vm"
	is_status 201
	host=$(body | jq -r .ssh_host) port=$(body | jq -r .ssh_port)
	run timeout 120 ssh -q -i "$BATS_TEST_TMPDIR/key" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-p "$port" "root@$host" hostname
	[ "$output" = keyed ] || fail "$output"
	run http -d '{"name": "keyed"}' "$lb/delete_vm"
	is_status 200
}

@test "docs/CONTRACTS.md tells of no command that is not run here" {
	run awk '/^```sh$/ {inside = 1; next} /^```/ {inside = 0} inside {sub(/ *#.*/, ""); print}' "$repo/docs/CONTRACTS.md"
	# The first is what setup_file runs; the second needs a registry, which tests must not.
	[ "$output" = "deploy/images/vm/make.sh
docker build -t davit-vm deploy/images/vm" ] || fail "$output"
}

@test "root/root where the configuration asks for it" {
	daemon rooted davit-gateway --manager "$url_manager" --listen "http://127.0.0.1:$(free_ports 1)" --contracts vms \
		--vms-listen "http://127.0.0.1:$(free_ports 1)" --vms-server "http://127.0.0.1:$(free_ports 1)=n2" \
		--vm-image davit-vm-e2e --vm-password root
	url() { grep -o 'ev=gateway.vms listen=[^ ]*' "$home/log/rooted.log" | sed 's/.*listen=//'; }
	wait_for 60 url >/dev/null
	run http -d '{"name": "rooted"}' "$(url)/create_vm"
	is_status 201
	is_body .password '"root"'
	run login root -p "$(body | jq -r .ssh_port)" "root@$(body | jq -r .ssh_host)" 'echo in'
	[ "$output" = in ]
	davit vm rm rooted
}

@test "davit menu: create, list, a shell on a real terminal, delete, exit" {
	# Holding no descriptor of ours: bats waits for whoever holds its third.
	tmux -L "$E2E_IMAGE-menu" -f /dev/null new-session -d -x 100 -y 40 3>&- "DAVIT_MANAGER=$DAVIT_MANAGER $DAVIT_BIN/davit menu --image davit-vm-e2e; echo ended with \$?; cat"
	tmuxes() { tmux -L "$E2E_IMAGE-menu" "$@"; }
	shows() { tmuxes capture-pane -p -J -S -200 | grep -q -- "$1"; }
	sends() { tmuxes send-keys "$1" Enter; }
	wait_for 60 shows 'Enter choice:'
	sends 1
	wait_for 60 shows 'Enter new VM name:'
	sends menu_1
	wait_for 60 shows 'Response: {"name": "menu_1"'
	sends 2
	wait_for 60 shows '  - menu_1 (............) \[running\]'
	sends 3
	wait_for 60 shows 'Enter VM name to open shell:'
	sends menu_1
	wait_for 60 shows 'Opening a shell in menu_1'
	# The engine is told the size after it has started the shell.
	sends 'while [ "$(stty size)" != "4""0 100" ]; do sleep 0.1; done; stty size; tty'
	wait_for 60 shows '40 100'
	wait_for 60 shows '/dev/pts/'
	sends exit
	# What is typed before the shell has ended is the shell's.
	asks_again() { [ "$(tmuxes capture-pane -p -J -S -200 | grep -c 'Enter choice:')" = 4 ]; }
	wait_for 60 asks_again
	sends 4
	wait_for 60 shows 'Enter VM name to delete:'
	sends menu_1
	wait_for 60 shows '"status": "deleted"'
	sends 9
	wait_for 60 shows 'Invalid choice'
	sends 5
	wait_for 60 shows 'ended with 0'
	shows 'Goodbye!'
}
