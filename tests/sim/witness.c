#include "tests/sim/witness.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/model/spec.h"
#include "common/store/store_impl.h"
#include "services/manager/arrays.h"
#include "tests/sim/conduct.h"
#include "tests/sim/host.h"

void
witness_init(struct sim *sim)
{
	sim->witness = xcalloc(1, sizeof *sim->witness);
}

void
witness_fini(struct sim *sim)
{
	struct witness *witness = sim->witness;
	struct seen *seen, *next_seen;
	struct granted *grant, *next_grant;
	struct asked *asked, *next_asked;

	HASH_ITER(hh, witness->tasks, seen, next_seen)
	{
		HASH_DEL(witness->tasks, seen);
		free(seen);
	}
	HASH_ITER(hh, witness->grants, grant, next_grant)
	{
		HASH_DEL(witness->grants, grant);
		free(grant);
	}
	HASH_ITER(hh, witness->asked, asked, next_asked)
	{
		HASH_DEL(witness->asked, asked);
		free(asked);
	}
	free(witness);
	sim->witness = NULL;
}

struct seen *
witness_see(struct witness *witness, struct id id)
{
	struct seen *seen;

	HASH_FIND(hh, witness->tasks, &id, sizeof id, seen);
	if (seen == NULL) {
		seen = xcalloc(1, sizeof *seen);
		seen->id = id;
		seen->on = WITNESS_NOWHERE;
		HASH_ADD(hh, witness->tasks, id, sizeof seen->id, seen);
	}
	return seen;
}

struct granted *
witness_find_grant(struct witness *witness, struct id task, uint32_t attempt)
{
	struct granted probe = {0}, *grant;

	probe.key.task = task;
	probe.key.attempt = attempt;
	HASH_FIND(hh, witness->grants, &probe.key, sizeof probe.key, grant);
	return grant;
}

unsigned
witness_number(const struct node *node)
{
	return node == NULL ? WITNESS_NOWHERE : sim_worker_of(node->name);
}

struct task *
witness_find(struct sim *sim, struct id id, struct task *look)
{
	const struct manager *manager = sim->manager->core;
	uint32_t index;
	const struct group *group = model_group_of(&manager->model, id, &index);

	if (group == NULL || !model_is_unmade(group, index))
		return group == NULL ? NULL : model_element(group, index);
	arrays_imagine(manager, group, index, look);
	return look;
}

/* ---- what users were told ---- */

void
witness_submitted(struct sim *sim, struct id base, uint32_t count, const char *request_id)
{
	struct witness *witness = sim->witness;
	struct asked *asked;

	HASH_FIND_STR(witness->asked, request_id, asked);
	if (asked != NULL && !id_equal(asked->base, base)) {
		sim_fail(sim, "same_request_changes_the_world_once",
			"%s was answered twice, differently", request_id);
		return;
	}
	if (asked == NULL) {
		asked = xcalloc(1, sizeof *asked);
		(void)snprintf(asked->request_id, sizeof asked->request_id, "%s", request_id);
		asked->base = base;
		HASH_ADD_STR(witness->asked, request_id, asked);
	}
	for (uint32_t i = 0; i < count; i++)
		witness_see(witness, id_at(base, i))->is_acked = true;
}

void
witness_may_go(struct sim *sim, struct id id)
{
	witness_see(sim->witness, id)->may_go = true;
}

void
witness_may_end(struct sim *sim, struct id id)
{
	witness_see(sim->witness, id)->may_end = true;
}

void
witness_stopped(struct sim *sim, struct id id)
{
	witness_see(sim->witness, id)->must_stop = true;
}

void
witness_removed(struct sim *sim, struct id id)
{
	witness_see(sim->witness, id)->must_go = true;
}

void
witness_started(struct sim *sim, struct id id)
{
	witness_see(sim->witness, id)->must_start = true;
}

void
witness_drained(struct sim *sim, unsigned worker, bool is_known, bool draining)
{
	sim->witness->knows_drain[worker] = is_known;
	sim->witness->must_drain[worker] = draining;
}

/* ---- what the manager committed ---- */

/* Of the nodes that a batch touched, each is looked at once. */
struct touched {
	struct node *nodes[SIM_WORKERS_MAX + 1];
};

static void
touch_node(struct touched *touched, struct node *node)
{
	if (node != NULL)
		touched->nodes[witness_number(node)] = node;
}

static void
look_by_number(struct sim *sim, struct touched *touched, unsigned number)
{
	if (number == WITNESS_NOWHERE || touched->nodes[number] != NULL)
		return;
	touched->nodes[number] =
		model_node_by_name(&sim->manager->core->model, sim->workers[number]->name);
}

static void
look_at(struct sim *sim, struct id id, struct touched *touched)
{
	struct task look, *task = witness_find(sim, id, &look);
	struct seen *seen = witness_see(sim->witness, id);

	look_by_number(sim, touched, seen->on); /* what it left */
	if (task == NULL && past_find(&sim->manager->core->model.past, id) != NULL)
		return; /* its array was written, not it */
	if (task == NULL) {
		invariants_look_at_gone(sim, seen);
		conduct_gone(sim, id);
		return;
	}
	touch_node(touched, task->node);
	invariants_look_at_task(sim, task);
	conduct_task(sim, task);
}

static void
look_at_group(struct sim *sim, struct id base, struct touched *touched)
{
	struct group *group;

	HASH_FIND(hh, sim->manager->core->model.groups, &base, sizeof base, group);
	for (uint32_t i = 0; group != NULL && i < group->count; i++)
		look_at(sim, id_at(base, i), touched);
}

static void
look_at_write(struct sim *sim, const struct store_write *write, struct touched *touched)
{
	struct model *model = &sim->manager->core->model;
	struct id id;

	if (strncmp(write->key, "task/", 5) == 0 && id_parse(write->key + 5, &id))
		look_at(sim, id, touched);
	else if (strncmp(write->key, "group/", 6) == 0 && id_parse(write->key + 6, &id))
		look_at_group(sim, id, touched);
	else if (strncmp(write->key, "node/", 5) == 0 && id_parse(write->key + 5, &id))
		touch_node(touched, model_node_find(model, id));
}

void
witness_manager_committed(struct sim *sim, const struct store_batch *writes)
{
	struct touched touched = {{NULL}};

	for (size_t i = 0; i < store_batch_count(writes); i++) {
		struct store_write write = store_batch_at(writes, i);

		look_at_write(sim, &write, &touched);
	}
	for (unsigned i = 0; i <= SIM_WORKERS_MAX; i++) {
		if (touched.nodes[i] != NULL)
			invariants_look_at_node(sim, touched.nodes[i]);
	}
}

/* ---- what the engines run ---- */

bool
witness_read_labels(const struct engine_mem_view *view, struct id *ret_task, uint32_t *ret_attempt)
{
	const char *task = engine_mem_label(view, "davit.task");
	const char *attempt = engine_mem_label(view, "davit.attempt");

	if (task == NULL || attempt == NULL || !id_parse(task, ret_task))
		return false;
	*ret_attempt = (uint32_t)strtoul(attempt, NULL, 10);
	return true;
}

static void
note_start(struct sim *sim, struct seen *seen, uint32_t attempt, unsigned worker)
{
	const struct granted *grant = witness_find_grant(sim->witness, seen->id, attempt);
	char text[ID_TEXT_SIZE];

	id_format(seen->id, text);
	if (grant == NULL || grant->on != worker)
		sim_fail(sim, "only_what_was_assigned_runs", "w%u runs task %s attempt %u", worker,
			text, attempt);
	if (seen->n_running > 0)
		sim_fail(sim, "no_task_runs_twice", "task %s on w%u and on w%u", text,
			seen->runs_on, worker);
	if (seen->is_one_shot && seen->n_starts > 0)
		sim_fail(sim, "one_shot_tasks_start_once", "task %s was started on w%u and on w%u",
			text, seen->runs_on, worker);
	if (seen->attempt == attempt && seen->observed >= DAVIT__TASK_REPORT__OBSERVED__ENDED &&
		!conduct_was_meddled(sim, seen->id))
		sim_fail(sim, "what_ended_starts_no_more", "task %s attempt %u on w%u", text,
			attempt, worker);
	seen->n_running++;
	seen->n_starts++;
	seen->runs_on = worker;
	sim->witness->n_running++;
	sim_trace(sim, SIM_WORKER + worker, "engine: container of %s attempt %u: - to running",
		text, attempt);
}

static void
note_end(struct sim *sim, struct seen *seen, uint32_t attempt, unsigned worker)
{
	char text[ID_TEXT_SIZE];

	id_format(seen->id, text);
	seen->n_running--;
	sim->witness->n_running--;
	sim_trace(sim, SIM_WORKER + worker, "engine: container of %s attempt %u: running to ended",
		text, attempt);
}

void
witness_run(const struct engine_mem_view *view, void *arg)
{
	struct host_worker *host = arg;
	struct sim *sim = host->sim;
	struct id task;
	uint32_t attempt;

	if (sim->is_ending || !witness_read_labels(view, &task, &attempt))
		return;
	conduct_runs(sim, host->index, task, view->status == ENGINE_RUNNING);
	if (view->status == ENGINE_RUNNING)
		note_start(sim, witness_see(sim->witness, task), attempt, host->index);
	else
		note_end(sim, witness_see(sim->witness, task), attempt, host->index);
}
