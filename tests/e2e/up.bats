#!/usr/bin/env bats
# up.bats - make up and make down, with a directory and ports of their own.

load lib

setup_file() {
	export DAVIT_HOME=$E2E_DIR/up DAVIT_PORT
	DAVIT_PORT=$(free_ports 12)
	export DAVIT_DEMO=$E2E_IMAGE-up
}
teardown_file() {
	cluster_end "$DAVIT_HOME" 5
	docker image rm "$DAVIT_DEMO" >/dev/null 2>&1 || true
	"$repo/deploy/engine.sh" stop "up-$DAVIT_PORT"
}

@test "make up brings up a cluster with a hello and a web task, and leaves ./davit" {
	run make -C "$repo" --no-print-directory up
	echo "$output"
	[ "$status" -eq 0 ]
	has "Hello from Davit"
	[ "$("$DAVIT_HOME/davit" ps -a -o json | jq -r '.[] | select(.name == "hello") | .state')" = COMPLETED ]
	[ "$("$DAVIT_HOME/davit" ps -o json | jq -r '.[] | select(.name == "web") | .state')" = RUNNING ]
	[ "$("$DAVIT_HOME/davit" nodes -o json | jq '[.[] | select(.state == "READY")] | length')" = 2 ]
}

@test "running it again does no harm: the same processes, the same tasks" {
	before=$(cat "$DAVIT_HOME"/run/*.pid)
	tasks=$("$DAVIT_HOME/davit" ps -a -q | sort)
	run make -C "$repo" --no-print-directory up
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(cat "$DAVIT_HOME"/run/*.pid)" = "$before" ]
	[ "$("$DAVIT_HOME/davit" ps -a -q | sort)" = "$tasks" ]
}

@test "what was killed is started again, and the web task is kept" {
	kill -9 "$(proc_pid "$DAVIT_HOME/run/manager.pid")" "$(proc_pid "$DAVIT_HOME/run/n1.pid")"
	wait_for 30 procs_gone "$DAVIT_HOME/run/manager.pid" "$DAVIT_HOME/run/n1.pid"
	id=$(cat "$DAVIT_HOME/id")
	before=$(docker ps -q --filter "label=davit.cluster=$id")
	run make -C "$repo" --no-print-directory up
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(docker ps -q --filter "label=davit.cluster=$id")" = "$before" ]
}

@test "ports that are taken are a sentence, and say what to do" {
	DAVIT_HOME=$E2E_DIR/up2 run "$repo/deploy/up.sh"
	[ "$status" -eq 1 ]
	has "are not all free"
	has "make up PORT="
}

@test "make down leaves no process and no container, and the state for the next time" {
	id=$(cat "$DAVIT_HOME/id")
	run make -C "$repo" --no-print-directory down
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$(docker ps -aq --filter "label=davit.cluster=$id")" ]
	[ -z "$(ls "$DAVIT_HOME/run")" ]
	cluster_ports_free "$DAVIT_HOME" "$DAVIT_PORT"
	[ -d "$DAVIT_HOME/manager" ]
	run make -C "$repo" --no-print-directory down
	[ "$status" -eq 0 ]
}

@test "make down PURGE=1 forgets the state" {
	image=$(docker image inspect -f '{{.Id}}' "$E2E_IMAGE")
	run make -C "$repo" --no-print-directory down PURGE=1
	echo "$output"
	[ "$status" -eq 0 ]
	[ ! -e "$DAVIT_HOME" ]
	[ "$(docker image inspect -f '{{.Id}}' "$E2E_IMAGE")" = "$image" ]
}
