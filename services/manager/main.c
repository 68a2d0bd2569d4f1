/*
 * davit-manager: keeps all state of a cluster. Options, adapters, loop; the rest is
 * shell.c (the world) and manager.c (the decisions).
 */
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/model/limits.h"
#include "common/service/service.h"
#include "services/manager/limits.h"
#include "services/manager/shell.h"
#include "services/manager/strategy_options.h"

struct settings {
	struct service_settings common;
	char *listen, *feed, *feed_json, *stats, *scheduler, *state_dir, *name, *port_range;
	struct option_list nodes, strategies;
	bool allows_chaos;
	struct manager_strategy of_namespaces[MANAGER_STRATEGIES_MAX];
	uint64_t preempt_above, claim_after_ms, sweep_ms;
	uint64_t poll_ms, silent_ms, restart_grace_ms, answers_bytes, store_log_bytes;
	uint64_t history_max, history_age_ms, history_containers;
};

#define S struct settings
static const struct option_def option_defs[] = {
	OPTION_STRING("listen", 0, "URL", S, listen, "tcp://127.0.0.1:7070",
		"where to accept calls"),
	OPTION_STRING("feed", 0, "URL", S, feed, "tcp://127.0.0.1:7071",
		"events and statistics in protobuf"),
	OPTION_STRING("stats", 0, "URL", S, stats, "tcp://127.0.0.1:7072",
		"where workers send statistics"),
	OPTION_STRING("feed-json", 0, "URL", S, feed_json, "tcp://127.0.0.1:7073",
		"events and statistics as JSON lines"),
	OPTION_STRING("scheduler", 0, "URL", S, scheduler, "tcp://127.0.0.1:7074",
		"the scheduler to ask"),
	OPTION_STRING("state-dir", 0, "DIR", S, state_dir, "/var/lib/davit/manager",
		"what must survive is kept here"),
	OPTION_STRING("name", 0, "NAME", S, name, "davit", "name of the cluster, for people"),
	OPTION_LIST("node", 0, "NAME", S, nodes, "a node that may join; none given: any"),
	OPTION_STRING("port-range", 0, "FIRST-LAST", S, port_range, "30000-32767",
		"dynamic host ports"),
	OPTION_DURATION("poll", 0, S, poll_ms, "1s", "how often a worker is heard"),
	OPTION_DURATION("silent-after", 0, S, silent_ms, "2500ms",
		"without hearing from it a node is UNKNOWN"),
	OPTION_DURATION("restart-grace", 0, S, restart_grace_ms, "30s",
		"after a start nothing is moved before this"),
	OPTION_NUMBER("history-max", 0, "N", S, history_max, "20000", 0, MANAGER_TASKS_MAX,
		"ended tasks to keep; the first to end are forgotten first"),
	OPTION_DURATION("history-age", 0, S, history_age_ms, "7d",
		"an ended task is forgotten after so long; 0: only by --history-max"),
	OPTION_NUMBER("history-containers", 0, "N", S, history_containers, "10000", 0,
		MANAGER_TASKS_MAX,
		"of them the last to end keep their containers, for logs, and are in memory"),
	OPTION_NUMBER("preempt-above", 0, "N", S, preempt_above, "50", 0, SPEC_PRIORITY_MAX,
		"tasks of greater priority may end others of lower; 100: none may"),
	OPTION_DURATION("claim-after", 0, S, claim_after_ms, "30s",
		"a task that waited so long may have room kept for it"),
	OPTION_DURATION("sweep", 0, S, sweep_ms, "5s",
		"waiting tasks are tried again so often, though nothing has changed for them"),
	OPTION_LIST("strategy", 0, "[NAMESPACE=]STRATEGY", S, strategies,
		"best-fit (the default), spread, round-robin, random or resource-aware, for tasks "
		"that name none"),
	OPTION_BYTES("answers", 0, S, answers_bytes, "16MiB",
		"memory for answers that are given again to a request that is repeated"),
	OPTION_BYTES("store-log", 0, S, store_log_bytes, "32MiB",
		"what is written is in memory, too, until it is so much"),
	OPTION_FLAG("allow-chaos", 0, S, allows_chaos,
		"'davit chaos' may make faults, on nodes whose workers allow it, too"),
	SERVICE_OPTIONS(S),
	OPTION_END,
};
#undef S

static const struct options_spec options_spec = {
	.program = "davit-manager",
	.summary = "Keeps the state of a Davit cluster and the life of its tasks.",
	.env_prefix = "DAVIT_",
	.defs = option_defs,
};

static int
parse_port_range(const char *text, struct ledger_range *ret_range, struct err *err)
{
	unsigned first, last;
	int used = 0;

	if (sscanf(text, "%5u-%5u%n", &first, &last, &used) != 2 || text[used] != '\0' ||
		first < 1 || last > UINT16_MAX || first > last)
		return err_set(err, -1, "--port-range '%.40s': want FIRST-LAST such as 30000-32767",
			text);
	*ret_range = (struct ledger_range){(uint16_t)first, (uint16_t)last};
	return 0;
}

static int
fill(struct shell_options *options, struct settings *settings, struct err *err)
{
	struct manager_config *config = &options->config;

	manager_config_init(config);
	*options = (struct shell_options){settings->listen, settings->feed, settings->feed_json,
		settings->stats, settings->scheduler, settings->state_dir,
		(size_t)settings->store_log_bytes, settings->common.metrics, *config};
	config->name = settings->name;
	config->scheduler_url = settings->scheduler;
	config->feed_url = settings->feed;
	config->feed_json_url = settings->feed_json;
	config->stats_url = settings->stats;
	config->poll_ms = settings->poll_ms;
	config->silent_ms = settings->silent_ms;
	config->restart_grace_ms = settings->restart_grace_ms;
	config->history_max = (uint32_t)settings->history_max;
	config->history_age_ms = settings->history_age_ms;
	config->history_containers = (uint32_t)settings->history_containers;
	config->requests_bytes_max = (size_t)settings->answers_bytes;
	config->preempt_above = (uint32_t)settings->preempt_above;
	config->claim_after_ms = settings->claim_after_ms;
	config->sweep_ms = settings->sweep_ms;
	config->allows_chaos = settings->allows_chaos;
	if (strategy_options_read(&settings->strategies, settings->of_namespaces, config, err) < 0)
		return err->code;
	if (settings->nodes.n > 0) {
		config->allowed_nodes = (const char *const *)settings->nodes.items;
		config->n_allowed_nodes = settings->nodes.n;
	}
	if (config->poll_ms == 0 || config->silent_ms <= config->poll_ms)
		return err_set(err, -1,
			"--silent-after must be longer than --poll, and --poll "
			"longer than 0");
	if (settings->answers_bytes < MANAGER_REQUESTS_BYTES_LOW ||
		settings->answers_bytes > MANAGER_REQUESTS_BYTES_HIGH)
		return err_set(err, -1, "--answers: want 64KiB to 1GiB");
	if (settings->history_age_ms != 0 &&
		(settings->history_age_ms < MANAGER_HISTORY_AGE_LOW_MS ||
			settings->history_age_ms > MANAGER_HISTORY_AGE_HIGH_MS))
		return err_set(err, -1, "--history-age: want 0 (any time), or 1s to 3650d");
	if (settings->store_log_bytes < STORE_LOG_BYTES_LOW ||
		settings->store_log_bytes > STORE_LOG_BYTES_HIGH)
		return err_set(err, -1, "--store-log: want 64KiB to 1GiB");
	return parse_port_range(settings->port_range, &config->ports, err);
}

static int
open_manager(uv_loop_t *loop, void *settings, void **ret_state, struct err *err)
{
	struct shell_options options;
	struct shell *shell = NULL;
	int rc = fill(&options, settings, err);

	if (rc == 0)
		rc = shell_open(loop, &options, &shell, err);
	*ret_state = shell;
	if (rc == 0)
		log_info("manager.ready", "listen=%s state_dir=%s version=%s", options.listen,
			options.state_dir, DAVIT_VERSION);
	return rc;
}

static void
close_manager(void *state)
{
	log_info("manager.stopping", "reason=signal");
	shell_close(state);
}

static void
free_manager(void *state)
{
	shell_free(state);
}

static bool
is_ready(void *state, const char **ret_why)
{
	return shell_is_ready(state, ret_why);
}

static const struct service service = {
	.name = "manager",
	.options = &options_spec,
	.settings_size = sizeof(struct settings),
	.open = open_manager,
	.close = close_manager,
	.free = free_manager,
	.ready = is_ready,
};

int
main(int argc, char **argv)
{
	return service_main(&service, argc, argv);
}
