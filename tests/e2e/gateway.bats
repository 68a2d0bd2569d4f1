#!/usr/bin/env bats
# gateway.bats - HTTP: the native API and the contracts of others, by curl, on the real engine.

load lib
setup_file() {
	cluster_up
	# Those contracts cannot say what to run: the image does.
	export SLEEPER=$E2E_IMAGE-sleeper
	docker build -q -t "$SLEEPER" - >/dev/null <<<"FROM $E2E_IMAGE
CMD [\"sleep\", \"1000\"]"
	gateway_start
	wait_for 10 curl -fsS "$url_gateway/v1/cluster"
}
teardown_file() {
	cluster_down
	docker rmi -f "$SLEEPER" >/dev/null
}

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

@test "a container is provisioned with a time to live, listed, looked at and terminated" {
	run http POST /provision "{\"name\":\"test1\",\"image\":\"$SLEEPER\",\"cpu\":1.0,\"memory\":64,\"ttl\":\"10m\"}"
	is_status 200
	[ "$(body | jq -c '[.Name, .CPU == 1, .MemoryMB, .Status, .TTL]')" = '["test1",true,64,"Running",600000000000]' ] || fail "$output"
	id=$(body | jq -r .ID)
	[ "$(docker inspect -f '{{.State.Running}}' "$id")" = true ]
	run http GET /list
	[ "$(body | jq -r '.[].ID')" = "$id" ]
	run http GET "/status/$id"
	is_status 200
	run http POST "/terminate/$id"
	is_status 200
	[ "$(body)" = 'Container terminated
' ] || [ "$(body)" = 'Container terminated' ]
	is_gone() { ! docker inspect "$id" >/dev/null 2>&1; }
	wait_for 30 is_gone
	run http GET "/status/$id"
	is_status 404
}

@test "what cannot be provisioned is told, and leaves nothing behind" {
	run http POST /provision "{\"image\":\"$SLEEPER\",\"cpu\":1000,\"memory\":64,\"ttl\":\"10m\"}"
	is_status 500
	has 'Provision failed: no node has enough resources'
	run http POST /provision "{\"image\":\"$SLEEPER\",\"ttl\":\"10\"}"
	is_status 400
	has 'Invalid TTL format'
	run http GET '/v1/tasks?states=pending'
	[ "$(body | jq '.tasks | length')" = 0 ]
}

@test "tasks are submitted flat or in an event, listed with numbers for states, and deleted" {
	run http POST /tasks "{\"name\":\"web-server\",\"image\":\"$SLEEPER\",\"memory\":64,\"cpu\":1.0,\"disk\":1,\"exposedPorts\":{\"80/tcp\":{}}}"
	is_status 201
	[ "$(body | jq -c '[.Name, .Memory, .Disk]')" = '["web-server",64,1]' ]
	id=$(body | jq -r .ID)
	wait_task web-server RUNNING
	run http GET "/tasks/$id"
	[ "$(body | jq .State)" = 2 ]
	[ "$(body | jq -r '.PortBindings["80"]')" -gt 0 ]
	run http POST /tasks "{\"ID\":\"x\",\"State\":1,\"Task\":{\"Name\":\"in-event\",\"Image\":\"$SLEEPER\"}}"
	is_status 201
	run http POST /tasks '{"nme": "x"}'
	is_status 400
	has 'unknown field'
	run http GET /stats
	[ "$(body | jq '.MemStats.mem_total > 0 and .DiskStats.all > 0 and .CpuStats.user > 0 and .TaskCount >= 1')" = true ]
	run http DELETE "/tasks/$id"
	is_status 204
	# Removed when its container is, which is a moment later.
	wait_for 30 prints 404 curl -sS -o /dev/null -w '%{http_code}' "$url_gateway/tasks/$id"
	http DELETE /tasks/in-event
}

@test "containers are created with variables and ports, listed, stopped and removed" {
	port=$(free_ports 1)
	run http POST /containers "{\"name\":\"my-container\",\"image\":\"$SLEEPER\",\"env\":{\"KEY\":\"value\"},\"ports\":{\"80/tcp\":\"$port\"}}"
	is_status 200
	id=$(body | jq -r .id)
	docker inspect -f '{{json .Config.Env}}' "$id" | grep -q KEY=value
	[ "$(docker inspect -f '{{(index (index .HostConfig.PortBindings "80/tcp") 0).HostPort}}' "$id")" = "$port" ]
	run http POST /containers "{\"name\":\"my-container\",\"image\":\"$SLEEPER\"}"
	is_status 409
	run http GET /containers
	[ "$(body | jq -r '.[] | select(.name == "my-container") | .id')" = "$id" ]
	run http POST /containers/my-container
	is_status 204
	wait_task my-container COMPLETED
	run http DELETE /containers/my-container
	is_status 204
	run http DELETE /containers/no-such-thing
	is_status 404
}
