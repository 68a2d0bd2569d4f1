#!/bin/bash
# make.sh [TAG] - the image of a small virtual machine to log into, without a registry: Debian's
# openssh-server and this machine's static busybox, from scratch. Default tag: davit-vm:latest.
# Does nothing when it is there. Nothing is installed on this machine: packages are only unpacked.
set -euo pipefail
. "$(dirname "$0")/../../lib.sh"

here=$repo/deploy/images/vm
tag=${1:-davit-vm:latest}
busybox=$(command -v busybox) || die "busybox is missing. Run: sudo $repo/deploy/bootstrap.sh run"
print=$(cat "$here"/{make.sh,vm-init,sshd_config} "$busybox" | sha256sum | cut -c 1-16)
[ "$(docker image inspect -f '{{index .Config.Labels "davit.vm"}}' "$tag" 2>/dev/null)" != "$print" ] || exit 0
# Under another tag it may have been made already.
same=$(docker image ls -q --filter "label=davit.vm=$print" | head -n 1)
if [ -n "$same" ]; then
	docker tag "$same" "$tag"
	exit 0
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root
packages=$scratch/packages
mkdir -p "$root" "$packages" "$scratch/deb"
chmod 755 "$scratch"

# fetch PACKAGE...: into the scratch directory, from apt's cache where it is there.
fetch() {
	(cd "$scratch/deb" && apt-get -o Acquire::Retries=3 -o APT::Sandbox::User=root download "$@") >"$scratch/log" 2>&1
}
fetch_all() {
	fetch "$@" && return
	[ "$(id -u)" -ne 0 ] || apt-get update >>"$scratch/log" 2>&1 || true
	fetch "$@" || { cat "$scratch/log" >&2; die "apt-get could not download $*: see above"; }
}
say "making the image $tag of Debian's openssh-server"
fetch_all openssh-server openssh-client
# Of what it links to, this machine has most.
missing=()
while read -r package; do
	dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed' || missing+=("$package")
done < <(for deb in "$scratch"/deb/*.deb; do dpkg-deb -f "$deb" Pre-Depends Depends; done |
	sed 's/^[A-Za-z-]*: //' | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/ //g' | grep '^lib' | sort -u)
[ ${#missing[@]} -eq 0 ] || fetch_all "${missing[@]}"
for deb in "$scratch"/deb/*.deb; do dpkg-deb -x "$deb" "$packages"; done

mkdir -p "$root"/{bin,dev,etc/ssh,proc,root,run/sshd,sys,tmp,usr/bin,usr/sbin,usr/local/sbin,var/empty,var/log}
ln -s ../run "$root/var/run"
chmod 1777 "$root/tmp"
cp "$busybox" "$root/bin/busybox"
"$root/bin/busybox" --list | while read -r applet; do
	[ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
cp "$packages/usr/sbin/sshd" "$root/usr/sbin/"
cp "$packages"/usr/bin/{ssh-keygen,scp} "$root/usr/bin/"
libraries=$(find "$packages" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)
for program in "$root"/usr/sbin/sshd "$root"/usr/bin/*; do
	LD_LIBRARY_PATH=$libraries ldd "$program"
done | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p; s/.*\(not found\)/\1/p' | sort -u >"$scratch/needs"
! grep -q '^not found' "$scratch/needs" || die "a library that sshd needs is in none of: ${missing[*]}"
while read -r library; do
	place=${library#"$packages"}
	mkdir -p "$root$(dirname "$place")"
	cp -L "$library" "$root$place"
done <"$scratch/needs"
ldconfig -r "$root" 2>/dev/null || true

cat >"$root/etc/passwd" <<END
root:x:0:0:root:/root:/bin/sh
sshd:x:100:65534:sshd:/run/sshd:/bin/false
nobody:x:65534:65534:nobody:/tmp:/bin/false
END
printf 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n' >"$root/etc/group"
printf 'root:*:19000:0:99999:7:::\nsshd:!:19000::::::\n' >"$root/etc/shadow"
chmod 640 "$root/etc/shadow"
touch "$root"/var/log/{lastlog,wtmp} "$root/run/utmp"
cp "$here/sshd_config" "$root/etc/ssh/"
install -m 755 "$here/vm-init" "$root/usr/local/sbin/vm-init"
chmod 700 "$root/root"
tar -C "$root" --owner=0 --group=0 --numeric-owner -c . |
	docker import -c 'ENTRYPOINT ["/usr/local/sbin/vm-init"]' -c 'EXPOSE 22' \
		-c 'ENV PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' -c "LABEL davit.vm=$print" - "$tag" >/dev/null ||
	die "docker import failed: see above"
say "made the image $tag"
