/*
 * array_fixture.h - an array at a desk, of which few elements have a record ahead of need.
 *
 * Tests only.
 */
#pragma once

#include "common/base/mem.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

#define RUNNING_ DAVIT__TASK_REPORT__OBSERVED__RUNNING
#define GONE_    DAVIT__TASK_REPORT__OBSERVED__GONE

enum { AHEAD = 4, COUNT = 100 };

struct array {
	struct desk desk;
	struct desk_worker worker;
	Davit__TaskSpec spec;
	Davit__Gang gang;
	char id[ID_TEXT_SIZE];
	struct id base;
	bool gone[COUNT]; /* as it has to be, for who says so */
};

/* A desk and a spec; the test goes on from there. */
static inline void
array_begin(struct array *array)
{
	*array = (struct array){.worker = {.is_silent = true}};
	desk_init(&array->desk);
	array->desk.config.array_ahead = AHEAD;
	davit__task_spec__init(&array->spec);
	array->spec.image = (char *)(uintptr_t) "demo";
	array->spec.name = (char *)(uintptr_t) "many";
	array->spec.has_cpu_milli = true;
	array->spec.cpu_milli = 1000;
}

static inline void
array_fini(struct array *array)
{
	desk_fini(&array->desk);
	desk_worker_fini(&array->worker);
}

static inline void
submit(struct array *array, uint32_t count)
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__SubmitTasksReply *reply;

	request.spec = &array->spec;
	request.has_count = true;
	request.count = count;
	reply = (Davit__SubmitTasksReply *)desk_ask(&array->desk, "SubmitTasks", &request.base);
	(void)snprintf(array->id, sizeof array->id, "%s", reply->array_id);
	CHECK(id_parse(array->id, &array->base));
	davit__submit_tasks_reply__free_unpacked(reply, NULL);
}

static inline struct group *
group_of(struct array *array)
{
	return model_group_find(&array->desk.manager->model, array->base);
}
