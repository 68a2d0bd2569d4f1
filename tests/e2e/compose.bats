#!/usr/bin/env bats
# compose.bats - the cluster as containers, from images built without a registry.
#
# On Debian 12 and with whatever Compose the machine has; DAVIT_BASE=davit-base:trixie and
# COMPOSE=PROGRAM choose others (tests/long.sh does).

load lib

setup_file() {
	local port
	port=$(free_ports 14)
	export COMPOSE_PROJECT_NAME DAVIT_IMAGE_PREFIX DAVIT_BASE=${DAVIT_BASE:-davit-base:bookworm}
	COMPOSE_PROJECT_NAME=$(basename "$E2E_IMAGE")
	DAVIT_IMAGE_PREFIX=$E2E_IMAGE
	export DAVIT_BUILD=$E2E_IMAGE
	export DAVIT_MANAGER_PORT=$port DAVIT_FEED_PORT=$((port + 1)) DAVIT_FEED_JSON_PORT=$((port + 3)) \
		DAVIT_MONITOR_PORT=$((port + 5)) DAVIT_HTTP_PORT=$((port + 6)) DAVIT_VMS_PORT=$((port + 11)) \
		DAVIT_VMS_SERVER_1_PORT=$((port + 12)) DAVIT_VMS_SERVER_2_PORT=$((port + 13))
	export url_manager=tcp://127.0.0.1:$port
	export url_feed_json=tcp://127.0.0.1:$((port + 3))
	export DAVIT_MANAGER=$url_manager
}

teardown_file() {
	local id
	cd "$repo" || return
	id=$(cluster_id)
	compose down -v --remove-orphans --rmi all --timeout 5
	[ -z "$id" ] || wait_for 30 label_sweep "davit.cluster=$id"
}

compose() {
	cd "$repo" && if [ -n "${COMPOSE:-}" ]; then
		"$COMPOSE" "$@"
	elif docker compose version >/dev/null 2>&1; then
		docker compose "$@"
	else
		docker-compose "$@"
	fi 3>&- 4>&-
}

@test "docker-compose up --build -d brings up a cluster of three nodes" {
	"$repo/deploy/images/make-base.sh" "$DAVIT_BASE" "${DAVIT_BASE#*:}" 3>&- 4>&-
	run timeout 1500 bash -c "$(declare -f compose); repo=$repo; compose up --build -d"
	[ "$status" -eq 0 ] || fail "$output"
	[[ $output != *obsolete* ]] || fail "$output"
	ready() { [ "$(davit nodes -o json | jq '[.[] | select(.state == "READY")] | length')" = 3 ]; }
	wait_for 60 ready || fail "$(compose logs --tail 20)"
	# Every service says by its health check that it can work.
	healthy() { [ "$(compose ps -q | xargs docker inspect -f '{{.State.Health.Status}}' | sort | uniq -c)" = "      7 healthy" ]; }
	wait_for 60 healthy || fail "$(compose ps)"
	# By which run.sh finds its tasks' containers if this file is ended before its teardown.
	mkdir -p "$E2E_DIR/compose/run"
	cluster_id >"$E2E_DIR/compose/id"
}

@test "its images hold the service and little else: nothing of Debian below, and at most 40 MB" {
	for service in manager scheduler worker monitor gateway; do
		size=$(docker image inspect -f '{{.Size}}' "$DAVIT_IMAGE_PREFIX-$service")
		[ "$size" -le 40000000 ] || fail "$service: $size bytes"
		[ "$size" -ge 1000000 ]
	done
	run compose exec -T manager sh -c true
	[ "$status" -ne 0 ]
	run compose exec -T manager davit nodes -q
	[ "$(wc -l <<<"$output")" = 3 ] || fail "$output"
}

@test "its containers may do no more than they must" {
	for id in $(compose ps -q); do
		service=$(docker inspect -f '{{index .Config.Labels "com.docker.compose.service"}}' "$id")
		pid=$(docker inspect -f '{{.State.Pid}}' "$id")
		# The worker alone has the engine's socket, which belongs to root.
		sockets=$(docker inspect -f '{{range .Mounts}}{{.Source}} {{end}}' "$id" | grep -c docker.sock || true)
		case $service in
		n?) [ "$sockets" = 1 ] && uid=0 ;;
		*) [ "$sockets" = 0 ] && uid=7070 ;;
		esac
		for line in "Uid: $uid $uid $uid $uid" "Gid: $uid $uid $uid $uid" "NoNewPrivs: 1" \
			Cap{Inh,Prm,Eff,Bnd,Amb}": 0000000000000000"; do
			tr '\t' ' ' <"/proc/$pid/status" | tr -s ' ' | grep -qxF "$line" ||
				fail "$service is not of '$line': $(cat "/proc/$pid/status")"
		done
		awk '$5 == "/" {print $6}' "/proc/$pid/mountinfo" | grep -qE '(^|,)ro(,|$)' ||
			fail "$service may write its root: $(cat "/proc/$pid/mountinfo")"
	done
}

@test "it runs a task that is reached from this machine" {
	davit run --name web -p 80 --wait "$E2E_IMAGE" -- httpd -f -p 80 -h /www
	port=$(task web '.ports[0].host_port')
	run curl -fsS --retry 60 --retry-delay 1 --retry-all-errors -m 5 "http://127.0.0.1:$port/"
	has "Hello from Davit"
	run davit run --rm --follow "$E2E_IMAGE" -- echo hi
	has hi
}

@test "its containers may be killed: the manager keeps what it knew, tasks go on" {
	before=$(docker inspect -f '{{.State.StartedAt}}' "$(task web .container_id)")
	compose kill manager n1 n2 n3 scheduler
	compose up -d
	wait_for 60 prints RUNNING task web .state
	wait_for 60 prints STARTED task web .phase || fail "$(task web)"
	[ "$(docker inspect -f '{{.State.StartedAt}}' "$(task web .container_id)")" = "$before" ]
	davit rm -f web
}

@test "its gateway answers HTTP, and its health check says so" {
	run curl -fsS -m 60 "http://127.0.0.1:$DAVIT_HTTP_PORT/v1/nodes"
	[ "$(jq '.nodes | length' <<<"$output")" = 3 ]
	gateway=$(compose ps -q gateway)
	wait_for 30 prints healthy docker inspect -f '{{.State.Health.Status}}' "$gateway"
	# Its machines: the balancer and both servers, under the names by which they are reached.
	for port in "$DAVIT_VMS_PORT" "$DAVIT_VMS_SERVER_1_PORT" "$DAVIT_VMS_SERVER_2_PORT"; do
		wait_for 30 curl -fsS -m 5 -o /dev/null "http://127.0.0.1:$port/list_$([ "$port" = "$DAVIT_VMS_PORT" ] && echo all || echo vms)"
	done
	run curl -fsS -m 60 "http://127.0.0.1:$DAVIT_VMS_PORT/list_all"
	[ "$(jq -c . <<<"$output")" = '[{"http://127.0.0.1:5000":[]},{"http://127.0.0.1:5001":[]}]' ] || fail "$output"
	[ "$(node n1 .address)" = 127.0.0.1 ]
	# What a command says before its input has ended goes to a file.
	davit run --name talks --wait "$E2E_IMAGE" -- sleep 1000
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/much"
	curl -sS -m 120 --data-binary "@$BATS_TEST_TMPDIR/much" -o "$BATS_TEST_TMPDIR/back" \
		"http://127.0.0.1:$DAVIT_HTTP_PORT/v1/tasks/talks/exec?command=cat"
	cmp "$BATS_TEST_TMPDIR/much" "$BATS_TEST_TMPDIR/back"
	davit rm -f talks
}

@test "with the profile for monitoring, Prometheus reaches every service of it" {
	mkdir -p "$E2E_DIR/compose/prometheus"
	cp "$(command -v prometheus)" "$E2E_DIR/compose/prometheus/"
	printf 'FROM %s\nCOPY prometheus /bin/\nENTRYPOINT ["prometheus"]\n' "$DAVIT_BASE" >"$E2E_DIR/compose/prometheus/Dockerfile"
	export PROMETHEUS_IMAGE=$E2E_IMAGE-prometheus PROMETHEUS_PORT
	PROMETHEUS_PORT=$(free_ports 1)
	docker build -qt "$PROMETHEUS_IMAGE" "$E2E_DIR/compose/prometheus" 3>&- 4>&-
	run compose --profile monitoring up -d prometheus
	[ "$status" -eq 0 ] || fail "$output"
	all_up() {
		[ "$(curl -fsS "http://127.0.0.1:$PROMETHEUS_PORT/api/v1/targets" |
			jq '[.data.activeTargets[] | select(.health == "up")] | length')" = 7 ]
	}
	wait_for 45 all_up || fail "$(curl -sS "http://127.0.0.1:$PROMETHEUS_PORT/api/v1/targets" | jq -c '.data.activeTargets[] | {scrapeUrl, health, lastError}')"
}
