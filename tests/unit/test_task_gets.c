#include "services/gateway/task_gets.h"

#include "tests/lib/rpc_peer.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

enum { ASKERS = TASK_GETS_TASKS_MAX * 2 };

struct asked {
	unsigned n;
	Davit__Reply__Status status;
	char json[128], message[128];
};

struct world {
	struct peer peer;
	struct upstream *upstream;
	struct task_gets *gets;
};

static bool
is_connected(void *arg)
{
	return upstream_is_connected(arg);
}

static void
world_open(struct world *world)
{
	struct err err = {0};

	peer_open(&world->peer, NULL);
	world->peer.keeps_gets = true;
	CHECK_OK(upstream_open(&world->peer.loop, rpc_server_url(world->peer.server),
			 &world->upstream, &err),
		&err);
	turn_until(&world->peer.loop, is_connected, world->upstream, "connections");
	world->gets = task_gets_new(&world->peer.loop, world->upstream);
}

static void
world_close(struct world *world)
{
	upstream_close(world->upstream);
	task_gets_free(world->gets);
	peer_close(&world->peer);
}

static void
on_page(const struct task_page *page, void *arg)
{
	struct asked *asked = arg;

	asked->n++;
	asked->status = page->status;
	(void)snprintf(asked->message, sizeof asked->message, "%s", page->message);
	if (page->json != NULL)
		(void)snprintf(asked->json, sizeof asked->json, "%.*s", (int)page->size,
			page->json);
}

static bool
is_told(void *arg)
{
	return ((const struct asked *)arg)->n > 0;
}

static const Davit__GetTasksRequest *
request_of(const struct world *world, size_t i)
{
	CHECK_STR(rpc_call_method(world->peer.calls[i]), "GetTasks");
	return (const void *)world->peer.calls[i]->request;
}

TEST(task_gets_asks_for_many_at_once_and_for_the_same_one_once)
{
	Davit__GetTasksReply reply = DAVIT__GET_TASKS_REPLY__INIT;
	Davit__GetTasksReply__Result found = DAVIT__GET_TASKS_REPLY__RESULT__INIT, lost = found;
	Davit__GetTasksReply__Result *results[] = {&found, &lost};
	Davit__Task task = DAVIT__TASK__INIT;
	struct asked a = {0}, b = {0}, c = {0}, gone = {0};
	const Davit__GetTasksRequest *request;
	struct world world;

	world_open(&world);
	(void)task_gets_ask(world.gets, "web", NULL, on_page, &a);
	(void)task_gets_ask(world.gets, "web", "blue", on_page, &b);
	(void)task_gets_ask(world.gets, "web", NULL, on_page, &c);
	task_gets_drop(task_gets_ask(world.gets, "web", NULL, on_page, &gone));
	task_gets_drop(task_gets_ask(world.gets, "nobody's", NULL, on_page, &gone));
	peer_wait_calls(&world.peer, 1);
	request = request_of(&world, 0);
	CHECK_EQ(request->n_tasks, 2);
	CHECK_STR(request->tasks[0]->task, "web");
	CHECK(request->tasks[0]->namespace_ == NULL);
	CHECK_STR(request->tasks[1]->namespace_, "blue");
	task.id = (char *)(uintptr_t) "1";
	found.task = &task;
	lost.has_status = true;
	lost.status = DAVIT__REPLY__STATUS__NOT_FOUND;
	lost.message = (char *)(uintptr_t) "no such task";
	reply.results = results;
	reply.n_results = 2;
	rpc_call_answer(world.peer.calls[0], &reply.base);
	rpc_call_send(world.peer.calls[0]);
	world.peer.n_calls = 0;
	turn_until(&world.peer.loop, is_told, &b, "answers");
	CHECK_STR(a.json, "{\"id\":\"1\"}\n");
	CHECK_STR(c.json, a.json);
	CHECK_EQ(b.status, DAVIT__REPLY__STATUS__NOT_FOUND);
	CHECK_STR(b.message, "no such task");
	CHECK_EQ(gone.n, 0);
	world_close(&world);
}

TEST(task_gets_bounds_a_call_and_lets_the_rest_gather)
{
	struct asked asked[ASKERS + 2];
	unsigned n_refused = 0;
	char name[32];
	struct world world;

	memset(asked, 0, sizeof asked);
	world_open(&world);
	for (unsigned i = 0; i < ASKERS + 2; i++) {
		(void)snprintf(name, sizeof name, "t%u", i);
		(void)task_gets_ask(world.gets, name, NULL, on_page, &asked[i]);
	}
	peer_wait_calls(&world.peer, TASK_GETS_CALLS_MAX);
	turn_for(&world.peer.loop, 20);
	CHECK_EQ(world.peer.n_calls, TASK_GETS_CALLS_MAX);
	CHECK_EQ(request_of(&world, 0)->n_tasks, TASK_GETS_TASKS_MAX);
	rpc_call_refuse(world.peer.calls[0], DAVIT__REPLY__STATUS__UNAVAILABLE, NULL, "not now");
	rpc_call_send(world.peer.calls[0]);
	world.peer.calls[0] = world.peer.calls[1];
	world.peer.n_calls = 1;
	peer_wait_calls(&world.peer, 2);
	CHECK_EQ(request_of(&world, 1)->n_tasks, 2);
	for (unsigned i = 0; i < ASKERS + 2; i++)
		n_refused += asked[i].status == DAVIT__REPLY__STATUS__UNAVAILABLE;
	CHECK_EQ(n_refused, TASK_GETS_TASKS_MAX);
	world_close(&world);
	CHECK_EQ(asked[ASKERS + 1].status, DAVIT__REPLY__STATUS__CANCELLED);
}

TEST(task_gets_may_end_with_questions_that_were_not_sent)
{
	struct asked asked = {0};
	struct world world;

	world_open(&world);
	(void)task_gets_ask(world.gets, "web", NULL, on_page, &asked);
	world_close(&world);
	CHECK_EQ(asked.n, 0);
}
