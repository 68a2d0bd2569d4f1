#!/usr/bin/env bats
# A Docker Engine that is killed under load, and hangs: on one of its own, which nobody else's tests see.

load lib
. "$BATS_TEST_DIRNAME/../lib/own_engine.bash"

setup_file() {
	[ "$(id -u)" -eq 0 ] || skip "a Docker Engine of its own needs root"
	own_cluster_up
}
teardown_file() { own_cluster_down; }
setup() { own_engine_use "$home/engine"; }
teardown() { kill -CONT "$(own_engine_pid)"; } # whatever failed while it hung

@test "dockerd killed with -9 under load: the node says so, and everything converges when it is back" {
	local id
	davit run -q --name stays --count 3 --restart always davit-own -- sleep 1000
	davit run -q --name job --count 12 davit-own -- true
	wait_for 60 all_run stays 3 # an engine that is killed in the middle of a first start may refuse it for ever
	wait_for 60 some_have_ended job 2
	own_engine_kill
	wait_node own DEGRADED 20
	run node own .message
	has "Docker Engine"
	davit run -q --name later davit-own -- true
	own_engine_start "$home/engine"
	wait_node own READY 60
	wait_task later COMPLETED 60
	# Without live-restore the engine ends what ran: what restarts runs again, the rest has ended.
	wait_for 90 all_run stays 3 || fail "$(davit ps -a)"
	wait_for 90 all_ended job 12 || fail "$(davit ps -a)"
	every_container_has_its_task
	for id in $(own_tasks stays RUNNING); do
		[ "$(containers "$id" | wc -l)" -eq 1 ] || fail "task $id has not one container"
	done
}

@test "an engine that hangs makes the node degraded, with a sentence; the node is heard all the time" {
	local before
	before=$(running_containers)
	kill -STOP "$(own_engine_pid)"
	davit run -q --name waits davit-own -- true
	wait_node own DEGRADED 20
	run node own .message
	has "does not answer"
	# Neither silent nor anything else: nothing that the engine fails to do delays a heartbeat.
	stays_degraded 3 || fail "$(davit nodes -o wide)"
	[ "$(own_tasks stays RUNNING | wc -l)" -eq 3 ]
	kill -CONT "$(own_engine_pid)"
	wait_node own READY 60
	wait_task waits COMPLETED 60
	[ "$(running_containers)" = "$before" ] || fail "other containers than before"
	every_container_has_its_task
}

@test "what is removed after that leaves nothing on the engine" {
	davit rm -q -f $(davit ps -a -q)
	wait_for 60 own_engine_is_empty || fail "$(docker ps -a; docker volume ls; docker network ls)"
}
