# lib.bash - loaded by every bats file here. tests/e2e/run.sh says where things are:
# E2E_DIR (of this run), E2E_IMAGE (the demo image under a tag of this run), DAVIT_BIN.

. "$(dirname "${BASH_SOURCE[0]}")/../../deploy/cluster.sh"

# A wait ends with its condition: a large bound costs nothing where it is met.
export PATIENCE=4
# Nor does it to wait for an answer, where nothing else is asked for.
export DAVIT_TIMEOUT=120s
# What programs print is the same wherever the tests run.
export LC_ALL=C.UTF-8
unset LANGUAGE NO_COLOR

[ -n "${E2E_DIR:-}" ] || { echo "run this by tests/e2e/run.sh FILE" >&2; exit 1; }

# free_ports N: the first of N consecutive ports on which nobody listens, below those that the
# kernel hands out by itself and away from the defaults; no other test of this run is given them.
free_ports() (
	flock 9
	while :; do
		first=$((10000 + RANDOM % 9900))
		awk -v first="$first" -v end=$((first + $1)) '$1 < end && first < $2 {exit 1}' "$E2E_DIR/ports" || continue
		for ((port = first; port < first + $1; port++)); do
			port_free "$port" || continue 2
		done
		echo "$first $((first + $1))" >>"$E2E_DIR/ports"
		echo "$first"
		return
	done
) 9>>"$E2E_DIR/ports"

# dynamic_ports: a range for the manager to hand out, FIRST-LAST: no other cluster of this run has it.
dynamic_ports() (
	flock 9
	[ "$(wc -l <"$E2E_DIR/ranges")" -lt 48 ] || { echo "this run has no ranges of ports left" >&2; exit 1; }
	[ -s "$E2E_DIR/ranges" ] || first=$((RANDOM % 48))
	n=$(((${first:-$(head -n 1 "$E2E_DIR/ranges")} + $(wc -l <"$E2E_DIR/ranges")) % 48))
	echo "$n" >>"$E2E_DIR/ranges"
	echo "$((20000 + n * 200))-$((20199 + n * 200))"
) 9>>"$E2E_DIR/ranges"

# as_nobody COMMAND...: without root's rights, where the tests have them.
as_nobody() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}

# Prints what is known when an assertion fails: bats shows a test's output then.
fail() {
	echo "$*"
	return 1
}

# has TEXT: the output of the last `run` contains it.
has() { [[ $output == *"$1"* ]] || fail "expected to read: $1
but it says: $output"; }

now_ms() { date +%s%3N; }

# The file's own cluster, in E2E_DIR/<name of the file>. For setup_file; ended by cluster_down in
# teardown_file, and by run.sh whatever happens. A node is missed later than by default: a machine that
# stands still for a few seconds is not what most tests are about. Those that are give --silent-after.
cluster_up() { # [MANAGER-OPTION...]
	cluster_use "$E2E_DIR/$(basename "$BATS_TEST_FILENAME" .bats)" "$(free_ports 12)"
	export home url_manager url_feed url_stats url_feed_json url_scheduler url_monitor url_monitor_http url_gateway
	export DAVIT_MANAGER CLUSTER
	# Dynamic ports of its own, too: other clusters of this machine have theirs.
	manager_start --port-range "$(dynamic_ports)" --silent-after 10s "$@"
	scheduler_start
	worker_start n1 4 8GiB
	worker_start n2 8 16GiB
	wait_for 30 nodes_ready 2 || { tail -n 20 "$home"/log/*.log; return 1; }
	CLUSTER=$(cat "$home/id")
}
cluster_down() { cluster_end "$home" 10; }

manager_restart() { # [SIGNAL]
	local pid
	pid=$(proc_pid "$home/run/manager.pid")
	kill "-${1:-TERM}" "$pid"
	wait_for 15 procs_gone "$home/run/manager.pid" || fail "the manager did not end"
	manager_start
}

# worker_kill NAME SIGNAL: and wait until the process is gone.
worker_kill() {
	kill "-$2" "$(proc_pid "$home/run/$1.pid")"
	wait_for 15 procs_gone "$home/run/$1.pid" || fail "worker $1 did not end"
}

# call METHOD [REQUEST [REQUEST_ID]]: in JSON over nngcat; prints the whole reply.
call() {
	local request=${2:-}
	jq -cn --arg method "$1" --argjson request "${request:-null}" --arg id "${3:-}" \
		'{method: $method, request: ($request // {})} + if $id == "" then {} else {request_id: $id} end' \
		>"$BATS_TEST_TMPDIR/call.json"
	nngcat --req --dial "$url_manager" --recv-timeout 60 --raw --file "$BATS_TEST_TMPDIR/call.json"
}

# task NAME [FILTER]: what the manager says of it; nothing while it knows none.
task() { call GetTask "$(jq -n --arg task "$1" '{task: $task}')" | jq -r ".response.task // empty | ${2:-.}"; }
node() { call GetNode "$(jq -n --arg node "$1" '{node: $node}')" | jq -r ".response.node // empty | ${2:-.}"; }

# is COMMAND... -- TEXT: the command prints just that.
prints() {
	local want=$1
	shift
	[ "$("$@" 2>/dev/null)" = "$want" ]
}

# wait_task NAME STATE [SECONDS]
wait_task() {
	wait_for "${3:-30}" prints "$2" task "$1" .state || fail "task $1 is not $2: $(task "$1")"
}
# wait_node NAME STATE [SECONDS]
wait_node() {
	wait_for "${3:-30}" prints "$2" node "$1" .state || fail "node $1 is not $2: $(node "$1")"
}

# containers TASK-ID [docker ps option...]: ids of those that run.
containers() {
	local id=$1
	shift
	docker ps -q --no-trunc --filter "label=davit.task=$id" "$@"
}

# Everything of this cluster that runs, with the moment when it started: equal before and after
# means that nothing was touched. Before: when it is settled. After: by runs_as_before, because the
# engine tells an end a moment before its list shows it.
running_containers() {
	docker ps -q --no-trunc --filter "label=davit.cluster=$CLUSTER" | sort |
		xargs -r docker inspect -f '{{.Id}} {{.State.StartedAt}} {{.RestartCount}}'
}
# settled NAME...: these tasks run, and of this cluster nothing else does, nor is on its way to it or from it.
settled() {
	wait_for 60 is_settled "$@" || fail "not settled: $(davit ps -a)
$(docker ps -a --filter "label=davit.cluster=$CLUSTER")"
}
is_settled() {
	local tasks
	tasks=$(davit ps -a -o json) &&
		[ "$(jq -r '.[] | select(.state == "RUNNING") | .name' <<<"$tasks" | sort | xargs)" = "$(printf '%s\n' "$@" | sort | xargs)" ] &&
		[ "$(jq '[.[] | select((.state | IN("PENDING", "SCHEDULED")) or
			(.state == "RUNNING" and .phase != "STARTED"))] | length' <<<"$tasks")" = 0 ] &&
		[ "$(jq -r '.[] | select(.state == "RUNNING") | .id' <<<"$tasks" | sort)" = "$(containers_by_task)" ]
}
containers_by_task() { docker ps --filter "label=davit.cluster=$CLUSTER" --format '{{.Label "davit.task"}}' | sort; }
# runs_as_before CONTAINERS: those of running_containers, and no others, neither now nor at the end of the wait.
runs_as_before() {
	wait_for 60 prints "$1" running_containers || fail "other containers than before:
$1
now:
$(running_containers)
$(davit ps -a)"
}
