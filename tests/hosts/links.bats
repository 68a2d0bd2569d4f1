#!/usr/bin/env bats
# links.bats - links between hosts fail; what ran where and when is the engine's own word.
# The long ones are in tests/hosts/long.

load hosts
setup_file() {
	hosts_begin links
	hosts_cluster a b
}
teardown_file() { hosts_end; }
teardown() {
	for host in manager a b; do
		link_heal "$host"
	done
	davit chaos heal --all >/dev/null 2>&1 || true
}

@test "a host that is cut off: what is to be kept goes on there, the rest moves, and nothing runs twice in the end" {
	davit run --name keep --disconnect keep --constraint 'node.name == a' "$E2E_IMAGE" -- sleep 600
	davit run --name patient --restart always --disconnect replace:10m --constraint 'node.name == a' "$E2E_IMAGE" -- sleep 600
	davit run --name mover --restart always --prefer 'node.name == a,weight=100' "$E2E_IMAGE" -- sleep 600
	davit run --name ends --disconnect stop-after:2s --restart always --constraint 'node.name == a' "$E2E_IMAGE" -- sleep 600
	for name in keep patient mover ends; do
		wait_task $name RUNNING
	done
	[ "$(task mover .node_name)" = a ]
	old=$(task mover .id) ends=$(task ends .id)

	link_cut a
	wait_node a UNKNOWN 10
	moved() { [ "$(task mover .node_name)" = b ] && [ "$(task mover .state)" = RUNNING ]; }
	wait_for 30 moved || fail "$(task mover)"
	[ "$(task mover .replaces)" = "$old" ]
	# Nobody can tell the worker; it ends by itself what was to be ended without contact.
	ended() { [ "$(engine_did "$ends" die)" -ge 1 ]; }
	wait_for 20 ended
	[ "$(task keep .phase)" = UNREACHABLE ]

	link_heal a
	wait_node a READY 40
	wait_for 30 engine_is_as_the_store || fail "$(docker ps --filter "label=davit.cluster=$CLUSTER")"
	did "$old" 1 1
	[ "$(task mover .node_name)" = b ]
	ran_only_once keep patient mover
	davit rm -f keep patient mover ends
}

@test "one way only: a mute host and a deaf one are missed, and lose nothing" {
	for host in a b; do
		davit run --name "keep-$host" --disconnect keep --constraint "node.name == $host" "$E2E_IMAGE" -- sleep 600
		davit run --name "patient-$host" --restart always --disconnect replace:10m --constraint "node.name == $host" "$E2E_IMAGE" -- sleep 600
		wait_task "keep-$host" RUNNING
		wait_task "patient-$host" RUNNING
	done
	link_mute a
	wait_node a UNKNOWN 10
	link_heal a
	wait_node a READY 40
	link_deaf b
	wait_node b UNKNOWN 10
	link_heal b
	wait_node b READY 40
	wait_for 30 engine_is_as_the_store
	ran_only_once keep-a patient-a keep-b patient-b
	davit rm -f keep-a patient-a keep-b patient-b
}

@test "a host that loses its power and comes back: what ran there ended, and nothing runs twice" {
	davit run --name kept --disconnect keep --restart always --constraint 'node.name == a' "$E2E_IMAGE" -- sleep 600
	davit run --name moves --restart always --prefer 'node.name == a,weight=100' "$E2E_IMAGE" -- sleep 600
	davit run --name job --disconnect keep --constraint 'node.name == a' "$E2E_IMAGE" -- sleep 600
	for name in kept moves job; do
		wait_task $name RUNNING
	done
	[ "$(task moves .node_name)" = a ]
	kept=$(task kept .id) old=$(task moves .id) job=$(task job .id)

	davit chaos kill-node a --for 15s
	moved() { [ "$(task moves .node_name)" = b ] && [ "$(task moves .state)" = RUNNING ]; }
	wait_for 30 moved || fail "$(task moves)"
	all_died() { [ "$(engine_did "$kept" die) $(engine_did "$old" die) $(engine_did "$job" die)" = "1 1 1" ]; }
	wait_for 20 all_died
	# By itself: nobody heals it.
	wait_node a READY 40
	wait_task job FAILED
	restarted() { [ "$(engine_did "$kept" start)" = 2 ] && [ "$(task kept .state)" = RUNNING ]; }
	wait_for 20 restarted || fail "$(task kept)"
	wait_for 30 engine_is_as_the_store || fail "$(docker ps --filter "label=davit.cluster=$CLUSTER")"
	[ "$(task kept .id) $(task kept .node_name)" = "$kept a" ]
	did "$old" 1 1
	did "$job" 1 1
	never_two_at_once "$old" "$(task moves .id)"
	never_two_at_once "$kept"
	davit rm -f kept moves job
}

@test "a host that gets another address is the same node, and its tasks go on" {
	davit run --name stays --constraint 'node.name == a' "$E2E_IMAGE" -- sleep 600
	wait_task stays RUNNING
	id=$(node a .id)
	host_move a 10.99.0.77
	# Its connections are dead, and nobody tells it so: it must find out.
	davit run --name after --constraint 'node.name == a' "$E2E_IMAGE" -- sleep 600
	wait_task after RUNNING 60
	[ "$(node a .id)" = "$id" ]
	wait_node a READY 40
	ran_only_once stays after
	davit rm -f stays after
}
