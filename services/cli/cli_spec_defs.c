/* The table of `davit run`'s flags; tested by tests/unit/test_cli_spec.c. */
#include "services/cli/cli_spec.h"

#define RUN struct cli_run_settings

/* What the task is; both `run` and `plan` take these. */
#define SPEC_DEFS                                                                                  \
	OPTION_STRING("name", 0, "NAME", RUN, name, NULL,                                          \
		"name of the task, absent: made from the image"),                                  \
		OPTION_FLAG("rm", 0, RUN, is_removed, "remove the task once it has ended"),        \
		OPTION_LIST("publish", 'p', "PORT", RUN, publish,                                  \
			"[[ADDRESS:]HOSTPORT:]PORT[/udp], without HOSTPORT: one that is free"),    \
		OPTION_LIST("env", 'e', "NAME=VALUE", RUN, env,                                    \
			"a variable; NAME alone: as it is here"),                                  \
		OPTION_LIST("env-file", 0, "FILE", RUN, env_files, "variables from a file"),       \
		OPTION_LIST("label", 'l', "NAME=VALUE", RUN, labels, "a label"),                   \
		OPTION_CPU("cpus", 0, RUN, cpu_milli, NULL,                                        \
			"cores to reserve and to limit it to"),                                    \
		OPTION_BYTES("memory", 'm', RUN, memory_bytes, NULL,                               \
			"memory to reserve and to limit it to, such as 512MiB"),                   \
		OPTION_BYTES("disk", 0, RUN, disk_bytes, NULL, "disk to reserve"),                 \
		OPTION_NUMBER("gpus", 0, "N", RUN, gpus, NULL, 0, 1024, "GPUs to reserve"),        \
		OPTION_NUMBER("pids-limit", 0, "N", RUN, pids_limit, NULL, 0, 0,                   \
			"most processes"),                                                         \
		OPTION_LIST("ulimit", 0, "NAME=SOFT[:HARD]", RUN, ulimits,                         \
			"a limit such as nofile=1024"),                                            \
		OPTION_BYTES("shm-size", 0, RUN, shm_size_bytes, NULL, "size of /dev/shm"),        \
		OPTION_LIST("device", 0, "HOST[:PATH[:rwm]]", RUN, devices,                        \
			"a device of the node"),                                                   \
		OPTION_LIST("volume", 'v', "SOURCE:PATH[:ro]", RUN, volumes,                       \
			"a volume (NAME) or a directory of the node (/HOST)"),                     \
		OPTION_LIST("mount", 0, "KEY=VALUE,…", RUN, mounts,                                \
			"type=volume|bind|tmpfs,source=…,target=/PATH[,readonly,volume-opt=…]"),   \
		OPTION_LIST("tmpfs", 0, "PATH[:size=BYTES]", RUN, tmpfs, "a directory in memory"), \
		OPTION_LIST("network", 0, "NAME", RUN, networks,                                   \
			"a network, or name=NET,alias=OTHER"),                                     \
		OPTION_LIST("network-alias", 0, "NAME", RUN, network_aliases,                      \
			"a name on its networks"),                                                 \
		OPTION_LIST("add-host", 0, "NAME:ADDRESS", RUN, extra_hosts,                       \
			"a line of /etc/hosts"),                                                   \
		OPTION_LIST("dns", 0, "ADDRESS", RUN, dns, "a name server"),                       \
		OPTION_LIST("dns-search", 0, "DOMAIN", RUN, dns_search, "a domain to search"),     \
		OPTION_STRING("restart", 0, "POLICY", RUN, restart, NULL,                          \
			"no, on-failure[:N], always or unless-stopped"),                           \
		OPTION_STRING("entrypoint", 0, "PROGRAM", RUN, entrypoint, NULL,                   \
			"instead of the image's"),                                                 \
		OPTION_STRING("user", 'u', "USER", RUN, user, NULL, "name or uid[:gid]"),          \
		OPTION_STRING("workdir", 'w', "DIR", RUN, working_dir, NULL,                       \
			"directory to start in"),                                                  \
		OPTION_STRING("hostname", 'h', "NAME", RUN, hostname, NULL, "host name inside"),   \
		OPTION_FLAG("tty", 't', RUN, has_tty, "give it a terminal"),                       \
		OPTION_FLAG("interactive", 'i', RUN, has_stdin,                                    \
			"keep its input open, for 'davit attach'"),                                \
		OPTION_STRING("stop-signal", 0, "SIGNAL", RUN, stop_signal, NULL,                  \
			"asks it to end, absent: TERM"),                                           \
		OPTION_STRING("stop-timeout", 0, "TIME", RUN, stop_timeout, NULL,                  \
			"from that signal to KILL, seconds or a time such as 1m"),                 \
		OPTION_DURATION("ttl", 0, RUN, ttl_ms, NULL,                                       \
			"end and remove it this long after now"),                                  \
		OPTION_DURATION("max-run-time", 0, RUN, max_run_time_ms, NULL,                     \
			"stop it, as failed, when it has run this long"),                          \
		OPTION_STRING("pull", 0, "POLICY", RUN, pull, NULL, "missing, always or never"),   \
		OPTION_STRING("registry-auth", 0, "NAME", RUN, registry_auth, NULL,                \
			"a credential that the worker's configuration holds"),                     \
		OPTION_LIST("cap-add", 0, "CAP", RUN, cap_add, "a capability to add"),             \
		OPTION_LIST("cap-drop", 0, "CAP", RUN, cap_drop, "a capability to drop"),          \
		OPTION_FLAG("read-only", 0, RUN, is_read_only,                                     \
			"a root directory that cannot be written"),                                \
		OPTION_FLAG("privileged", 0, RUN, is_privileged, "all capabilities and devices"),  \
		OPTION_FLAG("no-new-privileges", 0, RUN, no_new_privileges,                        \
			"no rights from setuid programs"),                                         \
		OPTION_FLAG("init", 0, RUN, has_init, "a small init as process 1"),                \
		OPTION_LIST("security-opt", 0, "OPTION", RUN, security_opt,                        \
			"a security option of the engine"),                                        \
		OPTION_LIST("sysctl", 0, "NAME=VALUE", RUN, sysctls,                               \
			"a kernel setting of its namespaces"),                                     \
		OPTION_STRING("runtime", 0, "NAME", RUN, runtime, NULL,                            \
			"OCI runtime of the engine"),                                              \
		OPTION_STRING("platform", 0, "OS/ARCH", RUN, platform, NULL,                       \
			"platform of the image"),                                                  \
		OPTION_STRING("log-driver", 0, "NAME", RUN, log_driver, NULL,                      \
			"absent: json-file"),                                                      \
		OPTION_LIST("log-opt", 0, "NAME=VALUE", RUN, log_opts,                             \
			"an option of the log driver"),                                            \
		OPTION_STRING("health-cmd", 0, "COMMAND", RUN, health_cmd, NULL,                   \
			"shell command that ends with 0 while it is healthy"),                     \
		OPTION_STRING("health-http", 0, "URL", RUN, health_http, NULL,                     \
			"path that answers while it is healthy: http://:8080/health"),             \
		OPTION_NUMBER("health-tcp", 0, "PORT", RUN, health_tcp, NULL, 0, 65535,            \
			"port that accepts while it is healthy"),                                  \
		OPTION_DURATION("health-interval", 0, RUN, health_interval_ms, NULL,               \
			"between two checks"),                                                     \
		OPTION_DURATION("health-timeout", 0, RUN, health_timeout_ms, NULL,                 \
			"for one check"),                                                          \
		OPTION_NUMBER("health-retries", 0, "N", RUN, health_retries, NULL, 0, 1000,        \
			"failures in a row until it is unhealthy"),                                \
		OPTION_DURATION("health-start-period", 0, RUN, health_start_ms, NULL,              \
			"time to start in which failures do not count"),                           \
		OPTION_STRING("priority", 0, "N", RUN, priority, NULL,                             \
			"0 to 100, higher first, absent: 50"),                                     \
		OPTION_STRING("strategy", 0, "NAME", RUN, strategy, NULL,                          \
			"best-fit, spread, round-robin, random or resource-aware"),                \
		OPTION_LIST("constraint", 0, "EXPR", RUN, constraints,                             \
			"where it may run: 'node.labels.disk == ssd', 'node.name != n1'"),         \
		OPTION_LIST("prefer", 0, "EXPR", RUN, preferences,                                 \
			"where it would rather run [,weight=N], -100 to 100, absent: 50"),         \
		OPTION_LIST("affinity", 0, "LABEL=VALUE", RUN, affinities,                         \
			"near tasks with that label [,topology=KEY][,weight=N]; with a weight "    \
			"if possible, else only there"),                                           \
		OPTION_LIST("anti-affinity", 0, "LABEL=VALUE", RUN, anti_affinities,               \
			"the opposite"),                                                           \
		OPTION_LIST("spread", 0, "KEY", RUN, spreads,                                      \
			"evenly over the values of a node label "                                  \
			"[,weight=N][,target=VALUE:PERCENT]"),                                     \
		OPTION_NUMBER("max-per-node", 0, "N", RUN, max_per_node, NULL, 0, 1000000,         \
			"most tasks of the array on one node"),                                    \
		OPTION_FLAG("distinct-hosts", 0, RUN, has_distinct_hosts,                          \
			"each task of the array on another node: --max-per-node 1"),               \
		OPTION_LIST("reserve-device", 0, "KIND[=N]", RUN, device_requests,                 \
			"devices of a kind that nodes declare, to reserve"),                       \
		OPTION_LIST("toleration", 0, "KEY[=VALUE][:EFFECT]", RUN, tolerations,             \
			"a taint that it stands"),                                                 \
		OPTION_FLAG("gang", 0, RUN, is_gang, "all tasks of an array at once or none"),     \
		OPTION_STRING("disconnect", 0, "MODE", RUN, disconnect, NULL,                      \
			"when its node falls silent: replace[:TIME], keep or stop-after:TIME")

const struct option_def cli_run_defs[] = {
	OPTION_NUMBER("count", 0, "N", RUN, count, "1", 1, 1000000, "how many tasks"),
	OPTION_FLAG("detach", 'd', RUN, is_detached, "return once it is accepted; the default"),
	OPTION_FLAG("follow", 'f', RUN, follows,
		"show its output and exit with its exit code; with --rm, ^C stops it"),
	OPTION_FLAG("wait", 0, RUN, waits, "return once it runs, with its ports"),
	OPTION_FLAG("dry-run", 0, RUN, is_dry, "print the task as YAML (or -o json), run nothing"),
	SPEC_DEFS,
	OPTION_END,
};

const struct option_def cli_plan_defs[] = {
	OPTION_LIST("file", 'f', "FILE", RUN, files,
		"a task in YAML (several behind '---' lines) or JSON; -: standard input"),
	OPTION_NUMBER("count", 0, "N", RUN, count, "1", 1, 10000, "how many tasks"),
	SPEC_DEFS,
	OPTION_END,
};
