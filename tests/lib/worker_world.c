#include "tests/lib/worker_world.h"

#include <stdlib.h>

#include "common/base/mem.h"

enum { EPOCH_OFFSET = 1000000 };
static const uint64_t born_ms = UINT64_C(1700000000000);

static uint64_t
mono_ms(const struct world *world)
{
	return engine_mem_now(world->engine_world) - born_ms + EPOCH_OFFSET;
}

/* ---- the ports ---- */

static void take_reports(struct world *world, size_t n, Davit__TaskReport **reports);
static void take_answers(struct world *world, const Davit__AnswerQueriesRequest *request);

static void
port_call(void *arg, uint64_t ticket, const char *method, const ProtobufCMessage *request,
	uint64_t timeout_ms)
{
	struct world *world = arg;
	struct world_call *call = &world->calls[world->n_calls++];

	CHECK(world->n_calls < WORLD_CALLS_MAX);
	*call = (struct world_call){.ticket = ticket,
		.method = method,
		.deadline_ms = mono_ms(world) + timeout_ms,
		.is_lost = world->is_down};
	if (strcmp(method, "Poll") == 0) {
		size_t size = protobuf_c_message_get_packed_size(request);
		uint8_t *packed = xmalloc(size);

		(void)protobuf_c_message_pack(request, packed);
		call->poll = davit__poll_request__unpack(NULL, size, packed);
		free(packed);
		CHECK(call->poll->n_reports <= 4096);
		if (call->poll->n_reports > world->most_reports)
			world->most_reports = call->poll->n_reports;
		world->n_polls++;
	} else if (strcmp(method, "AnswerQueries") == 0 && !world->is_down) {
		take_answers(world, (const void *)request);
	} else if (strcmp(method, "RegisterNode") == 0 && !world->is_down) {
		const Davit__RegisterNodeRequest *node = (const void *)request;

		CHECK(node->capacity->cpu_milli > 0);
		world->registered_cpu_milli = node->capacity->cpu_milli;
		world->registered_disk_bytes = node->capacity->disk_bytes;
		world->registered_gpus = node->capacity->gpus;
		CHECK(node->node_id == NULL || strcmp(node->node_id, WORLD_NODE) == 0);
		take_reports(world, node->n_tasks, node->tasks);
	}
}

static void
port_redial(void *arg)
{
	((struct world *)arg)->n_redials++;
}

static uint32_t
port_random(void *arg)
{
	struct world *world = arg;

	world->chance = world->chance * 1664525u + 1013904223u;
	return world->chance >> 8;
}

/* ---- the manager ---- */

struct id
world_id(unsigned n)
{
	return (struct id){.hi = UINT64_C(0x0189aaaabbbb7000),
		.lo = UINT64_C(0x8000000000000000) + n};
}

static struct world_task *
task_find(struct world *world, struct id id)
{
	for (size_t i = 0; i < world->n_tasks; i++) {
		if (id_equal(world->tasks[i].id, id))
			return &world->tasks[i];
	}
	return NULL;
}

static void
take_report(struct world *world, const Davit__TaskReport *report)
{
	struct world_task *task;
	struct id id;

	CHECK(id_parse(report->task_id, &id));
	task = task_find(world, id);
	if (task == NULL || report->attempt != task->attempt || report->observed < task->observed)
		return; /* behind what we know: dropped, as the contract says */
	task->observed = report->observed;
	task->cause = report->cause;
	task->phase = report->phase;
	(void)snprintf(task->message, sizeof task->message, "%s",
		report->message == NULL ? "" : report->message);
	if (report->container_id != NULL)
		(void)snprintf(task->container_id, sizeof task->container_id, "%s",
			report->container_id);
	task->has_exit_code = report->has_exit_code;
	task->exit_code = report->exit_code;
	task->oom_killed = report->oom_killed;
	task->restart_count = report->restart_count;
	task->busy_port = report->busy_port;
	task->started_ms = report->started_ms;
	task->finished_ms = report->finished_ms;
	task->n_reports++;
	if (report->observed >= DAVIT__TASK_REPORT__OBSERVED__ENDED && !task->has_ended) {
		task->has_ended = true;
		task->version = ++world->version;
	}
	if (report->observed == DAVIT__TASK_REPORT__OBSERVED__GONE && !task->is_dropped) {
		task->is_dropped = true;
		task->version = ++world->version;
	}
}

static void
take_reports(struct world *world, size_t n, Davit__TaskReport **reports)
{
	for (size_t i = 0; i < n; i++)
		take_report(world, reports[i]);
}

struct reply {
	Davit__PollReply reply;
	Davit__Assignment assignments[WORLD_TASKS_MAX];
	Davit__PortMapping ports[WORLD_TASKS_MAX], *port_list[WORLD_TASKS_MAX];
	Davit__Assignment *assignment_list[WORLD_TASKS_MAX];
	Davit__TaskRef refs[WORLD_TASKS_MAX], *ref_list[WORLD_TASKS_MAX];
	Davit__SpecEntry specs[WORLD_TASKS_MAX], *spec_list[WORLD_TASKS_MAX];
	char ids[WORLD_TASKS_MAX][ID_TEXT_SIZE], spec_ids[WORLD_TASKS_MAX][24];
	Davit__Query *queries[1];
};

static void
put_spec(struct reply *out, size_t at, const struct world_task *task)
{
	(void)snprintf(out->spec_ids[at], sizeof out->spec_ids[at], "%p", (void *)task->spec);
	out->assignments[at].spec_id = out->spec_ids[at];
	for (size_t i = 0; i < out->reply.n_specs; i++) {
		if (strcmp(out->specs[i].id, out->spec_ids[at]) == 0)
			return;
	}
	davit__spec_entry__init(&out->specs[out->reply.n_specs]);
	out->specs[out->reply.n_specs].id = out->spec_ids[at];
	out->specs[out->reply.n_specs].spec = task->spec;
	out->spec_list[out->reply.n_specs] = &out->specs[out->reply.n_specs];
	out->reply.n_specs++;
}

static void
put_assignment(struct reply *out, const struct world_task *task, size_t at)
{
	Davit__Assignment *assignment = &out->assignments[at];

	davit__assignment__init(assignment);
	assignment->task_id = out->ids[at];
	assignment->attempt = task->attempt;
	assignment->desired = task->desired;
	assignment->has_created_ms = true;
	assignment->created_ms = task->created_ms;
	assignment->has_ended = task->has_ended;
	assignment->has_has_ended = true;
	assignment->has_stop_timeout_ms = task->has_stop_timeout;
	assignment->stop_timeout_ms = task->stop_timeout_ms;
	assignment->name = (char *)"a-name";
	assignment->has_paused = assignment->has_pause_generation = task->pause_generation > 0;
	assignment->paused = task->wants_pause;
	assignment->pause_generation = task->pause_generation;
	assignment->has_restart_count = task->known_restarts > 0;
	assignment->restart_count = task->known_restarts;
	if (task->host_port != 0) {
		davit__port_mapping__init(&out->ports[at]);
		out->ports[at].has_container_port = out->ports[at].has_host_port = true;
		out->ports[at].container_port = task->container_port;
		out->ports[at].host_port = task->host_port;
		out->port_list[at] = &out->ports[at];
		assignment->ports = &out->port_list[at];
		assignment->n_ports = 1;
	}
	put_spec(out, at, task);
	out->assignment_list[out->reply.n_assignments++] = assignment;
}

static struct reply *
make_reply(struct world *world, uint64_t have)
{
	struct reply *out = xcalloc(1, sizeof *out);

	davit__poll_reply__init(&out->reply);
	out->reply.assignments = out->assignment_list;
	out->reply.dropped = out->ref_list;
	out->reply.specs = out->spec_list;
	if (world->query != NULL) {
		out->queries[0] = world->query;
		out->reply.queries = out->queries;
		out->reply.n_queries = 1;
		world->query = NULL;
	}
	if (have == world->version)
		return out;
	out->reply.has_results_in = true;
	out->reply.results_in = world->version;
	out->reply.has_complete = out->reply.complete = have == 0;
	out->reply.has_applies_to = have != 0;
	out->reply.applies_to = have + (world->skip_version ? 1 : 0);
	world->n_complete += have == 0;
	world->skip_version = false;
	for (size_t i = 0; i < world->n_tasks; i++) {
		struct world_task *task = &world->tasks[i];

		id_format(task->id, out->ids[i]);
		if (task->version <= have)
			continue;
		if (!task->is_dropped && task->is_assigned) {
			put_assignment(out, task, i);
		} else if (have != 0) {
			davit__task_ref__init(&out->refs[out->reply.n_dropped]);
			out->refs[out->reply.n_dropped].task_id = out->ids[i];
			out->refs[out->reply.n_dropped].has_attempt = true;
			out->refs[out->reply.n_dropped].attempt = task->attempt;
			out->ref_list[out->reply.n_dropped] = &out->refs[out->reply.n_dropped];
			out->reply.n_dropped++;
		}
	}
	return out;
}

static bool
reply_is_lost(struct world *world, struct world_call *call)
{
	call->is_lost |= world->lose_reply != NULL && fault_hits(world->lose_reply);
	return call->is_lost;
}

static void
call_end(struct world *world, size_t at)
{
	if (world->calls[at].poll != NULL)
		davit__poll_request__free_unpacked(world->calls[at].poll, NULL);
	world->n_calls--;
	memmove(&world->calls[at], &world->calls[at + 1],
		(world->n_calls - at) * sizeof world->calls[0]);
}

static void
answer_register(struct world *world, struct world_call *call)
{
	Davit__RegisterNodeReply reply = DAVIT__REGISTER_NODE_REPLY__INIT;

	world->n_registered++;
	reply.node_id = (char *)WORLD_NODE;
	reply.session = ++world->session;
	reply.cluster_id = (char *)"cluster-1";
	reply.has_poll_ms = true;
	reply.poll_ms = world->poll_ms;
	if (!reply_is_lost(world, call))
		worker_answered(world->worker, call->ticket, DAVIT__REPLY__STATUS__OK, "",
			&reply.base);
}

static void
take_answers(struct world *world, const Davit__AnswerQueriesRequest *request)
{
	size_t size;
	uint8_t *packed;

	if (request->n_answers == 0)
		return;
	if (world->answer != NULL)
		davit__query_answer__free_unpacked(world->answer, NULL);
	size = davit__query_answer__get_packed_size(request->answers[0]);
	packed = xmalloc(size);
	(void)davit__query_answer__pack(request->answers[0], packed);
	world->answer = davit__query_answer__unpack(NULL, size, packed);
	free(packed);
}

/* True when it was answered (or lost); false: parked. */
static bool
answer_poll(struct world *world, struct world_call *call)
{
	const Davit__PollRequest *poll = call->poll;
	bool carries = poll->n_reports > 0;
	struct reply *out;

	if (poll->session != world->session || poll->session == world->dead_session ||
		world->are_sessions_dead) {
		worker_answered(world->worker, call->ticket,
			DAVIT__REPLY__STATUS__FAILED_PRECONDITION, "the session is over", NULL);
		return true;
	}
	if (!call->is_parked) {
		call->is_parked = true;
		call->park_until_ms = mono_ms(world) + poll->wait_ms;
		take_reports(world, poll->n_reports, poll->reports);
		(void)snprintf(world->engine_trouble, sizeof world->engine_trouble, "%s",
			poll->engine_trouble == NULL ? "" : poll->engine_trouble);
	}
	if (!carries && mono_ms(world) < call->park_until_ms && world->query == NULL &&
		poll->have_version == world->version &&
		world->calls[world->n_calls - 1].ticket == call->ticket)
		return false;
	if (reply_is_lost(world, call))
		return true;
	if (poll->seen_version >= world->version)
		world->version = poll->seen_version + 1;
	out = make_reply(world, poll->have_version);
	worker_answered(world->worker, call->ticket, DAVIT__REPLY__STATUS__OK, "",
		&out->reply.base);
	free(out);
	return true;
}

static bool
serve_one(struct world *world, size_t at)
{
	struct world_call *call = &world->calls[at];

	if (call->is_lost) {
		if (mono_ms(world) < call->deadline_ms)
			return false;
		worker_answered(world->worker, call->ticket,
			DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED, "no answer", NULL);
		call_end(world, at);
		return true;
	}
	if (call->poll != NULL) {
		if (!answer_poll(world, call))
			return false;
	} else if (strcmp(call->method, "RegisterNode") == 0) {
		answer_register(world, call);
	} else if (strcmp(call->method, "AnswerQueries") == 0) {
		worker_answered(world->worker, call->ticket, DAVIT__REPLY__STATUS__OK, "", NULL);
	} else {
		world->n_left++;
		worker_answered(world->worker, call->ticket, DAVIT__REPLY__STATUS__OK, "", NULL);
	}
	if (!call->is_lost)
		call_end(world, at);
	return true;
}

/* ---- life ---- */

static void
give_birth(struct world *world)
{
	struct worker_ports ports = {.arg = world,
		.call = port_call,
		.redial = port_redial,
		.journal_add = world_port_journal_add,
		.journal_drop = world_port_journal_drop,
		.save_node_id = world_port_save_node_id,
		.probe = world_port_probe,
		.save_pulled = world_port_save_pulled,
		.end_orphans = world_port_end_orphans,
		.disk_usage = world_port_disk_usage,
		.count_gpus = world_port_count_gpus,
		.memory_kills = world_port_memory_kills,
		.random = port_random};
	struct worker_options options = {.name = "n1",
		.node_id = world->is_node_known ? WORLD_NODE : NULL,
		.instance = "i",
		.start_limit = world->adapts ? 0 : 4,
		.policy = world->policy,
		.pulled = world->pulled,
		.started = world->journal,
		.n_started = world->n_journal};

	davit__resources__init(&options.capacity);
	davit__resources__init(&options.fallback);
	options.fallback.cpu_milli = 4000;
	world->engine = engine_mem_open(world->engine_world);
	world->worker = worker_new(&options, world->engine, &ports);
}

void
world_init_with(struct world *world, const struct engine_mem_options *options)
{
	struct engine_mem_options engine = *options;

	memset(world, 0, sizeof *world);
	engine.seed = 1;
	engine.now_ms = born_ms;
	engine.history = true;
	engine.cpu_milli = 8000;
	engine.latency_ms = 3;
	world->engine_world = engine_mem_world_new(&engine);
	world->poll_ms = 1000;
	world->version = 1;
	give_birth(world);
}

void
world_init(struct world *world)
{
	world_init_with(world, &(struct engine_mem_options){0});
}

static void
bury(struct world *world)
{
	worker_free(world->worker);
	engine_close(world->engine);
	(void)world_answer_probe(world); /* nobody is there to hear it */
	while (world->n_calls > 0)
		call_end(world, 0);
	world->is_journaling = false;
}

void
world_fini(struct world *world)
{
	bury(world);
	engine_mem_world_free(world->engine_world);
	free(world->pulled);
	if (world->answer != NULL)
		davit__query_answer__free_unpacked(world->answer, NULL);
}

void
world_crash(struct world *world)
{
	bury(world);
	give_birth(world);
}

static bool
step(struct world *world)
{
	bool moved = false;

	if (world->crash != NULL && fault_hits(world->crash))
		world_crash(world);
	worker_tick(world->worker, mono_ms(world), engine_mem_now(world->engine_world));
	if (world->is_journaling) {
		struct err err = {0};

		if (world->journal_fails)
			(void)err_set(&err, -5, "input/output error");
		world->is_journaling = false;
		worker_journaled(world->worker, &err);
		moved = true;
	}
	moved |= world_answer_probe(world);
	for (size_t i = world->n_calls; i-- > 0;)
		moved |= serve_one(world, i);
	return moved;
}

static uint64_t
next_moment(const struct world *world, uint64_t end)
{
	uint64_t now = engine_mem_now(world->engine_world),
		 next = engine_mem_next(world->engine_world);
	uint64_t due = worker_due_ms(world->worker);

	if (due != UINT64_MAX && due + born_ms - EPOCH_OFFSET < next)
		next = due + born_ms - EPOCH_OFFSET;
	for (size_t i = 0; i < world->n_calls; i++) {
		const struct world_call *call = &world->calls[i];
		uint64_t then = call->is_lost ? call->deadline_ms : call->park_until_ms;

		then += born_ms - EPOCH_OFFSET;
		next = then < next ? then : next;
	}
	next = next <= now ? now + 1 : next;
	return next < end ? next : end;
}

static void
settle(struct world *world)
{
	for (unsigned i = 0; step(world); i++)
		CHECK(i < 10000);
}

void
world_run(struct world *world, uint64_t ms)
{
	uint64_t end = engine_mem_now(world->engine_world) + ms;

	settle(world);
	while (engine_mem_now(world->engine_world) < end) {
		engine_mem_advance(world->engine_world, next_moment(world, end));
		settle(world);
	}
}

bool
world_until(struct world *world, bool (*holds)(struct world *world), uint64_t max_ms)
{
	uint64_t end = engine_mem_now(world->engine_world) + max_ms;

	settle(world);
	while (!holds(world)) {
		if (engine_mem_now(world->engine_world) >= end)
			return false;
		engine_mem_advance(world->engine_world, next_moment(world, end));
		settle(world);
	}
	return true;
}

struct world_task *
world_assign(struct world *world, unsigned n, uint32_t attempt, Davit__TaskSpec *spec)
{
	struct world_task *task = task_find(world, world_id(n));

	if (task == NULL) {
		CHECK(world->n_tasks < WORLD_TASKS_MAX);
		task = &world->tasks[world->n_tasks++];
	}
	*task = (struct world_task){.id = world_id(n),
		.attempt = attempt,
		.desired = DAVIT__TASK__DESIRED__RUN,
		.is_assigned = true,
		.created_ms = engine_mem_now(world->engine_world),
		.spec = spec,
		.version = ++world->version};
	return task;
}

void
world_want(struct world *world, struct world_task *task, Davit__Task__Desired desired)
{
	task->desired = desired;
	task->version = ++world->version;
}

void
world_expect(struct world *world, struct world_task *task, Davit__TaskReport__Observed observed,
	uint64_t max_ms)
{
	uint64_t end = engine_mem_now(world->engine_world) + max_ms;

	settle(world);
	while (task->observed < observed && engine_mem_now(world->engine_world) < end) {
		engine_mem_advance(world->engine_world, next_moment(world, end));
		settle(world);
	}
	if (task->observed != observed)
		fail_msg("observed %d, want %d: %s", (int)task->observed, (int)observed,
			task->message);
}

void
world_ask(struct world *world, Davit__Query *query, uint64_t max_ms)
{
	uint64_t end = engine_mem_now(world->engine_world) + max_ms;

	if (world->answer != NULL)
		davit__query_answer__free_unpacked(world->answer, NULL);
	world->answer = NULL;
	world->query = query;
	settle(world);
	while (world->answer == NULL && engine_mem_now(world->engine_world) < end) {
		engine_mem_advance(world->engine_world, next_moment(world, end));
		settle(world);
	}
	CHECK(world->answer != NULL);
}

void
world_spec_init(struct world_spec *spec, const char *image)
{
	davit__task_spec__init(&spec->spec);
	davit__restart_policy__init(&spec->restart);
	davit__disconnect__init(&spec->disconnect);
	spec->spec.image = (char *)image;
}
