#!/usr/bin/env bats
# images.bats - images from a registry: with and without a password, by digest, and how pulls are told.

load lib
setup_file() {
	local kind
	for kind in open locked; do
		port=$(free_ports 1)
		mkdir -p "$BATS_FILE_TMPDIR/$kind"
		{
			echo "version: 0.1"
			echo "storage: {filesystem: {rootdirectory: $BATS_FILE_TMPDIR/$kind}}"
			echo "http: {addr: '127.0.0.1:$port'}"
			[ "$kind" = open ] || echo "auth: {htpasswd: {realm: test, path: $BATS_FILE_TMPDIR/htpasswd}}"
		} >"$BATS_FILE_TMPDIR/$kind.yml"
		eval "export $kind=127.0.0.1:$port"
	done
	htpasswd -Bbn me secret >"$BATS_FILE_TMPDIR/htpasswd"
	export DOCKER_CONFIG=$BATS_FILE_TMPDIR/docker
	mkdir -p "$DOCKER_CONFIG"
	for kind in open locked; do
		docker-registry serve "$BATS_FILE_TMPDIR/$kind.yml" >"$BATS_FILE_TMPDIR/$kind.log" 2>&1 3>&- &
		echo $! >>"$BATS_FILE_TMPDIR/pids"
	done
	answers() { curl -s -o /dev/null "http://$1/v2/"; }
	wait_for 20 answers "$open"
	wait_for 20 answers "$locked"
	docker login -u me -p secret "$locked" >/dev/null 2>&1
	for kind in "$open" "$locked"; do
		docker tag "$E2E_IMAGE" "$kind/demo:1"
		docker push -q "$kind/demo:1" >/dev/null
		docker image rm "$kind/demo:1" >/dev/null
	done
	cp "$DOCKER_CONFIG/config.json" "$BATS_FILE_TMPDIR/credentials.json"
	cluster_up
	worker_start n3 4 8GiB --label auth=yes --registry-config "$BATS_FILE_TMPDIR/credentials.json"
	wait_for 30 nodes_ready 3
}
teardown_file() {
	cluster_down
	local pid
	while read -r pid; do kill "$pid"; done <"$BATS_FILE_TMPDIR/pids"
	docker image rm "$open/demo:1" "$locked/demo:1" >/dev/null 2>&1 || true
}

# gone IMAGE: not on the engine.
forget() { docker image rm -f "$1" >/dev/null 2>&1 || true; }

@test "an image that the node does not have is pulled, once for all who want it" {
	forget "$open/demo:1"
	davit run --name many --count 6 "$open/demo:1" -- true
	for i in 0 1 2 3 4 5; do wait_task "many-$i" COMPLETED 60; done
	docker image inspect "$open/demo:1" >/dev/null
}

@test "an image is found by its digest" {
	digest=$(docker image inspect -f '{{index .RepoDigests 0}}' "$open/demo:1")
	forget "$open/demo:1"
	davit run --name pinned "$digest" -- true
	wait_task pinned COMPLETED 60
	docker image rm "$digest" >/dev/null 2>&1 || true
}

@test "a registry with a password refuses a worker without one, with a sentence" {
	forget "$locked/demo:1"
	davit run --name nobody --constraint 'node.labels.auth != yes' "$locked/demo:1" -- true
	wait_task nobody FAILED 60
	run task nobody .message
	has "log in"
}

@test "the worker's credentials open it, by the registry's name or by registry_auth" {
	davit run --name me --constraint 'node.labels.auth == yes' "$locked/demo:1" -- true
	wait_task me COMPLETED 60
	forget "$locked/demo:1"
	davit run --name named --registry-auth "$locked" --constraint 'node.labels.auth == yes' "$locked/demo:1" -- true
	wait_task named COMPLETED 60
	forget "$locked/demo:1"
	davit run --name unknown --registry-auth nobody --constraint 'node.labels.auth == yes' "$locked/demo:1" -- true
	wait_task unknown FAILED 60
	run task unknown .message
	has nobody
}
