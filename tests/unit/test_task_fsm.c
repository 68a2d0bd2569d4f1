#include <errno.h>
#include <stdlib.h>

#include "common/base/cleanup.h"
#include "common/model/task_fsm.h"
#include "tests/lib/test.h"

static const char golden_path[] = "tests/golden/task_fsm.md";

TEST(task_fsm_is_whole)
{
	struct err err;

	CHECK_OK(fsm_check(&task_fsm, &err), &err);
}

TEST(task_fsm_goes_back_only_when_the_worker_says_that_nothing_started)
{
	struct err err;
	unsigned to;

	CHECK_OK(fsm_next(&task_fsm, TASK_SCHEDULED, TASK_EV_RETURNED, &to, &err), &err);
	CHECK_EQ(to, TASK_PENDING);
	CHECK_EQ(fsm_next(&task_fsm, TASK_RUNNING, TASK_EV_RETURNED, &to, &err), -EPROTO);
	CHECK_OK(fsm_next(&task_fsm, TASK_SCHEDULED, TASK_EV_LOST, &to, &err), &err);
	CHECK_EQ(to, TASK_FAILED);
}

TEST(task_fsm_never_leaves_a_final_state)
{
	struct err err;
	unsigned to;

	for (unsigned event = 0; event < TASK_EVENT_COUNT; event++) {
		CHECK_EQ(fsm_next(&task_fsm, TASK_COMPLETED, event, &to, &err), -EPROTO);
		CHECK_EQ(fsm_next(&task_fsm, TASK_FAILED, event, &to, &err), -EPROTO);
	}
}

TEST(task_fsm_matches_its_page)
{
	char want[8192] = {0}, *got = NULL;
	size_t size = 0;
	FILE *golden = fopen(golden_path, "re"), *out = open_memstream(&got, &size);

	CHECK(golden != NULL && out != NULL);
	(void)!fread(want, 1, sizeof want - 1, golden);
	(void)fclose(golden);
	fsm_print(&task_fsm, out);
	(void)fclose(out);
	if (getenv("GOLDEN") != NULL) {
		golden = fopen(golden_path, "we");
		(void)fputs(got, golden);
		(void)fclose(golden);
	} else {
		CHECK_STR(got, want);
	}
	free(got);
}
