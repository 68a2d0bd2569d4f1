#!/bin/bash
# peers.sh OUT: Davit beside Docker Swarm and Slurm on this machine, each script within
# PEER_SECONDS. OUT/peers-<who>.txt has the figures, .json the same for docs/BENCHMARKS.md.
# WHO="swarm slurm". Needs root.
set -uo pipefail
cd "$(dirname "$0")/../../.."
out=$1 failed=0
mkdir -p "$out"
commit=$(git describe --always --dirty 2>/dev/null || echo '?')
for who in ${WHO:-swarm slurm}; do
	results=$out/peers-$who
	timeout -k 60 "${PEER_SECONDS:-600}" "tests/bench/peers/$who.sh" | tee "$results.txt"
	[ "${PIPESTATUS[0]}" -eq 0 ] || { echo "$who did not come to its end" >&2; failed=1; }
	jq -R -s --arg profile "peers-$who" --arg when "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
		--arg commit "${BENCH_COMMIT:-$commit}" --arg kernel "$(uname -r)" --argjson processors "$(nproc)" \
		--arg processor "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" \
		'{$profile, scale: 1, $when, $commit, machine: {$processor, $processors, $kernel},
		  figures: [split("\n")[] | select(length > 0) | split(" ") |
			{name: (.[0] | ltrimstr("peers.")), value: (.[1] | tonumber? // .), unit: .[2]}]}' \
		<"$results.txt" >"$results.json"
done
echo "figures are in $out"
exit $failed
