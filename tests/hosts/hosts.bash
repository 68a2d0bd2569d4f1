# hosts.bash - machines as network namespaces on a bridge of their own, and a cluster on them.
#
# Each host has an address 10.99.0.N, its own loopback, name and /etc/hosts; the bridge is in a
# namespace, too, so nothing of this machine's network is touched, and the names of all namespaces
# begin with that of the run. Links are cut at the bridge (both ways), made deaf or mute, lossy
# (iptables' statistic match) or thin (tc tbf) in the host, slow by relay.py. The real engine serves
# all hosts by its unix socket, or each worker has one in memory (ENGINE=mem://).

. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.bash"

hosts_begin() { # NAME
	net=dvt$$-$1 n_hosts=0
	home=$E2E_DIR/hosts-$1
	export net home
	mkdir -p "$home"/{run,log,etc}
	ip netns add "$net-lan" || return
	ip -n "$net-lan" link add lan type bridge
	ip -n "$net-lan" link set lan up
	printf '127.0.0.1 localhost\n' >"$home/etc/hosts"
}

# Ends every process, container and namespace of it, whatever state they are in.
hosts_end() {
	local ns
	cluster_end "$home" 3
	for ns in $(ip netns list | awk -v net="$net-" 'index($1, net) == 1 {print $1}'); do
		ip netns pids "$ns" 2>/dev/null | xargs -r kill -9 2>/dev/null
		ip netns del "$ns"
	done
}

host_add() { # NAME...
	local name
	for name in "$@"; do
		n_hosts=$((n_hosts + 1))
		ip netns add "$net-$name" &&
			ip link add name "$name" netns "$net-lan" type veth peer name eth0 netns "$net-$name" &&
			ip -n "$net-lan" link set dev "$name" master lan up &&
			ip -n "$net-$name" link set lo up &&
			ip -n "$net-$name" addr add "10.99.0.$n_hosts/24" dev eth0 &&
			ip -n "$net-$name" link set eth0 up || return
		echo "10.99.0.$n_hosts $name" >>"$home/etc/hosts"
	done
}
address_of() { awk -v name="$1" '$2 == name {print $1}' "$home/etc/hosts"; }

# on HOST COMMAND...: with its network, name and /etc/hosts; the rest is this machine's. It execs,
# so its pid is the command's.
on() {
	local host=$1
	shift
	nsenter --net="/run/netns/$net-$host" unshare --mount --uts sh -c \
		'mount --bind "$1" /etc/hosts && hostname "$2" && shift 2 && exec "$@"' on "$home/etc/hosts" "$host" "$@"
}

link_cut() { ip -n "$net-lan" link set dev "$1" down; }
link_mute() { on "$1" iptables -A OUTPUT -o eth0 -j DROP; } # what it says is lost
link_deaf() { on "$1" iptables -A INPUT -i eth0 -j DROP; }  # what it is told is lost
link_lossy() { # HOST PROBABILITY: both ways
	on "$1" iptables -A OUTPUT -o eth0 -m statistic --mode random --probability "$2" -j DROP
	on "$1" iptables -A INPUT -i eth0 -m statistic --mode random --probability "$2" -j DROP
}
link_thin() { on "$1" tc qdisc replace dev eth0 root tbf rate "$2" burst 16kb latency 400ms; } # HOST RATE
link_heal() { # HOST: from all of the above
	on "$1" iptables -F
	on "$1" tc qdisc del dev eth0 root 2>/dev/null || true
	ip -n "$net-lan" link set dev "$1" up
}
host_move() { # HOST ADDRESS: it has another one from now on
	on "$1" ip addr flush dev eth0
	on "$1" ip addr add "$2/24" dev eth0
}

# What cluster.sh's *_start mean here: on a host, which is the process' name unless HOST says another.
daemon() { # NAME PROGRAM OPTION...
	local name=$1 program=$2
	shift 2
	proc_pid "$home/run/$name.pid" >/dev/null && return
	(
		bin=$DAVIT_BIN host=${HOST:-$name} ns=$net-${HOST:-$name}
		unset "${!DAVIT_@}"
		proc_start "$home/run/$name.pid" "$home/log/$name.log" \
			nsenter --net="/run/netns/$ns" unshare --mount --uts sh -c \
			'mount --bind "$1" /etc/hosts && hostname "$2" && shift 2 && exec "$@"' on "$home/etc/hosts" "$host" \
			"$bin/$program" "$@"
	)
}
# Clients ask where the manager is.
davit() { on manager timeout $((60 * PATIENCE)) "$DAVIT_BIN/davit" "$@"; }
nngcat() { on manager nngcat "$@"; }

# hosts_cluster WORKER...: a manager and a scheduler on hosts of their own, and the workers.
hosts_cluster() {
	local worker
	host_add manager scheduler "$@"
	url_manager=tcp://manager:7070
	url_stats=tcp://manager:7072
	export DAVIT_MANAGER=$url_manager url_manager url_stats
	dynamic_ports >"$home/ports"
	hosts_manager manager
	HOST=scheduler daemon scheduler davit-scheduler --listen tcp://0.0.0.0:7074
	for worker in "$@"; do
		host_worker "$worker"
	done
	wait_for 30 nodes_ready $# || { tail -n 20 "$home"/log/*.log; return 1; }
	CLUSTER=$(cat "$home/id")
	export CLUSTER
	proc_start "$home/run/events.pid" "$home/engine-events" docker events \
		--filter "label=davit.cluster=$CLUSTER" --filter event=start --filter event=die \
		--format '{{.TimeNano}} {{.Action}} {{index .Actor.Attributes "davit.task"}} {{index .Actor.Attributes "davit.node"}} {{.ID}}'
}
hosts_manager() { # HOST
	HOST=$1 daemon manager davit-manager --state-dir "$home/manager" --listen tcp://0.0.0.0:7070 \
		--feed tcp://0.0.0.0:7071 --stats tcp://0.0.0.0:7072 --feed-json tcp://0.0.0.0:7073 \
		--scheduler tcp://scheduler:7074 --restart-grace 2s --port-range "$(cat "$home/ports")" --allow-chaos
}
host_worker() {
	worker_start "$1" 4 8GiB --docker-host "${ENGINE:-unix:///var/run/docker.sock}" --allow-chaos
}

# What the engine itself says that it did: starts and ends of one task's containers.
engine_did() { # TASK-ID ACTION
	awk -v task="$1" -v action="$2" '$3 == task && $2 == action' "$home/engine-events" | wc -l
}
# did TASK-ID STARTS DIES: as the engine's events have told, which may be a moment late.
did() { wait_for 30 has_done "$@" || fail "$(grep " $1 " "$home/engine-events")"; }
has_done() { [ "$(engine_did "$1" start) $(engine_did "$1" die)" = "$2 $3" ]; }
# ran_only_once TASK...: each started once, and has not ended, by the engine's own word.
ran_only_once() {
	local name
	for name in "$@"; do
		did "$(task "$name" .id)" 1 0 || fail "$name has not run just once" || return
	done
}
# At most one container of all these tasks at any moment (a task and what replaced it).
never_two_at_once() { # TASK-ID...
	awk -v ids=" $* " 'index(ids, " " $3 " ") {n += $2 == "start" ? 1 : -1; if (n > 1) two = two "\n" $0}
		END {if (two) {print "two at once:" two; exit 1}}' "$home/engine-events"
}
# No container of the cluster runs that is not a RUNNING task's, and each of those has one.
engine_is_as_the_store() {
	local want have
	want=$(call ListTasks '{"states": ["RUNNING"]}' | jq -r '.response.tasks[]?.id' | sort)
	have=$(docker ps --filter "label=davit.cluster=$CLUSTER" --format '{{.Label "davit.task"}}' | sort)
	[ "$want" = "$have" ]
}
