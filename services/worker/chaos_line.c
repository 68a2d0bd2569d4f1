/* Tested by tests/unit/test_worker_chaos_line.c. */
#include "services/worker/chaos_line.h"

#include <utlist.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "services/worker/limits.h"

/* A call under way. */
struct passage {
	struct chaos_line *line;
	struct passage *prev, *next;
	const ProtobufCMethodDescriptor *method;
	ProtobufCMessage *request; /* owned, until it is sent */
	uint64_t timeout_ms, end_ms;
	rpc_done_fn *done;
	void *arg;
	enum { GOING, UNDER_WAY, COMING, LOST } state;
	bool loses_answer;
	uint64_t due_ms; /* GOING: to be sent; COMING: to be told; LOST: its time is up */
	/* What is told. */
	Davit__Reply__Status status;
	char *message;
	ProtobufCMessage *response;
};

struct chaos_line {
	struct rpc_client *client;
	uint32_t (*random)(void *arg);
	void *random_arg;
	struct chaos_line_fault fault;
	uv_timer_t timer;
	struct passage *passages;
	size_t n;
	bool is_closing;
};

/* ---- what becomes of it ---- */

static void
free_message(ProtobufCMessage *message)
{
	if (message != NULL)
		protobuf_c_message_free_unpacked(message, NULL);
}

static ProtobufCMessage *
copy_message(const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	ProtobufCMessage *copy;
	uint8_t *packed = xmalloc(size + 1);

	(void)protobuf_c_message_pack(message, packed);
	copy = protobuf_c_message_unpack(message->descriptor, NULL, size, packed);
	free(packed);
	return copy;
}

static bool
happens(struct chaos_line *line, uint32_t percent)
{
	return percent > 0 && line->random(line->random_arg) % 100 < percent;
}

static void
tell(struct passage *passage)
{
	const struct rpc_result result = {.status = passage->status,
		.message = passage->message != NULL ? passage->message : "",
		.field = "",
		.note = "",
		.response = passage->response};

	DL_DELETE(passage->line->passages, passage);
	passage->line->n--;
	passage->done(&result, passage->arg);
	free_message(passage->request);
	free_message(passage->response);
	free(passage->message);
	free(passage);
}

static void
fail(struct passage *passage, Davit__Reply__Status status, const char *message)
{
	free(passage->message);
	free_message(TAKE(passage->response));
	passage->status = status;
	passage->message = xstrdup(message);
	tell(passage);
}

/* ---- time ---- */

static void on_timer(uv_timer_t *timer);

static void
arm(struct chaos_line *line)
{
	uint64_t now = clock_mono_ms(), due = UINT64_MAX;
	struct passage *passage;

	DL_FOREACH (line->passages, passage) {
		if (passage->state != UNDER_WAY && passage->due_ms < due)
			due = passage->due_ms;
	}
	if (line->is_closing)
		return;
	uv_update_time(line->timer.loop);
	if (due == UINT64_MAX)
		(void)uv_timer_stop(&line->timer);
	else
		(void)uv_timer_start(&line->timer, on_timer, due > now ? due - now : 0, 0);
}

static void
lose(struct passage *passage)
{
	passage->state = LOST;
	passage->due_ms = passage->end_ms;
	arm(passage->line);
}

static void
on_answer(const struct rpc_result *result, void *arg)
{
	struct passage *passage = arg;
	struct chaos_line *line = passage->line;
	bool is_late = line->fault.delay_ms > 0 && !line->is_closing;

	if (!line->is_closing && (line->fault.loses_in || passage->loses_answer)) {
		lose(passage);
		return;
	}
	passage->status = result->status;
	passage->message = xstrdup(result->message);
	passage->response = result->response == NULL ? NULL : copy_message(result->response);
	if (!is_late) {
		tell(passage);
		return;
	}
	passage->state = COMING;
	passage->due_ms = clock_mono_ms() + line->fault.delay_ms;
	arm(line);
}

static void
dispatch(struct passage *passage)
{
	struct chaos_line *line = passage->line;
	ProtobufCMessage *request = TAKE(passage->request);

	passage->state = UNDER_WAY;
	(void)rpc_client_call(line->client, passage->method, request,
		&(struct rpc_call_options){.timeout_ms = passage->timeout_ms}, on_answer, passage);
	free_message(request);
}

/* The first whose time has come, or NULL: who is told may call again. */
static struct passage *
first_due(struct chaos_line *line, uint64_t now)
{
	struct passage *passage;

	DL_FOREACH (line->passages, passage) {
		if (passage->state != UNDER_WAY && passage->due_ms <= now)
			return passage;
	}
	return NULL;
}

static void
on_timer(uv_timer_t *timer)
{
	struct chaos_line *line = timer->data;
	uint64_t now = clock_mono_ms();
	struct passage *passage;

	while ((passage = first_due(line, now)) != NULL) {
		if (passage->state == GOING)
			dispatch(passage);
		else if (passage->state == COMING && passage->due_ms <= passage->end_ms)
			tell(passage);
		else
			fail(passage, DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED,
				"lost on purpose on the way to the manager or back");
	}
	arm(line);
}

/* ---- from outside ---- */

struct chaos_line *
chaos_line_new(uv_loop_t *loop, struct rpc_client *client, uint32_t (*random)(void *arg),
	void *random_arg)
{
	struct chaos_line *line = xcalloc(1, sizeof *line);

	line->client = client;
	line->random = random;
	line->random_arg = random_arg;
	(void)uv_timer_init(loop, &line->timer);
	line->timer.data = line;
	return line;
}

void
chaos_line_set(struct chaos_line *line, const struct chaos_line_fault *fault)
{
	line->fault = *fault;
}

void
chaos_line_call(struct chaos_line *line, const ProtobufCMethodDescriptor *method,
	const ProtobufCMessage *request, uint64_t timeout_ms, rpc_done_fn *done, void *arg)
{
	struct passage *passage = xcalloc(1, sizeof *passage);
	uint64_t now = clock_mono_ms();

	*passage = (struct passage){.line = line,
		.method = method,
		.timeout_ms = timeout_ms,
		.end_ms = now + timeout_ms + 2 * line->fault.delay_ms,
		.done = done,
		.arg = arg,
		.state = GOING,
		.due_ms = now + line->fault.delay_ms};
	DL_APPEND(line->passages, passage);
	if (++line->n > WORKER_CHAOS_LINE_MAX) {
		passage->status = DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED;
		passage->message = xstrdup("too many calls are late (WORKER_CHAOS_LINE_MAX)");
		passage->state = COMING;
		passage->due_ms = now;
		arm(line);
		return;
	}
	passage->loses_answer = happens(line, line->fault.loss_percent);
	if (line->fault.loses_out || (passage->loses_answer && happens(line, 50))) {
		lose(passage);
		return;
	}
	passage->request = copy_message(request);
	if (line->fault.delay_ms == 0)
		dispatch(passage);
	else
		arm(line);
}

bool
chaos_line_loses_word(struct chaos_line *line)
{
	return line->fault.loses_out || happens(line, line->fault.loss_percent);
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
chaos_line_close(struct chaos_line *line)
{
	if (line == NULL)
		return;
	line->is_closing = true;
	while (line->passages != NULL)
		fail(line->passages, DAVIT__REPLY__STATUS__CANCELLED, "the worker is ending");
	uv_close((uv_handle_t *)&line->timer, on_closed);
}
