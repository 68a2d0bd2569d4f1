#include <errno.h>
#include <stdlib.h>

#include "services/worker/slot_fsm.h"
#include "tests/lib/test.h"

static const char golden_path[] = "tests/golden/worker_slot_fsm.md";

TEST(worker_slot_fsm_is_whole)
{
	struct err err;

	CHECK_OK(fsm_check(&worker_slot_fsm, &err), &err);
}

TEST(worker_slot_fsm_never_says_of_what_ran_that_it_did_not)
{
	static const enum worker_slot_state after[] = {WORKER_SLOT_RUNNING, WORKER_SLOT_RESTARTING,
		WORKER_SLOT_STOPPING, WORKER_SLOT_ENDED};
	struct err err;
	unsigned to;

	for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
		CHECK_EQ(fsm_next(&worker_slot_fsm, after[i], WORKER_SLOT_EV_REJECT, &to, &err),
			-EPROTO);
		CHECK_EQ(fsm_next(&worker_slot_fsm, after[i], WORKER_SLOT_EV_RETURN, &to, &err),
			-EPROTO);
	}
}

TEST(worker_slot_fsm_does_not_run_again_what_has_ended)
{
	static const enum worker_slot_state over[] = {WORKER_SLOT_ENDED, WORKER_SLOT_REJECTED,
		WORKER_SLOT_RETURNED, WORKER_SLOT_REMOVING, WORKER_SLOT_GONE};
	struct err err;
	unsigned to;

	for (size_t i = 0; i < sizeof over / sizeof over[0]; i++) {
		for (unsigned event = 0; event < WORKER_SLOT_EVENT_COUNT; event++) {
			if (fsm_next(&worker_slot_fsm, over[i], event, &to, &err) == 0)
				CHECK(to >= WORKER_SLOT_ENDED);
		}
	}
}

TEST(worker_slot_fsm_matches_its_page)
{
	char want[8192] = {0}, *got = NULL;
	size_t size = 0;
	FILE *golden = fopen(golden_path, getenv("GOLDEN") == NULL ? "re" : "w+e");
	FILE *out = open_memstream(&got, &size);

	CHECK(golden != NULL && out != NULL);
	fsm_print(&worker_slot_fsm, out);
	(void)fclose(out);
	if (getenv("GOLDEN") != NULL)
		(void)fputs(got, golden);
	else
		(void)!fread(want, 1, sizeof want - 1, golden);
	(void)fclose(golden);
	if (getenv("GOLDEN") == NULL)
		CHECK_STR(got, want);
	free(got);
}
