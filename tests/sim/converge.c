/* 5. Once faults stop, what the store wants and what the engines run become equal. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/conduct.h"
#include "tests/sim/host.h"
#include "tests/sim/witness.h"

/* Why the task is not where it should be; NULL if it is. */
static const char *
complaint(struct sim *sim, const struct task *task)
{
	const struct seen *seen = witness_see(sim->witness, task->id);
	bool has_words = task->message != NULL && task->message[0] != '\0';
	bool is_running = seen->n_running == 1 && seen->runs_on == witness_number(task->node);

	switch (task->state) {
	case TASK_PENDING: /* 8. every task that does not move can say why */
		return has_words ? NULL : "it waits and does not say why";
	case TASK_SCHEDULED:
		if (task->desired == DAVIT__TASK__DESIRED__READY &&
			task->observed == DAVIT__TASK_REPORT__OBSERVED__PREPARING)
			return NULL; /* prefetched: nobody said start */
		return "it is still not started";
	case TASK_RUNNING:
		if (task->desired >= DAVIT__TASK__DESIRED__STOP)
			return "it should have been stopped";
		if (task->phase == DAVIT__TASK__PHASE__RESTARTING ||
			task->desired == DAVIT__TASK__DESIRED__READY)
			return NULL; /* of the latter a stranger started the container */
		return is_running ? NULL : "no container runs for it";
	default:
		if (task->desired == DAVIT__TASK__DESIRED__REMOVE)
			return "it should have been removed";
		return is_running ? "its container runs on" : NULL;
	}
}

static bool
all_nodes_are_ready(struct sim *sim)
{
	struct node *node, *next;
	unsigned n = 0;

	HASH_ITER(hh, sim->manager->core->model.nodes, node, next)
	n += node->state == DAVIT__NODE__STATE__READY;
	return n == sim->options.n_workers;
}

/* Every wish became one group at most; replacements carry the same label but say so. */
static void
every_wish_is_one_group(struct sim *sim)
{
	struct model *model = &sim->manager->core->model;
	struct group *a, *b, *next_a, *next_b;

	HASH_ITER(hh, model->groups, a, next_a)
	{
		HASH_ITER(hh, model->groups, b, next_b)
		{
			if (a == b || !id_is_none(a->replaces) || !id_is_none(b->replaces))
				continue;
			if (strcmp(a->spec->spec->labels[1]->value,
				    b->spec->spec->labels[1]->value) == 0)
				sim_fail(sim, "same_request_changes_the_world_once",
					"wish %s is there twice", a->spec->spec->labels[1]->value);
		}
	}
}

/* A container that no task of the manager's is about. */
static const struct seen *
find_orphan(struct sim *sim)
{
	struct seen *seen, *next;

	HASH_ITER(hh, sim->witness->tasks, seen, next)
	{
		if (seen->n_running > 0 &&
			model_task_find(&sim->manager->core->model, seen->id) == NULL)
			return seen;
	}
	return NULL;
}

static bool
is_ready(struct sim *sim, char *ret_why, size_t size)
{
	if (sim->manager->core == NULL || !all_nodes_are_ready(sim)) {
		(void)snprintf(ret_why, size, "manager or nodes are not ready");
		return false;
	}
	if (sim->manager->reload_ms != 0 || sim->manager->is_committing ||
		manager_has_work(sim->manager->core)) {
		(void)snprintf(ret_why, size, "a batch is not committed yet");
		return false;
	}
	return true;
}

bool
invariants_has_converged(struct sim *sim, char *ret_why, size_t size)
{
	const struct seen *orphan;
	const char *books;

	if (!is_ready(sim, ret_why, size))
		return false;
	for (struct task *task = sim->manager->core->model.oldest; task != NULL;
		task = task->newer) {
		const char *why = complaint(sim, task);
		char text[ID_TEXT_SIZE];

		if (why == NULL)
			why = settled_task_complaint(sim, task);
		if (why == NULL)
			continue;
		id_format(task->id, text);
		(void)snprintf(ret_why, size,
			"task %s (%s, phase %d, on %s, attempt %u): %s; it says: %s", text,
			task_fsm.state_name[task->state], (int)task->phase,
			task->node == NULL ? "no node" : task->node->name, task->attempt, why,
			task->message == NULL ? "nothing" : task->message);
		return false;
	}
	orphan = find_orphan(sim);
	books = settled_books_complaint(sim);
	if (orphan != NULL)
		(void)snprintf(ret_why, size, "w%u runs a container without a task",
			orphan->runs_on);
	else if (books != NULL)
		(void)snprintf(ret_why, size, "%s", books);
	return orphan == NULL && books == NULL;
}

void
invariants_check_end(struct sim *sim)
{
	invariants_check_all(sim);
	every_wish_is_one_group(sim);
}
