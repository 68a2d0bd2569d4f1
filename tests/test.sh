#!/bin/bash
# test.sh DIR... - `make check`, then the bats files in DIR... on a real Docker Engine, then one
# closing line that counts everything. Every stage runs, whatever became of the one before.
# E2E=0 leaves the engine out.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
mode=${MODE:-debug}
export B=build/$mode
failed=0
# The flags of the make that called are not for the one that is called.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
mkdir -p "$B"

# A stage that fails without a test that says so (it does not compile, the style is broken, a
# test crashes) counts as one failure.
make --no-print-directory -k -j"$(nproc)" "MODE=$mode" all check | grep -vE '^[0-9]+ passed, [0-9]+ failed$'
rc=${PIPESTATUS[0]}
taps=()
for test in tests/unit/test_*.c; do
	tap=$B/unit/$(basename "$test" .c).tap
	[ -e "$tap" ] && taps+=("$tap")
done
[ "$rc" -eq 0 ] || cat "${taps[@]}" /dev/null | grep -q '^not ok ' || failed=1

if [ "${E2E:-1}" = 0 ]; then
	echo "the end-to-end tests were left out (E2E=0)"
else
	for dir in "$@"; do
		tap=$B/$(basename "$dir").tap
		tests/e2e/run.sh "$dir" | tee "$tap"
		rc=${PIPESTATUS[0]}
		taps+=("$tap")
		[ "$rc" -eq 0 ] || grep -q '^not ok ' "$tap" || failed=$((failed + 1))
	done
fi

for ((i = 0; i < failed; i++)); do echo "not ok - see above"; done >"$B/stages.tap"
exec tests/count.sh "${taps[@]}" "$B/stages.tap"
