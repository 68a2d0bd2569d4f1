#!/bin/bash
# run.sh BUILD PROFILE: one profile of build/release/bench/cluster, its figures in
# BUILD/bench/cluster/PROFILE.json, and a plot over time. SCALE=1.
set -euo pipefail
cd "$(dirname "$0")/../../.."
out=$1/bench/cluster.out
mkdir -p "$out"
BENCH_COMMIT=$(git describe --always --dirty 2>/dev/null || echo '?') "$1/bench/cluster" "$2" "$out"
tests/bench/cluster/plot.sh "$out/$2.tsv" "$out/$2.png" "$2"
echo "figures are in $out/$2.json"
