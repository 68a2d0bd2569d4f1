/* Specs are written as JSON here, for that is how people write them. */
#include <errno.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/model/spec.h"
#include "common/model/spec_rules.h"
#include "common/pbjson/pbjson.h"
#include "tests/lib/test.h"

static struct err err;
static char field[SPEC_FIELD_MAX];

static Davit__TaskSpec *
spec_of(const char *text)
{
	struct pbjson_err why;
	ProtobufCMessage *message;

	if (pbjson_parse(&davit__task_spec__descriptor, text, strlen(text), &message, &why) < 0)
		fail_msg("%s: %s: %s", text, why.path, why.err.text);
	return (Davit__TaskSpec *)message;
}

static int
check_text(const char *text)
{
	Davit__TaskSpec *spec = spec_of(text);
	int rc;

	err = (struct err){0};
	field[0] = '\0';
	rc = spec_check(spec, field, &err);
	davit__task_spec__free_unpacked(spec, NULL);
	return rc;
}

/* The fields are those of a spec that has an image. */
static int
check_fields(const char *fields)
{
	struct buf text = {0};
	int rc;

	buf_printf(&text, "{\"image\":\"x\",%s}", fields);
	rc = check_text(buf_text(&text));
	buf_fini(&text);
	return rc;
}

static void
good(const char *fields)
{
	if (check_fields(fields) < 0)
		fail_msg("%s: %s: %s", fields, field, err.text);
}

static void
refused(int code, const char *fields, const char *path, const char *words)
{
	int rc = check_fields(fields);

	if (rc != code)
		fail_msg("%.100s: %d (%s: %s), want %d", fields, rc, field, err.text, code);
	CHECK_STR(field, path);
	CHECK_HAS(err.text, words);
	CHECK_EQ(err.code, code);
}

static void
bad(const char *fields, const char *path, const char *words)
{
	refused(-EINVAL, fields, path, words);
}

TEST(a_spec_with_everything_is_taken)
{
	good("\"name\":\"web-1\",\"namespace\":\"team-a\",\"entrypoint\":[\"/bin/sh\"],"
	     "\"command\":[\"-c\",\"echo \xc3\xbc\"],\"env\":{\"A\":\"1\",\"B\":\"\"},"
	     "\"working_dir\":\"/srv\",\"user\":\"1000:1000\",\"hostname\":\"web\","
	     "\"labels\":{\"app\":\"web\"},\"cpu\":0.5,\"memory\":\"64MiB\",\"disk\":\"1GiB\","
	     "\"pids_limit\":100,\"ulimits\":[{\"name\":\"nofile\",\"soft\":1024,\"hard\":-1}],"
	     "\"shm_size\":\"64MiB\",\"devices\":[{\"host_path\":\"/dev/fuse\","
	     "\"container_path\":\"/dev/fuse\",\"permissions\":\"rw\"}],"
	     "\"ports\":[{\"container_port\":80},{\"container_port\":443,\"host_port\":8443,"
	     "\"host_address\":\"127.0.0.1\",\"name\":\"https\"}],"
	     "\"networks\":[{\"name\":\"backend\",\"aliases\":[\"db\"]}],"
	     "\"mounts\":[{\"target\":\"/a\"},{\"type\":\"BIND\",\"source\":\"/x\",\"target\":"
	     "\"/b\",\"read_only\":true},{\"type\":\"TMPFS\",\"target\":\"/c\",\"tmpfs_size\":"
	     "\"1MiB\"},{\"source\":\"vol\",\"target\":\"/d\"}],"
	     "\"restart\":{\"condition\":\"ON_FAILURE\",\"max_attempts\":3,\"delay\":\"1s\","
	     "\"max_delay\":\"1m\",\"reset_after\":\"1h\"},"
	     "\"healthcheck\":{\"command\":[\"true\"],\"interval\":\"5s\",\"timeout\":\"1s\","
	     "\"retries\":3,\"start_period\":\"10s\"},\"stop_signal\":\"SIGINT\","
	     "\"stop_timeout\":\"5s\",\"ttl\":\"1d\",\"max_run_time\":\"1h\",\"auto_remove\":true,"
	     "\"pull_policy\":\"NEVER\",\"log_config\":{\"driver\":\"json-file\",\"options\":"
	     "{\"max-size\":\"1m\"}},\"cap_add\":[\"NET_ADMIN\"],\"cap_drop\":[\"ALL\"],"
	     "\"read_only\":true,\"no_new_privileges\":true,\"privileged\":false,\"init\":true,"
	     "\"security_opt\":[\"apparmor=unconfined\"],\"sysctls\":{\"net.core.somaxconn\":"
	     "\"1024\"},\"extra_hosts\":[\"db:10.0.0.5\",\"gw:host-gateway\",\"six:::1\"],"
	     "\"dns\":[\"9.9.9.9\"],\"dns_search\":[\"example.com\",\".\"],\"runtime\":\"runc\","
	     "\"platform\":\"linux/arm64/v8\",\"tty\":true,\"priority\":100,"
	     "\"strategy\":\"SPREAD\",\"constraints\":[\"node.labels.disk == ssd\"],"
	     "\"disconnect\":{\"mode\":\"STOP_AFTER\",\"stop_after\":\"30s\"}");
}

TEST(an_image_is_required_and_enough)
{
	CHECK_OK(check_text("{\"image\":\"x\"}"), &err);
	CHECK_EQ(check_text("{}"), -EINVAL);
	CHECK_STR(field, "image");
	CHECK_HAS(err.text, "required");
	CHECK_EQ(check_text("{\"image\":\"Foo\"}"), -EINVAL);
	CHECK_STR(field, "image");
	CHECK_HAS(err.text, "'Foo' is no image reference: the repository's name must be lower");
}

TEST(zero_means_absent)
{
	good("\"cpu\":0,\"memory\":0,\"disk\":0,\"pids_limit\":0,\"shm_size\":0,\"gpus\":0,"
	     "\"stop_timeout\":0,\"ttl\":0,\"max_run_time\":0,\"priority\":0,"
	     "\"ports\":[{\"container_port\":80,\"host_port\":0}],"
	     "\"restart\":{\"max_attempts\":0,\"delay\":0,\"max_delay\":0,\"reset_after\":0},"
	     "\"healthcheck\":{\"command\":[\"x\"],\"interval\":0,\"timeout\":0,\"retries\":0}");
}

TEST(what_the_process_is_must_be_right)
{
	bad("\"name\":\"a b\"", "name", "[a-zA-Z0-9_.-]");
	bad("\"name\":\"x\"", "name", "2 to 128");
	bad("\"namespace\":\"A\"", "namespace", "[a-z0-9-]");
	bad("\"working_dir\":\"srv\"", "working_dir", "absolute path");
	bad("\"working_dir\":\"/a/../b\"", "working_dir", "without '..'");
	bad("\"user\":\"a b\"", "user", "user:group");
	bad("\"hostname\":\"a_b-\"", "hostname", "no host name");
	bad("\"env\":{\"\":\"x\"}", "env", "characters without =");
	bad("\"env\":{\"A=B\":\"x\"}", "env", "'A=B' cannot be a key");
	bad("\"env\":{\"A\":\"1\",\"DAVIT_TASK_ID\":\"x\"}", "env[\"DAVIT_TASK_ID\"]",
		"Davit's own");
	bad("\"labels\":{\"a b\":\"x\"}", "labels", "cannot be a key");
	bad("\"labels\":{\"davit.task\":\"x\"}", "labels", "Davit's own");
	bad("\"cap_add\":[\"ALL\",\"CAP 1\"]", "cap_add[1]", "NET_ADMIN");
	bad("\"cap_drop\":[\"\"]", "cap_drop[0]", "no capability");
	bad("\"security_opt\":[\"no-new-privileges\",\"x\"]", "security_opt[1]",
		"apparmor=PROFILE");
}

TEST(what_it_takes_must_be_in_range)
{
	good("\"cpu_milli\":10,\"memory_bytes\":6291456");
	bad("\"cpu_milli\":9", "cpu_milli", "want 0 or 10 to");
	good("\"cpu_milli\":10000000");
	bad("\"cpu_milli\":10000001", "cpu_milli", "10000000");
	bad("\"memory_bytes\":6291455", "memory_bytes", "want 0 or 6291456");
	good("\"memory_bytes\":1125899906842624,\"disk_bytes\":1125899906842624");
	bad("\"memory_bytes\":1125899906842625", "memory_bytes", "out of range");
	bad("\"disk_bytes\":1125899906842625", "disk_bytes", "out of range");
	bad("\"shm_size_bytes\":1125899906842625", "shm_size_bytes", "out of range");
	good("\"pids_limit\":4194304");
	bad("\"pids_limit\":4194305", "pids_limit", "out of range");
	bad("\"ulimits\":[{\"name\":\"files\",\"soft\":1}]", "ulimits[0].name", "nofile");
	bad("\"ulimits\":[{\"name\":\"core\"}]", "ulimits[0].soft", "required");
	bad("\"ulimits\":[{\"name\":\"core\",\"soft\":-2}]", "ulimits[0].soft", "-1 for no limit");
	bad("\"ulimits\":[{\"name\":\"core\",\"soft\":1,\"hard\":-2}]", "ulimits[0].hard", "-1");
	bad("\"ulimits\":[{\"name\":\"core\",\"soft\":2,\"hard\":1}]", "ulimits[0].soft", "over");
	bad("\"ulimits\":[{\"name\":\"core\",\"soft\":-1,\"hard\":1}]", "ulimits[0].soft", "over");
	bad("\"ulimits\":[{\"name\":\"core\",\"soft\":0},{\"name\":\"core\",\"soft\":0}]",
		"ulimits[1].name", "given twice");
	bad("\"devices\":[{\"host_path\":\"fuse\"}]", "devices[0].host_path", "/dev/fuse");
	bad("\"devices\":[{\"host_path\":\"/dev/x\",\"container_path\":\"x\"}]",
		"devices[0].container_path", "absolute");
	bad("\"devices\":[{\"host_path\":\"/dev/x\",\"permissions\":\"rx\"}]",
		"devices[0].permissions", "r, w and m");
	bad("\"devices\":[{\"host_path\":\"/dev/x\",\"permissions\":\"rr\"}]",
		"devices[0].permissions", "at most once");
	bad("\"devices\":[{\"host_path\":\"/dev/x\",\"permissions\":\"\"}]",
		"devices[0].permissions", "at most once");
}

TEST(ports_are_ports_and_meet_no_other)
{
	bad("\"ports\":[{\"container_port\":0}]", "ports[0].container_port", "1 to 65535");
	bad("\"ports\":[{\"container_port\":65536}]", "ports[0].container_port", "1 to 65535");
	bad("\"ports\":[{\"container_port\":1},{\"container_port\":1,\"host_port\":65536}]",
		"ports[1].host_port", "no port");
	bad("\"ports\":[{\"container_port\":1,\"host_address\":\"localhost\"}]",
		"ports[0].host_address", "127.0.0.1");
	bad("\"ports\":[{\"container_port\":1,\"name\":\"A\"}]", "ports[0].name", "[a-z0-9-]");
	bad("\"ports\":[{\"container_port\":1,\"name\":\"a\"},{\"container_port\":2,\"name\":"
	    "\"a\"}]",
		"ports[1].name", "ports[0] already");
	bad("\"ports\":[{\"container_port\":1,\"host_port\":80},{\"container_port\":2,"
	    "\"host_port\":80,\"host_address\":\"10.0.0.1\"}]",
		"ports[1].host_port", "80 is taken by ports[0]");
	bad("\"ports\":[{\"container_port\":1},{\"container_port\":1}]", "ports[1].container_port",
		"published by ports[0]");
	good("\"ports\":[{\"container_port\":1,\"host_port\":80},{\"container_port\":1,"
	     "\"host_port\":80,\"protocol\":\"UDP\"},{\"container_port\":1,\"host_port\":81},"
	     "{\"container_port\":1}]");
	good("\"ports\":[{\"container_port\":1,\"host_port\":80,\"host_address\":\"10.0.0.1\"},"
	     "{\"container_port\":1,\"host_port\":80,\"host_address\":\"10.0.0.2\"}]");
}

TEST(networks_are_one_that_is_built_in_or_some_that_were_made)
{
	good("\"networks\":[{\"name\":\"host\"}]");
	good("\"networks\":[{\"name\":\"bridge\"}],\"ports\":[{\"container_port\":80}]");
	good("\"networks\":[{\"name\":\"n1\"},{\"name\":\"n2\"}],\"ports\":[{\"container_port\":1}]");
	bad("\"networks\":[{\"name\":\"a/b\"}]", "networks[0].name", "bridge, host, none");
	bad("\"networks\":[{\"name\":\"container:x\"}]", "networks[0].name", "no network");
	bad("\"networks\":[{\"name\":\"container\"}]", "networks[0].name", "another container");
	bad("\"networks\":[{\"name\":\"n1\"},{\"name\":\"n1\"}]", "networks[1].name", "twice");
	bad("\"networks\":[{\"name\":\"n1\"},{\"name\":\"host\"}]", "networks[1].name", "combined");
	bad("\"networks\":[{\"name\":\"bridge\",\"aliases\":[\"a\"]}]", "networks[0].aliases",
		"that you made");
	bad("\"networks\":[{\"name\":\"n1\",\"aliases\":[\"a\",\"-\"]}]", "networks[0].aliases[1]",
		"no host name");
	bad("\"networks\":[{\"name\":\"host\"}],\"ports\":[{\"container_port\":1}]", "ports",
		"with the network 'host'");
	bad("\"networks\":[{\"name\":\"none\"}],\"ports\":[{\"container_port\":1}]", "ports",
		"with the network 'none'");
	bad("\"extra_hosts\":[\"db\"]", "extra_hosts[0]", "name:address");
	bad("\"extra_hosts\":[\"db:\"]", "extra_hosts[0]", "name:address");
	bad("\"extra_hosts\":[\":1.2.3.4\"]", "extra_hosts[0]", "name:address");
	bad("\"dns\":[\"example.com\"]", "dns[0]", "9.9.9.9");
	bad("\"dns_search\":[\"a b\"]", "dns_search[0]", "example.com");
}

TEST(mounts_have_the_source_that_suits_their_type)
{
	bad("\"mounts\":[{\"type\":\"BIND\",\"target\":\"/a\"}]", "mounts[0].source", "required");
	bad("\"mounts\":[{\"type\":\"BIND\",\"source\":\"x\",\"target\":\"/a\"}]",
		"mounts[0].source", "for a volume leave out");
	bad("\"mounts\":[{\"type\":\"BIND\",\"source\":\"/x/../y\",\"target\":\"/a\"}]",
		"mounts[0].source", "without '..'");
	bad("\"mounts\":[{\"type\":\"TMPFS\",\"source\":\"x\",\"target\":\"/a\"}]",
		"mounts[0].source", "leave it out");
	bad("\"mounts\":[{\"source\":\"/x\",\"target\":\"/a\"}]", "mounts[0].source",
		"for a path of the host say type: BIND");
	bad("\"mounts\":[{\"source\":\"a b\",\"target\":\"/a\"}]", "mounts[0].source",
		"no name of a volume");
	bad("\"mounts\":[{\"target\":\"a\"}]", "mounts[0].target", "absolute");
	bad("\"mounts\":[{\"target\":\"/\"}]", "mounts[0].target", "below /");
	bad("\"mounts\":[{\"target\":\"//\"}]", "mounts[0].target", "below /");
	bad("\"mounts\":[{\"target\":\"/a/..\"}]", "mounts[0].target", "without '..'");
	bad("\"mounts\":[{\"target\":\"/a\"},{\"target\":\"/b\"},{\"target\":\"/a/\"}]",
		"mounts[2].target", "target of mounts[0]");
	bad("\"mounts\":[{\"target\":\"/a\",\"tmpfs_size_bytes\":1}]", "mounts[0].tmpfs_size_bytes",
		"only a mount of type TMPFS");
	bad("\"mounts\":[{\"type\":\"TMPFS\",\"target\":\"/a\",\"tmpfs_size_bytes\":"
	    "1125899906842625}]",
		"mounts[0].tmpfs_size_bytes", "out of range");
}

TEST(how_it_lives_must_make_sense)
{
	bad("\"restart\":{\"condition\":\"NO\",\"max_attempts\":1}", "restart.max_attempts",
		"no meaning");
	bad("\"restart\":{\"max_attempts\":1}", "restart.max_attempts", "no meaning");
	bad("\"restart\":{\"condition\":\"ALWAYS\",\"max_attempts\":1000001}",
		"restart.max_attempts", "out of range");
	bad("\"restart\":{\"delay\":\"25h\"}", "restart.delay_ms", "out of range");
	bad("\"restart\":{\"max_delay\":\"25h\"}", "restart.max_delay_ms", "out of range");
	bad("\"restart\":{\"delay\":\"2s\",\"max_delay\":\"1s\"}", "restart.max_delay_ms",
		"less than delay_ms");
	bad("\"restart\":{\"reset_after\":\"4000d\"}", "restart.reset_after_ms", "out of range");
	bad("\"healthcheck\":{\"interval\":\"1s\"}", "healthcheck", "exactly one of");
	bad("\"healthcheck\":{\"command\":[\"x\"],\"tcp_port\":1}", "healthcheck", "exactly one");
	bad("\"healthcheck\":{\"tcp_port\":65536}", "healthcheck.tcp_port", "65535");
	bad("\"healthcheck\":{\"http_get\":\"https://:80/\"}", "healthcheck.http_get",
		"http://:PORT");
	bad("\"healthcheck\":{\"command\":[\"x\"],\"interval\":\"25h\"}", "healthcheck.interval_ms",
		"range");
	bad("\"healthcheck\":{\"command\":[\"x\"],\"timeout\":\"25h\"}", "healthcheck.timeout_ms",
		"range");
	bad("\"healthcheck\":{\"command\":[\"x\"],\"retries\":1001}", "healthcheck.retries",
		"range");
	bad("\"healthcheck\":{\"command\":[\"x\"],\"start_period\":\"25h\"}",
		"healthcheck.start_period_ms", "range");
	bad("\"stop_signal\":\"NOPE\"", "stop_signal", "such as TERM");
	good("\"stop_timeout\":\"1h\"");
	bad("\"stop_timeout_ms\":3600001", "stop_timeout_ms", "3600000");
	bad("\"ttl\":\"3651d\"", "ttl_ms", "out of range");
	bad("\"max_run_time\":\"3651d\"", "max_run_time_ms", "out of range");
	bad("\"log_config\":{\"driver\":\"\"}", "log_config.driver", "json-file");
	bad("\"log_config\":{\"options\":{\"a b\":\"\"}}", "log_config.options", "max-size");
	bad("\"sysctls\":{\"vm.swappiness\":\"1\"}", "sysctls", "belong to the whole host");
	good("\"sysctls\":{\"kernel.shmmax\":\"1\",\"fs.mqueue.msg_max\":\"1\"}");
	bad("\"runtime\":\"\"", "runtime", "runc");
	bad("\"platform\":\"linux/\"", "platform", "linux/amd64");
	bad("\"platform\":\"/x\"", "platform", "linux/amd64");
	bad("\"platform\":\"a/b/c/d\"", "platform", "linux/amd64");
	bad("\"platform\":\"Linux\"", "platform", "linux/amd64");
}

TEST(where_it_lives_must_make_sense)
{
	bad("\"priority\":101", "priority", "1 to 100");
	bad("\"constraints\":[\"node.name==a\",\"x\"]", "constraints[1]", "no comparison");
	bad("\"disconnect\":{\"mode\":\"STOP_AFTER\"}", "disconnect.stop_after_ms", "required");
	bad("\"disconnect\":{\"mode\":\"STOP_AFTER\",\"stop_after\":\"1s\",\"replace_after\":"
	    "\"1s\"}",
		"disconnect.replace_after_ms", "only with the mode REPLACE");
	bad("\"disconnect\":{\"mode\":\"KEEP\",\"stop_after\":\"1s\"}", "disconnect.stop_after_ms",
		"only with the mode STOP_AFTER");
	bad("\"disconnect\":{\"mode\":\"STOP_AFTER\",\"stop_after\":\"3651d\"}",
		"disconnect.stop_after_ms", "out of range");
	bad("\"disconnect\":{\"replace_after\":\"3651d\"}", "disconnect.replace_after_ms",
		"out of range");
	good("\"disconnect\":{\"mode\":\"REPLACE\",\"replace_after\":\"1m\"}");
}

/* "field":[item,item,…] of n items. */
static char *
list_of(const char *name, const char *item, size_t n)
{
	struct buf text = {0};

	buf_printf(&text, "\"%s\":[", name);
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s%s", i > 0 ? "," : "", item);
	buf_puts(&text, "]");
	return buf_take(&text, NULL);
}

TEST(every_list_has_its_limit)
{
	static const struct {
		const char *name, *item;
		size_t max;
	} lists[] = {{"entrypoint", "\"a\"", SPEC_ARGUMENTS_MAX},
		{"command", "\"a\"", SPEC_ARGUMENTS_MAX}, {"cap_add", "\"ALL\"", SPEC_LIST_MAX},
		{"cap_drop", "\"ALL\"", SPEC_LIST_MAX}, {"security_opt", "\"a=b\"", SPEC_LIST_MAX},
		{"devices", "{\"host_path\":\"/dev/x\"}", SPEC_LIST_MAX},
		{"extra_hosts", "\"a:1.2.3.4\"", SPEC_LIST_MAX},
		{"dns", "\"1.2.3.4\"", SPEC_LIST_MAX}, {"dns_search", "\"a\"", SPEC_LIST_MAX},
		{"constraints", "\"node.name==a\"", SPEC_LIST_MAX}};

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		CLEANUP(free) char *most = list_of(lists[i].name, lists[i].item, lists[i].max);
		CLEANUP(free) char *over = list_of(lists[i].name, lists[i].item, lists[i].max + 1);

		good(most);
		bad(over, lists[i].name, "are too many");
	}
}

TEST(every_map_and_numbered_list_has_its_limit)
{
	/* Where items must differ: %zu is replaced by their number. */
	static const struct {
		const char *path, *before, *item, *after;
		size_t max;
	} lists[] = {{"env", "\"env\":[", "\"k%zu=\"", "]", SPEC_ENV_MAX},
		{"labels", "\"labels\":[", "\"k%zu=\"", "]", SPEC_LABELS_MAX},
		{"sysctls", "\"sysctls\":[", "\"net.k%zu=\"", "]", SPEC_LIST_MAX},
		{"log_config.options", "\"log_config\":{\"options\":[", "\"k%zu=\"", "]}",
			SPEC_LIST_MAX},
		{"ports", "\"ports\":[", "{\"container_port\":1%zu}", "]", SPEC_PORTS_MAX},
		{"networks", "\"networks\":[", "{\"name\":\"n%zu\"}", "]", SPEC_LIST_MAX},
		{"networks[0].aliases", "\"networks\":[{\"name\":\"n1\",\"aliases\":[", "\"a%zu\"",
			"]}]", SPEC_LIST_MAX},
		{"healthcheck.command", "\"healthcheck\":{\"command\":[", "\"a%zu\"", "]}",
			SPEC_ARGUMENTS_MAX},
		{"mounts", "\"mounts\":[", "{\"target\":\"/a%zu\"}", "]", SPEC_LIST_MAX}};

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		for (size_t n = lists[i].max; n <= lists[i].max + 1; n++) {
			const char *number = strstr(lists[i].item, "%zu");
			struct buf text = {0};

			buf_puts(&text, lists[i].before);
			for (size_t k = 0; k < n; k++)
				buf_printf(&text, "%s%.*s%zu%s", k > 0 ? "," : "",
					(int)(number - lists[i].item), lists[i].item, k,
					number + 3);
			buf_puts(&text, lists[i].after);
			if (n == lists[i].max)
				good(buf_text(&text));
			else
				bad(buf_text(&text), lists[i].path, "are too many");
			buf_fini(&text);
		}
	}
}

TEST(every_text_has_its_limit)
{
	static const struct {
		const char *path, *before, *after;
		size_t max;
	} texts[] = {{"command[0]", "\"command\":[\"", "\"]", SPEC_ARGUMENT_MAX},
		{"entrypoint[0]", "\"entrypoint\":[\"", "\"]", SPEC_ARGUMENT_MAX},
		{"env[\"A\"]", "\"env\":{\"A\":\"", "\"}", SPEC_ARGUMENT_MAX},
		{"labels[\"A\"]", "\"labels\":{\"A\":\"", "\"}", SPEC_VALUE_MAX},
		{"healthcheck.command[0]", "\"healthcheck\":{\"command\":[\"", "\"]}",
			SPEC_ARGUMENT_MAX},
		{"security_opt[0]", "\"security_opt\":[\"seccomp=", "\"]", SPEC_VALUE_MAX - 8},
		{"name", "\"name\":\"", "\"", SPEC_NAME_MAX},
		{"namespace", "\"namespace\":\"", "\"", SPEC_NAMESPACE_MAX},
		{"user", "\"user\":\"", "\"", SPEC_TEXT_MAX},
		{"hostname", "\"hostname\":\"", "\"", SPEC_HOSTNAME_MAX},
		{"working_dir", "\"working_dir\":\"/", "\"", SPEC_PATH_MAX - 1}};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		CLEANUP(free) char *long_text = xcalloc(texts[i].max + 2, 1);
		struct buf text = {0};

		memset(long_text, 'a', texts[i].max);
		buf_printf(&text, "%s%s%s", texts[i].before, long_text, texts[i].after);
		good(buf_text(&text));
		long_text[texts[i].max] = 'a';
		buf_reset(&text);
		buf_printf(&text, "%s%s%s", texts[i].before, long_text, texts[i].after);
		bad(buf_text(&text), texts[i].path, "");
		buf_fini(&text);
	}
}

TEST(the_whole_has_its_limit)
{
	CLEANUP(free) char *argument = xcalloc(SPEC_SIZE_MAX / 4 + 1, 1);
	struct buf text = {0};

	memset(argument, 'a', SPEC_SIZE_MAX / 4);
	buf_printf(&text, "\"command\":[\"%s\",\"%s\",\"%s\",\"%.*s\"]", argument, argument,
		argument, SPEC_SIZE_MAX / 4 - 100, argument);
	good(buf_text(&text));
	buf_reset(&text);
	buf_printf(&text, "\"command\":[\"%s\",\"%s\",\"%s\",\"%s\"]", argument, argument, argument,
		argument);
	bad(buf_text(&text), "", "the whole spec is 262");
	buf_fini(&text);
}

/* What JSON cannot bring, the wire can. */
TEST(what_comes_over_the_wire_is_not_trusted)
{
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__StringEntry a = DAVIT__STRING_ENTRY__INIT, b = DAVIT__STRING_ENTRY__INIT;
	Davit__StringEntry *entries[] = {&a, &b};
	char *command[] = {"\xff"};

	spec.image = "x";
	a.key = b.key = "A";
	spec.env = entries;
	spec.n_env = 2;
	CHECK_EQ(spec_check(&spec, field, &err), -EINVAL);
	CHECK_STR(field, "env[\"A\"]");
	CHECK_HAS(err.text, "given twice");
	spec.n_env = 1;
	CHECK_OK(spec_check(&spec, field, &err), &err); /* a value that is absent */
	a.value = "\xff";
	CHECK_EQ(spec_check(&spec, field, &err), -EINVAL);
	CHECK_HAS(err.text, "UTF-8");
	spec.n_env = 0;
	spec.command = command;
	spec.n_command = 1;
	CHECK_EQ(spec_check(&spec, field, &err), -EINVAL);
	CHECK_STR(field, "command[0]");
	CHECK_HAS(err.text, "UTF-8");
}

TEST(numbers_that_an_enum_does_not_have_are_refused)
{
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__Port port = DAVIT__PORT__INIT, *ports[] = {&port};
	Davit__Mount mount = DAVIT__MOUNT__INIT, *mounts[] = {&mount};
	Davit__RestartPolicy restart = DAVIT__RESTART_POLICY__INIT;
	Davit__Disconnect disconnect = DAVIT__DISCONNECT__INIT;

	spec.image = "x";
	spec.has_strategy = 1;
	spec.strategy = (Davit__TaskSpec__Strategy)77;
	CHECK_EQ(spec_check(&spec, field, &err), -EINVAL);
	CHECK_STR(field, "strategy");
	CHECK_HAS(err.text, "there is no Strategy 77");
	spec.has_pull_policy = 1;
	spec.pull_policy = (Davit__TaskSpec__PullPolicy)77;
	CHECK_EQ(spec_check(&spec, field, &err), -EINVAL);
	CHECK_STR(field, "pull_policy");
	spec.restart = &restart;
	restart.has_condition = 1;
	restart.condition = (Davit__RestartPolicy__Condition)77;
	CHECK_EQ(spec_check(&spec, field, &err), -EINVAL);
	CHECK_STR(field, "restart.condition");
	mount.target = "/a";
	mount.has_type = 1;
	mount.type = (Davit__Mount__Type)77;
	spec.mounts = mounts;
	spec.n_mounts = 1;
	CHECK_EQ(spec_check(&spec, field, &err), -EINVAL);
	CHECK_STR(field, "mounts[0].type");
	port.container_port = 1;
	port.has_protocol = 1;
	port.protocol = (Davit__Port__Protocol)77;
	spec.ports = ports;
	spec.n_ports = 1;
	CHECK_EQ(spec_check(&spec, field, &err), -EINVAL);
	CHECK_STR(field, "ports[0].protocol");
	spec = (Davit__TaskSpec)DAVIT__TASK_SPEC__INIT;
	spec.image = "x";
	spec.disconnect = &disconnect;
	disconnect.has_mode = 1;
	disconnect.mode = (Davit__Disconnect__Mode)77;
	CHECK_EQ(spec_check(&spec, field, &err), -EINVAL);
	CHECK_STR(field, "disconnect.mode");
}
