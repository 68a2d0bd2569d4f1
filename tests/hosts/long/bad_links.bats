#!/usr/bin/env bats
# bad_links.bats - long trouble: loss and delay for a minute, flapping, a manager that nobody
# reaches, and one that moves. Tasks that are to be kept are not touched, by the engine's own word.

load ../hosts
setup_file() {
	hosts_begin bad
	host_add relay manager2
	hosts_cluster a b d e # with c more than the few of which most may be silent without a doubt
	# c is far away: 200 ms each way.
	host_add c
}
teardown_file() { hosts_end; }
teardown() {
	for host in manager a b c d e; do
		link_heal "$host"
	done
	davit chaos heal --all >/dev/null 2>&1 || true
}

# Two tasks on each of the hosts that must not be moved, started or failed.
keep_on() { # HOST...
	local host
	kept=()
	for host in "$@"; do
		davit run -q --name "keep-$host" --disconnect keep --constraint "node.name == $host" "$E2E_IMAGE" -- sleep 3600
		davit run -q --name "patient-$host" --restart always --disconnect replace:60s \
			--constraint "node.name == $host" "$E2E_IMAGE" -- sleep 3600
		kept+=("keep-$host" "patient-$host")
	done
	for host in "${kept[@]}"; do
		wait_task "$host" RUNNING 60
	done
}
all_kept() {
	local name
	for host in "$@"; do
		wait_node "$host" READY 60
	done
	wait_for 60 engine_is_as_the_store || fail "$(docker ps --filter "label=davit.cluster=$CLUSTER")"
	ran_only_once "${kept[@]}" || return
	for name in "${kept[@]}"; do
		[ "$(task "$name" .state)" = RUNNING ] || fail "$(task "$name")" || return
	done
	davit rm -f "${kept[@]}"
	all_gone() { [ -z "$(davit ps -q)" ]; }
	wait_for 30 all_gone # their names are wanted again
}

@test "30 % loss and 200 ms of delay for a minute: nothing is failed, moved or restarted" {
	proc_start "$home/run/relay.pid" "$home/log/relay.log" \
		nsenter --net="/run/netns/$net-relay" python3 "$repo/tests/hosts/relay.py" 200 \
		7070 "$(address_of manager):7070" 7072 "$(address_of manager):7072"
	(url_manager=tcp://relay:7070 url_stats=tcp://relay:7072 host_worker c)
	wait_node c READY 40
	keep_on a b c
	# The same above TCP: whole calls get lost.
	davit chaos slow b --delay 200ms --loss 30 --for 60s
	for host in a c relay; do
		link_lossy "$host" 0.3
	done
	begun=$(now_ms) n=0
	while [ $(($(now_ms) - begun)) -lt 60000 ]; do # the length of the trouble, not a wait for something
		n=$((n + 1))
		davit ps -q >/dev/null
		sleep 1
	done
	link_heal relay
	link_heal a
	link_heal c
	all_kept a b c
}

@test "a link that carries 8 kB a second: tasks come and go over it, and none is touched" {
	keep_on a b
	link_thin a 64kbit
	link_thin b 64kbit
	begun=$(now_ms)
	for n in 1 2 3 4 5; do
		davit run -q --name "thin-$n" --constraint 'node.name == a' "$E2E_IMAGE" -- sh -c 'for i in $(seq 200); do echo line $i of many that take their time; done'
		wait_task "thin-$n" COMPLETED 60
		[ "$(engine_did "$(task "thin-$n" .id)" start)" = 1 ]
	done
	# All of it gets through, in order.
	[ "$(davit logs thin-5 | sha256sum)" = "$(for i in $(seq 200); do echo "line $i of many that take their time"; done | sha256sum)" ]
	[ "$(node a .state)" = READY ] || [ "$(node a .state)" = UNKNOWN ]
	echo "# five tasks took $(($(now_ms) - begun)) ms" >&3
	link_heal a
	link_heal b
	davit rm thin-1 thin-2 thin-3 thin-4 thin-5
	all_kept a b d e
}

@test "links that flap every second" {
	keep_on a b
	for round in {1..15}; do
		link_cut a
		link_heal b
		sleep 1
		link_heal a
		link_cut b
		sleep 1
	done
	link_heal b
	all_kept a b d e
}

@test "a manager that nobody reaches: nothing moves, and nothing is lost when it is back" {
	keep_on a b
	davit run -q --name mover --restart always "$E2E_IMAGE" -- sleep 3600
	wait_task mover RUNNING
	link_cut manager
	wait_node a UNKNOWN 20
	wait_node b UNKNOWN 20
	# The silence of most nodes at once is the manager's own trouble, not theirs.
	[ "$(task mover .state)" = RUNNING ]
	link_heal manager
	kept+=(mover)
	all_kept a b d e
}

@test "a manager that moves to another address" {
	keep_on a b
	proc_stop 10 "$home/run/manager.pid"
	on manager ip link set eth0 down
	grep -v ' manager$' "$home/etc/hosts" | sed 's/ manager2$/ manager/' >"$home/etc/hosts.new"
	cat "$home/etc/hosts.new" >"$home/etc/hosts" # the same file, which is mounted in every host
	hosts_manager manager2
	davit() { on manager2 timeout 60 "$DAVIT_BIN/davit" "$@"; }
	nngcat() { on manager2 nngcat "$@"; }
	all_kept a b d e
}
