#include "services/cli/cli_flag.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "common/pbjson/pbjson.h"
#include "services/cli/cli_pb.h"
#include "tests/lib/test.h"

/* What a flag makes of a text, as JSON; "! why" when it refuses. */
static const char *
json_of(cli_flag_fn *flag, const char *text, struct buf *buf)
{
	Davit__TaskSpec *spec = CLI_PB_NEW(davit__task_spec, Davit__TaskSpec);
	struct err err = {0};

	buf_reset(buf);
	if (flag(spec, text, &err) < 0)
		buf_printf(buf, "! %s", err.text);
	else
		pbjson_print(&spec->base, PBJSON_COMPACT, buf);
	davit__task_spec__free_unpacked(spec, NULL);
	return buf_text(buf);
}

struct example {
	const char *text, *want;
};

static void
check_examples(cli_flag_fn *flag, const struct example *examples, size_t n)
{
	CLEANUP(buf_fini) struct buf buf = {0};

	for (size_t i = 0; i < n; i++) {
		const char *got = json_of(flag, examples[i].text, &buf);

		if (examples[i].want[0] == '!') {
			CHECK_EQ(got[0], '!');
			CHECK_HAS(got, examples[i].want + 2);
		} else {
			CHECK_STR(got, examples[i].want);
		}
	}
}

#define CHECK_EXAMPLES(flag, examples) \
	check_examples(flag, examples, sizeof(examples) / sizeof(examples)[0])

TEST(cli_flag_publish_is_docker_s)
{
	static const struct example examples[] = {
		{"80", "{\"ports\":[{\"container_port\":80}]}"},
		{"53/udp", "{\"ports\":[{\"container_port\":53,\"protocol\":\"UDP\"}]}"},
		{"8080:80", "{\"ports\":[{\"container_port\":80,\"host_port\":8080}]}"},
		{"127.0.0.1:8080:80/udp",
			"{\"ports\":[{\"container_port\":80,\"protocol\":\"UDP\",\"host_port\":8080,"
			"\"host_address\":\"127.0.0.1\"}]}"},
		{"127.0.0.1::80",
			"{\"ports\":[{\"container_port\":80,\"host_address\":\"127.0.0.1\"}]}"},
		{"[::1]:8080:80", "{\"ports\":[{\"container_port\":80,\"host_port\":8080,"
				  "\"host_address\":\"::1\"}]}"},
		{"8080-8081:80-81", "{\"ports\":[{\"container_port\":80,\"host_port\":8080},"
				    "{\"container_port\":81,\"host_port\":8081}]}"},
		{"0", "! '0' is no port"},
		{"65536", "! '65536' is no port"},
		{"x:80", "! 'x' is no port"},
		{"80/icmp", "! 'icmp' is none of tcp, udp or sctp"},
		{"8080-8082:80-81", "! the two ranges are not of the same size"},
		{"1-1025", "! "},
		{"81-80", "! "},
		{"[::1]8080:80", "! "},
		{"", "! "},
	};

	CHECK_EXAMPLES(cli_flag_publish, examples);
}

TEST(cli_flag_publish_takes_the_greatest_range)
{
	CLEANUP(buf_fini) struct buf buf = {0};

	CHECK_HAS(json_of(cli_flag_publish, "1-1024", &buf), "{\"container_port\":1024}");
}

TEST(cli_flag_env_takes_values_from_here)
{
	static const struct example examples[] = {
		{"A=b=c", "{\"env\":{\"A\":\"b=c\"}}"},
		{"A=", "{\"env\":{\"A\":\"\"}}"},
		{"CLI_FLAG_HERE", "{\"env\":{\"CLI_FLAG_HERE\":\"yes\"}}"},
		{"CLI_FLAG_NOWHERE", "{}"},
		{"=b", "! "},
		{"", "! "},
	};

	CHECK_EQ(setenv("CLI_FLAG_HERE", "yes", 1), 0);
	CHECK_EXAMPLES(cli_flag_env, examples);
}

TEST(cli_flag_env_file_reads_lines_and_says_which_is_wrong)
{
	CLEANUP(buf_fini) struct buf buf = {0};
	char path[] = "/tmp/cli_flag.XXXXXX";
	int fd = mkstemp(path);
	static const char good[] = "# comment\n\nA=1\r\n  B=2\n", bad[] = "A=1\n=2\n";

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, good, sizeof good - 1), (ssize_t)sizeof good - 1);
	CHECK_STR(json_of(cli_flag_env_file, path, &buf), "{\"env\":{\"A\":\"1\",\"B\":\"2\"}}");
	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_EQ(pwrite(fd, bad, sizeof bad - 1, 0), (ssize_t)sizeof bad - 1);
	CHECK_HAS(json_of(cli_flag_env_file, path, &buf), "! line 2: ");
	CHECK_EQ(ftruncate(fd, CLI_ENV_FILE_MAX + 2), 0);
	CHECK_HAS(json_of(cli_flag_env_file, path, &buf), "! ");
	(void)close(fd);
	(void)unlink(path);
	CHECK_HAS(json_of(cli_flag_env_file, path, &buf), "! cannot read");
}

TEST(cli_flag_labels_and_other_pairs)
{
	CLEANUP(buf_fini) struct buf buf = {0};

	CHECK_STR(json_of(cli_flag_label, "a=b", &buf), "{\"labels\":{\"a\":\"b\"}}");
	CHECK_STR(json_of(cli_flag_label, "a", &buf), "{\"labels\":{\"a\":\"\"}}");
	CHECK_HAS(json_of(cli_flag_label, "=a", &buf), "! ");
	CHECK_STR(json_of(cli_flag_sysctl, "net.x=1", &buf), "{\"sysctls\":{\"net.x\":\"1\"}}");
	CHECK_STR(json_of(cli_flag_log_opt, "max-size=10m", &buf),
		"{\"log_config\":{\"options\":{\"max-size\":\"10m\"}}}");
}

TEST(cli_flag_ulimit_and_device)
{
	static const struct example ulimits[] = {
		{"nofile=1024",
			"{\"ulimits\":[{\"name\":\"nofile\",\"soft\":1024,\"hard\":1024}]}"},
		{"nofile=1:2", "{\"ulimits\":[{\"name\":\"nofile\",\"soft\":1,\"hard\":2}]}"},
		{"core=-1", "{\"ulimits\":[{\"name\":\"core\",\"soft\":-1,\"hard\":-1}]}"},
		{"nofile", "! want NAME"},
		{"nofile=x", "! "},
		{"nofile=1:", "! "},
	};
	static const struct example devices[] = {
		{"/dev/a", "{\"devices\":[{\"host_path\":\"/dev/a\"}]}"},
		{"/dev/a:/dev/b:rw", "{\"devices\":[{\"host_path\":\"/dev/a\","
				     "\"container_path\":\"/dev/b\",\"permissions\":\"rw\"}]}"},
		{"/dev/a:r", "{\"devices\":[{\"host_path\":\"/dev/a\",\"permissions\":\"r\"}]}"},
		{"dev/a", "! "},
	};

	CHECK_EXAMPLES(cli_flag_ulimit, ulimits);
	CHECK_EXAMPLES(cli_flag_device, devices);
}

TEST(cli_flag_volume_tells_volumes_from_directories)
{
	static const struct example examples[] = {
		{"data:/var", "{\"mounts\":[{\"type\":\"VOLUME\",\"source\":\"data\","
			      "\"target\":\"/var\"}]}"},
		{"data:/var:ro", "{\"mounts\":[{\"type\":\"VOLUME\",\"source\":\"data\","
				 "\"target\":\"/var\",\"read_only\":true}]}"},
		{"/srv:/var:rw", "{\"mounts\":[{\"type\":\"BIND\",\"source\":\"/srv\","
				 "\"target\":\"/var\"}]}"},
		{"/var", "{\"mounts\":[{\"type\":\"VOLUME\",\"target\":\"/var\"}]}"},
		{"./here:/var", "! a host path must be absolute"},
		{"data:var", "! want NAME:/PATH"},
		{"data:/var:z", "! 'z': want ro or rw"},
	};

	CHECK_EXAMPLES(cli_flag_volume, examples);
}

TEST(cli_flag_mount_and_tmpfs_and_network)
{
	static const struct example mounts[] = {
		{"type=bind,src=/a,dst=/b,readonly",
			"{\"mounts\":[{\"type\":\"BIND\",\"source\":\"/a\",\"target\":\"/b\","
			"\"read_only\":true}]}"},
		{"type=tmpfs,target=/b,tmpfs-size=1MiB",
			"{\"mounts\":[{\"type\":\"TMPFS\",\"target\":\"/b\","
			"\"tmpfs_size_bytes\":1048576}]}"},
		{"src=a,target=/b,volume-driver=local,volume-opt=type=nfs,"
		 "\"volume-opt=o=addr=10.0.0.9,rw\",volume-opt=device=:/c",
			"{\"mounts\":[{\"type\":\"VOLUME\",\"source\":\"a\",\"target\":\"/b\","
			"\"driver\":\"local\",\"driver_options\":{\"type\":\"nfs\","
			"\"o\":\"addr=10.0.0.9,rw\",\"device\":\":/c\"}}]}"},
		{"\"src=a,b\",,target=/b,\"ro",
			"{\"mounts\":[{\"type\":\"VOLUME\",\"source\":\"a,b\",\"target\":\"/b\","
			"\"read_only\":true}]}"},
		{"target=/b,volume-opt==x", "! volume-opt=NAME=VALUE"},
		{"type=nfs,target=/b", "! 'nfs' is none of"},
		{"source=/a", "! target=/PATH is missing"},
		{"target=/b,bind-propagation=shared", "! 'bind-propagation' is not understood"},
	};
	static const struct example tmpfs[] = {
		{"/run", "{\"mounts\":[{\"type\":\"TMPFS\",\"target\":\"/run\"}]}"},
		{"/run:size=1k", "{\"mounts\":[{\"type\":\"TMPFS\",\"target\":\"/run\","
				 "\"tmpfs_size_bytes\":1000}]}"},
		{"run", "! "},
		{"/run:mode=1777", "! "},
	};
	static const struct example networks[] = {
		{"net", "{\"networks\":[{\"name\":\"net\"}]}"},
		{"name=net,alias=a,alias=b",
			"{\"networks\":[{\"name\":\"net\",\"aliases\":[\"a\",\"b\"]}]}"},
		{"alias=a", "! names no network"},
		{"name=net,ip=1", "! "},
	};

	CHECK_EXAMPLES(cli_flag_mount, mounts);
	CHECK_EXAMPLES(cli_flag_tmpfs, tmpfs);
	CHECK_EXAMPLES(cli_flag_network, networks);
}

TEST(cli_flag_policies)
{
	static const struct example restarts[] = {
		{"no", "{\"restart\":{\"condition\":\"NO\"}}"},
		{"on-failure:3", "{\"restart\":{\"condition\":\"ON_FAILURE\",\"max_attempts\":3}}"},
		{"unless-stopped", "{\"restart\":{\"condition\":\"UNLESS_STOPPED\"}}"},
		{"always:3", "! only on-failure"},
		{"on-failure:x", "! "},
		{"sometimes", "! "},
	};
	static const struct example disconnects[] = {
		{"replace", "{\"disconnect\":{\"mode\":\"REPLACE\"}}"},
		{"replace:10s",
			"{\"disconnect\":{\"mode\":\"REPLACE\",\"replace_after_ms\":10000}}"},
		{"keep", "{\"disconnect\":{\"mode\":\"KEEP\"}}"},
		{"stop-after:30s",
			"{\"disconnect\":{\"mode\":\"STOP_AFTER\",\"stop_after_ms\":30000}}"},
		{"stop-after", "! wants a time"},
		{"keep:1s", "! keep takes no time"},
		{"replace:soon", "! "},
	};

	CHECK_EXAMPLES(cli_flag_restart, restarts);
	CHECK_EXAMPLES(cli_flag_disconnect, disconnects);
}

TEST(cli_flag_placement)
{
	CLEANUP(buf_fini) struct buf buf = {0};

	CHECK_STR(json_of(cli_flag_affinity, "app=web,topology=zone,weight=10", &buf),
		"{\"affinities\":[{\"label\":\"app=web\",\"topology\":\"zone\",\"weight\":10}]}");
	CHECK_STR(json_of(cli_flag_anti_affinity, "app=web", &buf),
		"{\"affinities\":[{\"label\":\"app=web\",\"anti\":true}]}");
	CHECK_HAS(json_of(cli_flag_affinity, "web", &buf), "! ");
	CHECK_HAS(json_of(cli_flag_affinity, "a=b,weight=x", &buf), "! weight: ");
	CHECK_STR(json_of(cli_flag_spread, "zone,weight=2", &buf),
		"{\"spreads\":[{\"topology\":\"zone\",\"weight\":2}]}");
	CHECK_HAS(json_of(cli_flag_spread, "", &buf), "! ");
	CHECK_HAS(json_of(cli_flag_spread, "zone,x=2", &buf), "! ");
	CHECK_STR(json_of(cli_flag_spread, "zone,target=a:70,target=*:10", &buf),
		"{\"spreads\":[{\"topology\":\"zone\",\"targets\":{\"a\":\"70\",\"*\":\"10\"}}]}");
	CHECK_HAS(json_of(cli_flag_spread, "zone,target=a", &buf), "! ");
	CHECK_STR(json_of(cli_flag_prefer, "node.labels.disk in (ssd, nvme)", &buf),
		"{\"preferences\":[{\"constraint\":\"node.labels.disk in (ssd, nvme)\"}]}");
	CHECK_STR(json_of(cli_flag_prefer, "node.arch == arm64,weight=-20", &buf),
		"{\"preferences\":[{\"constraint\":\"node.arch == arm64\",\"weight\":-20}]}");
	CHECK_HAS(json_of(cli_flag_prefer, "node.arch == arm64,weight=0", &buf), "! ");
	CHECK_HAS(json_of(cli_flag_prefer, "node.arch == arm64,weight=101", &buf), "! ");
	CHECK_STR(json_of(cli_flag_reserve_device, "fpga=2", &buf),
		"{\"device_requests\":[{\"kind\":\"fpga\",\"count\":2}]}");
	CHECK_STR(json_of(cli_flag_reserve_device, "fpga", &buf),
		"{\"device_requests\":[{\"kind\":\"fpga\",\"count\":1}]}");
	CHECK_HAS(json_of(cli_flag_reserve_device, "=2", &buf), "! ");
	CHECK_HAS(json_of(cli_flag_reserve_device, "fpga=0", &buf), "! ");
	CHECK_STR(json_of(cli_flag_toleration, "k=v:no-schedule", &buf),
		"{\"tolerations\":[{\"key\":\"k\",\"value\":\"v\",\"effect\":\"NO_SCHEDULE\"}]}");
	CHECK_STR(json_of(cli_flag_toleration, "k", &buf), "{\"tolerations\":[{\"key\":\"k\"}]}");
	CHECK_HAS(json_of(cli_flag_toleration, ":x", &buf), "! ");
	CHECK_HAS(json_of(cli_flag_toleration, "k:x", &buf), "! ");
	CHECK_STR(json_of(cli_flag_strategy, "best-fit", &buf), "{\"strategy\":\"BEST_FIT\"}");
	CHECK_STR(json_of(cli_flag_pull, "never", &buf), "{\"pull_policy\":\"NEVER\"}");
	CHECK_STR(json_of(cli_flag_priority, "0", &buf), "{\"priority\":0}");
	CHECK_HAS(json_of(cli_flag_priority, "101", &buf), "! ");
	CHECK_STR(json_of(cli_flag_stop_timeout, "0", &buf), "{\"stop_timeout_ms\":0}");
	CHECK_STR(json_of(cli_flag_stop_timeout, "1m", &buf), "{\"stop_timeout_ms\":60000}");
}
