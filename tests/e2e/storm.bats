#!/usr/bin/env bats
# storm.bats - clients submit, stop and list while every process is killed with -9, alone and
# together, and comes back. STORM_ROUNDS=10, STORM_SEED: which pauses and picks.

load lib
load storm
setup_file() { cluster_up --silent-after 2500ms --restart-grace 2s --history-max 2000 --answers 64KiB; monitor_start; gateway_start; }
teardown_file() { cluster_down; }

@test "a storm of kill -9: what was acknowledged is accounted for, nothing runs twice, nothing grows" {
	rounds=${STORM_ROUNDS:-10} seed=${STORM_SEED:-$(date +%s)} storm=$home/storm
	RANDOM=$seed n_tasks=0
	mkdir -p "$storm"/{acked,stopped,unsure,tally,desk,starts}
	chmod 777 "$storm/starts"
	engine_watch
	storm "$rounds" || true # what is wrong is in $storm/wrong
	proc_stop 5 "$home/run/events.pid"
	storm_report "$rounds" "$seed"
	sed 's/^/# /' "$storm/sum" >&3
	[ ! -s "$storm/wrong" ] || fail "$(cat "$storm/wrong")"
	[ "$n_tasks" -ge "$rounds" ] || fail "the clients hardly came to ask"

	davit ps -q --no-trunc >"$storm/left"
	# shellcheck disable=SC2046
	[ ! -s "$storm/left" ] || davit rm -f $(cat "$storm/left") >/dev/null
	nothing_left() { [ -z "$(docker ps -aq --filter "label=davit.cluster=$CLUSTER")" ]; }
	wait_for 30 nothing_left
}
