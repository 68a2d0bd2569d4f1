#!/usr/bin/env bats
# cli.bats - every command of `davit`, its formats, mistakes and exit codes.
#
# The cluster's workers run containers in memory (mem://), so no engine is needed: besides
# tests/e2e/run.sh, `bats tests/e2e/cli.bats` works as it is.

export E2E_DIR=${E2E_DIR:-$BATS_RUN_TMPDIR}
load lib
export DAVIT_BIN=${DAVIT_BIN:-$repo/build/debug/bin}

setup_file() {
	cluster_use "$E2E_DIR/cli" "$(free_ports 12)"
	export home url_manager url_feed url_stats url_feed_json url_scheduler url_monitor url_monitor_http DAVIT_MANAGER
	export XDG_CONFIG_HOME=$BATS_FILE_TMPDIR/config TZ=UTC
	unset DAVIT_CONFIG DAVIT_OUTPUT DAVIT_NAMESPACE DAVIT_TIMEOUT
	manager_start --allow-chaos --silent-after 5s
	scheduler_start
	worker_start n1 4 8GiB --docker-host mem:// --allow-chaos --label zone=eu
	worker_start n2 8 16GiB --docker-host mem:// --allow-chaos
	wait_for 30 ready
}
teardown_file() {
	local pids
	readarray -t pids < <(find "$home/run" -name '*.pid')
	proc_stop 10 "${pids[@]}"
}
ready() { [ "$(davit nodes -o json | jq '[.[] | select(.state == "READY")] | length')" = 2 ]; }

# A test leaves no live task behind for the next.
teardown() { davit ps -q | xargs -r "$DAVIT_BIN/davit" rm -f >/dev/null; }

# Standard output and error of the last `run --separate-stderr`, and the exit code.
exits() { [ "$status" -eq "$1" ] || fail "exit code $status, want $1: $output ${stderr:-}"; }
bats_require_minimum_version 1.5.0

# in_terminal COMMAND: in a tmux of its own, 120 x 30; screen shows what is on it.
in_terminal() {
	tmux -L "$(tmux_name)" -f /dev/null new-session -d -x 120 -y 30 \
		"env PATH='$DAVIT_BIN:$PATH' DAVIT_MANAGER='$DAVIT_MANAGER' PS1='READY> ' sh"
	wait_for 15 shows 'READY>'
	type_keys "$1" Enter
}
tmux_name() { basename "$E2E_DIR"; }
type_keys() { tmux -L "$(tmux_name)" send-keys "$@"; }
screen() { tmux -L "$(tmux_name)" capture-pane -p; }
shows() { screen | grep -qF -- "$1"; }
shows_line() { screen | grep -qxF -- "$1"; } # not what was typed
end_terminal() { tmux -L "$(tmux_name)" kill-server 2>/dev/null || true; }

@test "run prints the id alone, and the task runs" {
	run --separate-stderr davit run --name web -p 80 nginx
	exits 0
	[[ $output =~ ^[0-9a-f-]{36}$ ]]
	[ -z "$stderr" ]
	id=$output
	davit wait --for running web
	[ "$(davit inspect web | jq -r .id)" = "$id" ]
	port=$(davit inspect web | jq .ports[0].host_port)
	[ "$port" -ge 30000 ]
	davit ps | grep -F "0.0.0.0:$port->80/tcp"
}

@test "run --follow shows the output and exits with the container's code" {
	run --separate-stderr davit run --rm --follow busybox -- echo hi
	exits 0
	[ "$output" = hi ]
	[ -z "$stderr" ]
	run davit run --rm --follow busybox -- sh -c 'echo so; exit 3'
	exits 3
	[ "$output" = so ]
	[ "$(davit ps -a -o json | jq length)" -eq 0 ] # --rm leaves nothing behind
}

@test "run --follow says why a task has no exit code" {
	run davit run --follow --name ghost nosuch:x
	exits 125
	has "task 'ghost' failed: "
	run davit run --wait nosuch:x
	exits 1
	has "failed: "
}

@test "run --wait says where it runs" {
	run --separate-stderr davit run --wait --name web -p 80 nginx
	exits 0
	[[ $stderr =~ ^"davit: web runs on n"[12]": 0.0.0.0:"[0-9]+"->80/tcp"$ ]] || fail "$stderr"
}

@test "a name is taken once" {
	davit run --name twin busybox
	run davit run --name twin busybox
	exits 1
	has "davit: name: a live task in namespace 'default' is called 'twin' already"
}

@test "namespaces keep names apart" {
	davit run --name same busybox
	davit run --namespace other --name same busybox
	[ "$(davit ps -o json | jq -r '.[].namespace' | sort | xargs)" = "default other" ]
	[ "$(davit ps --namespace other -q)" = "$(davit inspect --namespace other same | jq -r .id)" ]
	davit ps | grep -q NAMESPACE
}

@test "what has no room stays pending and ps says why" {
	davit run --name giant --memory 1TiB busybox
	giant_waits() { davit ps | grep giant | grep -q 'memory short on 2 of 2 nodes'; }
	wait_for 15 giant_waits
	run davit wait --for running --timeout 3s giant
	exits 5
	has "task 'giant' is not running after 3s"
}

@test "ps hides what has ended, filters, and prints ids" {
	davit run --name live -l app=a busybox
	davit run --name dead -l app=b busybox -- false
	run davit wait dead
	exits 1
	davit wait --for running live
	[ "$(davit ps -o json | jq -r '.[].name')" = live ]
	davit ps -a | grep -q 'FAILED (exit 1)'
	[ "$(davit ps -a -l app=b -o json | jq -r '.[].name')" = dead ]
	[ "$(davit ps -s failed -l app=b -q)" = "$(davit inspect dead | jq -r .id)" ]
	node=$(davit inspect live | jq -r .node_name)
	[ "$(davit ps -n "$node" -q)" = "$(davit ps -q)" ]
	[ "$(davit ps --name live -q | wc -l)" -eq 1 ]
	run davit ps -s asleep
	exits 2
}

@test "ids are short, and a short one is enough" {
	davit run --name one busybox
	davit run --name other busybox
	short=$(davit ps | awk '$2 == "one" {print $1}')
	[ ${#short} -ge 13 ] && [ ${#short} -lt 36 ]
	[ "$(davit inspect "$short" | jq -r .name)" = one ]
	davit ps --no-trunc | awk '$2 == "one" {print $1}' | grep -qE '^.{36}$'
	run davit inspect "${short:0:4}"
	exits 1 # it fits both
	has "davit: "
}

@test "an array is one id" {
	array=$(davit run --count 3 --name many busybox)
	[ "$(davit ps --array "$array" -q | wc -l)" -eq 3 ]
	[ "$(davit ps --array "$array" -o json | jq -r '.[].name' | sort | xargs)" = "many-0 many-1 many-2" ]
	davit stop -t 0 --array "$array"
	[ "$(davit ps -q | wc -l)" -eq 0 ]
	davit rm --array "$array"
	[ "$(davit ps -a --array "$array" -q | wc -l)" -eq 0 ]
}

@test "submit takes YAML, JSON, standard input and several at once" {
	cd "$BATS_TEST_TMPDIR"
	printf 'name: aa\nimage: busybox\n---\nname: bb\nimage: busybox\nmemory: 64MiB\n' >two.yaml
	echo '{"name": "cc", "image": "busybox", "command": ["sleep", "600"], "cpu": 0.5}' >one.json
	[ "$(davit submit -f two.yaml -f one.json | wc -l)" -eq 3 ]
	[ "$(davit inspect bb | jq .spec.memory_bytes)" -eq 67108864 ]
	[ "$(davit inspect cc | jq .spec.cpu_milli)" -eq 500 ]
	echo 'image: busybox' | davit submit -f - --count 2 -o json | jq -e '.count == 2'
	printf 'image: busybox\n---\nimage: busybox\nport: 1\n' >bad.yaml
	before=$(davit ps -q | wc -l)
	run davit submit -f bad.yaml
	exits 2
	has "bad.yaml, document 2: port"
	[ "$(davit ps -q | wc -l)" -eq "$before" ]
	run davit submit -f nowhere.yaml
	exits 4
}

@test "run --dry-run writes what submit reads" {
	davit run --dry-run --name copied -p 8080:80 -e A='b c' --restart on-failure:2 nginx -- x y >"$BATS_TEST_TMPDIR/t.yaml"
	davit submit -f "$BATS_TEST_TMPDIR/t.yaml"
	davit inspect copied -o json | jq -e '.spec | .env.A == "b c" and .ports[0].host_port == 8080
		and .restart.max_attempts == 2 and .command == ["x", "y"]'
}

@test "inspect prints one object, a list of several, and goes on behind what is missing" {
	davit run --name one busybox
	davit run --name other busybox
	davit inspect one | jq -e '.spec.image == "busybox"'
	[ "$(davit inspect one other | jq -r '.[].name' | xargs)" = "one other" ]
	davit inspect -o yaml one | grep -q '^name: one'
	run --separate-stderr davit inspect nobody one
	exits 4
	[ "$stderr" = "davit: no task 'nobody' in namespace 'default'" ]
}

@test "logs show what was printed, from where they are told" {
	davit run --name talker busybox -- sh -c 'echo one; echo two; sleep 600'
	davit wait --for running talker
	said() { [ "$(davit logs talker | xargs)" = "one two" ]; }
	wait_for 15 said
	[ "$(davit logs -n 1 talker)" = two ]
	davit logs --timestamps talker | grep -qE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T.* one'
	run davit logs nobody
	exits 4
	run davit logs talker -o json
	exits 2
}

@test "logs -f ends with the task" {
	davit run --name talker busybox -- sh -c 'echo one; sleep 1; echo two'
	run davit logs -f talker
	exits 0
	[ "$output" = "one
two" ]
}

@test "logs -f goes on when a silent node is heard again" {
	davit run --name talker --constraint 'node.name == n1' busybox -- sh -c 'echo one; sleep 8; echo two; exit 6'
	davit wait --for running talker
	timeout 240 "$DAVIT_BIN/davit" logs -f talker >"$BATS_TEST_TMPDIR/log" 2>"$BATS_TEST_TMPDIR/notes" &
	follower=$!
	grows() { [ -s "$BATS_TEST_TMPDIR/log" ]; }
	wait_for 15 grows
	worker=$(proc_pid "$home/run/n1.pid")
	kill -STOP "$worker"
	silent() { davit nodes | grep -q '^n1 *unknown'; }
	wait_for 15 silent || { kill -CONT "$worker"; fail "the node is not missed"; }
	davit ps | grep -q 'RUNNING (unreachable)' || { kill -CONT "$worker"; fail "$(davit ps)"; }
	run timeout 240 "$DAVIT_BIN/davit" --timeout 10s logs talker
	kill -CONT "$worker"
	exits 1
	has "davit: "
	wait $follower || fail "$(cat "$BATS_TEST_TMPDIR/notes")"
	[ "$(xargs <"$BATS_TEST_TMPDIR/log")" = "one two" ]
	run davit wait talker
	exits 6
	wait_for 15 ready
}

@test "stop waits for the end, rm wants it or force" {
	davit run --name aa busybox
	davit run --name bb stubborn:TERM
	davit wait --for running aa bb
	run davit rm aa
	exits 1
	[ "$(davit stop aa)" = aa ]
	[ "$(davit inspect aa | jq -r .state)" = COMPLETED ]
	davit rm aa
	run davit inspect aa
	exits 4
	davit stop -t 0 bb
	[ "$(davit inspect bb | jq .exit_code)" -eq 137 ]
	run davit stop nobody
	exits 4
	davit run --name cc busybox
	davit rm -f cc
}

@test "wait prints the codes and returns the greatest" {
	davit run --name three busybox -- exit 3
	davit run --name seven busybox -- sh -c 'sleep 0.3; exit 7'
	run davit wait seven three
	exits 7
	[ "$output" = "7
3" ]
	run davit wait -o json three
	exits 3
	jq -e '.[0].exit_code == 3' <<<"$output"
	run davit wait --for ever three
	exits 2
}

@test "nodes, drain and undrain" {
	davit nodes | grep -qE '^n1 +ready .*0/4'
	davit nodes -o wide | grep -q 'zone=eu'
	davit node inspect n1 | jq -e '.capacity.cpu_milli == 4000'
	[ "$(davit nodes -q | wc -l)" -eq 2 ]
	[ "$(davit node drain n1)" = n1 ]
	davit nodes | grep -q '^n1 *ready, draining'
	davit run --name elsewhere busybox
	davit wait --for running elsewhere
	[ "$(davit inspect elsewhere | jq -r .node_name)" = n2 ]
	davit node undrain n1
	run davit node rm n1
	exits 1
	run davit node inspect n9
	exits 4
	run davit node
	exits 2
	has "node undrain"
}

@test "events tell what happened" {
	davit run --name told busybox -- exit 4
	run davit wait told
	davit events --task told | grep -qE '^[0-9-]{10} [0-9:.]{12} task failed +told .* on n[12] exit 4'
	run --separate-stderr jq -r .what <<<"$(davit events --task told -o json)"
	[ "$(xargs <<<"$output")" = "pending scheduled running failed" ] || fail "$output"
	davit events --node n1 | grep -q 'node ready'
}

@test "events -f tell it as it happens, until ^C" {
	timeout 240 "$DAVIT_BIN/davit" events -f -o json >"$BATS_TEST_TMPDIR/events" &
	pid=$!
	sees() { davit run --rm --follow busybox -- true && grep -q '"what":"completed"' "$BATS_TEST_TMPDIR/events"; }
	wait_for 15 sees
	kill $pid
	wait $pid || true
}

@test "top in one page and in JSON" {
	davit run --name busy busybox
	davit wait --for running busy
	davit top --once | grep -q 'nodes   2 of 2 ready'
	measured() { davit top --once | grep busy | grep -q MiB; }
	wait_for 15 measured
	davit top -o json --count 2 -i 100ms | jq -se 'length == 2 and .[1].cluster.nodes_ready == 2'
}

@test "empty lists help a person, and nobody else" {
	run --separate-stderr davit ps
	[ -z "$stderr" ]
	in_terminal "davit ps"
	wait_for 15 shows "'davit run IMAGE' starts one"
	end_terminal
}

@test "^C in run --follow leaves the task, with --rm it stops it" {
	in_terminal "davit run --follow --name stays busybox -- sh -c 'echo up; sleep 600'"
	wait_for 30 shows_line up
	type_keys C-c
	wait_for 15 shows "stays goes on: 'davit logs -f stays'"
	type_keys 'echo code-$?' Enter
	wait_for 15 shows 'code-130'
	davit inspect stays | jq -e '.state == "RUNNING"'
	type_keys 'clear; davit run --rm --follow --name goes busybox -- sh -c "echo up; sleep 600"; echo code-$?' Enter
	wait_for 30 shows_line up
	type_keys C-c
	wait_for 15 shows 'code-143'
	shows 'stopping goes'
	run davit inspect goes
	exits 4
	end_terminal
}

@test "volumes, networks, cluster, version" {
	davit volume ls | grep -q '^NODE'
	davit network ls -o json | jq -e 'type == "array"'
	davit cluster | grep -q '^nodes *2 of 2 ready'
	davit info -o json | jq -e '.scheduler == "ok"'
	davit version | grep -qE '^manager +[0-9]'
	davit version -o json | jq -e '.client == .manager'
}

@test "every list has every format" {
	davit run --name one busybox
	for list in ps nodes "volume ls" "network ls"; do
		# shellcheck disable=SC2086 # two words
		davit $list -o json | jq -e 'type == "array"' >/dev/null || fail "$list -o json"
		davit $list -o yaml >/dev/null
		davit $list -o wide | head -n 1 | grep -qE '^[A-Z]+ ' || fail "$list -o wide"
		davit $list | head -n 1 | grep -qE '^[A-Z]+ ' || fail "$list"
		davit -o json $list | jq -e 'type == "array"' >/dev/null || fail "-o json $list"
	done
	run davit ps -o xml
	exits 2
	has "want table, wide, json or yaml"
}

@test "mistakes are sentences with exit codes of their own" {
	run davit
	exits 0
	run davit pss
	exits 2
	has "did you mean 'ps'?"
	run davit ps --al
	exits 2
	run davit run --publish none nginx
	exits 2
	has "--publish: 'none' is no port"
	run davit run Not/An/Image
	exits 1
	has "image"
	run davit rm nobody
	exits 4
	run davit -H tcp://127.0.0.1:1 --timeout 3s ps
	exits 3
	[ "$output" = "davit: cannot reach a manager at tcp://127.0.0.1:1: start one with 'make up', or give --manager URL or DAVIT_MANAGER" ]
	run davit -H tcp://127.0.0.1:1 version
	exits 0
}

@test "every command has help with examples" {
	davit --help | awk '/^  [a-z]+ ?[a-z]*  +[A-Z]/ {print}' >"$BATS_TEST_TMPDIR/commands"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/commands")" -ge 19 ]
	while IFS= read -r line; do
		command=$(sed -E 's/^  ([a-z]+( [a-z]+)?)  .*/\1/' <<<"$line")
		# shellcheck disable=SC2086 # two words
		davit $command --help | grep -q '^Examples:' || fail "davit $command --help"
		# shellcheck disable=SC2086
		davit help $command | grep -q '^Usage: davit' || fail "davit help $command"
	done <"$BATS_TEST_TMPDIR/commands"
}

@test "bash completes commands, flags and what the cluster knows" {
	davit run --name completed-by-tab busybox
	PATH=$DAVIT_BIN:$PATH
	unset -f davit
	source <(davit completion bash)
	completes() { # WANT WORD...
		local want=$1
		shift
		COMP_WORDS=(davit "$@") COMP_CWORD=$# COMPREPLY=()
		wait_for 30 gives "$want" || fail "$*: ${COMPREPLY[*]}"
	}
	gives() { # a person at the Tab key is not kept waiting for long: then there are no words
		_davit davit
		[ "${COMPREPLY[*]}" = "$1" ]
	}
	completes "nodes node" nod
	completes "n1 n2" node drain n
	completes completed-by-tab logs -f compl
	completes --publish run --publ
}

@test "flags win over variables, variables over the file" {
	mkdir -p "$XDG_CONFIG_HOME/davit"
	echo "output: json" >"$XDG_CONFIG_HOME/davit/config"
	davit nodes | jq -e length
	DAVIT_OUTPUT=yaml davit nodes | grep -q '^- '
	DAVIT_OUTPUT=yaml davit nodes -o table | grep -q '^NAME'
	davit --print-config | grep -q '^output: json'
	rm "$XDG_CONFIG_HOME/davit/config"
}

@test "a manager that restarts is waited for, and nothing happens twice" {
	davit run --name before busybox -- sh -c 'sleep 4; exit 9'
	timeout 240 "$DAVIT_BIN/davit" wait before >"$BATS_TEST_TMPDIR/code" 2>&1 &
	waiter=$!
	timeout 240 "$DAVIT_BIN/davit" events -f --history >"$BATS_TEST_TMPDIR/events" 2>&1 &
	watcher=$!
	manager_pid=$(proc_pid "$home/run/manager.pid")
	kill -9 "$manager_pid"
	wait_for 15 procs_gone "$home/run/manager.pid"
	timeout 240 "$DAVIT_BIN/davit" run --timeout 120s --name during busybox >"$BATS_TEST_TMPDIR/id" 2>"$BATS_TEST_TMPDIR/notes" &
	runner=$!
	manager_start
	wait $runner || fail "$(cat "$BATS_TEST_TMPDIR/notes")"
	[ "$(davit ps -a --name during -q)" = "$(cat "$BATS_TEST_TMPDIR/id")" ]
	code=0
	wait $waiter || code=$?
	[ "$code" -eq 9 ] || fail "wait exits with $code: $(cat "$BATS_TEST_TMPDIR/code")"
	heard() { grep -q 'task running *during' "$BATS_TEST_TMPDIR/events"; }
	wait_for 15 heard || fail "$(cat "$BATS_TEST_TMPDIR/events")"
	kill $watcher
	wait $watcher || true
}

# A line that ends in "# Ctrl-C ends it" is given 2 s, and its interrupt.
interrupted() {
	timeout --foreground -s INT -k 60 2 "$@" || case $? in 124 | 130) ;; *) return 1 ;; esac
}
export -f interrupted

@test "every command of docs/CLI.md works" {
	mkdir "$BATS_TEST_TMPDIR/here"
	awk -v dir="$BATS_TEST_TMPDIR" '/^```sh$/ {file = sprintf("%s/block-%02d", dir, ++n); next}
		/^```/ {file = ""} file != "" {print > file}' "$repo/docs/CLI.md"
	n=0
	for block in "$BATS_TEST_TMPDIR"/block-*; do
		n=$((n + 1))
		sed -E -i 's/^(.*[^ ]) *# Ctrl-C ends it$/interrupted \1/' "$block"
		(cd "$BATS_TEST_TMPDIR/here" && PATH=$DAVIT_BIN:$PATH timeout 240 bash -e -o pipefail -x "$block" 3>&- 4>&-) 2>&1 ||
			fail "block $n failed"
	done
	[ "$n" -ge 5 ]
}
