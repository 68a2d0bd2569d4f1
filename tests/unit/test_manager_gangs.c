/* How great a gang may be. */
#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

/* A greater one could never be asked about whole. */
TEST(gangs_that_are_too_great_for_one_question_are_refused)
{
	struct desk desk;
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__Gang gang = DAVIT__GANG__INIT;
	struct desk_reply reply;

	desk_init(&desk);
	gang.has_all_or_nothing = gang.all_or_nothing = true;
	spec.image = "demo";
	spec.gang = &gang;
	request.spec = &spec;
	request.has_count = true;
	request.count = MANAGER_GANG_MAX + 1;
	desk_send(&desk, "SubmitTasks", &request.base, NULL, &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	CHECK_STR(reply.field, "count");
	desk_reply_fini(&reply);
	desk_fini(&desk);
}
