#!/usr/bin/env bats
# disk.bats - the disk of the manager's store is full, and then it is not: a small one of its own, in a
# mount namespace that ends with the manager.

load lib

setup_file() {
	[ "$(id -u)" -eq 0 ] || skip "only root can mount a disk"
	cluster_use "$E2E_DIR/disk" "$(free_ports 12)"
	export home url_manager url_feed url_stats url_feed_json url_scheduler DAVIT_MANAGER
	mkdir -p "$home/bin" "$home/manager"
	cat >"$home/bin/davit-manager" <<-END
		#!/bin/sh
		exec unshare -m sh -c 'mount -t tmpfs -o size=16m,mode=700 none $home/manager && exec $DAVIT_BIN/davit-manager "\$@"' sh "\$@"
	END
	chmod +x "$home/bin/davit-manager"
	DAVIT_BIN=$home/bin manager_start --port-range "$(dynamic_ports)"
	scheduler_start
	worker_start n1 4 8GiB --disk 8GiB --docker-host mem://
	wait_for 60 nodes_ready 1 || { tail -n 20 "$home"/log/*.log; return 1; }
	disk=/proc/$(proc_pid "$home/run/manager.pid")/root$home/manager
	export disk
}
teardown_file() { [ -z "${home:-}" ] || cluster_end "$home" 10; }

submit() { # NAME: prints the reply; large enough that it finds no room in what the store has already
	call SubmitTasks "$(jq -n --arg name "$1" --arg much "$(head -c 20000 /dev/zero | tr '\0' x)" \
		'{spec: {name: $name, image: "run:forever", cpu_milli: 10, memory_bytes: 6291456, env: {MUCH: $much}}}')"
}
refused() {
	n=$((n + 1))
	reply=$(submit "full-$n")
	[ "$(jq -r .status <<<"$reply")" = UNAVAILABLE ]
}
taken() {
	n=$((n + 1))
	[ "$(submit "again-$n" | jq -r .status)" = OK ]
}
failures() { grep -c 'store.commit_failed' "$home/log/manager.log"; }

@test "on a full disk the manager refuses what it cannot write, says why, reads on, and recovers by itself" {
	n=0
	reply=$(submit before)
	[ "$(jq -r .status <<<"$reply")" = OK ] || fail "$reply"
	wait_task before RUNNING 60
	for i in 1 2 3; do davit run -d --name "ends-$i" exit:0/after:2s -- true; done
	! cat /dev/zero >"$disk/fill" 2>/dev/null
	wait_for 60 refused || fail "it still takes tasks: $(df "$disk")"
	[[ $(jq -r .message <<<"$reply") == *"make room on its disk"* ]] || fail "$reply"

	# Everybody asks on, and tasks end: it loads its store again now and then, not for each of them.
	begun=$SECONDS before=$(failures)
	for client in 1 2 3 4; do
		mkdir "$BATS_TEST_TMPDIR/$client"
		(
			BATS_TEST_TMPDIR+=/$client # of its own: call writes there
			for i in $(seq 10); do submit "more-$client-$i" >/dev/null; done
		) 3>&- &
	done
	asked=$(jobs -p)
	for _ in $(seq 10); do
		[ "$(task before .id)" != "" ] || fail "a task cannot be read"
	done
	# shellcheck disable=SC2086
	wait $asked || true
	[ $(($(failures) - before)) -le $((SECONDS - begun + 2)) ] ||
		fail "$(($(failures) - before)) commits were tried in $((SECONDS - begun)) s"
	run davit cluster
	has "make room on its disk"
	DAVIT_TIMEOUT=3s run davit run -d --name cli run:forever -- true
	[ "$status" -ne 0 ] || fail "it was taken"
	wait_node n1 READY # heard, though nobody can note down what it reports

	rm "$disk/fill"
	wait_for 60 taken || fail "$(submit last)"
	wait_task before RUNNING 60
	for i in 1 2 3; do wait_task "ends-$i" COMPLETED 60; done
	wait_task "again-$n" RUNNING 60
	run davit cluster
	[[ $output != *"make room"* ]] || fail "$output"
	grep -q 'store.writes_work' "$home/log/manager.log"
}
