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
# debian SUITE: a machine that has nothing but the base system: what `make check` needs is all in deploy/packages.txt.
debian() {
	local image=davit-check-$$
	deploy/images/make-base.sh "davit-base:$1" "$1" &&
		docker build --force-rm -f deploy/images/Dockerfile --target check -t "$image" --build-arg "DAVIT_BUILD=$image" \
			--build-arg "DAVIT_BASE=davit-base:$1" . &&
		docker run --rm "$image" sh -ec "$package"
	local rc=$?
	docker image rm "$image" && docker image prune -f --filter "label=davit.build=$image"
	return $rc
}
# Its own package is made there, installed, run and purged.
package='apt-get install -qy --no-install-recommends dpkg-dev >/dev/null
	make deb && apt-get install -qy --no-install-recommends ./build/davit_*.deb
	davit-manager --version && getent passwd davit
	apt-get purge -qy davit && ! getent passwd davit'
compose_v2() {
	local compose
	compose=$(tests/long/compose-v2.sh "$B/compose-v2") &&
		COMPOSE=$compose DAVIT_BASE=davit-base:trixie tests/e2e/run.sh tests/e2e/compose.bats
}

long build "the programs are built" build all
long sim "simulated clusters of 2,000 seeds" build sim SEEDS=2000
long mutants "broken rules are found by the simulator" build sim-mutants
long asan "the suite under the address and undefined behaviour sanitizers" other_mode asan
long tsan "the suite under the thread sanitizer" other_mode tsan
long soak "nothing grows in 1,000,000 short lives of tasks" build soak TASKS=1000000
long fuzz "five minutes of each fuzzer" build fuzz-all SECONDS=300
long storm "a storm of 100 rounds on a real engine" build storm ROUNDS=100
long valgrind "a short-lived cluster under memcheck" build valgrind
long bats "the bats files of tests/long" all_bats
long hosts "many hosts, and links between them that fail" hosts
long debian12 "make check on a bare Debian 12" debian bookworm
long debian13 "make check on a bare Debian 13" debian trixie
long compose "the cluster as containers of Debian 13, by Compose v2" compose_v2
exec tests/count.sh "$stages"
