/*
 * davit-scheduler: proposes a node for every task. Options, socket, loop; the rest is
 * place_service.c (calls) and placer.c (the decisions).
 */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/rpc/server.h"
#include "common/service/service.h"
#include "services/scheduler/limits.h"
#include "services/scheduler/place_service.h"

struct settings {
	struct service_settings common;
	char *listen;
	uint64_t seed, tasks_per_node_max;
};

#define S struct settings
static const struct option_def option_defs[] = {
	OPTION_STRING("listen", 0, "URL", S, listen, "tcp://127.0.0.1:7074",
		"where to accept calls"),
	OPTION_NUMBER("seed", 0, "N", S, seed, "1", 0, UINT64_MAX, "where random begins"),
	OPTION_NUMBER("tasks-per-node-max", 0, "N", S, tasks_per_node_max, "1000", 1, INT32_MAX,
		"tasks on one node at most, however small they are"),
	SERVICE_OPTIONS(S),
	OPTION_END,
};
#undef S

static const struct options_spec options_spec = {
	.program = "davit-scheduler",
	.summary = "Proposes a node for every task of a Davit cluster.",
	.env_prefix = "DAVIT_",
	.defs = option_defs,
};

struct scheduler {
	struct placer *placer;
	struct rpc_server *server;
};

static void
collect(struct expo *expo, void *arg)
{
	struct placer_counts counts;

	placer_counts(arg, &counts);
	expo_single(expo, EXPO_COUNTER, "davit_scheduler_placed", "Tasks given a node.",
		(double)counts.n_placed);
	expo_single(expo, EXPO_COUNTER, "davit_scheduler_refused", "Tasks that fit nowhere.",
		(double)counts.n_refused);
	expo_single(expo, EXPO_COUNTER, "davit_scheduler_stale",
		"Questions about nodes that were not known: answered with the wish for a snapshot.",
		(double)counts.n_stale);
	expo_single(expo, EXPO_GAUGE, "davit_scheduler_nodes", "Nodes in its cache.",
		placer_n_nodes(arg));
}

static int
open_scheduler(uv_loop_t *loop, void *arg, void **ret_state, struct err *err)
{
	static const ProtobufCServiceDescriptor *const services[] = {&davit__scheduler__descriptor,
		NULL};
	const struct settings *settings = arg;
	struct placer_options options = {.seed = settings->seed,
		.tasks_per_node_max = (uint32_t)settings->tasks_per_node_max};
	struct scheduler *scheduler;
	int rc;

	scheduler = *ret_state = xcalloc(1, sizeof *scheduler);
	scheduler->placer = placer_new(&options);
	rc = rpc_server_open(loop, settings->listen, services, place_service_on_call,
		scheduler->placer, &scheduler->server, err);
	if (rc == 0) {
		rpc_server_measure(scheduler->server, settings->common.metrics);
		metrics_collect(settings->common.metrics, collect, scheduler->placer);
		log_info("scheduler.ready", "listen=%s version=%s",
			rpc_server_url(scheduler->server), DAVIT_VERSION);
	}
	return rc;
}

static void
close_scheduler(void *state)
{
	struct scheduler *scheduler = state;

	log_info("scheduler.stopping", "version=%llu nodes=%u",
		(unsigned long long)placer_version(scheduler->placer),
		placer_n_nodes(scheduler->placer));
	if (scheduler->server != NULL)
		rpc_server_close(scheduler->server);
}

static void
free_scheduler(void *state)
{
	struct scheduler *scheduler = state;

	placer_free(scheduler->placer);
	free(scheduler);
}

static const struct service service = {
	.name = "scheduler",
	.options = &options_spec,
	.settings_size = sizeof(struct settings),
	.open = open_scheduler,
	.close = close_scheduler,
	.free = free_scheduler,
};

int
main(int argc, char **argv)
{
	return service_main(&service, argc, argv);
}
