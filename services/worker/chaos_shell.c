/* Tested by tests/unit/test_worker_chaos_shell.c and tests/e2e/chaos.bats. */
#include "services/worker/chaos_shell.h"

#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/docker/engine_gate.h"
#include "services/worker/chaos.h"
#include "services/worker/chaos_line.h"
#include "services/worker/container_spec.h"
#include "services/worker/limits.h"

struct chaos_shell {
	struct chaos_shell_options with;
	struct rpc_client *side; /* the line that no fault touches */
	struct chaos_line *line;
	struct chaos_line_fault line_fault;
	struct engine_gate *gate;
	struct worker_chaos *chaos;
	char node_id[64]; /* as last known */
	bool is_dead;
	uint64_t sweep_ms; /* when it is looked again for what runs */
	bool is_sweeping, is_closing;
};

/* ---- a dead node ---- */

static void
on_killed(const struct err *err, void *arg)
{
	(void)arg;
	if (err->code < 0)
		log_debug("chaos.kill", "error=\"%s\"", err->text);
}

static void
on_list(const struct err *err, const struct engine_container *containers, size_t n, void *arg)
{
	struct chaos_shell *chaos = arg;

	chaos->is_sweeping = false;
	if (err->code < 0 || !chaos->is_dead || chaos->is_closing)
		return;
	for (size_t i = 0; i < n; i++) {
		if (containers[i].status == ENGINE_RUNNING || containers[i].status == ENGINE_PAUSED)
			(void)engine_container_kill(chaos->with.engine, containers[i].id, "KILL",
				on_killed, NULL);
	}
}

/* Also what the engine was about to start when the node died. */
static void
sweep(struct chaos_shell *chaos, uint64_t mono_ms)
{
	char label[128];

	if (chaos->is_sweeping || mono_ms < chaos->sweep_ms)
		return;
	(void)snprintf(label, sizeof label, "%s=%s", WORKER_LABEL_NODE, chaos->node_id);
	chaos->is_sweeping = true;
	chaos->sweep_ms = mono_ms + WORKER_CHAOS_SWEEP_MS;
	(void)engine_container_list(chaos->with.engine, label, on_list, chaos);
}

static void
kill_node(struct chaos_shell *chaos, bool is_on)
{
	if (chaos->is_dead == is_on)
		return;
	chaos->is_dead = is_on;
	chaos->sweep_ms = 0;
	if (is_on)
		chaos->with.die(chaos->with.arg);
	else
		chaos->with.revive(chaos->with.arg);
}

/* ---- what faults do ---- */

static void
partition(struct chaos_shell *chaos, const Davit__Fault *fault)
{
	chaos->line_fault.loses_in =
		fault != NULL && fault->direction != DAVIT__FAULT__DIRECTION__OUT;
	chaos->line_fault.loses_out =
		fault != NULL && fault->direction != DAVIT__FAULT__DIRECTION__IN;
	chaos_line_set(chaos->line, &chaos->line_fault);
}

static void
slow(struct chaos_shell *chaos, const Davit__Fault *fault)
{
	chaos->line_fault.delay_ms = fault != NULL ? fault->delay_ms : 0;
	chaos->line_fault.loss_percent = fault != NULL ? fault->loss_percent : 0;
	chaos_line_set(chaos->line, &chaos->line_fault);
}

static void
pause_engine(struct chaos_shell *chaos, bool is_on)
{
	if (is_on)
		engine_gate_shut(chaos->gate);
	else
		engine_gate_open(chaos->gate);
}

static void
on_apply(void *arg, Davit__Fault__Kind kind, const Davit__Fault *fault)
{
	struct chaos_shell *chaos = arg;

	switch (kind) {
	case DAVIT__FAULT__KIND__KILL_NODE:
		kill_node(chaos, fault != NULL);
		break;
	case DAVIT__FAULT__KIND__PARTITION:
		partition(chaos, fault);
		break;
	case DAVIT__FAULT__KIND__PAUSE_ENGINE:
		pause_engine(chaos, fault != NULL);
		break;
	case DAVIT__FAULT__KIND__SLOW:
		slow(chaos, fault);
		break;
	default:
		break;
	}
}

/* ---- the line that no fault touches ---- */

static void
on_checked(const struct rpc_result *result, void *arg)
{
	struct chaos_shell *chaos = arg;

	if (!chaos->is_closing)
		worker_chaos_checked(chaos->chaos,
			result->status == DAVIT__REPLY__STATUS__OK
				? (const Davit__CheckFaultsReply *)result->response
				: NULL);
}

static void
on_check(void *arg, const Davit__CheckFaultsRequest *request)
{
	struct chaos_shell *chaos = arg;

	(void)rpc_client_call(chaos->side, rpc_method(&davit__workers__descriptor, "CheckFaults"),
		&request->base, &(struct rpc_call_options){.timeout_ms = WORKER_CHAOS_CALL_MS},
		on_checked, chaos);
}

/* ---- the line of the core ---- */

/* An answer that tells the manager of an order that was accepted. */
struct receipt {
	struct chaos_shell *chaos;
	rpc_done_fn *done;
	void *arg;
};

static void
on_receipt(const struct rpc_result *result, void *arg)
{
	struct receipt *receipt = arg;

	if (!receipt->chaos->is_closing)
		worker_chaos_heard(receipt->chaos->chaos);
	receipt->done(result, receipt->arg);
	free(receipt);
}

static bool
accepts_order(const char *method, const ProtobufCMessage *request)
{
	const Davit__AnswerQueriesRequest *answers;

	if (strcmp(method, "AnswerQueries") != 0)
		return false;
	answers = (const Davit__AnswerQueriesRequest *)request;
	for (size_t i = 0; i < answers->n_answers; i++) {
		if (answers->answers[i]->fault != NULL)
			return true;
	}
	return false;
}

void
chaos_shell_call(struct chaos_shell *chaos, const char *method, const ProtobufCMessage *request,
	uint64_t timeout_ms, rpc_done_fn *done, void *arg)
{
	const ProtobufCMethodDescriptor *which = rpc_method(&davit__workers__descriptor, method);
	struct receipt *receipt;

	if (!accepts_order(method, request)) {
		chaos_line_call(chaos->line, which, request, timeout_ms, done, arg);
		return;
	}
	receipt = xmalloc(sizeof *receipt);
	*receipt = (struct receipt){chaos, done, arg};
	chaos_line_call(chaos->line, which, request, timeout_ms, on_receipt, receipt);
}

bool
chaos_shell_loses_stats(struct chaos_shell *chaos)
{
	return chaos->is_dead || chaos_line_loses_word(chaos->line);
}

/* ---- from outside ---- */

int
chaos_shell_order(struct chaos_shell *chaos, const Davit__ChaosQuery *query,
	Davit__Fault *ret_fault, struct err *err)
{
	*ret_fault = *query->fault;
	return worker_chaos_order(chaos->chaos, ret_fault, query->request_id, err);
}

uint64_t
chaos_shell_tick(struct chaos_shell *chaos, uint64_t mono_ms, uint64_t wall_ms)
{
	const char *node_id = chaos->with.node_id(chaos->with.arg);
	uint64_t due;

	if (node_id[0] != '\0')
		(void)snprintf(chaos->node_id, sizeof chaos->node_id, "%s", node_id);
	worker_chaos_tick(chaos->chaos, mono_ms, wall_ms, chaos->node_id);
	if (chaos->is_dead)
		sweep(chaos, mono_ms);
	due = worker_chaos_due_ms(chaos->chaos);
	return chaos->is_dead && !chaos->is_sweeping && chaos->sweep_ms < due ? chaos->sweep_ms
									      : due;
}

struct engine *
chaos_shell_engine(struct chaos_shell *chaos)
{
	return engine_gate_front(chaos->gate);
}

int
chaos_shell_open(const struct chaos_shell_options *options, struct chaos_shell **ret_chaos,
	struct err *err)
{
	struct chaos_shell *chaos = xcalloc(1, sizeof *chaos);
	int rc;

	chaos->with = *options;
	rc = rpc_client_open(options->loop, options->manager_url, &chaos->side, err);
	if (rc < 0) {
		free(chaos);
		return rc;
	}
	chaos->line = chaos_line_new(options->loop, options->client, options->random, options->arg);
	chaos->gate = engine_gate_new(options->loop, options->engine);
	chaos->chaos = worker_chaos_new(
		&(struct worker_chaos_ports){.arg = chaos, .apply = on_apply, .check = on_check});
	*ret_chaos = chaos;
	return 0;
}

void
chaos_shell_close(struct chaos_shell *chaos)
{
	if (chaos == NULL)
		return;
	chaos->is_closing = true;
	rpc_client_close(chaos->side);
	chaos_line_close(chaos->line);
	engine_close(engine_gate_front(chaos->gate));
}

void
chaos_shell_free(struct chaos_shell *chaos)
{
	if (chaos == NULL)
		return;
	worker_chaos_free(chaos->chaos);
	free(chaos);
}
