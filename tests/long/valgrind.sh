#!/bin/bash
# valgrind.sh - a short life of a cluster with every program under memcheck: no error, nothing lost.
# The engines are in memory. valgrind's own words are in build/valgrind-logs afterwards.
set -uo pipefail
. "$(dirname "$0")/../../deploy/cluster.sh"
cd "$repo" || exit 1
programs=${DAVIT_BIN:-$repo/${B:-build/debug}/bin}
command -v valgrind >/dev/null || die "valgrind is not installed: apt-get install valgrind"

folder=$(mktemp -d "${TMPDIR:-/tmp}/davit-valgrind.XXXXXX")
finish() {
	trap - EXIT
	proc_stop 300 "$folder"/run/*.pid
	rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# Each program under its name, through valgrind: a copy, since it takes long and may be built meanwhile.
mkdir -p "$folder"/{bin,said,plain}
cp "$programs"/davit* "$folder/plain"
programs=$folder/plain
for path in "$programs"/*; do
	name=$(basename "$path")
	cat >"$folder/bin/$name" <<-END
		#!/bin/sh
		export GLIBC_TUNABLES= # none begins itself again, without valgrind
		exec valgrind -q --fair-sched=try --leak-check=full --show-leak-kinds=definite,indirect \\
			--errors-for-leak-kinds=definite,indirect --error-exitcode=99 \\
			--suppressions=$repo/tests/long/valgrind.supp \\
			--log-file=$folder/said/$name.%p $path "\$@"
	END
	chmod +x "$folder/bin/$name"
done
export DAVIT_BIN=$folder/bin
davit() { DAVIT_TIMEOUT=300s timeout 400 "$DAVIT_BIN/davit" "$@"; }

over_http() { curl -fsS -m 300 "$url_gateway/$1"; }

# Not the one under valgrind: it is asked again and again.
plainly() { DAVIT_BIN=$programs "$@"; }

failed=0
expect() { # STATUS COMMAND...
	local want=$1 rc
	shift
	"$@" >"$folder/out" 2>&1
	rc=$?
	[ "$rc" -eq "$want" ] || { echo "exit $rc, not $want: $*"; cat "$folder/out"; failed=1; }
}

while :; do
	port=$((10000 + RANDOM % 10000))
	cluster_ports_free "$folder" "$port" && break
done
cluster_use "$folder" "$port"
# Everything takes 30 times as long: what is slow must not be taken for silent.
manager_start --poll 20s --silent-after 60s
scheduler_start
monitor_start
gateway_start
worker_start n1 4 8GiB --disk 64GiB --docker-host mem://
wait_for 600 plainly nodes_ready 1 || { tail -n 20 "$folder"/log/*.log "$folder"/said/*; exit 1; }

expect 0 davit run --name short exit:0/after:100 -- true
expect 0 davit wait short
expect 0 davit run --name fails exit:3/after:0 -- true
expect 3 davit wait fails
expect 0 davit run --name steady --restart always -p 80 exit:0/after:3600000
expect 0 davit wait --for running steady
expect 0 davit run --count 20 --name many exit:0/after:0
expect 0 davit ps -a -o wide
expect 0 davit ps -o json
expect 0 davit inspect steady -o yaml
expect 0 davit logs short
expect 0 davit events
expect 0 davit top --once
expect 0 davit nodes -o wide
expect 0 davit cluster
expect 0 wait_for 600 over_http v1/cluster
for path in v1/tasks v1/tasks/steady v1/nodes list containers; do expect 0 over_http "$path"; done
expect 22 over_http v1/tasks/nobody
expect 2 davit run --no-such-flag x
expect 4 davit inspect nobody
expect 0 davit node drain n1
expect 0 davit node undrain n1
# A manager and a worker that start again, with what the ones before them wrote.
for name in manager n1; do proc_stop 300 "$folder/run/$name.pid"; done
manager_start
worker_start n1 4 8GiB --disk 64GiB --docker-host mem://
wait_for 600 plainly nodes_ready 1 || { tail -n 20 "$folder"/log/*.log; exit 1; }
expect 0 davit ps -a
expect 0 davit stop -d steady
expect 0 davit rm -f short fails
proc_stop 300 "$folder"/run/*.pid

rm -rf build/valgrind-logs
cp -r "$folder/said" build/valgrind-logs
for file in "$folder"/said/*; do
	[ ! -s "$file" ] || { echo "$(basename "$file"):"; head -n 60 "$file"; failed=1; }
done
[ -z "$(grep -l 'did not end' "$folder"/log/*.log)" ] || failed=1
echo "$(find "$folder/said" -type f | wc -l) processes under memcheck, $([ $failed = 0 ] && echo clean || echo 'not clean')"
exit $failed
