#!/usr/bin/env bats
# systemd.bats - the Debian package on a machine whose first process is systemd: the services with
# all that hardening.conf forbids them, an engine of the machine's own, an upgrade, a purge.
#
# The machine is a container that may mount and has a cgroup of its own to divide.

load ../e2e/lib

setup_file() {
	local version
	"$repo/deploy/images/make-base.sh" 3>&- 4>&-
	for version in 0.2.0 0.2.1; do
		"$repo/deploy/debian/make-deb.sh" "$DAVIT_BIN" "$E2E_DIR/systemd/davit_$version.deb" "$version"
	done
	docker build -q -t "$E2E_IMAGE-systemd" - >/dev/null 2>&1 3>&- 4>&- <<-END
		FROM davit-base:bookworm
		RUN apt-get update -q && apt-get install -qy --no-install-recommends \
			systemd systemd-sysv dbus docker.io iptables jq >/dev/null
		LABEL davit.build=$E2E_IMAGE
	END
	docker run -d --name "$E2E_IMAGE-machine" --label "davit.e2e=$E2E_IMAGE" --cgroupns=private \
		--cap-add SYS_ADMIN --cap-add SYS_PTRACE --cap-add NET_ADMIN --cap-add SYS_NICE \
		--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined \
		--tmpfs /run --tmpfs /run/lock -v /var/lib/docker -v "$E2E_DIR/systemd:/deb:ro" -v "$repo:/repo:ro" -v "$DAVIT_BIN:/programs:ro" -e container=docker \
		"$E2E_IMAGE-systemd" sh -c 'mount -o remount,bind,rw /sys/fs/cgroup
			for controller in /sys/fs/cgroup/*; do mount -o remount,bind,rw $controller; done 2>/dev/null
			exec /lib/systemd/systemd' >/dev/null 3>&- 4>&-
	wait_for 120 is_up
	docker save "$E2E_IMAGE" 3>&- 4>&- | docker exec -i "$E2E_IMAGE-machine" docker load >/dev/null 3>&- 4>&-
}
teardown_file() { docker rm -f -v "$E2E_IMAGE-machine" >/dev/null 2>&1 || true; }

services="manager scheduler monitor gateway worker"
units=$(printf 'davit-%s ' $services)

on_machine() { docker exec "$E2E_IMAGE-machine" "$@" 3>&- 4>&-; }
is_up() { on_machine systemctl is-active --quiet docker && on_machine docker version >/dev/null 2>&1; }
all_active() { [ "$(on_machine systemctl is-active $units | sort -u)" = active ]; }
node_ready() { [ "$(on_machine davit nodes -o json 2>/dev/null | jq -r '.[0].state')" = READY ]; }
started() { on_machine docker ps -q --no-trunc --filter label=davit.task | sort | docker exec -i "$E2E_IMAGE-machine" \
	xargs docker inspect -f '{{.Id}} {{.State.StartedAt}}' 3>&- 4>&-; }
why() { on_machine journalctl --no-pager -n 30; }

@test "the package is installed and starts nothing; then systemd starts all of it" {
	run on_machine apt-get install -qy --no-install-recommends /deb/davit_0.2.0.deb
	[ "$status" -eq 0 ] || fail "$output"
	[ "$(on_machine systemctl is-active $units | sort -u)" = inactive ]
	# Type=notify: it comes back when all of them are ready.
	run on_machine systemctl enable --now $units
	[ "$status" -eq 0 ] || fail "$output $(why)"
	all_active || fail "$(why)"
	wait_for 60 node_ready || fail "$(why)"
}

@test "what is forbidden to the services, they do not need" {
	run on_machine davit run --rm --follow "$E2E_IMAGE" -- sh -c 'echo out; exit 3'
	[ "$status" -eq 3 ] && has out || fail "$output $(why)"
	on_machine davit run --name web --wait --restart always -p 80 -v data:/data "$E2E_IMAGE" -- \
		sh -c 'echo begun; exec httpd -f -p 80 -h /www'
	port=$(on_machine davit inspect web -o json | jq '.ports[0].host_port')
	address=$(docker inspect -f '{{.NetworkSettings.IPAddress}}' "$E2E_IMAGE-machine")
	serves() { curl -fsS -m 5 "http://$address:$port/"; }
	wait_for 60 serves
	run serves
	has "Hello from Davit"
	run on_machine davit exec web -- echo inside
	has inside
	wait_for 60 prints begun on_machine davit logs web
	measured() { [ "$(on_machine davit stats -1 -o json web | jq '[.. | .memory_bytes? // empty] | max > 100000')" = true ]; }
	wait_for 60 measured || fail "$(on_machine davit stats -1 -o json web)"
	[ -z "$(on_machine journalctl --no-pager -o cat -u 'davit-*' | grep -E 'lvl=(warn|err)' | grep -v ' ev=monitor.feed_down ')" ] ||
		fail "$(why)"
}

@test "systemd-analyze security finds as little as docs/OPERATIONS.md says" {
	for service in $services; do
		most=1.2
		[ $service != worker ] || most=1.9
		run on_machine systemd-analyze security --no-pager "davit-$service"
		figure=$(sed -nE 's/.*Overall exposure level.*: ([0-9.]+) OK.*/\1/p' <<<"$output")
		[ -n "$figure" ] && awk -v is="$figure" -v most=$most 'BEGIN {exit is > most}' || fail "davit-$service: $output"
	done
}

@test "what is killed is started again, and containers are not touched" {
	before=$(started)
	[ -n "$before" ]
	on_machine systemctl kill -s KILL davit-manager davit-worker
	again() { [ "$(on_machine systemctl show -P NRestarts davit-manager davit-worker | xargs)" = "1 1" ] && all_active; }
	wait_for 60 again || fail "$(on_machine systemctl status $units)"
	wait_for 60 node_ready
	[ "$(started)" = "$before" ]
}

@test "an upgrade restarts the services that run, and no container" {
	before=$(started)
	pids=$(on_machine systemctl show -P MainPID $units | sort)
	run on_machine apt-get install -qy --no-install-recommends /deb/davit_0.2.1.deb
	[ "$status" -eq 0 ] || fail "$output"
	wait_for 60 all_active || fail "$(why)"
	[ -z "$(comm -12 <(echo "$pids") <(on_machine systemctl show -P MainPID $units | sort))" ]
	wait_for 60 node_ready || fail "$(why)"
	[ "$(started)" = "$before" ]
	[ "$(on_machine davit inspect web -o json | jq -r .state)" = RUNNING ]
}

@test "a removal ends the services and leaves the containers; a purge leaves nothing else" {
	before=$(started)
	run on_machine apt-get purge -qy davit
	[ "$status" -eq 0 ] || fail "$output"
	[ "$(started)" = "$before" ]
	run on_machine sh -c 'grep -h ^davit- /proc/[0-9]*/comm'
	[ -z "$output" ] || fail "$output"
	run on_machine getent passwd davit davit-worker
	[ -z "$output" ]
	run on_machine sh -c 'find / -xdev -not -path "/proc/*" -name "*davit*" -not -path "/deb/*" -not -path "/var/cache/*" -not -path "/var/lib/dpkg/*"'
	[ -z "$output" ] || fail "$output"
}

@test "make install there: the services can be started at once, and uninstalling takes them away" {
	run on_machine env PREFIX=/usr/local /repo/deploy/install.sh install /programs
	[ "$status" -eq 0 ] || fail "$output"
	run on_machine systemctl start $units
	[ "$status" -eq 0 ] || fail "$output $(why)"
	wait_for 60 node_ready || fail "$(why)"
	[ "$(on_machine systemctl show -P FragmentPath davit-manager)" = /usr/local/lib/systemd/system/davit-manager.service ]
	on_machine systemctl stop $units
	on_machine env PREFIX=/usr/local /repo/deploy/install.sh uninstall
	[ "$(on_machine find /usr -name '*davit*')" = "" ]
}
