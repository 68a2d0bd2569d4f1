#include "services/monitor/live_calls.h"

#include "common/rpc/rpc_mem.h"
#include "tests/unit/live_fixture.h"

struct heard {
	Davit__Reply__Status status;
	uint64_t version;
	char text[128];
	unsigned n;
};

static void
on_reply(const struct rpc_result *result, void *arg)
{
	struct heard *heard = arg;

	heard->n++;
	heard->status = result->status;
	(void)snprintf(heard->text, sizeof heard->text, "%s", result->message);
	if (result->response != NULL)
		heard->version = ((const Davit__GetViewReply *)result->response)->version;
}

/* seen 0: not given. */
static void
ask(struct live_calls *calls, uint64_t seen, uint64_t wait_ms, uint64_t now_ms, struct heard *heard)
{
	Davit__GetViewRequest request = DAVIT__GET_VIEW_REQUEST__INIT;

	*heard = (struct heard){0};
	request.has_seen_version = seen > 0;
	request.seen_version = seen;
	request.has_wait_ms = true;
	request.wait_ms = wait_ms;
	live_calls_take(calls,
		rpc_mem_call(&davit__monitor__descriptor, "GetView", &request.base, NULL, on_reply,
			heard),
		now_ms);
}

TEST(live_calls_say_that_nothing_was_heard)
{
	CLEANUP(live_free) struct live *live = live_new();
	CLEANUP(live_calls_free) struct live_calls *calls = live_calls_new(live, "tcp://m:7071");
	struct heard heard;

	ask(calls, 0, 0, 0, &heard);
	CHECK_EQ(heard.status, DAVIT__REPLY__STATUS__UNAVAILABLE);
	CHECK_STR(heard.text,
		"nothing was heard yet from tcp://m:7071: is a davit-manager running there?");
}

TEST(live_calls_answer_at_once_when_there_is_news)
{
	CLEANUP(live_free) struct live *live = live_new();
	CLEANUP(live_calls_free) struct live_calls *calls = live_calls_new(live, "x");
	struct heard heard;

	(void)live_send_event(live, 1, "running");
	(void)live_send_event(live, 2, "running");
	ask(calls, 0, 60000, 0, &heard);
	CHECK_EQ(heard.version, 2);
	ask(calls, 1, 60000, 0, &heard);
	CHECK_EQ(heard.version, 2);
	ask(calls, 2, 0, 0, &heard);
	CHECK_EQ(heard.version, 2);
}

TEST(live_calls_wait_for_news_until_their_time_is_up)
{
	CLEANUP(live_free) struct live *live = live_new();
	CLEANUP(live_calls_free) struct live_calls *calls = live_calls_new(live, "x");
	struct heard first, second;

	(void)live_send_event(live, 1, "running");
	ask(calls, 1, 100, 1000, &first);
	ask(calls, 1, 5000, 1000, &second);
	live_calls_tick(calls, 1099);
	CHECK_EQ(live_calls_n_parked(calls), 2);
	live_calls_tick(calls, 1100);
	CHECK_EQ(first.n, 1);
	CHECK_EQ(first.version, 1);
	CHECK_EQ(second.n, 0);
	(void)live_send_event(live, 2, "running");
	live_calls_tick(calls, 1101);
	CHECK_EQ(second.version, 2);
	CHECK_EQ(live_calls_n_parked(calls), 0);
}

TEST(live_calls_have_limits)
{
	CLEANUP(live_free) struct live *live = live_new();
	CLEANUP(live_calls_free) struct live_calls *calls = live_calls_new(live, "x");
	static struct heard parked[MONITOR_WAITS_MAX];
	struct heard heard;

	(void)live_send_event(live, 1, "running");
	ask(calls, 1, RPC_WAIT_MAX_MS + 1, 0, &heard);
	CHECK_EQ(heard.status, DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	for (unsigned i = 0; i < MONITOR_WAITS_MAX; i++)
		ask(calls, 1, 1000, 0, &parked[i]);
	CHECK_EQ(live_calls_n_parked(calls), MONITOR_WAITS_MAX);
	ask(calls, 1, 1000, 0, &heard);
	CHECK_EQ(heard.status, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED);
	CHECK_HAS(heard.text, "MONITOR_WAITS_MAX");
}
