#!/bin/bash
# bench_stats.sh - processor time of one measurement of one container, with 50 of them: by the
# engine's stream, its own processes counted, and by the kernel's files. On an engine of its own, so
# that nobody else's containers are in its time. Needs root. CONTAINERS=50 SECONDS_EACH=20.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/cluster.sh
. tests/lib/own_engine.bash
[ "$(id -u)" -eq 0 ] || die "a Docker Engine of its own needs root"
dir=$(mktemp -d "${BENCH_DIR:-/var/tmp}/davit-stats.XXXXXX")
finish() {
	own_engine_end "$dir/engine"
	rm -rf "$dir"
}
trap finish EXIT
own_engine_start "$dir/engine" >&2
export DOCKER_HOST=$own_engine_host
deploy/demo-image.sh davit-demo:latest >&2
for ((i = 0; i < ${CONTAINERS:-50}; i++)); do
	docker run -d --label davit.bench=stats davit-demo:latest sleep 1000 >/dev/null
done
dockerd=$(own_engine_pid)
shims=$(pgrep -f "containerd-shim.* -address $dir/engine/exec/")
"${BUILD:-build/release}/bench/stats_cost" "$DOCKER_HOST" "${SECONDS_EACH:-20}" "$dockerd" \
	"$(pgrep -P "$dockerd" containerd | head -n 1)" $shims
