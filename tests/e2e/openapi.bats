#!/usr/bin/env bats
# openapi.bats - the description of the API, as programs of others understand it; and the page.
#
# One is Debian's, and always there. The others come from npm, in the versions of
# tests/openapi/package-lock.json: where npm or its registry cannot be had, their tests are skipped.

load lib

# All of it is kept from run to run, so that the registry is asked once.
modules=$repo/build/openapi

install_modules() {
	cmp -s "$repo/tests/openapi/package-lock.json" "$modules/package-lock.json" && [ -d "$modules/node_modules" ] && return
	rm -rf "$modules" && mkdir -p "$modules" && cp "$repo"/tests/openapi/package*.json "$modules" &&
		timeout 300 npm ci --prefix "$modules" --fetch-retries=1 --no-audit --no-fund --ignore-scripts >"$modules/npm.log" 2>&1 || {
		rm -rf "$modules/node_modules"
		return 1
	}
}

setup_file() {
	cluster_use "$E2E_DIR/openapi" "$(free_ports 12)"
	export home url_gateway
	manager_start
	scheduler_start
	gateway_start --monitor none
	wait_for 60 gateway_ready
	export openapi_missing=
	command -v npm >/dev/null && command -v node >/dev/null || { openapi_missing="npm and node are not on this machine"; return 0; }
	install_modules || { openapi_missing="npm's registry cannot be reached"; return 0; }
	cp "$repo"/tests/openapi/*.mjs "$modules"
}
teardown_file() { cluster_end "$E2E_DIR/openapi" 5; }
needs_npm() { [ -z "$openapi_missing" ] || skip "$openapi_missing"; }

@test "JSON Schema's own rules accept the document, and the answers are as it says" {
	run timeout 900 /usr/bin/python3 -W ignore "$repo/tests/openapi/check.py" "$url_gateway"
	[ "$status" -eq 0 ] || fail "$output"
	has "OpenAPI 3.1"
}

@test "a validator of others accepts the document" {
	needs_npm
	run command node "$modules/validate.mjs" "$url_gateway/openapi.json"
	[ "$status" -eq 0 ] || fail "$output"
	has "OpenAPI 3.1"
}

@test "the page to try calls makes them, without anything from elsewhere" {
	needs_npm
	run timeout 900 node "$modules/page.mjs" "$url_gateway"
	[ "$status" -eq 0 ] || fail "$output"
}

@test "whatever a fuzzing client sends, the answer is one that the document promises" {
	needs_npm
	run timeout 900 node "$modules/fuzz.mjs" "$url_gateway" "${OPENAPI_RUNS:-12}" ${OPENAPI_SEED:-}
	echo "$output"
	[ "$status" -eq 0 ]
	has "calls,"
}
