/* Calls to a manager that get lost or are late on purpose. */
#include "services/worker/chaos_line.h"

#include "services/worker/limits.h"
#include "tests/lib/rpc_peer.h"

static struct peer peer;
static struct chaos_line *line;
static uint32_t chance;

struct told {
	unsigned n;
	Davit__Reply__Status status;
	char id[64];
};

static uint32_t
draw(void *arg)
{
	(void)arg;
	chance = chance * 1664525 + 1013904223;
	return chance >> 8;
}

static void
on_told(const struct rpc_result *result, void *arg)
{
	struct told *told = arg;
	const Davit__GetTaskReply *reply = (const Davit__GetTaskReply *)result->response;

	told->n++;
	told->status = result->status;
	if (reply != NULL)
		(void)snprintf(told->id, sizeof told->id, "%s", reply->task->id);
}

static void
begin(void)
{
	chance = 0;
	peer_open(&peer, NULL);
	peer_wait_connected(&peer);
	line = chaos_line_new(&peer.loop, peer.client, draw, NULL);
}

/* The client goes first. */
static void
end(void)
{
	rpc_client_close(TAKE(peer.client));
	chaos_line_close(line);
	peer_close(&peer);
}

static void
ask(const char *id, uint64_t timeout_ms, struct told *told)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;

	request.task = (char *)(uintptr_t)id;
	chaos_line_call(line, rpc_method(&davit__manager__descriptor, "GetTask"), &request.base,
		timeout_ms, on_told, told);
}

static void
wait_told(const struct told *told)
{
	while (told->n == 0)
		(void)uv_run(&peer.loop, UV_RUN_ONCE);
}

TEST(worker_chaos_line_passes_calls_on)
{
	struct told told = {0};

	begin();
	ask("a", 60000, &told);
	wait_told(&told);
	CHECK_EQ(told.status, DAVIT__REPLY__STATUS__OK);
	CHECK_STR(told.id, "a");
	CHECK(!chaos_line_loses_word(line));
	end();
}

TEST(worker_chaos_line_what_is_said_does_not_arrive)
{
	struct told told = {0};

	begin();
	chaos_line_set(line, &(struct chaos_line_fault){.loses_out = true});
	ask("a", 100, &told);
	wait_told(&told);
	CHECK_EQ(told.status, DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED);
	CHECK_EQ(peer.n_gets, 0);
	CHECK(chaos_line_loses_word(line));
	end();
}

TEST(worker_chaos_line_what_is_told_gets_lost_although_it_had_its_effect)
{
	struct told told = {0}, before = {0};

	begin();
	ask("b", 3000, &before); /* under way when it begins */
	chaos_line_set(line, &(struct chaos_line_fault){.loses_in = true});
	ask("a", 2000, &told);
	wait_told(&told);
	wait_told(&before);
	CHECK_EQ(told.status, DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED);
	CHECK_EQ(before.status, DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED);
	CHECK_EQ(peer.n_gets, 2);
	CHECK(!chaos_line_loses_word(line));
	end();
}

TEST(worker_chaos_line_what_is_late_takes_its_time_each_way)
{
	struct told told = {0};
	uint64_t begun;

	begin();
	chaos_line_set(line, &(struct chaos_line_fault){.delay_ms = 100});
	uv_update_time(&peer.loop);
	begun = uv_now(&peer.loop);
	ask("a", 60000, &told);
	wait_told(&told);
	CHECK_EQ(told.status, DAVIT__REPLY__STATUS__OK);
	CHECK(uv_now(&peer.loop) - begun >= 190);
	end();
}

TEST(worker_chaos_line_loses_as_many_calls_as_it_was_told)
{
	enum { N = 200 };
	struct told told[N] = {0};
	unsigned n_lost = 0;

	begin();
	chaos_line_set(line, &(struct chaos_line_fault){.loss_percent = 30});
	for (unsigned i = 0; i < N; i++)
		ask("a", 3000, &told[i]); /* a slow machine loses none by itself */
	for (unsigned i = 0; i < N; i++) {
		wait_told(&told[i]);
		n_lost += told[i].status != DAVIT__REPLY__STATUS__OK;
	}
	CHECK(n_lost > N / 5 && n_lost < N / 2);
	CHECK(peer.n_gets < N &&
		peer.n_gets > N - n_lost); /* some on the way, some on the way back */
	chaos_line_set(line, &(struct chaos_line_fault){.loss_percent = 100});
	told[0].n = 0;
	ask("a", 100, &told[0]);
	wait_told(&told[0]);
	CHECK_EQ(told[0].status, DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED);
	end();
}

TEST(worker_chaos_line_holds_so_many_calls_and_ends_them_when_it_ends)
{
	struct told told = {0}, one_more = {0};

	begin();
	chaos_line_set(line, &(struct chaos_line_fault){.loses_out = true});
	for (unsigned i = 0; i < WORKER_CHAOS_LINE_MAX; i++)
		ask("a", 60000, &told);
	ask("a", 60000, &one_more);
	while (one_more.n == 0) /* UV_RUN_ONCE would wait for the others, too */
		(void)uv_run(&peer.loop, UV_RUN_NOWAIT);
	CHECK_EQ(one_more.status, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED);
	CHECK_EQ(told.n, 0);
	end();
	CHECK_EQ(told.n, WORKER_CHAOS_LINE_MAX);
	CHECK_EQ(told.status, DAVIT__REPLY__STATUS__CANCELLED);
}
