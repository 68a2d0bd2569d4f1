# lib.bash - loaded by every bats file here. tests/e2e/run.sh says where things are:
# E2E_DIR (of this run), E2E_IMAGE (the demo image under a tag of this run), DAVIT_BIN.

. "$BATS_TEST_DIRNAME/../../deploy/cluster.sh"

[ -n "${E2E_DIR:-}" ] || { echo "run this by tests/e2e/run.sh FILE" >&2; exit 1; }

# free_ports N: the first of N consecutive ports on which nobody listens, below those that the
# kernel hands out by itself and away from the defaults.
free_ports() {
	local first port
	while :; do
		first=$((10000 + RANDOM % 20000))
		for ((port = first; port < first + $1; port++)); do
			port_free "$port" || continue 2
		done
		echo "$first"
		return
	done
}

# as_nobody COMMAND...: without root's rights, where the tests have them.
as_nobody() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}

# Prints what is known when an assertion fails: bats shows a test's output then.
fail() {
	echo "$*"
	return 1
}

# has TEXT: the output of the last `run` contains it.
has() { [[ $output == *"$1"* ]] || fail "expected to read: $1
but it says: $output"; }
