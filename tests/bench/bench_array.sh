#!/bin/bash
# bench_array.sh - what an array of COUNT (1,000,000) tasks that wait costs the manager: milliseconds of each call with
# the start of davit itself, and the manager's memory. Real manager, real store, nobody to place them. Then ARRAYS (300) of
# EACH (5,000), which a scheduler refuses for want of a node.
set -euo pipefail
cd "$(dirname "$0")/../.."
count=${COUNT:-1000000} arrays=${ARRAYS:-300} each=${EACH:-5000}
dir=$(mktemp -d "${BENCH_DIR:-/var/tmp}/davit-array.XXXXXX")
export DAVIT_BIN=$PWD/${BUILD:-build/release}/bin
. deploy/cluster.sh
cluster_use "$dir" "${PORT:-$((21000 + RANDOM % 8000))}"
finish() {
	cluster_end "$dir" 10 >&2 || true
	rm -rf "$dir"
}
trap finish EXIT

memory() { # NAME
	awk -v name="$1" '/^RssAnon/ { printf "array.%s.memory %.1f MB\n", name, $2 / 1000 }' \
		"/proc/$(cut -d' ' -f1 "$home/run/manager.pid")/status"
}
# timed NAME COMMAND...: its milliseconds, then the manager's memory.
timed() {
	local name=$1 from
	shift
	from=$(date +%s%N)
	"$@" >"$dir/out"
	awk -v name="$name" -v ns=$(($(date +%s%N) - from)) 'BEGIN { printf "array.%s %.0f ms\n", name, ns / 1e6 }'
	memory "$name"
}
begin() {
	manager_start
	until davit node ls >/dev/null 2>&1; do sleep 0.01; done
}

begin
memory before
timed submit davit run -d --name many --count "$count" demo
array=$(davit inspect many-0 | jq -r .array_id)
timed inspect davit inspect "many-$((count - 1))"
timed stop_one davit stop "many-$((count / 2))"
timed remove_one davit rm "many-$((count / 2))"
kill "$(cut -d' ' -f1 "$home/run/manager.pid")"
while proc_pid "$home/run/manager.pid" >/dev/null; do sleep 0.01; done
timed restart begin
timed stop davit stop --array "$array"
timed remove davit rm --array "$array"
many() {
	seq "$arrays" | xargs -P 4 -I{} "$DAVIT_BIN/davit" run -d --name few-{} --count "$each" demo
}
refused() { # each array knows why it waits
	for ((i = 1; i <= arrays; i++)); do
		until davit inspect "few-$i-$((each - 1))" | jq -e '.message != null' >/dev/null; do sleep 0.1; done
	done
}
scheduler_start
timed many many
refused
memory refused
