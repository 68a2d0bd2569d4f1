#!/usr/bin/env bats
# spec.bats - every field of a task's spec, as it is seen from inside its container or by the engine.

load lib
setup_file() {
	cluster_up
	cat >"$BATS_FILE_TMPDIR/full.yaml" <<-END
		name: full
		image: $E2E_IMAGE
		entrypoint: [/bin/sh, -c]
		command: ['trap "exit 0" INT; while :; do sleep 0.1; done']
		env: {COLOUR: blue}
		working_dir: /tmp
		user: "65534:65534"
		hostname: here
		labels: {tier: test}
		cpu: 0.5
		memory: 32MiB
		pids_limit: 20
		shm_size: 1MiB
		ulimits: [{name: nofile, soft: 100, hard: 200}]
		devices: [{host_path: /dev/zero, container_path: /dev/nought, permissions: r}]
		mounts:
		  - {type: TMPFS, target: /scratch, tmpfs_size: 2MiB}
		  - {type: BIND, source: $BATS_FILE_TMPDIR/bound, target: /bound, read_only: true}
		  - {type: VOLUME, source: $E2E_IMAGE-kept, target: /kept, driver_options: {type: tmpfs, device: tmpfs, o: "size=3m"}}
		  - {target: /anonymous}
		cap_add: [NET_ADMIN]
		cap_drop: [CHOWN, KILL]
		read_only: true
		no_new_privileges: true
		init: true
		security_opt: [seccomp=unconfined]
		sysctls: {net.core.somaxconn: "321"}
		extra_hosts: ["db:10.1.2.3"]
		dns: [10.0.0.53]
		dns_search: [example.org]
		stop_signal: INT
		stop_timeout: 2500ms
		runtime: runc
		tty: true
		log_config: {driver: json-file, options: {max-size: 1m, max-file: "3"}}
		networks: [{name: front, aliases: [www]}, {name: back}]
	END
	mkdir "$BATS_FILE_TMPDIR/bound"
	echo from-the-host >"$BATS_FILE_TMPDIR/bound/file"
	davit submit -f "$BATS_FILE_TMPDIR/full.yaml"
	wait_task full RUNNING
	FULL=$(task full .container_id)
	export FULL
}
teardown_file() {
	davit rm -f full >/dev/null 2>&1
	cluster_down
	docker volume rm -f "$E2E_IMAGE-kept" >/dev/null 2>&1
}

inside() { docker exec "$FULL" sh -c "$1" | tr -d '\r'; }
inspected() { docker inspect -f "$1" "$FULL"; }
# shows WANT COMMAND...: the command prints just that.
shows() {
	local got want=$1
	shift
	got=$("$@" 2>&1)
	[ "$got" = "$want" ] || fail "$*: expected '$want', got '$got'"
}

@test "the process: command, environment, directory, user, host name, terminal, init" {
	shows "blue" inside 'tr "\0" "\n" </proc/1/environ | sed -n s/COLOUR=//p'
	shows "$(task full .id)" inside 'echo "$DAVIT_TASK_ID"'
	run davit run -d --name forger --env DAVIT_TASK_ID=forged "$E2E_IMAGE" true
	[ "$status" -ne 0 ] || fail "$output"
	has 'DAVIT_TASK_ID'
	shows "full $(task full .node_name)" inside 'echo "$DAVIT_TASK_NAME $DAVIT_NODE_NAME"'
	shows "/tmp 65534 65534 here" inside 'echo "$(pwd) $(id -u) $(id -g) $(hostname)"'
	shows "docker-init" inside 'cat /proc/1/comm'
	shows "/dev/pts/0" inside 'readlink "/proc/1/fd/1" | sed s,/0\$,/0,'
}

@test "limits: CPU, memory without swap, processes, open files, shared memory" {
	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		shows "50000 100000" inside 'cat /sys/fs/cgroup/cpu.max'
		shows 33554432 inside 'cat /sys/fs/cgroup/memory.max'
		shows 20 inside 'cat /sys/fs/cgroup/pids.max'
	else
		shows "50000" inside 'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us'
		shows 33554432 inside 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes'
		shows 20 inside 'cat /sys/fs/cgroup/pids/pids.max'
	fi
	shows 33554432 inspected '{{.HostConfig.MemorySwap}}'
	# Of its own process: runc 1.1 may give those of an exec the hard limit for both.
	shows "100 200" inside "awk '/open files/ {print \$4, \$5}' /proc/1/limits"
	shows 1024 inside 'df -k /dev/shm | awk "END {print \$2}"'
}

@test "disks: a root that is read-only, tmpfs, bind, a named volume with options, an anonymous one" {
	shows no inside 'touch /file 2>/dev/null && echo yes || echo no'
	shows 2048 inside 'df -k /scratch | awk "END {print \$2}"'
	shows from-the-host inside 'cat /bound/file'
	shows no inside 'touch /bound/x 2>/dev/null && echo yes || echo no'
	shows 3072 inside 'df -k /kept | awk "END {print \$2}"'
	shows "$CLUSTER" docker volume inspect -f '{{index .Labels "davit.cluster"}}' "$E2E_IMAGE-kept"
	shows volume inspected '{{range .Mounts}}{{if eq .Destination "/anonymous"}}{{.Type}}{{end}}{{end}}'
}

# Mounted when a task starts, which needs a file server.
@test "a volume on a file server is made as its options say" {
	davit create --name far --mount "source=$E2E_IMAGE-far,target=/far,volume-opt=type=nfs,\"volume-opt=o=addr=127.0.0.1,rw,nfsvers=4\",volume-opt=device=:/exports/a" \
		"$E2E_IMAGE" -- true
	wait_for 60 prints CREATED task far .phase || fail "$(task far)"
	shows 'local nfs addr=127.0.0.1,rw,nfsvers=4 :/exports/a' docker volume inspect \
		-f '{{.Driver}} {{.Options.type}} {{.Options.o}} {{.Options.device}}' "$E2E_IMAGE-far"
	davit rm -f far
	volume_goes() { docker volume rm "$E2E_IMAGE-far"; } # once its container has
	wait_for 60 volume_goes
}

@test "rights: capabilities, no new privileges, security options, devices, sysctls" {
	bounding=$((16#$(inside 'sed -n "s/CapBnd:\t//p" /proc/1/status')))
	[ $((bounding >> 12 & 1)) = 1 ] # NET_ADMIN
	[ $((bounding & 1)) = 0 ]       # CHOWN
	[ $((bounding >> 5 & 1)) = 0 ]  # KILL
	shows 1 inside 'sed -n "s/NoNewPrivs:\t//p" /proc/1/status'
	shows 0 inside 'sed -n "s/Seccomp:\t//p" /proc/1/status'
	shows "0000" inside 'head -c 2 /dev/nought | od -An -tx1 | tr -d " "'
	shows "/dev/zero /dev/nought r" inspected \
		'{{with index .HostConfig.Devices 0}}{{.PathOnHost}} {{.PathInContainer}} {{.CgroupPermissions}}{{end}}'
	shows 321 inside 'cat /proc/sys/net/core/somaxconn'
}

@test "names: extra hosts, name servers, search domains" {
	shows 10.1.2.3 inside "awk '\$2 == \"db\" {print \$1}' /etc/hosts"
	shows "[10.0.0.53] [example.org]" inspected '{{.HostConfig.Dns}} {{.HostConfig.DnsSearch}}'
	inside 'cat /etc/resolv.conf' | grep -q 'search example.org'
}

@test "labels, runtime, log options and how it is stopped are the engine's to see" {
	shows "test $(task full .id) 1" inspected \
		'{{index .Config.Labels "tier"}} {{index .Config.Labels "davit.task"}} {{index .Config.Labels "davit.attempt"}}'
	shows "json-file 1m 3" inspected \
		'{{.HostConfig.LogConfig.Type}} {{index .HostConfig.LogConfig.Config "max-size"}} {{index .HostConfig.LogConfig.Config "max-file"}}'
	shows "runc INT 3 true" inspected '{{.HostConfig.Runtime}} {{.Config.StopSignal}} {{.Config.StopTimeout}} {{.Config.Tty}}'
}

@test "two networks, made for the namespace; others in them find the task by its name and aliases" {
	shows 2 inspected '{{len .NetworkSettings.Networks}}'
	davit run --name peer --network front --label "x=y" --constraint "node.name == $(task full .node_name)" \
		"$E2E_IMAGE" -- sleep 600
	wait_task peer RUNNING
	peer=$(task peer .container_id)
	run docker exec "$peer" nslookup full
	has "Address"
	wait_for 30 docker exec "$peer" ping -c 1 -W 5 www >/dev/null
	# The same name in another namespace is another network.
	call SubmitTasks "$(jq -n --arg image "$E2E_IMAGE" --arg node "node.name == $(task full .node_name)" \
		'{spec: {name: "other", namespace: "else", image: $image, command: ["sleep", "600"],
		  networks: [{name: "front"}], constraints: [$node]}}')"
	other() { docker ps -q --filter "label=davit.cluster=$CLUSTER" --filter label=davit.name=other; }
	is_there() { [ -n "$(other)" ]; }
	wait_for 20 is_there
	run docker exec "$(other)" ping -c 1 -W 2 full
	[ "$status" -ne 0 ]
	davit rm -f peer
	davit -n else rm -f other || call RemoveTasks '{"tasks": ["other"], "namespace": "else", "force": true}'
	none_left() { [ -z "$(docker network ls -q --filter "label=davit.cluster=$CLUSTER" --filter name=davit.else.)" ]; }
	wait_for 20 none_left
}

@test "a platform goes to the node that has it; one that no node has waits and says so" {
	for platform in linux/s390x "linux/$(docker version -f '{{.Server.Arch}}')"; do
		call SubmitTasks "$(jq -n --arg image "$E2E_IMAGE" --arg platform "$platform" \
			'{spec: {name: $platform | sub("/"; "-"), image: $image, platform: $platform, command: ["true"]}}')"
	done
	wait_task "${platform/\//-}" COMPLETED
	says_why() { task linux-s390x .message | grep -q platform; }
	wait_for 15 says_why
	davit rm -f linux-s390x
}

@test "a node's worker gives away what the machine has, less what it keeps, times what it dares" {
	worker_start_bare() { daemon bare davit-worker --name bare --manager "$url_manager" --stats "$url_stats" \
		--state-dir "$home/bare" --label bare=yes --reserve-cpus 0.5 --reserve-memory 1GiB \
		--overcommit-cpus 200 --allow-bind "$BATS_FILE_TMPDIR" --log-max-size 1MiB; }
	worker_start_bare
	wait_node bare READY
	[ "$(node bare .capacity.cpu_milli)" = $((2 * ($(docker info -f '{{.NCPU}}') * 1000 - 500))) ]
	[ "$(node bare .capacity.memory_bytes)" = $(($(docker info -f '{{.MemTotal}}') - (1 << 30))) ]
	davit run --name inside -v "$BATS_FILE_TMPDIR/bound:/b:ro" --constraint 'node.labels.bare == yes' "$E2E_IMAGE" -- cat /b/file
	wait_task inside COMPLETED
	shows "524288 2" docker inspect -f '{{index .HostConfig.LogConfig.Config "max-size"}} {{index .HostConfig.LogConfig.Config "max-file"}}' \
		"$(task inside .container_id)"
	davit run --name outside -v /etc:/b:ro --constraint 'node.labels.bare == yes' "$E2E_IMAGE" -- true
	ln -s /etc "$BATS_FILE_TMPDIR/escape"
	davit run --name around -v "$BATS_FILE_TMPDIR/escape:/b:ro" --constraint 'node.labels.bare == yes' "$E2E_IMAGE" -- true
	for refused in outside around; do
		wait_task $refused FAILED
		run task $refused .message
		has allow-bind
	done
}

@test "ports of each protocol, at an address of the host; a network of the engine's own" {
	local own=$E2E_IMAGE-own net
	net=$(docker network create --label "com.docker.compose.project=$E2E_IMAGE" "$own")
	call SubmitTasks "$(jq -n --arg image "$E2E_IMAGE" --arg own "$own" \
		'{spec: {name: "harbour", image: $image, networks: [{name: $own, external: true, aliases: ["quay"]}],
		  ports: [{container_port: 80}, {container_port: 53, protocol: "UDP", host_address: "127.0.0.1"}],
		  command: ["sleep", "600"]}}')"
	wait_task harbour RUNNING
	id=$(task harbour .container_id)
	shows "$(task harbour '.ports[] | select(.container_port == 80) | .host_port')" \
		docker inspect -f '{{(index (index .HostConfig.PortBindings "80/tcp") 0).HostPort}}' "$id"
	shows "127.0.0.1:$(task harbour '.ports[] | select(.container_port == 53) | .host_port')" docker port "$id" 53/udp
	shows "$net" docker inspect -f "{{(index .NetworkSettings.Networks \"$own\").NetworkID}}" "$id"
	in_it() { docker run --rm --network "$own" "$E2E_IMAGE" ping -c 1 -W 5 quay >/dev/null; }
	wait_for 30 in_it
	davit rm -f harbour
	unused() { docker network rm "$own" >/dev/null 2>&1; } # it is not ours to remove: somebody does
	wait_for 60 unused
}

@test "the host's network and none" {
	davit run --name hostly --network host "$E2E_IMAGE" -- readlink /proc/self/ns/net
	davit run --name lonely --network none "$E2E_IMAGE" -- sh -c 'ls /sys/class/net | tr "\n" " "'
	wait_task hostly COMPLETED
	wait_task lonely COMPLETED
	shows "$(docker run --rm --network host "$E2E_IMAGE" readlink /proc/self/ns/net)" davit logs hostly
	shows "lo " davit logs lonely
}

@test "a privileged task has the machine's devices" {
	docker run --rm --privileged "$E2E_IMAGE" true 2>/dev/null || skip "this engine starts no privileged container"
	davit run --name mighty --privileged "$E2E_IMAGE" -- sh -c 'grep CapEff /proc/self/status; ls /dev | wc -l'
	wait_task mighty COMPLETED
	run docker inspect -f '{{.HostConfig.Privileged}}' "$(task mighty .container_id)"
	has true
}

@test "its stop signal ends it within its grace; its volumes without a name go with it" {
	anonymous=$(inspected '{{range .Mounts}}{{if eq .Destination "/anonymous"}}{{.Name}}{{end}}{{end}}')
	docker volume inspect "$anonymous" >/dev/null
	davit stop full
	wait_task full COMPLETED
	id=$(davit ps -a -o json | jq -r '.[] | select(.name == "full") | .id')
	davit rm "${id:-full}"
	gone() { ! docker volume inspect "$anonymous" >/dev/null 2>&1; }
	wait_for 20 gone
	docker volume inspect "$E2E_IMAGE-kept" >/dev/null
	none_left() { [ -z "$(docker network ls -q --filter "label=davit.cluster=$CLUSTER")" ]; }
	wait_for 30 none_left
}
