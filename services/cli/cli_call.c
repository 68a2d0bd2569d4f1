#include "services/cli/cli_call.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/units.h"
#include "common/rpc/unpack.h"
#include "proto/manager.pb-c.h"

/* The attempt that is under way. */
struct attempt {
	struct cli_reply *reply;
	struct rpc_pending *pending;
	bool is_done;
};

void
cli_reply_fini(struct cli_reply *reply)
{
	free(reply->message);
	free(reply->note);
	cli_response_free(reply->response);
	*reply = (struct cli_reply){0};
}

void
cli_response_free(ProtobufCMessage *message)
{
	if (message != NULL)
		protobuf_c_message_free_unpacked(message, NULL);
}

/* A field of the task goes in front, as its file calls it; others are of no use to a person. */
static char *
sentence(const struct rpc_result *result)
{
	static const char of_task[] = "spec.";
	struct buf text = {0};

	if (strncmp(result->field, of_task, sizeof of_task - 1) == 0)
		buf_printf(&text, "%s: ", result->field + sizeof of_task - 1);
	buf_puts(&text, result->message);
	return buf_take(&text, NULL);
}

static void
on_done(const struct rpc_result *result, void *arg)
{
	struct attempt *attempt = arg;
	struct cli_reply *reply = attempt->reply;

	attempt->is_done = true;
	reply->status = result->status;
	reply->message = sentence(result);
	reply->note = xstrdup(result->note);
	if (result->response != NULL)
		reply->response = rpc_copy(result->response);
}

static void
on_pause_over(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

static void
on_pause_closed(uv_handle_t *handle)
{
	free(handle);
}

void
cli_pause_unless(struct cli *cli, uint64_t ms, const bool *is_over)
{
	uv_timer_t *timer = xcalloc(1, sizeof *timer);
	unsigned n_interrupts = cli->n_interrupts;
	bool has_passed = false;

	(void)uv_timer_init(cli->loop, timer);
	timer->data = &has_passed;
	uv_update_time(cli->loop);
	/* Repeating: a turn that finds it due fires it and then sleeps until the next event. */
	(void)uv_timer_start(timer, on_pause_over, ms, ms + 1);
	while (!has_passed && !*is_over && cli->n_interrupts == n_interrupts)
		(void)uv_run(cli->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)timer, on_pause_closed);
}

void
cli_pause(struct cli *cli, uint64_t ms)
{
	static const bool never = false;

	cli_pause_unless(cli, ms, &never);
}

static void
ask_once(struct cli *cli, const struct cli_ask *ask, const struct rpc_call_options *options,
	struct cli_reply *ret_reply)
{
	struct attempt attempt = {.reply = ret_reply};
	unsigned n_interrupts = cli->n_interrupts;

	attempt.pending =
		rpc_client_call(cli->client, rpc_method(&davit__manager__descriptor, ask->method),
			ask->request, options, on_done, &attempt);
	while (!attempt.is_done) {
		(void)uv_run(cli->loop, UV_RUN_ONCE);
		if (cli->n_interrupts != n_interrupts && attempt.pending != NULL &&
			!attempt.is_done) {
			rpc_client_cancel(cli->client, attempt.pending);
			attempt.pending = NULL;
		}
	}
	ret_reply->is_unreachable = ret_reply->status == DAVIT__REPLY__STATUS__UNAVAILABLE &&
				    !rpc_client_is_connected(cli->client);
}

/* How long trouble may last, not counting what a long poll waits anyway. */
static uint64_t
patience(const struct cli *cli, const struct cli_ask *ask)
{
	if (ask->timeout_ms > 0)
		return ask->timeout_ms;
	if (cli->globals->timeout_ms > 0)
		return cli->globals->timeout_ms;
	if (!cli->was_connected)
		return CLI_CONNECT_MS;
	return ask->is_patient ? UINT64_MAX : CLI_TIMEOUT_MS;
}

/* A patient call that hears nothing says so, once. */
static void
say_silence(struct cli *cli, const struct cli_ask *ask, const struct cli_reply *reply,
	uint64_t spent_ms, bool *has_said)
{
	if (!ask->is_patient || *has_said || spent_ms < CLI_SILENCE_MS)
		return;
	*has_said = true;
	if (reply->is_unreachable)
		cli_note(cli, "the manager at %s does not answer, trying again",
			cli->globals->manager);
	else
		cli_note(cli, "%s; trying again", reply->message);
}

static bool
is_worth_retrying(const struct cli_reply *reply)
{
	return reply->status == DAVIT__REPLY__STATUS__UNAVAILABLE ||
	       reply->status == DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED;
}

static void
fail_unreachable(struct cli_reply *reply, const char *why)
{
	reply->status = DAVIT__REPLY__STATUS__UNAVAILABLE;
	reply->is_unreachable = true;
	reply->message = xstrdup(why);
}

static void
on_tick(uv_timer_t *timer)
{
	(void)timer;
}

/* For a turn of the loop that fires the last timer and then would sleep without any. */
static void
start_tick(struct cli *cli)
{
	cli->tick = xcalloc(1, sizeof *cli->tick);
	(void)uv_timer_init(cli->loop, cli->tick);
	(void)uv_timer_start(cli->tick, on_tick, CLI_TICK_MS, CLI_TICK_MS);
	uv_unref((uv_handle_t *)cli->tick);
}

/* Connects the first time. Apart from the call, so that a long poll does not make this longer. */
static bool
reach(struct cli *cli, const struct cli_ask *ask, struct cli_reply *reply)
{
	uint64_t start_ms = clock_mono_ms(), pause_ms = CLI_CONNECT_PAUSE_MIN_MS;
	unsigned n_interrupts = cli->n_interrupts;
	struct err err = {0};

	if (cli->was_connected)
		return true;
	if (cli->client == NULL &&
		rpc_client_open(cli->loop, cli->globals->manager, &cli->client, &err) < 0) {
		fail_unreachable(reply, err.text);
		return false;
	}
	if (cli->tick == NULL)
		start_tick(cli);
	while (!rpc_client_is_connected(cli->client)) {
		if (cli->n_interrupts != n_interrupts) {
			reply->status = DAVIT__REPLY__STATUS__CANCELLED;
			return false;
		}
		if (clock_mono_ms() - start_ms >= patience(cli, ask)) {
			fail_unreachable(reply, "nobody listens there");
			return false;
		}
		cli_pause(cli, pause_ms);
		pause_ms = pause_ms * 2 < CLI_CONNECT_PAUSE_MAX_MS ? pause_ms * 2
								   : CLI_CONNECT_PAUSE_MAX_MS;
	}
	cli->was_connected = true;
	return true;
}

void
cli_ask(struct cli *cli, const struct cli_ask *ask, struct cli_reply *ret_reply)
{
	char request_id[RPC_REQUEST_ID_SIZE];
	struct rpc_call_options options = {.request_id = ask->changes ? request_id : NULL};
	uint64_t trouble_ms = 0, pause_ms = CLI_RETRY_MIN_MS, limit_ms;
	unsigned n_interrupts = cli->n_interrupts;
	bool has_said = false;

	*ret_reply = (struct cli_reply){0};
	if (!reach(cli, ask, ret_reply))
		return;
	if (ask->changes)
		rpc_request_id_make(request_id);
	limit_ms = patience(cli, ask);
	for (;;) {
		uint64_t left_ms = limit_ms > trouble_ms ? limit_ms - trouble_ms : 1;
		uint64_t start_ms = clock_mono_ms(), spent_ms;

		options.timeout_ms =
			ask->wait_ms + (left_ms < CLI_ATTEMPT_MS ? left_ms : CLI_ATTEMPT_MS);
		cli_reply_fini(ret_reply);
		ask_once(cli, ask, &options, ret_reply);
		if (!is_worth_retrying(ret_reply) || cli->n_interrupts != n_interrupts)
			return;
		spent_ms = clock_mono_ms() - start_ms;
		trouble_ms += pause_ms + (spent_ms > ask->wait_ms ? spent_ms - ask->wait_ms : 0);
		if (trouble_ms >= limit_ms)
			return;
		say_silence(cli, ask, ret_reply, trouble_ms, &has_said);
		cli_pause(cli, pause_ms);
		pause_ms = pause_ms * 2 < CLI_RETRY_MAX_MS ? pause_ms * 2 : CLI_RETRY_MAX_MS;
	}
}

int
cli_reply_code(struct cli *cli, const struct cli_reply *reply)
{
	char text[UNITS_TEXT_SIZE];
	uint64_t timeout_ms = cli->globals->timeout_ms;

	if (reply->is_unreachable)
		return cli_fail(cli, CLI_UNREACHABLE,
			"cannot reach a manager at %s: start one with 'make up', or give --manager URL "
			"or DAVIT_MANAGER",
			cli->globals->manager);
	switch (reply->status) {
	case DAVIT__REPLY__STATUS__OK:
		if (reply->note != NULL && reply->note[0] != '\0')
			cli_note(cli, "%s", reply->note);
		return CLI_OK;
	case DAVIT__REPLY__STATUS__NOT_FOUND:
		return cli_fail(cli, CLI_NOT_FOUND, "%s", reply->message);
	case DAVIT__REPLY__STATUS__CANCELLED:
		return CLI_INTERRUPTED;
	case DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED:
		return cli_fail(cli, CLI_TIMEOUT, "the manager at %s did not answer within %s",
			cli->globals->manager,
			units_format_duration(timeout_ms > 0 ? timeout_ms : CLI_TIMEOUT_MS, text));
	default:
		return cli_fail(cli, CLI_FAILED, "%s", reply->message);
	}
}

static int
call(struct cli *cli, const struct cli_ask *ask, ProtobufCMessage **ret_response)
{
	CLEANUP(cli_reply_fini) struct cli_reply reply = {0};
	int code;

	cli_ask(cli, ask, &reply);
	code = cli_reply_code(cli, &reply);
	if (code == CLI_OK)
		*ret_response = TAKE(reply.response);
	return code;
}

int
cli_call(struct cli *cli, const char *method, const ProtobufCMessage *request,
	ProtobufCMessage **ret_response)
{
	return call(cli, &(struct cli_ask){.method = method, .request = request}, ret_response);
}

int
cli_call_changing(struct cli *cli, const char *method, const ProtobufCMessage *request,
	ProtobufCMessage **ret_response)
{
	return call(cli, &(struct cli_ask){.method = method, .request = request, .changes = true},
		ret_response);
}
