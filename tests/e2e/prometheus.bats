#!/usr/bin/env bats
# prometheus.bats - a real Prometheus and a real Alertmanager watch a cluster; and any other
# subscriber. Workers have engines in memory: nothing here needs containers.

load lib

setup_file() {
	cluster_use "$E2E_DIR/prometheus" "$(free_ports 20)"
	port=$(cat "$home/port")
	export home port url_manager url_feed url_stats url_feed_json url_scheduler url_monitor url_monitor_http DAVIT_MANAGER
	manager_start --silent-after 5s --admin "http://127.0.0.1:$((port + 11))"
	scheduler_start --admin "http://127.0.0.1:$((port + 12))"
	worker_start n1 4 8GiB --docker-host mem:// --admin "http://127.0.0.1:$((port + 13))"
	worker_start n2 4 8GiB --docker-host mem:// --admin "unix://$home/n2.sock"
	monitor_start
	wait_for 30 nodes_ready 2
	# Shorter times, and the ports of this run; all else is as it is shipped.
	local to=$home/prom
	mkdir -p "$to"
	sed "s/:7080/:$((port + 10))/; s/:7090/:$((port + 11))/; s/:7091/:$((port + 12))/; s/:7092/:$((port + 13))/
		s/:9093/:$((port + 15))/; s/15s/1s/" "$repo/deploy/prometheus/prometheus.yml" >"$to/prometheus.yml"
	sed 's/for: .*/for: 1s/' "$repo/deploy/prometheus/davit-rules.yml" >"$to/davit-rules.yml"
	python3 "$repo/tests/e2e/webhook.py" "$to/alerts" >"$to/hook.port" 2>/dev/null 3>&- &
	echo $! >"$home/hook.pid"
	wait_for 15 test -s "$to/hook.port"
	sed "s/:9095/:$(cat "$to/hook.port")/; s/group_wait: .*/group_wait: 1s/; s/group_interval: .*/group_interval: 1s/" \
		"$repo/deploy/prometheus/alertmanager.yml" >"$to/alertmanager.yml"
	prometheus --config.file="$to/prometheus.yml" --storage.tsdb.path="$to/data" \
		--web.listen-address="127.0.0.1:$((port + 14))" >"$home/log/prometheus.log" 2>&1 3>&- &
	echo $! >"$home/prometheus.pid"
	prometheus-alertmanager --config.file="$to/alertmanager.yml" --storage.path="$to/am" --cluster.listen-address= \
		--web.listen-address="127.0.0.1:$((port + 15))" >"$home/log/alertmanager.log" 2>&1 3>&- &
	echo $! >"$home/alertmanager.pid"
	davit submit - <<-YAML
		spec: {name: web, image: nginx, labels: {prometheus.scrape: "true"}, ports: [{container_port: 80}]}
	YAML
}

teardown_file() {
	for name in hook prometheus alertmanager; do
		[ ! -s "$home/$name.pid" ] || kill "$(cat "$home/$name.pid")" 2>/dev/null || true
	done
	cluster_down
}

# query EXPRESSION: the results of Prometheus, one JSON object a line.
query() { curl -fsS -G "http://127.0.0.1:$((port + 14))/api/v1/query" --data-urlencode "query=$1" | jq -c '.data.result[]'; }
asks() { [ -n "$(query "$1" 2>/dev/null)" ]; }

@test "promtool finds nothing to say about what the services show" {
	shown() { curl -fsS "$url_monitor_http/metrics" | grep -q "^$1"; }
	wait_for 20 shown davit_task_cpu_cores{
	curl -fsS "$url_monitor_http/metrics" | promtool check metrics
	for at in 11 12 13; do
		curl -fsS "http://127.0.0.1:$((port + at))/metrics" | promtool check metrics
		curl -fsS "http://127.0.0.1:$((port + at))/health"
	done
	curl -fsS --unix-socket "$home/n2.sock" http://n2/metrics | promtool check metrics
	curl -fsS -H 'Accept: application/openmetrics-text' "$url_monitor_http/metrics" | tail -1 | grep -qx '# EOF'
	run curl -fsS "http://127.0.0.1:$((port + 13))/ready"
	[ "$output" = ok ]
}

@test "the rules are sound and each alert fires when it should and only then" {
	promtool check rules "$repo/deploy/prometheus/davit-rules.yml"
	(cd "$repo/deploy/prometheus" && promtool test rules davit-rules-test.yml && promtool check config prometheus.yml)
}

@test "a Prometheus scrapes every service, and the cluster's figures are the cluster's" {
	wait_for 30 asks 'count(up{job=~"davit-(monitor|manager|scheduler|worker)"} == 1) == 4'
	wait_for 20 asks 'davit_cluster_tasks{state="running"} == 1'
	wait_for 20 asks 'davit_tasks_desired == 1 and davit_tasks_running == 1'
	wait_for 20 asks 'davit_task_memory_bytes{name="web",namespace="default"}'
	asks 'davit_rpc_calls_total{job="davit-manager",method="SubmitTasks",status="OK"} == 1'
}

@test "tasks with a label are found by http_sd" {
	wait_for 30 asks 'up{job="davit-tasks",task="web"}'
	[ "$(curl -fsS "$url_monitor_http/v1/sd/prometheus?label=prometheus.scrape=true" | jq length)" -eq 1 ]
	[ "$(curl -fsS "$url_monitor_http/v1/sd/prometheus?label=no.such" | jq length)" -eq 0 ]
}

@test "every query of the Grafana board has an answer" {
	wait_for 20 asks 'rate(davit_commit_writes_sum[5m])'
	while read -r expression; do
		query "$expression" >"$BATS_TEST_TMPDIR/result" || fail "refused: $expression"
		# An engine in memory is not measured.
		case $expression in *engine_seconds*) continue ;; esac
		[ -s "$BATS_TEST_TMPDIR/result" ] || wait_for 15 asks "$expression" || fail "no answer: $expression"
	done < <(jq -r '.panels[].targets[].expr' "$repo/deploy/grafana/davit.json")
}

@test "any subscriber follows the feed: nngcat, Python, C" {
	cc "$repo/docs/examples/follow.c" -lnng -o "$BATS_TEST_TMPDIR/follow"
	timeout 240 "$BATS_TEST_TMPDIR/follow" "$url_feed_json" event.task >"$BATS_TEST_TMPDIR/c" 3>&- &
	timeout 240 python3 "$repo/docs/examples/follow.py" 127.0.0.1 "$((port + 3))" event.task stats.cluster >"$BATS_TEST_TMPDIR/py" 3>&- &
	timeout 240 nngcat --sub --dial "$url_feed_json" --subscribe event.task --raw >"$BATS_TEST_TMPDIR/cat" 3>&- &
	curl -fsSN --max-time 240 "$url_monitor_http/v1/events" >"$BATS_TEST_TMPDIR/sse" 3>&- &
	followed() { grep -qs "$1" "$BATS_TEST_TMPDIR/$2"; }
	wait_for 15 followed retry sse
	wait_for 15 followed '^stats.cluster ' py
	n=0
	for file in c py cat sse; do
		until followed "job-" "$file"; do
			[ $((n += 1)) -lt 30 ] || fail "$file heard nothing"
			davit run --detach --name "job-$n" nginx >/dev/null
			wait_for 1 followed "job-" "$file" || true
		done
	done
	followed '^event.task.pending' c
	followed '^id: [0-9a-f]*-[0-9]*' sse
	[ "$(wc -l <"$repo/docs/examples/follow.py")" -le 25 ] && [ "$(wc -l <"$repo/docs/examples/follow.c")" -le 32 ]
}

@test "a dead subscriber is never in the way" {
	# It subscribes, and never reads again.
	nngcat --sub --dial "$url_feed_json" --subscribe "" --raw >/dev/null 3>&- &
	dead=$!
	curl -sN --max-time 60 --limit-rate 1 "$url_monitor_http/v1/stats" >/dev/null 3>&- &
	wait_for 15 asks 'davit_feed_subscribers{feed="json"} >= 1'
	kill -STOP "$dead"
	davit submit --count 300 - <<<'spec: {name: many, image: nginx}' >/dev/null
	all_run() { [ "$(davit ps -o json | jq '[.[] | select(.state == "RUNNING" and (.name | startswith("many")))] | length')" -eq 300 ]; }
	wait_for 30 all_run || fail "not all tasks run"
	wait_for 20 asks 'davit_cluster_tasks{state="running"} > 300'
	kill -CONT "$dead"
	kill "$dead"
}

@test "a node that is killed becomes an alert at the webhook" {
	worker_kill n2 KILL
	alert() { jq -se '[.[].alerts[] | select(.labels.alertname == "DavitNodeDown" and .labels.node == "n2" and .status == "firing")] | length > 0' "$home/prom/alerts" >/dev/null 2>&1; }
	wait_for 60 alert || fail "$(cat "$home/prom/alerts" 2>/dev/null; curl -s "http://127.0.0.1:$((port + 14))/api/v1/alerts")"
	worker_start n2 4 8GiB --docker-host mem://
	resolved() { jq -se '[.[].alerts[] | select(.labels.alertname == "DavitNodeDown" and .labels.node == "n2" and .status == "resolved")] | length > 0' "$home/prom/alerts" >/dev/null 2>&1; }
	wait_for 60 resolved
}
