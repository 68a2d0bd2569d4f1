#!/bin/bash
# search.sh SECONDS TARGET... - lets libFuzzer search so long for inputs that break each target, as many
# targets at one time as there are cores, and prints a line for each: how many it tried, how many were
# worth keeping. What breaks one is left in build/fuzz/broke-TARGET-*; what is worth keeping in
# build/fuzz/found/TARGET.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

one() { # SECONDS TARGET
	local seconds=$1 target=$2 found=build/fuzz/found/$2 log=build/fuzz/$2.log rc n
	mkdir -p "$found"
	build/fuzz/fuzz/fuzz_"$target" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 -max_len=16384 \
		-print_final_stats=1 -artifact_prefix=build/fuzz/broke-"$target"- "$found" \
		tests/fuzz/corpus/"$target" >"$log" 2>&1
	rc=$?
	n=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	printf '%-14s %11s tried, %5s kept, %s\n' "$target" "${n:-?}" "$(find "$found" -type f | wc -l)" \
		"$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1)"
	[ "$rc" -eq 0 ] && return
	echo "$target broke: see $log, and tests/fuzz/fuzz.h for what to do"
	grep -E 'Assertion|ERROR|runtime error|Test unit written' "$log" | head -n 5
	return 1
}
export -f one

seconds=$1
shift
rm -f build/fuzz/*.log
printf '%s\n' "$@" | xargs -P "$(nproc)" -I TARGET bash -c 'one "$0" TARGET' "$seconds"
rc=$?
cat build/fuzz/*.log | awk '/^stat::number_of_executed_units/ { n += $2 } END { print n + 0 " tried in all" }'
exit $rc
