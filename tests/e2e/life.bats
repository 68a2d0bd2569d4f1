#!/usr/bin/env bats
# life.bats - health, pause, hold, restarts, limits in time: what happens to a task while it lives.

load lib
setup_file() { cluster_up; }
teardown_file() { cluster_down; }

# submit JSON: of a spec; $image is the demo image's.
submit() { call SubmitTasks "$(jq -n --arg image "$E2E_IMAGE" "{spec: ({image: \$image} + $1)}")"; }
# wait_phase NAME PHASE
wait_phase() {
	wait_for "${3:-30}" prints "$2" task "$1" .phase || fail "task $1 is not $2: $(task "$1")"
}

@test "a check over HTTP is healthy, and says why it is not; with no restart policy the task goes on" {
	submit '{name: "web", command: ["sh", "-c", "httpd -p 8080 -h /www && sleep 600"],
		healthcheck: {http_get: "http://:8080/index.html", interval: "300ms", timeout: "2s", retries: 2}}'
	wait_phase web HEALTHY
	docker exec "$(task web .container_id)" killall httpd
	wait_phase web UNHEALTHY
	cannot_connect() { [[ $(task web .message) == *"cannot connect"* ]]; }
	wait_for 30 cannot_connect || fail "$(task web)" # before that it may only have been slow
	docker exec "$(task web .container_id)" httpd -p 8080 -h /www
	wait_phase web HEALTHY
	[ "$(task web .restart_count)" = 0 ]
	davit rm -f web
}

@test "a check of a TCP port drives the restart policy" {
	submit '{name: "flaky", stop_timeout: "1s", restart: {condition: "ALWAYS"},
		command: ["sh", "-c", "trap \"exit 0\" TERM; nc -l -p 7000 & for i in $(seq 600); do sleep 0.1; done"],
		healthcheck: {tcp_port: 7000, interval: "300ms", retries: 2}}'
	restarted() { [ "$(task flaky .restart_count)" -ge 1 ]; }
	wait_for 40 restarted
	davit rm -f flaky
}

@test "a check by a command is the engine's, and its word reaches the task" {
	submit '{name: "file", command: ["sh", "-c", "touch /tmp/ok; sleep 600"],
		healthcheck: {command: ["test", "-e", "/tmp/ok"], interval: "1s", retries: 1}}'
	wait_phase file HEALTHY
	docker exec "$(task file .container_id)" rm /tmp/ok
	wait_phase file UNHEALTHY
	davit rm -f file
}

@test "pause freezes the processes and unpause lets them go on; what is paused can be stopped" {
	davit run --name cold --stop-timeout 1s "$E2E_IMAGE" -- sleep 600
	wait_task cold RUNNING
	davit pause cold
	wait_phase cold PAUSED
	[ "$(docker inspect -f '{{.State.Paused}}' "$(task cold .container_id)")" = true ]
	worker=$(task cold .node_name)
	worker_kill "$worker" KILL
	worker_start "$worker" 8 16GiB
	wait_node "$worker" READY
	wait_phase cold PAUSED
	davit unpause cold
	wait_phase cold STARTED
	[ "$(docker inspect -f '{{.State.Paused}}' "$(task cold .container_id)")" = false ]
	davit pause cold
	wait_phase cold PAUSED
	davit stop cold
	wait_task cold COMPLETED
	run davit pause cold
	[ "$status" -ne 0 ]
}

@test "what is created is there and does not run before it is started" {
	davit create --name later "$E2E_IMAGE" -- sleep 600
	wait_phase later CREATED
	[ "$(docker inspect -f '{{.State.Status}}' "$(task later .container_id)")" = created ]
	[ "$(task later .state)" = SCHEDULED ]
	before=$(task later .container_id)
	davit start later
	wait_task later RUNNING
	[ "$(task later .container_id)" = "$before" ]
	davit rm -f later
}

@test "restarts are counted on over a restart of the worker" {
	submit '{name: "counter", command: ["sh", "-c", "sleep 0.5; exit 1"], restart: {condition: "ALWAYS", max_delay: "100ms"}}'
	counted() { [ "$(task counter .restart_count)" -ge "$1" ]; }
	wait_for 30 counted 2
	worker=$(task counter .node_name)
	worker_kill "$worker" KILL
	before=$(task counter .restart_count)
	worker_start "$worker" 8 16GiB
	wait_for 30 counted $((before + 1))
	davit rm -f counter
}

@test "running out of memory is told apart from being killed, and from an exit code" {
	! docker info 2>/dev/null | grep -q "No memory limit" || skip "this engine limits no memory"
	davit run --name victim "$E2E_IMAGE" -- sleep 600
	davit run --name loser "$E2E_IMAGE" -- sh -c 'exit 7'
	wait_task victim RUNNING
	docker kill -s KILL "$(task victim .container_id)" >/dev/null
	wait_task victim FAILED
	wait_task loser FAILED
	shows() { [ "$(davit inspect "$1" | jq -r '"\(.oom_killed // false) \(.exit_code) \(.message)"')" = "$2" ] || fail "$(davit inspect "$1")"; }
	# An engine on a busy machine may miss it: the cgroup is gone before it has looked. Not every time, and
	# where the kernel counts whom it killed the worker does not depend on it.
	for try in 1 2 3 4 5 6 7 8; do
		davit run --name "hog-$try" -m 8MiB "$E2E_IMAGE" -- sh -c 'x=$(head -c 64000000 /dev/zero | tr "\0" x); echo ${#x}'
		wait_task "hog-$try" FAILED
		! grep -q '^oom_kill ' /proc/vmstat || break
		[ "$(docker inspect -f '{{.State.OOMKilled}}' "$(task "hog-$try" .container_id)")" != true ] || break
	done
	shows "hog-$try" "true 137 ran out of memory (limit: memory) and was killed"
	shows victim "false 137 exited with code 137"
	shows loser "false 7 exited with code 7"
}

@test "who writes more than its disk is stopped with a sentence; who keeps within it is not" {
	submit '{name: "greedy", disk: "5MiB", restart: {condition: "ALWAYS"}, stop_timeout: "1s",
		command: ["sh", "-c", "head -c 20000000 /dev/zero > /big; sleep 600"]}'
	submit '{name: "modest", disk: "5MiB", command: ["sh", "-c", "head -c 1000000 /dev/zero > /small; sleep 600"]}'
	wait_task greedy FAILED 60
	[[ $(task greedy .message) == "stopped: it wrote "*" and may write 5MiB (disk)" ]] || fail "$(task greedy)"
	wait_task modest RUNNING
	davit rm -f modest greedy
}

@test "a task whose ttl is over is removed without its grace, although it ignores TERM" {
	id=$(davit run -q --name mayfly --ttl 8s --stop-timeout 1h "$E2E_IMAGE" -- \
		sh -c 'trap "" TERM; while :; do sleep 0.1; done')
	over() { davit events --task "$id" | grep -q 'task completed .*(ttl) is over'; }
	wait_for 60 over || fail "$(davit events --task "$id")"
	gone() { [ -z "$(containers "$id" -a)" ]; }
	wait_for 60 gone # less than its grace: it was not given any
}
