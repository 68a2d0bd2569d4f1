#include "tests/sim/users.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "tests/sim/invariants.h"
#include "tests/sim/network.h"
#include "tests/sim/specs.h"
#include "tests/sim/witness.h"

enum {
	WISH_MS_MAX = 1500, /* between two wishes */
	RETRY_MS = 1000,
	CALL_TIMEOUT_MS = 3000,
	KNOWN_MAX = 40, /* tasks that users keep: with more, one is removed for each new one */
};

struct users {
	uint64_t n_moments;                   /* at which somebody may wish something, … */
	uint64_t n_wishes;                    /* … and what was wished */
	unsigned n_updating[SIM_WORKERS_MAX]; /* wishes about a node that are under way, … */
	bool is_disputed[SIM_WORKERS_MAX];    /* … at times two at once: any may be the last */
	struct id known[KNOWN_MAX];
	unsigned n_known;
	bool is_over;
};

/* One change that somebody wants, until it is answered. */
struct wish {
	struct sim *sim;
	const char *method;
	ProtobufCMessage *request; /* on the heap, with what it points to */
	char request_id[32];       /* "" for a question, which is asked only once */
	unsigned n_repeats;        /* once more after the answer */
	struct id task;            /* whom a stop or a removal is about */
	bool is_array;             /* … all of its array */
	unsigned worker;           /* whom an update is about, and what it says */
	bool is_drain, draining;
};

static void ask(struct wish *wish);

static void
wish_free(struct wish *wish)
{
	protobuf_c_message_free_unpacked(wish->request, NULL);
	free(wish);
}

static bool
on_retry(struct sim *sim, void *arg)
{
	if (sim->is_ending) {
		wish_free(arg);
		return false;
	}
	sim_count(sim, SIM_REPEATED);
	ask(arg);
	return true;
}

static void
know(struct users *users, struct id id)
{
	if (users->n_known < KNOWN_MAX)
		users->known[users->n_known++] = id;
}

static void
forget(struct users *users, struct id id)
{
	for (unsigned i = 0; i < users->n_known; i++) {
		if (!id_equal(users->known[i], id))
			continue;
		users->known[i] = users->known[--users->n_known];
		return;
	}
}

static void
take_submission(struct wish *wish, const Davit__SubmitTasksReply *reply)
{
	struct sim *sim = wish->sim;
	struct id base;

	if (reply->n_task_ids == 0 || !id_parse(reply->task_ids[0], &base)) {
		sim_fail(sim, "answers_make_sense", "a submission without ids");
		return;
	}
	witness_submitted(sim, base, reply->count, wish->request_id);
	for (uint32_t i = 0; i < reply->count; i++)
		know(sim->users, id_at(base, i));
}

static bool
is_change(const struct wish *wish)
{
	return wish->request_id[0] != '\0';
}

/* Whom it is about: the elements of the array that somebody submitted, or one. */
static void
tell_witness(const struct wish *wish, void (*tell)(struct sim *sim, struct id id))
{
	struct sim *sim = wish->sim;

	if (!wish->is_array)
		tell(sim, wish->task);
	for (uint32_t i = 0; wish->is_array && i < SPECS_ARRAY_MAX; i++) {
		if (witness_see(sim->witness, id_at(wish->task, i))->is_acked)
			tell(sim, id_at(wish->task, i));
	}
}

static void
take_removal(struct sim *sim, struct id id)
{
	witness_removed(sim, id);
	forget(sim->users, id);
}

/* What was acknowledged is told to the witness. */
static void
take_promise(struct wish *wish, const ProtobufCMessage *response)
{
	struct sim *sim = wish->sim;

	if (strcmp(wish->method, "SubmitTasks") == 0)
		take_submission(wish, (const Davit__SubmitTasksReply *)response);
	if (strcmp(wish->method, "StopTasks") == 0)
		tell_witness(wish, witness_stopped);
	if (strcmp(wish->method, "RemoveTasks") == 0)
		tell_witness(wish, take_removal);
	if (strcmp(wish->method, "StartTasks") == 0)
		witness_started(sim, wish->task);
	if (wish->is_drain && wish->n_repeats == 0 && --sim->users->n_updating[wish->worker] == 0) {
		witness_drained(sim, wish->worker, !sim->users->is_disputed[wish->worker],
			wish->draining);
		sim->users->is_disputed[wish->worker] = false;
	}
}

static bool
must_retry(Davit__Reply__Status status)
{
	return status == DAVIT__REPLY__STATUS__UNAVAILABLE ||
	       status == DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED;
}

static void
on_answered(const struct rpc_result *result, void *arg)
{
	struct wish *wish = arg;
	struct sim *sim = wish->sim;

	sim_trace(sim, SIM_USER, "%s %s: %d %s", wish->method, wish->request_id,
		(int)result->status, result->message);
	if (result->status == DAVIT__REPLY__STATUS__OK)
		take_promise(wish, result->response);
	if (is_change(wish) && (must_retry(result->status) || wish->n_repeats > 0)) {
		wish->n_repeats -= must_retry(result->status) ? 0 : 1;
		sim_at(sim, sim->now_ms + dice_roll(&sim->procs[SIM_USER].dice, RETRY_MS), on_retry,
			wish);
	} else {
		wish_free(wish);
	}
}

static void
ask(struct wish *wish)
{
	struct network_call call = {.from = SIM_USER,
		.to = SIM_MANAGER,
		.service = &davit__manager__descriptor,
		.method = wish->method,
		.request = wish->request,
		.request_id = is_change(wish) ? wish->request_id : NULL,
		.timeout_ms = CALL_TIMEOUT_MS,
		.done = on_answered,
		.arg = wish};

	network_call(wish->sim, &call);
}

/* Copies the request, which may be on the stack. Not asked yet. */
static struct wish *
make_wish(struct sim *sim, const char *method, const ProtobufCMessage *request)
{
	struct wish *wish = xcalloc(1, sizeof *wish);
	size_t size = protobuf_c_message_get_packed_size(request);
	uint8_t *data = xmalloc(size);

	(void)protobuf_c_message_pack(request, data);
	wish->sim = sim;
	wish->method = method;
	wish->request = protobuf_c_message_unpack(request->descriptor, NULL, size, data);
	free(data);
	return wish;
}

static struct wish *
make_change(struct sim *sim, const char *method, const ProtobufCMessage *request)
{
	struct wish *wish = make_wish(sim, method, request);

	(void)snprintf(wish->request_id, sizeof wish->request_id, "wish-%" PRIu64,
		++sim->users->n_wishes);
	wish->n_repeats = dice_chance(&sim->wish_dice, 200) ? 1 : 0;
	sim_trace(sim, SIM_USER, "wants %s %s", method, wish->request_id);
	return wish;
}

/* ---- what they want ---- */

static void
count_submission(struct sim *sim, const struct spec_draft *draft)
{
	const Davit__TaskSpec *spec = &draft->spec;

	sim_count(sim, SIM_SUBMITTED);
	if (draft->count > 1)
		sim_count(sim, SIM_SUBMITTED_ARRAY);
	if (spec->gang != NULL)
		sim_count(sim, SIM_SUBMITTED_GANG);
	if (spec->n_constraints + spec->n_affinities + spec->n_spreads + spec->max_per_node > 0)
		sim_count(sim, SIM_SUBMITTED_CHOOSY);
	if (spec->hold)
		sim_count(sim, SIM_SUBMITTED_HELD);
}

static void
want_submission(struct sim *sim)
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__PlanTasksRequest plan = DAVIT__PLAN_TASKS_REQUEST__INIT;
	struct spec_draft draft;
	char name[32];

	(void)snprintf(name, sizeof name, "t%" PRIu64, sim->users->n_moments);
	specs_throw(&sim->wish_dice, name, &draft);
	request.spec = plan.spec = &draft.spec;
	request.has_count = plan.has_count = true;
	request.count = plan.count = draft.count;
	if (dice_chance(&sim->wish_dice, 30)) {
		sim_count(sim, SIM_PLANNED);
		ask(make_wish(sim, "PlanTasks", &plan.base));
		return;
	}
	count_submission(sim, &draft);
	ask(make_change(sim, "SubmitTasks", &request.base));
}

static bool
pick_task(struct sim *sim, struct id *ret_task, char ret_text[ID_TEXT_SIZE])
{
	struct users *users = sim->users;

	if (users->n_known == 0)
		return false;
	*ret_task = users->known[dice_roll(&sim->wish_dice, users->n_known)];
	id_format(*ret_task, ret_text);
	return true;
}

/* All of its array; of none it is not found. */
static void
take_array(struct id *id, char text[ID_TEXT_SIZE])
{
	id->lo &= ~(uint64_t)UINT32_MAX;
	id_format(*id, text);
}

static void
want_stop(struct sim *sim)
{
	bool is_array = dice_chance(&sim->wish_dice, 150);
	Davit__StopTasksRequest request = DAVIT__STOP_TASKS_REQUEST__INIT;
	char text[ID_TEXT_SIZE], *tasks[] = {text};
	struct wish *wish;
	struct id id;

	if (!pick_task(sim, &id, text))
		return;
	if (is_array)
		take_array(&id, text);
	request.array_id = is_array ? text : NULL;
	request.n_tasks = is_array ? 0 : 1;
	request.tasks = tasks;
	request.has_timeout_ms = dice_chance(&sim->wish_dice, 200);
	request.timeout_ms = dice_roll(&sim->wish_dice, 3000);
	sim_count(sim, SIM_STOPPED);
	wish = make_change(sim, "StopTasks", &request.base);
	wish->task = id;
	wish->is_array = is_array;
	if (is_array)
		tell_witness(wish, witness_may_end);
	ask(wish);
}

/* What was only prefetched shall run now; others are not disturbed by it. */
static void
want_start(struct sim *sim)
{
	Davit__StartTasksRequest request = DAVIT__START_TASKS_REQUEST__INIT;
	char text[ID_TEXT_SIZE], *tasks[] = {text};
	struct wish *wish;
	struct id id;

	if (!pick_task(sim, &id, text))
		return;
	request.n_tasks = 1;
	request.tasks = tasks;
	sim_count(sim, SIM_STARTED);
	wish = make_change(sim, "StartTasks", &request.base);
	wish->task = id;
	ask(wish);
}

static void
want_pause(struct sim *sim)
{
	Davit__PauseTasksRequest request = DAVIT__PAUSE_TASKS_REQUEST__INIT;
	char text[ID_TEXT_SIZE], *tasks[] = {text};
	struct id id;

	if (!pick_task(sim, &id, text))
		return;
	request.n_tasks = 1;
	request.tasks = tasks;
	request.has_unpause = true;
	request.unpause = dice_chance(&sim->wish_dice, 500);
	sim_count(sim, SIM_PAUSED);
	ask(make_change(sim, "PauseTasks", &request.base));
}

static void
remove_tasks(struct sim *sim, struct id id, bool is_array, bool force)
{
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	char text[ID_TEXT_SIZE], *tasks[] = {text};
	struct wish *wish;

	id_format(id, text);
	if (is_array)
		take_array(&id, text);
	request.array_id = is_array ? text : NULL;
	request.n_tasks = is_array ? 0 : 1;
	request.tasks = tasks;
	request.has_force = true;
	request.force = force;
	sim_count(sim, SIM_REMOVED);
	wish = make_change(sim, "RemoveTasks", &request.base);
	wish->task = id;
	wish->is_array = is_array;
	tell_witness(wish, witness_may_go);
	ask(wish);
}

static void
want_removal(struct sim *sim)
{
	char text[ID_TEXT_SIZE];
	struct id id;

	if (pick_task(sim, &id, text)) /* not forced it is refused while it runs */
		remove_tasks(sim, id, dice_chance(&sim->wish_dice, 150),
			dice_chance(&sim->wish_dice, 850));
}

void
users_remove(struct sim *sim, struct id task)
{
	remove_tasks(sim, task, false, true);
}

static void
begin_update(struct sim *sim, unsigned worker)
{
	sim->users->is_disputed[worker] |= sim->users->n_updating[worker]++ > 0;
	witness_drained(sim, worker, false, false);
}

static void
update_node(struct sim *sim, unsigned worker, bool draining, bool forget_taints)
{
	Davit__UpdateNodeRequest request = DAVIT__UPDATE_NODE_REQUEST__INIT;
	char name[16], *keys[] = {(char *)(uintptr_t)specs_taint_key};
	struct wish *wish;

	(void)snprintf(name, sizeof name, "w%u", worker);
	request.node = name;
	request.has_draining = true;
	request.draining = draining;
	request.n_remove_taints = forget_taints ? 1 : 0;
	request.remove_taints = keys;
	sim_count(sim, SIM_DRAINED);
	/* A wish that is refused is never over: a late copy of it may still be heeded. */
	begin_update(sim, worker);
	wish = make_change(sim, "UpdateNode", &request.base);
	sim_trace(sim, SIM_USER, "%s: %sdrain %s", wish->request_id, draining ? "" : "un", name);
	wish->is_drain = true;
	wish->worker = worker;
	wish->draining = draining;
	ask(wish);
}

static void
want_drain(struct sim *sim)
{
	unsigned worker = (unsigned)dice_roll(&sim->wish_dice, sim->options.n_workers);

	update_node(sim, worker, dice_chance(&sim->wish_dice, 500), false);
}

/* Labels and taints: what tasks look for in a node, or keep away from. */
static void
want_marks(struct sim *sim)
{
	Davit__UpdateNodeRequest request = DAVIT__UPDATE_NODE_REQUEST__INIT;
	Davit__StringEntry label = DAVIT__STRING_ENTRY__INIT, *labels[] = {&label};
	Davit__Taint taint = DAVIT__TAINT__INIT, *taints[] = {&taint};
	char *label_keys[] = {(char *)"mood"}, *taint_keys[] = {(char *)(uintptr_t)specs_taint_key};
	struct dice *dice = &sim->wish_dice;
	char name[16];

	(void)snprintf(name, sizeof name, "w%u", (unsigned)dice_roll(dice, sim->options.n_workers));
	request.node = name;
	label.key = label_keys[0];
	label.value = dice_chance(dice, 500) ? (char *)"good" : (char *)"bad";
	taint.key = taint_keys[0];
	taint.has_effect = true;
	taint.effect = (Davit__Taint__Effect)(1 + dice_roll(dice, 3));
	request.labels = labels;
	request.remove_labels = label_keys;
	request.taints = taints;
	request.remove_taints = taint_keys;
	switch (dice_roll(dice, 5)) {
	case 0:
		request.n_labels = 1;
		break;
	case 1:
		request.n_remove_labels = 1;
		break;
	case 2:
		request.n_taints = 1;
		break;
	default:
		request.n_remove_taints = 1;
		break;
	}
	sim_count(sim, SIM_MARKED);
	ask(make_change(sim, "UpdateNode", &request.base));
}

/* Refused unless it is silent; it comes back as a stranger with its old name. */
static void
want_node_removal(struct sim *sim)
{
	Davit__RemoveNodeRequest request = DAVIT__REMOVE_NODE_REQUEST__INIT;
	unsigned worker = (unsigned)dice_roll(&sim->wish_dice, sim->options.n_workers);
	char name[16];

	(void)snprintf(name, sizeof name, "w%u", worker);
	request.node = name;
	sim_count(sim, SIM_NODE_REMOVED);
	begin_update(sim, worker); /* whether it is drained is not known any more */
	ask(make_change(sim, "RemoveNode", &request.base));
}

static void
want_news(struct sim *sim)
{
	Davit__WaitTaskRequest request = DAVIT__WAIT_TASK_REQUEST__INIT;
	char text[ID_TEXT_SIZE];
	struct id id;

	if (!pick_task(sim, &id, text))
		return;
	request.task = text;
	request.has_wait_ms = true;
	request.wait_ms = dice_roll(&sim->wish_dice, CALL_TIMEOUT_MS);
	sim_count(sim, SIM_WAITED);
	ask(make_wish(sim, "WaitTask", &request.base));
}

static void
want_lists(struct sim *sim)
{
	Davit__ListTasksRequest tasks = DAVIT__LIST_TASKS_REQUEST__INIT;
	Davit__ReadEventsRequest events = DAVIT__READ_EVENTS_REQUEST__INIT;
	Davit__ListNodesRequest nodes = DAVIT__LIST_NODES_REQUEST__INIT;
	Davit__ExplainTaskRequest explain = DAVIT__EXPLAIN_TASK_REQUEST__INIT;
	uint64_t which = dice_roll(&sim->wish_dice, 4);
	char text[ID_TEXT_SIZE];
	struct id id;

	sim_count(sim, SIM_LISTED);
	if (which == 0)
		ask(make_wish(sim, "ListTasks", &tasks.base));
	else if (which == 1)
		ask(make_wish(sim, "ReadEvents", &events.base));
	else if (which == 2 || !pick_task(sim, &id, text))
		ask(make_wish(sim, "ListNodes", &nodes.base));
	else {
		explain.task = text;
		ask(make_wish(sim, "ExplainTask", &explain.base));
	}
}

static const struct wish_kind {
	void (*want)(struct sim *sim);
	unsigned weight;
} wishes[] = {
	{want_submission, 50},
	{want_stop, 16},
	{want_removal, 15},
	{want_start, 11},
	{want_pause, 5},
	{want_drain, 6},
	{want_marks, 4},
	{want_node_removal, 2},
	{want_news, 5},
	{want_lists, 3},
};

static const struct wish_kind *
pick_kind(struct dice *dice)
{
	unsigned total = 0, roll;
	size_t i = 0;

	for (size_t k = 0; k < sizeof wishes / sizeof wishes[0]; k++)
		total += wishes[k].weight;
	roll = (unsigned)dice_roll(dice, total);
	for (; roll >= wishes[i].weight; i++)
		roll -= wishes[i].weight;
	return &wishes[i];
}

static bool
on_wish(struct sim *sim, void *arg)
{
	const struct wish_kind *kind;
	uint64_t pause_ms;

	if (sim->is_ending || sim->users->is_over)
		return false;
	sim->wish_dice = dice_of(sim->options.seed, DICE_USER, ++sim->users->n_moments);
	pause_ms = dice_roll(&sim->wish_dice, WISH_MS_MAX) / sim->options.hurry;
	kind = pick_kind(&sim->wish_dice);
	if (sim_happens(sim, ONLY_WISH, sim->users->n_moments)) {
		if (kind->want == want_submission &&
			sim->users->n_known + SPECS_ARRAY_MAX > KNOWN_MAX)
			want_removal(sim);
		else
			kind->want(sim);
	}
	sim_at(sim, sim->now_ms + pause_ms, on_wish, arg);
	return true;
}

void
users_init(struct sim *sim)
{
	sim->users = xcalloc(1, sizeof *sim->users);
	if (!sim->options.calm)
		sim_at(sim, sim->now_ms + 500 / sim->options.hurry, on_wish, NULL);
}

void
users_end(struct sim *sim)
{
	sim->users->is_over = true;
	for (unsigned i = 0; i < sim->options.n_workers; i++)
		update_node(sim, i, false, true);
}

void
users_fini(struct sim *sim)
{
	free(sim->users);
	sim->users = NULL;
}
