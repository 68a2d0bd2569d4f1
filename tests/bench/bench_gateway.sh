#!/bin/bash
# bench_gateway.sh - HTTP over loopback, the clients on the same cores: reads by wrk, idle event
# streams, a bulk submission. Prints "name value unit", a figure a line. Needs wrk and python3.
#
# Beside the rate by the clock there is the CPU time of a request: that is the figure which
# other work on the machine does not change.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/cluster.sh
DAVIT_BIN=$PWD/${BUILD:-build/release}/bin
command -v wrk >/dev/null || die "wrk is not here: apt-get install wrk"
dir=$(mktemp -d)
trap 'cluster_end "$dir" 5 >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT
cluster_use "$dir" "$((10000 + RANDOM % 10000))"
ulimit -n "$(ulimit -Hn)" # a descriptor for each stream, on both sides
n_streams=$(($(ulimit -n) - 500 < 10000 ? $(ulimit -n) - 500 : 10000))
manager_start
scheduler_start
gateway_start --monitor none
wait_for 10 gateway_ready
manager=$(proc_pid "$dir/run/manager.pid")
gateway=$(proc_pid "$dir/run/gateway.pid")
seconds=${BENCH_WRK_SECONDS:-10}

anonymous() { awk '/^RssAnon/ {print $2}' "/proc/$1/status"; } # KiB
# cpu PID: microseconds that it has used.
cpu() { awk -v hz="$(getconf CLK_TCK)" '{sub(/.*\) /, ""); printf "%d", ($12 + $13) * 1e6 / hz}' "/proc/$1/stat"; }

echo "gateway_idle_rss_anon $(anonymous "$gateway") KiB"

for i in $(seq 64); do
	jq -cn --arg name "task-$i" '{spec: {name: $name, image: "demo", command: ["sleep", "1"], labels: {app: "web"},
		env: {A: "b"}, cpu: 0.5, memory: "64MiB", hold: true}}'
done | jq -cs '{tasks: .}' | curl -fsS -o /dev/null -d @- "$url_gateway/v1/tasks/bulk"

cat >"$dir/one.lua" <<'END'
-- Each connection asks for another task.
local n = 0
request = function()
	n = n % 64 + 1
	return wrk.format("GET", "/v1/tasks/task-" .. n)
end
done = function(summary, latency)
	local bad = summary.errors.status + summary.errors.read + summary.errors.timeout
	print(string.format("RESULT %d %d %d %.3f %.3f", summary.requests, summary.duration, bad,
		latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
END

# reads NAME CONNECTIONS LUA
reads() {
	local before_gateway before_manager out
	before_gateway=$(cpu "$gateway")
	before_manager=$(cpu "$manager")
	out=$(wrk -t "$(($2 < 2 ? $2 : 2))" -c "$2" -d "${seconds}s" --latency -s "$3" "$url_gateway")
	awk -v name="$1" -v gateway=$(($(cpu "$gateway") - before_gateway)) \
		-v manager=$(($(cpu "$manager") - before_manager)) '
		/^RESULT/ {
			printf "%s_rate %.0f 1/s\n", name, $2 * 1e6 / $3
			printf "%s_errors %d\n", name, $4
			printf "%s_p50 %s ms\n%s_p99 %s ms\n", name, $5, name, $6
			printf "%s_cpu_gateway %.1f us\n", name, gateway / $2
			printf "%s_cpu_manager %.1f us\n", name, manager / $2
		}' <<<"$out"
}
reads gateway_get 64 "$dir/one.lua"
reads gateway_get_one_client 1 "$dir/one.lua"
sed 's|/v1/tasks/task-" .. n|/v1/health"|' "$dir/one.lua" >"$dir/health.lua"
reads gateway_health 64 "$dir/health.lua"
echo "gateway_rss_anon_after_reads $(anonymous "$gateway") KiB"

# 10,000 tasks, each with a spec of its own.
for i in $(seq 10000); do echo "{\"spec\":{\"name\":\"bulk-$i\",\"image\":\"demo\",\"hold\":true}}"; done |
	jq -cs '{tasks: .}' >"$dir/bulk.json"
echo "gateway_bulk_10000 $(curl -fsS -o "$dir/answer.json" -w '%{time_total}' -d @"$dir/bulk.json" \
	"$url_gateway/v1/tasks/bulk") s"
[ "$(jq '.results | length' "$dir/answer.json")" = 10000 ]

# Event streams on which nothing happens.
before=$(anonymous "$gateway")
python3 - "$url_gateway" "$gateway" "$before" "$n_streams" <<'END'
import socket, sys, time
host, port = sys.argv[1].removeprefix("http://").split(":")
streams = []
n = int(sys.argv[4])
for i in range(n):
    one = socket.create_connection((host, int(port)))
    one.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
    streams.append(one)
for one in streams:
    got = b""
    while b"retry" not in got:
        got += one.recv(4096)
time.sleep(2)
status = open(f"/proc/{sys.argv[2]}/status").read().split()
rss = int(status[status.index("RssAnon:") + 1])
print(f"gateway_{n}_streams_rss_anon {rss / 1024:.1f} MiB")
print(f"gateway_stream_bytes {(rss - int(sys.argv[3])) * 1024 / n:.0f} B")
END
