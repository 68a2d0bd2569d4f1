#include "services/worker/backoff.h"
#include "tests/lib/test.h"

#define CONDITION(x) DAVIT__RESTART_POLICY__CONDITION__##x

TEST(worker_restart_policy_has_the_defaults_of_the_contract)
{
	struct worker_restart restart;

	worker_restart_fill(NULL, &restart);
	CHECK_EQ(restart.condition, CONDITION(NO));
	CHECK_EQ(restart.delay_ms, 100);
	CHECK_EQ(restart.max_delay_ms, 60000);
	CHECK_EQ(restart.reset_after_ms, 10000);
}

TEST(worker_restart_is_wanted_as_the_condition_says)
{
	static const struct {
		Davit__RestartPolicy__Condition condition;
		uint32_t max, n_again;
		int exit_code;
		bool want;
	} cases[] = {
		{CONDITION(NO), 0, 0, 1, false},
		{CONDITION(ON_FAILURE), 0, 1000, 1, true},
		{CONDITION(ON_FAILURE), 0, 0, 0, false},
		{CONDITION(ON_FAILURE), 3, 2, 1, true},
		{CONDITION(ON_FAILURE), 3, 3, 1, false},
		{CONDITION(ALWAYS), 0, 1000, 0, true},
		{CONDITION(UNLESS_STOPPED), 0, 0, 0, true},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct worker_restart restart = {.condition = cases[i].condition,
			.max_attempts = cases[i].max};

		CHECK_EQ(worker_restart_wanted(&restart, cases[i].exit_code, cases[i].n_again),
			cases[i].want);
	}
}

TEST(worker_restart_is_at_once_then_doubles_up_to_the_most)
{
	struct worker_restart restart = {.delay_ms = 100, .max_delay_ms = 1000};

	CHECK_EQ(worker_restart_delay_ms(&restart, 0), 0);
	CHECK_EQ(worker_restart_delay_ms(&restart, 1), 100);
	CHECK_EQ(worker_restart_delay_ms(&restart, 2), 200);
	CHECK_EQ(worker_restart_delay_ms(&restart, 4), 800);
	CHECK_EQ(worker_restart_delay_ms(&restart, 5), 1000);
	CHECK_EQ(worker_restart_delay_ms(&restart, UINT32_MAX), 1000);
	restart.delay_ms = restart.max_delay_ms = UINT64_MAX;
	CHECK(worker_restart_delay_ms(&restart, 9) == UINT64_MAX);
	restart.delay_ms = 0;
	CHECK_EQ(worker_restart_delay_ms(&restart, 9), 0);
}

TEST(worker_restart_policy_survives_its_label)
{
	char text[WORKER_RESTART_TEXT_SIZE];
	struct worker_restart restart = {.condition = CONDITION(ON_FAILURE), .max_attempts = 3},
			      back;

	CHECK_STR(worker_restart_format(&restart, text), "on-failure:3");
	worker_restart_parse(text, &back);
	CHECK_EQ(back.condition, CONDITION(ON_FAILURE));
	CHECK_EQ(back.max_attempts, 3);
	worker_restart_parse("unless-stopped", &back);
	CHECK_EQ(back.condition, CONDITION(UNLESS_STOPPED));
	worker_restart_parse("on-failures", &back);
	CHECK_EQ(back.condition, CONDITION(NO));
	worker_restart_parse(NULL, &back);
	CHECK_EQ(back.condition, CONDITION(NO));
}

TEST(worker_retries_spread_over_the_last_quarter)
{
	for (uint32_t chance = 0; chance < 1000; chance += 37) {
		uint64_t delay = worker_retry_delay_ms(3, 50, 1000, chance);

		CHECK(delay >= 300 && delay <= 400);
		CHECK(worker_retry_delay_ms(40, 50, 1000, chance) <= 1000);
	}
}
