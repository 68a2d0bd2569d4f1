#!/bin/bash
# bench_logs.sh - 100 MB of a task's log through worker, manager and CLI over loopback, beside
# what the engine itself hands out and what a plain read of its file takes.
# Prints "name value unit", a figure a line: medians of READS=5, and the processor time of one. Needs an
# engine and the demo image (make up makes it).
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/cluster.sh
DAVIT_BIN=$PWD/${BUILD:-build/release}/bin
image=${BENCH_IMAGE:-davit-demo}
socket=${BENCH_DOCKER:-/var/run/docker.sock}
dir=$(mktemp -d)
trap 'cluster_end "$dir" 5 >/dev/null 2>&1; rm -rf "$dir"' EXIT
port=$((10000 + RANDOM % 10000))
cluster_use "$dir" "$port"
manager_start
scheduler_start
worker_start n1 2 2GiB
wait_for 30 nodes_ready 1
bytes=$((100 * 1000 * 1000))
line=$(printf 'x%.0s' {1..99})
davit run -d --name noisy --log-opt max-size=1g "$image" -- \
	sh -c "yes $line | head -c $bytes" >/dev/null
davit wait noisy >/dev/null
id=$(davit inspect noisy -o json | jq -r '.. | .container_id? // empty' | head -1)

seconds() { # COMMAND...: seconds that it took, its output thrown away
	local from to
	from=$(date +%s%N)
	"$@" >"$dir/out"
	to=$(date +%s%N)
	awk "BEGIN {print ($to - $from) / 1e9}"
}
rate() { awk "BEGIN {printf \"%.1f\", $bytes / 1e6 / $1}"; }

# ticks NAME: processor time that the process has used, in 10 ms.
ticks() { awk '{sub(/.*\) /, ""); print $12 + $13}' "/proc/$(proc_pid "$dir/run/$1.pid")/stat"; }
reads=${READS:-5} worker_before=$(ticks n1) manager_before=$(ticks manager)
for ((i = 0; i < reads; i++)); do
	seconds "$DAVIT_BIN/davit" logs noisy >>"$dir/took"
	[ "$(stat -c %s "$dir/out")" -eq "$bytes" ] || die "the log came with $(stat -c %s "$dir/out") bytes"
done
took=$(sort -n "$dir/took" | sed -n "$((reads / 2 + 1))p")
echo "logs_davit $(rate "$took") MB/s"
echo "logs_davit_best $(rate "$(sort -n "$dir/took" | head -n 1)") MB/s"
echo "logs_worker_cpu $((($(ticks n1) - worker_before) * 10 / reads)) ms"
echo "logs_manager_cpu $((($(ticks manager) - manager_before) * 10 / reads)) ms"
engine=$(seconds curl -s --unix-socket "$socket" "http://localhost/containers/$id/logs?stdout=1&stderr=1")
echo "logs_engine_itself $(rate "$engine") MB/s"
echo "logs_davit_over_engine $(awk "BEGIN {printf \"%.1f\", $engine / $took}") x"
worker=$(proc_pid "$dir/run/n1.pid")
echo "logs_worker_rss $(awk '/^RssAnon/ {print $2}' "/proc/$worker/status") KiB"
