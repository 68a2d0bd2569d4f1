# lib.sh - what the scripts of deploy/ and tests/e2e/ share. Sourced by bash, never run.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { echo "davit: $*"; }
complain() { echo "davit: $*" >&2; }
die() { complain "$@"; exit 1; }

# wait_for SECONDS COMMAND...: until the command succeeds. Asks ten times a second. Tests, which run on
# busy machines, set PATIENCE: so many times longer.
wait_for() {
	local deadline=$((${EPOCHREALTIME/[.,]/} + $1 * ${PATIENCE:-1} * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/[.,]/}" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

# When a process started, in ticks since boot: tells it from a later one with the same number.
# What comes before is cut at the last ')' because a program's name may contain anything.
proc_birth() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	stat=${stat##*) }
	case $stat in Z*) return 1 ;; esac
	set -- $stat
	echo "${20}"
}

# proc_pid FILE: the process that proc_start wrote there, if it still lives.
proc_pid() {
	local pid birth
	{ read -r pid birth <"$1"; } 2>/dev/null || return 1
	[ -n "$birth" ] && [ "$(proc_birth "$pid")" = "$birth" ] && echo "$pid"
}

# proc_start PIDFILE LOGFILE COMMAND...: in the background, in a session of its own, holding no
# descriptor of ours (bats waits for whoever holds its third).
proc_start() {
	local pidfile=$1 logfile=$2 pid
	shift 2
	setsid "$@" </dev/null >>"$logfile" 2>&1 3>&- 4>&- 9>&- &
	pid=$!
	disown "$pid" 2>/dev/null
	echo "$pid $(proc_birth "$pid")" >"$pidfile"
}

# proc_stop SECONDS PIDFILE...: TERM to all, a bounded wait, KILL to the rest.
proc_stop() {
	local seconds=$1 file pid pids=()
	shift
	for file in "$@"; do
		pid=$(proc_pid "$file") && pids+=("$pid")
	done
	if [ ${#pids[@]} -gt 0 ]; then
		kill -TERM "${pids[@]}" 2>/dev/null
		if ! wait_for "$seconds" procs_gone "$@"; then
			for file in "$@"; do
				pid=$(proc_pid "$file") || continue
				complain "$(basename "$file" .pid) did not end within $seconds s, killing it"
				kill -KILL "$pid" 2>/dev/null
			done
			wait_for 5 procs_gone "$@"
		fi
	fi
	rm -f "$@"
}
procs_gone() {
	local file
	for file in "$@"; do
		proc_pid "$file" >/dev/null && return 1
	done
	return 0
}

engine_answers() { timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# port_free PORT: nobody listens on it, on any address.
port_free() { [ -z "$(ss -Hltn "sport = :$1" 2>/dev/null)" ]; }

# label_sweep LABEL=VALUE: removes the containers and networks that carry it.
label_sweep() {
	local ids
	ids=$(docker ps -aq --filter "label=$1" 2>/dev/null)
	# shellcheck disable=SC2086
	[ -z "$ids" ] || docker rm -f -v $ids >/dev/null 2>&1
	ids=$(docker network ls -q --filter "label=$1" 2>/dev/null)
	# shellcheck disable=SC2086
	[ -z "$ids" ] || docker network rm $ids >/dev/null 2>&1
	[ -z "$(docker ps -aq --filter "label=$1" 2>/dev/null)" ]
}
