/* What the manager refuses because there is too much of it already. */
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/rpc/rpc_mem.h"
#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

#define STATUS(x) DAVIT__REPLY__STATUS__##x

static void
begin(struct desk *desk, uint32_t nodes_max, uint32_t tasks_max)
{
	desk_init(desk);
	CHECK_EQ(desk->config.nodes_max, MANAGER_NODES_MAX);
	CHECK_EQ(desk->config.tasks_max, MANAGER_TASKS_MAX);
	desk->config.nodes_max = nodes_max;
	desk->config.tasks_max = tasks_max;
	desk_restart(desk);
}

static void
check_exhausted(struct desk *desk, const char *method, const ProtobufCMessage *request,
	const char *limit)
{
	struct desk_reply reply;

	desk_send(desk, method, request, NULL, &reply);
	desk_turn(desk);
	CHECK(reply.is_there);
	CHECK_EQ(reply.status, STATUS(RESOURCE_EXHAUSTED));
	CHECK_HAS(reply.message, limit);
	desk_reply_fini(&reply);
}

/* Counts the answers, whatever they are: of thousands of calls that are given up at the end. */
static void
on_any(const struct rpc_result *result, void *arg)
{
	(void)result;
	++*(unsigned *)arg;
}

static void
send_any(struct desk *desk, const char *method, const ProtobufCMessage *request, unsigned *ret_n)
{
	struct rpc_call *call =
		rpc_mem_call(&davit__manager__descriptor, method, request, NULL, on_any, ret_n);

	CHECK(call != NULL);
	manager_call(desk->manager, desk->now, call);
}

TEST(manager_takes_so_many_nodes_and_those_that_it_knows_again)
{
	enum { NODES = 50 };
	struct desk desk;
	struct desk_worker *workers = xcalloc(NODES, sizeof *workers);
	Davit__RegisterNodeRequest request = DAVIT__REGISTER_NODE_REQUEST__INIT;
	Davit__DeclareNodeRequest declare = DAVIT__DECLARE_NODE_REQUEST__INIT;
	Davit__Resources capacity = DAVIT__RESOURCES__INIT;
	char name[16], more[] = "one-more";

	begin(&desk, NODES, MANAGER_TASKS_MAX);
	for (unsigned i = 0; i < NODES; i++) {
		(void)snprintf(name, sizeof name, "n%u", i);
		desk_worker_join(&desk, &workers[i], name, 1000);
	}
	capacity.has_cpu_milli = capacity.has_memory_bytes = true;
	capacity.cpu_milli = 1000;
	capacity.memory_bytes = 1 << 30;
	request.name = more;
	request.capacity = &capacity;
	check_exhausted(&desk, "RegisterNode", &request.base, "MANAGER_NODES_MAX");
	declare.name = more;
	check_exhausted(&desk, "DeclareNode", &declare.base, "MANAGER_NODES_MAX");
	desk_pass(&desk, MANAGER_SILENT_MS + 500);
	desk_worker_join(&desk, &workers[0], "n0", 1000);
	CHECK_EQ(desk_node(&desk, "n0")->state, DAVIT__NODE__STATE__READY);
	desk_fini(&desk);
	for (unsigned i = 0; i < NODES; i++)
		desk_worker_fini(&workers[i]);
	free(workers);
}

TEST(manager_keeps_so_many_tasks)
{
	struct desk desk;
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	char image[] = "demo";
	struct desk_reply reply;

	begin(&desk, MANAGER_NODES_MAX, 100);
	spec.image = image;
	request.spec = &spec;
	request.has_count = true;
	request.count = 60;
	desk_send(&desk, "SubmitTasks", &request.base, NULL, &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, STATUS(OK));
	desk_reply_fini(&reply);
	request.count = 41;
	check_exhausted(&desk, "SubmitTasks", &request.base, "MANAGER_TASKS_MAX");
	request.count = 40;
	desk_send(&desk, "SubmitTasks", &request.base, NULL, &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, STATUS(OK));
	desk_reply_fini(&reply);
	request.count = 1;
	check_exhausted(&desk, "SubmitTasks", &request.base, "MANAGER_TASKS_MAX");
	desk_fini(&desk);
}

/* With the real figure: nothing is made of them. */
TEST(manager_accepts_no_list_that_would_be_too_many_tasks)
{
	struct desk desk;
	Davit__SubmitManyRequest request = DAVIT__SUBMIT_MANY_REQUEST__INIT;
	Davit__SubmitTasksRequest one = DAVIT__SUBMIT_TASKS_REQUEST__INIT, *many[3];
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	char image[] = "demo";

	desk_init(&desk);
	spec.image = image;
	one.spec = &spec;
	one.has_count = true;
	one.count = MANAGER_ARRAY_MAX;
	many[0] = many[1] = many[2] = &one;
	request.tasks = many;
	request.n_tasks = 3;
	check_exhausted(&desk, "SubmitMany", &request.base, "MANAGER_TASKS_MAX");
	CHECK_EQ(desk.manager->model.n_tasks, 0);
	desk_fini(&desk);
}

TEST(manager_parks_so_many_calls_of_clients)
{
	struct desk desk;
	Davit__ReadEventsRequest request = DAVIT__READ_EVENTS_REQUEST__INIT;
	unsigned n_answers = 0;

	desk_init(&desk);
	request.has_wait_ms = true;
	request.wait_ms = 60000;
	for (unsigned i = 0; i < MANAGER_WAITS_MAX; i++)
		send_any(&desk, "ReadEvents", &request.base, &n_answers);
	desk_turn(&desk);
	CHECK_EQ(n_answers, 0);
	check_exhausted(&desk, "ReadEvents", &request.base, "MANAGER_WAITS_MAX");
	desk_fini(&desk);
	CHECK_EQ(n_answers, MANAGER_WAITS_MAX); /* each is told that the manager ends */
}

TEST(manager_asks_workers_so_many_questions_at_one_time)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__ListVolumesRequest request = DAVIT__LIST_VOLUMES_REQUEST__INIT;
	unsigned n_answers = 0;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	for (unsigned i = 0; i < MANAGER_QUERIES_MAX; i++)
		send_any(&desk, "ListVolumes", &request.base, &n_answers);
	desk_turn(&desk);
	CHECK_EQ(n_answers, 0);
	check_exhausted(&desk, "ListVolumes", &request.base, "MANAGER_QUERIES_MAX");
	desk_pass(&desk, MANAGER_QUERY_MARGIN_MS + MANAGER_SILENT_MS);
	CHECK_EQ(n_answers, MANAGER_QUERIES_MAX); /* given up, and there is room again */
	desk_fini(&desk);
	desk_worker_fini(&worker);
}
