#!/usr/bin/env bats
# readme.bats - what README.md tells people to type, typed.
#
# Every block marked `sh` runs, in order, in a directory with ./davit and proto/, against a fresh
# cluster; only ports and the image's tag are this run's own. Blocks marked `shell` are the ones
# that up.bats and compose.bats run: the last test here sees to it that there are no others.

load lib
setup_file() { cluster_up; monitor_start; gateway_start; wait_for 15 gateway_ready; }
teardown_file() { cluster_down; }

# A line that ends in "# Ctrl-C ends it" is given 2 s, and its interrupt.
interrupted() {
	timeout --foreground -s INT -k 60 2 "$@" || case $? in 124 | 130) ;; *) return 1 ;; esac
}
export -f interrupted

@test "every command of README.md works" {
	dir=$BATS_TEST_TMPDIR/here
	mkdir "$dir"
	ln -s "$repo/proto" "$dir/proto"
	ln -s "$DAVIT_BIN/davit" "$dir/davit"
	base=${url_manager##*:}
	awk -v dir="$BATS_TEST_TMPDIR" '/^```sh$/ {file = sprintf("%s/block-%02d", dir, ++n); next}
		/^```/ {file = ""} file != "" {print > file}' "$repo/README.md"
	n=0
	for block in "$BATS_TEST_TMPDIR"/block-*; do
		n=$((n + 1))
		sed -E -i "s/davit-demo/$E2E_IMAGE/g; s/^(.*[^ ]) *# Ctrl-C ends it$/interrupted \1/" "$block"
		for i in 0 1 2 3 4 5; do
			sed -i "s/127\.0\.0\.1:$((7070 + i))\b/127.0.0.1:$((base + i))/g" "$block"
		done
		sed -i "s/127\.0\.0\.1:8080\b/${url_gateway##*/}/g" "$block"
		cat "$block"
		(cd "$dir" && timeout 240 bash -e -o pipefail "$block" 3>&- 4>&-) 2>&1 || fail "block $n failed"
	done
	[ "$n" -ge 5 ]
}

@test "README.md tells of no command that no test runs" {
	run awk '/^```shell$/ {inside = 1; next} /^```/ {inside = 0} inside' "$repo/README.md"
	[ "$output" = "make up
docker-compose up --build -d" ]
}
