/*
 * settings.h - how davit-worker is told what to be: its table of options.
 *
 * For main.c, before anything else runs.
 */
#pragma once

#include "common/service/service.h"
#include "services/worker/worker_shell.h"

struct worker_settings {
	struct service_settings common;
	char *name, *manager, *stats, *docker_host, *state_dir, *stats_source;
	char *node_class, *address;
	struct option_list labels, taints, devices;
	uint64_t gpus;
	char *registry_config;
	bool allows_chaos;
	struct option_list bind_dirs;
	uint64_t log_max_bytes, reserved_cpu_milli, reserved_memory_bytes, reserved_disk_bytes;
	uint64_t cpu_percent, memory_percent;
	uint64_t image_max_age_ms, image_disk_high, image_disk_low;
	uint64_t cpu_milli, memory_bytes, disk_bytes, start_limit, stats_interval_ms;
	char *host_name, *default_state_dir; /* made by worker_settings_read */
};

extern const struct options_spec worker_options_spec;

/*
 * What the settings mean for the shell; it borrows from them. -EINVAL with words.
 * Afterwards worker_settings_fini in every case.
 */
int worker_settings_read(struct worker_settings *settings, struct worker_shell_options *ret_shell,
	struct err *err);

/* Frees what worker_settings_read made. */
void worker_settings_fini(struct worker_settings *settings);
