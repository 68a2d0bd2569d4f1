#!/bin/bash
# up.sh - a cluster on this machine: manager, scheduler, two workers, monitor, gateway, demo tasks.
#
# What runs already is left as it is, so running it again does no harm. Environment:
#   DAVIT_HOME   its directory     (./.davit)
#   DAVIT_PORT   first of its ports (7070): the next five, and the tenth behind it
#   DAVIT_HTTP_PORT   where the gateway answers HTTP (8080; with another DAVIT_PORT: that + 11)
#   DAVIT_BIN    the programs; absent: built here (build/release/bin)
#   DAVIT_DEMO   tag of the demo image (davit-demo)
set -uo pipefail
. "$(dirname "$0")/cluster.sh"
cd "$repo" || exit 1

port=${DAVIT_PORT:-7070}
home=${DAVIT_HOME:-$repo/.davit}
wrapper=$repo/davit
[ "$home" = "$repo/.davit" ] || wrapper=$home/davit
demo=${DAVIT_DEMO:-davit-demo}
user=up
[ "$home" = "$repo/.davit" ] || user=up-$port
unset DAVIT_MANAGER B MODE MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

mkdir -p "$home" 2>/dev/null && [ -w "$home" ] ||
	die "$home is not yours to write. Run: sudo chown -R $(id -un) $home"

if [ -z "${DAVIT_BIN:-}" ]; then
	deploy/bootstrap.sh build lib run || exit 1
	say "building (log in .davit/build.log)"
	make --no-print-directory -j"$(nproc)" MODE=release all >"$home/build.log" 2>&1 ||
		{ tail -n 30 "$home/build.log"; die "the build failed: see above"; }
	DAVIT_BIN=$repo/build/release/bin
fi
deploy/engine.sh start "$user" || exit 1
deploy/demo-image.sh "$demo" || exit 1

# While a part of it runs, its ports are what they were.
[ -s "$home/port" ] && ! procs_gone "$home"/run/*.pid && port=$(cat "$home/port")
if ! cluster_ports_free "$home" "$port"; then
	http=$(gateway_port "$port")
	ss -Hltnp "( sport >= :$port and sport < :$((port + 6)) ) or sport = :$((port + 10)) or sport = :$http" |
		awk '{print "  " $4, $6}' >&2
	die "ports $port to $((port + 5)), $((port + 10)) and $http are not all free (see above). Take others: make up PORT=17070"
fi
cluster_use "$home" "$port" || exit 1

manager_start && scheduler_start && worker_start n1 4 8GiB && worker_start n2 8 16GiB && monitor_start &&
	gateway_start
if ! wait_for 30 nodes_ready 2 || ! wait_for 10 gateway_ready; then
	complain "the cluster was not ready within 30 s. The last words of each part:"
	tail -n 3 "$home"/log/*.log >&2
	exit 1
fi

cat >"$wrapper" <<END
#!/bin/sh
# Talks to the cluster that \`make up\` started.
DAVIT_MANAGER=\${DAVIT_MANAGER:-$url_manager} exec '$DAVIT_BIN/davit' "\$@"
END
chmod +x "$wrapper"

# state_of NAME: of the newest task of that name, nothing if there is none.
state_of() { davit ps -a -o json | jq -r --arg name "$1" '[.[] | select(.name == $name)] | last | .state // empty'; }
is_running() { [ "$(state_of "$1")" = RUNNING ]; }

if [ "$(state_of hello)" != COMPLETED ]; then
	davit run --name hello --follow "$demo" -- echo "hello from a container" || die "the hello task failed: ./davit inspect hello"
fi
case $(state_of web) in
PENDING | SCHEDULED | RUNNING) ;;
*) davit run --name web --cpus 0.5 --memory 64MiB -p 80 --restart always "$demo" -- \
	httpd -f -p 80 -h /www || die "the web task was refused: see above" ;;
esac
wait_for 60 is_running web || die "the web task does not run: ./davit inspect web"
web_port=$(davit inspect web -o json | jq -r '.ports[0].host_port')
serves() { curl -fsS -m 2 "http://127.0.0.1:$web_port/"; }
serves_quietly() { serves >/dev/null 2>&1; }
wait_for 10 serves_quietly || { serves; die "the web task runs, but does not answer at http://127.0.0.1:$web_port/"; }

say "http://127.0.0.1:$web_port/ says: $(serves)"
echo
davit ps -a
cat <<END

The cluster runs: manager at $url_manager, HTTP at $url_gateway, nodes n1 and n2, logs in ${home#"$repo"/}/log. Try:
  ./davit nodes
  ./davit run --rm --follow $demo -- echo hi
  ./davit logs web
  ./davit top
  ./davit events -f
  curl -s $url_gateway/v1/tasks
  ./davit --help
  make down
END
