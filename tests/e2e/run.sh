#!/bin/bash
# run.sh PATH... - runs bats files, or those of folders, against a real Docker Engine and prints TAP.
#
# Each of LANES=2 lanes takes the next file when it has ended one: they mostly wait.
# Everything that the tests start is noted under one directory, and what is left of it at the
# end is ended and removed here, even when bats itself was killed. Tests never use the default
# ports, state or cluster, so that `make up` may run beside them.
# Afterwards the logs of the clusters are in build/e2e-logs.
set -uo pipefail
. "$(dirname "$0")/../../deploy/cluster.sh"
. "$(dirname "$0")/../lib/own_engine.bash"
cd "$repo" || exit 1

export DAVIT_BIN=${DAVIT_BIN:-$repo/${B:-build/debug}/bin}
export E2E_DIR E2E_IMAGE
E2E_DIR=$(mktemp -d "${TMPDIR:-/tmp}/davit-e2e.XXXXXX")
E2E_IMAGE=davit-e2e-${E2E_DIR##*.}
E2E_IMAGE=${E2E_IMAGE,,}
# Nothing of the caller's own cluster may leak into the tests.
unset "${!DAVIT_MANAGER@}" "${!DAVIT_PORT@}" "${!DAVIT_HOME@}"

finish() {
	trap - EXIT INT TERM HUP
	local home
	for home in "$E2E_DIR"/*/; do
		[ ! -d "${home}engine" ] || own_engine_end "${home}engine"
		[ -d "${home}run" ] && cluster_end "$home" 2
	done
	rm -rf build/e2e-logs
	mkdir -p build/e2e-logs
	for home in "$E2E_DIR"/*/; do
		[ -d "${home}log" ] && cp -r "${home}log" "build/e2e-logs/$(basename "$home")"
	done
	label_sweep "com.docker.compose.project=$E2E_IMAGE"
	docker volume ls -q --filter "label=com.docker.compose.project=$E2E_IMAGE" | xargs -r docker volume rm >/dev/null 2>&1
	docker image ls --format '{{.Repository}}:{{.Tag}}' | grep "^$E2E_IMAGE" | xargs -r docker image rm >/dev/null 2>&1
	docker image prune -f --filter "label=davit.build=$E2E_IMAGE" >/dev/null 2>&1
	deploy/engine.sh stop test >&2
	rm -rf "$E2E_DIR"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

[ -x "$DAVIT_BIN/davit" ] || die "$DAVIT_BIN has no programs yet. Run: make all"
if ! deploy/engine.sh start test $$ >&2 || ! deploy/demo-image.sh "$E2E_IMAGE" >&2; then
	echo "1..1"
	echo "not ok 1 a Docker Engine for the end-to-end tests (E2E=0 leaves them out)"
	exit 1
fi

# one_file FILE: what it says is printed as a whole, when it ended.
one_file() {
	local tap=$E2E_DIR/$(basename "$1").tap rc
	bats --formatter tap "$1" >"$tap"
	rc=$?
	flock "$E2E_DIR/say" sed "s|^\(\(not \)\?ok\) \([0-9]*\) |\1 \3 $(basename "$1" .bats): |" "$tap"
	return $rc
}
export -f one_file
# The longest first, so that no lane ends long after the other.
find "$@" -maxdepth 1 -name '*.bats' -print0 | xargs -0 wc -l | awk '$2 ~ /[.]bats$/' | sort -rn | awk '{print $2}' |
	timeout "${E2E_SECONDS:-3600}" xargs -n 1 -P "${LANES:-2}" bash -c 'one_file "$1"' one_file
rc=$?
[ $rc -ne 124 ] || echo "not ok - the end-to-end tests took longer than ${E2E_SECONDS:-3600} s"
exit $rc
