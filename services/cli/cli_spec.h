/*
 * cli_spec.h - the flags of `davit run` and `davit plan`, and the TaskSpec that they make.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/options.h"
#include "proto/types.pb-c.h"
#include "services/cli/cli.h"

struct cli_run_settings {
	struct cli_globals globals; /* first, as in every settings struct */

	/* How to run it. */
	uint64_t count;
	bool is_detached, follows, waits, is_dry;
	struct option_list files; /* of `plan`, instead of an image */

	/* What to run. */
	char *name, *entrypoint, *user, *working_dir, *hostname, *stop_signal, *stop_timeout;
	char *restart, *pull, *registry_auth, *log_driver, *runtime, *platform;
	char *priority, *strategy, *disconnect;
	char *health_cmd, *health_http;
	struct option_list publish, env, env_files, labels, ulimits, devices, volumes, mounts,
		tmpfs;
	struct option_list networks, network_aliases, cap_add, cap_drop, security_opt, sysctls;
	struct option_list extra_hosts, dns, dns_search, log_opts;
	struct option_list constraints, preferences, affinities, anti_affinities, spreads,
		tolerations, device_requests;
	uint64_t cpu_milli, memory_bytes, disk_bytes, pids_limit, shm_size_bytes, gpus;
	uint64_t max_per_node;
	uint64_t ttl_ms, max_run_time_ms;
	uint64_t health_tcp, health_interval_ms, health_timeout_ms, health_retries, health_start_ms;
	bool has_stdin, is_removed, has_tty, is_read_only, is_privileged, has_init,
		no_new_privileges, is_gang, has_distinct_hosts;
};

extern const struct option_def cli_run_defs[], cli_plan_defs[];

/*
 * The spec that the flags and the arguments IMAGE [COMMAND…] ask for; the caller's,
 * davit__task_spec__free_unpacked. -EINVAL with the flag at fault.
 */
int cli_spec_from_flags(const struct cli_run_settings *settings, int argc, char **argv,
	Davit__TaskSpec **ret_spec, struct err *err);
