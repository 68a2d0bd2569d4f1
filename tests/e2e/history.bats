#!/usr/bin/env bats
# history.bats - ended tasks: the last to end keep their containers, older ones are on disk only, the oldest go.
# The engine is in memory; so few are kept here that a hundred tasks show it.

load lib

setup_file() {
	cluster_use "$E2E_DIR/history" "$(free_ports 12)"
	export home url_manager url_feed url_stats url_feed_json url_scheduler DAVIT_MANAGER
	manager_start --port-range "$(dynamic_ports)" --history-max 60 --history-containers 5
	scheduler_start
	worker_start n1 64 64GiB --docker-host mem://
	wait_for 60 nodes_ready 1 || { tail -n 20 "$home"/log/*.log; return 1; }
}
teardown_file() { [ -z "${home:-}" ] || cluster_end "$home" 10; }

listed() { davit ps -a -q | wc -l; }
# What stays as it was, whatever becomes of the container.
story() { task "$1" '[.id, .name, .state, .exit_code, .started_ms, .finished_ms, .node_name, .spec.labels]'; }
# Its container is gone, and with it the logs.
is_silent() { [ -z "$(davit logs "$1")" ]; }
has_ended() { [ "$(davit ps -a -q --state completed | wc -l)" -ge "$1" ]; }
keeps_sixty() { [ "$(listed)" -eq 60 ]; }

@test "a task whose container is gone is told as before, also after a restart" {
	davit run --name old --label kind=first log:1/exit:3
	wait_task old FAILED 60
	run davit logs old
	has "line 1"
	before=$(story old)
	davit run --name later --count 20 exit:0
	wait_for 60 has_ended 20 || fail "$(davit ps -a)"
	wait_for 60 is_silent old || fail "old still has logs"
	[ "$(story old)" = "$before" ]
	manager_restart KILL
	[ "$(story old)" = "$before" ]
	[ "$(listed)" -eq 21 ]
	run davit ps -a --label kind=first
	has old
	run davit wait old
	[ "$status" -eq 3 ]
	id=$(task old .id)
	[ "$(task "${id:0:20}" .name)" = old ]
}

@test "such a task can be removed, alone and with its array" {
	run davit rm old later-3
	[ "$status" -eq 0 ]
	[ "$(listed)" -eq 19 ]
	[ -z "$(task old)" ]
	manager_restart KILL
	[ -z "$(task later-3)" ]
	[ "$(listed)" -eq 19 ]
	call RemoveTasks "$(jq -n --arg id "$(task later-4 .array_id)" '{array_id: $id}')" | jq -e '.status == "OK"'
	wait_for 60 prints 0 listed || fail "$(davit ps -a)"
}

@test "the history is bounded, and the first to end go first" {
	davit run --name first exit:0
	wait_task first COMPLETED 60
	davit run --name many --count 100 exit:0
	wait_for 60 keeps_sixty || fail "$(listed) tasks are kept, not 60"
	[ -z "$(task first)" ]
}

@test "what cannot be is refused by the option's name" {
	run "$DAVIT_BIN/davit-manager" --state-dir "$BATS_TEST_TMPDIR" --history-age 1ms
	[ "$status" -ne 0 ]
	has "--history-age: want 0 (any time), or 1s to 3650d"
	run "$DAVIT_BIN/davit-manager" --state-dir "$BATS_TEST_TMPDIR" --history-containers 2000001
	has "--history-containers"
	run "$DAVIT_BIN/davit-manager" --state-dir "$BATS_TEST_TMPDIR" --history-max -1
	has "--history-max"
}
