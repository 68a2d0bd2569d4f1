#!/bin/bash
# smoke.sh BUILD: every profile once, as small as it gets. What counts is that each ends well and
# leaves its figures and, where gnuplot is, a plot; how fast it was is not looked at.
set -euo pipefail
cd "$(dirname "$0")/../../.."
out=$(mktemp -d "${TMPDIR:-/tmp}/davit-cluster.XXXXXX")
trap 'rm -rf "$out"' EXIT
export BENCH_DIR=$out SCALE=0.001 CHURN_SECONDS=1 ROUNDS=2 IDLE_MS=300 SETTLES=1
for profile in c1m c2m churn burst failover restart lists flat; do
	[ $profile != flat ] || SCALE=0.01 # two sizes: a line
	timeout 600 tests/bench/cluster/run.sh "$1" "$profile" "$out" >"$out/$profile.txt" 2>&1 ||
		{ echo "$profile failed:"; cat "$out/$profile.txt"; exit 1; }
	! command -v gnuplot >/dev/null || [ ! -e "$out/$profile.tsv" ] || [ -s "$out/$profile.png" ] ||
		{ echo "$profile left no plot:"; cat "$out/$profile.txt"; exit 1; }
	[ "$(jq -r '.profile, (.figures | length > 2)' "$out/$profile.json" | xargs)" = "$profile true" ] ||
		{ echo "$profile left no figures"; exit 1; }
done
[ "$(awk 'NR > 1 {print $1}' "$out/flat.tsv" | sort -u | xargs)" = "0 1 2" ] ||
	{ echo "flat left no table for its plot"; exit 1; }
