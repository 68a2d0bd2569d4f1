#!/usr/bin/env bats
# storage.bats - storage that holds a container to its size: btrfs in a file, under a Docker Engine
# of its own. Needs mkfs.btrfs and a kernel that has it.

load ../e2e/lib
. "$BATS_TEST_DIRNAME/../lib/own_engine.bash"

setup_file() {
	local root
	[ "$(id -u)" -eq 0 ] || skip "a Docker Engine of its own needs root"
	command -v mkfs.btrfs >/dev/null || skip "no mkfs.btrfs"
	root=$E2E_DIR/own-$(basename "$BATS_TEST_FILENAME" .bats)/engine/root
	mkdir -p "$root"
	truncate -s 1G "$E2E_DIR/btrfs.img"
	mkfs.btrfs -q "$E2E_DIR/btrfs.img" >/dev/null
	mount -o loop "$E2E_DIR/btrfs.img" "$root" || skip "this kernel does not mount btrfs"
	own_cluster_up --storage-driver btrfs
}
teardown_file() { own_cluster_down; }
setup() { own_engine_use "$home/engine"; }

@test "a task writes as much as its disk_bytes allow, and not a byte more" {
	davit run -q --name greedy --disk 32MiB davit-own -- \
		sh -c 'dd if=/dev/zero of=/big bs=1M count=64; code=$?; sync; wc -c </big; exit $code'
	wait_task greedy FAILED 60
	davit logs greedy >"$BATS_TEST_TMPDIR/out" 2>&1
	grep -qiE 'no space|quota' "$BATS_TEST_TMPDIR/out" || fail "$(cat "$BATS_TEST_TMPDIR/out")"
	[ "$(grep -E '^[0-9]+$' "$BATS_TEST_TMPDIR/out")" -le $((32 << 20)) ]
	# It ended by itself: the engine held it, nobody had to watch it.
	[ "$(task greedy .exit_code)" = 1 ]
}

@test "a task that keeps within its disk is left alone" {
	davit run -q --name modest --disk 64MiB davit-own -- sh -c 'dd if=/dev/zero of=/big bs=1M count=32 && sync'
	wait_task modest COMPLETED 60
}
