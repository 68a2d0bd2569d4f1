# cluster.sh - a whole cluster as processes of this machine. Sourced by bash: deploy/up.sh,
# deploy/down.sh and the end-to-end tests.
#
# A cluster lives in one directory, its home: run/ pid files, log/, a state directory for each
# process, `port` the first of its ports, `id` the cluster's id, by which its containers are known.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# gateway_port PORT: of the cluster whose first port that is. The first of all, at 7070, has its HTTP
# where clients of such systems look for it.
gateway_port() { [ "$1" = 7070 ] && echo "${DAVIT_HTTP_PORT:-8080}" || echo "${DAVIT_HTTP_PORT:-$(($1 + 11))}"; }

# cluster_use HOME PORT: what follows speaks of that one. Its programs are in $DAVIT_BIN.
cluster_use() {
	home=${1%/}
	url_manager=tcp://127.0.0.1:$2
	url_feed=tcp://127.0.0.1:$(($2 + 1))
	url_stats=tcp://127.0.0.1:$(($2 + 2))
	url_feed_json=tcp://127.0.0.1:$(($2 + 3))
	url_scheduler=tcp://127.0.0.1:$(($2 + 4))
	url_monitor=tcp://127.0.0.1:$(($2 + 5))
	url_monitor_http=http://127.0.0.1:$(($2 + 10))
	url_gateway=http://127.0.0.1:$(gateway_port "$2")
	mkdir -p "$home"/{run,log} || return
	echo "$2" >"$home/port"
	export DAVIT_MANAGER=$url_manager
}

# cluster_ports_free HOME PORT: whether its processes that do not run yet could have their ports
# from there on.
cluster_ports_free() {
	local owners=(manager manager manager manager scheduler monitor) i
	for i in "${!owners[@]}"; do
		proc_pid "$1/run/${owners[i]}.pid" >/dev/null || port_free $(($2 + i)) || return 1
	done
	proc_pid "$1/run/monitor.pid" >/dev/null || port_free $(($2 + 10)) || return 1
	proc_pid "$1/run/gateway.pid" >/dev/null || port_free "$(gateway_port "$2")"
}

# daemon NAME PROGRAM OPTION...: unless it runs already. The caller's DAVIT_* are not for it.
daemon() {
	local name=$1 program=$2
	shift 2
	proc_pid "$home/run/$name.pid" >/dev/null && return
	(
		bin=$DAVIT_BIN
		unset "${!DAVIT_@}"
		proc_start "$home/run/$name.pid" "$home/log/$name.log" "$bin/$program" "$@"
	)
}

manager_start() { # [OPTION...]: those of the first time count until others are given
	local options=("$@")
	if [ $# -gt 0 ]; then
		printf '%s\n' "$@" >"$home/manager.options"
	elif [ -s "$home/manager.options" ]; then
		readarray -t options <"$home/manager.options"
	fi
	daemon manager davit-manager --state-dir "$home/manager" --listen "$url_manager" \
		--feed "$url_feed" --stats "$url_stats" --feed-json "$url_feed_json" \
		--scheduler "$url_scheduler" "${options[@]}"
}

scheduler_start() { daemon scheduler davit-scheduler --listen "$url_scheduler" "$@"; }

worker_start() { # NAME CPUS MEMORY [OPTION...]
	local name=$1 cpus=$2 memory=$3
	shift 3
	daemon "$name" davit-worker --name "$name" --cpus "$cpus" --memory "$memory" \
		--manager "$url_manager" --stats "$url_stats" --state-dir "$home/$name" "$@"
}

monitor_start() {
	daemon monitor davit-monitor --listen "$url_monitor" --feed "$url_feed" \
		--manager "$url_manager" --http "$url_monitor_http" "$@"
}

# The contract that has ports of its own has them in the first cluster of all only.
gateway_start() {
	local contracts=(--contracts "provision,pods,tasks,containers")
	[ "$url_manager" != tcp://127.0.0.1:7070 ] || contracts=()
	daemon gateway davit-gateway --listen "$url_gateway" --manager "$url_manager" \
		--monitor "$url_monitor" "${contracts[@]}" "$@"
}

gateway_ready() { curl -fsS -m 2 -o /dev/null "$url_gateway/v1/ready" 2>/dev/null; }

davit() { timeout $((60 * ${PATIENCE:-1})) "$DAVIT_BIN/davit" "$@"; }

# nodes_ready N: as many are, and the cluster's id is on disk for the day when it must be cleaned
# up without a manager to ask.
nodes_ready() {
	local ready
	ready=$(davit nodes -o json 2>/dev/null | jq -r '[.[] | select(.state == "READY")] | length' 2>/dev/null)
	[ "${ready:-0}" -ge "$1" ] || return 1
	[ -s "$home/id" ] || cluster_id >"$home/id"
}

cluster_id() { davit cluster -o json | jq -r .cluster_id; }

# cluster_end HOME SECONDS: ends its processes, in that time if they can, and removes its
# containers. Workers go first, so that no container is started behind the sweep.
cluster_end() {
	local home=${1%/} seconds=$2 pids=() id
	readarray -t pids < <(find "$home/run" -name '*.pid' 2>/dev/null)
	[ ${#pids[@]} -eq 0 ] || proc_stop "$seconds" "${pids[@]}"
	id=$(cat "$home/id" 2>/dev/null)
	[ -n "$id" ] || return 0
	wait_for 60 label_sweep "davit.cluster=$id" ||
		{ complain "containers of cluster $id are left: docker ps -a --filter label=davit.cluster=$id"; return 1; }
}
