#!/usr/bin/env bats
# docs.bats - the pages name everything that they are about.

load lib

@test "docs/PROTOCOL.md names every message and every call" {
	missing=()
	for name in $(sed -nE 's/^ *(message|rpc) ([A-Za-z]+).*/\2/p' "$repo"/proto/{rpc,types,manager,worker,scheduler,monitor,store,chaos}.proto); do
		grep -qw "$name" "$repo/docs/PROTOCOL.md" || missing+=("$name")
	done
	[ ${#missing[@]} -eq 0 ] || fail "not in docs/PROTOCOL.md: ${missing[*]}"
}

@test "CONTRIBUTING.md is at most 60 lines" {
	[ "$(wc -l <"$repo/CONTRIBUTING.md")" -le 60 ]
}
