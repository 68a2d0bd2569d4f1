/* Nodes that no worker speaks for. */
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

static Davit__Reply__Status
declare(struct desk *desk, const char *name, bool update, uint64_t cpu_milli)
{
	Davit__DeclareNodeRequest request = DAVIT__DECLARE_NODE_REQUEST__INIT;
	Davit__Resources capacity = DAVIT__RESOURCES__INIT;
	struct desk_reply reply = {0};
	Davit__Reply__Status status;

	request.name = (char *)(uintptr_t)name;
	request.has_update = true;
	request.update = update;
	capacity.has_cpu_milli = capacity.has_memory_bytes = true;
	capacity.cpu_milli = cpu_milli;
	capacity.memory_bytes = 1 << 30;
	request.capacity = cpu_milli == 0 ? NULL : &capacity;
	desk_send(desk, "DeclareNode", &request.base, NULL, &reply);
	desk_turn(desk);
	CHECK(reply.is_there);
	status = reply.status;
	desk_reply_fini(&reply);
	return status;
}

TEST(manager_lists_a_declared_node_and_places_nothing_there_until_a_worker_comes)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	CHECK_EQ(declare(&desk, "rest", false, 4000), DAVIT__REPLY__STATUS__OK);
	CHECK_EQ(desk_node(&desk, "rest")->state, DAVIT__NODE__STATE__DOWN);
	CHECK_EQ(desk_node(&desk, "rest")->account.capacity.cpu_milli, 4000);
	desk_submit(&desk, "web", 100, false, id);
	desk_pass(&desk, 60000);
	CHECK_EQ(desk_task(&desk, id)->state, TASK_PENDING);
	desk_worker_join(&desk, &worker, "rest", 4000);
	CHECK_EQ(desk_node(&desk, "rest")->state, DAVIT__NODE__STATE__READY);
	desk_turn(&desk);
	CHECK_EQ(desk_task(&desk, id)->state, TASK_SCHEDULED);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_hears_of_a_declared_node_only_by_its_declarations)
{
	struct desk desk;
	struct desk_worker worker = {0};
	uint64_t heard_ms;

	desk_init(&desk);
	CHECK_EQ(declare(&desk, "rest", true, 0), DAVIT__REPLY__STATUS__NOT_FOUND);
	CHECK_EQ(declare(&desk, "rest", false, 0), DAVIT__REPLY__STATUS__OK);
	CHECK_EQ(declare(&desk, "rest", false, 0), DAVIT__REPLY__STATUS__ALREADY_EXISTS);
	heard_ms = desk_node(&desk, "rest")->heard_ms;
	desk_pass(&desk, 5000);
	CHECK_EQ(declare(&desk, "rest", true, 0), DAVIT__REPLY__STATUS__OK);
	CHECK(desk_node(&desk, "rest")->heard_ms >= heard_ms + 5000);
	CHECK_EQ(desk_node(&desk, "rest")->state, DAVIT__NODE__STATE__DOWN);
	CHECK_EQ(declare(&desk, "rest", true, 2000), DAVIT__REPLY__STATUS__OK);
	CHECK_EQ(desk_node(&desk, "rest")->account.capacity.cpu_milli, 2000);
	desk_worker_join(&desk, &worker, "n1", 4000);
	CHECK_EQ(declare(&desk, "n1", false, 0), DAVIT__REPLY__STATUS__ALREADY_EXISTS);
	CHECK_EQ(declare(&desk, "n1", true, 1), DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	CHECK_EQ(desk_node(&desk, "n1")->account.capacity.cpu_milli, 4000);
	CHECK_EQ(declare(&desk, "not a name", false, 0), DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_keeps_declared_nodes_over_a_restart_and_does_not_miss_them)
{
	struct desk desk;

	desk_init(&desk);
	for (unsigned i = 0; i < 5; i++) {
		char name[8];

		(void)snprintf(name, sizeof name, "rest%u", i);
		CHECK_EQ(declare(&desk, name, false, 1000), DAVIT__REPLY__STATUS__OK);
	}
	desk_restart(&desk);
	desk_pass(&desk, 1000);
	CHECK_EQ(desk_node(&desk, "rest4")->state, DAVIT__NODE__STATE__DOWN);
	CHECK_EQ(desk_node(&desk, "rest4")->account.capacity.cpu_milli, 1000);
	CHECK(!desk.manager->liveness.is_holding);
	desk_fini(&desk);
}
