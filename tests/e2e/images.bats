#!/usr/bin/env bats
# images.bats - images from a registry: with and without a password, by digest, and how pulls are told.

load lib
answers() { curl -s -o /dev/null "http://$1/v2/"; }
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
	wait_for 20 answers "$open"
	wait_for 20 answers "$locked"
	docker login -u me -p secret "$locked" >/dev/null 2>&1
	for kind in "$open" "$locked"; do
		docker tag "$E2E_IMAGE" "$kind/demo:1"
		docker push -q "$kind/demo:1" >/dev/null
		docker image rm "$kind/demo:1" >/dev/null
	done
	# One with a layer of which a test sees the half.
	head -c 20000000 /dev/urandom >"$BATS_FILE_TMPDIR/ballast"
	box=$(docker create --label "davit.e2e=$E2E_IMAGE" "$E2E_IMAGE" true)
	docker commit "$box" "$open/own:1" >/dev/null # not the demo image by another name
	docker cp "$BATS_FILE_TMPDIR/ballast" "$box:/ballast"
	docker commit "$box" "$open/big:1" >/dev/null
	docker rm "$box" >/dev/null
	for kind in own big; do
		docker push -q "$open/$kind:1" >/dev/null
		docker image rm "$open/$kind:1" >/dev/null
	done
	cp "$DOCKER_CONFIG/config.json" "$BATS_FILE_TMPDIR/credentials.json"
	cluster_up
	worker_start n3 4 8GiB --label auth=yes --registry-config "$BATS_FILE_TMPDIR/credentials.json"
	wait_for 30 nodes_ready 3
}
teardown_file() {
	cluster_down
	local pid
	while read -r pid; do kill "$pid" 2>/dev/null || true; done <"$BATS_FILE_TMPDIR/pids"
	docker image rm "$open/demo:1" "$locked/demo:1" "$open/big:1" "$open/own:1" "$open/theirs:1" >/dev/null 2>&1 || true
}

# gone IMAGE: not on the engine.
forget() { docker image rm -f "$1" >/dev/null 2>&1 || true; }

@test "an image that the node does not have is pulled, once for all who want it" {
	forget "$open/demo:1"
	davit run --name many --count 6 "$open/demo:1" -- true
	for i in 0 1 2 3 4 5; do wait_task "many-$i" COMPLETED 60; done
	docker image inspect "$open/demo:1" >/dev/null
}

# asked IMAGE: how often its registry was asked what its tag stands for, as each pull does.
asked() { grep -c "\"\(GET\|HEAD\) /v2/$1/manifests/1 " "$BATS_FILE_TMPDIR/open.log" || true; }

@test "pull policies: what is there is asked for again or not, and what is not there is brought or not" {
	local before
	docker pull -q "$open/own:1"
	before=$(asked own)
	davit run --name there "$open/own:1" -- true
	wait_task there COMPLETED 60
	[ "$(asked own)" -eq "$before" ]
	davit run --name anew --pull always "$open/own:1" -- true
	wait_task anew COMPLETED 60
	[ "$(asked own)" -gt "$before" ]
	before=$(asked own)
	davit rm there anew
	forget "$open/own:1"
	davit run --name without --pull never "$open/own:1" -- true
	wait_task without FAILED 60
	run task without .message
	has "pull"
	[ "$(asked own)" -eq "$before" ]
	davit rm without
}

@test "a task that is created brings its image and does not run before it is started" {
	forget "$open/demo:1"
	davit create --name fetched "$open/demo:1" -- true
	wait_for 60 prints CREATED task fetched .phase
	docker image inspect "$open/demo:1" >/dev/null
	[ "$(docker inspect -f '{{.State.StartedAt}}' "$(task fetched .container_id)")" = 0001-01-01T00:00:00Z ]
	davit start fetched
	wait_task fetched COMPLETED 60
	davit rm fetched
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

@test "a pull is told by layers and bytes: in the task, and as a bar on a terminal" {
	local valve opened=$BATS_TEST_TMPDIR/opened
	valve=$(free_ports 1)
	python3 "$BATS_TEST_DIRNAME/valve.py" "$valve" "$open" "$opened" 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 20 answers "127.0.0.1:$valve"
	script -qefc "'$DAVIT_BIN/davit' run --wait --name big '127.0.0.1:$valve/big:1' -- sleep 600" /dev/null \
		</dev/null >"$BATS_TEST_TMPDIR/terminal" 2>&1 3>&- &
	local run=$!
	echo "$run" >>"$BATS_FILE_TMPDIR/pids"
	pulls() { [ "$(davit inspect big 2>/dev/null | jq '.phase == "PULLING" and .pull.n_layers > 0 and .pull.bytes_total > 1000')" = true ]; }
	wait_for 30 pulls || fail "$(davit inspect big)"
	draws() {
		grep -qE 'big: pulling \[#*\.*\] [0-9]+ of [0-9]+ layers, [0-9.]+[KM]iB of [0-9.]+MiB' "$BATS_TEST_TMPDIR/terminal"
	}
	wait_for 30 draws || fail "$(cat -v "$BATS_TEST_TMPDIR/terminal")"
	touch "$opened"
	wait "$run"
	wait_task big RUNNING
	[ "$(davit inspect big | jq .pull)" = null ]
	davit rm -f big
	docker image rm -f "127.0.0.1:$valve/big:1" >/dev/null
}

@test "who wants an image while it is pulled asks its registry nothing" {
	local valve opened=$BATS_TEST_TMPDIR/opened alone before pull
	before=$(asked big)
	davit image pull -q -n n1 "$open/big:1"
	alone=$(($(asked big) - before))
	[ "$alone" -ge 1 ]
	forget "$open/big:1"
	valve=$(free_ports 1)
	python3 "$BATS_TEST_DIRNAME/valve.py" "$valve" "$open" "$opened" 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 20 answers "127.0.0.1:$valve"
	before=$(asked big)
	davit image pull -n n1 "127.0.0.1:$valve/big:1" >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pull=$!
	echo "$pull" >>"$BATS_FILE_TMPDIR/pids"
	wait_for 60 grep -q 'layers' "$BATS_TEST_TMPDIR/err" || fail "$(cat "$BATS_TEST_TMPDIR/err")"
	davit run -q --name crowd --count 6 --constraint 'node.name == n1' "127.0.0.1:$valve/big:1" -- true
	all_wait() { [ "$(davit ps -o json | jq '[.[] | select((.name | startswith("crowd-")) and .phase == "PULLING")] | length')" -eq 6 ]; }
	wait_for 60 all_wait || fail "$(davit ps)"
	touch "$opened"
	wait "$pull"
	for i in 0 1 2 3 4 5; do wait_task "crowd-$i" COMPLETED 60; done
	[ $(($(asked big) - before)) -eq "$alone" ] || fail "$alone, then $(($(asked big) - before)): $(grep '^[0-9].*/big/' "$BATS_FILE_TMPDIR/open.log")"
	davit rm -q $(davit ps -a -o json | jq -r '.[] | select(.name | startswith("crowd-")) | .id')
	docker image rm -f "127.0.0.1:$valve/big:1" >/dev/null
}

@test "an image is brought to a node by hand, with its credentials" {
	forget "$locked/demo:1"
	run davit image pull -n n1 "$locked/demo:1"
	[ "$status" -eq 1 ]
	has "log in"
	run davit image pull -n n3 "$locked/demo:1"
	[ "$status" -eq 0 ]
	has "n3: $locked/demo:1"
	forget "$locked/demo:1"
	davit image pull -q -n n3 --registry-auth "$locked" "$locked/demo:1"
	run davit image pull -n n3 --registry-auth nobody "$locked/demo:1"
	[ "$status" -eq 1 ]
	has nobody
	docker image inspect "$locked/demo:1" >/dev/null
}

@test "what was pulled for tasks goes by age; what a person brought, or a stranger runs, stays" {
	forget "$open/own:1"
	docker tag "$E2E_IMAGE" "$open/theirs:1"
	worker_start keeper 4 8GiB --label clean=age --image-max-age 2s --log-level debug
	wait_node keeper READY
	davit run --name brief --constraint 'node.labels.clean == age' "$open/own:1" -- true
	davit run --name there --constraint 'node.labels.clean == age' "$open/theirs:1" -- true
	wait_task brief COMPLETED 60
	wait_task there COMPLETED 60
	docker image inspect "$open/own:1" >/dev/null # its container is there with its logs
	davit rm brief there
	gone() { ! docker image inspect "$1" >/dev/null 2>&1; }
	wait_for 20 gone "$open/own:1"
	docker image inspect "$open/theirs:1" >/dev/null
	davit run --name again --constraint 'node.labels.clean == age' "$open/own:1" -- true
	wait_task again COMPLETED 60
	stranger=$(docker create --label "davit.e2e=$E2E_IMAGE" "$open/own:1" true)
	davit rm again
	wait_for 20 grep -q 'ev=image.kept image=.*own:1' "$home/log/keeper.log"
	docker image inspect "$open/own:1" >/dev/null
	docker rm "$stranger" >/dev/null
	worker_kill keeper TERM
}

@test "a disk above its mark makes room of what was pulled, without waiting for its age" {
	used=$(df --output=pcent "$(docker info -f '{{.DockerRootDir}}')" | tail -n 1 | tr -dc 0-9)
	[ "$used" -ge 2 ] || skip "the engine's disk is next to empty"
	forget "$open/own:1"
	worker_start tight 4 8GiB --label clean=disk --image-max-age 0 --image-disk-high 1 --image-disk-low 0
	wait_node tight READY
	davit run --name pressed --constraint 'node.labels.clean == disk' "$open/own:1" -- true
	wait_task pressed COMPLETED 60
	davit rm pressed
	gone() { ! docker image inspect "$1" >/dev/null 2>&1; }
	wait_for 30 gone "$open/own:1"
	wait_for 20 grep -q 'ev=image.removed .*own:1.*full' "$home/log/tight.log" # the engine untags first
	worker_kill tight TERM
}
