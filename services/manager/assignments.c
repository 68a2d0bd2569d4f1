#include "services/manager/assignments.h"

#include "common/base/mem.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/records.h"
#include "services/manager/view.h"

enum {
	ANSWER_POLLS = 1, /* an answer may be under way for so many times poll_ms */
	LIFE_SHIFT = 32,
};

static const uint64_t version_max = INT64_MAX; /* of one that a worker says it has */

void
assignments_begin(struct manager *manager, uint64_t lives)
{
	struct assignments *assignments = &manager->assignments;

	/* A process stays one life however often it loads: it goes on from its highest version. */
	if (assignments->life == 0) {
		assignments->life = lives + 1;
		assignments->highest = assignments->life << LIFE_SHIFT;
	}
	assignments->is_life_noted = assignments->life <= lives;
}

void
assignments_reset(struct assignments *assignments)
{
	*assignments =
		(struct assignments){.life = assignments->life, .highest = assignments->highest};
}

void
assignments_serve(struct manager *manager, struct node *node)
{
	if (node->is_served)
		return;
	node->is_served = true;
	node->serve_next = manager->assignments.nodes;
	manager->assignments.nodes = node;
}

void
assignments_changed(struct manager *manager, struct task *task)
{
	if (!task->on_node)
		return;
	assignments_serve(manager, task->node);
	if (task->is_assign_dirty)
		return;
	task->is_assign_dirty = true;
	task->assign_next = task->node->changed;
	task->node->changed = task;
}

void
assignments_forget(struct task *task)
{
	struct task **link;

	if (!task->is_assign_dirty)
		return;
	for (link = &task->node->changed; *link != task; link = &(*link)->assign_next)
		continue;
	*link = task->assign_next;
	task->is_assign_dirty = false;
}

static void
drop(struct manager *manager, struct node *node, struct id task_id, uint32_t attempt)
{
	struct dropped *dropped = xcalloc(1, sizeof *dropped);

	dropped->task_id = task_id;
	dropped->attempt = attempt;
	dropped->next = node->dropped;
	node->dropped = dropped;
	assignments_serve(manager, node);
}

void
assignments_dropped(struct manager *manager, struct task *task)
{
	assignments_forget(task);
	drop(manager, task->node, task->id, task->attempt);
}

void
assignments_unknown(struct manager *manager, struct node *node, const Davit__TaskReport *report)
{
	const struct task *task;
	struct id id;

	if (report->observed == DAVIT__TASK_REPORT__OBSERVED__GONE &&
		id_parse(report->task_id, &id)) {
		task = model_task_find(&manager->model, id);
		/* To forget an attempt that nobody was given would be to forget the one that is. */
		if (task == NULL || report->attempt <= task->attempt) {
			drop(manager, node, id, report->attempt);
			return;
		}
	}
	node->needs_complete = true;
	assignments_serve(manager, node);
}

/* ---- answers ---- */

static void
answer(struct manager *manager, struct node *node, Davit__PollReply *reply)
{
	struct rpc_call *call = node->parked;

	node->parked = NULL;
	node->is_urgent = false;
	reply->has_applies_to = reply->has_results_in = reply->has_poll_ms = true;
	reply->poll_ms = manager->config.poll_ms;
	batch_answer(manager, call, &reply->base);
}

static void
answer_nothing(struct manager *manager, struct node *node)
{
	const Davit__PollRequest *request = (const Davit__PollRequest *)node->parked->request;
	Davit__PollReply reply = DAVIT__POLL_REPLY__INIT;

	reply.applies_to = reply.results_in = request->have_version;
	answer(manager, node, &reply);
}

static void
add_spec(struct manager *manager, struct spec *spec, Davit__PollReply *reply)
{
	Davit__SpecEntry *entry;

	if (spec->mark == manager->assignments.mark)
		return;
	spec->mark = manager->assignments.mark;
	entry = arena_alloc(&manager->batch.arena, sizeof *entry);
	davit__spec_entry__init(entry);
	entry->id = spec->id;
	entry->spec = spec->spec;
	reply->specs[reply->n_specs++] = entry;
}

/* What does not change is not said again: an increment follows what the worker has. */
static void
add_rest(struct manager *manager, struct task *task, Davit__PollReply *reply,
	Davit__Assignment *assignment)
{
	struct arena *arena = &manager->batch.arena;
	char name[256];

	if (task->is_told && !reply->complete)
		return;
	task->is_told = true;
	model_task_name(task, name, sizeof name);
	assignment->name = arena_strdup(arena, name);
	assignment->ports = view_ports(task, &assignment->n_ports, arena);
	add_spec(manager, task->group->spec, reply);
}

static void
add_assignment(struct manager *manager, struct task *task, Davit__PollReply *reply)
{
	struct arena *arena = &manager->batch.arena;
	Davit__Assignment *assignment = arena_alloc(arena, sizeof *assignment);

	davit__assignment__init(assignment);
	assignment->task_id = view_id(task->id, arena);
	assignment->attempt = task->attempt;
	assignment->desired = lifecycle_assigned_desire(task);
	assignment->spec_id = task->group->spec->id;
	assignment->has_created_ms = true;
	assignment->created_ms = task->group->created_ms;
	assignment->has_stop_timeout_ms = task->has_stop_timeout;
	assignment->stop_timeout_ms = task->stop_timeout_ms;
	assignment->has_has_ended = assignment->has_has_started = true;
	assignment->has_ended = task_state_is_final(task->state);
	assignment->has_started =
		task->started_ms > 0 || task->observed >= DAVIT__TASK_REPORT__OBSERVED__RUNNING;
	assignment->has_paused = assignment->has_pause_generation = task->pause_generation > 0;
	assignment->paused = task->is_paused;
	assignment->pause_generation = task->pause_generation;
	assignment->has_restart_count = task->restart_count > 0;
	assignment->restart_count = task->restart_count;
	manager->flow.delivered +=
		task->observed == 0 && assignment->desired == DAVIT__TASK__DESIRED__RUN;
	reply->assignments[reply->n_assignments++] = assignment;
	add_rest(manager, task, reply, assignment);
}

static void
make_room(struct manager *manager, Davit__PollReply *reply, size_t n)
{
	reply->assignments = arena_array(&manager->batch.arena, n, sizeof *reply->assignments);
	reply->specs = arena_array(&manager->batch.arena, n, sizeof *reply->specs);
}

static void
fill_complete(struct manager *manager, struct node *node, Davit__PollReply *reply)
{
	struct task *task;

	reply->has_complete = true;
	reply->complete = true;
	make_room(manager, reply, node->n_on_node);
	for (task = node->tasks; task != NULL; task = task->node_next)
		add_assignment(manager, task, reply);
	while ((task = node->changed) != NULL) {
		node->changed = task->assign_next;
		task->is_assign_dirty = false;
	}
}

static void
fill_increment(struct manager *manager, struct node *node, Davit__PollReply *reply)
{
	struct task *task;
	size_t n = 0;

	for (task = node->changed; task != NULL; task = task->assign_next)
		n++;
	make_room(manager, reply, n);
	while ((task = node->changed) != NULL) {
		node->changed = task->assign_next;
		task->is_assign_dirty = false;
		add_assignment(manager, task, reply);
	}
}

static void
fill_dropped(struct manager *manager, struct node *node, Davit__PollReply *reply)
{
	struct arena *arena = &manager->batch.arena;
	struct dropped *dropped;
	size_t n = 0;

	for (dropped = node->dropped; dropped != NULL; dropped = dropped->next)
		n++;
	reply->dropped = arena_array(arena, n, sizeof *reply->dropped);
	while ((dropped = node->dropped) != NULL) {
		Davit__TaskRef *ref = arena_alloc(arena, sizeof *ref);

		davit__task_ref__init(ref);
		ref->task_id = view_id(dropped->task_id, arena);
		ref->has_attempt = true;
		ref->attempt = dropped->attempt;
		reply->dropped[reply->n_dropped++] = ref;
		node->dropped = dropped->next;
		free(dropped);
	}
}

/*
 * Two Polls of a worker are under way at a time, so it asks again before it has heard the
 * last answer. That is no gap: what follows is chained to that answer, and should it be
 * lost, the worker sees the gap; if nothing follows, this is over after a while.
 */
static bool
is_answer_under_way(const struct manager *manager, const struct node *node, uint64_t have_version)
{
	return have_version < node->sent_version &&
	       manager->now.mono_ms - node->sent_mono_ms < ANSWER_POLLS * manager->config.poll_ms;
}

static bool
needs_complete(const struct manager *manager, const struct node *node, uint64_t have_version)
{
	return node->needs_complete || have_version == 0 ||
	       (have_version != node->sent_version &&
		       !is_answer_under_way(manager, node, have_version));
}

/* Beyond what this and every earlier life gave out, and beyond what the worker says it has. */
static uint64_t
next_version(struct manager *manager, const struct node *node)
{
	const Davit__PollRequest *request = (const Davit__PollRequest *)node->parked->request;
	struct assignments *assignments = &manager->assignments;
	uint64_t last = node->version > assignments->life << LIFE_SHIFT ? node->version
									: assignments->highest;
	uint64_t seen = request->have_version > request->seen_version ? request->have_version
								      : request->seen_version;

	if (seen > last && seen < version_max)
		return seen + 1;
	if (assignments->highest == last)
		assignments->highest++;
	return last + 1;
}

/* While nothing can be written, a life that the store does not know of is silent. */
static bool
may_tell(const struct manager *manager)
{
	return manager->assignments.is_life_noted || manager->store_trouble[0] == '\0';
}

/* With the first batch that has something to tell, so that the store knows of this life first. */
static void
note_life(struct manager *manager)
{
	if (manager->assignments.is_life_noted)
		return;
	manager->assignments.is_life_noted = true;
	records_put_cluster(manager);
}

static void
fill(struct manager *manager, struct node *node, bool complete, Davit__PollReply *reply)
{
	uint64_t have_version = ((const Davit__PollRequest *)node->parked->request)->have_version;

	reply->applies_to = complete ? have_version : node->sent_version;
	reply->results_in = node->version = next_version(manager, node);
	note_life(manager);
	if (complete)
		fill_complete(manager, node, reply);
	else
		fill_increment(manager, node, reply);
	fill_dropped(manager, node, reply);
	node->sent_version = reply->results_in;
	node->sent_mono_ms = manager->now.mono_ms;
}

static void
serve(struct manager *manager, struct node *node)
{
	const Davit__PollRequest *request;
	Davit__PollReply reply = DAVIT__POLL_REPLY__INIT;
	bool complete, has_changes;

	if (node->parked == NULL)
		return; /* the next Poll gets it */
	request = (const Davit__PollRequest *)node->parked->request;
	complete = needs_complete(manager, node, request->have_version);
	has_changes =
		(complete || node->changed != NULL || node->dropped != NULL) && may_tell(manager);
	if (!has_changes && !node->is_urgent && node->queries == NULL)
		return;
	manager->assignments.mark++;
	reply.applies_to = reply.results_in = request->have_version;
	if (has_changes) {
		fill(manager, node, complete, &reply);
		node->needs_complete = false;
	}
	relay_hand_over(manager, node, &reply);
	answer(manager, node, &reply);
}

void
assignments_poll(struct manager *manager, struct node *node, struct rpc_call *call, bool is_urgent)
{
	const Davit__PollRequest *request = (const Davit__PollRequest *)call->request;
	uint64_t wait_ms = request->has_wait_ms && request->wait_ms < manager->config.poll_ms
				   ? request->wait_ms
				   : manager->config.poll_ms;

	if (node->parked != NULL)
		answer_nothing(manager, node);
	node->parked = call;
	node->parked_until_mono_ms = manager->now.mono_ms + wait_ms;
	node->is_urgent = is_urgent || wait_ms == 0;
	assignments_serve(manager, node);
}

void
assignments_end(struct manager *manager, struct node *node, const char *reason)
{
	struct rpc_call *call = node->parked;

	node->parked = NULL;
	if (call != NULL)
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, NULL, "%s",
			reason);
}

void
assignments_leave(struct manager *manager, struct node *node)
{
	struct node **link = &manager->assignments.nodes;

	assignments_end(manager, node, "the node was removed: register again");
	if (!node->is_served)
		return;
	while (*link != node)
		link = &(*link)->serve_next;
	*link = node->serve_next;
	node->is_served = false;
}

void
assignments_tick(struct manager *manager)
{
	struct node *node, *next;

	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		if (node->parked == NULL || node->parked_until_mono_ms > manager->now.mono_ms)
			continue;
		node->is_urgent = true;
		assignments_serve(manager, node);
	}
}

void
assignments_seal(struct manager *manager)
{
	struct node *node;

	while ((node = manager->assignments.nodes) != NULL) {
		manager->assignments.nodes = node->serve_next;
		node->is_served = false;
		serve(manager, node);
	}
}
