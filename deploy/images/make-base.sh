#!/bin/bash
# make-base.sh [TAG [SUITE]] - a Debian base image without a registry: mmdebstrap, docker import.
#
# Default: davit-base:bookworm. It takes packages from where this machine takes them: its apt
# sources are in the image. Does nothing when the image is there.
# Where a registry can be reached, `docker pull debian:bookworm-slim` does as well.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

suite=${2:-bookworm}
tag=${1:-davit-base:$suite}
# Two that want the same make it once.
exec 9>"${TMPDIR:-/tmp}/davit-make-base.lock"
flock 9
docker image inspect "$tag" >/dev/null 2>&1 && exit 0
command -v mmdebstrap >/dev/null || die "mmdebstrap is missing. Run: sudo apt-get install mmdebstrap"
[ "$(id -u)" -eq 0 ] || die "this needs root. Run: sudo $0 $*"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# This machine's sources for its own suite, for another one with the name replaced.
# shellcheck disable=SC1091
own=$(. /etc/os-release && echo "$VERSION_CODENAME")
mkdir -p "$scratch/apt/apt.conf.d"
cp -r /etc/apt/sources.list /etc/apt/sources.list.d "$scratch/apt/" 2>/dev/null || true
find "$scratch/apt" -type f ! -name '*.list' ! -name '*.sources' -delete
find "$scratch/apt" -type f -exec sed -i "s/\b$own\b/$suite/g" {} +
# How this machine reaches them: proxies, retries, what it believes of dates.
apt-config dump | grep -E '^Acquire::(https?|Check|Retries|ForceIP)' >"$scratch/apt/apt.conf.d/90machine" || true
files=()
for file in "$scratch"/apt/sources.list "$scratch"/apt/sources.list.d/*; do
	[ ! -s "$file" ] || files+=("$file")
done
[ ${#files[@]} -gt 0 ] || die "this machine has no apt sources to copy"

say "making the image $tag (a minute or two)"
mmdebstrap --quiet --variant=minbase --include=ca-certificates \
	--setup-hook="cp $scratch/apt/apt.conf.d/90machine \"\$1/etc/apt/apt.conf.d/\"" \
	--customize-hook="rm -rf \"\$1\"/etc/apt/sources.list \"\$1\"/etc/apt/sources.list.d" \
	--customize-hook="cp -r $scratch/apt/. \"\$1/etc/apt/\"" \
	--customize-hook='echo force-unsafe-io >"$1"/etc/dpkg/dpkg.cfg.d/unsafe-io' \
	--customize-hook='rm -rf "$1"/usr/share/doc/* "$1"/usr/share/man/* "$1"/usr/share/locale/*' \
	"$suite" "$scratch/base.tar" "${files[@]}"
docker import -c 'CMD ["bash"]' -c 'LABEL davit.base=1' "$scratch/base.tar" "$tag" >/dev/null
say "made the image $tag"
