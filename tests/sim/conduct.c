#include "tests/sim/conduct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "common/base/mem.h"
#include "common/model/spec.h"
#include "services/manager/arrays.h"
#include "services/manager/core.h"
#include "services/manager/limits.h"
#include "tests/sim/host.h"
#include "tests/sim/places.h"

enum {
	LOOK_MS = 100,      /* between two looks at what the engines run */
	TROUBLE_MS = 30000, /* so long after a trouble a worker is not held to its deadlines */
	NEWS_MS = 5000,     /* so old may be what the scheduler knew of a node */
	GANGS_MAX = 256,    /* placed in one batch */
	HISTORY_SLACK = 40, /* ended since the last tick: in one batch, at most */
	CALENDAR_SLACK_MS = 130000, /* a calendar is set back by so much, at most */
};

/* A task as it was on disk. */
struct was {
	struct id id, replaced_by, node;
	enum task_state state;
	Davit__Task__Desired desired;
	bool is_on_node, replace_when_ended, stops_alone, was_touched, is_gone, is_preempted;
	bool was_meddled;  /* a stranger started its container */
	bool was_confused; /* its place was proposed by a scheduler that talks nonsense */
	uint32_t attempt;
	uint64_t version, look;
	uint64_t cpu_milli;
	unsigned runs_on; /* where its container runs, plus one; 0: nowhere */
	struct was *run_prev, *run_next;
	UT_hash_handle hh;
};

struct node_was {
	struct id id;
	bool is_draining;
	Davit__Node__State state;
	uint64_t heard_mono_ms, marked_ms;
	const Davit__NodeTraits *traits; /* only to see that it is another; marked: when it was */
};

struct conduct {
	struct was *tasks;
	struct was *running[SIM_WORKERS_MAX];   /* lists, by worker */
	struct node_was nodes[SIM_WORKERS_MAX]; /* by the number in their name */
	struct id gangs[GANGS_MAX];             /* of which somebody was placed in this batch */
	size_t n_gangs, n_claims;
	uint64_t n_looks, looked_ms, loaded_mono_ms;
	uint64_t epoch, version, earlier_version; /* the highest of this life; of those before */
	uint64_t troubled_ms[SIM_WORKERS_MAX];    /* when the last trouble was, or is over */
};

void
conduct_init(struct sim *sim)
{
	sim->conduct = xcalloc(1, sizeof *sim->conduct);
}

void
conduct_fini(struct sim *sim)
{
	struct conduct *conduct = sim->conduct;
	struct was *was, *next;

	HASH_ITER(hh, conduct->tasks, was, next)
	{
		HASH_DEL(conduct->tasks, was);
		free(was);
	}
	free(conduct);
	sim->conduct = NULL;
}

static struct was *
find(struct conduct *conduct, struct id id)
{
	struct was *was;

	HASH_FIND(hh, conduct->tasks, &id, sizeof id, was);
	return was;
}

static struct was *
find_or_add(struct conduct *conduct, struct id id)
{
	struct was *was = find(conduct, id);

	if (was == NULL) {
		was = xcalloc(1, sizeof *was);
		was->id = id;
		HASH_ADD(hh, conduct->tasks, id, sizeof was->id, was);
	}
	return was;
}

static unsigned
number_of(const struct node *node)
{
	unsigned number = sim_worker_of(node->name);

	return number < SIM_WORKERS_MAX ? number : 0;
}

/* NULL if it was not there, or was another of the same name. */
static const struct node_was *
find_node(const struct conduct *conduct, const struct node *node)
{
	const struct node_was *was = &conduct->nodes[number_of(node)];

	return id_equal(was->id, node->id) ? was : NULL;
}

void
conduct_stranger(struct sim *sim, struct id task)
{
	find_or_add(sim->conduct, task)->was_touched = true;
}

void
conduct_confused(struct sim *sim, struct id task)
{
	find_or_add(sim->conduct, task)->was_confused = true;
}

void
conduct_meddled(struct sim *sim, struct id task)
{
	find_or_add(sim->conduct, task)->was_meddled = true;
	conduct_stranger(sim, task);
}

bool
conduct_was_meddled(struct sim *sim, struct id task)
{
	const struct was *was = find(sim->conduct, task);

	return was != NULL && was->was_meddled;
}

void
conduct_worker_troubled(struct sim *sim, unsigned index, uint64_t for_ms)
{
	uint64_t *troubled_ms = &sim->conduct->troubled_ms[index];

	if (*troubled_ms < sim->now_ms + for_ms)
		*troubled_ms = sim->now_ms + for_ms;
}

static void
fail(struct sim *sim, const char *rule, const struct task *task, const char *what)
{
	char text[ID_TEXT_SIZE];

	id_format(task->id, text);
	sim_fail(sim, rule, "task %s (%s, attempt %u, on %s): %s", text,
		task_fsm.state_name[task->state], task->attempt,
		task->node == NULL ? "no node" : task->node->name, what);
}

/* ---- giving up: after the grace, the node's silence, the spec's patience, not in a hold ---- */

static bool
most_are_silent(struct sim *sim)
{
	struct model *model = &sim->manager->core->model;
	unsigned n_nodes = HASH_COUNT(model->nodes), n_silent = 0;
	uint64_t now = sim_mono(sim, SIM_MANAGER);
	struct node *node, *next;

	HASH_ITER(hh, model->nodes, node, next)
	{
		const struct node_was *was = find_node(sim->conduct, node);
		bool fell = node->state == DAVIT__NODE__STATE__DOWN &&
			    (was == NULL || was->state != DAVIT__NODE__STATE__DOWN);

		if (node->leave_mono_ms <= now &&
			now - node->silent_mono_ms <= MANAGER_HOLD_WINDOW_MS)
			n_silent += node->state == DAVIT__NODE__STATE__UNKNOWN || fell;
	}
	return n_nodes >= MANAGER_HOLD_NODES_MIN && n_silent * 2 > n_nodes;
}

static void
was_given_up(struct sim *sim, const struct task *task)
{
	const Davit__TaskSpec *spec = task->group->spec->spec;
	const struct manager_config *config = &sim->manager->core->config;
	struct spec_disconnect disconnect = spec_disconnect(spec);
	uint64_t now = sim_mono(sim, SIM_MANAGER), patience = 0;
	const struct node_was *node = find_node(sim->conduct, task->node);

	/* At its start the manager takes every node for silent. */
	if (node != NULL && node->heard_mono_ms > sim->conduct->loaded_mono_ms)
		patience = config->silent_ms;

	if (disconnect.mode == DAVIT__DISCONNECT__MODE__KEEP)
		fail(sim, "kept_tasks_wait_for_their_node", task, "it was given up");
	if (disconnect.mode == DAVIT__DISCONNECT__MODE__REPLACE)
		patience += disconnect.replace_after_ms;
	if (disconnect.mode == DAVIT__DISCONNECT__MODE__STOP_AFTER)
		patience = disconnect.stop_after_ms + spec_stop_timeout_ms(spec);
	if (node != NULL && now - node->heard_mono_ms < patience)
		fail(sim, "nothing_is_given_up_too_early", task, "its node was heard just now");
	if (now - sim->conduct->loaded_mono_ms < config->restart_grace_ms)
		fail(sim, "nothing_is_moved_in_the_grace", task, "the manager has just started");
	if (most_are_silent(sim))
		fail(sim, "most_silent_moves_nothing", task, "most nodes are silent");
}

/* ---- one task, from then to now ---- */

static void
check_replacement(struct sim *sim, const struct task *task, const struct was *was)
{
	if (id_is_none(task->replaced_by) || id_equal(task->replaced_by, was->replaced_by))
		return;
	if (!id_is_none(was->replaced_by))
		fail(sim, "a_task_is_replaced_once", task, "it has another replacement now");
	if (!task_state_is_final(was->state) && was->desired >= DAVIT__TASK__DESIRED__STOP &&
		!was->replace_when_ended)
		fail(sim, "stopped_tasks_are_not_replaced", task, "a user had stopped it");
}

/* Those of an array that were confused count for all: who goes where depends on the others. */
static bool
is_confused(struct sim *sim, const struct task *task)
{
	for (uint32_t i = 0; i < task->group->count; i++) {
		const struct was *was = find(sim->conduct, id_at(task->group->id, i));

		if (was != NULL && was->was_confused)
			return true;
	}
	return false;
}

static void
check_place(struct sim *sim, const struct task *task, const struct node_was *node)
{
	const char *complaint = places_array_complaint(task);

	if (is_confused(sim, task))
		return;
	if (node != NULL && node->traits == task->node->traits &&
		sim->now_ms - node->marked_ms > NEWS_MS &&
		!places_admit(task->node, task->group->spec->spec))
		fail(sim, "constraints_hold_at_placement", task, "its node is not for it");
	if (complaint != NULL)
		fail(sim, "arrays_keep_their_distance", task, complaint);
}

static void
note_gang(struct conduct *conduct, const struct task *task)
{
	const Davit__Gang *gang = task->group->spec->spec->gang;

	if (gang != NULL && gang->all_or_nothing && task->attempt == 1 && task->group->count > 1 &&
		conduct->n_gangs < GANGS_MAX)
		conduct->gangs[conduct->n_gangs++] = task->group->id;
}

static void
check_gangs(struct sim *sim)
{
	struct conduct *conduct = sim->conduct;
	const struct model *model = &sim->manager->core->model;

	for (size_t i = 0; i < conduct->n_gangs; i++) {
		const struct group *group = model_group_find(model, conduct->gangs[i]);

		if (group != NULL && places_gang_is_torn(model, group))
			sim_fail(sim, "gangs_are_placed_whole", "%s", group->name);
	}
	conduct->n_gangs = 0;
}

static void
check_preemption(struct sim *sim, const struct task *task, const struct was *was)
{
	if (!task->is_preempted || was->is_preempted)
		return;
	sim_count(sim, SIM_PREEMPTED);
	if (!places_preemption_is_right(&sim->manager->core->model, task))
		fail(sim, "only_lower_ranks_make_room", task, task->message);
}

static void
check_placement(struct sim *sim, const struct task *task, const struct was *was)
{
	const struct node_was *node;

	if (!task->on_node || (was->is_on_node && was->attempt == task->attempt))
		return;
	note_gang(sim->conduct, task);
	check_place(sim, task, find_node(sim->conduct, task->node));
	node = find_node(sim->conduct, task->node);
	if (node != NULL && node->is_draining && task->node->draining)
		fail(sim, "draining_nodes_take_nothing", task, "it was put there just now");
	if (node != NULL && node->state != DAVIT__NODE__STATE__READY &&
		task->node->state != DAVIT__NODE__STATE__READY)
		fail(sim, "silent_nodes_take_nothing", task, "it was put there just now");
}

static bool
blames_somebody(const struct task *task)
{
	return task->message != NULL && strstr(task->message, "container was removed by") != NULL;
}

static void
check_task(struct sim *sim, const struct task *task, const struct was *was, bool decided_now)
{
	if (was->is_gone)
		fail(sim, "removed_tasks_stay_away", task, "it was removed before");
	if (decided_now && task_state_is_final(task->state) && !task_state_is_final(was->state) &&
		task->phase == DAVIT__TASK__PHASE__LOST && task->on_node && task->message != NULL &&
		strcmp(task->message, "its node is lost") == 0)
		was_given_up(sim, task);
	if (blames_somebody(task) && !was->was_touched)
		fail(sim, "who_is_blamed_did_it", task, "nobody touched its container");
	check_replacement(sim, task, was);
	if (!decided_now)
		return;
	check_placement(sim, task, was);
	check_preemption(sim, task, was);
}

static void
note_task(const struct task *task, struct was *was)
{
	const Davit__TaskSpec *spec = task->group->spec->spec;

	was->state = task->state;
	was->desired = task->desired;
	was->is_on_node = task->on_node;
	was->node = task->on_node ? task->node->id : (struct id){0};
	was->replace_when_ended = task->replace_when_ended;
	was->attempt = task->attempt;
	was->replaced_by = task->replaced_by;
	was->is_preempted = task->is_preempted;
	was->version = task->version;
	was->cpu_milli = spec_reserve(spec).cpu_milli;
	was->stops_alone = spec_disconnect(spec).mode == DAVIT__DISCONNECT__MODE__STOP_AFTER;
}

/* decided_now: the nodes in the model are as they were when it was decided. */
static struct was *
look_at_task(struct sim *sim, const struct task *task, bool decided_now)
{
	struct was *was = find_or_add(sim->conduct, task->id);

	if (was->version == task->version && was->state != TASK_NONE && !was->is_gone)
		return was;
	check_task(sim, task, was, decided_now);
	note_task(task, was);
	return was;
}

/* Else a late answer of an earlier life passes for a newer one. */
static void
later_lives_give_later_versions(struct sim *sim, const struct node *node)
{
	struct conduct *conduct = sim->conduct;

	if (node->version == 0)
		return; /* none yet, in this life */
	if (conduct->epoch != sim->procs[SIM_MANAGER].epoch) {
		conduct->epoch = sim->procs[SIM_MANAGER].epoch;
		conduct->earlier_version = conduct->version;
	}
	if (node->version <= conduct->earlier_version)
		sim_fail(sim, "later_lives_give_later_versions", "%s is told version %llu",
			node->name, (unsigned long long)node->version);
	if (node->version > conduct->version)
		conduct->version = node->version;
}

static void
note_nodes(struct sim *sim)
{
	struct node *node, *next;

	HASH_ITER(hh, sim->manager->core->model.nodes, node, next)
	{
		struct node_was *was = &sim->conduct->nodes[number_of(node)];

		was->id = node->id;
		was->is_draining = node->draining;
		was->state = node->state;
		was->heard_mono_ms = node->heard_mono_ms;
		if (was->traits != node->traits)
			was->marked_ms = sim->now_ms;
		was->traits = node->traits;
		later_lives_give_later_versions(sim, node);
	}
}

/* ---- ports: the ledger has those that tasks hold, and no others ---- */

static void
ports_add_up(struct sim *sim)
{
	struct model *model = &sim->manager->core->model;
	struct engine_ports *engine, *next_engine;
	struct node *node, *next;
	uint32_t n_held = 0, n_owned = 0;

	HASH_ITER(hh, model->nodes, node, next)
	{
		for (const struct task *task = node->tasks; task != NULL; task = task->node_next) {
			for (size_t i = 0; task->holds && task->host_ports != NULL &&
					   i < task->group->spec->spec->n_ports;
				i++)
				n_owned += task->host_ports[i] != 0;
		}
	}
	HASH_ITER(hh, model->engines, engine, next_engine)
	n_held += ledger_ports_n_held(engine->ports);
	if (n_held != n_owned)
		sim_fail(sim, "ports_add_up", "%u are taken, %u have an owner", n_held, n_owned);
}

/* ---- what the engines run at this moment ---- */

void
conduct_runs(struct sim *sim, unsigned index, struct id task, bool is_running)
{
	struct conduct *conduct = sim->conduct;
	struct was *was = find_or_add(conduct, task);

	if (was->runs_on != 0)
		DL_DELETE2(conduct->running[was->runs_on - 1], was, run_prev, run_next);
	was->runs_on = is_running ? index + 1 : 0;
	if (is_running)
		DL_APPEND2(conduct->running[index], was, run_prev, run_next);
}

static void
engines_are_not_overbooked(struct sim *sim, unsigned index)
{
	const struct host_worker *host = sim->workers[index];
	const struct was *was;
	uint64_t cpu_milli = 0;

	/* What a stranger started, or a node that was removed still runs, is nobody's fault. */
	DL_FOREACH2(sim->conduct->running[index], was, run_next)
	cpu_milli += was->is_on_node && !was->was_meddled ? was->cpu_milli : 0;
	if (cpu_milli > host->capacity_cpu_milli)
		sim_fail(sim, "engines_are_not_overbooked", "%s runs %llu of %llu millicores",
			host->name, (unsigned long long)cpu_milli,
			(unsigned long long)host->capacity_cpu_milli);
}

/*
 * Those that stop by themselves and were replaced. Whoever removes a silent node says that nothing
 * of it is left: what still runs there is not waited for.
 */
static void
stop_after_never_runs_two(struct sim *sim, unsigned index)
{
	const struct was *was, *other;
	char text[ID_TEXT_SIZE];

	if (sim->now_ms < sim->conduct->troubled_ms[index] + TROUBLE_MS)
		return;
	DL_FOREACH2(sim->conduct->running[index], was, run_next)
	{
		if (was->was_meddled || !was->stops_alone || !was->is_on_node ||
			id_is_none(was->replaced_by))
			continue;
		other = find(sim->conduct, was->replaced_by);
		if (other == NULL || other->state != TASK_RUNNING)
			continue;
		id_format(was->id, text);
		sim_fail(sim, "stop_after_never_runs_two", "task %s runs beside its replacement",
			text);
	}
}

static void
look_at_engines(struct sim *sim)
{
	for (unsigned i = 0; i < sim->options.n_workers; i++) {
		engines_are_not_overbooked(sim, i);
		stop_after_never_runs_two(sim, i);
	}
}

/* ---- moments ---- */

void
conduct_task(struct sim *sim, const struct task *task)
{
	(void)look_at_task(sim, task, true);
}

void
conduct_gone(struct sim *sim, struct id task)
{
	struct was *was = find(sim->conduct, task);

	if (was == NULL || was->state == TASK_NONE)
		return;
	was->is_gone = true;
	if (model_node_find(&sim->manager->core->model, was->node) == NULL)
		was->is_on_node = false; /* both were removed at once */
}

static void
history_is_bounded(struct sim *sim)
{
	const struct manager *manager = sim->manager->core;
	const struct past_entry *entry = past_oldest(&manager->model.past);
	const struct task *first = manager->model.history.first;
	uint64_t ended_ms = entry != NULL   ? entry->ended_ms
			    : first != NULL ? first->ended_ms
					    : UINT64_MAX / 2;
	uint64_t kept_ms = manager->config.history_age_ms + CALENDAR_SLACK_MS;

	if (ended_count(manager) > manager->config.history_max + HISTORY_SLACK)
		sim_fail(sim, "history_is_bounded", "%zu ended tasks", ended_count(manager));
	if (ended_ms + kept_ms <= sim_wall(sim, SIM_MANAGER))
		sim_fail(sim, "history_is_bounded", "a task ended longer ago than is kept");
}

void
conduct_committed(struct sim *sim)
{
	const struct manager *manager = sim->manager->core;

	check_gangs(sim);
	note_nodes(sim);
	for (; sim->conduct->n_claims < manager->claims.n_parts; sim->conduct->n_claims++)
		sim_count(sim, SIM_CLAIMED);
	sim->conduct->n_claims = manager->claims.n_parts;
	if (sim->now_ms < sim->conduct->looked_ms + LOOK_MS)
		return;
	sim->conduct->looked_ms = sim->now_ms;
	ports_add_up(sim);
	look_at_engines(sim);
	history_is_bounded(sim);
}

static void
look_at_rest(struct sim *sim, const struct group *group)
{
	struct task look;

	for (uint32_t i = model_next_unmade(group, 0); i < group->count;
		i = model_next_unmade(group, i + 1)) {
		arrays_imagine(sim->manager->core, group, i, &look);
		look_at_task(sim, &look, false)->look = sim->conduct->n_looks;
	}
}

void
conduct_loaded(struct sim *sim)
{
	struct conduct *conduct = sim->conduct;
	const struct past *past = &sim->manager->core->model.past;
	const struct rest *rest;
	struct was *was, *next;

	conduct->n_looks++;
	for (const struct task *task = sim->manager->core->model.oldest; task != NULL;
		task = task->newer)
		look_at_task(sim, task, false)->look = conduct->n_looks;
	DL_FOREACH (sim->manager->core->model.rests, rest)
		look_at_rest(sim, rest->group);
	for (const struct past_entry *entry = past_after(past, (struct id){0, 0}); entry != NULL;
		entry = past_after(past, entry->id))
		find_or_add(conduct, entry->id)->look = conduct->n_looks;
	HASH_ITER(hh, conduct->tasks, was, next)
	was->is_gone |= was->state != TASK_NONE && was->look != conduct->n_looks;
	note_nodes(sim);
	conduct->loaded_mono_ms = sim_mono(sim, SIM_MANAGER);
}
