#!/usr/bin/env bats
# docs.bats - the pages name everything that they are about.

load lib

@test "docs/PROTOCOL.md names every message and every call" {
	missing=()
	for name in $(sed -nE 's/^ *(message|rpc) ([A-Za-z]+).*/\2/p' "$repo"/proto/{rpc,types,manager,worker,scheduler,monitor,store}.proto); do
		grep -qw "$name" "$repo/docs/PROTOCOL.md" || missing+=("$name")
	done
	[ ${#missing[@]} -eq 0 ] || fail "not in docs/PROTOCOL.md: ${missing[*]}"
}

@test "docs/EVENTS.md names every event that is logged, and no other" {
	grep -rhoE 'log_(emit\([^,]*, *|(error|warn|info|debug)\()"[a-z_.]+"' "$repo"/services "$repo"/common --include='*.c' |
		grep -oE '"[a-z_.]+"' | tr -d '"' | sort -u >"$BATS_TEST_TMPDIR/logged"
	grep -oE '^\| `[a-z_.]+`' "$repo/docs/EVENTS.md" | tr -d '|` ' | sort -u >"$BATS_TEST_TMPDIR/listed"
	run diff "$BATS_TEST_TMPDIR/logged" "$BATS_TEST_TMPDIR/listed"
	[ "$status" -eq 0 ] || fail "$output"
}

@test "CONTRIBUTING.md is at most 60 lines" {
	[ "$(wc -l <"$repo/CONTRIBUTING.md")" -le 60 ]
}
