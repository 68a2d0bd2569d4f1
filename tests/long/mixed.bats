#!/usr/bin/env bats
# mixed.bats - Debian 12 (nng 1.5) and Debian 13 (nng 1.10) in one cluster: the manager on either,
# a worker on the other and one on the same.

load ../e2e/lib

setup_file() {
	local suite service
	for suite in bookworm trixie; do
		"$repo/deploy/images/make-base.sh" "davit-base:$suite" "$suite" 3>&- 4>&-
		for service in manager scheduler worker monitor; do
			docker build -q -f "$repo/deploy/images/Dockerfile" --target "$service" -t "$E2E_IMAGE-$suite-$service" \
				--build-arg "DAVIT_BASE=davit-base:$suite" --build-arg "DAVIT_BUILD=$E2E_IMAGE" "$repo" 3>&- 4>&-
		done
	done
}

setup() {
	cluster_use "$E2E_DIR/mixed-$BATS_TEST_NUMBER" "$(free_ports 12)"
	export DAVIT_TIMEOUT=30s
}
teardown() {
	docker rm -f -v $(docker ps -aq --filter "label=davit.mixed=$E2E_IMAGE") >/dev/null 2>&1 || true
	cluster_end "$home" 10
}

# as_container SUITE SERVICE NAME OPTION...: with the network of this machine.
as_container() {
	local suite=$1 service=$2 name=$3
	shift 3
	docker run -d --name "$E2E_IMAGE-$name" --label "davit.mixed=$E2E_IMAGE" --network host \
		-v /var/run/docker.sock:/var/run/docker.sock "$E2E_IMAGE-$suite-$service" "$@" >/dev/null 3>&- 4>&-
}

cluster_of() { # MANAGER-SUITE WORKER-SUITE
	local n
	as_container "$1" manager manager --listen "$url_manager" --feed "$url_feed" --stats "$url_stats" \
		--feed-json "$url_feed_json" --scheduler "$url_scheduler" --port-range "$(dynamic_ports)"
	as_container "$2" scheduler scheduler --listen "$url_scheduler"
	as_container "$2" monitor monitor --listen "$url_monitor" --feed "$url_feed" --manager "$url_manager" \
		--http "$url_monitor_http"
	for n in 1 2; do
		as_container "${!n}" worker "n$n" --name "n$n" --cpus 4 --memory 4GiB --manager "$url_manager" --stats "$url_stats"
	done
	wait_for 60 nodes_ready 2 || fail "$(docker logs "$E2E_IMAGE-manager" 2>&1 | tail)"
}

works() {
	local n
	for n in 1 2; do
		run davit run --rm --follow --constraint "node.name == n$n" "$E2E_IMAGE" -- sh -c 'echo out; exit 3'
		[ "$status" -eq 3 ] && has out || fail "$output"
		davit run -q --name "stays$n" --wait --constraint "node.name == n$n" "$E2E_IMAGE" -- sleep 1000
		run davit exec "stays$n" -- echo inside
		has inside
	done
	davit run -q --name many --count 200 "$E2E_IMAGE" -- true
	all_done() { [ "$(davit ps -a -o json | jq '[.[] | select(.state == "COMPLETED")] | length')" -ge 200 ]; }
	wait_for 300 all_done || fail "$(davit ps -a | head)"
	# Figures reach the monitor by both kinds of sockets.
	figures() { davit stats -1 --monitor "$url_monitor" -o json stays1 stays2 | grep -q memory; }
	wait_for 30 figures || fail "$(davit stats -1 --monitor "$url_monitor")"
}

@test "a manager on Debian 13, scheduler, monitor and a worker on Debian 12" {
	cluster_of trixie bookworm
	works
}

@test "a manager on Debian 12, scheduler, monitor and a worker on Debian 13" {
	cluster_of bookworm trixie
	works
}
