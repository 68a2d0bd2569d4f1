# common.bash - what the scripts beside it share: figures, times, memory. Sourced after
# deploy/cluster.sh. One figure a line, "name value unit", as all benchmarks print them.

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
