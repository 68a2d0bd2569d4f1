/*
 * settings.h - how davit-worker is told what to be: its table of options.
 *
 * For main.c, before anything else runs.
 */
#pragma once

#include "services/worker/worker_shell.h"

struct worker_settings {
	char *name, *manager, *stats, *docker_host, *state_dir, *stats_source;
	char *log_level, *log_file;
	struct option_list labels;
	uint64_t cpu_milli, memory_bytes, disk_bytes, start_limit, stats_interval_ms;
	struct worker_shell_options shell; /* made of the above by worker_settings_parse */
	char *host_name, *default_state_dir;
};

/* An enum options_result, or -EINVAL with words. Afterwards worker_settings_fini in every case. */
int worker_settings_parse(int argc, char **argv, struct worker_settings *ret_settings,
	struct err *err);
void worker_settings_fini(struct worker_settings *settings);
