#!/bin/sh
# run.sh RESULTS BENCH... - run benchmarks one after the other, each within BENCH_SECONDS,
# and keep their figures in RESULTS with what they were measured on. One that fails or takes
# too long is named and does not stop the others; the exit status counts them.
set -u
results=$1
shift
seconds=${BENCH_SECONDS:-300}
failed=0
mkdir -p "$(dirname "$results")"

machine() {
	echo "# $(date -u +%Y-%m-%dT%H:%M:%SZ) davit $(git describe --always --dirty 2>/dev/null || echo '?')"
	echo "# $(uname -sr), $(nproc) processors: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
	echo "# load $(cut -d' ' -f1-3 /proc/loadavg); files on $(df -T "${BENCH_DIR:-/var/tmp}" | awk 'NR == 2 {print $2}')"
}

# Containers of a benchmark that was ended in the middle: they carry its process id.
sweep() {
	command -v docker >/dev/null || return
	docker ps -aq --filter "label=davit.bench=$1" 2>/dev/null | xargs -r docker rm -f >/dev/null 2>&1
}

machine >"$results"
for bench in "$@"; do
	name=$(basename "$bench")
	echo "## $name" >>"$results"
	if ! timeout "$seconds" sh -c 'echo $$ >"$1" && exec "$0"' "$bench" "$results.pid" \
		>>"$results" 2>"$results.err"; then
		echo "# $name failed or took longer than $seconds s" | tee -a "$results" >&2
		tail -5 "$results.err" >&2
		sweep "$(cat "$results.pid")"
		failed=$((failed + 1))
	fi
done
rm -f "$results.err" "$results.pid"
cat "$results"
echo "figures are in $results"
exit "$failed"
