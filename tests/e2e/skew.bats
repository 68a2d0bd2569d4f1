#!/usr/bin/env bats
# skew.bats - an upgrade in the order of docs/OPERATIONS.md, from the release before to this one:
# manager, scheduler, then one worker of two. Programs of both speak with each other all the way.

load lib
. "$BATS_TEST_DIRNAME/../lib/previous.bash"

setup_file() {
	previous_is_known || skip "the release before, $(previous_commit), is not in this copy of the history"
	export new=$DAVIT_BIN old
	old=$(previous_bin)
	previous_build davit davit-manager davit-scheduler davit-worker >"$E2E_DIR/previous.log" 2>&1 3>&- ||
		{ tail -n 20 "$E2E_DIR/previous.log"; return 1; }
	export DAVIT_TIMEOUT=30s
	DAVIT_BIN=$old
	cluster_up
	davit run -q --name stays --restart always "$E2E_IMAGE" -- sleep 1000
	wait_task stays RUNNING 60
	davit run -q --name was "$E2E_IMAGE" -- echo hello
	wait_task was COMPLETED 60
	settled stays
	running_containers >"$E2E_DIR/skew/running"
	[ -s "$E2E_DIR/skew/running" ]
}
teardown_file() { DAVIT_BIN=$new cluster_down; }

# restart PROCESS COMMAND...: it ends, and the command starts it of this release.
restart() {
	local pidfile=$home/run/$1.pid
	shift
	kill "$(proc_pid "$pidfile")"
	wait_for 15 procs_gone "$pidfile" || fail "$pidfile did not end"
	DAVIT_BIN=$new "$@"
}
untouched() { runs_as_before "$(cat "$E2E_DIR/skew/running")"; }
version_of() { node "$1" .davit_version; }
both_ready() { [ "$(node n1 .state) $(node n2 .state)" = "READY READY" ]; }

# uses BIN NODE: a life of tasks on that node, asked for by the command line of BIN.
uses() {
	local DAVIT_BIN=$1 on=(--constraint "node.name == $2") name port
	name=t-$2-$RANDOM
	run davit run --rm --follow "${on[@]}" "$E2E_IMAGE" -- sh -c 'echo out; exit 3'
	[ "$status" -eq 3 ] && has out || fail "$output"
	davit run -q --name "$name" --wait -p 80 "${on[@]}" "$E2E_IMAGE" -- sh -c 'echo begun; exec httpd -f -p 80 -h /www'
	[ "$(node "$2" .id)" = "$(task "$name" .node_id)" ]
	port=$(task "$name" '.ports[0].host_port')
	run curl -fsS --retry 60 --retry-delay 1 --retry-all-errors -m 5 "http://127.0.0.1:$port/"
	has "Hello from Davit"
	wait_for 30 prints begun davit logs "$name"
	run davit exec "$name" -- sh -c 'echo inside; exit 7'
	[ "$status" -eq 7 ] && has inside || fail "$output"
	sampled() { davit stats -1 -o json "$name" 2>/dev/null | grep -q memory; }
	wait_for 30 sampled || fail "no figures: $(davit stats -1 "$name" 2>&1)"
	davit pause "$name"
	davit unpause "$name"
	davit stop -q --time 1 "$name"
	wait_for 30 final "$name" || fail "$(task "$name")"
	davit rm -q "$name"
}
final() { [[ $(task "$1" .state) == @(COMPLETED|FAILED) ]]; }

@test "the manager goes first: workers of the release before go on, and nothing that ran is touched" {
	restart manager manager_start
	wait_for 60 both_ready
	[ "$(version_of n1) $(version_of n2)" = "$(previous_version) $(previous_version)" ]
	[ "$("$new/davit" version -o json | jq -r '.manager.version // .manager')" != "$(previous_version)" ]
	untouched
	[ "$(task was .state)" = COMPLETED ]
	wait_for 30 prints RUNNING task stays .state
}

@test "a worker of the release before runs what either command line asks for" {
	uses "$old" n1
	uses "$new" n1
}

@test "the scheduler and one worker follow: the worker finds its containers again" {
	restart scheduler scheduler_start
	restart n2 worker_start n2 8 16GiB
	wait_for 30 prints "$("$new/davit" --version | awk '{print $2}')" version_of n2
	wait_for 60 both_ready
	untouched
	uses "$old" n2
	uses "$new" n1
}

@test "older and newer workers than these are refused, and told what to upgrade" {
	register() { call RegisterNode "{\"name\":\"n9\",\"capacity\":{\"cpu_milli\":1,\"memory_bytes\":1},\"davit_version\":\"$1\"}"; }
	run register 0.0.9
	has '"status":"FAILED_PRECONDITION"'
	has "too old for this manager"
	has "upgrade the worker"
	run register 9.0.0
	has '"status":"FAILED_PRECONDITION"'
	has "upgrade the manager first"
	[ -z "$(node n9)" ]
}

@test "and back: a manager of the release before refuses the newer state in words, and leaves it as it is" {
	kill "$(proc_pid "$home/run/manager.pid")"
	wait_for 15 procs_gone "$home/run/manager.pid"
	before=$(cksum <"$home/manager/manager.db")
	run timeout 120 "$old/davit-manager" --state-dir "$home/manager" --listen tcp://127.0.0.1:0 --feed tcp://127.0.0.1:0 \
		--feed-json tcp://127.0.0.1:0 --stats tcp://127.0.0.1:0
	[ "$status" -eq 1 ] || fail "exit code $status: $output"
	has "use a newer davit-manager"
	[ "$(cksum <"$home/manager/manager.db")" = "$before" ]
	DAVIT_BIN=$new manager_start
	wait_for 60 both_ready
	untouched
	uses "$old" n2
}
