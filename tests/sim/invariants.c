#include "tests/sim/invariants.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/model/spec.h"
#include "services/manager/core.h"
#include "services/manager/limits.h"
#include "tests/sim/host.h"

/* What the witness knows of a task. */
struct seen {
	struct id id;
	bool is_acked, may_go, is_final;
	enum task_state state;
	uint64_t finished_ms;
	int32_t exit_code;
	uint32_t attempt;
	uint8_t observed;
	Davit__Task__Desired desired;
	UT_hash_handle hh;
};

/* An attempt that the manager once put on a node: whoever runs it was told to. */
struct granted {
	struct {
		struct id task;
		uint64_t attempt;
	} key;
	char node[16];
	UT_hash_handle hh;
};

struct asked {
	char request_id[32];
	struct id base;
	UT_hash_handle hh;
};

struct witness {
	struct seen *tasks;
	struct granted *grants;
	struct asked *asked;
};

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

static struct seen *
see(struct witness *witness, struct id id)
{
	struct seen *seen;

	HASH_FIND(hh, witness->tasks, &id, sizeof id, seen);
	if (seen == NULL) {
		seen = xcalloc(1, sizeof *seen);
		seen->id = id;
		HASH_ADD(hh, witness->tasks, id, sizeof seen->id, seen);
	}
	return seen;
}

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
		see(witness, id_at(base, i))->is_acked = true;
}

void
witness_may_go(struct sim *sim, struct id id)
{
	see(sim->witness, id)->may_go = true;
}

/* Or was a moment ago: the same batch may have trimmed it and removed others by request. */
static bool
history_is_full(const struct manager *manager)
{
	enum { SLACK = 10 };

	return manager->model.history.n + SLACK >= manager->config.history_max;
}

/* ---- 1. an acknowledged write survives ---- */

static void
acknowledged_tasks_are_there(struct sim *sim)
{
	struct manager *manager = sim->manager->core;
	struct seen *seen, *next;
	char text[ID_TEXT_SIZE];

	HASH_ITER(hh, sim->witness->tasks, seen, next)
	{
		if (!seen->is_acked || seen->may_go || model_task_find(&manager->model, seen->id))
			continue;
		if (seen->is_final && history_is_full(manager)) {
			seen->may_go = true; /* history is bounded */
			continue;
		}
		id_format(seen->id, text);
		sim_fail(sim, "acknowledged_tasks_are_there", "task %s is gone", text);
		return;
	}
}

/* ---- 4. a terminal task never changes; observed and desired state never go back ---- */

static void
fail_task(struct sim *sim, const char *invariant, const struct task *task, const char *what)
{
	char text[ID_TEXT_SIZE];

	id_format(task->id, text);
	sim_fail(sim, invariant, "task %s (%s, attempt %u): %s", text,
		task_fsm.state_name[task->state], task->attempt, what);
}

static void
task_only_moves_forward(struct sim *sim, const struct task *task)
{
	const struct manager *manager = sim->manager->core;
	struct seen *seen = see(sim->witness, task->id);

	if (seen->is_final &&
		(seen->state != task->state || seen->finished_ms != task->finished_ms ||
			seen->exit_code != task->exit_code))
		fail_task(sim, "terminal_task_never_changes", task, "it was final already");
	if (task->desired < seen->desired)
		fail_task(sim, "desired_never_goes_back", task, "less is wanted than before");
	if (task->attempt < seen->attempt ||
		(task->attempt == seen->attempt && task->observed < seen->observed &&
			task->state != TASK_PENDING))
		fail_task(sim, "observed_never_goes_back", task, "less was seen than before");
	seen->is_final = task_state_is_final(task->state);
	seen->state = task->state;
	seen->finished_ms = task->finished_ms;
	seen->exit_code = task->exit_code;
	seen->desired = task->desired;
	seen->attempt = task->attempt;
	seen->observed = task->observed;
	/* Two kinds may go by themselves: what asked for it, and the oldest of a full history. */
	if (task->group->spec->spec->auto_remove ||
		(seen->is_final && task->desired == DAVIT__TASK__DESIRED__REMOVE &&
			history_is_full(manager)))
		seen->may_go = true;
}

/* ---- 3. reservations never exceed capacity; a port has one owner ---- */

static void
reservations_add_up(struct sim *sim, struct node *node)
{
	struct resources sum = {0};

	for (struct task *task = node->tasks; task != NULL; task = task->node_next) {
		struct spec_reserve reserve = spec_reserve(task->group->spec->spec);

		if (!task->holds)
			continue;
		sum.cpu_milli += reserve.cpu_milli;
		sum.memory_bytes += reserve.memory_bytes;
		sum.disk_bytes += reserve.disk_bytes;
	}
	if (sum.cpu_milli != node->account.reserved.cpu_milli ||
		sum.memory_bytes != node->account.reserved.memory_bytes)
		sim_fail(sim, "reservations_add_up", "node %s", node->name);
	if (sum.cpu_milli > node->account.capacity.cpu_milli ||
		sum.memory_bytes > node->account.capacity.memory_bytes)
		sim_fail(sim, "reservations_fit", "node %s", node->name);
}

static void
ports_have_one_owner(struct sim *sim, struct node *node)
{
	for (struct task *a = node->tasks; a != NULL; a = a->node_next) {
		for (struct task *b = a->node_next; b != NULL; b = b->node_next) {
			if (!a->holds || !b->holds || a->host_ports == NULL ||
				b->host_ports == NULL || a->host_ports[0] == 0)
				continue;
			if (a->host_ports[0] == b->host_ports[0])
				sim_fail(sim, "ports_have_one_owner", "port %u of node %s",
					a->host_ports[0], node->name);
		}
	}
}

/* ---- what is granted ---- */

static struct granted *
find_grant(struct witness *witness, struct id task, uint32_t attempt)
{
	struct granted probe = {0}, *grant;

	probe.key.task = task;
	probe.key.attempt = attempt;
	HASH_FIND(hh, witness->grants, &probe.key, sizeof probe.key, grant);
	return grant;
}

static void
note_grant(struct sim *sim, const struct task *task)
{
	struct granted *grant;

	if (!task->on_node || find_grant(sim->witness, task->id, task->attempt) != NULL)
		return;
	grant = xcalloc(1, sizeof *grant);
	grant->key.task = task->id;
	grant->key.attempt = task->attempt;
	(void)snprintf(grant->node, sizeof grant->node, "%s", task->node->name);
	HASH_ADD(hh, sim->witness->grants, key, sizeof grant->key, grant);
	sim_trace(sim, SIM_MANAGER, "puts %016llx%016llx attempt %u on %s",
		(unsigned long long)task->id.hi, (unsigned long long)task->id.lo, task->attempt,
		grant->node);
}

/* Everything that is on disk now. */
static void
look_at_model(struct sim *sim)
{
	struct model *model = &sim->manager->core->model;
	struct node *node, *next;

	for (struct task *task = model->oldest; task != NULL; task = task->newer) {
		note_grant(sim, task);
		task_only_moves_forward(sim, task);
	}
	HASH_ITER(hh, model->nodes, node, next)
	{
		reservations_add_up(sim, node);
		ports_have_one_owner(sim, node);
	}
	acknowledged_tasks_are_there(sim);
}

void
witness_manager_committed(struct sim *sim)
{
	look_at_model(sim);
}

void
witness_manager_loaded(struct sim *sim)
{
	if (sim->failure[0] == '\0')
		look_at_model(sim);
}

/* ---- 2. nothing runs that was not assigned, and nothing twice ---- */

struct running {
	struct id task;
	uint32_t attempt;
	const char *node;
};

enum { RUNNING_MAX = 4096 };

struct look {
	struct sim *sim;
	const char *node;
	struct running *all; /* or NULL */
	size_t n;
};

static bool
read_labels(const struct engine_mem_view *view, struct running *ret)
{
	const char *task = engine_mem_label(view, "davit.task");
	const char *attempt = engine_mem_label(view, "davit.attempt");

	if (task == NULL || attempt == NULL || !id_parse(task, &ret->task))
		return false;
	ret->attempt = (uint32_t)strtoul(attempt, NULL, 10);
	return true;
}

static void
look_at_container(const struct engine_mem_view *view, void *arg)
{
	struct look *look = arg;
	struct running running = {.node = look->node};
	struct granted *grant;

	if ((view->status != ENGINE_RUNNING && view->status != ENGINE_PAUSED) ||
		!read_labels(view, &running))
		return;
	grant = find_grant(look->sim->witness, running.task, running.attempt);
	if (grant == NULL || strcmp(grant->node, look->node) != 0)
		sim_fail(look->sim, "only_what_was_assigned_runs", "%s runs %s attempt %u",
			look->node, engine_mem_label(view, "davit.task"), running.attempt);
	if (look->n < RUNNING_MAX)
		look->all[look->n++] = running;
}

static int
compare_running(const void *a, const void *b)
{
	const struct running *x = a, *y = b;

	if (x->task.hi != y->task.hi)
		return x->task.hi < y->task.hi ? -1 : 1;
	return x->task.lo == y->task.lo ? 0 : x->task.lo < y->task.lo ? -1 : 1;
}

static void
no_task_runs_twice(struct sim *sim)
{
	static struct running all[RUNNING_MAX]; /* one run at a time in a process */
	struct look look = {.sim = sim, .all = all};

	for (unsigned i = 0; i < sim->options.n_workers; i++) {
		look.node = sim->workers[i]->name;
		engine_mem_each(sim->workers[i]->world, look_at_container, &look);
	}
	qsort(all, look.n, sizeof all[0], compare_running);
	for (size_t i = 1; i < look.n; i++) {
		char text[ID_TEXT_SIZE];

		if (compare_running(&all[i - 1], &all[i]) != 0)
			continue;
		id_format(all[i].task, text);
		sim_fail(sim, "no_task_runs_twice", "task %s on %s and on %s", text, all[i].node,
			all[i - 1].node);
	}
}

/* Of a task without restarts every attempt is started once at most, ever. */
struct started {
	struct running *all;
	size_t n;
	struct sim *sim;
};

static void
note_start(const struct engine_mem_view *view, void *arg)
{
	struct started *started = arg;
	struct running running = {0};
	struct task *task;

	if (started->n == RUNNING_MAX || !read_labels(view, &running))
		return;
	task = started->sim->manager->core == NULL
		       ? NULL
		       : model_task_find(&started->sim->manager->core->model, running.task);
	if (task != NULL && spec_restart_condition(task->group->spec->spec) ==
				    DAVIT__RESTART_POLICY__CONDITION__NO)
		started->all[started->n++] = running;
}

static void
one_shot_tasks_start_once(struct sim *sim)
{
	static struct running all[RUNNING_MAX];
	struct started started = {.all = all, .sim = sim};

	for (unsigned i = 0; i < sim->options.n_workers; i++)
		engine_mem_each_start(sim->workers[i]->world, note_start, &started);
	qsort(all, started.n, sizeof all[0], compare_running);
	for (size_t i = 1; i < started.n; i++) {
		char text[ID_TEXT_SIZE];

		if (compare_running(&all[i - 1], &all[i]) != 0)
			continue;
		id_format(all[i].task, text);
		sim_fail(sim, "one_shot_tasks_start_once", "task %s was started twice", text);
	}
}

void
invariants_check(struct sim *sim)
{
	bool changed = false;

	for (unsigned i = 0; i < sim->options.n_workers; i++) {
		changed |= sim->workers[i]->is_changed;
		sim->workers[i]->is_changed = false;
	}
	if (changed && !sim->options.calm)
		no_task_runs_twice(sim);
}

/* ---- 5. what the store wants and what the engines run become equal ---- */

static bool
is_running(struct sim *sim, const struct task *task, const struct running *all, size_t n)
{
	(void)sim;
	for (size_t i = 0; i < n; i++) {
		if (id_equal(all[i].task, task->id) && all[i].attempt == task->attempt &&
			strcmp(all[i].node, task->node->name) == 0)
			return true;
	}
	return false;
}

/* Why the task is not where it should be; NULL if it is. */
static const char *
complaint(struct sim *sim, const struct task *task, const struct running *all, size_t n)
{
	bool has_words = task->message != NULL && task->message[0] != '\0';

	switch (task->state) {
	case TASK_PENDING: /* 8. every task that does not move can say why */
		return has_words ? NULL : "it waits and does not say why";
	case TASK_SCHEDULED:
		return "it is still not started";
	case TASK_RUNNING:
		if (task->desired >= DAVIT__TASK__DESIRED__STOP)
			return "it should have been stopped";
		if (task->phase == DAVIT__TASK__PHASE__RESTARTING)
			return NULL;
		return is_running(sim, task, all, n) ? NULL : "no container runs for it";
	default:
		if (task->desired == DAVIT__TASK__DESIRED__REMOVE)
			return "it should have been removed";
		return is_running(sim, task, all, n) ? "its container runs on" : NULL;
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

/* 7. what is kept is bounded by what exists. */
struct keys {
	size_t n_groups, n_specs, n_requests, n_nodes, n_tasks;
};

static int
count_key(const char *key, const void *value, size_t size, void *arg)
{
	struct keys *keys = arg;

	(void)value;
	(void)size;
	keys->n_groups += strncmp(key, "group/", 6) == 0;
	keys->n_specs += strncmp(key, "spec/", 5) == 0;
	keys->n_requests += strncmp(key, "request/", 8) == 0;
	keys->n_nodes += strncmp(key, "node/", 5) == 0;
	keys->n_tasks += strncmp(key, "task/", 5) == 0;
	return 0;
}

static void
store_holds_only_what_exists(struct sim *sim)
{
	struct manager *manager = sim->manager->core;
	struct keys keys = {0};
	struct group *group, *next;
	size_t n_tasks = 0;
	struct err err = {0};

	HASH_ITER(hh, manager->model.groups, group, next)
	n_tasks += group->count;
	if (store_scan(sim->manager->store, "", count_key, &keys, &err) < 0)
		sim_fail(sim, "store_can_be_read", "%s", err.text);
	if (keys.n_groups != HASH_COUNT(manager->model.groups) ||
		keys.n_specs != HASH_COUNT(manager->model.specs) ||
		keys.n_nodes != HASH_COUNT(manager->model.nodes) ||
		keys.n_requests != manager->requests.n || keys.n_tasks > n_tasks)
		sim_fail(sim, "store_holds_only_what_exists",
			"groups %zu of %u, specs %zu of %u, requests %zu of %zu, tasks %zu of %zu",
			keys.n_groups, HASH_COUNT(manager->model.groups), keys.n_specs,
			HASH_COUNT(manager->model.specs), keys.n_requests, manager->requests.n,
			keys.n_tasks, n_tasks);
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

bool
invariants_has_converged(struct sim *sim, char *ret_why, size_t size)
{
	static struct running all[RUNNING_MAX];
	struct look look = {.sim = sim, .all = all};

	if (sim->manager->core == NULL || !all_nodes_are_ready(sim)) {
		(void)snprintf(ret_why, size, "manager or nodes are not ready");
		return false;
	}
	if (manager_has_work(sim->manager->core)) {
		(void)snprintf(ret_why, size, "a batch is not committed yet");
		return false;
	}
	for (unsigned i = 0; i < sim->options.n_workers; i++) {
		look.node = sim->workers[i]->name;
		engine_mem_each(sim->workers[i]->world, look_at_container, &look);
	}
	for (struct task *task = sim->manager->core->model.oldest; task != NULL;
		task = task->newer) {
		const char *why = complaint(sim, task, all, look.n);
		char text[ID_TEXT_SIZE];

		if (why == NULL)
			continue;
		id_format(task->id, text);
		(void)snprintf(ret_why, size, "task %s (%s, phase %d, on %s, attempt %u): %s", text,
			task_fsm.state_name[task->state], (int)task->phase,
			task->node == NULL ? "no node" : task->node->name, task->attempt, why);
		return false;
	}
	for (size_t i = 0; i < look.n; i++) {
		if (model_task_find(&sim->manager->core->model, all[i].task) != NULL)
			continue;
		(void)snprintf(ret_why, size, "%s runs a container without a task", all[i].node);
		return false;
	}
	return true;
}

void
invariants_check_end(struct sim *sim)
{
	one_shot_tasks_start_once(sim);
	store_holds_only_what_exists(sim);
	every_wish_is_one_group(sim);
}
