/* Arrays share what has a record ahead of need, and nothing that is asked about is less for it. */
#include "services/manager/waiting.h"

#include "tests/unit/waiting_fixture.h"

enum { CPU = 10 };

/* What is submitted gathers until ask: nobody is asked about it. */
static void
gather(struct desk *desk)
{
	char id[ID_TEXT_SIZE];

	desk_init(desk);
	desk->no_scheduler = true;
	submit(desk, &(struct wish){.name = "first", .namespace_name = "blue"}, id);
	refuse_all(desk, "cpu");
	desk->manager->placing.retry_mono_ms = UINT64_MAX;
	desk->manager->config.array_ahead_all = 0; /* as if very many waited */
}

static void
ask(struct desk *desk)
{
	desk->manager->placing.retry_mono_ms = 0;
	desk_turn(desk);
}

static struct group *
array_at(struct desk *desk, const char *array)
{
	struct id base;

	CHECK(id_parse(array, &base));
	return model_group_find(&desk->manager->model, base);
}

/* How many of the array the question under way is about. */
static size_t
n_asked(const struct desk *desk, const char *array)
{
	struct id base, id;
	size_t n = 0;

	CHECK(id_parse(array, &base));
	for (size_t i = 0; i < desk->question->n_tasks; i++) {
		CHECK(id_parse(desk->question->tasks[i]->task_id, &id));
		id.lo = id.lo >> 32 << 32; /* the index is behind */
		n += id_equal(id, base);
	}
	return n;
}

static size_t
n_unmade(const struct desk *desk)
{
	const struct rest *rest;
	size_t n = 0;

	for (rest = desk->manager->model.rests; rest != NULL; rest = rest->next)
		n += rest->n;
	return n;
}

static size_t
n_placed(struct desk *desk, const char *array)
{
	return array_at(desk, array)->n_by_state[TASK_SCHEDULED];
}

TEST(waiting_arrays_by_the_hundred_have_few_records)
{
	enum { ARRAYS = 300, COUNT = 5000 };
	char id[ID_TEXT_SIZE];
	struct desk desk;
	size_t n_records;

	desk_init(&desk);
	for (size_t i = 0; i < ARRAYS; i++)
		submit(&desk, &(struct wish){.cpu_milli = CPU, .count = COUNT}, id);
	n_records = (size_t)ARRAYS * COUNT - n_unmade(&desk);
	CHECK_EQ(desk.manager->waiting.n_blocked, n_records); /* all were asked about */
	CHECK(n_records >=
		MANAGER_ARRAY_AHEAD_ALL + (size_t)(ARRAYS - 32) * MANAGER_ARRAY_AHEAD_LOW);
	/* Each that came got its part of two questions: 1 + 1 + 2/3 + 2/4 + … */
	CHECK(n_records <= MANAGER_ARRAY_AHEAD_ALL + 12 * MANAGER_ARRAY_AHEAD +
				   ARRAYS * MANAGER_ARRAY_AHEAD_LOW);
	desk_fini(&desk);
}

TEST(waiting_arrays_without_a_record_fill_the_question)
{
	enum { ARRAYS = 100 };
	char id[ARRAYS][ID_TEXT_SIZE];
	struct desk desk;

	gather(&desk);
	for (size_t i = 0; i < ARRAYS; i++)
		submit(&desk,
			&(struct wish){.namespace_name = "blue",
				.count = MANAGER_ARRAY_MAX / ARRAYS},
			id[i]);
	CHECK_EQ(n_unmade(&desk), MANAGER_ARRAY_MAX - ARRAYS * MANAGER_ARRAY_AHEAD_LOW);
	ask(&desk);
	CHECK_EQ(desk.question->n_tasks, MANAGER_PLACE_MAX);
	for (size_t i = 0; i < ARRAYS; i++) { /* in turns of 16 */
		CHECK(n_asked(&desk, id[i]) >= MANAGER_PLACE_MAX / ARRAYS / 16 * 16);
		CHECK(n_asked(&desk, id[i]) <= MANAGER_PLACE_MAX / ARRAYS / 16 * 16 + 16);
	}
	desk_fini(&desk);
}

TEST(waiting_arrays_of_one_namespace_leave_another_its_half)
{
	enum { ARRAYS = 100 };
	struct wish wish = {.namespace_name = "blue", .count = 5000};
	char id[ID_TEXT_SIZE];
	struct desk desk;

	gather(&desk);
	for (size_t i = 0; i < ARRAYS; i++)
		submit(&desk, &wish, id);
	wish.namespace_name = "green";
	submit(&desk, &wish, id);
	ask(&desk);
	CHECK_EQ(n_asked(&desk, id), MANAGER_PLACE_MAX / 2);
	desk_fini(&desk);
}

TEST(waiting_arrays_do_not_shorten_one_of_higher_priority)
{
	enum { ARRAYS = 100 };
	struct wish wish = {.count = 5000, .priority = 40};
	char id[ID_TEXT_SIZE];
	struct desk desk;

	gather(&desk);
	for (size_t i = 0; i < ARRAYS; i++)
		submit(&desk, &wish, id);
	wish.priority = 41;
	submit(&desk, &wish, id);
	ask(&desk);
	CHECK_EQ(n_asked(&desk, id), MANAGER_PLACE_MAX);
	desk_fini(&desk);
}

/* Those that no node takes are in no question, though they wait beside it. */
TEST(waiting_arrays_that_are_refused_do_not_slow_the_one_that_fits)
{
	enum { ARRAYS = 300, COUNT = 20000 };
	char id[ID_TEXT_SIZE], name[16];
	struct desk_worker worker = {.is_silent = true};
	struct desk desk;
	unsigned n_before;

	desk_init(&desk);
	desk.manager->config.array_ahead_all = 0;
	desk_worker_join(&desk, &worker, "n1", CPU * COUNT);
	for (size_t i = 0; i < ARRAYS; i++) { /* nobody's neighbour */
		(void)snprintf(name, sizeof name, "blue-%zu", i);
		submit(&desk,
			&(struct wish){.namespace_name = name,
				.cpu_milli = 2 * CPU * COUNT,
				.count = 500},
			id);
	}
	n_before = desk.n_questions;
	submit(&desk, &(struct wish){.name = "fits", .cpu_milli = CPU, .count = COUNT}, id);
	CHECK_EQ(n_placed(&desk, id), COUNT);
	/* 32 at first, then more and more up to whole questions; the desk asks each twice. */
	CHECK(desk.n_questions - n_before <= 2 * (COUNT / MANAGER_PLACE_MAX + 8));
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(waiting_arrays_are_placed_evenly_and_to_the_last)
{
	enum { ARRAYS = 40, COUNT = 50, ROOM = ARRAYS * COUNT / 2 };
	char id[ARRAYS][ID_TEXT_SIZE];
	struct desk_worker workers[] = {{.is_silent = true}, {.is_silent = true}};
	struct desk desk;

	gather(&desk);
	desk.manager->config.array_ahead = 8;
	desk.manager->config.array_ahead_low = 2;
	for (size_t i = 0; i < ARRAYS; i++)
		submit(&desk, &(struct wish){.cpu_milli = CPU, .count = COUNT}, id[i]);
	desk.no_scheduler = false;
	desk_worker_join(&desk, &workers[0], "n1", CPU * ROOM);
	ask(&desk);
	for (size_t i = 0; i < ARRAYS; i++) {
		CHECK(n_placed(&desk, id[i]) + 8 >= COUNT / 2);
		CHECK(n_placed(&desk, id[i]) <= COUNT / 2 + 8);
	}
	desk_worker_join(&desk, &workers[1], "n2", CPU * ROOM);
	for (size_t i = 0; i < ARRAYS; i++)
		CHECK_EQ(n_placed(&desk, id[i]), COUNT);
	CHECK_EQ(n_unmade(&desk), 0);
	desk_fini(&desk);
	desk_worker_fini(&workers[0]);
	desk_worker_fini(&workers[1]);
}
