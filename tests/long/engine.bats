#!/usr/bin/env bats
# A Docker Engine of its own whose containers outlive it.

load ../e2e/lib
. "$BATS_TEST_DIRNAME/../lib/own_engine.bash"

setup_file() {
	[ "$(id -u)" -eq 0 ] || skip "a Docker Engine of its own needs root"
	own_cluster_up --live-restore
}
teardown_file() { own_cluster_down; }
setup() { own_engine_use "$home/engine"; }

@test "dockerd with live-restore killed with -9: containers run on, and are the same afterwards" {
	local before
	davit run -q --name stays --count 3 --restart always davit-own -- sleep 1000
	settled stays-0 stays-1 stays-2
	before=$(running_containers)
	own_engine_kill
	wait_node own DEGRADED 20
	own_engine_start "$home/engine" --live-restore
	wait_node own READY 60
	settled stays-0 stays-1 stays-2
	runs_as_before "$before"
}
