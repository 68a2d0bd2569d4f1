#!/bin/bash
# test.sh DIR... - everything of `make check`, simulated clusters, then on a real Docker Engine the engine's contract
# and the bats files in DIR..., then one closing line that counts it all. Every stage runs,
# whatever became of the one before. E2E=0 leaves the engine out.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
. tests/stages.bash
stages=$B/stages.tap
: >"$stages"

stage "the style of the tree" build tidy
stage "the programs are built" build all
stage "the corpora of the fuzzers" build fuzz-smoke

# The same clusters every time, and another one every day; a failure prints its seed.
stage "simulated clusters of ${SIM_SEEDS:-40} seeds" build sim COVERAGE=1 "SEEDS=${SIM_SEEDS:-40}"
stage "rules broken on purpose are found, and the run is shortened" build sim-mutants-smoke
stage "simulated clusters of the day" build sim "SEED=$(date -u +%Y%m%d)" SEEDS=2

# Through the real programs, with engines in memory; `make soak` for a million.
stage "nothing grows in 20,000 short lives of tasks" build soak-run TASKS=20000

# Every profile of the cluster's benchmark can still be run; what it finds is not judged here.
stage "the profiles of the cluster's benchmark, tiny" build bench-cluster-smoke

# Unit tests count one by one; what fails without saying so (it crashed, it does not compile)
# counts once.
build unit | grep -vE '^[0-9]+ (passed, |skipped)'
rc=${PIPESTATUS[0]}
taps=("$stages")
for test in tests/unit/test_*.c; do
	tap=$B/unit/$(basename "$test" .c).tap
	[ ! -e "$tap" ] || taps+=("$tap")
done
[ "$rc" -eq 0 ] || cat "${taps[@]:1}" /dev/null | grep '^not ok ' | grep -qv '# SKIP' ||
	echo "not ok - unit tests: see above" | tee -a "$stages"

# Unit tests that need a real engine, and were skipped above: the contract that the engine in memory
# was held to, with the real one beside it; what the kernel says of containers beside the engine.
on_engine() {
	local test=$1 tap=$B/$1.on_engine.tap i
	deploy/engine.sh start test $$ || return 1
	DAVIT_TEST_ENGINE=1 timeout 900 "$B/unit/$test" >"$tap" || { cat "$tap"; return 1; }
	for i in "${!taps[@]}"; do
		[ "${taps[i]}" != "$B/unit/$test.tap" ] || taps[i]=$tap
	done
}

if [ "${E2E:-1}" = 0 ]; then
	echo "the end-to-end tests were left out (E2E=0)"
else
	stage "the contract of the engine, on the real one" on_engine test_engine
	stage "the contract of the engine's pipes, on the real one" on_engine test_engine_pipes
	stage "both sources of figures say the same" on_engine test_worker_stats_sources
	tests/e2e/run.sh "$@" | tee "$B/e2e.tap"
	rc=${PIPESTATUS[0]}
	taps+=("$B/e2e.tap")
	[ "$rc" -eq 0 ] || grep -q '^not ok ' "$B/e2e.tap" || echo "not ok - $*: see above" | tee -a "$stages"
	deploy/engine.sh stop test
fi
exec tests/count.sh "${taps[@]}"
