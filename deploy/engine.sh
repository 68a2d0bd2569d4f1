#!/bin/bash
# engine.sh start|stop|status [USER [PID]] - a Docker Engine to work with.
#
# start: the one that answers, else (as root) one that is started here. stop: ends the one that
# was started here, once nobody uses it any more; one that was there before is left alone.
# USER is who asks, a word ("up", "test"): each is counted once, and with PID only as long as
# that process lives.
set -uo pipefail
. "$(dirname "$0")/lib.sh"

PATH=$PATH:/usr/sbin:/sbin
home=${DAVIT_ENGINE_HOME:-$repo/.davit/engine}
log=$home/dockerd.log
action=${1:-status}
user=${2:-me}
pid=${3:-}
case $user in *[!a-z0-9-]*) die "engine.sh: '$user' is no word" ;; esac

say_what_to_do() {
	local socket=/var/run/docker.sock
	if ! command -v docker >/dev/null; then
		complain "Docker is not installed. Run: sudo $repo/deploy/bootstrap.sh"
	elif [ -n "${DOCKER_HOST:-}" ]; then
		complain "no Docker Engine answers at DOCKER_HOST=$DOCKER_HOST. Start it, or: unset DOCKER_HOST"
	elif [ -S $socket ] && [ ! -w $socket ]; then
		if id -nG "$(id -un)" | grep -qw docker; then
			complain "you are in the docker group, but not yet in this shell. Run: newgrp docker"
		else
			complain "you may not use the Docker Engine. Run: sudo usermod -aG docker $(id -un)"
			complain "then log in again, or run: newgrp docker"
		fi
	elif [ "$(id -u)" -eq 0 ]; then
		complain "no Docker Engine runs. Run: $repo/deploy/engine.sh start"
	else
		complain "no Docker Engine runs. Run: sudo $repo/deploy/engine.sh start"
		complain "and to be allowed to use it: sudo usermod -aG docker $(id -un)   (then log in again)"
	fi
}

# A machine without an init system may have no cgroups mounted; an engine needs them.
mount_cgroups() {
	local controller
	grep -qE ' cgroup2? ' /proc/mounts && return
	complain "no cgroups are mounted: mounting them at /sys/fs/cgroup"
	if grep -q cgroup2 /proc/filesystems && mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null; then
		grep -q memory /sys/fs/cgroup/cgroup.controllers && return
		umount /sys/fs/cgroup
	fi
	mount -t tmpfs -o mode=755 none /sys/fs/cgroup || return
	for controller in $(awk '!/^#/ && $4 == 1 {print $1}' /proc/cgroups); do
		mkdir -p "/sys/fs/cgroup/$controller"
		mount -t cgroup -o "$controller" none "/sys/fs/cgroup/$controller" 2>/dev/null ||
			rmdir "/sys/fs/cgroup/$controller"
	done
}

# One that was started by somebody else, and has not ended.
dockerd_runs() {
	local pid
	pid=$(cat /var/run/docker.pid 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]
}
answers_or_gone() { engine_answers || ! dockerd_runs; }
ready_or_dead() { engine_answers || ! proc_pid "$home/dockerd.pid" >/dev/null; }

# try_dockerd OPTION...: 0 once it answers. Its log is this attempt's alone.
try_dockerd() {
	: >"$log"
	# The pid file of an engine that was killed names nobody, or somebody else by now.
	dockerd_runs || rm -f /var/run/docker.pid
	proc_start "$home/dockerd.pid" "$log" dockerd "$@"
	wait_for 60 ready_or_dead
	engine_answers && return 0
	proc_stop 10 "$home/dockerd.pid"
	return 1
}

# Starts dockerd, and where its log says why it cannot, without what stands in its way.
start_dockerd() {
	local options=() tried=" " why
	mount_cgroups
	while :; do
		try_dockerd "${options[@]}" && break
		why=$(grep -iE 'level=(fatal|error)|failed to start' "$log" | tail -n 1)
		if [[ $tried != *" storage "* ]] && grep -qiE 'graphdriver|overlay|storage-driver' <<<"$why"; then
			tried+="storage "
			options+=(--storage-driver=vfs)
			complain "the engine's storage driver does not work here ($why); trying vfs, which is slow"
		elif [[ $tried != *" legacy "* ]] && grep -qi 'iptables' "$log" && command -v iptables-legacy >/dev/null; then
			tried+="legacy "
			mkdir -p "$home/bin"
			ln -sf "$(command -v iptables-legacy)" "$home/bin/iptables"
			ln -sf "$(command -v ip6tables-legacy)" "$home/bin/ip6tables"
			PATH=$home/bin:$PATH
			complain "iptables does not work here ($why); trying iptables-legacy"
		elif [[ $tried != *" iptables "* ]] && grep -qi 'iptables' "$log"; then
			tried+="iptables "
			options+=(--iptables=false --ip6tables=false)
			complain "iptables does not work here; trying without: containers will not reach other machines"
		else
			complain "dockerd does not start: ${why:-it said nothing for 60 s}"
			complain "its whole log: $log"
			return 1
		fi
	done
	say "started a Docker Engine (dockerd ${options[*]}, log in $log)"
}

start() {
	engine_answers && return 0
	# One that is there and says nothing is busy, or begins: another one beside it helps nobody.
	if [ -z "${DOCKER_HOST:-}" ] && dockerd_runs; then
		wait_for 120 answers_or_gone
		engine_answers && return 0
	fi
	if [ "$(id -u)" -ne 0 ] || ! command -v dockerd >/dev/null || [ -n "${DOCKER_HOST:-}" ]; then
		say_what_to_do
		return 1
	fi
	if [ -d /run/systemd/system ] && systemctl cat docker.service >/dev/null 2>&1; then
		systemctl start docker || return 1
		wait_for 60 engine_answers || { complain "docker.service runs, but does not answer: journalctl -u docker"; return 1; }
		: >"$home/by-systemd"
		say "started docker.service"
		return 0
	fi
	start_dockerd
}

stop() {
	local file
	rm -f "$home/users/$user"
	for file in "$home"/users/*; do
		[ -s "$file" ] && ! proc_pid "$file" >/dev/null && rm -f "$file"
	done
	[ -z "$(ls "$home/users")" ] || return 0
	if [ -e "$home/by-systemd" ]; then
		systemctl stop docker.service docker.socket
		rm -f "$home/by-systemd"
	elif proc_pid "$home/dockerd.pid" >/dev/null; then
		proc_stop 30 "$home/dockerd.pid"
		say "stopped the Docker Engine that was started here"
	fi
}

case $action in
status)
	if engine_answers; then
		say "a Docker Engine answers, version $(docker version --format '{{.Server.Version}}')"
	else
		say_what_to_do
		exit 1
	fi
	;;
start | stop)
	mkdir -p "$home/users" || exit 1
	exec 9>"$home/lock"
	flock -w 180 9 || die "somebody else has been starting or stopping the engine for 3 minutes"
	$action || exit 1
	[ "$action" = stop ] || echo "${pid:+$pid $(proc_birth "$pid")}" | grep . >"$home/users/$user"
	exit 0
	;;
*) die "usage: deploy/engine.sh start|stop|status [USER [PID]]" ;;
esac
