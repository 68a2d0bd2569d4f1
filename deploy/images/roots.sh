#!/bin/bash
# roots.sh BIN-DIR DIR - what an image FROM scratch needs, one root a service: DIR/manager, …
#
# The service's programs, the libraries that they load, users and /tmp; nothing else of Debian.
# Whose files those are is in var/lib/dpkg/status.d, where scanners of images look. DIR/state has
# the folder that belongs to the service's user. Runs where deploy/images/Dockerfile builds.
set -euo pipefail
bin=$1 out=$2

# package_of FILE: dpkg may know it by its path from before /usr was merged.
package_of() {
	local file
	file=$(realpath "$1")
	{ dpkg -S "$file" || dpkg -S "${file#/usr}"; } 2>/dev/null | head -n 1 | cut -d: -f1
}

# copy_libraries ROOT PROGRAM: to where the loader looks for them; the loader is one of them.
copy_libraries() {
	local library package
	while read -r library; do
		[ ! -e "$1$library" ] || continue
		cp -L --parents "$library" "$1"
		package=$(package_of "$library")
		dpkg -s "$package" >"$1/var/lib/dpkg/status.d/$package"
	done < <(ldd "$2" | sed -nE 's/.*[ \t](\/[^ ]+) \(0x.*/\1/p')
}

for service in manager scheduler worker monitor gateway; do
	root=$out/$service
	programs=("davit-$service")
	# With it, people look at the cluster: docker-compose exec manager davit nodes
	[ "$service" != manager ] || programs+=(davit)
	mkdir -p "$root"/{etc,usr/local/bin,var/lib/dpkg/status.d}
	install -d -m 1777 "$root/tmp"
	for program in "${programs[@]}"; do
		install -s "$bin/$program" "$root/usr/local/bin/"
		copy_libraries "$root" "$bin/$program"
	done
	printf '%s\n' root:x:0:0::/: davit:x:7070:7070::/var/lib/davit: >"$root/etc/passwd"
	printf '%s\n' root:x:0: davit:x:7070: >"$root/etc/group"
done
install -d -m 700 "$out/state/davit" "$out/worker/var/lib/davit-worker"
