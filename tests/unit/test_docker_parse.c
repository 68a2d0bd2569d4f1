#include "common/docker/docker_parse.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/lib/test.h"

TEST(docker_parse_time_reads_what_the_engine_writes_and_nothing_else)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
		{"1970-01-01T00:00:01Z", 1000000000},
		{"2024-02-29T12:34:56.789Z", 1709210096789000000},
		{"2024-02-29T12:34:56.789012345Z", 1709210096789012345},
		{"2024-02-29T14:34:56.789+02:00", 1709210096789000000},
		{"2024-02-29T05:04:56.789-07:30", 1709210096789000000},
		{"2024-02-29T12:34:56.7890123456789Z", 1709210096789012345},
		{"0001-01-01T00:00:00Z", 0},
		{"1969-12-31T23:59:59Z", 0},
		{"1970-01-01T00:00:01+02:00", 0},
		{"9999-12-31T23:59:59Z", 0},
		{"2024-13-01T00:00:00Z", 0},
		{"2024-02-29T12:34:56", 0},
		{"2024-02-29T12:34:56.5+2", 0},
		{"2024-02-29 12:34:56Z", 0},
		{"2024", 0},
		{"", 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (docker_parse_time(cases[i].text) != cases[i].ns)
			fail_msg("%s is %llu", cases[i].text,
				(unsigned long long)docker_parse_time(cases[i].text));
}

static int
version(const char *json, char *ret_version)
{
	struct err err = {0};

	return docker_parse_version(json, strlen(json), ret_version, &err);
}

TEST(docker_parse_version_takes_the_newest_that_both_know)
{
	char got[DOCKER_VERSION_MAX] = "";

	CHECK_EQ(version("{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}", got), 0);
	CHECK_STR(got, "1.41");
	CHECK_EQ(version("{\"ApiVersion\":\"1.51\",\"MinAPIVersion\":\"1.24\"}", got), 0);
	CHECK_STR(got, "1.45");
	CHECK_EQ(version("{\"ApiVersion\":\"1.24\"}", got), 0);
	CHECK_STR(got, "1.24");
	CHECK_EQ(version("{\"ApiVersion\":\"1.23\"}", got), -ENOTSUP);
	CHECK_EQ(version("{\"ApiVersion\":\"1.60\",\"MinAPIVersion\":\"1.46\"}", got), -ENOTSUP);
	CHECK_EQ(version("{\"ApiVersion\":\"1.4x\"}", got), -EIO);
	CHECK_EQ(version("{\"ApiVersion\":\"1.99999999999\"}", got), -EIO);
	CHECK_EQ(version("{\"ApiVersion\":141}", got), -EIO);
}

TEST(docker_parse_about_reads_info)
{
	static const char json[] =
		"{\"ID\":\"ABCD\",\"ServerVersion\":\"20.10.24\",\"OSType\":\"linux\",\"Architecture\":"
		"\"x86_64\",\"KernelVersion\":\"6.1\",\"DockerRootDir\":\"/var/lib/docker\","
		"\"CgroupDriver\":\"cgroupfs\",\"NCPU\":2,\"MemTotal\":25769803776}";
	CLEANUP(docker_answer_fini) struct docker_answer answer = {0};
	struct engine_about about;
	struct err err = {0};

	CHECK_OK(docker_parse_about(json, strlen(json), &answer, &about, &err), &err);
	CHECK_STR(about.id, "ABCD");
	CHECK_STR(about.root_dir, "/var/lib/docker");
	CHECK_STR(about.cgroup_version, "1"); /* an engine that knows of no other */
	CHECK_EQ(about.cpu_milli, 2000);
	CHECK_EQ(about.memory_bytes, 25769803776);
}

TEST(docker_parse_about_reads_storage_and_runtimes)
{
	static const char json[] =
		"{\"Driver\":\"overlay2\",\"DriverStatus\":[[\"Supports d_type\",\"true\"],7,[1],"
		"[\"Backing Filesystem\",\"xfs\"]],\"Runtimes\":{\"runc\":{},\"nvidia\":{}}}";
	CLEANUP(docker_answer_fini) struct docker_answer answer = {0}, bare = {0};
	struct engine_about about;
	struct err err = {0};

	CHECK_OK(docker_parse_about(json, strlen(json), &answer, &about, &err), &err);
	CHECK_STR(about.storage_driver, "overlay2");
	CHECK_STR(about.backing_fs, "xfs");
	CHECK(about.has_gpu_runtime);
	CHECK_OK(docker_parse_about("{}", 2, &bare, &about, &err), &err);
	CHECK_STR(about.storage_driver, "");
	CHECK_STR(about.backing_fs, "");
	CHECK(!about.has_gpu_runtime);
}

TEST(docker_parse_id_is_hexadecimal)
{
	char id[ENGINE_ID_MAX + 1] = "";
	struct err err = {0};

	CHECK_EQ(docker_parse_id("{\"Id\":\"0123abcdef\"}", 19, id, &err), 0);
	CHECK_STR(id, "0123abcdef");
	CHECK_EQ(docker_parse_id("{\"Id\":\"012/abcdef\"}", 19, id, &err), -EIO);
	CHECK_EQ(docker_parse_id("{\"Id\":\"\"}", 9, id, &err), -EIO);
	CHECK_EQ(docker_parse_id("{}", 2, id, &err), -EIO);
}

TEST(docker_parse_path_needs_the_engines_header)
{
	static const char *const none[] = {NULL, "", "  ", "e30=", "bnVsbA==", "%%%"};
	char name[DOCKER_PATH_NAME_MAX];
	struct engine_path path;
	struct err err = {0};

	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		CHECK_EQ(docker_parse_path(none[i], name, &path, &err), -EIO);
	/* {"name":"x","size":1,"mode":420} */
	CHECK_OK(docker_parse_path(" eyJuYW1lIjoieCIsInNpemUiOjEsIm1vZGUiOjQyMH0=", name, &path,
			 &err),
		&err);
	CHECK_STR(name, "x");
	CHECK_EQ(path.size_bytes, 1);
}

TEST(docker_parse_container_reads_an_inspect)
{
	static const char json[] =
		"{\"Id\":\"ab12\",\"Name\":\"/web\",\"Created\":\"2024-02-29T12:34:56.789Z\","
		"\"RestartCount\":2,\"LogPath\":\"/x.log\",\"State\":{\"Status\":\"exited\","
		"\"ExitCode\":137,\"OOMKilled\":true,\"Error\":\"bad\",\"Pid\":0,\"StartedAt\":"
		"\"2024-02-29T12:34:57Z\",\"FinishedAt\":\"0001-01-01T00:00:00Z\",\"Health\":{"
		"\"Status\":\"healthy\"}},\"Config\":{\"Labels\":{\"a\":\"b\",\"c\":7}}}";
	CLEANUP(docker_answer_fini) struct docker_answer answer = {0};
	struct engine_container container;
	struct err err = {0};

	CHECK_OK(docker_parse_container(json, strlen(json), &answer, &container, &err), &err);
	CHECK_STR(container.name, "web");
	CHECK_EQ(container.status, ENGINE_EXITED);
	CHECK_EQ(container.exit_code, 137);
	CHECK(container.oom_killed);
	CHECK_STR(container.error, "bad");
	CHECK_EQ(container.restart_count, 2);
	CHECK_EQ(container.created_ms, 1709210096789);
	CHECK_EQ(container.started_ms, 1709210097000);
	CHECK_EQ(container.finished_ms, 0);
	CHECK_STR(container.health, "healthy");
	CHECK_STR(container.log_path, "/x.log");
	CHECK_EQ(container.n_labels, 2);
	CHECK_STR(container.labels[0].value, "b");
	CHECK_STR(container.labels[1].value, "");
}

TEST(docker_parse_event_needs_an_action_and_an_id)
{
	static const char good[] =
		"{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"ab\","
		"\"Attributes\":{\"exitCode\":\"3\"}},\"timeNano\":17}";
	static const char bad[] = "{\"Type\":\"container\",\"Actor\":{\"ID\":\"ab\"}}";
	CLEANUP(docker_answer_fini) struct docker_answer answer = {0}, other = {0};
	struct engine_event event;
	struct err err = {0};

	CHECK_OK(docker_parse_event(good, strlen(good), &answer, &event, &err), &err);
	CHECK_STR(event.type, "container");
	CHECK_STR(event.attributes[0].value, "3");
	CHECK_EQ(event.time_ns, 17);
	CHECK_EQ(docker_parse_event(bad, strlen(bad), &other, &event, &err), -EIO);
}

static uint64_t
memory(const char *stats)
{
	char json[512];
	struct engine_sample sample;
	struct err err = {0};
	bool ended;

	(void)snprintf(json, sizeof json,
		"{\"read\":\"2024-01-01T00:00:00Z\",\"memory_stats\":{\"usage\":1000,\"stats\":{%s}}}",
		stats);
	CHECK_OK(docker_parse_sample(json, strlen(json), &sample, &ended, &err), &err);
	CHECK(!ended);
	CHECK_EQ(sample.memory_bytes_with_cache, 1000);
	return sample.memory_bytes;
}

TEST(docker_parse_memory_is_counted_as_docker_stats_does)
{
	CHECK_EQ(memory(""), 1000);
	CHECK_EQ(memory("\"cache\":100"), 900);                                    /* old */
	CHECK_EQ(memory("\"cache\":100,\"total_inactive_file\":30"), 970);         /* v1 */
	CHECK_EQ(memory("\"inactive_file\":400"), 600);                            /* v2 */
	CHECK_EQ(memory("\"total_inactive_file\":30,\"inactive_file\":400"), 970); /* v1 */
	CHECK_EQ(memory("\"inactive_file\":1000"), 1000);                          /* nonsense */
}

TEST(docker_parse_sample_of_one_that_does_not_run_ends_the_stream)
{
	static const char json[] = "{\"read\":\"0001-01-01T00:00:00Z\",\"id\":\"ab\"}";
	struct engine_sample sample;
	struct err err = {0};
	bool ended;

	CHECK_OK(docker_parse_sample(json, strlen(json), &sample, &ended, &err), &err);
	CHECK(ended);
}
