#!/bin/bash
# swarm.sh - Docker Swarm and Davit on one engine, in the same run: 100 replicas, the replacement
# of a killed one, an update of 20, an end of all, 10,000 that fit nowhere, and memory.
#
# The engine is a dockerd of its own, in a network namespace of its own, and is removed at the
# end. N=100 UPDATE=20 WAITING=10000 KILLS=5. Needs root; BENCH_DIR says on which disk.
set -euo pipefail
cd "$(dirname "$0")/../../.."
. deploy/cluster.sh
. tests/lib/own_engine.bash
. tests/bench/peers/common.bash
B=${BUILD:-build/release}
DAVIT_BIN=$PWD/$B/bin
n=${N:-100} updated=${UPDATE:-20} waiting=${WAITING:-10000} kills=${KILLS:-5}
image=davit-demo:latest
waits_for_term="mkfifo /f; trap 'exit 0' TERM; read x <>/f"
peers_begin swarm

own_engine_start "$dir/engine"
export DOCKER_HOST=$own_engine_host
deploy/demo-image.sh $image >/dev/null
davit() { "$DAVIT_BIN/davit" "$@"; }
engine_pids() { echo "$(own_engine_pid) $(cat "$dir/engine/exec/containerd/containerd.pid" 2>/dev/null)"; }
# shellcheck disable=SC2046 # words are meant
engine_kib() { anon_kib $(engine_pids); }
davit_kib() { anon_kib $(for p in manager scheduler n1; do proc_pid "$home/run/$p.pid"; done); }
engine_is_empty() { [ -z "$(docker ps -aq)" ]; }

# ---- what happens on the engine, seen by engine_raw ----

ask() {
	echo "$*" >&"${raw[1]}"
	read -r seconds <&"${raw[0]}" || die "engine_raw ended at: $*"
}
kill_some() { # WHO LABEL
	local id
	for id in $(docker ps -q --no-trunc --filter "label=$2" | head -n "$kills"); do
		ask mark "$2"
		ask kill "$id"
		echo "$seconds"
	done >"$dir/kills"
	figure "peers.$1.replace_killed" "$(median <"$dir/kills")" s
}

# ---- Docker Swarm ----

swarm=com.docker.swarm.service.id
swarm_tasks() { # STATE: how many tasks of the service are there
	curl -s --unix-socket "$dir/engine/docker.sock" "http://d/tasks?filters=%7B%22service%22:%7B%22many%22:true%7D%7D" |
		jq --arg state "$1" '[.[] | select(.Status.State == $state)] | length'
}
swarm_has() { [ "$(swarm_tasks "$1")" -ge "$2" ]; }
swarm_is_updated() { [ "$(docker service inspect -f '{{with .UpdateStatus}}{{.State}}{{end}}' many)" = completed ]; }
swarm_remove() {
	docker service rm many >/dev/null
	wait_for 120 engine_is_empty
}
swarm_service() { # REPLICAS [OPTION...]
	local replicas=$1
	shift
	docker service create -q -d --name many --replicas "$replicas" --restart-delay 0s \
		--no-resolve-image "$@" $image sh -c "$waits_for_term" >/dev/null
}

run_swarm() {
	local from idle_kib
	docker swarm init --advertise-addr 127.0.0.1 --listen-addr 127.0.0.1 >/dev/null
	wait_for 10 docker node ls >/dev/null
	idle_kib=$(engine_kib)
	figure peers.swarm.memory_idle "$(mib "$idle_kib - $engine_alone_kib")" MiB

	ask mark $swarm
	from=$(now_us)
	swarm_service "$n"
	ask await start "$n"
	figure "peers.swarm.start" "$seconds" s
	wait_for 60 swarm_has running "$n"
	figure "peers.swarm.start_known" "$(since_s "$from")" s
	figure "peers.swarm.memory_with" "$(mib "$(engine_kib) - $engine_alone_kib")" MiB
	kill_some swarm $swarm
	ask mark $swarm
	docker service scale -d many=0 >/dev/null
	ask await die "$n"
	figure "peers.swarm.stop" "$seconds" s
	swarm_remove

	swarm_service "$updated"
	wait_for 60 swarm_has running "$updated"
	from=$(now_us)
	docker service update -q -d --env-add X=1 --update-parallelism 1 --update-delay 0s \
		--update-monitor 0s --update-order stop-first --no-resolve-image many >/dev/null
	wait_for 120 swarm_is_updated
	figure "peers.swarm.update" "$(since_s "$from")" s
	swarm_remove

	idle_kib=$(engine_kib)
	from=$(now_us)
	swarm_service "$waiting" --constraint node.labels.nowhere==1
	wait_for 120 swarm_has pending "$waiting"
	figure "peers.swarm.pending" "$(since_s "$from")" s
	figure "peers.swarm.memory_pending" "$(mib "$(engine_kib) - $idle_kib")" MiB
	docker service rm many >/dev/null
	docker swarm leave --force >/dev/null
}

# ---- Davit ----

davit_waits() { # the last of them says why
	[ "$(davit ps -o json -s pending | jq "length == $waiting and (.[-1].message | length) > 0")" = true ]
}
davit_runs() { [ "$(davit ps -o json -s running | jq length)" -ge "$1" ]; }
davit_is_empty() { [ "$(davit ps -aq | wc -l)" -eq 0 ] && engine_is_empty; }
davit_many() { # COUNT [OPTION...]
	local count=$1
	shift
	davit run -q -d --count "$count" --name many --restart always "$@" $image -- \
		sh -c "$waits_for_term" >/dev/null
}
davit_array() { davit ps -a -o json | jq -r '.[0].array_id'; }
davit_remove() {
	davit rm -q -d -f --array "$(davit_array)" >/dev/null
	wait_for 120 davit_is_empty
}
# One after the other, stop first: what a rolling update would do, by hand.
davit_replace() {
	local i
	for ((i = 0; i < updated; i++)); do
		davit stop -q -d "many-$i" >/dev/null
		davit wait -q "many-$i" >/dev/null || true
		davit run -q --wait --name "new-$i" --restart always -e X=1 $image -- \
			sh -c "$waits_for_term" >/dev/null
	done
}

run_davit() {
	local from idle_kib
	figure peers.davit.memory_idle "$(mib "$(davit_kib)")" MiB
	ask mark davit.task
	davit_many "$n"
	ask await running "$n"
	figure "peers.davit.start" "$seconds" s
	figure "peers.davit.start_known" "$seconds" s
	figure "peers.davit.memory_with" "$(mib "$(davit_kib)")" MiB
	kill_some davit davit.task
	ask mark davit.task
	davit stop -q -d --array "$(davit_array)" >/dev/null
	ask await completed "$n"
	figure "peers.davit.stop" "$seconds" s
	davit_remove

	davit_many "$updated"
	wait_for 60 davit_runs "$updated"
	timed "peers.davit.update" davit_replace
	davit ps -aq | xargs "$DAVIT_BIN/davit" rm -q -f >/dev/null
	wait_for 120 davit_is_empty

	idle_kib=$(davit_kib)
	from=$(now_us)
	davit_many "$waiting" --constraint node.labels.nowhere=1
	wait_for 120 davit_waits
	figure "peers.davit.pending" "$(since_s "$from")" s
	figure "peers.davit.memory_pending" "$(mib "$(davit_kib) - $idle_kib")" MiB
	davit rm -q -d -f --array "$(davit_array)" >/dev/null
}

port=$((10000 + RANDOM % 10000))
cluster_use "$dir/davit" $port
coproc raw { exec "$B/bench/engine_raw" "$DOCKER_HOST" $image "$url_feed"; }
engine_alone_kib=$(engine_kib)
figure peers.engine.memory_alone "$(mib "$engine_alone_kib")" MiB
figure peers.engine.version "$(docker version -f '{{.Server.Version}}' | cut -d+ -f1)" ""
figure peers.n "$n" ""
figure peers.updated "$updated" ""
figure peers.waiting "$waiting" ""
run_swarm
manager_start
scheduler_start
worker_start n1 1000 1TiB --docker-host "$DOCKER_HOST"
wait_for 30 nodes_ready 1
run_davit
