#!/usr/bin/env bats
# chaos.bats - faults that are made on purpose: what they do, seen from outside, and that they end.

load lib
setup_file() {
	cluster_use "$E2E_DIR/chaos" "$(free_ports 12)"
	export home url_manager url_feed url_stats url_feed_json url_scheduler url_monitor url_monitor_http url_gateway
	export DAVIT_MANAGER CLUSTER
	manager_start --port-range "$(dynamic_ports)" --restart-grace 1s --allow-chaos
	scheduler_start
	worker_start n1 4 8GiB --allow-chaos
	worker_start n2 4 8GiB --allow-chaos
	worker_start calm 4 8GiB
	wait_for 30 nodes_ready 3 || { tail -n 20 "$home"/log/*.log; return 1; }
	CLUSTER=$(cat "$home/id")
	proc_start "$home/run/engine-events.pid" "$home/engine-events" docker events \
		--filter "label=davit.cluster=$CLUSTER" --filter event=start --filter event=die \
		--format '{{.TimeNano}} {{.Action}} {{index .Actor.Attributes "davit.task"}} {{index .Actor.Attributes "davit.node"}}'
	davit node update calm --taint quiet:no-schedule
}
teardown_file() { cluster_down; }
setup() { begun=$(now_ms); }
teardown() { davit chaos heal --all >/dev/null 2>&1 || true; }

engine_did() { # TASK-ID ACTION
	awk -v task="$1" -v action="$2" '$3 == task && $2 == action' "$home/engine-events" | wc -l
}
no_faults() { [ -z "$(davit chaos ls -q)" ]; }
# did TASK-ID STARTS DIES: as the engine's events have told, which may be a moment late.
did() { wait_for 30 has_done "$@" || fail "$(grep " $1 " "$home/engine-events")"; }
has_done() { [ "$(engine_did "$1" start) $(engine_did "$1" die)" = "$2 $3" ]; }
# The last event of that kind about a node in this test, its sentence or "-". What passes by itself is
# asked for by this: a busy machine may look only when it is over.
told() { # NODE WHAT
	call ReadEvents '{"history": true}' | jq -r --arg node "$1" --arg what "$2" --argjson begun "$begun" \
		'[.response.events[] | select(.node_name == $node and .what == $what and .ts_ms >= $begun)] | last |
			if . then .message // "-" else empty end'
}
was() { [ -n "$(told "$1" "$2")" ]; } # NODE WHAT

@test "kill-node: what ran there is dead, is replaced elsewhere, and the node is back by itself" {
	davit run --name mover --restart always --prefer 'node.name == n1,weight=100' "$E2E_IMAGE" -- sleep 600
	davit run --name once --constraint 'node.name == n1' "$E2E_IMAGE" -- sleep 600
	wait_task mover RUNNING
	wait_task once RUNNING
	[ "$(task mover .node_name)" = n1 ]
	old=$(task mover .id) once=$(task once .id)
	run davit chaos kill-node n1 --for 10s
	[ "$status" -eq 0 ] || fail "$output"
	has "n1: kill-node for 10s, until "
	wait_for 60 was n1 unknown
	moved() { [ "$(task mover .node_name)" = n2 ] && [ "$(task mover .state)" = RUNNING ]; }
	wait_for 60 moved || fail "$(task mover)"
	did "$old" 1 1
	did "$once" 1 1
	wait_for 30 prints "" containers "$once"
	[ "$(task mover .replaces)" = "$old" ]
	wait_node n1 READY 60
	wait_for 60 no_faults
	# What ended while nobody looked is known for what it was.
	wait_task once FAILED
	[ "$(task once .exit_code)" = 137 ]
	did "$old" 1 1
	did "$once" 1 1
	[[ $(told n1 fault) == "kill-node for 10s, until 20"*", by "* ]] || fail "$(told n1 fault)"
	[ -n "$(told n1 healed)" ]
	davit rm -f mover once
}

@test "partition: of one way or both, containers go on, and nothing is started twice" {
	davit run --name stays --disconnect keep --constraint 'node.name == n1' "$E2E_IMAGE" -- sleep 600
	wait_task stays RUNNING 60
	id=$(task stays .id)
	for way in out both; do
		begun=$(now_ms)
		davit chaos partition n1 --for 10s --direction $way
		[[ $(told n1 fault) == "partition$([ $way = both ] || echo " ($way)") for 10s, "* ]] || fail "$(told n1 fault)"
		wait_for 60 was n1 unknown
		wait_node n1 READY 60
		wait_for 60 no_faults
	done
	# A worker that is only deaf is heard: its node is READY, and does not do what it is told.
	begun=$(now_ms)
	davit chaos partition n1 --for 3s --direction in
	davit run --name told --constraint 'node.name == n1' "$E2E_IMAGE" -- sleep 600
	wait_task told RUNNING 60
	did "$(task told .id)" 1 0
	awk -v task="$(task told .id)" -v begun="$begun" '$3 == task && $1 / 1000000 < begun + 3000 {exit 1}' "$home/engine-events"
	[ "$(task stays .state)" = RUNNING ]
	did "$id" 1 0
	davit rm -f stays told
}

@test "a fault is healed before its time, also on a node that hears nothing" {
	davit chaos partition n1 n2 --for 1h
	wait_node n1 DOWN 60 # nothing runs there that would be waited for
	davit nodes | grep 'n1 .*chaos: partition, .* left'
	[ "$(davit chaos ls -q | sort | xargs)" = "n1 n2" ]
	run davit chaos heal n1
	[ "$status" -eq 0 ] && has "n1: partition is over"
	[ "$(davit chaos ls -q)" = n2 ]
	wait_node n1 READY 60
	# The other's worker is started anew, which heals as well.
	worker_kill n2 KILL
	worker_start n2 4 8GiB --allow-chaos
	wait_node n2 READY 60
	wait_for 60 no_faults
}

@test "kill-task: it failed, and its restart policy says what follows" {
	davit run --name again --restart always "$E2E_IMAGE" -- sleep 600
	davit run --name ends "$E2E_IMAGE" -- sleep 600
	wait_task again RUNNING
	wait_task ends RUNNING
	id=$(task again .id)
	davit chaos kill-task again ends --signal 9
	wait_task ends FAILED
	[ "$(task ends .exit_code)" = 137 ]
	restarted() { [ "$(task again .restart_count)" = 1 ] && [ "$(task again .state)" = RUNNING ]; }
	wait_for 60 restarted || fail "$(task again)"
	[ "$(task again .id)" = "$id" ]
	[[ $(told "$(task again .node_name)" fault) == "kill-task "* ]]
	run davit chaos kill-task ends
	[ "$status" -eq 1 ] && has "task 'ends' is FAILED: only one that is RUNNING can be killed"
	davit rm -f again ends
}

@test "pause-engine: the node is degraded, and takes up what waits when it is over" {
	davit run --name before --constraint 'node.name == n1' "$E2E_IMAGE" -- sleep 600
	wait_task before RUNNING
	davit chaos pause-engine n1 --for 10s
	was_degraded() { [[ $(told n1 degraded) == *"paused on purpose"* ]]; }
	wait_for 60 was_degraded || fail "$(node n1)"
	wait_node n1 READY 60
	davit run --name after --constraint 'node.name == n1' "$E2E_IMAGE" -- sleep 600
	wait_task after RUNNING
	[ "$(engine_did "$(task before .id)" die)" = 0 ]
	davit rm -f before after
}

@test "slow: calls are late and some are lost, and all gets there" {
	davit chaos slow n1 --delay 50ms --loss 20 --for 1h
	[ "$(node n1 '.faults[0].text')" = "slow (50 ms late, 20 % lost)" ]
	davit run --name late --disconnect keep --constraint 'node.name == n1' "$E2E_IMAGE" -- sleep 600
	wait_task late RUNNING 60
	davit chaos heal n1
	wait_for 60 no_faults
	did "$(task late .id)" 1 0
	davit rm -f late
}

@test "what makes no sense is refused, and the field is named" {
	refused() { # WORDS COMMAND...
		local words=$1
		shift
		run davit chaos "$@"
		[ "$status" -ne 0 ] && has "$words"
	}
	refused "no node 'nobody'" kill-node nobody
	refused "no task 'nobody'" kill-task nobody
	refused "for_ms" partition n1 --for 0s
	refused "for_ms" partition n1 --for 61m
	refused "CHAOS_FOR_MAX_MS" partition n1 --for 61m
	refused "want in, out or both" partition n1 --direction up
	refused "--loss" slow n1 --loss 101
	refused "slow how" slow n1
	refused "delay_ms" slow n1 --delay 2m
	refused "signal" kill-task x --signal NOPE
	refused "heal what" heal
	refused "start davit-worker there with --allow-chaos" partition calm
	for request in '{"kind": "PARTITION"}' '{"kind": "PARTITION", "node": "n1", "task": "x"}' \
		'{"kind": "KILL_TASK", "node": "n1", "task": "x"}' '{"kind": "KILL_NODE", "node": "n1", "delay": "1s"}'; do
		[ "$(call InjectFault "$request" | jq -r .status)" = INVALID_ARGUMENT ] || fail "$request"
	done
	no_faults
}

@test "docs/OPERATIONS.md: its game day, as it stands there" {
	readarray -t lines < <(awk '/^## A game day/ {on = 1} on && /^```$/ {exit} code {print} on && /^```sh/ {code = 1}' \
		"$repo/docs/OPERATIONS.md")
	[ ${#lines[@]} -ge 10 ]
	for line in "${lines[@]}"; do
		echo "$line"
		eval "${line/ demo / "$E2E_IMAGE" }"
		case $line in
		"davit wait "*) old=$(task game-web .id) ;;
		"davit chaos partition "*)
			wait_for 60 was n1 unknown
			moved() { [ "$(task game-web .node_name)" = n2 ] && [ "$(task game-web .state)" = RUNNING ]; }
			wait_for 60 moved || fail "$(task game-web)"
			;;
		"davit chaos heal "*)
			wait_node n1 READY 60
			alone() { [ -z "$(containers "$old")" ]; }
			wait_for 60 alone
			[ "$(engine_did "$(task game-job .id)" die)" = 0 ]
			;;
		"davit chaos kill-task "*) wait_task game-job FAILED ;;
		esac
	done
}

@test "the same over HTTP" {
	gateway_start
	wait_for 60 gateway_ready
	curl -fsS -X POST "$url_gateway/v1/chaos" -d '{"kind": "PARTITION", "node": "n1", "for": "1m", "by": "curl"}' |
		jq -e '.kind == "PARTITION" and .node_name == "n1" and .by == "curl"'
	curl -fsS "$url_gateway/v1/chaos" | jq -e '.faults | length == 1'
	curl -fsS -X POST "$url_gateway/v1/chaos/heal" -d '{"node": "n1"}' | jq -e '.faults[0].healing'
	wait_for 60 no_faults
	wait_node n1 READY 60
}

@test "a manager that does not allow it refuses, and ends what was begun under another" {
	davit chaos slow n1 --delay 10ms --for 1h
	proc_stop 10 "$home/run/manager.pid"
	manager_start --port-range "$(dynamic_ports)" --restart-grace 1s
	wait_node n1 READY 60
	run davit chaos kill-node n1
	[ "$status" -eq 1 ] && has "start davit-manager with --allow-chaos"
	over() { grep -q 'ev=chaos.over fault=slow reason="healed by order"' "$home/log/n1.log"; }
	wait_for 60 over || fail "$(tail "$home/log/n1.log")"
}
