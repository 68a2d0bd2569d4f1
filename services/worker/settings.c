#include "services/worker/settings.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/mem.h"

#define S struct worker_settings
static const struct option_def option_defs[] = {
	OPTION_STRING("name", 'n', "NAME", S, name, NULL, "of this node; default: the host's name"),
	OPTION_STRING("manager", 'm', "URL", S, manager, "tcp://127.0.0.1:7070", "whom to ask"),
	OPTION_STRING("stats", 0, "URL", S, stats, "tcp://127.0.0.1:7072",
		"where statistics are sent"),
	OPTION_STRING("docker-host", 'H', "URL", S, docker_host, NULL,
		"the engine; default: DOCKER_HOST or unix:///var/run/docker.sock; mem:// is one in "
		"memory, for tests"),
	OPTION_STRING("state-dir", 0, "DIR", S, state_dir, NULL,
		"what must survive is kept here; default: /var/lib/davit/worker-NAME"),
	OPTION_CPU("cpus", 0, S, cpu_milli, NULL, "to give away; default: as the engine has"),
	OPTION_BYTES("memory", 0, S, memory_bytes, NULL,
		"to give away; default: as the engine has"),
	OPTION_BYTES("disk", 0, S, disk_bytes, NULL, "to give away; default: of the engine's disk"),
	OPTION_STRING("address", 0, "HOST", S, address, NULL,
		"where the ports that tasks publish here are reached; default: of the interface "
		"with the default route"),
	OPTION_LIST("label", 'l', "KEY=VALUE", S, labels, "of this node, for constraints"),
	OPTION_STRING("class", 0, "NAME", S, node_class, NULL, "kind of machine, for constraints"),
	OPTION_LIST("taint", 0, "KEY[=VALUE]:EFFECT", S, taints,
		"keeps tasks off that do not tolerate it: no-schedule, prefer-no-schedule or "
		"no-execute"),
	OPTION_NUMBER("gpus", 0, "N", S, gpus, "0", 0, 4096,
		"to give away; 0: as many as the engine's nvidia runtime has"),
	OPTION_LIST("device", 0, "KIND=COUNT", S, devices, "other devices to give away"),
	OPTION_CPU("reserve-cpus", 0, S, reserved_cpu_milli, NULL,
		"kept back for the system, where --cpus is not given"),
	OPTION_BYTES("reserve-memory", 0, S, reserved_memory_bytes, NULL,
		"kept back for the system, where --memory is not given"),
	OPTION_BYTES("reserve-disk", 0, S, reserved_disk_bytes, NULL,
		"kept back for the system, where --disk is not given"),
	OPTION_NUMBER("overcommit-cpus", 0, "PERCENT", S, cpu_percent, "100", 1, 10000,
		"so much of the rest is given away"),
	OPTION_NUMBER("overcommit-memory", 0, "PERCENT", S, memory_percent, "100", 1, 10000,
		"so much of the rest is given away"),
	OPTION_BYTES("log-max-size", 0, S, log_max_bytes, "256MiB",
		"of a container's log, where its spec says nothing; 0: no limit"),
	OPTION_DURATION("image-max-age", 0, S, image_max_age_ms, "7d",
		"images pulled for tasks go when none has used them for so long; 0: never"),
	OPTION_NUMBER("image-disk-high", 0, "PERCENT", S, image_disk_high, "85", 0, 100,
		"of the engine's disk: from here on they go, the least used first; 0: never"),
	OPTION_NUMBER("image-disk-low", 0, "PERCENT", S, image_disk_low, "75", 0, 100,
		"of the engine's disk: until here"),
	OPTION_LIST("allow-bind", 0, "DIR", S, bind_dirs,
		"tasks may bind what is in these directories; default: anything"),
	OPTION_STRING("registry-config", 0, "FILE", S, registry_config, NULL,
		"credentials for image registries, in the format of docker's config.json"),
	OPTION_NUMBER("start-limit", 0, "N", S, start_limit, "0", 0, 4096,
		"containers being started at one time; 0: as many as the engine takes best"),
	OPTION_DURATION("stats-interval", 0, S, stats_interval_ms, "1s",
		"between two measurements; 0: none"),
	OPTION_STRING("stats-source", 0, "SOURCE", S, stats_source, "auto",
		"auto, engine, or cgroup (the kernel's files)"),
	OPTION_FLAG("allow-chaos", 0, S, allows_chaos,
		"'davit chaos' may make faults here, if the manager allows it, too"),
	SERVICE_OPTIONS(S),
	OPTION_END,
};
#undef S

const struct options_spec worker_options_spec = {
	.program = "davit-worker",
	.summary = "Runs the containers that a Davit cluster assigns to this node.",
	.env_prefix = "DAVIT_",
	.defs = option_defs,
};

/* Names of nodes are also names of folders. */
static int
check_name(const char *name, struct err *err)
{
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL || strlen(name) > 128)
		return err_set(err, -EINVAL,
			"--name '%.60s': want 1 to 128 characters, no '/', no '.' in front", name);
	return 0;
}

int
worker_settings_read(struct worker_settings *settings, struct worker_shell_options *shell,
	struct err *err)
{
	char host[256] = "node";
	int rc;

	*shell = (struct worker_shell_options){0};
	(void)gethostname(host, sizeof host - 1);
	settings->host_name = xstrdup(host);
	shell->metrics = settings->common.metrics;
	shell->name = settings->name == NULL ? settings->host_name : settings->name;
	rc = check_name(shell->name, err);
	if (rc == 0 &&
		asprintf(&settings->default_state_dir, "/var/lib/davit/worker-%s", shell->name) < 0)
		rc = err_set(err, -ENOMEM, "out of memory");
	if (rc == 0)
		rc = worker_stats_source_parse(settings->stats_source, &shell->stats_source, err);
	shell->state_dir =
		settings->state_dir == NULL ? settings->default_state_dir : settings->state_dir;
	shell->manager_url = settings->manager;
	shell->stats_url = settings->stats;
	shell->docker_host = settings->docker_host;
	shell->labels = settings->labels;
	shell->taints = settings->taints;
	shell->devices = settings->devices;
	shell->node_class = settings->node_class;
	shell->address = settings->address;
	shell->gpus = (uint32_t)settings->gpus;
	shell->cpu_milli = settings->cpu_milli;
	shell->memory_bytes = settings->memory_bytes;
	shell->disk_bytes = settings->disk_bytes;
	shell->start_limit = (unsigned)settings->start_limit;
	shell->registry_config = settings->registry_config;
	shell->allows_chaos = settings->allows_chaos;
	shell->policy = (struct worker_policy){.log_max_bytes = settings->log_max_bytes,
		.bind_dirs = settings->bind_dirs.items,
		.n_bind_dirs = settings->bind_dirs.n,
		.reserved_cpu_milli = settings->reserved_cpu_milli,
		.reserved_memory_bytes = settings->reserved_memory_bytes,
		.reserved_disk_bytes = settings->reserved_disk_bytes,
		.cpu_percent = (uint32_t)settings->cpu_percent,
		.memory_percent = (uint32_t)settings->memory_percent,
		.image_max_age_ms = settings->image_max_age_ms,
		.image_disk_high = (uint32_t)settings->image_disk_high,
		.image_disk_low = (uint32_t)settings->image_disk_low};
	shell->stats_interval_ms = settings->stats_interval_ms;
	return rc;
}

void
worker_settings_fini(struct worker_settings *settings)
{
	free(settings->host_name);
	free(settings->default_state_dir);
}
