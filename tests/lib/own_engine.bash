# own_engine.bash - a dockerd of one's own, to be killed, hung, filled or made a swarm of. Sourced
# after deploy/cluster.sh by the tests and benchmarks that do that: the machine's own engine is
# never touched.
#
# It lives in one directory (root/, exec/, dockerd.pid, dockerd.log, docker.sock) and in a network
# namespace of its own, so that its bridges and rules go away with it. Its containerd is its child.
# Needs root.

# own_engine_start DIR [OPTION...]: also again, after it was killed. Sets own_engine_host.
own_engine_start() {
	local dir=$1
	shift
	own_engine_dir=$dir
	own_engine_host=unix://$dir/docker.sock
	mkdir -p "$dir" && echo '{}' >"$dir/daemon.json"
	# Not `ip netns exec`: that would hide the cgroups.
	if ! [ -e "/run/netns/$(own_engine_netns "$dir")" ]; then
		ip netns add "$(own_engine_netns "$dir")" || return
		ip -n "$(own_engine_netns "$dir")" link set lo up || return
	fi
	proc_start "$dir/dockerd.pid" "$dir/dockerd.log" \
		nsenter "--net=/run/netns/$(own_engine_netns "$dir")" dockerd \
		--data-root "$dir/root" --exec-root "$dir/exec" --pidfile "$dir/docker.pid" \
		--host "$own_engine_host" --config-file "$dir/daemon.json" "$@"
	wait_for 60 own_engine_answers_or_died
	own_engine_answers || { tail -n 20 "$dir/dockerd.log" >&2; return 1; }
}

own_engine_netns() { echo "davit-$(cksum <<<"$1" | cut -d " " -f 1)"; }
own_docker() { DOCKER_HOST=$own_engine_host docker "$@"; }
own_engine_answers() { [ -n "$(own_docker version -f '{{.Server.Version}}' 2>/dev/null)" ]; }
own_engine_answers_or_died() { own_engine_answers || ! own_engine_pid >/dev/null; }
own_engine_pid() { proc_pid "$own_engine_dir/dockerd.pid"; }

# own_engine_kill: with -9. The kernel ends its containerd with it; containers go on.
own_engine_kill() {
	kill -KILL "$(own_engine_pid)" && wait_for 30 procs_gone "$own_engine_dir/dockerd.pid"
	# Where nobody reaps orphans, the next dockerd would take the dead containerd for a living one.
	wait_for 30 own_engine_lost_containerd
	rm -f "$own_engine_dir"/{docker.pid,exec/containerd/containerd.pid}
}
own_engine_lost_containerd() { ! proc_birth "$(cat "$own_engine_dir/exec/containerd/containerd.pid")" >/dev/null; }

# own_engine_end DIR: nothing of it is left, also when it was killed before.
own_engine_end() {
	local dir=$1 pid mounted
	[ -d "$dir" ] || return 0
	pid=$(proc_pid "$dir/dockerd.pid") && kill -CONT "$pid"
	proc_stop 30 "$dir/dockerd.pid"
	pid=$(cat "$dir/exec/containerd/containerd.pid" 2>/dev/null) &&
		grep -qF "$dir/exec" "/proc/$pid/cmdline" 2>/dev/null && kill -TERM "$pid" 2>/dev/null
	# Shims, and what they hold, of an engine that did not come to its end.
	for pid in $(own_engine_orphans "$dir"); do
		kill -KILL "$pid" 2>/dev/null
	done
	wait_for 30 own_engine_is_alone "$dir"
	for mounted in $(awk -v dir="$dir/" 'index($2, dir) == 1 {print $2}' /proc/mounts | sort -r); do
		umount -l "$mounted" 2>/dev/null
	done
	ip netns del "$(own_engine_netns "$dir")" 2>/dev/null
	rm -rf "$dir"
}

# Shims name the engine's containerd on their command line; containers are their children.
own_engine_orphans() {
	local pid
	for pid in $(pgrep -f "containerd-shim.* -address $1/exec/"); do
		pgrep -P "$pid"
		echo "$pid"
	done
}
own_engine_is_alone() { [ -z "$(own_engine_orphans "$1")" ]; }

# ---- for the bats files: a cluster of one worker on such an engine, in E2E_DIR/<name of the file> ----

own_engine_use() { own_engine_dir=$1 own_engine_host=unix://$1/docker.sock; }

own_cluster_up() { # [OPTION of dockerd...]
	cluster_use "$E2E_DIR/own-$(basename "$BATS_TEST_FILENAME" .bats)" "$(free_ports 12)"
	own_engine_start "$home/engine" "$@" || return
	export DOCKER_HOST=$own_engine_host CLUSTER
	export home url_manager url_feed url_stats url_feed_json url_scheduler url_monitor DAVIT_MANAGER
	"$repo/deploy/demo-image.sh" davit-own >&2 || return
	manager_start --silent-after 10s # less than stays_degraded waits, and no short stop of the machine
	scheduler_start
	worker_start own 64 64GiB --docker-host "$DOCKER_HOST"
	wait_for 30 nodes_ready 1 || { tail -n 20 "$home"/log/*.log; return 1; }
	CLUSTER=$(cat "$home/id")
}
own_cluster_down() {
	[ -n "${home:-}" ] || return 0
	cluster_end "$home" 10
	own_engine_end "$home/engine"
}

# own_tasks NAME STATE...: ids of the array's tasks in one of these states.
own_tasks() {
	davit ps -a -o json | jq -r --arg name "$1-" '.[] | select(.name | startswith($name)) | .state + " " + .id' |
		awk -v want=" ${*:2} " 'index(want, " " $1 " ") {print $2}'
}
all_run() { [ "$(own_tasks "$1" RUNNING | wc -l)" -eq "$2" ]; }
all_ended() { [ "$(own_tasks "$1" COMPLETED FAILED | wc -l)" -eq "$2" ]; }
some_have_ended() { [ "$(own_tasks "$1" COMPLETED | wc -l)" -ge "$2" ]; }

# All that run there are meant by settled: what a killed engine still takes for running is stopped after the
# next comparison.
containers_by_task() { docker ps --format '{{.Label "davit.task"}}' | sort; }
own_engine_is_empty() { [ -z "$(docker ps -aq; docker volume ls -q)" ]; }
# For longer than the manager waits for a node that it does not hear.
stays_degraded() { ! PATIENCE=1 wait_for 12 own_is_not_degraded; }
own_is_not_degraded() {
	local state
	state=$(node own .state) && [ -n "$state" ] && [ "$state" != DEGRADED ]
}
