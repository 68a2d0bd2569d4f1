#!/usr/bin/env bats
# tasks.bats - what a task does on a real engine, and what is said when it cannot.

load lib
setup_file() { cluster_up; }
teardown_file() { cluster_down; }

@test "a task runs to COMPLETED with exit code 0" {
	davit run --name ok "$E2E_IMAGE" -- true
	wait_task ok COMPLETED
	[ "$(task ok .exit_code)" = 0 ]
}

@test "a task whose process fails is FAILED with its exit code" {
	davit run --name seven "$E2E_IMAGE" -- sh -c 'exit 7'
	wait_task seven FAILED
	[ "$(task seven .exit_code)" = 7 ]
}

@test "run --rm --follow prints the output and exits with the container's code" {
	run davit run --rm --follow "$E2E_IMAGE" -- sh -c 'echo to-stdout; echo to-stderr >&2; exit 3'
	[ "$status" -eq 3 ]
	has to-stdout
	has to-stderr
}

@test "a web server is reached through the host port that was chosen for it" {
	davit run --name web -p 80 "$E2E_IMAGE" -- httpd -f -p 80 -h /www
	wait_task web RUNNING
	port=$(task web '.ports[0].host_port')
	[ "$port" -gt 0 ]
	run curl -fsS --retry 60 --retry-delay 1 --retry-all-errors -m 5 "http://127.0.0.1:$port/"
	has "Hello from Davit"
}

@test "the environment, user, directory and limits of the spec reach the container" {
	cat >"$BATS_TEST_TMPDIR/task.yaml" <<-END
		name: spec
		image: $E2E_IMAGE
		command: [sh, -c, 'echo "\$COLOUR \$(id -u) \$(pwd) \$(hostname)"']
		env: {COLOUR: blue}
		user: "65534"
		working_dir: /tmp
		hostname: here
		cpu: 0.5
		memory: 32MiB
		labels: {tier: test}
	END
	davit submit -f "$BATS_TEST_TMPDIR/task.yaml"
	wait_task spec COMPLETED
	run davit logs spec
	has "blue 65534 /tmp here"
	run docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}' "$(task spec .container_id)"
	has "33554432 500000000"
}

@test "logs are read again from the beginning, and followed to the end" {
	davit run --name talker "$E2E_IMAGE" -- sh -c 'for i in 1 2 3; do echo line $i; sleep 1; done'
	run davit logs -f talker
	[ "$status" -eq 0 ]
	has "line 1"
	has "line 3"
	run davit logs talker
	[ "$(grep -c '^line' <<<"$output")" -eq 3 ]
}

@test "stop ends a task, rm removes it and its container" {
	davit run --name long "$E2E_IMAGE" -- sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
	wait_task long RUNNING
	id=$(task long .id)
	davit stop long
	wait_task "$id" COMPLETED
	[ "$(task "$id" .phase)" = STOPPED ]
	davit rm "$id"
	gone() { [ -z "$(containers "$id" -a)" ] && [ -z "$(task "$id")" ]; }
	wait_for 20 gone
}

@test "a process that ignores TERM is killed after the stop timeout" {
	davit run --name deaf --stop-timeout 1s "$E2E_IMAGE" -- sh -c 'trap "" TERM; while :; do sleep 0.1; done'
	wait_task deaf RUNNING
	davit stop deaf
	wait_task deaf COMPLETED
}

@test "a task that crashes is restarted on its node, and counted" {
	davit run --name crasher --restart on-failure:2 "$E2E_IMAGE" -- sh -c 'exit 1'
	wait_task crasher FAILED
	[ "$(task crasher .restart_count)" = 2 ]
}

@test "a ttl ends a task and removes its container" {
	id=$(davit run -q --name mayfly --ttl 2s --stop-timeout 1s "$E2E_IMAGE" -- sleep 600)
	over() { davit events --task "$id" | grep -q 'task completed .*(ttl) is over'; }
	wait_for 20 over || fail "$(davit events --task "$id")"
	gone() { [ -z "$(containers "$id" -a)" ]; }
	wait_for 20 gone
}

@test "max_run_time stops a task, which is FAILED then" {
	davit run --name slow --max-run-time 1s --stop-timeout 1s "$E2E_IMAGE" -- sleep 600
	wait_task slow FAILED
}

@test "an unknown image is a sentence that names it" {
	davit run --name ghost "davit.invalid/no/such:image" -- true
	wait_task ghost FAILED 60
	run task ghost .message
	has "davit.invalid/no/such:image"
}

@test "a program that is not in the image is a sentence that names it" {
	davit run --name nosuch "$E2E_IMAGE" -- /bin/no-such-program
	wait_task nosuch FAILED
	run task nosuch .message
	has "/bin/no-such-program"
}

@test "a bad field is refused by its path, and nothing is submitted" {
	run call SubmitTasks '{"spec": {"image": "x", "ports": [{"container_port": 70000}]}}'
	[ "$(jq -r .status <<<"$output")" = INVALID_ARGUMENT ]
	[ "$(jq -r .field <<<"$output")" = 'spec.ports[0].container_port' ]
	run call SubmitTasks '{"spec": {"image": "x", "no_such_field": 1}}'
	[ "$(jq -r .status <<<"$output")" = INVALID_ARGUMENT ]
	has no_such_field
}

@test "a name that is in use is refused" {
	davit run --name twin "$E2E_IMAGE" -- sleep 600
	run davit run --name twin "$E2E_IMAGE" -- sleep 600
	[ "$status" -eq 1 ]
	has twin
	davit stop twin --time 0 || davit rm -f twin
}

@test "what does not fit anywhere stays PENDING and says what is short" {
	davit run --name giant --cpus 64 "$E2E_IMAGE" -- true
	says_why() { task giant .message | grep -i cpu; }
	wait_for 15 says_why
	[ "$(task giant .state)" = PENDING ]
	run task giant .message
	has "of 2 nodes"
	has nearest
	davit rm -f giant
}

@test "a task waits while another one holds its port, and runs when that is gone" {
	port=$(free_ports 1)
	davit run --name first -p "$port:80" "$E2E_IMAGE" -- httpd -f -p 80 -h /www
	wait_task first RUNNING
	davit run --name second -p "$port:80" "$E2E_IMAGE" -- httpd -f -p 80 -h /www
	says_why() { task second .message | grep "$port"; }
	wait_for 15 says_why
	[ "$(task second .state)" = PENDING ]
	davit rm -f first
	wait_task second RUNNING
	davit rm -f second
}

@test "a port that a stranger holds is a sentence that names it" {
	port=$(free_ports 1)
	nc -l -k -p "$port" </dev/null >/dev/null 3>&- 4>&- &
	stranger=$!
	not_free() { ! port_free "$port"; }
	wait_for 15 not_free
	davit run --name blocked -p "$port:80" "$E2E_IMAGE" -- httpd -f -p 80 -h /www
	says_why() { task blocked .message | grep "$port"; }
	wait_for 20 says_why || fail "it says: $(task blocked)"
	kill "$stranger"
	davit rm -f blocked
}

@test "the record of a task that has ended keeps what it used" {
	davit run --name burner --memory 64MiB "$E2E_IMAGE" -- sh -c 'until [ -e /tmp/on ]; do :; done'
	burns() { [ "$(task burner .usage.cpu_milli_peak)" -gt 100 ] 2>/dev/null; }
	wait_for 60 burns || fail "$(task burner)"
	# It ends with its container, at times before it can say that all went well.
	docker exec "$(task burner .container_id)" touch /tmp/on || true
	wait_task burner COMPLETED
	[ "$(task burner .usage.cpu_milli_peak)" -gt 100 ]
	[ "$(task burner .usage.n_samples)" -ge 1 ]
}

@test "an array of tasks is one submission, and all of them complete" {
	run call SubmitTasks "$(jq -n --arg image "$E2E_IMAGE" '{spec: {name: "many", image: $image, command: ["true"]}, count: 5}')"
	array=$(jq -r .response.array_id <<<"$output")
	ended() { [ "$(call ListTasks "{\"array_id\": \"$array\", \"states\": [\"COMPLETED\"]}" | jq '.response.tasks | length')" = 5 ]; }
	wait_for 60 ended
}
