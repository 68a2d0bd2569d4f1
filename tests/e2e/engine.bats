#!/usr/bin/env bats
# A Docker Engine that is killed under load, and hangs: on one of its own, which nobody else's tests see.

load lib
. "$BATS_TEST_DIRNAME/../lib/own_engine.bash"

setup_file() {
	[ "$(id -u)" -eq 0 ] || skip "a Docker Engine of its own needs root"
	make_runtimes "$E2E_DIR/runtimes"
	export PATH=$E2E_DIR/runtimes:$PATH # of dockerd, too: it gives GPUs away where it finds NVIDIA's hook
	own_cluster_up $(runtimes)
}

# Two runtimes that hold a start open while the file gate is there: before the container's process
# is made, and when it already runs.
make_runtimes() {
	mkdir -p "$1"
	cat >"$1/before" <<-END
		#!/bin/sh
		case " \$* " in *" create "*)
			[ ! -e $1/gate ] || : >$1/before.reached
			while [ -e $1/gate ]; do sleep 0.1; done ;;
		esac
		exec runc "\$@"
	END
	cat >"$1/within" <<-END
		#!/bin/sh
		runc "\$@"
		code=\$?
		case " \$* " in *" start "*)
			[ ! -e $1/gate ] || : >$1/within.reached
			while [ -e $1/gate ]; do sleep 0.1; done ;;
		esac
		exit \$code
	END
	printf '#!/bin/sh\ncat >/dev/null\n' >"$1/nvidia-container-runtime-hook"
	chmod +x "$1"/{before,within,nvidia-container-runtime-hook}
}
runtimes() { echo "--add-runtime before=$E2E_DIR/runtimes/before --add-runtime within=$E2E_DIR/runtimes/within"; }
teardown_file() { own_cluster_down; }
setup() { own_engine_use "$home/engine"; }
teardown() { kill -CONT "$(own_engine_pid)"; } # whatever failed while it hung

@test "a task is given as many GPUs as it asks for, as the engine and its container see it" {
	worker_start gpus 4 4GiB --docker-host "$DOCKER_HOST" --gpus 2
	wait_node gpus READY
	[ "$(node gpus .capacity.gpus)" -eq 2 ]
	davit run -q --name asks --gpus 2 davit-own -- sh -c 'echo "has $NVIDIA_VISIBLE_DEVICES"; sleep 1000'
	wait_task asks RUNNING
	[ "$(task asks .node_name)" = gpus ]
	[ "$(docker inspect -f '{{json .HostConfig.DeviceRequests}}' "$(task asks .container_id)" | jq -c '.[0] | [.Count, .Capabilities]')" = '[2,[["gpu"]]]' ]
	said() { [ "$(davit logs asks)" = "has 0,1" ]; }
	wait_for 60 said || fail "$(davit logs asks)"
	davit run -q --name more --gpus 1 davit-own -- true # they are all taken
	waits_for_gpus() { [[ $(task more .message) == *[gG][pP][uU]* ]]; }
	wait_for 60 waits_for_gpus || fail "$(task more)"
	davit rm -q -f asks
	wait_task more COMPLETED
	davit rm -q -f more
	worker_kill gpus TERM
}

@test "a worker that dies while its task goes leaves nothing of ours behind, and touches nothing of others" {
	local cluster node before
	cluster=(--label "davit.cluster=$CLUSTER")
	davit run -q --name leaver --network back -v /data davit-own -- sleep 600
	wait_task leaver RUNNING
	node=$(docker inspect -f '{{index .Config.Labels "davit.node"}}' "$(task leaver .container_id)")
	# Of others: with names like ours, and with some of our labels.
	docker volume create davit-others >/dev/null
	docker network create "davit.default.back.${node//?/0}" >/dev/null
	docker run -q -d --name "davit-${node//?/0}" --network "davit.default.back.${node//?/0}" \
		-v davit-others:/kept -v /nameless davit-own sleep 600 >/dev/null
	docker run -q -d --name davit-1 "${cluster[@]}" davit-own sleep 600 >/dev/null
	docker run -q -d --name davit-2 "${cluster[@]}" --label "davit.node=$node" davit-own sleep 600 >/dev/null
	docker run -q -d --name davit-3 "${cluster[@]}" --label "davit.task=$(task leaver .id)" --label davit.attempt=9 davit-own sleep 600 >/dev/null
	docker run -q -d --name davit-4 --label "davit.node=$node" --label "davit.task=$(task leaver .id)" --label davit.attempt=1 davit-own sleep 600 >/dev/null
	docker create -q --name davit-5 "${cluster[@]}" --label "davit.node=$node" --label davit.task=nonsense --label davit.attempt=1 davit-own true >/dev/null
	before=$(of_others)
	[ "$(docker volume ls -q | wc -l)" -eq 3 ]
	worker_kill own KILL
	davit rm -q -d -f leaver
	worker_start own 64 64GiB --docker-host "$DOCKER_HOST"
	ours_are_gone() {
		[ "$(docker volume ls -q | wc -l)" -eq 2 ] && [ "$(docker ps -aq | wc -l)" -eq 6 ] &&
			[ -z "$(docker network ls -q --filter "label=davit.cluster=$CLUSTER")" ]
	}
	wait_for 90 ours_are_gone || fail "$(docker ps -a; docker volume ls; docker network ls)"
	[ "$(of_others)" = "$before" ] || fail "before: $before, now: $(of_others)"
	docker network inspect "davit.default.back.${node//?/0}" >/dev/null
	docker ps -aq | xargs docker rm -f -v >/dev/null
	docker volume rm davit-others >/dev/null
	docker network rm "davit.default.back.${node//?/0}" >/dev/null
}
of_others() {
	docker ps -a --filter name=davit- --format '{{.Names}}' | grep -E '^davit-(0+[-0]*|[1-5])$' | sort |
		xargs docker inspect | jq -c '.[] | [.Id, .State.Status, .State.StartedAt, .RestartCount, (.Mounts | sort_by(.Destination))]'
}

@test "dockerd killed with -9 under load: the node says so, and everything converges when it is back" {
	local id
	davit run -q --name stays --count 3 --restart always davit-own -- sleep 1000
	davit run -q --name job --count 12 davit-own -- true
	wait_for 60 all_run stays 3
	wait_for 60 some_have_ended job 2
	own_engine_kill
	wait_node own DEGRADED 20
	says "Docker Engine"
	davit run -q --name later davit-own -- true
	own_engine_start "$home/engine" $(runtimes)
	wait_node own READY 60
	wait_task later COMPLETED 60
	# Without live-restore the engine ends what ran: what restarts runs again, the rest has ended.
	wait_for 90 all_run stays 3 || fail "$(davit ps -a)"
	wait_for 90 all_ended job 12 || fail "$(davit ps -a)"
	settled stays-0 stays-1 stays-2
	for id in $(own_tasks stays RUNNING); do
		[ "$(containers "$id" | wc -l)" -eq 1 ] || fail "task $id has not one container"
	done
}
# says WORDS: the node, of itself.
says() {
	node_says() { [[ $(node own .message) == *"$1"* ]]; }
	wait_for 30 node_says "$1" || fail "$(node own)"
}

@test "dockerd killed within first starts: what it then refuses for ever is made anew, and never runs twice" {
	local gate=$E2E_DIR/runtimes/gate seconds=$((10000000 + BASHPID))
	: >"$gate"
	davit run -q --name before --runtime before davit-own -- sleep 1000
	davit run -q --name twice --runtime within --restart always davit-own -- sleep "$seconds"
	davit run -q --name once --runtime within davit-own -- sleep "$seconds"
	wait_for 60 test -e "$E2E_DIR/runtimes/before.reached"
	wait_for 60 processes_are 2 "sleep $seconds"
	own_engine_kill
	rm "$gate"
	own_engine_start "$home/engine" $(runtimes)
	wait_task before RUNNING 60
	wait_task twice RUNNING 60
	wait_task once FAILED 60
	[ "$(task before ".restart_count // 0")" -eq 0 ]
	run davit inspect once
	has "lost it"
	wait_for 60 processes_are 1 "sleep $seconds"
	settled stays-0 stays-1 stays-2 before twice
	davit rm -q -f before twice once
}
processes_are() { [ "$(pgrep -cx -f "$2")" -eq "$1" ]; }

@test "an engine that hangs makes the node degraded, with a sentence; the node is heard all the time" {
	local before
	settled stays-0 stays-1 stays-2
	before=$(running_containers)
	kill -STOP "$(own_engine_pid)"
	davit run -q --name waits davit-own -- true
	wait_node own DEGRADED 20
	says "does not answer"
	# Neither silent nor anything else: nothing that the engine fails to do delays a heartbeat.
	stays_degraded || fail "$(davit nodes -o wide)"
	[ "$(own_tasks stays RUNNING | wc -l)" -eq 3 ]
	kill -CONT "$(own_engine_pid)"
	wait_node own READY 60
	wait_task waits COMPLETED 60
	runs_as_before "$before"
	settled stays-0 stays-1 stays-2
	runs_as_before "$before"
}

@test "what is removed after that leaves nothing on the engine" {
	davit rm -q -f $(davit ps -a -q)
	wait_for 60 own_engine_is_empty || fail "$(docker ps -a; docker volume ls; docker network ls)"
}

@test "image prune takes those without a name, and with -a all that no container uses" {
	local box nameless
	box=$(docker create davit-own true)
	docker commit -m kept "$box" davit-unused:1 >/dev/null
	nameless=$(docker commit -m nameless "$box")
	run davit image prune -n own
	[ "$status" -eq 0 ] || fail "$output"
	has "own: removed 1"
	has_no "$nameless" || fail "$(docker image ls -a)"
	docker image inspect davit-unused:1 >/dev/null
	run davit image prune -a -n own
	[ "$status" -eq 0 ] || fail "$output"
	has_no davit-unused:1 || fail "$(docker image ls -a)"
	docker image inspect davit-own >/dev/null # of a container that never ran
	docker rm "$box" >/dev/null
	davit image prune -a -n own
	has_no davit-own || fail "$(docker image ls -a)"
}
has_no() { ! docker image inspect "$1" >/dev/null 2>&1; }
