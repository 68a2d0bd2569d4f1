#!/bin/bash
# merge.sh TARGET... - adds to the corpora in tests/fuzz/corpus what searches found (build/fuzz/found) and
# nothing there reaches yet: the smallest of it, so that all corpora together stay small (tests/tidy.sh).
# What is there keeps its name.
set -euo pipefail
cd "$(dirname "$0")/../.."
bytes_max=60000 # that a target's corpus may grow to
for target in "$@"; do
	corpus=tests/fuzz/corpus/$target new=build/fuzz/new/$target
	[ -d "build/fuzz/found/$target" ] || continue
	rm -rf "$new"
	mkdir -p "$new"
	cp "$corpus"/* "$new"
	build/fuzz/fuzz/fuzz_"$target" -merge=1 -max_len=4096 "$new" "build/fuzz/found/$target" >"build/fuzz/$target.merge.log" 2>&1
	size=$(cat "$corpus"/* | wc -c) n=0
	# Smallest first: many ways in few bytes.
	while read -r bytes file; do
		[ $((size += bytes)) -le $bytes_max ] || break
		cp "$new/$file" "$corpus/$file"
		n=$((n + 1))
	done < <(cd "$new" && find . -type f -printf '%s %f\n' | sort -n | while read -r bytes file; do
		[ -e "../../../../$corpus/$file" ] || echo "$bytes $file"; done)
	printf '%-14s %3d more inputs, %d bytes in all\n' "$target" "$n" "$(cat "$corpus"/* | wc -c)"
done
