#include <errno.h>

#include "services/worker/engine_words.h"
#include "tests/lib/test.h"

static struct err
failure(int code, const char *text)
{
	struct err err;

	(void)err_set(&err, code, "%s", text);
	return err;
}

TEST(worker_reads_the_engines_refusals)
{
	static const struct {
		enum worker_step step;
		int code;
		const char *text;
		enum worker_verdict want;
	} cases[] = {
		{WORKER_STEP_CREATE, -ENOENT, "No such image: nosuch:9", WORKER_VERDICT_IMAGE},
		{WORKER_STEP_CREATE, -EEXIST, "Conflict. The container name …",
			WORKER_VERDICT_CONFLICT},
		{WORKER_STEP_CREATE, -EINVAL, "Minimum memory limit allowed is 6MB",
			WORKER_VERDICT_FATAL},
		{WORKER_STEP_CREATE, -EIO, "unexpected EOF", WORKER_VERDICT_RETRY},
		{WORKER_STEP_CREATE, -ETIMEDOUT, "no answer", WORKER_VERDICT_AWAY},
		{WORKER_STEP_START, -ENOENT, "network nosuchnet not found", WORKER_VERDICT_FATAL},
		{WORKER_STEP_START, -ENOENT, "No such container: x", WORKER_VERDICT_ABSENT},
		{WORKER_STEP_START, -EADDRINUSE, "port is already allocated", WORKER_VERDICT_FATAL},
		{WORKER_STEP_START, -EBUSY, "conflict", WORKER_VERDICT_LOOK},
		{WORKER_STEP_STOP, -ENOENT, "No such container", WORKER_VERDICT_ABSENT},
		{WORKER_STEP_REMOVE, -EBUSY, "removal is in progress", WORKER_VERDICT_LOOK},
		{WORKER_STEP_PULL, -EIO, "dial tcp: refused", WORKER_VERDICT_RETRY},
		{WORKER_STEP_PULL, -ETIMEDOUT, "i/o timeout", WORKER_VERDICT_RETRY},
		{WORKER_STEP_PULL, -EACCES, "pull access denied", WORKER_VERDICT_FATAL},
		{WORKER_STEP_PULL, -ECONNREFUSED, "no engine", WORKER_VERDICT_AWAY},
		{WORKER_STEP_INSPECT, -EACCES, "may not open the socket", WORKER_VERDICT_AWAY},
	};
	struct err none = {0};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = failure(cases[i].code, cases[i].text);

		if (worker_engine_verdict(cases[i].step, &err) != cases[i].want)
			fail_msg("%s: %d", cases[i].text,
				(int)worker_engine_verdict(cases[i].step, &err));
	}
	CHECK_EQ(worker_engine_verdict(WORKER_STEP_START, &none), WORKER_VERDICT_NONE);
}

TEST(worker_says_what_to_do)
{
	static const struct {
		enum worker_step step;
		int code;
		const char *text, *want;
	} cases[] = {
		{WORKER_STEP_PULL, -ENOENT, "manifest unknown", "check the image's name and tag"},
		{WORKER_STEP_PULL, -EACCES, "denied", "log in"},
		{WORKER_STEP_PULL, -EIO, "dial tcp", "reaches the registry"},
		{WORKER_STEP_CREATE, -ENOSPC, "no space left on device", "docker system prune"},
		{WORKER_STEP_START, -EINVAL, "exec: \"/x\": no such file or directory",
			"check 'entrypoint' and 'command'"},
		{WORKER_STEP_START, -ENOENT, "network x not found", "docker network create"},
		{WORKER_STEP_START, -EADDRINUSE, "in use", "holds the port"},
	};
	char text[512], small[16];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = failure(cases[i].code, cases[i].text);

		(void)worker_engine_sentence(cases[i].step, &err, "img", text, sizeof text);
		CHECK_HAS(text, cases[i].text);
		CHECK_HAS(text, cases[i].want);
		CHECK_HAS(text, "cannot ");
		(void)worker_engine_sentence(cases[i].step, &err, "img", small, sizeof small);
		CHECK_EQ(strlen(small), sizeof small - 1);
	}
}

TEST(worker_finds_the_busy_port_in_the_engines_words)
{
	Davit__PortMapping a = DAVIT__PORT_MAPPING__INIT, b = DAVIT__PORT_MAPPING__INIT;
	Davit__PortMapping *ports[] = {&a, &b};

	a.host_port = 80;
	b.host_port = 8080;
	CHECK_EQ(worker_engine_busy_port("Bind for 0.0.0.0:8080 failed: port is already allocated",
			 ports, 2),
		8080);
	CHECK_EQ(worker_engine_busy_port("listen tcp4 0.0.0.0:80: bind: address already in use",
			 ports, 2),
		80);
	CHECK_EQ(worker_engine_busy_port("some port", ports, 2), 0);
	CHECK_EQ(worker_engine_busy_port("some port", ports, 1), 80);
	CHECK_EQ(worker_engine_busy_port("some port", ports, 0), 0);
}
