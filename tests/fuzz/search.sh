#!/bin/bash
# search.sh SECONDS TARGET... - lets libFuzzer search so long for inputs that break each target, and
# prints a line for each: how many it tried, how many were worth keeping. What breaks one is left in
# build/fuzz/broke-TARGET-*; what is worth keeping in build/fuzz/found/TARGET.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
seconds=$1
shift
failed=0
total=0
for target in "$@"; do
	found=build/fuzz/found/$target log=build/fuzz/$target.log
	mkdir -p "$found"
	build/fuzz/fuzz/fuzz_"$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=16384 \
		-print_final_stats=1 -artifact_prefix=build/fuzz/broke-"$target"- "$found" \
		tests/fuzz/corpus/"$target" >"$log" 2>&1
	rc=$?
	n=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	total=$((total + ${n:-0}))
	printf '%-14s %11s tried, %5s kept, %s\n' "$target" "${n:-?}" "$(find "$found" -type f | wc -l)" \
		"$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1)"
	[ "$rc" -eq 0 ] && continue
	failed=1
	echo "$target broke: see $log, and tests/fuzz/fuzz.h for what to do"
	grep -E 'Assertion|ERROR|runtime error|Test unit written' "$log" | head -n 5
done
echo "$total tried in all"
exit $failed
