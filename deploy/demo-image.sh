#!/bin/bash
# demo-image.sh [TAG] - a small image made of this machine's static busybox, from scratch: no
# registry, no download. Default tag: davit-demo:latest. Does nothing when it is there.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

tag=${1:-davit-demo:latest}
busybox=$(command -v busybox) || die "busybox is missing. Run: sudo $repo/deploy/bootstrap.sh run"
# The same busybox gives the same image; another one makes a new image under the same tag.
print=$(sha256sum "$busybox" | cut -c 1-16)-1
[ "$(docker image inspect -f '{{index .Config.Labels "davit.demo"}}' "$tag" 2>/dev/null)" != "$print" ] || exit 0

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,etc,root,tmp,www}
chmod 1777 "$root/tmp"
cp "$busybox" "$root/bin/busybox"
"$root/bin/busybox" --list | while read -r applet; do
	[ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'nobody:x:65534:65534:nobody:/tmp:/bin/sh' >>"$root/etc/passwd"
echo 'Hello from Davit' >"$root/www/index.html"
chmod -R u=rwX,go=rX "$root"/{bin,etc,root,www} && chmod 755 "$root"
tar -C "$root" --owner=0 --group=0 --numeric-owner -c . |
	docker import -c 'CMD ["sh"]' -c "LABEL davit.demo=$print" - "$tag" >/dev/null ||
	die "docker import failed: see above (is busybox static? package busybox-static)"
say "made the image $tag"
