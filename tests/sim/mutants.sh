#!/bin/bash
# mutants.sh - can the simulator see when a rule is broken?
#
#   mutants.sh apply                      whether every mutant still fits the sources; quick
#   mutants.sh run SIM DIR SEEDS NAME...  runs the unchanged SIM, then DIR/NAME/sim of each mutant,
#                                         with seeds 1 to SEEDS until one fails; prints a table
#   mutants.sh smoke SIM DIR SEEDS NAME...  the same, and shrinks the run by which the first was found
#   mutants.sh shrink SIM SEED            whether the shrinker finds a shorter run of a mutant that fails
#                                         with that seed, and the line that it prints replays it
#
# The unchanged program must pass every seed that a mutant needed, each mutant must fail at one.
# STEPS and JOBS may be set.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
mutants=tests/sim/mutants
steps=${STEPS:-20000}
jobs=${JOBS:-$(nproc)}
SEED_SECONDS=120 # a mutant may hang: that is found, too

apply() {
	local bad=0 mutant
	for mutant in $mutants/*.mutant; do
		awk -f tests/sim/mutate.awk "$mutant" || bad=1
	done
	return $bad
}

# hunt NAME: one line of the table in DIR/NAME/result: SEED STEPS SECONDS INVARIANT, or "survived".
hunt() {
	local seed rc out=$dir/$1/run.txt
	for ((seed = 1; seed <= seeds; seed++)); do
		timeout -k 5 $SEED_SECONDS "$dir/$1/sim" --seed $seed --steps "$steps" >"$out" 2>&1
		rc=$?
		[ $rc -ne 0 ] || continue
		if [ $rc -eq 124 ]; then
			echo "$seed - - it-hangs"
		elif grep -q '^seed ' "$out"; then
			sed -nE 's/^seed [0-9]+: ([a-z_]+) at step ([0-9]+), ([0-9.]+) s.*/'$seed' \2 \3 \1/p' "$out"
		elif grep -q 'Assertion' "$out"; then
			echo "$seed - - $(sed -nE 's/.*: ([a-z_]+): Assertion.*/assert-in-\1/p' "$out" | head -1)"
		else
			echo "$seed - - it-dies-$rc"
		fi >"$dir/$1/result"
		return
	done
	echo survived >"$dir/$1/result"
}

run() {
	local name rest most=0 bad=0 n=0 began=$SECONDS
	sim=$1 dir=$2 seeds=$3
	shift 3
	export -f hunt
	export dir seeds steps SEED_SECONDS
	printf '%s\n' "$@" | xargs -P "$jobs" -I{} bash -c 'hunt {}'
	printf '| %-34s | %5s | %6s | %7s | %-38s | %s |\n' mutant seeds step seconds 'found by' rule
	echo '|---|--:|--:|--:|---|---|'
	for name; do
		read -r seed step seconds found <"$dir/$name/result"
		rest=$(sed -n 's/^rule: //p' "$mutants/$name.mutant")
		if [ "$seed" = survived ]; then
			printf '| %-34s | %5s | %6s | %7s | %-38s | %s |\n' "$name" - - - "**survived $seeds seeds**" "$rest"
			bad=1
			most=$seeds
			continue
		fi
		printf '| %-34s | %5s | %6s | %7s | %-38s | %s |\n' "$name" "$seed" "$step" "$seconds" "$found" "$rest"
		[ "$seed" -le "$most" ] || most=$seed
		n=$((n + 1))
	done
	echo
	echo "$n of $# mutants found, with at most $most seeds of $steps steps, in $((SECONDS - began)) s"
	tests/sim/run.sh "$sim" 1 "$most" "$steps" || {
		echo "the unchanged program fails"
		bad=1
	}
	return $bad
}

# The word after "replay: sim" to the end of its line are arguments of sim; the last is --trace.
shrink() {
	local sim=$1 seed=$2 out before after replay found
	out=$(timeout $SEED_SECONDS "$sim" --seed "$seed" --steps "$steps" --shrink) && { echo "seed $seed does not fail"; return 1; }
	printf '%s\n' "$out"
	found=$(sed -nE 's/^seed [0-9]+: ([a-z_]+) at .*/\1/p' <<<"$out")
	before=$(sed -nE 's/^before: ([0-9]+) happenings.*/\1/p' <<<"$out")
	after=$(sed -nE 's/^after: ([0-9]+) happenings.*/\1/p' <<<"$out")
	replay=$(sed -n 's/^replay: sim \(.*\) --trace$/\1/p' <<<"$out")
	[ -n "$replay" ] && [ "$after" -lt "$before" ] || { echo "it is not shorter"; return 1; }
	"$sim" $replay >"$sim.replay.txt"
	grep -q "^seed $seed: $found at " "$sim.replay.txt" || { echo "the shorter run does not fail by $found"; return 1; }
	echo "$found: of $before happenings $after are left"
}

smoke() {
	run "$@" && shrink "$2/$4/sim" "$(cut -d' ' -f1 "$2/$4/result")"
}

case ${1:-} in
apply) apply ;;
run) shift && run "$@" ;;
smoke) shift && smoke "$@" ;;
shrink) shift && shrink "$@" ;;
*) sed -n '2,15s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
