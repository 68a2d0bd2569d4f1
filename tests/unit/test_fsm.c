/* A door: closed <-> open, either may be broken, and broken is the end. */
#include "common/fsm/fsm.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/cleanup.h"
#include "tests/lib/test.h"

enum { NONE, CLOSED, OPEN, BROKEN, N_STATES };
enum { PUSH, PULL, KICK, N_EVENTS };

static const char *const states[] = {[CLOSED] = "closed", [OPEN] = "open", [BROKEN] = "broken"};
static const char *const events[] = {[PUSH] = "push", [PULL] = "pull", [KICK] = "kick"};

#define ON(state, event) [(state)*N_EVENTS + (event)]

static const uint8_t whole[N_STATES * N_EVENTS] = {
	ON(CLOSED, PULL) = OPEN,
	ON(CLOSED, KICK) = BROKEN,
	ON(OPEN, PULL) = OPEN,
	ON(OPEN, PUSH) = CLOSED,
	ON(OPEN, KICK) = BROKEN,
};

static struct fsm
door(const uint8_t *matrix)
{
	return (struct fsm){
		.name = "door",
		.state_name = states,
		.event_name = events,
		.n_states = N_STATES,
		.n_events = N_EVENTS,
		.initial = CLOSED,
		.finals = 1u << BROKEN,
		.matrix = matrix,
	};
}

TEST(fsm_answers_the_next_state)
{
	struct fsm fsm = door(whole);
	struct err err;
	unsigned to = 0;

	CHECK_OK(fsm_next(&fsm, CLOSED, PULL, &to, &err), &err);
	CHECK_EQ(to, OPEN);
	CHECK_OK(fsm_next(&fsm, OPEN, PULL, &to, &err), &err);
	CHECK_EQ(to, OPEN);
}

TEST(fsm_forbids_what_nobody_wrote_and_leaves_the_answer_alone)
{
	struct fsm fsm = door(whole);
	struct err err;
	unsigned to = 77;

	CHECK_EQ(fsm_next(&fsm, CLOSED, PUSH, &to, &err), -EPROTO);
	CHECK_STR(err.text, "door: 'push' is forbidden in 'closed'");
	CHECK_EQ(to, 77);
	for (unsigned event = 0; event < N_EVENTS; event++)
		CHECK_EQ(fsm_next(&fsm, BROKEN, event, &to, &err), -EPROTO);
}

TEST(fsm_check_accepts_a_whole_table)
{
	struct fsm fsm = door(whole);
	struct err err;

	CHECK_OK(fsm_check(&fsm, &err), &err);
}

TEST(fsm_check_finds_a_dead_end)
{
	static const uint8_t matrix[N_STATES * N_EVENTS] = {
		ON(CLOSED, PULL) = OPEN, ON(CLOSED, KICK) = BROKEN,
		ON(OPEN, PULL) = OPEN, /* to itself is no way out */
	};
	struct fsm fsm = door(matrix);
	struct err err;

	CHECK_EQ(fsm_check(&fsm, &err), -EINVAL);
	CHECK_STR(err.text, "door: 'open' is a dead end but not final");
}

TEST(fsm_check_finds_a_final_state_that_can_be_left)
{
	struct fsm fsm = door(whole);
	struct err err;

	fsm.finals |= 1u << OPEN;
	CHECK_EQ(fsm_check(&fsm, &err), -EINVAL);
	CHECK_STR(err.text, "door: 'open' is final but can be left");
}

TEST(fsm_check_finds_a_state_that_cannot_be_reached)
{
	static const uint8_t matrix[N_STATES * N_EVENTS] = {
		ON(CLOSED, KICK) = BROKEN,
		ON(OPEN, PUSH) = CLOSED,
	};
	struct fsm fsm = door(matrix);
	struct err err;

	CHECK_EQ(fsm_check(&fsm, &err), -EINVAL);
	CHECK_STR(err.text, "door: 'open' cannot be reached");
}

TEST(fsm_check_finds_a_state_without_a_name)
{
	static const char *const unnamed[] = {[CLOSED] = "closed", [BROKEN] = "broken"};
	struct fsm fsm = door(whole);
	struct err err;

	fsm.state_name = unnamed;
	CHECK_EQ(fsm_check(&fsm, &err), -EINVAL);
	CHECK_STR(err.text, "door: state 2 has no name");
}

TEST(fsm_prints_a_page_with_a_dash_for_forbidden)
{
	struct fsm fsm = door(whole);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	fsm_print(&fsm, out);
	(void)fclose(out);
	CHECK_STR(text, "| door | push | pull | kick |\n|---|---|---|---|\n"
			"| **closed** | - | open | broken |\n"
			"| **open** | closed | open | broken |\n"
			"| **broken** | - | - | - |\n");
	free(text);
}
