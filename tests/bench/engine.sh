#!/bin/bash
# engine.sh - what a worker adds to its Docker Engine, and Docker Swarm beside it.
#
# On one engine of its own, one after the other and in turns: a bare client of the Engine API
# (engine_raw) at the width at which it is fastest, Davit, and Swarm. Each starts N containers,
# has one of them killed again and again, stops them all, and lives JOBS short lives. Printed are
# the medians of ROUNDS, and of the ratios within each round: "name value unit".
# N=100 JOBS=200 ROUNDS=4 KILLS=5 WHO="raw davit swarm" PARTS="start restart stop jobs" (what is left
# out is not measured; containers are started and stopped all the same). Needs root; BENCH_DIR says on
# which disk, ENGINE_OPTIONS what else its dockerd is told, WORKER_OPTIONS what its worker.
# WIDTHS="4 8 16": those at which the bare client is tried first; a single one is taken as it is.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/cluster.sh
. tests/lib/own_engine.bash
B=${BUILD:-build/release}
DAVIT_BIN=$PWD/$B/bin
n=${N:-100} jobs=${JOBS:-200} rounds=${ROUNDS:-4} kills=${KILLS:-5}
widths=${WIDTHS:-4 8 16} parts=" ${PARTS:-start restart stop jobs} "
image=davit-demo:latest
waits_for_term="mkfifo /f; trap 'exit 0' TERM; read x <>/f"
[ "$(id -u)" -eq 0 ] || die "a Docker Engine of its own needs root"
dir=$(mktemp -d "${BENCH_DIR:-/var/tmp}/davit-engine.XXXXXX")
finish() {
	cluster_end "$dir/davit" 5 >/dev/null 2>&1 || true
	[ -z "${raw_PID:-}" ] || { exec {raw[1]}>&- && wait "$raw_PID"; } || true
	own_engine_end "$dir/engine"
	rm -rf "$dir"
}
trap finish EXIT

own_engine_start "$dir/engine" ${ENGINE_OPTIONS:-}
export DOCKER_HOST=$own_engine_host
deploy/demo-image.sh $image >/dev/null
port=$((10000 + RANDOM % 10000))
cluster_use "$dir/davit" $port
manager_start
scheduler_start
worker_start n1 1000 1TiB --docker-host "$DOCKER_HOST" ${WORKER_OPTIONS:-}
wait_for 30 nodes_ready 1
[[ ${WHO:-swarm} != *swarm* ]] || docker swarm init --advertise-addr 127.0.0.1 --listen-addr 127.0.0.1 >/dev/null
worker_kib() { awk '/^RssAnon/ {print $2}' "/proc/$(proc_pid "$home/run/n1.pid")/status"; }
worker_threads() { awk '/^Threads/ {print $2}' "/proc/$(proc_pid "$home/run/n1.pid")/status"; }

# ask COMMAND...: of engine_raw, which also sees the engine's events for the others. Sets seconds.
coproc raw { exec "$B/bench/engine_raw" "$DOCKER_HOST" $image "$url_feed"; }
ask() {
	echo "$*" >&"${raw[1]}"
	read -r seconds <&"${raw[0]}" || die "engine_raw ended at: $*"
}
# note FIGURE WHO: the seconds that it took; the ratios are made of them at the end.
note() { echo "$1 $2 $seconds" >>"$dir/notes"; }

measures() { [[ $parts == *" $1 "* ]]; }

# ---- the three of them ----

raw_start() { ask start "$n" "$width_start"; }
raw_stop() { ask stop "$width_stop"; }
raw_remove() { ask remove "$width_stop"; }
raw_jobs() { ask jobs "$jobs" "$width_jobs"; }

# What the manager knows counts, by its feed; not only what happened on the engine. A stop ends with
# the container's end for all three: the bare client and Swarm when the engine tells it.
davit_start() {
	ask mark davit.task
	"$DAVIT_BIN/davit" run -q --count "$n" --name many --restart always $image -- \
		sh -c "$waits_for_term" >/dev/null
	ask await running "$n"
	array=$("$DAVIT_BIN/davit" ps -o json | jq -r '.[0].array_id')
}
davit_stop() {
	ask mark davit.task
	"$DAVIT_BIN/davit" stop -q -d --array "$array" >/dev/null
	ask await completed "$n"
}
davit_remove() { "$DAVIT_BIN/davit" rm -q -d --array "$array" >/dev/null; }
davit_jobs() {
	local ended
	ask mark davit.task
	"$DAVIT_BIN/davit" run -q --count "$jobs" --name jobs $image -- true >/dev/null
	ask await completed "$jobs"
	ended=$seconds
	array=$("$DAVIT_BIN/davit" ps -a -o json | jq -r '.[0].array_id')
	ask mark davit.task
	davit_remove
	ask await removed "$jobs"
	seconds=$(awk "BEGIN {print $ended + $seconds}")
}

swarm=com.docker.swarm.service.id
swarm_start() {
	ask mark $swarm
	docker service create -q -d --name many --replicas "$n" --restart-delay 0s --no-resolve-image \
		$image sh -c "$waits_for_term" >/dev/null
	ask await start "$n"
}
swarm_stop() {
	ask mark $swarm
	docker service scale -d many=0 >/dev/null
	ask await die "$n"
}
swarm_remove() {
	ask await destroy "$n"
	docker service rm many >/dev/null
}
# To their ends: Swarm removes the containers of jobs never, or late.
swarm_jobs() {
	local from=${EPOCHREALTIME/[.,]/}
	docker service create -q -d --name jobs --mode replicated-job --replicas "$jobs" \
		--max-concurrent "$jobs" --restart-condition none --no-resolve-image $image true >/dev/null
	wait_for 300 swarm_jobs_ended || die "Swarm's jobs do not end"
	seconds=$(awk "BEGIN {print (${EPOCHREALTIME/[.,]/} - $from) / 1e6}")
	docker service rm jobs >/dev/null
	wait_for 60 swarm_rests
	docker ps -aq | xargs -r docker rm -f >/dev/null
}
swarm_jobs_ended() { [[ $(docker service ls --format '{{.Replicas}}') == *"($jobs/$jobs completed)"* ]]; }
swarm_rests() { [ -z "$(docker ps -q)" ]; }
# The kernel takes containers apart long after the engine has answered: that is not the next one's time.
settle() { wait_for 10 machine_is_idle || true; }
machine_is_idle() {
	local before=() after=()
	read -ra before </proc/stat
	sleep 0.5
	read -ra after </proc/stat
	[ $((after[4] - before[4])) -ge $(($(nproc) * 35)) ] # of 50 ticks on each
}
engine_is_empty() { [ -z "$(docker ps -aq)" ]; }

# In turns with a start by the bare client, which finds the same containers beside it.
kill_some() { # WHO LABEL
	local id
	for id in $(docker ps -q --no-trunc --filter "label=$2" | head -n "$kills"); do
		ask one
		note restart "raw.beside_$1"
		ask mark "$2"
		ask kill "$id"
		note restart "$1"
	done
}

# ---- calibration: where the bare client is fastest ----

best() { sort -n | awk 'NR == 1 {print $2}'; }
[ "$widths" != "${widths%% *}" ] || width_start=$widths width_stop=$((widths * 4)) width_jobs=$widths
for width in $widths; do
	[ -z "${width_start:-}" ] || break
	ask start $((n / 2)) "$width"
	echo "$seconds $width" >>"$dir/start"
	ask stop "$((width * 4))"
	echo "$seconds $((width * 4))" >>"$dir/stop"
	ask remove 16
	ask jobs $((jobs / 4)) "$width"
	echo "$seconds $width" >>"$dir/jobs"
done
if [ -z "${width_start:-}" ]; then
	width_start=$(best <"$dir/start") width_stop=$(best <"$dir/stop") width_jobs=$(best <"$dir/jobs")
fi
for figure in start stop jobs; do
	[ -e "$dir/$figure" ] || continue
	awk -v f="$figure" '{print "# bare client alone:", f, "at width", $2, "in", $1, "s"}' "$dir/$figure"
done

# ---- the rounds ----

echo "engine.worker.rss_anon.before $(worker_kib) KiB"
read -ra order <<<"${WHO:-raw davit swarm}"
for ((round = 1; round <= rounds; round++)); do
	for who in "${order[@]}"; do
		settle
		${who}_start
		note start "$who"
		if [ "$who" = davit ]; then
			echo "engine.worker.rss_anon.$n $(worker_kib) KiB"
			echo "engine.worker.threads.$n $(worker_threads) threads"
		fi
		if measures restart; then
			case $who in
			raw) kill_some raw davit.bench ;;
			davit) kill_some davit davit.task ;;
			swarm) kill_some swarm $swarm ;;
			esac
		fi
		${who}_stop
		note stop "$who"
		${who}_remove
		wait_for 120 engine_is_empty
		if measures jobs; then
			settle
			${who}_jobs
			note jobs "$who"
		fi
	done
	# Back and forth: what slows down with time slows each of them down alike.
	mapfile -t order < <(printf '%s\n' "${order[@]}" | tac)
done
sleep 12 # it gives memory back every 10 s
echo "engine.worker.rss_anon.after $(worker_kib) KiB"

median='function median(list, n,   i, j, t) {
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && list[j] < list[j - 1]; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
	return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}'
awk "$median"'
{ k = ++count[$1, $2]; value[$1, $2, k] = $3 }
$1 != "restart" { rounds[$1 " by " $2] = rounds[$1 " by " $2] " " $3 }
function show(figure, who,   i, list) {
	if (!count[figure, who]) return
	for (i = 1; i <= count[figure, who]; i++) list[i] = value[figure, who, i]
	printf "engine.%s.%s %.3f s\n", figure, who, median(list, count[figure, who])
}
# More is better: raw over it, round by round. Of restarts the other way round.
function ratio(figure, who, yardstick,   i, list) {
	if (!count[figure, who]) return
	for (i = 1; i <= count[figure, who]; i++)
		list[i] = value[figure, yardstick, i] / value[figure, who, i]
	printf "engine.%s.%s_of_raw %.3f x\n", figure, who, median(list, count[figure, who])
}
function inverse(figure, who, yardstick,   i, list) {
	if (!count[figure, who]) return
	for (i = 1; i <= count[figure, who]; i++)
		list[i] = value[figure, who, i] / value[figure, yardstick, i]
	printf "engine.%s.%s_over_create_and_start %.3f x\n", figure, who, median(list, count[figure, who])
}
END {
	for (line in rounds) print "# seconds of each round: " line rounds[line] | "sort"
	close("sort")
	split("start jobs stop", figures)
	for (f = 1; f <= 3; f++) {
		show(figures[f], "raw"); show(figures[f], "davit"); show(figures[f], "swarm")
		ratio(figures[f], "davit", "raw"); ratio(figures[f], "swarm", "raw")
	}
	show("restart", "raw"); show("restart", "raw.beside_davit"); show("restart", "davit"); show("restart", "swarm")
	inverse("restart", "raw", "raw.beside_raw")
	inverse("restart", "davit", "raw.beside_davit"); inverse("restart", "swarm", "raw.beside_swarm")
}' "$dir/notes"
