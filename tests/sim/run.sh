#!/bin/bash
# run.sh SIM SEED SEEDS STEPS - runs seeds on all cores; TAP: one line a share, then what happened in all of
# them. COVERAGE=1: one more test, that every cell of the state machines was taken or offered, with the tables;
# and one that the same seed gives the same trace. A run that fails is shrunk, for SHRINK_SECONDS at most.
set -u
SHRINK_SECONDS=${SHRINK_SECONDS:-60}
sim=$1 seed=$2 seeds=$3 steps=$4
jobs=$(nproc)
share=$(((seeds + jobs - 1) / jobs))
out=$(dirname "$sim")
n=0 bad=0

# report RC WORDS: one line of TAP.
report() {
	n=$((n + 1))
	[ "$1" -eq 0 ] && echo "ok $n - $2" && return
	echo "not ok $n - $2"
	bad=1
}

# Sums lines of the same shape: every number in them, field by field.
happened() {
	sed -n 's/^happened: *//p' "$@" | tr ',' '\n' | awk '{
		count = $NF; sub(/ *[0-9]+$/, ""); sub(/^ +/, "")
		if (!($0 in sum)) order[++n] = $0
		sum[$0] += count
	} END { for (i = 1; i <= n; i++) printf "%s%s %d", (i == 1 ? "" : ", "), order[i], sum[order[i]]; print "" }'
}
tables() {
	grep -h '^| ' "$@" | awk -F' *[|] *' '{
		row = $2
		if (!(row in width)) order[++n] = row
		width[row] = NF
		for (i = 3; i < NF; i++) {
			word = $i; count = 0
			if (match(word, /[0-9]+$/)) { count = substr(word, RSTART); word = substr(word, 1, RSTART - 1) }
			else count = ""
			words[row, i] = word
			if (count != "") { sum[row, i] += count; counted[row, i] = 1 }
		}
	} END { for (r = 1; r <= n; r++) {
		row = order[r]; line = "| " row " |"
		for (i = 3; i < width[row]; i++) line = line " " words[row, i] (counted[row, i] ? sum[row, i] : "") " |"
		print line
	} }'
}

# run FIRST: as many seeds from there on as there are shares for.
run() {
	local i rc shrink
	for ((i = 0; i < jobs; i++)); do
		"$sim" --seed $(($1 + i * share)) --runs "$share" --steps "$steps" ${COVERAGE:+--coverage} >"$out/share-$1-$i.txt" 2>&1 &
		pids[i]=$!
	done
	for ((i = 0; i < jobs; i++)); do
		wait "${pids[i]}"
		rc=$?
		report $rc "$(grep '^sim: ' "$out/share-$1-$i.txt" || echo "seeds from $(($1 + i * share))")"
		[ $rc -eq 0 ] && continue
		grep -v '^| ' "$out/share-$1-$i.txt" | sed 's/^/# /'
		shrink=$(sed -n 's/^shrink: sim //p' "$out/share-$1-$i.txt")
		[ -z "$shrink" ] || "$sim" $shrink --patience "${SHRINK_SECONDS}s" | sed 's/^/# shrunk: /'
	done
}
# What no seed did: rows of the tables with a cell that is 0.
missing() {
	tables "$out"/share-*.txt >"$out/coverage.md"
	grep '^| [a-z]* [A-Za-z]' "$out/coverage.md" | grep -E '[| ]0 \|'
}

rm -f "$out"/share-*.txt
run "$seed"
# Some cells need a rare coincidence: as many seeds again, three times at most, show whether they can be taken.
for ((more = 1; more <= 3; more++)); do
	[ -n "${COVERAGE:-}" ] && [ $bad -eq 0 ] && [ -n "$(missing)" ] || break
	run $((seed + more * jobs * share))
done
echo "# happened: $(happened "$out"/share-*.txt)"
if [ -n "${COVERAGE:-}" ]; then
	rows=$(missing)
	sed 's/^/# /' "$out/coverage.md"
	report "$([ -z "$rows" ]; echo $?)" "every cell of both state machines was taken, or offered and refused"
	[ -z "$rows" ] || sed 's/^/# not taken, or not offered: /' <<<"$rows"
	"$sim" --seed "$seed" --steps "$steps" --trace >"$out/trace-1.txt" 2>/dev/null
	"$sim" --seed "$seed" --steps "$steps" --trace >"$out/trace-2.txt" 2>/dev/null
	cmp <(grep -v '^sim: ' "$out/trace-1.txt") <(grep -v '^sim: ' "$out/trace-2.txt")
	report $? "the same seed gives the same trace, byte by byte ($(wc -l <"$out/trace-1.txt") lines)"
	rm -f "$out"/trace-[12].txt
fi
exit $bad
