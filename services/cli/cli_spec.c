#include "services/cli/cli_spec.h"

#include <errno.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/cli/cli_flag.h"
#include "services/cli/cli_pb.h"

/* Flags that are read text by text, each into the spec. */
struct text_rule {
	const char *flag;
	size_t offset; /* of a char * or a struct option_list in the settings */
	cli_flag_fn *read;
};

#define AT(field) offsetof(struct cli_run_settings, field)

static const struct text_rule string_rules[] = {
	{"--restart", AT(restart), cli_flag_restart},
	{"--pull", AT(pull), cli_flag_pull},
	{"--strategy", AT(strategy), cli_flag_strategy},
	{"--disconnect", AT(disconnect), cli_flag_disconnect},
	{"--priority", AT(priority), cli_flag_priority},
	{"--stop-timeout", AT(stop_timeout), cli_flag_stop_timeout},
};

/* --env behind --env-file: the later of two wins in a container's environment. */
static const struct text_rule list_rules[] = {
	{"--publish", AT(publish), cli_flag_publish},
	{"--env-file", AT(env_files), cli_flag_env_file},
	{"--env", AT(env), cli_flag_env},
	{"--label", AT(labels), cli_flag_label},
	{"--ulimit", AT(ulimits), cli_flag_ulimit},
	{"--device", AT(devices), cli_flag_device},
	{"--volume", AT(volumes), cli_flag_volume},
	{"--mount", AT(mounts), cli_flag_mount},
	{"--tmpfs", AT(tmpfs), cli_flag_tmpfs},
	{"--network", AT(networks), cli_flag_network},
	{"--sysctl", AT(sysctls), cli_flag_sysctl},
	{"--log-opt", AT(log_opts), cli_flag_log_opt},
	{"--affinity", AT(affinities), cli_flag_affinity},
	{"--anti-affinity", AT(anti_affinities), cli_flag_anti_affinity},
	{"--spread", AT(spreads), cli_flag_spread},
	{"--toleration", AT(tolerations), cli_flag_toleration},
	{"--prefer", AT(preferences), cli_flag_prefer},
	{"--reserve-device", AT(device_requests), cli_flag_reserve_device},
};

static int
read_texts(const struct cli_run_settings *settings, Davit__TaskSpec *spec, struct err *err)
{
	const char *base = (const char *)settings;

	for (size_t i = 0; i < sizeof string_rules / sizeof string_rules[0]; i++) {
		const struct text_rule *rule = &string_rules[i];
		char *const *text = (char *const *)(const void *)(base + rule->offset);

		if (*text != NULL && rule->read(spec, *text, err) < 0)
			return err_wrap(err, "%s", rule->flag);
	}
	for (size_t i = 0; i < sizeof list_rules / sizeof list_rules[0]; i++) {
		const struct text_rule *rule = &list_rules[i];
		const struct option_list *list = (const void *)(base + rule->offset);

		for (size_t k = 0; k < list->n; k++) {
			if (rule->read(spec, list->items[k], err) < 0)
				return err_wrap(err, "%s", rule->flag);
		}
	}
	return 0;
}

#define COPY_LIST(spec, field, list)                                        \
	do {                                                                \
		for (size_t i_ = 0; i_ < (list).n; i_++)                    \
			CLI_PB_ADD(spec, field, xstrdup((list).items[i_])); \
	} while (0)

static void
copy_texts(const struct cli_run_settings *settings, Davit__TaskSpec *spec)
{
	spec->name = xstrdup(settings->name);
	spec->namespace_ = xstrdup(settings->globals.namespace_name);
	spec->user = xstrdup(settings->user);
	spec->working_dir = xstrdup(settings->working_dir);
	spec->hostname = xstrdup(settings->hostname);
	spec->stop_signal = xstrdup(settings->stop_signal);
	spec->registry_auth = xstrdup(settings->registry_auth);
	spec->runtime = xstrdup(settings->runtime);
	spec->platform = xstrdup(settings->platform);
	if (settings->entrypoint != NULL)
		CLI_PB_ADD(spec, entrypoint, xstrdup(settings->entrypoint));
	COPY_LIST(spec, cap_add, settings->cap_add);
	COPY_LIST(spec, cap_drop, settings->cap_drop);
	COPY_LIST(spec, security_opt, settings->security_opt);
	COPY_LIST(spec, extra_hosts, settings->extra_hosts);
	COPY_LIST(spec, dns, settings->dns);
	COPY_LIST(spec, dns_search, settings->dns_search);
	COPY_LIST(spec, constraints, settings->constraints);
}

/* What is 0 or false is what absent means, too. */
#define SET_UNLESS_ZERO(message, field, to)             \
	do {                                            \
		if (to)                                 \
			CLI_PB_SET(message, field, to); \
	} while (0)

static void
copy_figures(const struct cli_run_settings *settings, Davit__TaskSpec *spec)
{
	SET_UNLESS_ZERO(spec, cpu_milli, settings->cpu_milli);
	SET_UNLESS_ZERO(spec, memory_bytes, settings->memory_bytes);
	SET_UNLESS_ZERO(spec, disk_bytes, settings->disk_bytes);
	SET_UNLESS_ZERO(spec, pids_limit, settings->pids_limit);
	SET_UNLESS_ZERO(spec, shm_size_bytes, settings->shm_size_bytes);
	SET_UNLESS_ZERO(spec, gpus, (uint32_t)settings->gpus);
	SET_UNLESS_ZERO(spec, max_per_node,
		settings->has_distinct_hosts ? 1 : (uint32_t)settings->max_per_node);
	SET_UNLESS_ZERO(spec, ttl_ms, settings->ttl_ms);
	SET_UNLESS_ZERO(spec, max_run_time_ms, settings->max_run_time_ms);
	SET_UNLESS_ZERO(spec, auto_remove, settings->is_removed);
	SET_UNLESS_ZERO(spec, tty, settings->has_tty);
	SET_UNLESS_ZERO(spec, stdin, settings->has_stdin);
	SET_UNLESS_ZERO(spec, read_only, settings->is_read_only);
	SET_UNLESS_ZERO(spec, privileged, settings->is_privileged);
	SET_UNLESS_ZERO(spec, init, settings->has_init);
	SET_UNLESS_ZERO(spec, no_new_privileges, settings->no_new_privileges);
	if (settings->is_gang) {
		spec->gang = CLI_PB_NEW(davit__gang, Davit__Gang);
		CLI_PB_SET(spec->gang, all_or_nothing, 1);
	}
	if (settings->log_driver != NULL) {
		if (spec->log_config == NULL)
			spec->log_config = CLI_PB_NEW(davit__log_config, Davit__LogConfig);
		spec->log_config->driver = xstrdup(settings->log_driver);
	}
}

static int
copy_health(const struct cli_run_settings *settings, Davit__TaskSpec *spec, struct err *err)
{
	Davit__Healthcheck *check;
	bool has_figures = settings->health_interval_ms || settings->health_timeout_ms ||
			   settings->health_retries || settings->health_start_ms;
	int n_checks = (settings->health_cmd != NULL) + (settings->health_http != NULL) +
		       (settings->health_tcp != 0);

	if (n_checks > 1)
		return err_set(err, -EINVAL,
			"one of --health-cmd, --health-http and --health-tcp is enough");
	if (n_checks == 0 && has_figures)
		return err_set(err, -EINVAL,
			"a health check wants --health-cmd, --health-http or --health-tcp");
	if (n_checks == 0)
		return 0;
	spec->healthcheck = check = CLI_PB_NEW(davit__healthcheck, Davit__Healthcheck);
	if (settings->health_cmd != NULL) {
		CLI_PB_ADD(check, command, xstrdup("/bin/sh"));
		CLI_PB_ADD(check, command, xstrdup("-c"));
		CLI_PB_ADD(check, command, xstrdup(settings->health_cmd));
	}
	check->http_get = xstrdup(settings->health_http);
	SET_UNLESS_ZERO(check, tcp_port, (uint32_t)settings->health_tcp);
	SET_UNLESS_ZERO(check, interval_ms, settings->health_interval_ms);
	SET_UNLESS_ZERO(check, timeout_ms, settings->health_timeout_ms);
	SET_UNLESS_ZERO(check, retries, (uint32_t)settings->health_retries);
	SET_UNLESS_ZERO(check, start_period_ms, settings->health_start_ms);
	return 0;
}

static int
copy_aliases(const struct cli_run_settings *settings, Davit__TaskSpec *spec, struct err *err)
{
	if (settings->network_aliases.n > 0 && spec->n_networks == 0)
		return err_set(err, -EINVAL, "--network-alias wants a --network");
	for (size_t i = 0; i < spec->n_networks; i++)
		COPY_LIST(spec->networks[i], aliases, settings->network_aliases);
	return 0;
}

static void
free_spec(Davit__TaskSpec *spec)
{
	davit__task_spec__free_unpacked(spec, NULL);
}
CLEANUP_DEFINE(Davit__TaskSpec *, free_spec)

int
cli_spec_from_flags(const struct cli_run_settings *settings, int argc, char **argv,
	Davit__TaskSpec **ret_spec, struct err *err)
{
	CLEANUP(free_spec) Davit__TaskSpec *spec = CLI_PB_NEW(davit__task_spec, Davit__TaskSpec);
	int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;

	spec->image = xstrdup(argv[0]);
	for (int i = first; i < argc; i++)
		CLI_PB_ADD(spec, command, xstrdup(argv[i]));
	copy_texts(settings, spec);
	if (read_texts(settings, spec, err) < 0)
		return err->code;
	copy_figures(settings, spec);
	if (copy_health(settings, spec, err) < 0)
		return err->code;
	if (copy_aliases(settings, spec, err) < 0)
		return err->code;
	*ret_spec = TAKE(spec);
	return 0;
}
