#!/usr/bin/env bats
# gateway.bats - HTTP: the native API, by curl, on the real engine.

load lib
setup_file() {
	cluster_up
	gateway_start
	wait_for 10 curl -fsS "$url_gateway/v1/cluster"
}
teardown_file() { cluster_down; }

# http METHOD PATH [BODY]: prints the body, and then the status on a line of its own.
http() {
	local method=$1 path=$2
	shift 2
	curl -sS -m 60 -X "$method" "$url_gateway$path" -w '\n%{http_code}\n' ${1+-d "$1"}
}
# Splits the output of `run http …`.
status() { tail -n 1 <<<"$output"; }
body() { head -n -1 <<<"$output"; }
is_status() { [ "$(status)" = "$1" ] || fail "status $(status), want $1: $(body)"; }

spec() { # NAME COMMAND
	jq -cn --arg name "$1" --arg image "$E2E_IMAGE" --arg command "$2" \
		'{spec: {name: $name, image: $image, command: ["sh", "-c", $command]}}'
}

@test "a task is submitted, waited for, read, stopped and removed by HTTP" {
	run http POST /v1/tasks "$(spec native 'sleep 1000')"
	is_status 201
	[ "$(body | jq -r .name)" = native ]
	run http GET '/v1/tasks/native/wait?until=running&wait=30s'
	is_status 200
	[ "$(body | jq -r .task.state)" = RUNNING ]
	run http GET '/v1/tasks?states=running&name=native'
	[ "$(body | jq -r '.tasks[0].name')" = native ]
	run http POST /v1/tasks/native/stop '{"timeout": "0s"}'
	is_status 200
	run http GET '/v1/tasks/native/wait?wait=30s'
	[ "$(body | jq -r .task.phase)" = STOPPED ]
	run http DELETE /v1/tasks/native
	is_status 200
	run http GET /v1/tasks/native
	is_status 404
	[ "$(body | jq -r .code)" = NOT_FOUND ]
}

@test "the same Idempotency-Key changes the world once" {
	for _ in 1 2; do
		run curl -sS "$url_gateway/v1/tasks" -H 'Idempotency-Key: only-once' -d "$(spec keyed true)"
		has task_ids
	done
	run http GET '/v1/tasks?name=keyed'
	[ "$(body | jq '.tasks | length')" = 1 ]
}

@test "a task that did not change is not sent again" {
	http POST /v1/tasks "$(spec tagged true)"
	wait_task tagged COMPLETED
	etag=$(curl -sSI "$url_gateway/v1/tasks/tagged" | tr -d '\r' | sed -n 's/^ETag: //p')
	[ -n "$etag" ]
	[ "$(curl -sS -o /dev/null -w '%{http_code}' -H "If-None-Match: $etag" "$url_gateway/v1/tasks/tagged")" = 304 ]
}

@test "what is wrong is a problem with the field and changes nothing" {
	run http POST /v1/tasks '{"spec": {"image": "x", "memory": "lots"}}'
	is_status 400
	[ "$(body | jq -r .field)" = spec.memory ]
	run http POST /v1/tasks '{"spec": {"image": "x"'
	is_status 400
	run http GET '/v1/tasks?limit=many'
	is_status 400
	[ "$(body | jq -r .field)" = limit ]
	run http PUT /v1/tasks
	is_status 405
	run http GET /v2
	is_status 404
}

@test "without its manager the gateway says 503 within a second, and goes on by itself" {
	kill -9 "$(proc_pid "$home/run/manager.pid")"
	wait_for 10 procs_gone "$home/run/manager.pid"
	run curl -sS -m 3 -D "$BATS_TEST_TMPDIR/head" -o /dev/null -w '%{http_code}' "$url_gateway/v1/nodes"
	[ "$output" = 503 ]
	grep -qi '^Retry-After: 1' "$BATS_TEST_TMPDIR/head"
	manager_start
	wait_for 10 curl -fsS -o /dev/null "$url_gateway/v1/nodes"
	wait_for 30 nodes_ready 2
}
