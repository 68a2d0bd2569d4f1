#!/bin/bash
# compose-v2.sh DIR - puts Compose v2 there, of Debian 13, where Debian 12 has 1.29; prints its path.
# It is one program that needs nothing of the machine: the package is only taken apart.
set -euo pipefail
cd "$(dirname "$0")/../.."

dir=$1
compose=$dir/usr/libexec/docker/cli-plugins/docker-compose
mkdir -p "$dir"
if [ ! -x "$compose" ]; then
	deploy/images/make-base.sh davit-base:trixie trixie >&2
	docker run --rm davit-base:trixie sh -c '
		{ apt-get update -q && cd /tmp && apt-get download -q docker-compose; } >&2 && cat /tmp/docker-compose_*.deb' \
		>"$dir/docker-compose.deb"
	dpkg-deb -x "$dir/docker-compose.deb" "$dir"
fi
realpath "$compose"
