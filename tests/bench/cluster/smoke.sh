#!/bin/bash
# smoke.sh BUILD: every profile once, as small as it gets. What counts is that each ends well and
# leaves its figures; how fast it was is not looked at.
set -euo pipefail
cd "$(dirname "$0")/../../.."
out=$(mktemp -d "${TMPDIR:-/tmp}/davit-cluster.XXXXXX")
trap 'rm -rf "$out"' EXIT
export BENCH_DIR=$out SCALE=0.001 CHURN_SECONDS=1 ROUNDS=2
for profile in c1m c2m churn burst failover restart lists flat; do
	timeout 600 "$1/bench/cluster" "$profile" "$out" >"$out/$profile.txt" 2>&1 ||
		{ echo "$profile failed:"; cat "$out/$profile.txt"; exit 1; }
	[ "$(jq -r '.profile, (.figures | length > 2)' "$out/$profile.json" | xargs)" = "$profile true" ] ||
		{ echo "$profile left no figures"; exit 1; }
done
