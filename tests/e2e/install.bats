#!/usr/bin/env bats
# install.bats - make install, manual pages, completions, systemd's units, and the Debian package
# in a container that is a bare machine.

load lib

setup_file() {
	export root=$E2E_DIR/install/root bin=$DAVIT_BIN
	mkdir -p "$root"
	DESTDIR=$root PREFIX=/usr UNITDIR=/usr/lib/systemd/system "$repo/deploy/install.sh" install "$bin"
}

setup() { PATH=$root/usr/bin:$PATH; }

teardown_file() { docker rm -f "$E2E_IMAGE-deb" >/dev/null 2>&1 || true; }

@test "what is installed is a program, a page, a unit and a file of options for each service" {
	for service in manager scheduler worker monitor gateway; do
		"$root/usr/bin/davit-$service" --version
		[ -s "$root/usr/share/man/man8/davit-$service.8.gz" ]
		grep -q "^ExecStart=/usr/bin/davit-$service --config /etc/davit/$service.conf$" \
			"$root/usr/lib/systemd/system/davit-$service.service"
		"$root/usr/bin/davit-$service" --config "$root/etc/davit/$service.conf" --print-config >/dev/null
	done
	[ "$(zgrep -c . "$root/usr/share/man/man1/davit-node-drain.1.gz")" -gt 10 ]
}

@test "options that the user changed stay, and uninstalling leaves nothing but them" {
	echo "log-level: debug" >>"$root/etc/davit/manager.conf"
	before=$(md5sum "$root/etc/davit/manager.conf")
	DESTDIR=$root PREFIX=/usr UNITDIR=/usr/lib/systemd/system "$repo/deploy/install.sh" install "$bin"
	[ "$(md5sum "$root/etc/davit/manager.conf")" = "$before" ]
	cp -r "$root" "$root.copy"
	DESTDIR=$root.copy PREFIX=/usr UNITDIR=/usr/lib/systemd/system "$repo/deploy/install.sh" uninstall
	[ -z "$(find "$root.copy" -type f ! -path '*/etc/davit/*')" ]
}

@test "every manual page is right for man" {
	for page in "$root"/usr/share/man/man*/*.gz; do
		run mandoc -T lint -W error "$page"
		[ "$status" -eq 0 ] && [ -z "$output" ] || fail "$output"
	done
	zcat "$root/usr/share/man/man1/davit-run.1.gz" | mandoc -T utf8 | grep -q 'memory'
	zcat "$root/usr/share/man/man1/davit.1.gz" | mandoc -T utf8 | grep -q 'node drain'
}

@test "bash, zsh and fish complete davit's words from the installed files" {
	run bash -c ". $root/usr/share/bash-completion/completions/davit
		COMP_WORDS=(davit nod) COMP_CWORD=1; _davit davit; printf '%s\n' \"\${COMPREPLY[@]}\" | sort"
	[ "$output" = "$(printf 'node\nnodes')" ] || fail "bash: $output"
	run zsh -fc "autoload -U compinit; compinit -u -D; source $root/usr/share/zsh/vendor-completions/_davit
		compadd() { print -l -- \$candidates }; words=(davit nod) CURRENT=2; _davit | sort"
	[ "$output" = "$(printf 'node\nnodes')" ] || fail "zsh: $output"
	run fish -c "source $root/usr/share/fish/vendor_completions.d/davit.fish; complete -C 'davit nod' | sort"
	[ "$output" = "$(printf 'node\nnodes')" ] || fail "fish: $output"
}

@test "the units are hardened: systemd finds little that is exposed" {
	exposure() { # SERVICE: ten times the figure
		systemd-analyze security --offline=yes --no-pager --root="$root" "davit-$1.service" 2>"$BATS_TEST_TMPDIR/err" |
			sed -n 's/.*exposure level.*: \([0-9]*\)\.\([0-9]\) .*/\1\2/p'
		[ ! -s "$BATS_TEST_TMPDIR/err" ] || cat "$BATS_TEST_TMPDIR/err" >&2
	}
	for service in manager scheduler monitor gateway; do
		[ "$(exposure $service)" -le 12 ] || fail "davit-$service: $(exposure $service)"
		[ ! -s "$BATS_TEST_TMPDIR/err" ] || fail "$(cat "$BATS_TEST_TMPDIR/err")"
	done
	[ "$(exposure worker)" -le 19 ]
	rm "$root/usr/lib/systemd/system/davit-.service.d/hardening.conf"
	[ "$(exposure manager)" -gt 50 ]
}

# in_machine COMMAND...: in the container.
in_machine() { docker exec "$E2E_IMAGE-deb" "$@" 3>&- 4>&-; }
nodes_answer() { in_machine davit nodes -q >/dev/null 2>&1; }
manager_in_machine() {
	in_machine sh -c 'setsid setpriv --reuid davit --regid davit --clear-groups \
		davit-manager --config /etc/davit/manager.conf >/var/log/manager.log 2>&1 & echo $! >/run/manager.pid'
	wait_for 60 nodes_answer || fail "$(in_machine cat /var/log/manager.log)"
}

@test "the Debian package installs on a bare machine, and its manager serves" {
	"$repo/deploy/images/make-base.sh" 3>&- 4>&-
	for version in 0.1.0 0.1.1; do
		"$repo/deploy/debian/make-deb.sh" "$bin" "$E2E_DIR/install/davit_$version.deb" "$version"
	done
	docker run -d --init --name "$E2E_IMAGE-deb" --network host -v "$E2E_DIR/install:/deb:ro" davit-base:bookworm \
		sleep 7200 3>&- 4>&- >/dev/null
	run in_machine sh -c 'apt-get update -q && apt-get install -qy --no-install-recommends /deb/davit_0.1.0.deb'
	[ "$status" -eq 0 ] || fail "$output"
	first=$(free_ports 6)
	docker exec -i "$E2E_IMAGE-deb" sh -c 'cat >>/etc/davit/manager.conf' <<-END
		listen: tcp://127.0.0.1:$first
		feed: tcp://127.0.0.1:$((first + 1))
		stats: tcp://127.0.0.1:$((first + 2))
		feed-json: tcp://127.0.0.1:$((first + 3))
		scheduler: tcp://127.0.0.1:$((first + 4))
	END
	docker exec -i "$E2E_IMAGE-deb" sh -c 'mkdir -p /root/.config/davit; cat >/root/.config/davit/config' <<-END
		manager: tcp://127.0.0.1:$first
	END
	in_machine install -d -o davit -g davit -m 700 /var/lib/davit/manager
	manager_in_machine
	in_machine davit run --name kept --detach busybox true
}

@test "an upgrade keeps options and tasks" {
	in_machine sh -c 'kill $(cat /run/manager.pid); while kill -0 $(cat /run/manager.pid) 2>/dev/null; do sleep 0.1; done'
	run in_machine apt-get install -qy --no-install-recommends -o Dpkg::Options::=--force-confdef /deb/davit_0.1.1.deb
	[ "$status" -eq 0 ] || fail "$output"
	[ "$(in_machine dpkg-query -W -f '${Version}' davit)" = 0.1.1 ]
	in_machine grep -q '^listen: ' /etc/davit/manager.conf
	manager_in_machine
	run in_machine davit inspect kept
	has '"name": "kept"'
}

@test "a purge leaves neither files nor users" {
	in_machine sh -c 'kill $(cat /run/manager.pid); while kill -0 $(cat /run/manager.pid) 2>/dev/null; do sleep 0.1; done'
	run in_machine sh -c 'rm -rf /root/.config; apt-get purge -qy davit && apt-get autoremove --purge -qy'
	[ "$status" -eq 0 ] || fail "$output"
	run in_machine getent passwd davit davit-worker
	[ -z "$output" ]
	run in_machine sh -c 'find / -xdev -not -path "/proc/*" -name "*davit*" -not -path "/deb/*" -not -path "/var/cache/*" -not -path "/var/lib/dpkg/*"'
	[ -z "$output" ] || fail "$output"
}
