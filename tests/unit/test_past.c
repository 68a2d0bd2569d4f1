#include "services/manager/past.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "tests/lib/test.h"

static struct past_entry
entry_of(uint64_t hi, uint64_t lo, const char *name)
{
	return (struct past_entry){.id = {hi, lo},
		.name = name == NULL ? NULL : xstrdup(name),
		.ended_ms = hi * 1000 - lo,
		.state = TASK_COMPLETED};
}

static void
add(struct past *past, uint64_t hi, uint64_t lo, const char *name)
{
	struct past_entry entry = entry_of(hi, lo, name);

	past_add_take(past, &entry);
}

TEST(past_is_empty_at_first)
{
	struct past past;

	past_init(&past);
	CHECK(past_find(&past, (struct id){1, 1}) == NULL);
	CHECK(past_after(&past, (struct id){0, 0}) == NULL);
	CHECK(past_oldest(&past) == NULL);
	CHECK(past_by_name(&past, NULL, "web") == NULL);
	past_sort_by_end(&past);
	past_fini(&past);
}

TEST(past_finds_by_name_the_one_with_the_greatest_id)
{
	struct past past;

	past_init(&past);
	add(&past, 5, 0, "web");
	add(&past, 9, 0, "web");
	add(&past, 7, 0, "web");
	add(&past, 99, 0, "other");
	CHECK_EQ(past_by_name(&past, NULL, "web")->id.hi, 9);
	past_remove(&past, past_find(&past, (struct id){9, 0}));
	CHECK_EQ(past_by_name(&past, NULL, "web")->id.hi, 7);
	CHECK(past_by_name(&past, NULL, "we") == NULL);
	CHECK(past_by_name(&past, (const struct space *)(const void *)&past, "web") == NULL);
	CHECK_EQ(past.n_singles, 3);
	CHECK_EQ(past.n_own_specs, 3);
	past_fini(&past);
}

/* What it should say, from a plain array. */
enum { KEYS = 500, STEPS = 20000 };

struct plain {
	bool is_there[KEYS];
	unsigned order[KEYS];
	unsigned n, seq;
};

static struct id
id_of(unsigned key)
{
	return (struct id){key / 10, key % 10};
}

static void
compare(const struct past *past, const struct plain *plain)
{
	const struct past_entry *entry = NULL;
	unsigned oldest = KEYS;

	for (unsigned key = 0; key < KEYS; key++) {
		if (!plain->is_there[key]) {
			CHECK(past_find(past, id_of(key)) == NULL);
			continue;
		}
		entry = entry == NULL ? past_find(past, id_of(key)) : past_after(past, entry->id);
		CHECK(entry != NULL && id_equal(entry->id, id_of(key)));
		CHECK(past_find(past, id_of(key)) == entry);
		if (oldest == KEYS || plain->order[key] < plain->order[oldest])
			oldest = key;
	}
	CHECK(entry == NULL || past_after(past, entry->id) == NULL);
	CHECK_EQ(past->n, plain->n);
	CHECK(plain->n == 0 || id_equal(past_oldest(past)->id, id_of(oldest)));
}

TEST(past_keeps_its_orders_whatever_comes_and_goes)
{
	struct past past;
	struct plain plain = {0};
	uint64_t chance = 1;

	past_init(&past);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned key;

		chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407u;
		key = (unsigned)(chance >> 33) % KEYS;
		plain.is_there[key] = !plain.is_there[key];
		if (plain.is_there[key]) {
			add(&past, id_of(key).hi, id_of(key).lo, key % 3 == 0 ? "web" : NULL);
			plain.order[key] = ++plain.seq;
			plain.n++;
		} else {
			past_remove(&past, past_find(&past, id_of(key)));
			plain.n--;
		}
		if (step % 100 == 0 || plain.n < 3)
			compare(&past, &plain);
	}
	past_fini(&past);
}

TEST(past_is_sorted_by_end_after_a_restart)
{
	struct past past;
	uint64_t last = 0;

	past_init(&past);
	for (unsigned i = 0; i < 100; i++)
		add(&past, 1, (i * 37) % 100, NULL);
	past_sort_by_end(&past);
	for (unsigned i = 0; i < 100; i++) {
		CHECK(past_oldest(&past)->ended_ms >= last);
		last = past_oldest(&past)->ended_ms;
		past_remove(&past, past_oldest(&past));
	}
	CHECK_EQ(past.n, 0);
	add(&past, 3, 3, NULL); /* it can be used again */
	CHECK_EQ(past_oldest(&past)->id.hi, 3);
	past_fini(&past);
}

TEST(past_entry_is_small)
{
	CHECK(sizeof(struct past_entry) <= 72);
}
