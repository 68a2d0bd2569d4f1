#!/usr/bin/env bats
# pods.bats - the contract of the small Kubernetes: pods and nodes by curl, on the real engine.

load lib
setup_file() {
	cluster_up
	gateway_start
	wait_for 60 curl -fsS -o /dev/null "$url_gateway/health"
	export WEB=$E2E_IMAGE-web
	docker build -q -t "$WEB" - >/dev/null <<<"FROM $E2E_IMAGE
STOPSIGNAL SIGKILL
CMD [\"httpd\", \"-f\", \"-p\", \"80\", \"-h\", \"/www\"]"
}
teardown_file() {
	cluster_down
	docker rmi -f "$WEB" >/dev/null
}

# http METHOD PATH [BODY]: prints the body, and then the status on a line of its own.
http() {
	curl -sS -m 120 -X "$1" "$url_gateway$2" -w '\n%{http_code}\n' ${3+-d "$3"}
}
status() { tail -n 1 <<<"$output"; }
body() { head -n -1 <<<"$output"; }
is_status() { [ "$(status)" = "$1" ] || fail "status $(status), want $1: $(body)"; }
is_body() { # FILTER WANT
	[ "$(body | jq -c "$1")" = "$2" ] || fail "$1 is $(body | jq -c "$1"), want $2: $(body)"
}
pod() { curl -sS -m 120 "$url_gateway/api/v1/$1" | jq -r "$2"; }
spec() { # NAME CONTAINERS [MORE]: of a pod
	echo "{\"metadata\":{\"name\":\"$1\",\"labels\":{\"app\":\"web\"}},\"spec\":{\"containers\":[$2]${3:-}}}"
}
container() { # NAME [MORE]
	echo "{\"name\":\"$1\",\"image\":\"$WEB\"${2:-}}"
}

@test "E2: a worker by the name of node1 is a node, and a pod gets there" {
	worker_start node1 4 8GiB --label disk=ssd
	is_there() { prints True pod nodes/node1 '.status.conditions[0].status'; }
	wait_for 60 is_there
	run http GET /api/v1/nodes
	is_body '[.kind, ([.items[].metadata.name] | sort)]' '["NodeList",["n1","n2","node1"]]'
	run http POST /api/v1/pods "$(spec web "$(container web ',"ports":[{"containerPort":80}],"env":[{"name":"KEY","value":"value"}],"resources":{"requests":{"cpu":"250m","memory":"32Mi"}}')" ',"nodeSelector":{"disk":"ssd"}')"
	is_status 201
	is_body '[.kind, .metadata.namespace, .metadata.labels, .spec.containers[0].resources.requests.cpu]' '["Pod","default",{"app":"web"},"250m"]'
	wait_for 60 prints Running pod pods/web .status.phase
	run http GET /api/v1/namespaces/default/pods/web
	is_body '[.spec.nodeName, .status.containerStatuses[0].ready, .status.conditions[0].status]' '["node1",true,"True"]'
	docker inspect -f '{{json .Config.Env}}' "$(body | jq -r '.status.containerStatuses[0].containerID')" | grep -q KEY=value
	# It listens a moment after its container has started.
	wait_for 60 prints 'Hello from Davit' curl -sS -m 5 \
		"http://127.0.0.1:$(body | jq '.status.containerStatuses[0].ports[0].hostPort')/index.html"
	run http GET /api/v1/nodes/node1/pods
	is_body '[.items[].metadata.name]' '["web"]'
	run http PUT /api/v1/namespaces/default/pods/web/status '{"phase":"Failed"}'
	is_body .status.phase '"Running"'
}

@test "pods are unique in their namespace, changed as a whole, and deleted" {
	run http POST /api/v1/namespaces/prod/pods "$(spec web "$(container a),$(container b)")"
	is_status 201
	wait_for 60 prints Running pod namespaces/prod/pods/web .status.phase
	run http GET /api/v1/namespaces/prod/pods/web
	is_body '[.status.containerStatuses[].name] | sort' '["a","b"]'
	run http POST /api/v1/namespaces/prod/pods "$(spec web "$(container a)")"
	is_status 409
	is_body .error '"RESOURCE_EXISTS"'
	uid=$(pod namespaces/prod/pods/web .metadata.uid)
	run http PUT /api/v1/namespaces/prod/pods/web "$(spec web "$(container c)")"
	is_status 200
	wait_for 60 prints Running pod namespaces/prod/pods/web .status.phase
	run http GET /api/v1/namespaces/prod/pods
	is_body '[.kind, (.items | length), .items[0].spec.containers[0].name]' '["PodList",1,"c"]'
	[ "$(body | jq -r '.items[0].metadata.uid')" != "$uid" ]
	run http GET /api/v1/pods
	is_body '[.items[].metadata.namespace] | sort' '["default","prod"]'
	run http DELETE /api/v1/namespaces/prod/pods/web
	is_status 200
	is_body . '{"message":"Pod deleted successfully"}'
	run http GET /api/v1/namespaces/prod/pods/web
	is_status 404
	is_body '[.error, .details.error]' '["RESOURCE_NOT_FOUND","resource not found: Pod/prod/web"]'
}

@test "a pod that has no place says why, and a pod that ends has its phase" {
	run http POST /api/v1/pods "$(spec big "$(container big ',"resources":{"requests":{"cpu":"500"}}')")"
	is_status 201
	waits() { pod pods/big '.status.conditions[0] | "\(.status) \(.reason) \(.message)"' | grep -q 'False Unschedulable .*[Cc][Pp][Uu]'; }
	wait_for 60 waits
	[ "$(pod pods/big .status.phase)" = Pending ]
	run http DELETE /api/v1/pods/big
	davit run --name ended "$E2E_IMAGE" -- false
	wait_for 60 prints Failed pod pods/ended .status.phase
	[ "$(pod pods/ended '.status.containerStatuses[0].state.terminated.exitCode')" = 1 ]
	davit rm ended
}

@test "a node that is registered by REST is listed, has its heartbeat, and takes no pod" {
	run http POST /api/v1/nodes '{"metadata":{"name":"rest1","labels":{"disk":"tape"}},"status":{"capacity":{"cpu":"4","memory":"8Gi"}}}'
	is_status 201
	is_body '[.metadata.name, .spec.unschedulable, .status.capacity]' '["rest1",true,{"cpu":"4","memory":"8388608Ki"}]'
	run http POST /api/v1/nodes '{"metadata":{"name":"rest1"}}'
	is_status 409
	run http POST /api/v1/nodes/rest1/heartbeat '{"allocatable":{"cpu":"3500m","memory":"7Gi"}}'
	is_status 200
	is_body .message '"Node heartbeat updated successfully"'
	run http POST /api/v1/nodes/rest1/heartbeat
	is_status 200
	run http GET /api/v1/nodes/rest1
	is_body '[.status.allocatable.cpu, .status.conditions[0].status, .metadata.labels]' '["3500m","True",{"disk":"tape"}]'
	run http POST /api/v1/pods "$(spec there "$(container there)" ',"nodeSelector":{"disk":"tape"}')"
	is_status 201
	waits() { pod pods/there '.status.conditions[0].message' | grep -qi 'node'; }
	wait_for 60 waits
	[ "$(pod pods/there .status.phase)" = Pending ]
	http DELETE /api/v1/pods/there
	run http DELETE /api/v1/nodes/rest1
	is_status 200
	is_body . '{"message":"Node deleted successfully"}'
	run http POST /api/v1/nodes/rest1/heartbeat
	is_status 404
	is_body .details.error '"node not found: rest1"'
	# A worker's node has its own heartbeat, and stays while it is heard.
	run http POST /api/v1/nodes/n1/heartbeat
	is_status 200
	run http DELETE /api/v1/nodes/n1
	is_status 409
	run http PUT /api/v1/nodes/n2 '{"metadata":{"name":"n2"},"spec":{"unschedulable":true}}'
	is_body .spec.unschedulable true
	[ "$(node n2 .draining)" = true ]
}

@test "services and deployments answer 501" {
	for path in /api/v1/services /api/v1/namespaces/default/deployments/web; do
		run http POST $path '{}'
		is_status 501
		is_body .error '"NOT_IMPLEMENTED"'
	done
}
