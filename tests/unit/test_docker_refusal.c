#include "common/docker/docker_refusal.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/lib/test.h"

TEST(docker_refusal_turns_status_and_words_into_a_code)
{
	static const struct {
		enum engine_call_kind kind;
		long status;
		const char *message;
		int code;
	} cases[] = {
		{ENGINE_CALL_CREATE, 404, "No such image: nosuch:9", -ENOENT},
		{ENGINE_CALL_CREATE, 409,
			"Conflict. The container name \\\"/x\\\" is already in use by container",
			-EEXIST},
		{ENGINE_CALL_CREATE, 400, "invalid reference format", -EINVAL},
		{ENGINE_CALL_CREATE, 400, "Minimum memory limit allowed is 6MB", -EINVAL},
		{ENGINE_CALL_CREATE, 500, "json: cannot unmarshal string into Go value", -EINVAL},
		{ENGINE_CALL_CREATE, 500, "unexpected EOF", -EINVAL},
		{ENGINE_CALL_CREATE, 500, "write /var/x: no space left on device", -ENOSPC},
		{ENGINE_CALL_START, 404, "network nosuchnet not found", -ENOENT},
		{ENGINE_CALL_START, 500,
			"driver failed programming external connectivity on endpoint x: Bind for "
			"0.0.0.0:80 failed: port is already allocated",
			-EADDRINUSE},
		{ENGINE_CALL_START, 500,
			"Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in "
			"use",
			-EADDRINUSE},
		{ENGINE_CALL_START, 400, "exec: \\\"/x\\\": stat /x: no such file or directory",
			-EINVAL},
		{ENGINE_CALL_START, 500, "exec: \\\"x\\\": executable file not found in $PATH",
			-EINVAL},
		{ENGINE_CALL_START, 400, "exec /x: permission denied", -EINVAL},
		{ENGINE_CALL_START, 500, "task 271bbb1a3ad3: already exists", -EEXIST},
		{ENGINE_CALL_START, 500, "id already in use", -EEXIST},
		{ENGINE_CALL_START, 500,
			"OCI runtime create failed: container with given ID already exists: "
			"unknown",
			-EEXIST},
		{ENGINE_CALL_START, 500, "endpoint with name x already exists in network y", -EIO},
		{ENGINE_CALL_KILL, 409, "Container x is not running", -EBUSY},
		{ENGINE_CALL_REMOVE, 409, "removal of container x is already in progress", -EBUSY},
		{ENGINE_CALL_INSPECT, 404, "No such container: x", -ENOENT},
		{ENGINE_CALL_NETWORK_REMOVE, 403, "network x has active endpoints", -EBUSY},
		{ENGINE_CALL_PULL, 404, "pull access denied for x", -EACCES},
		{ENGINE_CALL_PULL, 404, "manifest for x not found", -ENOENT},
		{ENGINE_CALL_PULL, 500, "Get \\\"x\\\": dial tcp: connect: connection refused",
			-EIO},
		{ENGINE_CALL_LOGS, 501, "configured logging driver does not support reading", -EIO},
		{ENGINE_CALL_ABOUT, 503, "", -EIO},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char body[512];
		struct err err = {0};
		int code;

		(void)snprintf(body, sizeof body, "{\"message\":\"%s\"}\n", cases[i].message);
		code = docker_refusal(cases[i].kind, cases[i].status, body, strlen(body), &err);
		if (code != cases[i].code)
			fail_msg("%s became %d", cases[i].message, code);
		CHECK_EQ(err.code, code);
	}
}

TEST(docker_refusal_knows_wishes_that_are_fulfilled)
{
	CHECK(docker_is_fulfilled(ENGINE_CALL_START, 304));
	CHECK(docker_is_fulfilled(ENGINE_CALL_STOP, 304));
	CHECK(docker_is_fulfilled(ENGINE_CALL_REMOVE, 404));
	CHECK(docker_is_fulfilled(ENGINE_CALL_NETWORK_CREATE, 409));
	CHECK(!docker_is_fulfilled(ENGINE_CALL_STOP, 404));
	CHECK(!docker_is_fulfilled(ENGINE_CALL_CREATE, 409));
}

TEST(docker_refusal_keeps_head_and_tail_of_long_words)
{
	struct err err = {0};
	char body[900];

	for (size_t i = 0; i < sizeof body; i += 2)
		memcpy(body + i, "\xc3\xa4", 2);
	memcpy(body, "begins", 6);
	memcpy(body + sizeof body - 26, "port is already allocated.", 26);
	CHECK_EQ(docker_refusal(ENGINE_CALL_PULL, 500, body, sizeof body, &err), -EADDRINUSE);
	CHECK_HAS(err.text, "begins");
	CHECK_HAS(err.text, " ... ");
	CHECK_HAS(err.text, "port is already allocated.");
	{
		char again[ERR_TEXT_MAX];

		docker_text_clean(err.text, strlen(err.text), again, sizeof again);
		CHECK_STR(again, err.text); /* no character was cut in two */
	}
}

TEST(docker_text_clean_makes_one_line_of_utf8)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{" a\n\tb\r\n ", "a b"},
		{"\x01\x7f", ""},
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"\xc0\xaf|\xed\xa0\x80|\xf5\x80\x80\x80", "?"
							   "?|?"
							   "?"
							   "?|?"
							   "?"
							   "?"
							   "?"},
		{"\xe2\x82", "?"
			     "?"},
	};
	char out[32], tight[4];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		docker_text_clean(cases[i].in, strlen(cases[i].in), out, sizeof out);
		CHECK_STR(out, cases[i].out);
	}
	docker_text_clean("ab\xe2\x82\xac", 5, tight, sizeof tight);
	CHECK_STR(tight, "ab");
}
