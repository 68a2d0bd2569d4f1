#!/usr/bin/env bats
# gateway.bats - HTTP: the native API, by curl, on the real engine.

load lib
setup_file() {
	cluster_up
	gateway_start
	wait_for 60 curl -fsS "$url_gateway/v1/cluster"
}
teardown_file() { cluster_down; }

# http METHOD PATH [BODY]: prints the body, and then the status on a line of its own.
http() {
	local method=$1 path=$2
	shift 2
	curl -sS -m 120 -X "$method" "$url_gateway$path" -w '\n%{http_code}\n' ${1+-d "$1"}
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
	run http GET '/v1/tasks/native/wait?until=running&wait=60s'
	is_status 200
	[ "$(body | jq -r .task.state)" = RUNNING ]
	run http GET '/v1/tasks?states=running&name=native'
	[ "$(body | jq -r '.tasks[0].name')" = native ]
	run http POST /v1/tasks/native/stop '{"timeout": "0s"}'
	is_status 200
	run http GET '/v1/tasks/native/wait?wait=60s'
	[ "$(body | jq -r .task.phase)" = STOPPED ]
	run http DELETE /v1/tasks/native
	is_status 200
	is_gone() { [ "$(curl -sS -m 60 -o /dev/null -w '%{http_code}' "$url_gateway/v1/tasks/native")" = 404 ]; }
	wait_for 30 is_gone # when its container is
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
	# What it used may be noted after its end: then it did change.
	not_sent_again() {
		etag=$(curl -sSI "$url_gateway/v1/tasks/tagged" | tr -d '\r' | sed -n 's/^ETag: //p')
		[ -n "$etag" ] &&
			[ "$(curl -sS -o /dev/null -w '%{http_code}' -H "If-None-Match: $etag" "$url_gateway/v1/tasks/tagged")" = 304 ]
	}
	wait_for 30 not_sent_again
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
	wait_for 60 procs_gone "$home/run/manager.pid"
	run curl -sS -m 120 -D "$BATS_TEST_TMPDIR/head" -o /dev/null -w '%{http_code}' "$url_gateway/v1/nodes"
	[ "$output" = 503 ]
	grep -qi '^Retry-After: 1' "$BATS_TEST_TMPDIR/head"
	manager_start
	wait_for 60 curl -fsS -o /dev/null "$url_gateway/v1/nodes"
	wait_for 60 nodes_ready 2
}

@test "logs are followed as they come, as text and as events, to the end" {
	http POST /v1/tasks "$(spec talker 'echo out; echo err >&2; sleep 1; echo last')"
	run curl -sS -N -m 120 "$url_gateway/v1/tasks/talker/logs?follow=true"
	has out
	has last
	run curl -sS -m 120 -H 'Accept: text/plain' "$url_gateway/v1/tasks/talker/logs?tail=1"
	[ "$output" = last ]
	run curl -sS -N -m 120 -H 'Accept: text/event-stream' "$url_gateway/v1/tasks/talker/logs"
	has 'event: stdout'
	has 'event: stderr'
	has 'event: end'
	run http GET '/v1/tasks/no-such-task/logs?follow=true'
	is_status 404
}

@test "a command runs in a task with input, its output comes, and its exit code behind it" {
	http POST /v1/tasks "$(spec shell 'sleep 1000')"
	wait_task shell RUNNING
	run curl -sS -m 120 -D "$BATS_TEST_TMPDIR/head" --data-binary 'some input' \
		"$url_gateway/v1/tasks/shell/exec?command=sh&command=-c&command=cat;exit+3"
	[ "$output" = "some input" ]
	grep -qi '^Davit-Exit-Code: 3' "$BATS_TEST_TMPDIR/head"
	run curl -sS -m 120 -X POST -H 'Accept: text/event-stream' "$url_gateway/v1/tasks/shell/exec?command=pwd"
	has 'event: stdout'
	has 'data: {"exit_code":0}'
	run http POST '/v1/tasks/shell/exec?nonsense=1'
	is_status 400
	# More than one message's worth of input and output.
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/much"
	curl -sS -m 120 --data-binary "@$BATS_TEST_TMPDIR/much" -o "$BATS_TEST_TMPDIR/back" \
		"$url_gateway/v1/tasks/shell/exec?command=cat"
	cmp "$BATS_TEST_TMPDIR/much" "$BATS_TEST_TMPDIR/back"
}

@test "files are copied into a task and out of it as tar archives" {
	mkdir "$BATS_TEST_TMPDIR/in"
	echo carried >"$BATS_TEST_TMPDIR/in/file"
	run bash -c "tar -C '$BATS_TEST_TMPDIR/in' -c file | curl -sS -m 120 -w '%{http_code}' -X PUT --data-binary @- '$url_gateway/v1/tasks/shell/archive?path=/tmp'"
	[ "$output" = 204 ] || fail "$output"
	run bash -c "curl -sS -m 120 '$url_gateway/v1/tasks/shell/archive?path=/tmp/file' | tar -xO file"
	[ "$output" = carried ] || fail "$output"
	run http GET '/v1/tasks/shell/archive?path=/no/such/thing'
	is_status 404
}

@test "64 MiB go into a task and out of it, and the gateway holds a few of them at a time" {
	local anonymous before
	anonymous() { awk '/^RssAnon/ {print $2}' "/proc/$(proc_pid "$home/run/gateway.pid")/status"; }
	head -c 67108864 /dev/urandom >"$BATS_TEST_TMPDIR/big"
	want=$(sha256sum <"$BATS_TEST_TMPDIR/big")
	before=$(anonymous)
	# The command says all that it hears, long before its input is over.
	curl -sS -m 120 -T "$BATS_TEST_TMPDIR/big" -X POST -D "$BATS_TEST_TMPDIR/head" -o "$BATS_TEST_TMPDIR/back" \
		"$url_gateway/v1/tasks/shell/exec?command=cat"
	[ "$(sha256sum <"$BATS_TEST_TMPDIR/back")" = "$want" ]
	grep -q 'Davit-Exit-Code: 0' "$BATS_TEST_TMPDIR/head"
	# Of a size that is not known before.
	run bash -c "tar -C '$BATS_TEST_TMPDIR' -c big | curl -sS -m 120 -w '%{http_code}' -T - '$url_gateway/v1/tasks/shell/archive?path=/tmp'"
	[ "$output" = 204 ]
	got=$(curl -sS -m 120 "$url_gateway/v1/tasks/shell/archive?path=/tmp/big" | tar -xO big | sha256sum)
	[ "$got" = "$want" ]
	[ $(($(anonymous) - before)) -lt 16384 ] || fail "from $before to $(anonymous) KiB"
	rm -f "$BATS_TEST_TMPDIR/big" "$BATS_TEST_TMPDIR/back"
	# Who does not want its input is not kept waiting for it, and a task that is not there is said before it is sent.
	run bash -c "head -c 8388608 /dev/zero | curl -sS -m 120 -T - -X POST '$url_gateway/v1/tasks/shell/exec?command=echo&command=enough'"
	[ "$output" = enough ]
	run bash -c "head -c 8388608 /dev/zero | curl -sS -m 120 -H 'Expect: 100-continue' --expect100-timeout 60 -T - -w '%{http_code} %{size_upload}' -o /dev/null '$url_gateway/v1/tasks/none/archive?path=/tmp'"
	[ "$output" = "404 0" ] || fail "$output"
	davit rm -f shell
}

@test "figures come every second as events, and by long poll from a cursor" {
	run timeout 120 bash -c "curl -sS -N -H 'Accept: text/event-stream' '$url_gateway/v1/stats' 2>/dev/null | grep -m 2 '^id: '"
	[ "$(sort -u <<<"$output" | wc -l)" = 2 ]
	cursor=$(curl -sS "$url_gateway/v1/stats" | jq -r .cursor)
	[ "$(curl -sS -m 120 "$url_gateway/v1/stats?cursor=$cursor&wait=60s" | jq -r .cursor)" != "$cursor" ]
}

@test "many tasks are submitted in one request, all or none" {
	one() { jq -c .spec <<<"$(spec "$1" true)"; }
	run http POST /v1/tasks/bulk "{\"tasks\":[{\"spec\":$(one many-a)},{\"spec\":$(one many-b)},{\"spec\":$(one many-a)}]}"
	is_status 409
	[ "$(body | jq -r .field)" = 'tasks[2].spec.name' ]
	run http POST /v1/tasks/bulk "{\"tasks\":[{\"spec\":$(one many-a)},{\"spec\":$(one many-b)}]}"
	is_status 201
	[ "$(body | jq -r '.results | map(.name) | join(" ")')" = "many-a many-b" ]
}

@test "a change is made only while the thing is what was read" {
	tag_of() { curl -sSI "$url_gateway/v1/nodes/n2" | tr -d '\r' | sed -n 's/^ETag: //p'; }
	patch() { curl -sS -o /dev/null -w '%{http_code}' -X PATCH -H "If-Match: $etag" -d "$1" "$url_gateway/v1/nodes/n2"; }
	patched() { etag=$(tag_of) && [ "$(patch '{"labels":{"rack":"r1"}}')" = 200 ]; }
	wait_for 30 patched # something else may change it between
	[ "$(patch '{"labels":{"rack":"r2"}}')" = 412 ]
	[ "$(node n2 .labels.rack)" = r1 ]
}

@test "requests are logged in the form that is wanted, with their ids" {
	url=http://127.0.0.1:$(free_ports 1)
	"$DAVIT_BIN/davit-gateway" --listen "$url" --manager "$url_manager" --monitor none --access-log json \
		--contracts tasks --cors-origin '*' >"$BATS_TEST_TMPDIR/access" 2>/dev/null 3>&- 4>&- &
	pid=$!
	wait_for 60 curl -fsS -o /dev/null "$url/v1/ready"
	run curl -sS -D - -o /dev/null -H 'X-Request-Id: mine' -H 'Origin: http://a' --compressed "$url/openapi.json"
	has 'X-Request-Id: mine'
	has 'Access-Control-Allow-Origin: *'
	has 'Content-Encoding: gzip'
	kill "$pid"
	wait_for 60 grep -q '"request_id":"mine"' "$BATS_TEST_TMPDIR/access"
}

# A line that ends in "# Ctrl-C ends it" is given 2 s, and its interrupt.
interrupted() {
	timeout --foreground -s INT -k 60 2 "$@" || case $? in 124 | 130) ;; *) return 1 ;; esac
}

@test "every command of docs/API.md works" {
	export -f interrupted
	awk -v dir="$BATS_TEST_TMPDIR" '/^```sh$/ {file = sprintf("%s/block-%02d", dir, ++n); next}
		/^```/ {file = ""} file != "" {print > file}' "$repo/docs/API.md"
	n=0
	for block in "$BATS_TEST_TMPDIR"/block-*; do
		n=$((n + 1))
		sed -E -i "s/davit-demo/$E2E_IMAGE/g; s/127\.0\.0\.1:8080\b/${url_gateway##*/}/g
			s/^(.*[^ ]) *# Ctrl-C ends it$/interrupted \1/; s/curl -s/curl -fsS/" "$block"
		(cd "$repo" && timeout 900 bash -e -o pipefail -x "$block" 3>&- 4>&-) 2>&1 || fail "block $n failed"
	done
	[ "$n" -ge 3 ]
}
