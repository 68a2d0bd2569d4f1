/* Which version of a worker a manager lets in; other limits of registration: test_traits.c. */
#include "services/manager/admission.h"

#include <string.h>

#include "tests/lib/desk.h"
#include "tests/lib/test.h"

static Davit__Reply__Status
join(struct desk *desk, const char *version, struct desk_reply *reply)
{
	Davit__RegisterNodeRequest request = DAVIT__REGISTER_NODE_REQUEST__INIT;
	Davit__Resources capacity = DAVIT__RESOURCES__INIT;

	request.name = (char *)(uintptr_t) "n1";
	request.davit_version = (char *)(uintptr_t)version;
	capacity.has_cpu_milli = capacity.has_memory_bytes = true;
	capacity.cpu_milli = 1000;
	capacity.memory_bytes = 1 << 30;
	request.capacity = &capacity;
	desk_send(desk, "RegisterNode", &request.base, NULL, reply);
	desk_turn(desk);
	return reply->status;
}

static void
check_join(const char *version, Davit__Reply__Status status, const char *words)
{
	struct desk desk;
	struct desk_reply reply;

	desk_init(&desk);
	CHECK_EQ(join(&desk, version, &reply), status);
	if (words != NULL) {
		CHECK_STR(reply.field, "davit_version");
		CHECK_HAS(reply.message, words);
		CHECK(desk.manager->model.nodes == NULL);
	}
	desk_reply_fini(&reply);
	desk_fini(&desk);
}

TEST(admission_lets_in_workers_of_this_release_and_of_the_one_before)
{
	check_join(DAVIT_VERSION, DAVIT__REPLY__STATUS__OK, NULL);
	check_join(DAVIT_PREVIOUS, DAVIT__REPLY__STATUS__OK, NULL);
	check_join(NULL, DAVIT__REPLY__STATUS__OK, NULL);
}

TEST(admission_refuses_older_and_newer_workers_with_a_sentence)
{
	check_join("0.0.9", DAVIT__REPLY__STATUS__FAILED_PRECONDITION, "upgrade the worker");
	check_join("9999.0.0", DAVIT__REPLY__STATUS__FAILED_PRECONDITION,
		"upgrade the manager first");
	check_join("new", DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "MAJOR.MINOR.PATCH");
}

/* As after an upgrade of the manager over two releases. */
TEST(admission_ends_the_session_of_a_worker_that_the_next_manager_would_not_let_in)
{
	struct desk desk;
	struct desk_worker worker = {0};
	struct desk_reply reply;
	uint64_t session;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	session = worker.session;
	desk_restart(&desk);
	CHECK_EQ(desk_node(&desk, "n1")->session, session);
	model_set_text(&desk_node(&desk, "n1")->davit_version, "0.0.9");
	batch_touch_node(desk.manager, desk_node(&desk, "n1"));
	desk_turn(&desk);
	for (int i = 0; i < 2; i++) { /* however often it is restarted */
		desk_restart(&desk);
		CHECK_EQ(desk_node(&desk, "n1")->session, session + 1);
	}
	CHECK_EQ(join(&desk, "0.0.9", &reply), DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	desk_reply_fini(&reply);
	CHECK_EQ(join(&desk, DAVIT_VERSION, &reply), DAVIT__REPLY__STATUS__OK);
	CHECK(((Davit__RegisterNodeReply *)reply.response)->session > session + 1);
	desk_reply_fini(&reply);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}
