#include "services/monitor/history.h"

#include "tests/lib/test.h"

enum { START = 1700000040 }; /* a whole minute */

static struct history_values
values(uint64_t cpu)
{
	return (struct history_values){{cpu, cpu * 1000, 1, 2, 3, 4}};
}

static void
put(struct history *history, uint64_t second, uint64_t cpu)
{
	struct history_values figures = values(cpu);

	history_put(history, second, &figures);
}

TEST(history_small_figures_are_exact_and_large_ones_nearly)
{
	struct history history = {0};
	struct history_point point;

	for (uint64_t value = 1, second = START; value < UINT64_C(1) << 58;
		value = value * 5 / 3 + 1, second++) {
		put(&history, second, value);
		(void)history_read(&history, 0, second, 1, &point);
		CHECK(point.is_known);
		if (value < 2048)
			CHECK_EQ(point.values.of[HISTORY_CPU], value);
		CHECK(point.values.of[HISTORY_CPU] <= value);
		CHECK(value - point.values.of[HISTORY_CPU] <= value / 1000);
	}
	history_fini(&history);
}

TEST(history_has_each_second_of_the_last_minute)
{
	struct history history = {0};
	struct history_point points[HISTORY_POINTS];

	for (uint64_t i = 0; i < 100; i++) {
		if (i != 95)
			put(&history, START + i, i);
	}
	CHECK_EQ(history_read(&history, 0, START + 101, 60, points), START + 42);
	for (uint64_t i = 42; i <= 101; i++) {
		const struct history_point *point = &points[i - 42];

		CHECK_EQ(point->is_known, i < 100 && i != 95);
		if (point->is_known)
			CHECK_EQ(point->values.of[HISTORY_CPU], i);
	}
	history_fini(&history);
}

TEST(history_becomes_coarser_by_averages)
{
	struct history history = {0};
	struct history_point points[HISTORY_POINTS];

	for (uint64_t i = 0; i < 3600; i++)
		put(&history, START + i, i / 60);
	/* The minute that goes on is not there yet. */
	CHECK_EQ(history_read(&history, 2, START + 3599, 59, points), START);
	for (uint64_t i = 0; i < 59; i++) {
		CHECK(points[i].is_known);
		CHECK_EQ(points[i].values.of[HISTORY_CPU], i);
	}
	CHECK_EQ(history_read(&history, 1, START + 3599, 2, points), START + 3570);
	CHECK_EQ(points[1].values.of[HISTORY_CPU], 59);
	history_fini(&history);
	for (uint64_t i = 0; i < 11; i++)
		put(&history, START + i, i * 10);
	(void)history_read(&history, 1, START + 10, 1, points);
	CHECK_EQ(points[0].values.of[HISTORY_CPU], 45);
	CHECK_EQ(points[0].values.of[HISTORY_NET_TX], 2);
	history_fini(&history);
}

TEST(history_forgets_what_is_older_than_its_span)
{
	struct history history = {0};
	struct history_point points[HISTORY_POINTS];

	for (uint64_t i = 0; i < 200; i++)
		put(&history, START + i, 7);
	put(&history, START + 100000, 8);
	for (unsigned tier = 0; tier < HISTORY_TIERS; tier++) {
		(void)history_read(&history, tier, START + 100000, 60, points);
		for (unsigned i = 0; i < 60; i++)
			CHECK_EQ(points[i].is_known, tier == 0 && i == 59);
	}
	history_fini(&history);
}

TEST(history_takes_nothing_from_the_past_and_replaces_the_present)
{
	struct history history = {0};
	struct history_point points[2];

	put(&history, START, 1);
	put(&history, START + 1, 2);
	put(&history, START, 9);
	put(&history, START + 1, 3);
	(void)history_read(&history, 0, START + 1, 2, points);
	CHECK_EQ(points[0].values.of[HISTORY_CPU], 1);
	CHECK_EQ(points[1].values.of[HISTORY_CPU], 3);
	history_fini(&history);
}

TEST(history_of_a_short_time_takes_little_memory)
{
	struct history history = {0};
	struct history_point point;

	(void)history_read(&history, 2, START, 1, &point);
	CHECK(!point.is_known);
	CHECK_EQ(history_bytes(&history), 0);
	put(&history, START, 1);
	CHECK_EQ(history_bytes(&history), 720);
	put(&history, START + 3600, 1);
	CHECK_EQ(history_bytes(&history), 3 * 720);
	history_fini(&history);
}
