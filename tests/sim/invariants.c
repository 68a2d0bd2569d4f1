#include "tests/sim/invariants.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <utlist.h>

#include "common/base/mem.h"
#include "common/model/spec.h"
#include "services/manager/arrays.h"
#include "services/manager/limits.h"
#include "services/manager/records.h"
#include "tests/sim/host.h"
#include "tests/sim/witness.h"

enum { WORDLESS_MS = 30000 }; /* the longest that a task may wait without saying why */

/* ---- 1. an acknowledged write survives ---- */

/* Or was a moment ago: the same batch may have trimmed it and removed others by request. */
static bool
history_is_full(const struct manager *manager)
{
	enum { SLACK = 10 };

	return manager->config.history_age_ms < MANAGER_HISTORY_AGE_MS ||
	       ended_count(manager) + SLACK >= manager->config.history_max;
}

static void
acknowledged_tasks_are_there(struct sim *sim, struct seen *seen)
{
	char text[ID_TEXT_SIZE];

	if (!seen->is_acked || seen->may_go)
		return;
	if ((seen->is_final || seen->may_end) && history_is_full(sim->manager->core)) {
		seen->may_go = true; /* history is bounded */
		return;
	}
	id_format(seen->id, text);
	sim_fail(sim, "acknowledged_tasks_are_there", "task %s is gone", text);
}

void
invariants_look_at_gone(struct sim *sim, struct seen *seen)
{
	acknowledged_tasks_are_there(sim, seen);
	seen->on = WITNESS_NOWHERE;
	seen->wordless_ms = 0;
}

static void
fail_task(struct sim *sim, const char *invariant, const struct task *task, const char *what)
{
	char text[ID_TEXT_SIZE];

	id_format(task->id, text);
	sim_fail(sim, invariant, "task %s (%s, attempt %u): %s", text,
		task_fsm.state_name[task->state], task->attempt, what);
}

static void
acknowledged_wishes_are_kept(struct sim *sim, const struct task *task, const struct seen *seen)
{
	if (seen->must_stop && task->desired < DAVIT__TASK__DESIRED__STOP &&
		!task_state_is_final(task->state))
		fail_task(sim, "acknowledged_wishes_are_kept", task, "its stop was acknowledged");
	if (seen->must_start && task->desired < DAVIT__TASK__DESIRED__RUN)
		fail_task(sim, "acknowledged_wishes_are_kept", task, "its start was acknowledged");
	if (seen->must_go && task->desired < DAVIT__TASK__DESIRED__REMOVE)
		fail_task(sim, "acknowledged_wishes_are_kept", task,
			"its removal was acknowledged");
}

static void
acknowledged_drains_are_kept(struct sim *sim, const struct node *node)
{
	const struct witness *witness = sim->witness;
	unsigned number = witness_number(node);

	if (number != WITNESS_NOWHERE && witness->knows_drain[number] &&
		node->draining != witness->must_drain[number])
		sim_fail(sim, "acknowledged_wishes_are_kept", "node %s is %sdrained", node->name,
			node->draining ? "" : "not ");
}

/* ---- 4. a terminal task never changes; observed and desired state never go back ---- */

static void
terminal_task_never_changes(struct sim *sim, const struct task *task, const struct seen *seen)
{
	if (seen->is_final &&
		(seen->state != task->state || seen->finished_ms != task->finished_ms ||
			seen->exit_code != task->exit_code))
		fail_task(sim, "terminal_task_never_changes", task, "it was final already");
}

static void
desired_never_goes_back(struct sim *sim, const struct task *task, const struct seen *seen)
{
	if (task->desired < seen->desired)
		fail_task(sim, "desired_never_goes_back", task, "less is wanted than before");
}

static void
observed_never_goes_back(struct sim *sim, const struct task *task, const struct seen *seen)
{
	/* It was handed back; and what was stopped in the same batch has ended since. */
	bool is_back = task->state == TASK_PENDING ||
		       (seen->state == TASK_SCHEDULED && !task->on_node && task->observed == 0);

	if (task->attempt < seen->attempt ||
		(task->attempt == seen->attempt && task->observed < seen->observed && !is_back))
		fail_task(sim, "observed_never_goes_back", task, "less was seen than before");
}

/* ---- what is known from now on ---- */

static void
trace_move(struct sim *sim, const struct task *task, const struct seen *seen)
{
	char text[ID_TEXT_SIZE];

	if (!sim->options.trace ||
		(seen->is_known && seen->state == task->state && seen->attempt == task->attempt))
		return;
	id_format(task->id, text);
	sim_trace(sim, SIM_MANAGER, "task %s attempt %u on %s: %s to %s, phase %d%s%s", text,
		task->attempt, task->node == NULL ? "-" : task->node->name,
		seen->is_known ? task_fsm.state_name[seen->state] : "-",
		task_fsm.state_name[task->state], (int)task->phase,
		task->message == NULL ? "" : ": ", task->message == NULL ? "" : task->message);
}

static void
note_grant(struct sim *sim, const struct task *task, struct seen *seen)
{
	struct granted *grant;

	if (!task->on_node || (seen->granted == task->attempt && task->attempt > 0))
		return;
	seen->granted = task->attempt;
	if (witness_find_grant(sim->witness, task->id, task->attempt) != NULL)
		return;
	grant = xcalloc(1, sizeof *grant);
	grant->key.task = task->id;
	grant->key.attempt = task->attempt;
	grant->on = witness_number(task->node);
	HASH_ADD(hh, sim->witness->grants, key, sizeof grant->key, grant);
}

static bool
waits_without_words(const struct task *task)
{
	return task->state == TASK_PENDING && (task->message == NULL || task->message[0] == '\0');
}

static void
remember(struct sim *sim, const struct task *task, struct seen *seen)
{
	const Davit__TaskSpec *spec = task->group->spec->spec;

	seen->is_known = true;
	seen->is_final = task_state_is_final(task->state);
	seen->state = task->state;
	seen->finished_ms = task->finished_ms;
	seen->exit_code = task->exit_code;
	seen->desired = task->desired;
	seen->attempt = task->attempt;
	seen->observed = task->observed;
	seen->on = witness_number(task->node);
	seen->is_one_shot = spec_restart_condition(spec) == DAVIT__RESTART_POLICY__CONDITION__NO;
	if (!waits_without_words(task))
		seen->wordless_ms = 0;
	else if (seen->wordless_ms == 0)
		seen->wordless_ms = sim->now_ms;
	seen->may_end |= spec->ttl_ms > 0;
	/* Two kinds may go by themselves: what asked for it, and the oldest of a full history. */
	if (spec->auto_remove || (seen->is_final && task->desired == DAVIT__TASK__DESIRED__REMOVE &&
					 history_is_full(sim->manager->core)))
		seen->may_go = true;
}

void
invariants_look_at_task(struct sim *sim, const struct task *task)
{
	struct seen *seen = witness_see(sim->witness, task->id);

	trace_move(sim, task, seen);
	note_grant(sim, task, seen);
	terminal_task_never_changes(sim, task, seen);
	desired_never_goes_back(sim, task, seen);
	observed_never_goes_back(sim, task, seen);
	acknowledged_wishes_are_kept(sim, task, seen);
	remember(sim, task, seen);
}

/* ---- 3. reservations never exceed capacity; a port has one owner ---- */

static void
reservations_add_up(struct sim *sim, struct node *node)
{
	struct resources sum = {0};

	for (struct task *task = node->tasks; task != NULL; task = task->node_next) {
		struct spec_reserve reserve;

		if (!task->holds)
			continue;
		reserve = spec_reserve(task->group->spec->spec);
		sum.cpu_milli += reserve.cpu_milli;
		sum.memory_bytes += reserve.memory_bytes;
		sum.disk_bytes += reserve.disk_bytes;
	}
	if (sum.cpu_milli != node->account.reserved.cpu_milli ||
		sum.memory_bytes != node->account.reserved.memory_bytes ||
		sum.disk_bytes != node->account.reserved.disk_bytes)
		sim_fail(sim, "reservations_add_up", "node %s", node->name);
}

static void
reservations_fit(struct sim *sim, const struct node *node)
{
	const struct ledger_account *account = &node->account;

	if (account->reserved.cpu_milli > account->capacity.cpu_milli ||
		account->reserved.memory_bytes > account->capacity.memory_bytes)
		sim_fail(sim, "reservations_fit", "node %s", node->name);
}

static bool
holds_ports(const struct task *task)
{
	return task->holds && task->host_ports != NULL;
}

static bool
shares_a_port(const struct task *a, const struct task *b)
{
	size_t n_a = a->group->spec->spec->n_ports, n_b = b->group->spec->spec->n_ports;

	for (size_t i = 0; i < n_a * n_b; i++) {
		uint16_t port = a->host_ports[i / n_b];

		if (port != 0 && port == b->host_ports[i % n_b])
			return true;
	}
	return false;
}

static void
ports_have_one_owner(struct sim *sim, struct node *node)
{
	for (struct task *a = node->tasks; a != NULL; a = a->node_next) {
		if (!holds_ports(a))
			continue;
		for (struct task *b = a->node_next; b != NULL; b = b->node_next) {
			if (holds_ports(b) && shares_a_port(a, b))
				sim_fail(sim, "ports_have_one_owner", "node %s", node->name);
		}
	}
}

void
invariants_look_at_node(struct sim *sim, struct node *node)
{
	reservations_add_up(sim, node);
	reservations_fit(sim, node);
	ports_have_one_owner(sim, node);
	acknowledged_drains_are_kept(sim, node);
}

/* ---- 7. what is kept is bounded by what exists ---- */

struct keys {
	size_t n_groups, n_specs, n_requests, n_nodes, n_tasks;
};

/* The kinds of records.h begin with different letters. */
static int
count_key(const char *key, const void *value, size_t size, void *arg)
{
	struct keys *keys = arg;

	(void)value;
	(void)size;
	keys->n_groups += key[0] == 'g';
	keys->n_specs += key[0] == 's';
	keys->n_requests += key[0] == 'r';
	keys->n_nodes += key[0] == 'n';
	keys->n_tasks += key[0] == 't';
	return 0;
}

static void
store_holds_only_what_exists(struct sim *sim)
{
	struct manager *manager = sim->manager->core;
	struct keys keys = {0};
	const struct past *past = &manager->model.past;
	struct group *group, *next;
	size_t n_tasks = past->n_singles;
	struct err err = {0};

	HASH_ITER(hh, manager->model.groups, group, next)
	for (uint32_t i = 0; i < group->count; i++)
		n_tasks += model_is_on_disk(group, i);
	if (store_scan(sim->manager->store, "", count_key, &keys, &err) < 0)
		return; /* a fault that is planned; it will be read again */
	if (keys.n_groups != HASH_COUNT(manager->model.groups) + past->n_singles ||
		keys.n_specs != HASH_COUNT(manager->model.specs) + past->n_own_specs ||
		keys.n_nodes != HASH_COUNT(manager->model.nodes) ||
		keys.n_requests != manager->requests.n || keys.n_tasks != n_tasks)
		sim_fail(sim, "store_holds_only_what_exists",
			"groups %zu of %u, specs %zu of %u, nodes %zu of %u, requests %zu of %zu, "
			"tasks %zu of %zu",
			keys.n_groups, HASH_COUNT(manager->model.groups), keys.n_specs,
			HASH_COUNT(manager->model.specs), keys.n_nodes,
			HASH_COUNT(manager->model.nodes), keys.n_requests, manager->requests.n,
			keys.n_tasks, n_tasks);
}

static void
memory_is_bounded(struct sim *sim)
{
	const struct manager *manager = sim->manager->core;

	if (ended_count(manager) > manager->config.history_max + MANAGER_LIST_MAX ||
		manager->requests.n > MANAGER_REQUESTS_MAX)
		sim_fail(sim, "memory_is_bounded", "%zu ended tasks, %zu answers",
			ended_count(manager), manager->requests.n);
}

static void
journals_are_bounded(struct sim *sim)
{
	for (unsigned i = 0; i < sim->options.n_workers; i++) {
		const struct host_worker *host = sim->workers[i];

		if (host->n_journal > SIM_JOURNAL_MAX)
			sim_fail(sim, "journals_are_bounded", "the journal of %s has %zu entries",
				host->name, host->n_journal);
	}
}

/* ---- 8. every task that does not move can say why ---- */

static void
who_waits_says_why(struct sim *sim, const struct task *task, const struct seen *seen)
{
	if (seen->wordless_ms != 0 && sim->now_ms - seen->wordless_ms > WORDLESS_MS)
		fail_task(sim, "who_waits_says_why", task, "it waits and does not say why");
}

/* ---- everything ---- */

/* What is on disk only says what the task said last. */
static void
look_at_past(struct sim *sim)
{
	struct manager *manager = sim->manager->core;
	const struct past *past = &manager->model.past;
	struct records_read *read;
	struct err err = {0};

	for (const struct past_entry *entry = past_after(past, (struct id){0, 0}); entry != NULL;
		entry = past_after(past, entry->id)) {
		int rc = records_read_task(manager, entry, &read, &err);

		if (rc == -EIO)
			return; /* a fault that is planned */
		if (rc < 0) {
			sim_fail(sim, "history_can_be_read", "%s", err.text);
			return;
		}
		invariants_look_at_task(sim, &read->task);
		records_read_free(read);
	}
}

static void
tasks_are_in_order(struct sim *sim)
{
	const struct task *task = sim->manager->core->model.oldest;

	for (; task != NULL && task->newer != NULL; task = task->newer) {
		if (!id_is_less(task->id, task->newer->id))
			fail_task(sim, "tasks_are_in_order", task, "a younger one comes before it");
	}
}

/* Elements without a record are PENDING like others, and counted. */
static void
look_at_rest(struct sim *sim, const struct group *group)
{
	const struct rest *rest = model_rest(group);
	uint32_t n = 0, n_pending = 0;
	struct task look;

	for (uint32_t i = 0; i < group->count; i++) {
		const struct task *task = model_element(group, i);

		n_pending += task != NULL && task->state == TASK_PENDING;
		if (!model_is_unmade(group, i))
			continue;
		n++;
		arrays_imagine(sim->manager->core, group, i, &look);
		invariants_look_at_task(sim, &look);
	}
	if (n != rest->n || n + n_pending != group->n_by_state[TASK_PENDING] ||
		model_next_unmade(group, 0) != rest->first || n == 0)
		sim_fail(sim, "rests_add_up", "%u without a record, %u are counted", n, rest->n);
}

static void
look_at_rests(struct sim *sim)
{
	const struct rest *rest;

	DL_FOREACH (sim->manager->core->model.rests, rest)
		look_at_rest(sim, rest->group);
}

static void
look_at_model(struct sim *sim)
{
	struct model *model = &sim->manager->core->model;
	struct seen *seen, *next_seen;
	struct node *node, *next;
	struct task look;

	tasks_are_in_order(sim);
	look_at_rests(sim);
	for (struct task *task = model->oldest; task != NULL; task = task->newer) {
		invariants_look_at_task(sim, task);
		who_waits_says_why(sim, task, witness_see(sim->witness, task->id));
	}
	HASH_ITER(hh, sim->witness->tasks, seen, next_seen)
	{
		if (seen->is_acked && !seen->may_go && witness_find(sim, seen->id, &look) == NULL &&
			past_find(&model->past, seen->id) == NULL)
			invariants_look_at_gone(sim, seen);
	}
	HASH_ITER(hh, model->nodes, node, next)
	{
		invariants_look_at_node(sim, node);
	}
	look_at_past(sim);
	store_holds_only_what_exists(sim);
	memory_is_bounded(sim);
}

struct look {
	struct sim *sim;
	unsigned worker;
	size_t n_running;
};

static void
look_at_container(const struct engine_mem_view *view, void *arg)
{
	struct look *look = arg;
	const struct granted *grant;
	const struct seen *seen;
	struct id task;
	uint32_t attempt;

	if ((view->status != ENGINE_RUNNING && view->status != ENGINE_PAUSED) ||
		!witness_read_labels(view, &task, &attempt))
		return;
	look->n_running++;
	grant = witness_find_grant(look->sim->witness, task, attempt);
	seen = witness_see(look->sim->witness, task);
	if (grant == NULL || grant->on != look->worker || seen->n_running != 1)
		sim_fail(look->sim, "engines_run_what_was_seen", "w%u runs %s attempt %u",
			look->worker, engine_mem_label(view, "davit.task"), attempt);
}

static void
engines_run_what_was_seen(struct sim *sim)
{
	struct look look = {.sim = sim};

	for (unsigned i = 0; i < sim->options.n_workers; i++) {
		look.worker = i;
		engine_mem_each(sim->workers[i]->world, look_at_container, &look);
	}
	if (look.n_running != sim->witness->n_running)
		sim_fail(sim, "engines_run_what_was_seen", "%zu containers, %zu were seen to start",
			look.n_running, sim->witness->n_running);
}

void
invariants_check_all(struct sim *sim)
{
	sim->witness->next_full = sim->n_steps + INVARIANTS_FULL_STEPS;
	sim_count(sim, SIM_CHECKED);
	if (sim->manager->core != NULL)
		look_at_model(sim);
	engines_run_what_was_seen(sim);
	journals_are_bounded(sim);
}

void
witness_manager_loaded(struct sim *sim)
{
	if (!sim_has_failed(sim))
		look_at_model(sim);
}

void
invariants_check(struct sim *sim)
{
	const struct manager *manager = sim->manager->core;

	/* Between two batches the model holds what is on disk, and nothing else. */
	if (sim->n_steps < sim->witness->next_full ||
		(manager != NULL && (sim->manager->reload_ms != 0 || sim->manager->is_committing ||
					    manager_has_work(manager))))
		return;
	invariants_check_all(sim);
}
