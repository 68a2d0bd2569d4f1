#!/bin/bash
# install.sh install BIN-DIR | uninstall - what `make install` and the Debian package put on a machine.
#
# Environment: DESTDIR, PREFIX, SYSCONFDIR, UNITDIR as in deploy/install.mk; STRIP=1 strips the
# programs; MANIFEST=FILE is given the name of each file that was put there, one a line.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$repo"

dest=${DESTDIR:-} prefix=${PREFIX:-/usr/local}
conf=${SYSCONFDIR:-/etc}/davit units=${UNITDIR:-$prefix/lib/systemd/system}
share=$prefix/share
zsh=$share/zsh/site-functions
[ "$prefix" != /usr ] || zsh=$share/zsh/vendor-completions
services=(manager scheduler worker monitor gateway)

put() { # MODE FROM TO: FROM "-" is standard input
	mkdir -p "$dest$(dirname "$3")"
	install -m "$1" "$([ "$2" = - ] && echo /dev/stdin || echo "$2")" "$dest$3"
	[ -z "${MANIFEST:-}" ] || echo "$3" >>"$MANIFEST"
}

# The names of davit's commands, as its help shows them.
commands() { "$bin/davit" --help | sed -nE '/^Every command/q; s/^  ([a-z]+( [a-z]+)?) +[A-Z].*/\1/p'; }

page() { # SECTION NAME COMMAND...
	local section=$1 name=$2
	shift 2
	"$@" --man | gzip -9n | put 644 - "$share/man/man$section/$name.$section.gz"
}

# Every option with its default, commented out: what stands there is what would be used anyway.
options() { # SERVICE
	echo "# Options of davit-$1; 'davit-$1 --help' says what they mean. A line that begins with '#' is a default."
	env -i "$bin/davit-$1" --print-config | sed -E 's/ +# (default|not set)$//; s/^([^#])/# \1/' |
		sed "$([ "$1" != worker ] || echo 's|^# state-dir:|state-dir: /var/lib/davit/worker|')"
}

install_all() {
	local program service command doc
	for program in davit "${services[@]/#/davit-}"; do
		put 755 "$bin/$program" "$prefix/bin/$program"
		[ "${STRIP:-0}" = 0 ] || strip --strip-unneeded "$dest$prefix/bin/$program"
	done
	for service in "${services[@]}"; do
		page 8 "davit-$service" "$bin/davit-$service"
		[ -e "$dest$conf/$service.conf" ] || options "$service" | put 644 - "$conf/$service.conf"
		sed "s|/usr/bin/|$prefix/bin/|; s|/etc/davit|$conf|" "deploy/systemd/davit-$service.service" |
			put 644 - "$units/davit-$service.service"
	done
	put 644 deploy/systemd/hardening.conf "$units/davit-.service.d/hardening.conf"
	put 644 deploy/systemd/davit.sysusers "$prefix/lib/sysusers.d/davit.conf"
	put 644 deploy/systemd/davit.tmpfiles "$prefix/lib/tmpfiles.d/davit.conf"

	page 1 davit "$bin/davit"
	while read -r command; do
		# shellcheck disable=SC2086
		page 1 "davit-${command// /-}" "$bin/davit" $command
	done < <(commands)
	"$bin/davit" completion bash | put 644 - "$share/bash-completion/completions/davit"
	"$bin/davit" completion zsh | put 644 - "$zsh/_davit"
	"$bin/davit" completion fish | put 644 - "$share/fish/vendor_completions.d/davit.fish"

	for doc in README.md docs/*.md; do
		put 644 "$doc" "$share/doc/davit/$(basename "$doc")"
	done
	find deploy/prometheus deploy/grafana -type f | while read -r doc; do
		put 644 "$doc" "$share/davit/${doc#deploy/}"
	done
}

# On this machine itself, not into DESTDIR: the services' users and folders, and systemd is told.
settle() {
	[ -z "$dest" ] && [ "$(id -u)" -eq 0 ] && command -v systemd-sysusers >/dev/null || return 0
	systemd-sysusers "$prefix/lib/sysusers.d/davit.conf"
	systemd-tmpfiles --create "$prefix/lib/tmpfiles.d/davit.conf"
	[ ! -d /run/systemd/system ] || systemctl daemon-reload
}

# All but the options and the state, which are the user's.
uninstall_all() {
	rm -f "$dest$prefix/bin/davit" "${services[@]/#/$dest$prefix/bin/davit-}"
	rm -f "$dest$units"/davit-*.service "$dest$prefix"/lib/{sysusers,tmpfiles}.d/davit.conf
	rm -rf "$dest$units/davit-.service.d" "$dest$share/doc/davit" "$dest$share/davit"
	rm -f "$dest$share"/man/man1/davit{,-*}.1.gz "$dest$share"/man/man8/davit-*.8.gz \
		"$dest$share/bash-completion/completions/davit" "$dest$zsh/_davit" \
		"$dest$share/fish/vendor_completions.d/davit.fish"
}

case ${1:-} in
install)
	bin=${2:?usage: install.sh install BIN-DIR}
	umask 022
	install_all
	settle
	;;
uninstall) uninstall_all ;;
*) die "usage: deploy/install.sh install BIN-DIR | uninstall" ;;
esac
