#!/usr/bin/env bats
# crowd.bats - 200 workers, whose engines are in memory, lose their network together and come back
# in the same second.

load ../hosts
HOSTS=20 EACH=10

setup_file() {
	local host i names=()
	hosts_begin crowd
	hosts_cluster
	for host in $(seq "$HOSTS"); do
		host_add "h$host"
		for i in $(seq "$EACH"); do
			HOST=h$host ENGINE=mem:// host_worker "w$host-$i"
		done
	done
	wait_for 120 nodes_ready $((HOSTS * EACH))
}
teardown_file() { hosts_end; }

@test "200 workers that all come back in the same second are all READY again, and no task is touched" {
	davit run -q --name crowd --count 400 --restart always --disconnect keep --cpus 0.5 "$E2E_IMAGE" -- sleep 3600 >/dev/null
	all_running() { [ "$(davit ps -o json | jq '[.[] | select(.state == "RUNNING" and .phase != "UNREACHABLE")] | length')" = 400 ]; }
	wait_for 120 all_running || fail "$(davit ps | head)"
	before=$(davit ps -o json | jq -Sc '[.[] | {id, node_name, attempt, started_ms, restart_count}] | sort_by(.id)')
	ip -n "$net-lan" link set dev lan down
	none_ready() { [ "$(davit nodes -o json | jq '[.[] | select(.state == "READY")] | length')" = 0 ]; }
	wait_for 30 none_ready
	ip -n "$net-lan" link set dev lan up
	begun=$(now_ms)
	wait_for 60 nodes_ready $((HOSTS * EACH)) || fail "$(davit nodes | head -n 20)"
	echo "# all are READY after $(($(now_ms) - begun)) ms" >&3
	wait_for 60 all_running
	[ "$(davit ps -o json | jq -Sc '[.[] | {id, node_name, attempt, started_ms, restart_count}] | sort_by(.id)')" = "$before" ]
}
