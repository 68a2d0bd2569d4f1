#!/bin/bash
# soak.sh TASKS - so many short lives of tasks through the real programs: sockets, SQLite, engines in
# memory. Neither a process nor the database may grow after the first tenth. The figures and a plot
# of them go to $B/soak-TASKS.{txt,png}.
#
# What is kept of the past is bounded (ended tasks, answers, events), and a bound is reached only
# after so many tasks; those that can be chosen are made to be reached within the first tenth.
set -uo pipefail
. "$(dirname "$0")/../../deploy/cluster.sh"
cd "$repo" || exit 1

tasks=${1:-1000000}
export DAVIT_BIN=${DAVIT_BIN:-$repo/${B:-build/debug}/bin}
out=${B:-build/debug}/soak-$tasks
folder=$(mktemp -d "${BENCH_DIR:-/var/tmp}/davit-soak.XXXXXX")
finish() {
	trap - EXIT
	proc_stop 10 "$folder"/run/*.pid
	rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# Read whole before it runs: it takes minutes, and the file may change.
main() {
	local port bounds=(--answers 2MiB --store-log 2MiB) window=2000 percent=5 kept=2000 watched=() name
	port=$((10000 + RANDOM % 10000))
	until cluster_ports_free "$folder" "$port"; do port=$((10000 + RANDOM % 10000)); done
	cluster_use "$folder" "$port"
	if [ "$tasks" -lt 200000 ]; then
		bounds=(--answers 64KiB --store-log 256KiB)
		window=$((tasks / 40))
		kept=$((tasks / 40))
		percent=15 # a heap takes longer than such a run to find its size
	fi
	# A quarter of the ended tasks is in memory, the others are on disk.
	bounds+=(--history-max $kept --history-containers $((kept / 4)))
	manager_start --log-level warn "${bounds[@]}"
	scheduler_start --log-level warn --tasks-per-node-max 1000000
	for name in n1 n2; do
		worker_start "$name" 1000 4TiB --disk 4TiB --docker-host mem:// --log-level warn
	done
	monitor_start --log-level warn
	wait_for 30 nodes_ready 2 || { tail -n 20 "$folder"/log/*.log; exit 1; }

	for name in manager scheduler n1 n2 monitor; do
		watched+=("$name=$(proc_pid "$folder/run/$name.pid")")
	done
	"${B:-build/debug}/soak/soak" "$url_manager" "$tasks" "$window" "$folder/manager/manager.db" \
		"${watched[@]}" >"$out.txt" || { tail -n 20 "$folder"/log/*.log; exit 1; }

	tests/soak/plot.sh "$out.txt" "$out.png" || echo "no plot: gnuplot is not here"
	awk -v percent=$percent -f tests/soak/judge.awk "$out.txt" || return 1
	[ "$tasks" -lt 200000 ] || ! leak | awk -v percent=$percent -f tests/soak/judge.awk >/dev/null ||
		die "the judge does not see 100 bytes a life more in the manager"
}
# The same figures as if the manager had kept 100 bytes of every life.
leak() { awk 'NR == 1 { print; next } { $4 = int($4 + $1 * 100 / 1024); print }' "$out.txt"; }
main; exit
