/* How many starts at one time: found by measuring, on engines of several kinds. */
#include "services/worker/width.h"

#include "tests/lib/test.h"

/* An engine: at width w it ends rate(w) starts a second, in thousandths. */
typedef uint64_t rate_fn(unsigned width);

/* Lets so many starts end, one by one; the clock goes on as the engine takes it. */
static void
run(struct worker_width *width, uint64_t *now_ms, rate_fn *rate, unsigned n)
{
	uint64_t left_us = 0;

	worker_width_tick(width, *now_ms, 0, true);
	while (n-- > 0) {
		left_us += UINT64_C(1000000000) / rate(width->now);
		*now_ms += left_us / 1000;
		left_us %= 1000;
		worker_width_tick(width, *now_ms, 1, true);
		CHECK(width->now >= width->min && width->now <= width->max);
	}
}

/* No better beyond 8: two CPUs, containerd and runc. */
static uint64_t
knee_at_8(unsigned w)
{
	return w >= 8 ? 8800 : 1100 * w;
}

/* A big machine. */
static uint64_t
knee_at_30(unsigned w)
{
	return w >= 30 ? 60000 : 2000 * w;
}

/* One whose disk seeks itself to death. */
static uint64_t
best_at_3(unsigned w)
{
	return w <= 3 ? 3000 * w : 27000 / w;
}

TEST(worker_width_stays_where_more_is_no_better)
{
	struct worker_width width;
	uint64_t now_ms = 1000;

	worker_width_init(&width, 8, 2, 32);
	run(&width, &now_ms, knee_at_8, 3000);
	CHECK_EQ(width.base, 8);
	CHECK_EQ(width.rest, WORKER_WIDTH_REST_MAX); /* and hardly tries any more */
}

TEST(worker_width_grows_while_that_is_faster)
{
	struct worker_width width;
	uint64_t now_ms = 1000;

	worker_width_init(&width, 8, 2, 32);
	run(&width, &now_ms, knee_at_30, 3000);
	CHECK(width.base >= 26 && width.base <= 32);
}

TEST(worker_width_shrinks_where_less_is_faster)
{
	struct worker_width width;
	uint64_t now_ms = 1000;

	worker_width_init(&width, 8, 1, 32);
	run(&width, &now_ms, best_at_3, 3000);
	CHECK(width.base >= 2 && width.base <= 4);
}

TEST(worker_width_follows_an_engine_that_changes)
{
	struct worker_width width;
	uint64_t now_ms = 1000;

	worker_width_init(&width, 8, 1, 32);
	run(&width, &now_ms, knee_at_30, 3000);
	run(&width, &now_ms, best_at_3, 20000);
	CHECK(width.base <= 4);
}

TEST(worker_width_keeps_within_its_bounds)
{
	struct worker_width width;
	uint64_t now_ms = 1000;

	worker_width_init(&width, 4, 4, 4); /* settled by the operator */
	run(&width, &now_ms, knee_at_30, 500);
	CHECK_EQ(width.now, 4);
	worker_width_halve(&width);
	CHECK_EQ(width.now, 4);
	worker_width_init(&width, 4, 2, 6);
	run(&width, &now_ms, knee_at_30, 2000);
	CHECK_EQ(width.base, 6);
	worker_width_init(&width, 4, 2, 6);
	run(&width, &now_ms, best_at_3, 2000);
	CHECK(width.base <= 3 && width.base >= 2);
}

TEST(worker_width_learns_nothing_while_nobody_waits)
{
	struct worker_width width;

	worker_width_init(&width, 8, 1, 32);
	for (uint64_t now_ms = 1; now_ms < 100000; now_ms += 100)
		worker_width_tick(&width, now_ms, 1, false);
	CHECK_EQ(width.now, 8);
	CHECK_EQ(width.base_rate, 0);
}

TEST(worker_width_is_halved_when_there_is_no_answer)
{
	struct worker_width width;
	uint64_t now_ms = 1000;

	worker_width_init(&width, 8, 2, 32);
	worker_width_halve(&width);
	CHECK_EQ(width.now, 4);
	worker_width_halve(&width); /* the others of the same moment */
	CHECK_EQ(width.now, 4);
	run(&width, &now_ms, knee_at_8, 16);
	worker_width_halve(&width);
	run(&width, &now_ms, knee_at_8, 16);
	worker_width_halve(&width);
	CHECK_EQ(width.now, 2);
	run(&width, &now_ms, knee_at_8, 3000); /* and finds its way back */
	CHECK(width.base >= 7 && width.base <= 10);
}
