#!/usr/bin/env bats
# tls.bats - how a worker reaches its engine: behind tcp:// with TLS, as DOCKER_HOST and
# DOCKER_CERT_PATH say, and by the version of its API that both speak.

load lib
setup_file() {
	dir=$BATS_FILE_TMPDIR/tls
	mkdir -p "$dir"
	(
		cd "$dir"
		openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca-key.pem -out ca.pem
		for who in server client; do
			openssl req -newkey rsa:2048 -nodes -subj "/CN=$who" -keyout "$who-key.pem" -out "$who.csr"
			printf 'subjectAltName=IP:127.0.0.1\n' >"$who.ext"
			openssl x509 -req -in "$who.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 \
				-extfile "$who.ext" -out "$who.pem"
		done
		mkdir client && cp ca.pem client/ && cp client.pem client/cert.pem && cp client-key.pem client/key.pem
		mkdir stranger && cp client/* stranger/
		openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x -keyout stranger/key.pem -out stranger/cert.pem
	) >/dev/null 2>&1
	tls_port=$(free_ports 1)
	export dir tls_port
	socat "OPENSSL-LISTEN:$tls_port,bind=127.0.0.1,reuseaddr,fork,cert=$dir/server.pem,key=$dir/server-key.pem,cafile=$dir/ca.pem,verify=1" \
		UNIX-CONNECT:/var/run/docker.sock >"$BATS_FILE_TMPDIR/socat.log" 2>&1 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/socat.pid"
	cluster_up
}
teardown_file() {
	cluster_down
	kill "$(cat "$BATS_FILE_TMPDIR/socat.pid")"
	[ ! -e "$BATS_FILE_TMPDIR/relay.pid" ] || kill "$(cat "$BATS_FILE_TMPDIR/relay.pid")"
	docker volume rm -f "$E2E_IMAGE-old" >/dev/null 2>&1 || true
}

@test "a worker reaches its engine through TLS with its certificate" {
	DOCKER_CERT_PATH=$dir/client DOCKER_HOST=tcp://127.0.0.1:$tls_port \
		worker_start secure 4 8GiB --label tls=yes
	wait_for 30 nodes_ready 3
	davit run --name safe --constraint 'node.labels.tls == yes' "$E2E_IMAGE" -- echo through-tls
	wait_task safe COMPLETED
	run davit logs safe
	has through-tls
}

@test "an engine that does not know the worker's certificate makes the node degraded, with a sentence" {
	DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=$dir/stranger DOCKER_HOST=tcp://127.0.0.1:$tls_port \
		worker_start stranger 4 8GiB
	wait_node stranger DEGRADED
	run node stranger .message
	has "127.0.0.1:$tls_port"
}

@test "an engine that speaks no newer API than 1.24 is spoken to in that, and does all the same" {
	local least
	least=$(docker version -f '{{.Server.MinAPIVersion}}')
	[ "${least#1.}" -le 24 ] || skip "this engine speaks nothing older than API $least"
	python3 "$BATS_TEST_DIRNAME/old_api.py" "$BATS_FILE_TMPDIR/old.sock" /var/run/docker.sock 1.24 \
		"$BATS_FILE_TMPDIR/asked" 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/relay.pid"
	listens() { [ -S "$BATS_FILE_TMPDIR/old.sock" ]; }
	wait_for 30 listens
	worker_start old 4 8GiB --label old=yes --docker-host "unix://$BATS_FILE_TMPDIR/old.sock"
	wait_node old READY
	prints 1.24 node old .engine.api_version
	davit run --name classic --constraint 'node.labels.old == yes' --network front -p 80 -m 32MiB \
		-v "$BATS_FILE_TMPDIR/tls:/certificates:ro" -v "$E2E_IMAGE-old:/kept" --tmpfs /scratch "$E2E_IMAGE" -- \
		sh -c 'ls /certificates/ca.pem; awk "\$2 == \"/kept\" || \$2 == \"/scratch\" {print \$2}" /proc/mounts; sleep 600'
	wait_task classic RUNNING
	prints_all() { [ "$(davit logs classic | sort | tr '\n' ' ')" = "/certificates/ca.pem /kept /scratch " ]; }
	wait_for 30 prints_all || fail "$(davit logs classic)"
	prints hello davit exec classic -- echo hello
	davit stop -t 1s classic
	wait_task classic COMPLETED
	davit rm classic
	! grep -v '^GET /version ' "$BATS_FILE_TMPDIR/asked" | grep -v '^[A-Z]* /v1\.24/' || fail "asked for something newer"
}
