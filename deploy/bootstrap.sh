#!/bin/bash
# bootstrap.sh [build] [lib] [run] [check] [test] - installs what is missing of deploy/packages.txt.
#
# Without arguments: all five groups. Looks first, and touches neither network nor
# system when everything is there. As an ordinary user it says what to run instead.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ $# -gt 0 ] || set -- build lib run check test
for group in "$@"; do
	case $group in
	build | lib | run | check | test) ;;
	*) die "usage: deploy/bootstrap.sh [build] [lib] [run] [check] [test]" ;;
	esac
done
command -v dpkg-query >/dev/null || die "this is no Debian: install what deploy/packages.txt lists by other means"

# /usr/sbin is not in everybody's PATH, and dockerd lives there.
PATH=$PATH:/usr/sbin:/sbin
# What is provided counts: libcurl4 is libcurl4t64 in Debian 13.
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' 2>/dev/null |
	sed -n 's/^installed //p' | tr -d ' ' | sed 's/([^)]*)//g' | tr ',' '\n')
missing=()
while read -r group package program; do
	case " $* " in *" $group "*) ;; *) continue ;; esac
	grep -qxF -- "$package" <<<"$installed" && continue
	[ -n "$program" ] && command -v "$program" >/dev/null && continue
	missing+=("$package")
done < <(grep -v '^ *\(#\|$\)' "$repo/deploy/packages.txt")
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	complain "these packages are missing: ${missing[*]}"
	complain "run this, then try again:"
	complain "  sudo $repo/deploy/bootstrap.sh $*"
	exit 1
fi

# Where no init system runs, a package must not try to start its service: a failure there would
# be a failure of the installation, and deploy/engine.sh starts the engine anyway.
policy=/usr/sbin/policy-rc.d
if [ ! -d /run/systemd/system ] && [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
	trap 'rm -f $policy' EXIT
fi

apt() { # quiet, unless it goes wrong
	local log
	log=$(mktemp)
	if DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 \
		"$@" </dev/null >"$log" 2>&1; then
		rm -f "$log"
		return 0
	fi
	cat "$log" >&2
	rm -f "$log"
	return 1
}

# Lists that are not there, or older than the mirror, are fetched and it is tried once more.
say "installing ${missing[*]}"
install=(install -y --no-install-recommends "${missing[@]}")
if ! apt "${install[@]}" 2>/dev/null; then
	apt update || die "apt-get update failed: see above; is there a network?"
	apt "${install[@]}" || die "apt-get could not install all of: ${missing[*]}"
fi
