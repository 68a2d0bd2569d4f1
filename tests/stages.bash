# stages.bash - sourced by tests/test.sh and tests/long.sh: what is run in stages, each of which
# counts as one test, and runs whatever became of the one before.

mode=${MODE:-debug}
export B=build/$mode
# The flags of the make that called are not for the one that is called.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
mkdir -p "$B"

# stage WORDS COMMAND...: its result goes into the file $stages.
stage() {
	local words=$1 rc
	shift
	"$@"
	rc=$?
	echo "$([ $rc -eq 0 ] || echo 'not ')ok - $words" | tee -a "$stages"
}
build() { make --no-print-directory -k -j"$(nproc)" "MODE=$mode" "$@"; }
