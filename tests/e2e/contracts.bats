#!/usr/bin/env bats
# contracts.bats - the HTTP of other systems, by curl, on the real engine: each example of theirs as
# it is printed there, but for the address, and what their words promise beyond that.

load lib
setup_file() {
	cluster_up
	# Their examples run nginx, and cannot say what it shall do: any image of that name does.
	if ! docker image inspect nginx:latest >/dev/null 2>&1; then
		docker build -q -t nginx:latest - >/dev/null <<<"FROM $E2E_IMAGE
LABEL davit.test=contracts
STOPSIGNAL SIGKILL
CMD [\"httpd\", \"-f\", \"-p\", \"80\", \"-h\", \"/www\"]"
	fi
	# The way in which two of them are told where to listen.
	export api_port
	api_port=$(free_ports 2)
	export ORCHESTRATION_HOST=127.0.0.1 ORCHESTRATION_PORT=$api_port
	daemon gateway davit-gateway --manager "$url_manager"
	wait_for 60 curl -fsS -o /dev/null "http://127.0.0.1:$api_port/v1/cluster"
}
teardown_file() {
	cluster_down
	if [ -n "$(docker image ls -q --filter label=davit.test=contracts nginx:latest)" ]; then
		docker rmi -f nginx:latest >/dev/null
	fi
}

# http CURL-ARGUMENT...: against the gateway; prints the body, and then the status on a line of its own.
http() {
	local path=${*: -1}
	curl -sS -m 120 -w '\n%{http_code}\n' "${@:1:$#-1}" "http://localhost:$api_port$path"
}
# Splits the output of `run http …`.
status() { tail -n 1 <<<"$output"; }
body() { head -n -1 <<<"$output"; }
is_status() { [ "$(status)" = "$1" ] || fail "status $(status), want $1: $(body)"; }
is_body() { # FILTER WANT
	[ "$(body | jq -c "$1")" = "$2" ] || fail "$1 is $(body | jq -c "$1"), want $2: $(body)"
}
# Their httpd listens a moment after its container has started.
says_hello() { wait_for 60 curl -fsS -m 5 -o /dev/null "http://127.0.0.1:$1/index.html"; }
is_gone() { ! docker inspect "$1" >/dev/null 2>&1; }
@test "E0: a container is provisioned as printed, listed, looked at and terminated" {
	run http -X POST -d '{"name":"test1","image":"nginx","cpu":1.0,"memory":2048,"ttl":"10m"}' /provision
	is_status 200
	is_body '[.Name, .Image, .CPU == 1, .MemoryMB, .Status, .TTL]' '["test1","nginx",true,2048,"Running",600000000000]'
	id=$(body | jq -r .ID)
	[ "$(docker inspect -f '{{.State.Running}} {{.HostConfig.Memory}}' "$id")" = "true 2147483648" ]
	run http /list
	is_body '.[].ID' "\"$id\""
	run http "/status/$id"
	is_status 200
	run http -X POST "/terminate/$id"
	is_status 200
	[ "$(body)" = 'Container terminated
' ] || [ "$(body)" = 'Container terminated' ]
	wait_for 60 is_gone "$id"
	not_known() { [ "$(curl -sS -m 60 -o /dev/null -w '%{http_code}' "http://localhost:$api_port/status/$id")" = 404 ]; }
	wait_for 60 not_known
	run http "/status/$id"
	is_status 404
	has "Status lookup failed: container $id not found"
}

@test "what cannot be provisioned is told in the words of the original, and leaves nothing behind" {
	run http -d '{"image":"nginx","cpu":1000,"memory":64,"ttl":"10m"}' /provision
	is_status 500
	has 'Provision failed: no node has enough resources'
	run http -d '{"image":"nginx","ttl":"10"}' /provision
	is_status 400
	has 'Invalid TTL format (example: "10s", "5m"): time: missing unit in duration "10"'
	run http -d '{"image":' /provision
	is_status 400
	has 'Invalid JSON: '
	run http -X POST /terminate/none
	is_status 500
	has 'Terminate failed: container not found'
	run http -X POST /terminate/a/b
	is_status 500
	has 'Terminate failed: container not found'
	run http /status/a/b
	is_status 404
	has 'Status lookup failed: container a/b not found'
	run http -X POST /terminate/
	is_status 400
	has 'Missing container ID'
	run http -X DELETE /terminate/x
	is_status 405
	has 'Method not allowed'
	run http '/v1/tasks?states=pending'
	is_body '.tasks // [] | length' 0
}

@test "a container with a time to live is gone when it is over" {
	run http -d '{"image":"nginx","ttl":"10s"}' /provision
	is_status 200
	id=$(body | jq -r .ID)
	wait_for 60 is_gone "$id"
	wait_for 60 prints '[]' curl -sS -m 60 "http://localhost:$api_port/list"
}

@test "E3a, E3b: tasks are submitted as printed or in an event, listed with numbers for states, and deleted" {
	run http -X POST -d '{"name":"web-server","image":"nginx:latest","memory":512,"cpu":1.0,"disk":1,"exposedPorts":{"80/tcp":{}}}' /tasks
	is_status 201
	is_body '[.Name, .Memory, .Disk, .ExposedPorts]' '["web-server",512,1,{"80/tcp":{}}]'
	id=$(body | jq -r .ID)
	wait_task web-server RUNNING
	run http "/tasks/$id"
	is_body .State 2
	says_hello "$(body | jq -r '.PortBindings["80/tcp"]')"
	run http -d '{"ID":"x","State":1,"Task":{"Name":"in-event","Image":"nginx"}}' /tasks
	is_status 201
	run http /tasks/
	is_body '[.[].Name] | contains(["in-event", "web-server"])' true
	run http -d '{"image":"nginx","exposedPorts":{"80/tcp":{},"53/udp":{}},"portBindings":{"80/tcp":"70000"}}' /tasks
	is_status 400
	run http -d '{"name":"bound","image":"nginx","exposedPorts":{"80/tcp":{},"53/udp":{}},"portBindings":{"80/tcp":"1","90":"2"}}' /tasks
	is_status 201
	is_body .ExposedPorts '{"80/tcp":{},"53/udp":{},"90/tcp":{}}'
	[ "$(task bound '.spec.ports | map([.container_port, .host_port // 0]) | sort | tojson')" = '[[53,0],[80,1],[90,2]]' ]
	davit rm -q -f bound
	run http -d '{"nme": "x"}' /tasks
	is_status 400
	is_body .message '"Failed to decode request body: json: unknown field \"nme\""'
	run http /stats
	is_body '.MemStats.mem_total > 0 and .DiskStats.all > 0 and .CpuStats.user > 0 and .TaskCount >= 1' true
	run http -X DELETE "/tasks/$id"
	is_status 204
	# Removed when its container is, which is a moment later.
	wait_for 60 prints 404 curl -sS -o /dev/null -w '%{http_code}' "http://localhost:$api_port/tasks/$id"
	http -X DELETE /tasks/in-event
}

@test "E4a, E4b, E4c: containers as printed are created, listed, stopped, started again and removed" {
	port=$(free_ports 1) # where 8080 is printed: somebody else may have that
	run http -X POST -d "{\"name\":\"my-container\",\"image\":\"nginx:latest\",\"env\":{\"KEY\":\"value\"},\"ports\":{\"80/tcp\":\"$port\"}}" /containers
	is_status 200
	is_body '[.name, .image, .status, .restart_count]' '["my-container","nginx:latest","running",0]'
	id=$(body | jq -r .id)
	docker inspect -f '{{json .Config.Env}} {{.HostConfig.RestartPolicy.Name}}' "$id" | grep -q KEY=value
	says_hello "$port"
	run http -d '{"name":"my-container","image":"nginx"}' /containers
	is_status 409
	run http /containers
	is_body '.[] | select(.name == "my-container") | .id' "\"$id\""
	run http -X POST "/containers/${id:0:12}"
	is_status 204
	# The answer came once it had ended.
	[ "$(task my-container .state)" = COMPLETED ]
	run http /containers
	is_body '[.[] | select(.name == "my-container")]' '[]'
	# Started again it is another container; its first id goes on standing for it.
	for _ in 1 2; do
		run http -X POST "/containers/$id/start"
		is_status 204
	done
	says_hello "$port"
	[ "$(call ListTasks '{"name": "my-container"}' | jq '.response.tasks | length')" = 2 ]
	run http -X POST "/containers/$id"
	wait_task my-container COMPLETED
	run http -X POST "/containers/$id/start"
	is_status 204
	run http -X DELETE "/containers/$id"
	is_status 204
	run http /containers
	is_body '[.[] | select(.name == "my-container")]' '[]'
	is_forgotten() { [ "$(call ListTasks '{"name": "my-container"}' | jq '.response.tasks | length')" = 0 ]; }
	wait_for 60 is_forgotten
	run http -X POST -d "{\"name\":\"web-server\",\"image\":\"nginx:latest\",\"ports\":{\"80/tcp\":\"$port\"}}" /containers
	is_status 200
	run http -X DELETE /containers/web-server
	is_status 204
	run http -X POST /containers/no-such-thing/start
	is_status 404
}

@test "a contract that is switched off is not there, and one that does not exist is told" {
	run timeout 60 "$DAVIT_BIN/davit-gateway" --manager "$url_manager" --contracts containerz
	[ "$status" -eq 1 ]
	has "there is no 'containerz'"
	export ORCHESTRATION_PORT=http
	run timeout 60 "$DAVIT_BIN/davit-gateway" --manager "$url_manager"
	[ "$status" -eq 1 ]
	has 'Failed to convert port to integer'
	daemon other davit-gateway --manager "$url_manager" --contracts none --listen "http://127.0.0.1:$((api_port + 1))"
	wait_for 60 curl -fsS -o /dev/null "http://127.0.0.1:$((api_port + 1))/v1/cluster"
	[ "$(curl -sS -o /dev/null -w '%{http_code}' "http://127.0.0.1:$((api_port + 1))/containers")" = 404 ]
}
