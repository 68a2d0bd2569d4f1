#!/usr/bin/env bats
# openapi.bats - the description of the API, as programs of others understand it; and the page.
#
# The programs come from npm, in the versions of tests/openapi/package-lock.json. Where npm or its
# registry cannot be had these tests are skipped.

load lib

# All of it is kept from run to run, so that the registry is asked once.
modules=$repo/build/openapi

install_modules() {
	cmp -s "$repo/tests/openapi/package-lock.json" "$modules/package-lock.json" && [ -d "$modules/node_modules" ] && return
	rm -rf "$modules" && mkdir -p "$modules" && cp "$repo"/tests/openapi/package*.json "$modules" &&
		timeout 60 npm ci --prefix "$modules" --no-audit --no-fund --ignore-scripts >"$modules/npm.log" 2>&1 || {
		rm -rf "$modules/node_modules"
		return 1
	}
}

setup_file() {
	export openapi_missing=
	command -v npm >/dev/null && command -v node >/dev/null || { openapi_missing="npm and node are not on this machine"; return 0; }
	install_modules || { openapi_missing="npm's registry cannot be reached"; return 0; }
	cp "$repo"/tests/openapi/*.mjs "$modules"
	cluster_use "$E2E_DIR/openapi" "$(free_ports 12)"
	export home url_gateway
	manager_start
	scheduler_start
	gateway_start --monitor none
	wait_for 10 gateway_ready
}
teardown_file() { [ -n "$openapi_missing" ] || cluster_end "$E2E_DIR/openapi" 5; }
setup() { [ -z "$openapi_missing" ] || skip "$openapi_missing"; }

@test "a validator of others accepts the document" {
	run command node "$modules/validate.mjs" "$url_gateway/openapi.json"
	[ "$status" -eq 0 ] || fail "$output"
	has "OpenAPI 3.1"
}

@test "the page to try calls makes them, without anything from elsewhere" {
	run timeout 30 node "$modules/page.mjs" "$url_gateway"
	[ "$status" -eq 0 ] || fail "$output"
}

@test "whatever a fuzzing client sends, the answer is one that the document promises" {
	run timeout 60 node "$modules/fuzz.mjs" "$url_gateway" "${OPENAPI_RUNS:-12}" ${OPENAPI_SEED:-}
	echo "$output"
	[ "$status" -eq 0 ]
	has "calls,"
}
