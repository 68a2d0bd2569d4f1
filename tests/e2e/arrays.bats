#!/usr/bin/env bats
# arrays.bats - an array of a million is one record: what it costs while it waits, and what can be done with it.
# The engine is in memory, on a node that has room for ten.

load lib

setup_file() {
	cluster_use "$E2E_DIR/arrays" "$(free_ports 12)"
	export home url_manager url_feed url_stats url_feed_json url_scheduler DAVIT_MANAGER
	manager_start --port-range "$(dynamic_ports)" --silent-after 10s --history-max 50
	scheduler_start
	worker_start n1 10 64GiB --docker-host mem://
	wait_for 60 nodes_ready 1 || { tail -n 20 "$home"/log/*.log; return 1; }
}
teardown_file() { [ -z "${home:-}" ] || cluster_end "$home" 10; }

count() { # STATE: by the manager's own figures
	call GetStats '{}' | jq -r ".response.cluster.tasks_$1 // 0"
}
counts() { [ "$(count "$1")" -eq "$2" ]; }
memory_kb() { awk '/^RssAnon/ { print $2 }' "/proc/$(cut -d" " -f1 "$home/run/manager.pid")/status"; }

@test "an array of a million waits in a few megabytes, and each of its tasks can be looked at" {
	before=$(memory_kb)
	davit run -d --name many --count 1000000 --cpus 1 run:forever
	wait_for 60 counts running 10 || fail "$(count running) run"
	wait_for 60 counts pending 999990
	cost=$(($(memory_kb) - before))
	[ "$cost" -lt 65536 ] || fail "$cost KiB"
	[ "$(task many-999999 .state)" = PENDING ]
	explained() { [ "$(task many-999999 '.message // ""')" != "" ]; }
	wait_for 60 explained
	array=$(task many-0 .array_id)
	last=$(task many-999998 .id)
	run call ListTasks "{\"after\": \"$last\"}"
	[ "$(jq -r '[.response.tasks[].name] | join(" ")' <<<"$output")" = many-999999 ]
	run call ListTasks "{\"array_id\": \"$array\", \"limit\": 3}"
	[ "$(jq -r '[.response.tasks[].name] | join(" ")' <<<"$output")" = "many-0 many-1 many-2" ]
}

@test "one of its tasks is stopped and removed, alone" {
	davit stop many-500000
	[ "$(task many-500000 '[.state, .phase] | join(" ")')" = "COMPLETED CANCELLED" ]
	wait_for 60 counts pending 999989
	davit rm many-500000
	run davit inspect many-500000
	[ "$status" -ne 0 ]
	has "no task 'many-500000'"
	[ "$(task many-500001 .state)" = PENDING ]
	run davit run -d --name many-700000 run:forever
	has "many-700000"
	[ "$status" -ne 0 ]
}

@test "the manager starts again with it, and others come to the front when some end" {
	manager_restart KILL
	wait_for 60 counts pending 999989
	cost=$(memory_kb)
	[ "$cost" -lt 65536 ] || fail "$cost KiB"
	run davit inspect many-500000
	[ "$status" -ne 0 ]
	davit stop many-0 many-1
	wait_for 60 counts running 10 || fail "$(count running) run"
	wait_for 60 counts pending 999987 || fail "$(count pending) wait"
}

@test "a stop of the array ends all of them, and as many are kept as the history keeps" {
	array=$(task many-2 .array_id)
	davit stop --array "$array"
	wait_for 60 counts pending 0
	wait_for 60 counts running 0 || fail "$(count running) run"
	keeps_fifty() { [ "$(davit ps -a -q | wc -l)" -eq 50 ]; }
	wait_for 60 keeps_fifty || fail "$(davit ps -a -q | wc -l)"
	manager_restart KILL
	wait_for 60 counts pending 0
	keeps_fifty
	davit rm --array "$array"
	[ -z "$(davit ps -a -q)" ]
}

@test "an array that waits is removed by force, and stays away" {
	davit run -d --name again --count 1000000 --cpus 1 run:forever
	wait_for 60 counts running 10 || fail "$(count running) run"
	array=$(task again-0 .array_id)
	run davit rm --array "$array"
	[ "$status" -ne 0 ]
	davit rm --force --array "$array"
	wait_for 60 counts pending 0
	manager_restart KILL
	wait_for 60 counts pending 0
	is_empty() { [ -z "$(davit ps -a -q)" ]; }
	wait_for 60 is_empty || fail "$(davit ps -a)"
}
