#include "services/gateway/exec_run.h"

#include "proto/manager.pb-c.h"
#include "tests/lib/gateway_stage.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

static void
on_done(struct errand *errand, const struct exec_result *result, void *arg)
{
	static const char *const ends[] = {"done", "failed", "late", "too much"};

	CHECK(arg == errand_request(errand));
	errand_reply_text(errand, 200, "%s %d %zu %s[%.*s]", ends[result->end], result->exit_code,
		result->output->size, result->why,
		result->output->size > 100 ? 0 : (int)result->output->size,
		(const char *)result->output->data);
}

static void
on_run(struct http_request *request, void *arg)
{
	static const char *const command[] = {"echo", "hi", NULL};
	struct exec_wish wish = {.task = "task-1", .command = command};

	if (http_query(request, "limit") != NULL)
		wish.limit_ms = 1;
	exec_run(errand_begin(request, arg), &wish, on_done, request);
}

static const struct http_route routes[] = {{"POST", "/run", on_run}, {NULL, NULL, NULL}};
static const struct http_route *const tables[] = {routes, NULL};

/* Up to the first ReadChannel. */
static struct rpc_call *
begin(struct gateway_stage *stage, const char *line)
{
	Davit__OpenChannelReply opened = DAVIT__OPEN_CHANNEL_REPLY__INIT;
	const Davit__OpenChannelRequest *request;
	struct rpc_call *call;

	gateway_stage_open(stage, tables);
	gateway_stage_ask(stage, line, "");
	call = gateway_stage_call(stage, "OpenChannel");
	request = (const void *)call->request;
	CHECK_STR(request->task, "task-1");
	CHECK_EQ(request->exec->n_command, 2);
	CHECK_STR(request->exec->command[1], "hi");
	opened.channel = (char *)(uintptr_t) "channel-1";
	gateway_stage_answer(call, &opened.base);
	return gateway_stage_call(stage, "ReadChannel");
}

static void
answer_read(struct rpc_call *call, const char *text, size_t size, uint64_t offset, bool end,
	const char *error)
{
	Davit__ReadChannelReply reply = DAVIT__READ_CHANNEL_REPLY__INIT;
	Davit__LogChunk chunk = DAVIT__LOG_CHUNK__INIT, *chunks[] = {&chunk};

	chunk.has_data = true;
	chunk.data.data = (uint8_t *)(uintptr_t)text;
	chunk.data.len = size;
	reply.chunks = chunks;
	reply.n_chunks = 1;
	reply.has_offset = reply.has_end = reply.has_exit_code = true;
	reply.offset = offset;
	reply.end = end;
	reply.exit_code = end ? 3 : 0;
	reply.error = (char *)(uintptr_t)error;
	gateway_stage_answer(call, &reply.base);
}

/* The answer, and the channel is given back. */
static void
expect(struct gateway_stage *stage, const char *words)
{
	struct rpc_call *call;

	http_client_wait(&stage->client, words);
	call = gateway_stage_call(stage, "CloseChannel");
	CHECK_STR(((const Davit__CloseChannelRequest *)(const void *)call->request)->channel,
		"channel-1");
	rpc_call_drop(call);
	gateway_stage_close(stage);
}

TEST(exec_run_gathers_the_output_until_the_command_ends)
{
	struct gateway_stage stage;
	struct rpc_call *call = begin(&stage, "POST /run");

	answer_read(call, "one ", 4, 4, false, NULL);
	call = gateway_stage_call(&stage, "ReadChannel");
	CHECK_EQ(((const Davit__ReadChannelRequest *)(const void *)call->request)->offset, 4);
	answer_read(call, "two", 3, 7, true, NULL);
	expect(&stage, "done 3 7 [one two]\n");
}

TEST(exec_run_says_why_it_broke_off)
{
	struct gateway_stage stage;

	answer_read(begin(&stage, "POST /run"), "", 0, 0, true, "the container ended");
	expect(&stage, "failed 0 0 the container ended[]\n");
}

TEST(exec_run_takes_no_more_than_its_limits)
{
	static char much[EXEC_OUTPUT_MAX + 1];
	struct gateway_stage stage;

	answer_read(begin(&stage, "POST /run"), much, EXEC_OUTPUT_MAX, EXEC_OUTPUT_MAX, false,
		NULL);
	answer_read(gateway_stage_call(&stage, "ReadChannel"), much, 1, EXEC_OUTPUT_MAX + 1, false,
		NULL);
	expect(&stage, "too much 0 1048577 more than 1 MiB of output (EXEC_OUTPUT_MAX)[]\n");
}

TEST(exec_run_ends_when_its_time_is_over)
{
	struct gateway_stage stage;
	struct rpc_call *call = begin(&stage, "POST /run?limit=1");

	CHECK_EQ(((const Davit__ReadChannelRequest *)(const void *)call->request)->wait_ms, 1);
	turn_for(&stage.peer.loop, 5); /* its time is over when the answer comes */
	answer_read(call, "", 0, 0, false, NULL);
	expect(&stage, "late 0 0 the command did not end in time[]\n");
}

TEST(exec_run_of_a_task_without_a_container_has_nothing_to_give_back)
{
	struct gateway_stage stage;
	struct rpc_call *call;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "POST /run", "");
	call = gateway_stage_call(&stage, "OpenChannel");
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, "task", "it has ended");
	rpc_call_send(call);
	http_client_wait(&stage.client, "failed 0 0 it has ended[]\n");
	CHECK_EQ(stage.peer.n_calls, 0);
	gateway_stage_close(&stage);
}
