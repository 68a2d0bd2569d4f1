#include "services/manager/figures.h"

#include "services/manager/core.h"

static void
count_node(const struct node *node, struct manager_figures *figures)
{
	figures->nodes[node->state < 5 ? node->state : 0]++;
	figures->n_draining += node->draining;
	figures->cpu_milli_capacity += node->account.capacity.cpu_milli;
	figures->cpu_milli_reserved += node->account.reserved.cpu_milli;
	figures->memory_bytes_capacity += node->account.capacity.memory_bytes;
	figures->memory_bytes_reserved += node->account.reserved.memory_bytes;
	for (const struct task *task = node->tasks; task != NULL; task = task->node_next) {
		if (task_state_is_final(task->state))
			break; /* the rest has ended, too */
		figures->n_stopping += task->desired == DAVIT__TASK__DESIRED__STOP ||
				       task->desired == DAVIT__TASK__DESIRED__REMOVE;
	}
}

void
manager_figures(const struct manager *manager, struct manager_figures *ret_figures)
{
	const struct model *model = &manager->model;
	const uint32_t *n = model->n_by_state;
	uint32_t n_live = n[TASK_PENDING] + n[TASK_SCHEDULED] + n[TASK_RUNNING];
	const struct node *node;

	*ret_figures = (struct manager_figures){
		.tasks = {n[TASK_PENDING], n[TASK_SCHEDULED], n[TASK_RUNNING], n[TASK_COMPLETED],
			n[TASK_FAILED]},
		.n_pending_queue = manager->waiting.n_ready + manager->waiting.asked.n,
		.n_blocked_queue = manager->waiting.n_blocked + manager->waiting.claimed.n,
		.n_history = ended_count(manager),
		.n_waits = manager->waits.n,
		.n_answers = manager->requests.n,
		.answer_bytes = manager->requests.bytes,
		.last_event = manager->events.last_seq,
		.n_disposed = manager->placing.n_refused,
	};
	for (node = model->nodes; node != NULL; node = node->hh.next)
		count_node(node, ret_figures);
	ret_figures->n_desired =
		n_live > ret_figures->n_stopping ? n_live - ret_figures->n_stopping : 0;
}
