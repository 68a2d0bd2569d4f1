#include "services/manager/cluster_calls.h"

#include "services/manager/core.h"
#include "services/manager/view.h"

void
cluster_get(struct manager *manager, struct rpc_call *call)
{
	Davit__GetClusterReply reply = DAVIT__GET_CLUSTER_REPLY__INIT;
	const struct manager_config *config = &manager->config;

	reply.cluster_id = manager->cluster_id;
	reply.name = (char *)(uintptr_t)config->name;
	reply.version = (char *)(uintptr_t)DAVIT_VERSION;
	reply.stats = usage_cluster(manager, &manager->batch.arena);
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
	reply.n_claims = (uint32_t)manager->claims.n;
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

void
cluster_stats(struct manager *manager, struct rpc_call *call)
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
	batch_answer(manager, call, &reply.base);
}
