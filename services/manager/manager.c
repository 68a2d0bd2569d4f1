#include "services/manager/manager.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/manager/arrays.h"
#include "services/manager/claims.h"
#include "services/manager/cluster_calls.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"
#include "services/manager/nodes.h"
#include "services/manager/records.h"
#include "services/manager/task_calls.h"

/* ---- calls, by method: one line each ---- */

static const struct handler {
	const char *method;
	enum { OTHER, READS, CHANGES } kind;
	void (*handle)(struct manager *manager, struct rpc_call *call);
} handlers[] = {
	{"Poll", OTHER, nodes_poll}, /* first: there are more of these than of all others */
	{"SubmitTasks", CHANGES, task_submit},
	{"SubmitMany", CHANGES, task_submit_many},
	{"GetTask", READS, task_get},
	{"GetTasks", READS, task_get_many},
	{"ListTasks", READS, task_list},
	{"WaitTask", OTHER, task_wait},
	{"StopTasks", CHANGES, task_stop},
	{"StartTasks", CHANGES, task_start},
	{"PauseTasks", CHANGES, task_pause},
	{"RemoveTasks", CHANGES, task_remove},
	{"ReadLogs", OTHER, relay_logs},
	{"ReadEvents", OTHER, events_read},
	{"ListNodes", READS, nodes_list},
	{"GetNode", READS, nodes_get},
	{"DeclareNode", CHANGES, nodes_declare},
	{"UpdateNode", CHANGES, nodes_update},
	{"RemoveNode", CHANGES, nodes_remove},
	{"GetStats", OTHER, cluster_stats},
	{"OpenChannel", OTHER, relay_open_channel},
	{"ReadChannel", OTHER, relay_read_channel},
	{"WriteChannel", OTHER, relay_write_channel},
	{"CloseChannel", OTHER, relay_close_channel},
	{"ListVolumes", OTHER, relay_volumes},
	{"ListNetworks", OTHER, relay_networks},
	{"ListImages", OTHER, relay_images},
	{"RemoveImages", OTHER, relay_remove_images},
	{"GetCluster", READS, cluster_get},
	{"ExplainTask", OTHER, questions_explain},
	{"PlanTasks", OTHER, questions_plan},
	{"InjectFault", OTHER, manager_chaos_inject},
	{"HealFaults", OTHER, manager_chaos_heal},
	{"ListFaults", OTHER, manager_chaos_list},
	/* Of workers: idempotent by session and version, so they need no request_id. */
	{"RegisterNode", OTHER, nodes_register},
	{"AnswerQueries", OTHER, nodes_answer},
	{"LeaveNode", OTHER, nodes_leave},
	{"CheckFaults", OTHER, manager_chaos_check},
};

static const struct handler *
find_handler(const char *method)
{
	for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
		if (strcmp(handlers[i].method, method) == 0)
			return &handlers[i];
	}
	return NULL;
}

bool
manager_call_changes(const struct rpc_call *call)
{
	const struct handler *handler = find_handler(rpc_call_method(call));

	return handler != NULL && handler->kind == CHANGES;
}

bool
manager_method_reads(const char *method)
{
	const struct handler *handler = find_handler(method);

	return handler != NULL && handler->kind == READS;
}

static void
read_now(struct manager *manager, const struct handler *handler, struct rpc_call *call)
{
	batch_read_begin(&manager->batch);
	handler->handle(manager, call);
	batch_read_end(&manager->batch);
}

void
manager_call(struct manager *manager, struct manager_now now, struct rpc_call *call)
{
	const struct handler *handler = find_handler(rpc_call_method(call));

	manager->now = now;
	if (handler == NULL)
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__UNIMPLEMENTED, NULL,
			"%s does not work yet", rpc_call_method(call));
	else if (handler->kind == READS)
		read_now(manager, handler, call);
	else if (handler->kind != CHANGES || !requests_replay(manager, call))
		handler->handle(manager, call);
	ended_reads_end(manager);
}

void
manager_refuse(struct manager *manager, struct manager_now now, struct rpc_call *call)
{
	manager->now = now;
	if (strcmp(rpc_call_method(call), "Poll") == 0)
		nodes_heard(manager, (const Davit__PollRequest *)call->request);
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__UNAVAILABLE, NULL, "%s",
		manager->store_trouble);
	rpc_call_send(call);
}

/* ---- other inputs ---- */

void
manager_placed(struct manager *manager, struct manager_now now, Davit__Reply__Status status,
	const char *message, const Davit__PlaceReply *reply)
{
	manager->now = now;
	placing_answer(manager, status, message, reply);
}

void
manager_node_stats(struct manager *manager, struct manager_now now, const Davit__NodeStats *stats)
{
	manager->now = now;
	usage_take(manager, stats);
}

void
manager_tick(struct manager *manager, struct manager_now now)
{
	manager->now = now;
	/* What cannot be remembered is not decided: who is silent, whose time is up. */
	if (manager->store_trouble[0] == '\0') {
		liveness_tick(manager);
		lifecycle_tick(manager);
		requests_tick(manager);
	}
	assignments_tick(manager);
	relay_tick(manager);
	manager_chaos_tick(manager);
	waits_tick(manager);
	placing_tick(manager);
	usage_tick(manager);
}

/* ---- decide, remember, act ---- */

bool
manager_has_writes(const struct manager *manager)
{
	return !batch_is_clean(&manager->batch);
}

bool
manager_has_work(const struct manager *manager)
{
	return manager_has_writes(manager) || manager->batch.open.n_calls > 0 ||
	       manager->assignments.nodes != NULL ||
	       manager->events.sealed_seq != manager->events.last_seq ||
	       manager->waiting.is_hungry || placing_has_work(manager);
}

bool
manager_is_ahead(const struct manager *manager)
{
	return manager->events.last_seq - manager->events.shown_seq >= MANAGER_EVENTS_MAX / 2;
}

const struct store_batch *
manager_seal(struct manager *manager)
{
	struct task *next;

	for (struct task *task = manager->batch.dirty_tasks; task != NULL; task = next) {
		next = task->dirty_next;
		task_waits_check(manager, task);
		relay_task_changed(manager, task);
	}
	assignments_seal(manager);
	arrays_expand(manager);
	claims_seal(manager);
	events_seal(&manager->events);
	batch_seal(manager);
	return manager->batch.sealed.writes;
}

void
manager_ask(struct manager *manager)
{
	placing_ask(manager);
}

void
manager_release(struct manager *manager)
{
	batch_send(&manager->batch);
	events_show(manager);
}

static void
fini_parts(struct manager *manager)
{
	families_stop(manager);
	claims_fini(&manager->claims);
	waiting_fini(&manager->waiting);
	model_fini(&manager->model);
	requests_fini(&manager->requests);
	telling_fini(&manager->telling);
}

static void
init_parts(struct manager *manager)
{
	model_init(&manager->model, manager->config.ports);
	manager->requests = (struct requests){0};
	manager->relay = (struct relay){.next_id = manager->relay.next_id};
	manager->chaos = (struct manager_chaos){0};
	assignments_reset(&manager->assignments);
	manager->waits = (struct waits){0};
	manager->usage.waits = NULL;
	manager->questions = (struct questions){0};
	waiting_init(&manager->waiting);
	telling_init(&manager->telling);
	placing_init(&manager->placing);
}

static void
abort_parked_polls(struct manager *manager, const char *reason)
{
	struct node *node, *next;

	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		if (node->parked == NULL)
			continue;
		rpc_call_refuse(node->parked, DAVIT__REPLY__STATUS__UNAVAILABLE, NULL, "%s",
			reason);
		rpc_call_send(node->parked);
		node->parked = NULL;
	}
}

void
manager_abort(struct manager *manager, const char *reason)
{
	bool is_asking = manager->placing.is_asking;

	relay_abort(manager, reason);
	waits_abort(manager, reason);
	questions_abort(manager, reason);
	abort_parked_polls(manager, reason);
	batch_abort(&manager->batch, reason);
	events_drop_unshown(&manager->events);
	fini_parts(manager);
	init_parts(manager);
	/* That answer will still come, about what is no more. */
	manager->placing.is_asking = manager->placing.is_stale = is_asking;
}

struct id
manager_new_id(struct manager *manager, bool is_base)
{
	uint8_t chance[ID_RANDOM_SIZE];

	struct id id;

	manager->ports.random(manager->ports.arg, chance, sizeof chance);
	id = is_base ? id_make_base(manager->now.wall_ms, chance)
		     : id_make(manager->now.wall_ms, chance);
	if (!id_is_less(manager->last_id, id))
		id = id_make_after(manager->last_id, is_base, chance);
	manager->last_id = id_at((struct id){id.hi, id.lo & ~(uint64_t)UINT32_MAX}, UINT32_MAX);
	return id;
}

/* ---- beginning and end ---- */

void
manager_config_init(struct manager_config *config)
{
	*config = (struct manager_config){
		.name = "davit",
		.scheduler_url = "",
		.ports = {30000, 32767},
		.poll_ms = MANAGER_POLL_MS,
		.silent_ms = MANAGER_SILENT_MS,
		.restart_grace_ms = MANAGER_RESTART_GRACE_MS,
		.history_max = MANAGER_HISTORY_MAX,
		.history_age_ms = MANAGER_HISTORY_AGE_MS,
		.history_containers = MANAGER_HISTORY_CONTAINERS,
		.requests_bytes_max = MANAGER_REQUESTS_BYTES_MAX,
		.preempt_above = MANAGER_PREEMPT_ABOVE,
		.claim_after_ms = MANAGER_CLAIM_AFTER_MS,
		.sweep_ms = MANAGER_SWEEP_MS,
		.nodes_max = MANAGER_NODES_MAX,
		.tasks_max = MANAGER_TASKS_MAX,
		.array_ahead = MANAGER_ARRAY_AHEAD,
		.array_ahead_low = MANAGER_ARRAY_AHEAD_LOW,
		.array_ahead_all = MANAGER_ARRAY_AHEAD_ALL,
		.cut_step = MANAGER_CUT_STEP,
	};
}

struct manager *
manager_new(const struct manager_config *config, const struct manager_ports *ports)
{
	struct manager *manager = xcalloc(1, sizeof *manager);
	uint64_t ring_id;

	assert(config->poll_ms > 0 && config->silent_ms > config->poll_ms);
	manager->config = *config;
	manager->ports = *ports;
	ports->random(ports->arg, &ring_id, sizeof ring_id);
	batch_init(&manager->batch);
	events_init(&manager->events, ring_id);
	init_parts(manager);
	return manager;
}

void
manager_free(struct manager *manager)
{
	if (manager == NULL)
		return;
	manager_abort(manager, "the manager is stopping: try again");
	fini_parts(manager);
	events_fini(&manager->events);
	batch_fini(&manager->batch);
	free(manager);
}

int
manager_load(struct manager *manager, struct store *store, struct manager_now now, struct err *err)
{
	int rc;

	manager->now = now;
	manager->started_ms = manager->started_ms == 0 ? now.wall_ms : manager->started_ms;
	manager->liveness =
		(struct liveness){.started_mono_ms = now.mono_ms, .last_tick_mono_ms = now.mono_ms};
	rc = records_load(manager, store, err);
	if (rc < 0)
		return rc;
	lifecycle_restore_queues(manager);
	return 0;
}

void
manager_set_backlog(struct manager *manager, uint64_t waits_ms)
{
	manager->liveness.backlog_ms = waits_ms;
}

void
manager_set_store_trouble(struct manager *manager, const char *trouble)
{
	(void)snprintf(manager->store_trouble, sizeof manager->store_trouble, "%s", trouble);
}
