/*
 * davit-scheduler: proposes a node for every task. Options, socket, loop; the rest is
 * place_service.c (calls) and placer.c (the decisions).
 */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/options.h"
#include "common/base/process.h"
#include "common/rpc/server.h"
#include "services/scheduler/limits.h"
#include "services/scheduler/place_service.h"
#include "services/scheduler/strategies.h"

struct settings {
	char *listen, *strategy, *log_level, *log_file;
	uint64_t seed, tasks_per_node_max;
};

#define S struct settings
static const struct option_def option_defs[] = {
	OPTION_STRING("listen", 0, "URL", S, listen, "tcp://127.0.0.1:7074",
		"where to accept calls"),
	OPTION_STRING("strategy", 0, "NAME", S, strategy, "best-fit",
		"best-fit, spread, round-robin, random or resource-aware, for tasks that do not "
		"say"),
	OPTION_NUMBER("seed", 0, "N", S, seed, "1", 0, UINT64_MAX, "where random begins"),
	OPTION_NUMBER("tasks-per-node-max", 0, "N", S, tasks_per_node_max, "1000", 1, INT32_MAX,
		"tasks on one node at most, however small they are"),
	OPTION_STRING("log-level", 0, "LEVEL", S, log_level, "info", "error, warn, info or debug"),
	OPTION_STRING("log-file", 0, "FILE", S, log_file, NULL, "instead of standard error"),
	OPTION_END,
};
#undef S

static const struct options_spec options_spec = {
	.program = "davit-scheduler",
	.summary = "Proposes a node for every task of a Davit cluster.",
	.env_prefix = "DAVIT_",
	.defs = option_defs,
};

static int
set_up_log(const struct settings *settings, struct err *err)
{
	enum log_level level;
	int rc = log_level_parse(settings->log_level, &level, err);

	if (rc < 0)
		return rc;
	log_open("scheduler", level);
	return settings->log_file == NULL ? 0 : log_to_file(settings->log_file, err);
}

static void
on_stop(void *arg)
{
	(void)process_notify("STOPPING=1");
	uv_stop(arg);
}

static void
on_reload(void *arg)
{
	struct err err;

	(void)arg;
	if (log_reopen(&err) < 0)
		log_warn("log.reopen_failed", "reason=\"%s\", going on in the old file", err.text);
}

static int
serve(const struct settings *settings, struct err *err)
{
	static const ProtobufCServiceDescriptor *const services[] = {&davit__scheduler__descriptor,
		NULL};
	struct placer_options options = {.seed = settings->seed,
		.tasks_per_node_max = (uint32_t)settings->tasks_per_node_max};
	CLEANUP(placer_free) struct placer *placer = NULL;
	struct process_signals *signals = NULL;
	struct rpc_server *server = NULL;
	uv_loop_t *loop = uv_default_loop();
	int rc = strategy_parse(settings->strategy, &options.strategy, err);

	if (rc == 0)
		rc = set_up_log(settings, err);
	if (rc == 0) {
		placer = placer_new(&options);
		rc = rpc_server_open(loop, settings->listen, services, place_service_on_call,
			placer, &server, err);
	}
	if (rc == 0)
		rc = process_signals_start(loop, on_stop, on_reload, loop, &signals, err);
	if (rc == 0) {
		log_info("scheduler.ready", "listen=%s strategy=%s version=%s",
			rpc_server_url(server), settings->strategy, DAVIT_VERSION);
		(void)process_notify("READY=1");
		(void)uv_run(loop, UV_RUN_DEFAULT);
		log_info("scheduler.stopped", "version=%llu nodes=%u",
			(unsigned long long)placer_version(placer), placer_n_nodes(placer));
	}
	process_signals_stop(signals);
	if (server != NULL)
		rpc_server_close(server);
	(void)uv_run(loop, UV_RUN_NOWAIT);
	return rc;
}

int
main(int argc, char **argv)
{
	struct settings settings = {0};
	struct err err = {0};
	int first, rc;

	process_begin();
	log_open("scheduler", LOG_LVL_INFO);
	rc = options_parse(&options_spec, argc, argv, &settings, &first, &err);
	if (rc == OPTIONS_RUN && first < argc)
		rc = err_set(&err, -1, "'%.60s': takes no arguments, see --help", argv[first]);
	if (rc == OPTIONS_RUN)
		rc = serve(&settings, &err);
	else if (rc == OPTIONS_DONE)
		rc = 0;
	if (rc < 0)
		log_error("scheduler.failed", "reason=\"%s\"", err.text);
	options_free(option_defs, &settings);
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
