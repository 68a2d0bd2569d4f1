#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/pbjson/pbjson.h"
#include "tests/sim/conduct.h"
#include "tests/sim/host.h"
#include "tests/sim/invariants.h"
#include "tests/sim/lies.h"
#include "tests/sim/network.h"
#include "tests/sim/specs.h"

enum {
	JOURNAL_MS_MAX = 5,
	PROBES_GOOD = 800, /* of a thousand looks at a port */
};

/* A ticket of a call under way, to give back with its answer. */
struct ticket {
	struct host_worker *host;
	uint64_t number;
};

static void arm(struct host_worker *host);

static bool
is_alive(const struct host_worker *host)
{
	return host->sim->procs[host->proc].is_up;
}

/* Lets the core decide, and queues what comes next. */
static void
run(struct host_worker *host)
{
	engine_mem_tell_time(host->world, host->sim->now_ms);
	if (is_alive(host)) {
		worker_tick(host->core, sim_mono(host->sim, host->proc),
			sim_wall(host->sim, host->proc));
		lies_after_turn(host->sim, host->index);
	}
	arm(host);
}

static bool
on_due(struct sim *sim, void *arg)
{
	struct host_worker *host = arg;

	if (sim->is_ending || host->armed_ms != sim->now_ms)
		return false; /* an earlier one has taken its place */
	host->armed_ms = 0;
	run(host);
	return true;
}

/* One thing at its engine: a request arrives there, an answer here, a container lives on. */
static bool
on_engine_due(struct sim *sim, void *arg)
{
	struct host_worker *host = arg;
	bool happened;

	if (sim->is_ending || host->engine_armed_ms != sim->now_ms)
		return false;
	host->engine_armed_ms = 0;
	happened = engine_mem_step(host->world, sim->now_ms);
	run(host);
	return happened;
}

static void
arm_at(struct host_worker *host, uint64_t at_ms, uint64_t *armed_ms, sim_event_fn *fn)
{
	struct sim *sim = host->sim;

	if (at_ms == UINT64_MAX)
		return;
	if (*armed_ms != 0 && *armed_ms <= at_ms)
		return;
	*armed_ms = at_ms;
	sim_at(sim, at_ms, fn, host);
}

static void
arm(struct host_worker *host)
{
	struct sim *sim = host->sim;
	uint64_t due_ms;

	if (is_alive(host)) {
		due_ms = sim_when(sim, host->proc, worker_due_ms(host->core));
		if (due_ms <= sim->now_ms)
			due_ms = sim->now_ms + 1; /* it has had its turn now */
		arm_at(host, due_ms, &host->armed_ms, on_due);
	}
	arm_at(host, engine_mem_next(host->world), &host->engine_armed_ms, on_engine_due);
}

/* ---- ports ---- */

static const char *
name_of(const ProtobufCEnumDescriptor *type, int value)
{
	return pbjson_enum_name(type, value);
}

static void
trace_request(struct host_worker *host, const ProtobufCMessage *message)
{
	const Davit__PollRequest *request = (const Davit__PollRequest *)message;

	if (message->descriptor != &davit__poll_request__descriptor)
		return;
	sim_trace(host->sim, host->proc, "polls, has %llu%s%s",
		(unsigned long long)request->have_version,
		request->engine_trouble != NULL ? ", trouble: " : "",
		request->engine_trouble != NULL ? request->engine_trouble : "");
	for (size_t i = 0; i < request->n_reports; i++)
		sim_trace(host->sim, host->proc, "reports %s attempt %u %s%s%s",
			request->reports[i]->task_id, request->reports[i]->attempt,
			name_of(&davit__task_report__observed__descriptor,
				(int)request->reports[i]->observed),
			request->reports[i]->message != NULL ? ": " : "",
			request->reports[i]->message != NULL ? request->reports[i]->message : "");
}

static void
trace_reply(struct host_worker *host, const struct rpc_result *result)
{
	const Davit__PollReply *reply = (const Davit__PollReply *)result->response;

	if (result->status != DAVIT__REPLY__STATUS__OK)
		sim_trace(host->sim, host->proc, "is answered %d %s", (int)result->status,
			result->message);
	if (reply == NULL || result->response->descriptor != &davit__poll_reply__descriptor)
		return;
	sim_trace(host->sim, host->proc, "is answered %llu to %llu",
		(unsigned long long)reply->applies_to, (unsigned long long)reply->results_in);
	for (size_t i = 0; i < reply->n_assignments; i++)
		sim_trace(host->sim, host->proc, "shall %s %s attempt %u%s%s",
			name_of(&davit__task__desired__descriptor,
				(int)reply->assignments[i]->desired),
			reply->assignments[i]->task_id, reply->assignments[i]->attempt,
			reply->assignments[i]->has_ended ? ", it has ended" : "",
			reply->complete ? " (full set)" : "");
	for (size_t i = 0; i < reply->n_dropped; i++)
		sim_trace(host->sim, host->proc, "may forget %s attempt %u",
			reply->dropped[i]->task_id, reply->dropped[i]->attempt);
}

static void
on_answered(const struct rpc_result *result, void *arg)
{
	struct ticket *ticket = arg;
	struct host_worker *host = ticket->host;

	if (host->sim->options.trace)
		trace_reply(host, result);
	worker_answered(host->core, ticket->number, result->status, result->message,
		result->response);
	run(host);
}

static void
port_call(void *arg, uint64_t number, const char *method, const ProtobufCMessage *request,
	uint64_t timeout_ms)
{
	struct host_worker *host = arg;
	struct ticket *ticket = xcalloc(1, sizeof *ticket);
	struct network_call call = {.from = host->proc,
		.to = SIM_MANAGER,
		.service = &davit__workers__descriptor,
		.method = method,
		.request = request,
		.timeout_ms = timeout_ms,
		.done = on_answered,
		.arg = ticket,
		.owns_arg = true};

	if (host->sim->options.trace)
		trace_request(host, request);
	ticket->host = host;
	ticket->number = number;
	network_call(host->sim, &call);
}

struct writing {
	struct host_worker *host;
	uint64_t epoch;
	size_t n;
	struct worker_journal_entry entries[];
};

static void
keep(struct host_worker *host, const struct worker_journal_entry *entry)
{
	if (host->n_journal == host->journal_room) {
		host->journal_room = host->journal_room == 0 ? 16 : host->journal_room * 2;
		host->journal = xrealloc(host->journal, host->journal_room, sizeof *host->journal);
	}
	host->journal[host->n_journal++] = *entry;
}

/* The process died while it wrote: some of it, up to a point, may be on disk. */
static void
cut_journal(struct host_worker *host, const struct writing *writing)
{
	sim_count(host->sim, SIM_JOURNAL_CUT);
	for (size_t i = 0; dice_chance(&host->sim->procs[host->proc].dice, 500) && i < writing->n;
		i++)
		keep(host, &writing->entries[i]);
}

static void
end_journal(struct host_worker *host, const struct writing *writing)
{
	struct err err = {0};

	if (host->journal_fails) {
		host->journal_fails = false;
		sim_count(host->sim, SIM_JOURNAL_FAILED);
		(void)err_set(&err, -ENOSPC, "no space left on device");
	}
	for (size_t i = 0; err.code == 0 && i < writing->n; i++)
		keep(host, &writing->entries[i]);
	worker_journaled(host->core, &err);
	run(host);
}

static bool
on_journal_written(struct sim *sim, void *arg)
{
	struct writing *writing = arg;
	struct host_worker *host = writing->host;
	bool lives = is_alive(host) && sim->procs[host->proc].epoch == writing->epoch;

	if (lives)
		end_journal(host, writing);
	else if (!sim->is_ending)
		cut_journal(host, writing);
	free(writing);
	return lives;
}

static void
port_journal_add(void *arg, const struct worker_journal_entry *entries, size_t n)
{
	struct host_worker *host = arg;
	struct sim *sim = host->sim;
	struct writing *writing = xcalloc(1, sizeof *writing + n * sizeof *entries);

	writing->host = host;
	writing->epoch = sim->procs[host->proc].epoch;
	writing->n = n;
	memcpy(writing->entries, entries, n * sizeof *entries);
	sim_at(sim, sim->now_ms + 1 + dice_roll(&sim->procs[host->proc].dice, JOURNAL_MS_MAX),
		on_journal_written, writing);
}

static void
port_journal_drop(void *arg, const struct worker_journal_entry *entry)
{
	struct host_worker *host = arg;

	for (size_t i = 0; i < host->n_journal; i++) {
		if (!id_equal(host->journal[i].task, entry->task) ||
			host->journal[i].attempt != entry->attempt)
			continue;
		host->journal[i] = host->journal[--host->n_journal];
		return;
	}
}

static void
port_save_node_id(void *arg, const char *node_id)
{
	struct host_worker *host = arg;

	(void)snprintf(host->node_id, sizeof host->node_id, "%s", node_id);
}

/* A look at a port from outside, and what it found. */
struct looking {
	struct host_worker *host;
	uint64_t epoch;
	worker_probed_fn *done;
	void *arg;
};

static bool
on_probed(struct sim *sim, void *arg)
{
	struct looking *looking = arg;
	struct host_worker *host = looking->host;
	bool lives = is_alive(host) && sim->procs[host->proc].epoch == looking->epoch;

	if (lives) {
		looking->done(dice_chance(&sim->procs[host->proc].dice, PROBES_GOOD),
			"connection refused", looking->arg);
		run(host);
	}
	free(looking);
	return lives;
}

static void
port_probe(void *arg, const struct worker_probe *probe, worker_probed_fn *done, void *done_arg)
{
	struct host_worker *host = arg;
	struct sim *sim = host->sim;
	struct looking *looking = xcalloc(1, sizeof *looking);

	*looking = (struct looking){host, sim->procs[host->proc].epoch, done, done_arg};
	sim_at(sim, sim->now_ms + 1 + dice_roll(&sim->procs[host->proc].dice, probe->timeout_ms),
		on_probed, looking);
}

static uint32_t
port_random(void *arg)
{
	struct host_worker *host = arg;

	return (uint32_t)dice_roll(&host->sim->procs[host->proc].dice, UINT32_MAX);
}

/* ---- lives ---- */

void
host_worker_start(struct sim *sim, unsigned index)
{
	struct host_worker *host = sim->workers[index];
	struct worker_ports ports = {.arg = host,
		.call = port_call,
		.journal_add = port_journal_add,
		.journal_drop = port_journal_drop,
		.save_node_id = port_save_node_id,
		.probe = port_probe,
		.random = port_random};
	Davit__StringEntry labels[] = {DAVIT__STRING_ENTRY__INIT, DAVIT__STRING_ENTRY__INIT};
	char instance[32];
	struct worker_options options = {.name = host->name,
		.instance = instance,
		.start_limit = index == 0 ? 0 : 1, /* the default, and one at a time */
		.labels = labels,
		.n_labels = 2,
		.started = host->journal,
		.n_started = host->n_journal};

	if (sim->procs[host->proc].is_up)
		return;
	(void)snprintf(instance, sizeof instance, "%llx",
		(unsigned long long)dice_roll(&sim->procs[host->proc].dice, UINT64_MAX));
	options.node_id = host->node_id[0] != '\0' ? host->node_id : NULL;
	davit__resources__init(&options.capacity);
	options.capacity.has_cpu_milli = options.capacity.has_memory_bytes = true;
	options.capacity.cpu_milli = host->capacity_cpu_milli;
	options.capacity.memory_bytes = UINT64_C(4) << 30;
	labels[0].key = (char *)"zone";
	labels[0].value = (char *)(uintptr_t)specs_zone(index);
	labels[1].key = (char *)"disk";
	labels[1].value = (char *)(uintptr_t)specs_disk(index);
	sim_trace(sim, host->proc, "starts");
	conduct_worker_troubled(sim, index, 0);
	sim->procs[host->proc].is_up = true;
	engine_mem_advance(host->world, sim->now_ms);
	host->engine = engine_mem_open(host->world);
	host->core = worker_new(&options, host->engine, &ports);
	run(host);
}

void
host_worker_kill(struct sim *sim, unsigned index)
{
	struct host_worker *host = sim->workers[index];

	if (!sim->procs[host->proc].is_up)
		return;
	sim_trace(sim, host->proc, "is killed");
	conduct_worker_troubled(sim, index, 0);
	sim_count(sim, SIM_WORKER_KILLED);
	sim->procs[host->proc].is_up = false;
	sim->procs[host->proc].epoch++;
	worker_free(host->core);
	host->core = NULL;
	engine_mem_abandon(host->engine);
	host->engine = NULL;
	arm(host);
}

void
host_worker_poke(struct sim *sim, unsigned index)
{
	struct host_worker *host = sim->workers[index];

	arm(host);
	if (is_alive(host))
		arm_at(host, sim->now_ms + 1, &host->armed_ms, on_due);
}

void
host_worker_init(struct sim *sim, unsigned index)
{
	struct host_worker *host = xcalloc(1, sizeof *host);
	struct engine_mem_options options = {
		.seed = dice_roll(&sim->procs[host->proc].dice, UINT32_MAX),
		.now_ms = sim->now_ms,
		.latency_ms = 20};

	host->sim = sim;
	host->index = index;
	host->proc = SIM_WORKER + index;
	host->capacity_cpu_milli = 4000;
	(void)snprintf(host->name, sizeof host->name, "w%u", index);
	sim->workers[index] = host;
	host->world = engine_mem_world_new(&options);
	engine_mem_on_run(host->world, witness_run, host);
	host_worker_start(sim, index);
}

void
host_worker_fini(struct sim *sim, unsigned index)
{
	struct host_worker *host = sim->workers[index];

	worker_free(host->core);
	engine_mem_abandon(host->engine);
	engine_mem_world_free(host->world);
	free(host->journal);
	sim->workers[index] = NULL;
	free(host);
}
