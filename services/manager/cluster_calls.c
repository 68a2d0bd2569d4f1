#include "services/manager/cluster_calls.h"

#include <inttypes.h>
#include <stdio.h>

#include "services/manager/core.h"
#include "services/manager/view.h"

enum { STATS_WAIT_MS = 30000 };

void
cluster_get(struct manager *manager, struct rpc_call *call)
{
	Davit__GetClusterReply reply = DAVIT__GET_CLUSTER_REPLY__INIT;
	const struct manager_config *config = &manager->config;

	reply.cluster_id = manager->cluster_id;
	reply.name = (char *)(uintptr_t)config->name;
	reply.version = (char *)(uintptr_t)DAVIT_VERSION;
	reply.stats = usage_cluster(manager, &manager->batch.arena);
	reply.flow = flow_show(&manager->flow, &manager->batch.arena);
	reply.has_started_ms = true;
	reply.started_ms = manager->started_ms;
	reply.store = manager->store_trouble[0] == '\0' ? (char *)(uintptr_t) "ok"
							: manager->store_trouble;
	reply.scheduler = manager->placing.trouble[0] == '\0' ? (char *)(uintptr_t) "ok"
							      : manager->placing.trouble;
	reply.feed_url = (char *)(uintptr_t)config->feed_url;
	reply.feed_json_url = (char *)(uintptr_t)config->feed_json_url;
	reply.stats_url = (char *)(uintptr_t)config->stats_url;
	reply.has_n_refused_proposals = reply.has_n_claims = true;
	reply.n_refused_proposals = manager->placing.n_refused;
	reply.n_claims = (uint32_t)manager->claims.n_parts;
	if (manager->placing.refused[0] != '\0')
		reply.last_refused_proposal = manager->placing.refused;
	batch_answer(manager, call, &reply.base);
}

static void
add_running(struct manager *manager, struct node *node, Davit__GetStatsReply *reply)
{
	for (struct task *task = node->tasks; task != NULL; task = task->node_next) {
		if (task->state == TASK_RUNNING)
			reply->tasks[reply->n_tasks++] =
				view_task(task, false, &manager->batch.arena);
	}
}

static void
answer_stats(struct manager *manager, struct rpc_call *call)
{
	const Davit__GetStatsRequest *request = (const Davit__GetStatsRequest *)call->request;
	Davit__GetStatsReply reply = DAVIT__GET_STATS_REPLY__INIT;
	struct arena *arena = &manager->batch.arena;
	struct node *node, *next;

	reply.cluster = usage_cluster(manager, arena);
	reply.nodes = arena_array(arena, HASH_COUNT(manager->model.nodes), sizeof *reply.nodes);
	reply.tasks =
		arena_array(arena, manager->model.n_by_state[TASK_RUNNING], sizeof *reply.tasks);
	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		reply.nodes[reply.n_nodes++] = view_node(node, arena);
		if (!request->has_tasks || request->tasks)
			add_running(manager, node, &reply);
	}
	reply.cursor = arena_printf(arena, "%" PRIx64 ".%" PRIu64, manager->events.ring_id,
		manager->usage.seq);
	batch_answer(manager, call, &reply.base);
}

void
cluster_stats_show(struct manager *manager)
{
	struct wait *wait;

	while ((wait = manager->usage.waits) != NULL) {
		manager->usage.waits = wait->next;
		answer_stats(manager, waits_end(manager, wait));
	}
}

static void
expire_stats(struct manager *manager, struct wait *wait)
{
	waits_unlink(&manager->usage.waits, wait);
	answer_stats(manager, waits_end(manager, wait));
}

/* Whether these are the figures that the caller has already. */
static bool
is_seen(const struct manager *manager, const char *cursor)
{
	uint64_t ring, seq;

	return cursor != NULL && sscanf(cursor, "%" SCNx64 ".%" SCNu64, &ring, &seq) == 2 &&
	       ring == manager->events.ring_id && seq == manager->usage.seq;
}

void
cluster_stats(struct manager *manager, struct rpc_call *call)
{
	const Davit__GetStatsRequest *request = (const Davit__GetStatsRequest *)call->request;
	uint64_t wait_ms = request->has_wait_ms ? request->wait_ms : STATS_WAIT_MS;
	struct wait *wait;

	if (wait_ms == 0 || !is_seen(manager, request->cursor)) {
		answer_stats(manager, call);
		return;
	}
	wait = waits_add(manager, call, wait_ms, expire_stats, NULL);
	if (wait == NULL)
		return;
	wait->next = manager->usage.waits;
	manager->usage.waits = wait;
}
