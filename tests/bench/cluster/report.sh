#!/bin/bash
# report.sh [OUT]: puts new results (OUT/*.json, OUT/*.png) into docs/results and docs/plots, and
# writes the tables of docs/BENCHMARKS.md between their marks from all that are there.
set -euo pipefail
cd "$(dirname "$0")/../../.."
page=docs/BENCHMARKS.md
mkdir -p docs/results docs/plots
if [ $# -gt 0 ]; then
	for file in "$1"/*.json; do
		[ ! -e "$file" ] || jq . "$file" >"docs/results/$(basename "$file")"
	done
	for file in "$1"/*.png; do
		[ ! -e "$file" ] || cp "$file" "docs/plots/cluster-$(basename "$file")"
	done
fi
table=$(mktemp)
trap 'rm -f "$table"' EXIT
for part in cluster peers; do
	jq -r -s --arg part $part -f tests/bench/cluster/report.jq docs/results/*.json >"$table"
	awk -v part="$part" -v table="$table" '
		$0 == "<!-- begin " part " -->" {print; print ""; while ((getline line < table) > 0) print line; print ""; skip = 1}
		$0 == "<!-- end " part " -->" {skip = 0}
		!skip' $page >$page.new
	mv $page.new $page
done
