#!/usr/bin/env bats
# faults.bats - processes die and come back; what was promised stays true.

load lib
setup_file() { cluster_up --silent-after 2500ms; }
teardown_file() { cluster_down; }

# What a test that failed left dead is brought back for the next one.
setup() {
	manager_start
	scheduler_start
	worker_start n1 4 8GiB
	worker_start n2 8 16GiB
	wait_node n1 READY 40
	wait_node n2 READY 40
}

@test "an acknowledged task survives kill -9 of the manager at once after the reply" {
	for round in 1 2 3; do
		pid=$(proc_pid "$home/run/manager.pid")
		reply=$(call SubmitTasks "$(jq -n --arg image "$E2E_IMAGE" --arg name "durable-$round" \
			'{spec: {name: $name, image: $image, command: ["true"]}}')" "durable-$CLUSTER-$round")
		kill -9 "$pid"
		[ "$(jq -r .status <<<"$reply")" = OK ] || fail "$reply"
		wait_for 15 procs_gone "$home/run/manager.pid"
		manager_start
		wait_task "durable-$round" COMPLETED
		# The same request again, after the crash: the same answer, not a second task.
		again=$(call SubmitTasks "$(jq -n --arg image "$E2E_IMAGE" --arg name "durable-$round" \
			'{spec: {name: $name, image: $image, command: ["true"]}}')" "durable-$CLUSTER-$round")
		[ "$(jq -Sc .response <<<"$again")" = "$(jq -Sc .response <<<"$reply")" ] || fail "$reply but then $again"
	done
}

@test "a restart of the manager touches nothing that runs" {
	davit run --name steady --restart always "$E2E_IMAGE" -- sleep 600
	davit run --name plain "$E2E_IMAGE" -- sleep 600
	settled steady plain
	before=$(running_containers)
	for signal in TERM KILL; do
		manager_restart $signal
		wait_node n1 READY 40
		wait_node n2 READY 40
		runs_as_before "$before"
		settled steady plain
	done
	davit rm -f steady plain
}

@test "a worker that is restarted adopts its containers" {
	davit run --name adopted "$E2E_IMAGE" -- sleep 600
	settled adopted
	node=$(task adopted .node_name)
	before=$(running_containers)
	for signal in TERM KILL; do
		session=$(node "$node" .session)
		worker_kill "$node" $signal
		case $node in n1) worker_start n1 4 8GiB ;; n2) worker_start n2 8 16GiB ;; esac
		new_session() { [ "$(node "$node" .session)" != "$session" ] && [ "$(node "$node" .state)" = READY ]; }
		wait_for 60 new_session
		settled adopted
		runs_as_before "$before"
	done
	davit rm -f adopted
}

@test "a task that ends while its worker is away is reported when it is back" {
	davit run --name meanwhile "$E2E_IMAGE" -- sh -c 'until [ -e /tmp/on ]; do sleep 0.1; done; exit 5'
	wait_task meanwhile RUNNING
	node=$(task meanwhile .node_name) id=$(task meanwhile .id)
	worker_kill "$node" KILL
	docker exec "$(task meanwhile .container_id)" touch /tmp/on || true # it ends with its container
	ended() { [ -z "$(containers "$id")" ]; }
	wait_for 20 ended
	case $node in n1) worker_start n1 4 8GiB ;; n2) worker_start n2 8 16GiB ;; esac
	wait_task meanwhile FAILED
	[ "$(task meanwhile .exit_code)" = 5 ]
}

@test "a lost worker is missed in under 3 s" {
	# By the events' own time. A machine that stands still just then has another try.
	for try in 1 2 3 4 5; do
		daemon quick davit-worker --name quick --manager "$url_manager" --stats "$url_stats" --cpus 1 --memory 1GiB \
			--docker-host mem:// --state-dir "$home/quick"
		wait_node quick READY 60
		killed_ms=$(now_ms)
		worker_kill quick KILL
		wait_for 60 is_missed || fail "$(node quick)"
		unknown_ms=$(missed_ms)
		echo "try $try: missed after $((unknown_ms - killed_ms)) ms"
		[ $((unknown_ms - killed_ms)) -ge 3000 ] || break
	done
	[ $((unknown_ms - killed_ms)) -lt 3000 ]
	davit node rm quick
}
# When the node was last missed, not before killed_ms.
missed_ms() {
	call ReadEvents '{"history": true}' | jq --argjson begun "$killed_ms" '[.response.events[] |
		select(.node_name == "quick" and .what == "unknown" and .ts_ms >= $begun) | .ts_ms] | last // empty'
}
is_missed() { [ -n "$(missed_ms)" ]; }

@test "a lost worker: its tasks are replaced elsewhere, the rest goes on when it is back" {
	davit run --name moved --restart always "$E2E_IMAGE" -- sleep 600
	wait_task moved RUNNING
	node=$(task moved .node_name) old=$(task moved .id)
	other=n1
	[ "$node" = n1 ] && other=n2
	davit run --name stays --constraint "node.name == $node" "$E2E_IMAGE" -- sleep 600
	wait_task stays RUNNING
	stays_container=$(task stays .container_id)

	worker_kill "$node" KILL
	wait_node "$node" UNKNOWN
	# The one is replaced on the other node, the other one waits.
	replaced() { [ "$(task "$old" .state)" = FAILED ] && [ "$(task moved .state)" = RUNNING ] &&
		[ "$(task moved .id)" != "$old" ]; }
	# Not within 30 s of the manager's own start, which a test before this one may have caused.
	wait_for 60 replaced || fail "$(task "$old") $(task moved)"
	[ "$(task moved .node_name)" = "$other" ]
	[ "$(task moved .replaces)" = "$old" ]
	[ "$(task "$old" .phase)" = LOST ]
	[ "$(task stays .state)" = RUNNING ]
	[ "$(task stays .phase)" = UNREACHABLE ]
	[ -n "$(containers "$old")" ]

	# It comes back: what was replaced is stopped, the rest goes on.
	case $node in n1) worker_start n1 4 8GiB ;; n2) worker_start n2 8 16GiB ;; esac
	wait_node "$node" READY 30
	stopped() { [ -z "$(containers "$old")" ]; }
	wait_for 30 stopped || fail "the replaced container still runs"
	reachable() { [ "$(task stays .phase)" != UNREACHABLE ]; }
	wait_for 15 reachable
	[ "$(task stays .state)" = RUNNING ]
	[ "$(containers "$(task stays .id)")" = "$stays_container" ]
	[ "$(task moved .node_name)" = "$other" ]
	davit rm -f moved stays
}

@test "drain moves what can be moved, undrain lets work come back" {
	davit run --name mover --restart always "$E2E_IMAGE" -- sleep 600
	wait_task mover RUNNING
	node=$(task mover .node_name) old=$(task mover .id)
	davit node drain "$node"
	[ "$(node "$node" .draining)" = true ]
	moved() { [ "$(task mover .node_name)" != "$node" ] && [ "$(task mover .state)" = RUNNING ]; }
	wait_for 40 moved || fail "$(task mover)"
	emptied() { [ -z "$(containers "$old")" ]; }
	wait_for 30 emptied
	davit run --name pinned --constraint "node.name == $node" "$E2E_IMAGE" -- true
	says_why() { task pinned .message | grep -i drain; }
	wait_for 15 says_why || fail "$(task pinned)"
	davit node undrain "$node"
	wait_task pinned COMPLETED
	davit rm -f mover
}

@test "a scheduler that is away makes tasks wait and say so, and they run when it is back" {
	proc_stop 10 "$home/run/scheduler.pid"
	davit run --name waiter "$E2E_IMAGE" -- true
	says_why() { task waiter .message | grep -i scheduler; }
	wait_for 15 says_why || fail "$(task waiter)"
	[ "$(task waiter .state)" = PENDING ]
	scheduler_start
	wait_task waiter COMPLETED 30
}

@test "a worker without an engine is DEGRADED and says why; nothing is placed there" {
	worker_start n3 32 8GiB --docker-host "unix://$home/absent.sock"
	wait_node n3 DEGRADED
	run node n3 .message
	has "$home/absent.sock"
	davit run --name toobig --cpus 16 "$E2E_IMAGE" -- true
	says_why() { [ -n "$(task toobig .message)" ]; }
	wait_for 15 says_why
	[ "$(task toobig .state)" = PENDING ]
	davit rm -f toobig
	proc_stop 10 "$home/run/n3.pid"
}

@test "TERM ends every process, and containers keep running" {
	davit run --name survivor "$E2E_IMAGE" -- sleep 600
	wait_task survivor RUNNING
	id=$(task survivor .id)
	for name in n1 n2 scheduler manager; do
		kill -TERM "$(proc_pid "$home/run/$name.pid")"
		wait_for 30 procs_gone "$home/run/$name.pid" || fail "$name does not end"
	done
	[ -n "$(containers "$id")" ]
}

@test "a copy of the manager's folder is the cluster as it was then" {
	davit run --name before --restart always "$E2E_IMAGE" -- sleep 600
	wait_task before RUNNING
	container=$(task before .container_id)
	proc_stop 10 "$home/run/manager.pid"
	cp -a "$home/manager" "$home/manager.copy"
	manager_start
	wait_node n1 READY 40
	davit run --name after --restart always "$E2E_IMAGE" -- sleep 600
	wait_task after RUNNING
	after=$(task after .id)

	proc_stop 10 "$home/run/manager.pid"
	rm -r "$home/manager" && mv "$home/manager.copy" "$home/manager"
	manager_start
	wait_node n1 READY 40
	wait_node n2 READY 40
	wait_task before RUNNING
	[ "$(task before .container_id)" = "$container" ]
	[ -z "$(task after)" ]
	gone() { [ -z "$(containers "$after")" ]; }
	wait_for 30 gone || fail "what the backup does not know still runs"
	davit rm -f before
}
