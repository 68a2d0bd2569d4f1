#include "services/gateway/settings.h"

#include "common/base/mem.h"
#include "tests/lib/test.h"

static int
parse(int argc, const char *const *argv, struct gateway_settings *settings, struct err *err)
{
	char *copies[8] = {NULL};
	int first = 0, rc;

	for (int i = 0; i < argc; i++)
		copies[i] = xstrdup(argv[i]);
	rc = options_parse(&gateway_options_spec, argc, copies, settings, &first, err);
	for (int i = 0; i < argc; i++)
		free(copies[i]);
	return rc;
}

TEST(settings_have_the_limits_that_are_documented)
{
	const char *const argv[] = {"davit-gateway"};
	struct gateway_settings settings = {0};
	struct err err = {0};

	CHECK_OK(parse(1, argv, &settings, &err), &err);
	CHECK_EQ(settings.connections_max, 12000);
	CHECK_EQ(settings.requests_max, 4096);
	CHECK_EQ(settings.streams_max, 10000);
	CHECK_STR(settings.manager, "tcp://127.0.0.1:7070");
	CHECK_STR(settings.vms_listen, "http://127.0.0.1:8000");
	CHECK_STR(settings.access_log, "off");
	CHECK(settings.listen == NULL && settings.cors_origin == NULL);
	options_free(gateway_options_spec.defs, &settings);
}

TEST(settings_refuse_a_limit_of_nothing)
{
	static const char *const options[] = {"--streams-max=0", "--requests-max=0",
		"--connections-max=many"};
	struct gateway_settings settings = {0};
	struct err err = {0};

	for (unsigned i = 0; i < sizeof options / sizeof *options; i++) {
		const char *const argv[] = {"davit-gateway", options[i]};

		CHECK(parse(2, argv, &settings, &err) < 0);
		CHECK_HAS(err.text, "-max");
		options_free(gateway_options_spec.defs, &settings);
	}
}
