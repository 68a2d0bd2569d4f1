/* Tested by tests/unit/test_engine_gate.c. */
#include "common/docker/engine_gate.h"

#include <errno.h>

#include <utlist.h>

#include "common/base/mem.h"
#include "common/docker/engine_impl.h"

/* An operation that waits at the gate (inner NULL), or a stream of events that went through. */
struct visitor {
	struct engine_op op; /* first: it is one */
	struct engine_gate *gate;
	struct visitor *prev, *next;
	struct engine_call call; /* only what ends it is used: its texts were borrowed */
	struct engine_op *inner;
	uint64_t due_ms;      /* when one that waits fails */
	int code;             /* with which */
	bool is_cut, is_over; /* over: nobody waits for it, but inner has yet to end */
};

struct engine_gate {
	struct engine engine; /* first: it is one */
	struct engine *inner;
	uv_timer_t timer;
	struct visitor *visitors;
	bool is_shut, is_closing;
};

static struct engine_gate *
gate_of(struct engine *engine)
{
	return (struct engine_gate *)engine;
}

/* Takes it out of the list before anybody is called. */
static void
end(struct visitor *visitor, const struct err *err)
{
	struct engine_call call = visitor->call;

	DL_DELETE(visitor->gate->visitors, visitor);
	if (visitor->inner == NULL)
		free(visitor);
	else
		visitor->is_over = true;
	engine_call_finish(&call, err);
}

static void
fail(struct visitor *visitor)
{
	struct err err;

	(void)err_set(&err, visitor->code, "%s: %s", engine_call_name(visitor->call.kind),
		visitor->code == -ECANCELED
			? "given up"
			: "the engine does not answer (it is paused on purpose)");
	end(visitor, &err);
}

/* ---- time ---- */

static void on_timer(uv_timer_t *timer);

static void
arm(struct engine_gate *gate)
{
	uint64_t now = uv_now(gate->timer.loop), due = UINT64_MAX;
	struct visitor *visitor;

	DL_FOREACH (gate->visitors, visitor) {
		if (visitor->inner == NULL && visitor->due_ms < due)
			due = visitor->due_ms;
	}
	if (due == UINT64_MAX || gate->is_closing)
		(void)uv_timer_stop(&gate->timer);
	else
		(void)uv_timer_start(&gate->timer, on_timer, due > now ? due - now : 0, 0);
}

/* The first whose time has come, or NULL: who is called may start and cancel others. */
static struct visitor *
first_due(struct engine_gate *gate)
{
	struct visitor *visitor;

	DL_FOREACH (gate->visitors, visitor) {
		if (visitor->inner == NULL && visitor->due_ms <= uv_now(gate->timer.loop))
			return visitor;
	}
	return NULL;
}

static void
on_timer(uv_timer_t *timer)
{
	struct engine_gate *gate = timer->data;
	struct visitor *visitor;

	while ((visitor = first_due(gate)) != NULL)
		fail(visitor);
	arm(gate);
}

/* ---- streams of events, which end when the gate shuts ---- */

static void
on_event(const struct engine_event *event, void *arg)
{
	struct visitor *visitor = arg;

	if (!visitor->is_cut && !visitor->is_over)
		visitor->call.on.event(event, visitor->call.arg);
}

static void
on_events_end(const struct err *err, void *arg)
{
	struct visitor *visitor = arg;

	visitor->inner = NULL;
	if (visitor->is_over)
		free(visitor);
	else if (visitor->is_cut)
		fail(visitor);
	else
		end(visitor, err);
}

/* ---- the backend ---- */

static struct visitor *
let_in(struct engine_gate *gate, const struct engine_call *call)
{
	struct visitor *visitor = xcalloc(1, sizeof *visitor);

	visitor->op.engine = &gate->engine;
	visitor->gate = gate;
	visitor->call = *call;
	visitor->code = -ETIMEDOUT;
	DL_APPEND(gate->visitors, visitor);
	return visitor;
}

static struct engine_op *
gate_start(struct engine *engine, const struct engine_call *call)
{
	struct engine_gate *gate = gate_of(engine);
	struct engine_call through = *call;
	struct visitor *visitor;

	if (!gate->is_shut && call->kind != ENGINE_CALL_EVENTS)
		return gate->inner->ops->start(gate->inner, call);
	visitor = let_in(gate, call);
	if (gate->is_shut) {
		visitor->due_ms = uv_now(gate->timer.loop) + ENGINE_GATE_PATIENCE_MS;
		arm(gate);
		return &visitor->op;
	}
	through.on.event = on_event;
	through.done.plain = on_events_end;
	through.arg = visitor;
	visitor->inner = gate->inner->ops->start(gate->inner, &through);
	return &visitor->op;
}

static void
gate_cancel(struct engine_op *op)
{
	struct visitor *visitor = (struct visitor *)op;

	visitor->code = -ECANCELED;
	if (visitor->inner != NULL) {
		if (!visitor->is_cut)
			engine_cancel(visitor->inner);
		return;
	}
	visitor->due_ms = 0;
	arm(visitor->gate);
}

/* Neither what waits nor events can be paused or written to. */
static void
gate_resume(struct engine_op *op)
{
	(void)op;
}

static size_t
gate_write(struct engine_op *op, const void *data, size_t size)
{
	(void)op;
	(void)data;
	(void)size;
	return 0;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void
gate_close(struct engine *engine)
{
	struct engine_gate *gate = gate_of(engine);
	struct visitor *visitor;

	gate->is_closing = true;
	while ((visitor = gate->visitors) != NULL) {
		if (visitor->inner != NULL)
			engine_cancel(visitor->inner);
		visitor->code = -ECANCELED;
		fail(visitor);
	}
	uv_close((uv_handle_t *)&gate->timer, on_closed);
}

static const struct engine_ops gate_ops = {
	.start = gate_start,
	.cancel = gate_cancel,
	.resume = gate_resume,
	.write = gate_write,
	.write_end = gate_resume,
	.close = gate_close,
};

struct engine_gate *
engine_gate_new(uv_loop_t *loop, struct engine *inner)
{
	struct engine_gate *gate = xcalloc(1, sizeof *gate);

	gate->engine.ops = &gate_ops;
	gate->inner = inner;
	(void)uv_timer_init(loop, &gate->timer);
	gate->timer.data = gate;
	return gate;
}

struct engine *
engine_gate_front(struct engine_gate *gate)
{
	return &gate->engine;
}

void
engine_gate_shut(struct engine_gate *gate)
{
	struct visitor *visitor;

	gate->is_shut = true;
	DL_FOREACH (gate->visitors, visitor) {
		if (visitor->inner == NULL || visitor->is_cut)
			continue;
		visitor->is_cut = true;
		engine_cancel(visitor->inner);
	}
}

void
engine_gate_open(struct engine_gate *gate)
{
	struct visitor *visitor;

	gate->is_shut = false;
	DL_FOREACH (gate->visitors, visitor)
		visitor->due_ms = 0;
	arm(gate);
}
