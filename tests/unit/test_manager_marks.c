/* What is left in the store of elements that are gone, and that none of them comes back. */
#include <errno.h>
#include <string.h>

#include "common/store/store_mem.h"
#include "services/manager/core.h"
#include "services/manager/limits.h"
#include "services/manager/task_record.h"
#include "tests/unit/array_fixture.h"

enum { MANY = MANAGER_CUT_LEAP + 100 };

struct rows {
	uint32_t n_tasks, n_marks, n_groups, n_specs;
};

/* One that keeps so many that have ended, and nobody places. */
static void
array_init(struct array *array, uint32_t history_max)
{
	array_begin(array);
	array->desk.no_scheduler = true;
	array->desk.config.history_max = history_max;
	array->desk.config.history_containers = 0;
	desk_restart(&array->desk);
}

static struct rest *
rest_of(struct array *array)
{
	return model_rest(group_of(array));
}

/* The call is handled; whether anything else is, is the caller's. */
static void
send_stop(struct array *array, uint32_t first, uint32_t n, struct desk_reply *reply)
{
	Davit__StopTasksRequest request = DAVIT__STOP_TASKS_REQUEST__INIT;
	char(*texts)[ID_TEXT_SIZE] = xcalloc(n, sizeof *texts);
	char **tasks = xcalloc(n, sizeof *tasks);

	for (uint32_t i = 0; i < n; i++) {
		id_format(id_at(array->base, first + i), texts[i]);
		tasks[i] = texts[i];
	}
	request.n_tasks = n;
	request.tasks = tasks;
	desk_send(&array->desk, "StopTasks", &request.base, NULL, reply);
	free(tasks);
	free(texts);
}

/* They end, and the history has a look. */
static void
stop(struct array *array, uint32_t first, uint32_t n)
{
	struct desk_reply reply;

	send_stop(array, first, n, &reply);
	desk_turn(&array->desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__OK);
	desk_reply_fini(&reply);
	desk_pass(&array->desk, MANAGER_TICK_MS);
}

static int
count_row(const char *key, const void *value, size_t size, void *arg)
{
	struct rows *rows = arg;
	bool is_mark = size == sizeof task_record_gone &&
		       memcmp(value, task_record_gone, sizeof task_record_gone) == 0;

	rows->n_marks += strncmp(key, "task/", 5) == 0 && is_mark;
	rows->n_tasks += strncmp(key, "task/", 5) == 0 && !is_mark;
	rows->n_groups += strncmp(key, "group/", 6) == 0;
	rows->n_specs += strncmp(key, "spec/", 5) == 0;
	return 0;
}

static struct rows
count_rows(struct array *array)
{
	struct rows rows = {0};
	struct err err = {0};

	CHECK_OK(store_scan(array->desk.store, "", count_row, &rows, &err), &err);
	return rows;
}

static void
check_nothing_is_left(struct array *array)
{
	struct rows rows = count_rows(array);

	CHECK(group_of(array) == NULL);
	CHECK_EQ(rows.n_tasks + rows.n_marks + rows.n_groups + rows.n_specs, 0);
	desk_restart(&array->desk);
	CHECK_EQ(array->desk.manager->model.n_tasks + array->desk.manager->model.past.n, 0);
}

/* Who is there is as it has to be, and the store has what memory thinks that it has. */
static void
check(struct array *array)
{
	const struct model *model = &array->desk.manager->model;
	const struct group *group = group_of(array);
	struct rows rows = count_rows(array);
	uint32_t n_on_disk = 0;

	for (uint32_t i = 0; i < group->count; i++) {
		bool is_there = model_is_unmade(group, i) || model_element(group, i) != NULL ||
				past_find(&model->past, id_at(array->base, i)) != NULL;

		CHECK_EQ(is_there, !array->gone[i]);
		n_on_disk += model_is_on_disk(group, i);
	}
	CHECK_EQ(rows.n_tasks + rows.n_marks, n_on_disk);
}

static void
check_over_a_restart(struct array *array)
{
	uint32_t cut = rest_of(array)->cut;

	check(array);
	desk_restart(&array->desk);
	check(array);
	CHECK_EQ(rest_of(array)->cut, cut);
}

/* Without a history, in steps through all but the last to go, and starting anew after each. */
static uint32_t
stop_in_steps(struct array *array, uint32_t first, uint32_t step)
{
	uint32_t index = first, n_marks_max = 0;

	for (uint32_t n = 1; n < COUNT; n++, index = (index + step) % COUNT) {
		struct rows rows;

		stop(array, index, 1);
		array->gone[index] = true;
		check_over_a_restart(array);
		rows = count_rows(array);
		CHECK_EQ(rows.n_tasks, 0);
		n_marks_max = rows.n_marks > n_marks_max ? rows.n_marks : n_marks_max;
	}
	stop(array, index, 1);
	check_nothing_is_left(array);
	return n_marks_max;
}

TEST(marks_are_few_when_elements_go_in_order)
{
	struct array array;

	array_init(&array, 0);
	submit(&array, COUNT);
	CHECK(stop_in_steps(&array, 0, 1) < MANAGER_CUT_STEP);
	array_fini(&array);
}

TEST(marks_keep_those_away_that_went_in_any_order)
{
	static const uint32_t steps[] = {37, COUNT - 1};

	for (size_t i = 0; i < 2; i++) {
		struct array array;

		array_init(&array, 0);
		submit(&array, COUNT);
		CHECK(stop_in_steps(&array, COUNT - 1, steps[i]) >= MANAGER_CUT_STEP);
		array_fini(&array);
	}
}

TEST(marks_are_behind_an_element_that_waits_until_it_does_no_more)
{
	enum { WAITS = 40 };
	struct array array;

	array_init(&array, 0);
	submit(&array, COUNT);
	for (uint32_t i = 0; i < COUNT - 1; i++) {
		if (i == WAITS)
			continue;
		stop(&array, i, 1);
		array.gone[i] = true;
		check_over_a_restart(&array);
		CHECK(rest_of(&array)->cut <= WAITS);
	}
	CHECK_EQ(count_rows(&array).n_marks, COUNT - WAITS - 2 + WAITS % MANAGER_CUT_STEP);
	CHECK_EQ(array.desk.manager->model.n_by_state[TASK_PENDING], 2);
	stop(&array, WAITS, 1);
	array.gone[WAITS] = true;
	CHECK_EQ(rest_of(&array)->cut, COUNT - 1);
	CHECK_EQ(count_rows(&array).n_marks, 0);
	check_over_a_restart(&array);
	stop(&array, COUNT - 1, 1);
	check_nothing_is_left(&array);
	array_fini(&array);
}

TEST(marks_are_not_of_those_that_the_history_has)
{
	enum { KEPT = 10 };
	struct array array;

	array_init(&array, KEPT);
	submit(&array, COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		struct rows rows;

		stop(&array, i, 1);
		desk_pass(&array.desk, MANAGER_TICK_MS);
		if (i >= KEPT)
			array.gone[i - KEPT] = true;
		check_over_a_restart(&array);
		rows = count_rows(&array);
		CHECK_EQ(rows.n_tasks, i < KEPT ? i + 1 : KEPT);
		CHECK(rows.n_marks < MANAGER_CUT_STEP);
	}
	CHECK(rest_of(&array)->cut >= COUNT - KEPT);
	array_fini(&array);
}

TEST(marks_are_not_needed_beside_elements_that_run)
{
	enum { ROOM = 10, ENDS = 3 };
	struct array array;
	struct desk *desk = &array.desk;
	char text[ID_TEXT_SIZE];

	array_init(&array, 0);
	desk->config.cut_step = 1;
	desk_restart(desk);
	desk->no_scheduler = false;
	desk_worker_join(desk, &array.worker, "n1", ROOM * 1000);
	submit(&array, COUNT);
	for (uint32_t i = 0; i < ROOM; i++) {
		id_format(id_at(array.base, i), text);
		desk_worker_report(&array.worker, text, 1, RUNNING_, 0);
	}
	id_format(id_at(array.base, ENDS), text);
	desk_worker_report(&array.worker, text, 1, GONE_, 0);
	desk_pass(desk, MANAGER_TICK_MS);
	array.gone[ENDS] = true;
	CHECK(rest_of(&array)->cut > ROOM); /* another has its place */
	check_over_a_restart(&array);
	CHECK_EQ(count_rows(&array).n_marks, 0);
	CHECK_EQ(desk->manager->model.n_by_state[TASK_RUNNING], ROOM - 1);
	CHECK_EQ(desk->manager->model.n_by_state[TASK_PENDING], COUNT - 1 - ROOM);
	array_fini(&array);
}

/* The first goes in the batch in which the second ends: the record of that one is in it. */
TEST(marks_are_not_needed_beside_elements_of_which_the_batch_tells)
{
	struct array array;
	struct desk *desk = &array.desk;
	struct desk_reply reply;

	array_init(&array, 1);
	desk->config.cut_step = 1;
	desk_restart(desk);
	submit(&array, AHEAD);
	send_stop(&array, 0, 2, &reply);
	manager_tick(desk->manager, desk->now);
	array.gone[0] = true;
	CHECK_EQ(rest_of(&array)->cut, 2);
	desk_turn(desk);
	desk_reply_fini(&reply);
	check_over_a_restart(&array);
	CHECK_EQ(count_rows(&array).n_tasks, 1);
	CHECK_EQ(count_rows(&array).n_marks, 0);
	CHECK_EQ(desk->manager->model.n_by_state[TASK_PENDING], AHEAD - 2);
	array_fini(&array);
}

/* As the release before leaves them. */
TEST(marks_of_a_store_without_a_cut_go_with_the_next)
{
	struct array array;
	struct desk *desk = &array.desk;

	array_init(&array, 0);
	desk->config.cut_step = UINT32_MAX;
	desk_restart(desk);
	submit(&array, COUNT);
	for (uint32_t i = 0; i < COUNT / 2; i++) {
		stop(&array, i, 1);
		array.gone[i] = true;
	}
	CHECK_EQ(count_rows(&array).n_marks, COUNT / 2);
	CHECK_EQ(rest_of(&array)->cut, 0);
	desk->config.cut_step = MANAGER_CUT_STEP;
	check_over_a_restart(&array);
	stop(&array, COUNT / 2, 1);
	array.gone[COUNT / 2] = true;
	CHECK_EQ(rest_of(&array)->cut, COUNT / 2 + 1);
	CHECK_EQ(count_rows(&array).n_marks, 0);
	check_over_a_restart(&array);
	array_fini(&array);
}

/* The rest is cut over one, and its mark stays until the array goes. */
TEST(marks_below_the_cut_go_with_their_array)
{
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	struct array array;
	struct desk *desk = &array.desk;

	array_init(&array, 0);
	submit(&array, COUNT);
	stop(&array, 20, 1);
	desk->config.history_max = desk->manager->config.history_max = 10;
	request.array_id = array.id;
	{
		Davit__StopTasksRequest all = DAVIT__STOP_TASKS_REQUEST__INIT;

		all.array_id = array.id;
		protobuf_c_message_free_unpacked(desk_ask(desk, "StopTasks", &all.base), NULL);
	}
	CHECK_EQ(rest_of(&array)->cut, COUNT - 10);
	CHECK_EQ(count_rows(&array).n_marks, 1);
	desk_restart(desk);
	desk_pass(desk, 1000);
	CHECK_EQ(count_rows(&array).n_marks, 1);
	CHECK_EQ(desk->manager->model.past.n, 10);
	protobuf_c_message_free_unpacked(desk_ask(desk, "RemoveTasks", &request.base), NULL);
	check_nothing_is_left(&array);
	array_fini(&array);
}

TEST(marks_are_as_before_when_the_batch_fails)
{
	struct array array;
	struct desk *desk = &array.desk;
	uint32_t last = MANAGER_CUT_STEP - 1;
	struct desk_reply reply;

	array_init(&array, 0);
	submit(&array, COUNT);
	for (uint32_t i = 0; i < last; i++) {
		stop(&array, i, 1);
		array.gone[i] = true;
	}
	CHECK_EQ(count_rows(&array).n_marks, last);
	send_stop(&array, last, 1, &reply);
	manager_tick(desk->manager, desk->now);
	CHECK_EQ(rest_of(&array)->cut, MANAGER_CUT_STEP);
	store_mem_fail_next(desk->store, 0, -EIO);
	desk_turn(desk);
	desk_reply_fini(&reply);
	CHECK_EQ(rest_of(&array)->cut, 0);
	CHECK_EQ(count_rows(&array).n_marks, last);
	check_over_a_restart(&array);
	stop(&array, last, 1);
	array.gone[last] = true;
	CHECK_EQ(count_rows(&array).n_marks, 0);
	check_over_a_restart(&array);
	array_fini(&array);
}

TEST(marks_go_by_no_more_at_once_than_a_leap)
{
	struct array array;
	struct desk *desk = &array.desk;

	array_init(&array, 0);
	desk->config.array_ahead = MANY;
	desk_restart(desk);
	submit(&array, MANY);
	for (uint32_t i = 1; i < MANY - 1;) {
		uint32_t n = MANY - 1 - i < MANAGER_LIST_MAX ? MANY - 1 - i : MANAGER_LIST_MAX;

		stop(&array, i, n);
		i += n;
	}
	CHECK_EQ(count_rows(&array).n_marks, MANY - 2);
	stop(&array, 0, 1);
	CHECK_EQ(rest_of(&array)->cut, MANAGER_CUT_LEAP);
	CHECK_EQ(count_rows(&array).n_marks, MANY - 1 - MANAGER_CUT_LEAP);
	desk_restart(desk);
	CHECK_EQ(desk->manager->model.n_by_state[TASK_PENDING], 1);
	stop(&array, MANY - 1, 1);
	check_nothing_is_left(&array);
	array_fini(&array);
}
