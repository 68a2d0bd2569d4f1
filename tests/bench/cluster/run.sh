#!/bin/bash
# run.sh BUILD PROFILE [OUT]: one profile of BUILD/bench/cluster, its figures in OUT/PROFILE.json
# (BUILD/bench/cluster.out), and a plot: over time, or what plot_PROFILE.sh draws. SCALE=1.
set -euo pipefail
cd "$(dirname "$0")/../../.."
out=${3:-$1/bench/cluster.out}
plot=tests/bench/cluster/plot_$2.sh
[ -x "$plot" ] || plot=tests/bench/cluster/plot.sh
mkdir -p "$out"
BENCH_COMMIT=$(git describe --always --dirty 2>/dev/null || echo '?') "$1/bench/cluster" "$2" "$out"
"$plot" "$out/$2.tsv" "$out/$2.png" "$2"
echo "figures are in $out/$2.json"
