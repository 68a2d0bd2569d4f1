#!/bin/bash
# bench_idle.sh - what an idle cluster costs: RssAnon of each process (libraries and file cache
# are shared) and the processor time of ten seconds in which nothing happens. One worker, so it
# needs a Docker Engine.
. "$(dirname "$0")/../../deploy/cluster.sh"
DAVIT_BIN=$(realpath "${BUILD:-build/release}/bin")
folder=$(mktemp -d "${BENCH_DIR:-/var/tmp}/davit-idle.XXXXXX") || exit 1
trap 'cluster_end "$home" 10; rm -rf "$folder"' EXIT

first=$((10000 + $$ % 9000))
until cluster_ports_free "$folder" "$first"; do first=$((first + 6)); done
cluster_use "$folder" "$first"
manager_start && scheduler_start && worker_start idle 1 1GiB && monitor_start
wait_for 30 nodes_ready 1 || { tail -n 5 "$home"/log/*.log >&2; exit 1; }

ticks() { # of user and system so far
	local stat
	stat=$(cat "/proc/$1/stat")
	set -- ${stat##*) }
	echo $((${12} + ${13}))
}
figure() { printf '%-48s %12s %s\n' "$@"; }

names=(manager scheduler idle monitor)
declare -A pid before
for name in "${names[@]}"; do
	pid[$name]=$(proc_pid "$home/run/$name.pid") || { echo "no $name" >&2; exit 1; }
done
sleep 10 # what starting cost is over then
for name in "${names[@]}"; do before[$name]=$(ticks "${pid[$name]}"); done
sleep 10
for name in "${names[@]}"; do
	role=${name/idle/worker}
	figure "idle.rss_anon.$role" "$(awk '/^RssAnon:/ {print $2}' "/proc/${pid[$name]}/status").0" KiB
	figure "idle.cpu.$role" \
		"$(awk -v n=$(($(ticks "${pid[$name]}") - before[$name])) -v hz="$(getconf CLK_TCK)" \
			'BEGIN {printf "%.1f", n / hz * 100}')" ms/s
done
