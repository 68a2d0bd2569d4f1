#!/bin/bash
# long.sh [STAGE...] - what takes longer than `make test` has time for, in stages, then one closing
# line that counts them. With names, only those. About two hours on two cores.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
. tests/stages.bash
stages=$B/long.tap
: >"$stages"
only=("$@")

# long NAME WORDS COMMAND...
long() {
	local name=$1 words=$2 begun=$SECONDS
	shift 2
	[ ${#only[@]} -eq 0 ] || [[ " ${only[*]} " == *" $name "* ]] || return 0
	echo "# $name begins at $(date -u +%T)"
	stage "$words" "$@"
	echo "# $name took $((SECONDS - begun)) s"
}
other_mode() { MODE=$1 make --no-print-directory -k -j"$(nproc)" "MODE=$1" all unit fuzz-smoke; }
hosts() { LANES=1 E2E_SECONDS=1800 tests/e2e/run.sh tests/hosts/long; }
all_bats() { ! ls tests/long/*.bats >/dev/null 2>&1 || E2E_SECONDS=3600 tests/e2e/run.sh tests/long; }

long build "the programs are built" build all
long sim "simulated clusters of 2,000 seeds" build sim SEEDS=2000
long mutants "broken rules are found by the simulator" build sim-mutants
long asan "the suite under the address and undefined behaviour sanitizers" other_mode asan
long tsan "the suite under the thread sanitizer" other_mode tsan
long soak "nothing grows in 1,000,000 short lives of tasks" build soak TASKS=1000000
long fuzz "five minutes of each fuzzer" build fuzz-all SECONDS=300
long storm "a storm of 100 rounds on a real engine" build storm ROUNDS=100
long valgrind "a short-lived cluster under memcheck" tests/long/valgrind.sh
long bats "the bats files of tests/long" all_bats
long hosts "many hosts, and links between them that fail" hosts
exec tests/count.sh "$stages"
