# common.bash - what the scripts beside it share: beginning and end, figures, times, memory. Sourced
# after deploy/cluster.sh and own_engine.bash. One figure a line, "name value unit", as all benchmarks print them.

# peers_begin NAME: from here on there is $dir, and whatever happens it is removed at the end with
# what runs in it: an engine in engine/, a cluster in davit/, and what end_others ends.
peers_begin() {
	[ "$(id -u)" -eq 0 ] || die "$1 and an engine of its own need root"
	dir=$(mktemp -d "${BENCH_DIR:-/var/tmp}/davit-$1.XXXXXX")
	trap peers_end EXIT
	trap 'exit 1' INT TERM
}
peers_end() {
	local status=$?
	trap - EXIT
	trap '' INT TERM
	set +e # whatever of it fails, the rest is removed
	end_others >/dev/null 2>&1
	cluster_end "$dir/davit" 5 >/dev/null 2>&1
	own_engine_end "$dir/engine"
	rm -rf "$dir"
	exit "$status"
}
end_others() { :; }

figure() { printf '%s %s %s\n' "$1" "$2" "$3"; }
now_us() { echo "${EPOCHREALTIME/[.,]/}"; }
# since_s FROM_US
since_s() { awk "BEGIN {printf \"%.3f\", ($(now_us) - $1) / 1e6}"; }
median() { sort -n | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }
# anon_kib PID...: memory that is theirs alone, as RssAnon.
anon_kib() {
	local pid sum=0
	for pid in "$@"; do
		sum=$((sum + $(awk '/^RssAnon/ {print $2}' "/proc/$pid/status")))
	done
	echo $sum
}
rss_kib() { awk '/^VmRSS/ {print $2}' "/proc/$1/status"; }
mib() { awk "BEGIN {printf \"%.1f\", ($1) / 1024}"; }
# timed NAME COMMAND...: how long it took.
timed() {
	local name=$1 from
	shift
	from=$(now_us)
	"$@"
	figure "$name" "$(since_s "$from")" s
}
