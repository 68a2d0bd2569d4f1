#include "services/cli/cli_spec.h"

#include <errno.h>

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "common/pbjson/pbjson.h"
#include "tests/lib/cli_world.h"

static const struct cli_script nothing[] = {{NULL, NULL}};

/* What `davit run --dry-run -o json` makes of the arguments, without line breaks and indents. */
static void
check_spec(const char *want, char *const *arguments)
{
	CLEANUP(buf_fini) struct buf flat = {0};
	struct cli_world world;
	int code;

	cli_world_open(&world, nothing);
	code = cli_world_run(&world, "run", "--dry-run", "-o", "json", arguments[0], arguments[1],
		arguments[2], arguments[3], arguments[4], arguments[5], arguments[6], arguments[7],
		NULL);
	if (code != CLI_OK)
		fail_msg("%s", world.err);
	for (const char *at = world.out; *at != '\0'; at++) {
		if (*at == '\n') {
			at += strspn(at + 1, " ");
			continue;
		}
		buf_put(&flat, at, 1);
		if (*at == ':' && at[1] == ' ')
			at++;
	}
	CHECK_STR(buf_text(&flat), want);
	CHECK_EQ(world.n_calls, 0);
	cli_world_close(&world);
}

#define CHECK_SPEC(want, ...) check_spec(want, (char *[8]){__VA_ARGS__})

TEST(cli_spec_image_and_command_are_what_is_left)
{
	CHECK_SPEC("{\"image\":\"nginx\"}", "nginx");
	CHECK_SPEC("{\"image\":\"box\",\"command\":[\"echo\",\"-n\",\"hi\"]}", "box", "echo", "-n",
		"hi");
	CHECK_SPEC("{\"image\":\"box\",\"command\":[\"echo\",\"-p\"]}", "box", "--", "echo", "-p");
	CHECK_SPEC("{\"image\":\"box\",\"command\":[\"--\"]}", "box", "--", "--");
	CHECK_SPEC("{\"image\":\"box\",\"entrypoint\":[\"/bin/sh\"]}", "--entrypoint", "/bin/sh",
		"box");
}

TEST(cli_spec_figures_have_units)
{
	CHECK_SPEC("{\"image\":\"x\",\"cpu_milli\":1500,\"memory_bytes\":536870912}", "--cpus",
		"1.5", "-m", "512MiB", "x");
	CHECK_SPEC("{\"image\":\"x\",\"max_per_node\":3}", "--max-per-node", "3", "x");
	CHECK_SPEC("{\"image\":\"x\",\"max_per_node\":1}", "--distinct-hosts", "x");
	CHECK_SPEC("{\"image\":\"x\",\"ttl_ms\":600000,\"max_run_time_ms\":5000}", "--ttl", "10m",
		"--max-run-time", "5s", "x");
	CHECK_SPEC("{\"image\":\"x\",\"stop_timeout_ms\":0,\"priority\":0}", "--stop-timeout", "0",
		"--priority", "0", "x");
}

TEST(cli_spec_switches_are_absent_unless_given)
{
	CHECK_SPEC("{\"image\":\"x\",\"auto_remove\":true,\"read_only\":true,\"privileged\":true,"
		   "\"init\":true,\"tty\":true}",
		"--rm", "--read-only", "--privileged", "--init", "-t", "x");
	CHECK_SPEC("{\"image\":\"x\",\"gang\":{\"all_or_nothing\":true}}", "--gang", "x");
}

TEST(cli_spec_texts_are_copied)
{
	CHECK_SPEC("{\"name\":\"web\",\"namespace\":\"team\",\"image\":\"x\",\"hostname\":\"h\"}",
		"--name", "web", "--namespace", "team", "-h", "h", "x");
	CHECK_SPEC("{\"image\":\"x\",\"working_dir\":\"/w\",\"user\":\"1:2\",\"cap_add\":[\"A\"]}",
		"-w", "/w", "-u", "1:2", "--cap-add", "A", "x");
	CHECK_SPEC("{\"image\":\"x\",\"networks\":[{\"name\":\"n\",\"aliases\":[\"a\"]}]}",
		"--network", "n", "--network-alias", "a", "x");
	CHECK_SPEC("{\"image\":\"x\",\"log_config\":{\"driver\":\"none\"}}", "--log-driver", "none",
		"x");
}

TEST(cli_spec_health_checks)
{
	CHECK_SPEC("{\"image\":\"x\",\"healthcheck\":{\"command\":[\"/bin/sh\",\"-c\",\"true\"],"
		   "\"interval_ms\":5000}}",
		"--health-cmd", "true", "--health-interval", "5s", "x");
	CHECK_SPEC("{\"image\":\"x\",\"healthcheck\":{\"http_get\":\"http://:80/\"}}",
		"--health-http", "http://:80/", "x");
	CHECK_SPEC("{\"image\":\"x\",\"healthcheck\":{\"tcp_port\":80,\"retries\":2}}",
		"--health-tcp", "80", "--health-retries", "2", "x");
}

static void
check_refused(const char *part, const char *flag, const char *value)
{
	struct cli_world world;

	cli_world_open(&world, nothing);
	CHECK_EQ(cli_world_run(&world, "run", flag, value, "x", NULL), CLI_USAGE);
	CHECK_HAS(world.err, "davit: ");
	CHECK_HAS(world.err, part);
	CHECK_EQ(world.n_calls, 0);
	cli_world_close(&world);
}

TEST(cli_spec_mistakes_name_the_flag)
{
	check_refused("--publish: '0' is no port", "-p", "0");
	check_refused("--restart: ", "--restart", "maybe");
	check_refused("--env-file: cannot read", "--env-file", "/nonexistent/file");
	check_refused("-m: ", "-m", "lots");
	check_refused("a health check wants", "--health-retries", "3");
	check_refused("--network-alias wants a --network", "--network-alias", "a");
	check_refused("--priority: ", "--priority", "101");
	check_refused("did you mean '--publish'", "--publich", "80");
}

TEST(cli_spec_one_health_check_is_enough)
{
	struct cli_world world;

	cli_world_open(&world, nothing);
	CHECK_EQ(cli_world_run(&world, "run", "--health-cmd", "true", "--health-tcp", "80", "x",
			 NULL),
		CLI_USAGE);
	CHECK_HAS(world.err, "is enough");
	cli_world_close(&world);
}
