#!/usr/bin/env bats
# logs.bats - output of containers through the manager: whole, in order, whatever breaks.

load lib

setup_file() { cluster_up; }
teardown_file() { cluster_down; }

@test "logs come whole and once although manager and workers are killed on the way" {
	davit run -d --name counter "$E2E_IMAGE" -- sh -c 'i=0; while [ $i -lt 400 ]; do
			echo $i; echo e$i >&2; i=$((i+1)); usleep 20000
			[ $i -ne 100 ] || until [ -e /tmp/on ]; do usleep 20000; done
		done' >/dev/null
	wait_task counter RUNNING
	timeout 240 "$DAVIT_BIN/davit" logs -f counter >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" &
	local reader=$! node container
	wait_for 15 grep -qx 50 "$BATS_TEST_TMPDIR/out"
	node=$(task counter .node_name)
	container=$(task counter .container_id)
	manager_restart KILL
	docker exec "$container" touch /tmp/on # while nobody listens, most of it comes
	worker_kill "$node" KILL
	worker_start "$node" 4 8GiB
	wait "$reader"
	seq 0 399 | cmp - "$BATS_TEST_TMPDIR/out"
	seq 0 399 | sed s/^/e/ | cmp - <(grep -v ^davit: "$BATS_TEST_TMPDIR/err")
}

@test "a slow reader costs the worker no memory" {
	davit run -d --name flood "$E2E_IMAGE" -- sh -c 'yes 0123456789012345678901234567890123456789 | head -c 30000000; sleep 1000' >/dev/null
	wait_task flood RUNNING
	local node pid before after
	node=$(task flood .node_name)
	pid=$(proc_pid "$home/run/$node.pid")
	before=$(awk '/^RssAnon/ {print $2}' "/proc/$pid/status")
	(timeout 240 "$DAVIT_BIN/davit" logs -f flood | (read -r _; sleep 3)) || true
	(timeout 240 "$DAVIT_BIN/davit" exec flood -- sh -c 'yes | head -c 30000000' | (read -r _; sleep 3)) || true
	after=$(awk '/^RssAnon/ {print $2}' "/proc/$pid/status")
	[ $((after - before)) -lt 8192 ] || fail "the worker grew from $before to $after KiB"
}

@test "the last lines, times, and nothing but what is new" {
	davit run -d --name three "$E2E_IMAGE" -- sh -c 'echo one; echo two; echo three' >/dev/null
	wait_task three COMPLETED
	run davit logs --tail 2 three
	[ "$output" = "two
three" ]
	run davit logs --tail 1 -t three
	[[ $output =~ ^20[0-9-]+T[0-9:.]+Z\ three$ ]]
	run davit logs --tail 0 three
	[ "$output" = "" ]
}

@test "until and since a moment: what came later, or before, is left out, and following ends there" {
	davit run -d --name dated "$E2E_IMAGE" -- \
		sh -c 'echo early; until [ -e /tmp/on ]; do sleep 0.1; done; echo late; sleep 600' >/dev/null
	wait_for 20 prints early davit logs dated
	moment=$(date -u -d '+1 second' +%Y-%m-%dT%H:%M:%SZ)
	run timeout 240 "$DAVIT_BIN/davit" logs -f --until "$moment" dated # ends by itself
	[ "$status" -eq 0 ]
	[ "$output" = early ]
	docker exec "$(task dated .container_id)" touch /tmp/on
	late() { davit logs dated | grep -q late; }
	wait_for 20 late
	[ "$(davit logs --until "$moment" dated)" = early ]
	[ "$(davit logs --since "$moment" dated)" = late ]
	davit rm -f dated
}

@test "every byte comes through, of either stream; a terminal is one stream" {
	davit run -d --name bytes --log-driver local "$E2E_IMAGE" -- \
		sh -c 'i=0; while [ $i -lt 256 ]; do printf "\\$(printf %03o $i)"; i=$((i+1)); done; printf "\376\377 without an end" >&2' >/dev/null
	wait_task bytes COMPLETED
	davit logs bytes >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	for ((i = 0; i < 256; i++)); do printf "\\x$(printf %02x $i)"; done | cmp - "$BATS_TEST_TMPDIR/out"
	printf '\376\377 without an end' | cmp - "$BATS_TEST_TMPDIR/err"
	davit run -d -t --name terminal "$E2E_IMAGE" -- sh -c 'echo out; echo err >&2' >/dev/null
	wait_task terminal COMPLETED
	[ "$(davit logs terminal 2>/dev/null | od -An -c | tr -d ' \n')" = 'out\r\nerr\r\n' ]
}

@test "logs of what has ended stay over a restart of its worker, until the task is removed" {
	davit run -d --name over "$E2E_IMAGE" -- sh -c 'echo kept; exit 3' >/dev/null
	wait_task over FAILED
	node=$(task over .node_name)
	worker_kill "$node" KILL
	worker_start "$node" 4 8GiB
	wait_node "$node" READY
	wait_for 30 prints kept davit logs over
	id=$(task over .id)
	davit rm over
	run davit logs "$id"
	[ "$status" -eq 4 ]
}
