#!/usr/bin/env bats
# deploy.bats - the scripts that prepare a machine.

load lib

# A copy of deploy/ whose list of packages is the test's own.
setup() {
	cp -r "$repo/deploy" "$BATS_TEST_TMPDIR/deploy"
	chmod -R a+rX "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")"
}

@test "bootstrap finds everything there and says nothing" {
	run "$repo/deploy/bootstrap.sh"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "bootstrap takes a program from elsewhere for its package" {
	echo "run no-such-package-of-davit sh" >"$BATS_TEST_TMPDIR/deploy/packages.txt"
	run "$BATS_TEST_TMPDIR/deploy/bootstrap.sh" run
	[ "$status" -eq 0 ]
}

@test "bootstrap looks only at the groups that it was asked for" {
	echo "test no-such-package-of-davit" >"$BATS_TEST_TMPDIR/deploy/packages.txt"
	run "$BATS_TEST_TMPDIR/deploy/bootstrap.sh" build run
	[ "$status" -eq 0 ]
}

@test "bootstrap tells an ordinary user which command to run" {
	chmod a+rx "$E2E_DIR" # bats keeps its own directories private
	cp -r "$BATS_TEST_TMPDIR/deploy" "$E2E_DIR/deploy"
	echo "run no-such-package-of-davit" >"$E2E_DIR/deploy/packages.txt"
	run as_nobody "$E2E_DIR/deploy/bootstrap.sh" run
	rm -rf "$E2E_DIR/deploy"
	[ "$status" -eq 1 ]
	has "no-such-package-of-davit"
	has "sudo $E2E_DIR/deploy/bootstrap.sh run"
}

@test "bootstrap says what it could not install" {
	[ "$(id -u)" -eq 0 ] || skip "only root installs"
	# A stand-in for apt: the package exists nowhere, and the network is not the test's business.
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho "E: no such package"\nexit 100\n' >"$BATS_TEST_TMPDIR/bin/apt-get"
	chmod +x "$BATS_TEST_TMPDIR/bin/apt-get"
	echo "run no-such-package-of-davit" >"$BATS_TEST_TMPDIR/deploy/packages.txt"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run "$BATS_TEST_TMPDIR/deploy/bootstrap.sh"
	[ "$status" -eq 1 ]
	has "E: no such package"
}

@test "engine.sh leaves an engine alone that was there before" {
	export DAVIT_ENGINE_HOME=$BATS_TEST_TMPDIR/engine
	run "$repo/deploy/engine.sh" start test-own
	[ "$status" -eq 0 ]
	[ -e "$DAVIT_ENGINE_HOME/users/test-own" ]
	run "$repo/deploy/engine.sh" stop test-own
	[ "$status" -eq 0 ]
	[ ! -e "$DAVIT_ENGINE_HOME/users/test-own" ]
	engine_answers
}

@test "engine.sh forgets a user whose process is gone" {
	export DAVIT_ENGINE_HOME=$BATS_TEST_TMPDIR/engine
	bash -c '"$0" start dead $$' "$repo/deploy/engine.sh"
	[ -s "$DAVIT_ENGINE_HOME/users/dead" ]
	run "$repo/deploy/engine.sh" stop other
	[ ! -e "$DAVIT_ENGINE_HOME/users/dead" ]
}

@test "engine.sh tells what to do where no engine answers" {
	export DAVIT_ENGINE_HOME=$BATS_TEST_TMPDIR/engine
	DOCKER_HOST=unix://$BATS_TEST_TMPDIR/absent.sock run "$repo/deploy/engine.sh" start test-own
	[ "$status" -eq 1 ]
	has "DOCKER_HOST=unix://$BATS_TEST_TMPDIR/absent.sock"
}

# In namespaces of its own, a machine without an engine: nothing of the real one is seen or touched.
@test "engine.sh starts an engine where none runs, and ends it after its last user" {
	[ "$(id -u)" -eq 0 ] || skip "only root starts an engine"
	unshare -m -n true 2>/dev/null || skip "this machine allows no namespaces of one's own"
	cat >"$BATS_TEST_TMPDIR/script" <<-END
		set -e
		mount -t tmpfs none /run
		mkdir -p /var/lib/docker
		mount -t tmpfs none /var/lib/docker
		ip link set lo up
		export DAVIT_ENGINE_HOME=$BATS_TEST_TMPDIR/engine
		cd "$repo"
		deploy/engine.sh status && exit 9
		deploy/engine.sh start first
		deploy/engine.sh start second
		deploy/demo-image.sh davit-inner
		docker run --rm davit-inner echo inside
		deploy/engine.sh stop first
		deploy/engine.sh status
		deploy/engine.sh stop second
		deploy/engine.sh status && exit 9
		echo "all well"
	END
	run timeout 900 unshare -m -n -p --fork --mount-proc --kill-child bash "$BATS_TEST_TMPDIR/script" 3>&- 4>&-
	[ "$status" -eq 0 ] || fail "$output"
	has inside
	has "stopped the Docker Engine that was started here"
	has "all well"
	engine_answers
}

@test "engine.sh waits for an engine that is there and slow to answer, and starts none beside it" {
	[ "$(id -u)" -eq 0 ] || skip "only root starts an engine"
	unshare -m true 2>/dev/null || skip "this machine allows no namespaces of one's own"
	mkdir "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/busy"
	cp "$(command -v sleep)" "$BATS_TEST_TMPDIR/busy/dockerd"
	printf '#!/bin/sh\ntouch %s/second\nexit 1\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/bin/dockerd"
	# Its client gets no answer twice.
	printf '#!/bin/sh\necho >>%s\n[ "$(wc -l <%s)" -gt 2 ] && echo 1\n' \
		"$BATS_TEST_TMPDIR"/{asked,asked} >"$BATS_TEST_TMPDIR/bin/docker"
	chmod +x "$BATS_TEST_TMPDIR/bin"/*
	cat >"$BATS_TEST_TMPDIR/script" <<-END
		mount -t tmpfs none /run
		$BATS_TEST_TMPDIR/busy/dockerd 600 &
		echo \$! >/run/docker.pid
		DAVIT_ENGINE_HOME=$BATS_TEST_TMPDIR/engine PATH=$BATS_TEST_TMPDIR/bin:\$PATH $repo/deploy/engine.sh start x
		rc=\$?
		kill %1
		exit \$rc
	END
	run unshare -m bash "$BATS_TEST_TMPDIR/script" 3>&- 4>&-
	[ "$status" -eq 0 ] && [ -z "$output" ] || fail "$output"
	[ ! -e "$BATS_TEST_TMPDIR/second" ]
}

@test "engine.sh says why an engine does not start, and tries what may help" {
	[ "$(id -u)" -eq 0 ] || skip "only root starts an engine"
	[ ! -d /run/systemd/system ] || skip "systemd would start it"
	unshare -m true 2>/dev/null || skip "this machine allows no namespaces of one's own"
	mkdir "$BATS_TEST_TMPDIR/bin"
	# Stand-ins: an engine that only works with vfs and without iptables, and its client.
	cat >"$BATS_TEST_TMPDIR/bin/dockerd" <<-'END'
		#!/bin/sh
		case "$*" in
		*vfs*iptables=false*) touch "$TMPDIR/works"; exec sleep 60 ;;
		*vfs*) echo 'level=fatal msg="failed to start daemon: iptables failed"'; exit 1 ;;
		*) echo 'level=fatal msg="error initializing graphdriver: overlay2: invalid argument"'; exit 1 ;;
		esac
	END
	printf '#!/bin/sh\n[ -e "$TMPDIR/works" ] && echo 1\n' >"$BATS_TEST_TMPDIR/bin/docker"
	chmod +x "$BATS_TEST_TMPDIR/bin"/*
	export DAVIT_ENGINE_HOME=$BATS_TEST_TMPDIR/engine TMPDIR=$BATS_TEST_TMPDIR
	# Where no pid file tells of this machine's own.
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run unshare -m sh -c 'mount -t tmpfs none /run && exec "$@"' sh \
		"$repo/deploy/engine.sh" start x 3>&- 4>&-
	[ "$status" -eq 0 ] || fail "$output"
	has "overlay2: invalid argument"
	has "trying vfs"
	has "iptables failed"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run "$repo/deploy/engine.sh" stop x
	has "stopped"
}

@test "the demo image runs a shell, and is not made twice" {
	run docker run --rm --label davit.e2e "$E2E_IMAGE" sh -c 'echo $((6 * 7)); cat /www/index.html'
	[ "$status" -eq 0 ]
	has "42"
	has "Hello from Davit"
	run "$repo/deploy/demo-image.sh" "$E2E_IMAGE"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}
