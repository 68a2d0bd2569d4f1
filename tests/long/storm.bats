#!/usr/bin/env bats
# storm.bats - processes are killed one after the other while tasks come in.

load ../e2e/lib
setup_file() { cluster_up --restart-grace 5s; }
teardown_file() { cluster_down; }

alive() {
	manager_start
	scheduler_start
	worker_start n1 4 8GiB
	worker_start n2 8 16GiB
}

@test "two minutes of kill -9: every acknowledged task completes, and none is there twice" {
	victims=(manager scheduler n1 n2)
	acknowledged=()
	end=$((SECONDS + ${STORM_SECONDS:-120}))
	for ((n = 0; SECONDS < end; n++)); do
		reply=$(call SubmitTasks "$(jq -cn --arg name "storm-$n" --arg image "$E2E_IMAGE" \
			'{spec: {name: $name, image: $image, command: ["sleep", "1"]}}')" "storm-$CLUSTER-$n") || true
		[ "$(jq -r .status <<<"$reply" 2>/dev/null)" != OK ] || acknowledged+=("storm-$n")
		victim=${victims[RANDOM % 4]}
		pid=$(proc_pid "$home/run/$victim.pid") && kill -9 "$pid"
		wait_for 5 procs_gone "$home/run/$victim.pid"
		alive
	done
	wait_node n1 READY 60
	wait_node n2 READY 60
	echo "$n rounds, ${#acknowledged[@]} acknowledged"
	[ ${#acknowledged[@]} -gt 10 ]
	for name in "${acknowledged[@]}"; do
		wait_task "$name" COMPLETED 120
		[ "$(call ListTasks "{\"name\": \"$name\"}" | jq '.response.tasks | length')" = 1 ] || fail "$name is there twice"
	done
	nothing_runs() { [ -z "$(docker ps -q --filter "label=davit.cluster=$CLUSTER")" ]; }
	wait_for 60 nothing_runs
}
