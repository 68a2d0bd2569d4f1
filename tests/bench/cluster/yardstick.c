#include "tests/bench/cluster/yardstick.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/mem.h"
#include "tests/lib/bench.h"
#include "tests/lib/bench_cluster.h"

enum {
	CELLS = 4 << 20, /* of four bytes: more than the nearer caches hold */
	STEPS = 1 << 20,
	LANES = 16, /* so many at a time: not one result's wait for the other is the limit */
	TURNS = 6 << 20,
	SEED = 88172645,
};

struct yardstick {
	uint32_t *next; /* one way through all cells, in no order */
};

static uint32_t
chance(uint32_t x)
{
	x ^= x << 13;
	x ^= x >> 17;
	return x ^ x << 5;
}

struct yardstick *
yardstick_new(void)
{
	struct yardstick *yardstick = xcalloc(1, sizeof *yardstick);
	uint32_t seed = SEED, *next = xcalloc(CELLS, sizeof *next);

	for (uint32_t i = 0; i < CELLS; i++)
		next[i] = i;
	for (uint32_t i = CELLS - 1; i > 0; i--) { /* Sattolo: a single cycle */
		uint32_t k, kept = next[i];

		seed = chance(seed);
		k = seed % i;
		next[i] = next[k];
		next[k] = kept;
	}
	yardstick->next = next;
	return yardstick;
}

void
yardstick_free(struct yardstick *yardstick)
{
	if (yardstick == NULL)
		return;
	free(yardstick->next);
	free(yardstick);
}

struct side {
	const struct yardstick *yardstick;
	uint32_t from;
	double took_us;
};

static double
thread_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void *
work(void *arg)
{
	struct side *side = arg;
	double begin_us = thread_us();
	uint32_t at = side->from, lanes[LANES];

	for (uint32_t i = 0; i < STEPS; i++)
		at = side->yardstick->next[at];
	for (uint32_t k = 0; k < LANES; k++)
		lanes[k] = SEED + at + k;
	for (uint32_t i = 0; i < TURNS; i++)
		for (uint32_t k = 0; k < LANES; k++)
			lanes[k] = chance(lanes[k]);
	side->took_us = thread_us() - begin_us;
	for (uint32_t k = 0; k < LANES; k++) /* so that none of it is left out */
		side->from += lanes[k];
	return NULL;
}

struct yardstick_time
yardstick_measure(const struct yardstick *yardstick)
{
	struct side alone = {.yardstick = yardstick}, here = alone,
		    there = {.yardstick = yardstick, .from = CELLS / 2};
	pthread_t thread;

	(void)work(&alone);
	if (pthread_create(&thread, NULL, work, &there) != 0)
		bench_die("the yardstick", "has no second thread");
	(void)work(&here);
	(void)pthread_join(thread, NULL);
	return (struct yardstick_time){alone.took_us, (here.took_us + there.took_us) / 2};
}
