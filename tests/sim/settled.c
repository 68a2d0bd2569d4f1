/* What is wrong with a cluster although nothing moves any more. */
#include <utlist.h>

#include "common/model/spec.h"
#include "services/manager/arrays.h"
#include "services/manager/core.h"
#include "services/manager/limits.h"
#include "tests/sim/conduct.h"
#include "tests/sim/host.h"
#include "tests/sim/places.h"

enum { LATE_MS = 2000 }; /* for a timer that has run out to be acted upon and heard of */

/* ---- who waits, waits for something ---- */

static bool
has_port_left(const struct node *node, const Davit__Port *port)
{
	struct ledger_port wanted = {(uint8_t)port->protocol, (uint16_t)port->host_port};

	return wanted.number != 0 ? !ledger_port_is_taken(node->ports->ports, wanted)
				  : ledger_ports_n_free(node->ports->ports) > 0;
}

static bool
has_room(const struct node *node, const Davit__TaskSpec *spec)
{
	struct resources room = ledger_free(&node->account); /* but for what is kept for others */
	struct spec_reserve want = spec_reserve(spec);

	if (node->state != DAVIT__NODE__STATE__READY || node->draining || !places_admit(node, spec))
		return false;
	for (size_t i = 0; i < spec->n_ports; i++) {
		if (!has_port_left(node, spec->ports[i]))
			return false;
	}
	return want.cpu_milli <= room.cpu_milli && want.memory_bytes <= room.memory_bytes &&
	       want.disk_bytes <= room.disk_bytes;
}

static bool
some_node_has_room(const struct model *model, const struct task *task)
{
	struct node *node, *next;

	HASH_ITER(hh, model->nodes, node, next)
	{
		if (has_room(node, task->group->spec->spec))
			return true;
	}
	return false;
}

/* ---- timers ---- */

static bool
is_over(struct sim *sim, uint64_t since_wall_ms, uint64_t most_ms)
{
	return most_ms > 0 && since_wall_ms > 0 &&
	       since_wall_ms + most_ms + LATE_MS < sim_wall(sim, SIM_MANAGER);
}

static const char *
overdue(struct sim *sim, const struct task *task)
{
	const Davit__TaskSpec *spec = task->group->spec->spec;

	if (task_state_is_final(task->state))
		return spec->auto_remove && is_over(sim, task->finished_ms, MANAGER_AUTO_REMOVE_MS)
			       ? "it should have removed itself"
			       : NULL;
	if (is_over(sim, task->group->created_ms, spec_ttl_ms(spec)))
		return "its ttl is over";
	/* A held one that a stranger started may have ended, and waits for its start. */
	if (task->state == TASK_RUNNING && task->desired != DAVIT__TASK__DESIRED__READY &&
		is_over(sim, task->started_ms, spec_max_run_time_ms(spec)))
		return "it runs longer than max_run_time";
	return NULL;
}

/* Where it may go is decided by where others are: not judged here. */
static bool
depends_on_others(const Davit__TaskSpec *spec)
{
	return spec->gang != NULL || spec->n_affinities > 0 || spec->max_per_node > 0;
}

const char *
settled_task_complaint(struct sim *sim, const struct task *task)
{
	if (task->state == TASK_PENDING && !depends_on_others(task->group->spec->spec) &&
		some_node_has_room(&sim->manager->core->model, task))
		return "it waits although a node has room";
	if (task_state_is_final(task->state) && task->holds)
		return "it is over and its reservation is not given back";
	return overdue(sim, task);
}

/* ---- books ---- */

/* Of an array some wait in front of those that have no record, and they know why. */
static const char *
rest_complaint(const struct manager *manager, const struct group *group)
{
	struct task look;

	if (waiting_count(&manager->waiting, group) == 0)
		return "nobody waits in front of an array's rest";
	arrays_imagine(manager, group, model_next_unmade(group, 0), &look);
	return look.message == NULL ? "an array's rest waits and does not say why" : NULL;
}

const char *
settled_books_complaint(struct sim *sim)
{
	const struct manager *manager = sim->manager->core;
	const struct past *past = &manager->model.past;
	struct group *group, *next;
	const struct rest *rest;
	size_t n_left = 0;

	if (ended_count(manager) > manager->config.history_max)
		return "the history is longer than its bound";
	HASH_ITER(hh, manager->model.groups, group, next)
	n_left += group->n_left;
	if (n_left != manager->model.n_tasks + past->n - past->n_singles)
		return "groups count other tasks than there are";
	DL_FOREACH (manager->model.rests, rest) {
		const char *complaint = rest_complaint(manager, rest->group);

		if (complaint != NULL)
			return complaint;
	}
	return NULL;
}
