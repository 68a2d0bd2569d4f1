#!/bin/bash
# make-deb.sh BIN-DIR FILE.deb VERSION - a Debian package of the programs in BIN-DIR.
#
# Made with dpkg-deb from what deploy/install.sh installs; what it depends on is read from the
# programs. The same tree gives the same bytes (SOURCE_DATE_EPOCH, default: the last commit).
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
cd "$repo"

bin=$1 deb=$2 version=$3
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
root=$stage/root
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}

DESTDIR=$root PREFIX=/usr SYSCONFDIR=/etc UNITDIR=/usr/lib/systemd/system STRIP=1 \
	MANIFEST=$stage/manifest deploy/install.sh install "$bin"

# dpkg-shlibdeps reads debian/control of the folder it is called in.
mkdir -p "$stage/debian" "$root/DEBIAN"
printf 'Source: davit\n\nPackage: davit\nArchitecture: any\n' >"$stage/debian/control"
libraries=$(cd "$stage" && dpkg-shlibdeps -O --ignore-missing-info root/usr/bin/* 2>/dev/null |
	sed -n 's/^shlibs:Depends=//p')
[ -n "$libraries" ] || die "dpkg-shlibdeps found no libraries: is dpkg-dev installed?"

sed -e "s|@VERSION@|$version|; s|@ARCH@|$(dpkg --print-architecture)|; s|@LIBRARIES@|$libraries|" \
	-e "s|@SIZE@|$(du -sk --apparent-size "$root" | cut -f1)|" deploy/debian/control >"$root/DEBIAN/control"
grep '^/etc/' "$stage/manifest" >"$root/DEBIAN/conffiles"
(cd "$root" && find usr etc -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
install -m 755 deploy/debian/{postinst,prerm,postrm} "$root/DEBIAN/"
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +

mkdir -p "$(dirname "$deb")"
dpkg-deb --root-owner-group --build "$root" "$deb" >/dev/null
say "made $deb, $(($(stat -c %s "$deb") / 1024)) KiB"
