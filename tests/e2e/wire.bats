#!/usr/bin/env bats
# wire.bats - Davit from the outside: nngcat and protoc are all that a program needs.

load lib
setup_file() { cluster_up; monitor_start; }
teardown_file() { cluster_down; }

submit_json() { # NAME
	jq -cn --arg name "$1" --arg image "$E2E_IMAGE" '{spec: {name: $name, image: $image, command: ["true"]}}'
}

@test "nngcat submits in JSON and reads a reply in JSON that ends in a newline" {
	request="{\"method\":\"SubmitTasks\",\"request\":$(submit_json json)}"
	nngcat --req --dial "$url_manager" --recv-timeout 60 --raw --data "$request" >"$BATS_TEST_TMPDIR/reply"
	[ "$(tail -c 1 "$BATS_TEST_TMPDIR/reply" | od -An -c | tr -d ' ')" = '\n' ]
	[ "$(jq -r .status "$BATS_TEST_TMPDIR/reply")" = OK ]
	[ "$(jq -r .response.name "$BATS_TEST_TMPDIR/reply")" = json ]
	# Without a request_id it may be done twice, and the reply says so.
	jq -e .note "$BATS_TEST_TMPDIR/reply"
	wait_task json COMPLETED
}

@test "protoc and nngcat submit in protobuf and read the reply, by the typed twins" {
	protoc -I "$repo/proto" --encode davit.calls.SubmitTasksCall "$repo/proto/calls.proto" \
		>"$BATS_TEST_TMPDIR/call" <<-END
		method: "SubmitTasks"
		request_id: "twin-$CLUSTER"
		request { spec { name: "twin" image: "$E2E_IMAGE" command: "true" } }
	END
	nngcat --req --dial "$url_manager" --recv-timeout 60 --raw --file "$BATS_TEST_TMPDIR/call" |
		protoc -I "$repo/proto" --decode davit.calls.SubmitTasksReply "$repo/proto/calls.proto" \
			>"$BATS_TEST_TMPDIR/reply"
	grep -q '^status: OK' "$BATS_TEST_TMPDIR/reply"
	grep -q 'name: "twin"' "$BATS_TEST_TMPDIR/reply"
	wait_task twin COMPLETED
}

@test "the same request_id twice is one task and the same answer" {
	first=$(call SubmitTasks "$(submit_json once)" "once-$CLUSTER")
	second=$(call SubmitTasks "$(submit_json once)" "once-$CLUSTER")
	[ "$(jq -Sc .response <<<"$first")" = "$(jq -Sc .response <<<"$second")" ] || fail "$first but then $second"
	wait_task once COMPLETED
	third=$(call SubmitTasks "$(submit_json once)" "once-$CLUSTER")
	[ "$(jq -Sc .response <<<"$first")" = "$(jq -Sc .response <<<"$third")" ]
	[ "$(call ListTasks '{"name": "once"}' | jq '.response.tasks | length')" = 1 ]
}

@test "a method that does not exist, and a body that is no call, are answered" {
	run call NoSuchMethod
	[ "$(jq -r .status <<<"$output")" = UNIMPLEMENTED ]
	run nngcat --req --dial "$url_manager" --recv-timeout 60 --raw --data '{"method":'
	[ "$(jq -r .status <<<"$output")" = INVALID_ARGUMENT ]
	nngcat --req --dial "$url_manager" --recv-timeout 60 --raw --data 'xyz' >"$BATS_TEST_TMPDIR/reply"
	protoc -I "$repo/proto" --decode davit.Reply "$repo/proto/rpc.proto" <"$BATS_TEST_TMPDIR/reply" | grep -q INVALID_ARGUMENT
}

@test "nngcat follows the life of a task as lines" {
	nngcat --sub --dial "$url_feed_json" --subscribe event.task --raw >"$BATS_TEST_TMPDIR/events" 3>&- 4>&- &
	subscriber=$!
	n=0
	# A subscription is not acknowledged, so tasks are run until one of them is seen.
	seen() {
		n=$((n + 1))
		davit run --rm --follow "$E2E_IMAGE" -- true >/dev/null
		grep -q '^event.task.running' "$BATS_TEST_TMPDIR/events" &&
			grep -q '^event.task.completed' "$BATS_TEST_TMPDIR/events"
	}
	wait_for 30 seen || { kill $subscriber; fail "$(cat "$BATS_TEST_TMPDIR/events")"; }
	kill $subscriber
	# A topic, a space, a line of JSON.
	sed -n 's/^event\.task\.[a-z]*\.[^ ]* //p' "$BATS_TEST_TMPDIR/events" | jq -e .task_id >/dev/null
}

@test "nngcat follows live stats as lines" {
	davit run --name busy "$E2E_IMAGE" -- sh -c 'while :; do :; done'
	wait_task busy RUNNING
	nngcat --sub --dial "$url_feed_json" --subscribe stats. --raw >"$BATS_TEST_TMPDIR/stats" 3>&- 4>&- &
	subscriber=$!
	id=$(task busy .id)
	seen() { grep -q "$id" "$BATS_TEST_TMPDIR/stats"; }
	wait_for 20 seen || { kill $subscriber; fail "$(cat "$BATS_TEST_TMPDIR/stats")"; }
	kill $subscriber
	davit rm -f busy
}

@test "events are read from a cursor by call, none twice and none missed" {
	cursor=$(call ReadEvents '{"history": true}' | jq -r .response.cursor)
	davit run --rm --follow --name counted "$E2E_IMAGE" -- true
	reply=$(call ReadEvents "{\"cursor\": \"$cursor\", \"wait_ms\": 2000}")
	[ "$(jq '[.response.events[] | select(.task_name == "counted" and .what == "completed")] | length' <<<"$reply")" = 1 ]
	# The same cursor gives the same answer again.
	again=$(call ReadEvents "{\"cursor\": \"$cursor\"}")
	[ "$(jq '.response.events[0].seq' <<<"$again")" = "$(jq '.response.events[0].seq' <<<"$reply")" ]
	seqs=$(jq '[.response.events[].seq] | . == (sort | unique)' <<<"$reply")
	[ "$seqs" = true ]
}

@test "several calls at once over separate connections are all answered" {
	for i in 1 2 3 4 5 6 7 8; do
		nngcat --req --dial "$url_manager" --recv-timeout 60 --raw \
			--data "{\"method\":\"SubmitTasks\",\"request\":$(submit_json "many-$i")}" \
			>"$BATS_TEST_TMPDIR/$i" 3>&- 4>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in 1 2 3 4 5 6 7 8; do
		[ "$(jq -r .status "$BATS_TEST_TMPDIR/$i")" = OK ] || fail "$(cat "$BATS_TEST_TMPDIR/$i")"
	done
}

@test "the monitor answers with a view of the cluster" {
	view() { nngcat --req --dial "$url_monitor" --recv-timeout 60 --raw --data '{"method":"GetView","request":{}}'; }
	sees_nodes() { [ "$(view | jq '.response.nodes | length')" -ge 2 ]; }
	wait_for 20 sees_nodes || fail "$(view)"
}

@test "every socket listens on loopback only" {
	for url in "$url_manager" "$url_feed" "$url_stats" "$url_feed_json" "$url_scheduler" "$url_monitor"; do
		run ss -Hltn "sport = :${url##*:}"
		has "127.0.0.1:${url##*:}"
		[[ $output != *"0.0.0.0:${url##*:}"* ]]
	done
}
