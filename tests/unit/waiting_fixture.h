/*
 * waiting_fixture.h - tasks that wait at a desk, and a scheduler that says what a test wants.
 *
 * Tests only.
 */
#pragma once

#include <string.h>

#include "common/base/mem.h"
#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

#define ENDED_   DAVIT__TASK_REPORT__OBSERVED__ENDED
#define RUNNING_ DAVIT__TASK_REPORT__OBSERVED__RUNNING

struct wish {
	const char *name, *namespace_name;
	uint64_t cpu_milli;
	uint32_t count, priority, max_per_node;
	uint32_t host_port;
	bool is_gang, restarts;
	Davit__DeviceCount *device;
};

static inline void
submit(struct desk *desk, const struct wish *wish, char ret_id[ID_TEXT_SIZE])
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__Gang gang = DAVIT__GANG__INIT;
	Davit__RestartPolicy restart = DAVIT__RESTART_POLICY__INIT;
	Davit__Port port = DAVIT__PORT__INIT, *ports[] = {&port};
	Davit__DeviceCount *devices[] = {wish->device};
	Davit__SubmitTasksReply *reply;

	spec.image = "demo";
	spec.name = (char *)(uintptr_t)wish->name;
	spec.namespace_ = (char *)(uintptr_t)wish->namespace_name;
	spec.has_cpu_milli = wish->cpu_milli > 0;
	spec.cpu_milli = wish->cpu_milli;
	spec.has_priority = wish->priority > 0;
	spec.priority = wish->priority;
	spec.has_max_per_node = wish->max_per_node > 0;
	spec.max_per_node = wish->max_per_node;
	gang.has_all_or_nothing = gang.all_or_nothing = true;
	spec.gang = wish->is_gang ? &gang : NULL;
	restart.has_condition = true;
	restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
	spec.restart = wish->restarts ? &restart : NULL;
	port.container_port = 80;
	port.has_host_port = true;
	port.host_port = wish->host_port;
	spec.ports = ports;
	spec.n_ports = wish->host_port > 0;
	spec.device_requests = devices;
	spec.n_device_requests = wish->device != NULL;
	request.spec = &spec;
	request.has_count = true;
	request.count = wish->count > 0 ? wish->count : 1;
	reply = (Davit__SubmitTasksReply *)desk_ask(desk, "SubmitTasks", &request.base);
	(void)snprintf(ret_id, ID_TEXT_SIZE, "%s", reply->task_ids[0]);
	davit__submit_tasks_reply__free_unpacked(reply, NULL);
}

/* The scheduler under way says this, and nothing of its own. */
static inline void
say(struct desk *desk, const Davit__PlaceReply *reply)
{
	davit__place_request__free_unpacked(TAKE(desk->question), NULL);
	manager_placed(desk->manager, desk->now, DAVIT__REPLY__STATUS__OK, "", reply);
	desk_turn(desk);
}

static inline bool
is_asked_about(const struct desk *desk, const char *id)
{
	for (size_t i = 0; desk->question != NULL && i < desk->question->n_tasks; i++) {
		if (strcmp(desk->question->tasks[i]->task_id, id) == 0)
			return true;
	}
	return false;
}

/* What is under way is refused for one reason. */
static inline void
refuse_all(struct desk *desk, const char *filter)
{
	Davit__PlaceReply reply = DAVIT__PLACE_REPLY__INIT;
	Davit__FilterCount count = DAVIT__FILTER_COUNT__INIT, *counts[] = {&count};
	Davit__Refusal *refusals[64];
	Davit__Refusal texts[64];
	size_t n = desk->question->n_tasks;
	char ids[64][ID_TEXT_SIZE];

	CHECK(n <= 64);
	count.filter = (char *)(uintptr_t)filter;
	for (size_t i = 0; i < n; i++) {
		davit__refusal__init(&texts[i]);
		(void)snprintf(ids[i], ID_TEXT_SIZE, "%s", desk->question->tasks[i]->task_id);
		texts[i].task_id = ids[i];
		texts[i].message = "no node fits";
		texts[i].filters = counts;
		texts[i].n_filters = 1;
		refusals[i] = &texts[i];
	}
	reply.refusals = refusals;
	reply.n_refusals = n;
	say(desk, &reply);
}

struct eviction {
	Davit__PlaceReply reply;
	Davit__Placement placement, *placements[1];
	Davit__PlaceCount count, *counts[1];
};

static inline const Davit__PlaceReply *
eviction(struct eviction *eviction, const char *task, const char *node, const char *group,
	uint32_t n)
{
	davit__place_reply__init(&eviction->reply);
	davit__placement__init(&eviction->placement);
	davit__place_count__init(&eviction->count);
	eviction->count.group_id = (char *)(uintptr_t)group;
	eviction->count.n = n;
	eviction->counts[0] = &eviction->count;
	eviction->placement.task_id = (char *)(uintptr_t)task;
	eviction->placement.node_id = (char *)(uintptr_t)node;
	eviction->placement.evictions = eviction->counts;
	eviction->placement.n_evictions = 1;
	eviction->placements[0] = &eviction->placement;
	eviction->reply.placements = eviction->placements;
	eviction->reply.n_placements = 1;
	return &eviction->reply;
}

/* What a scheduler says about up to ANSWER_MAX tasks. */
enum { ANSWER_MAX = MANAGER_GANG_MAX + 1 };

struct answer {
	Davit__PlaceReply reply;
	Davit__Placement *placements[ANSWER_MAX], texts[ANSWER_MAX];
	char ids[ANSWER_MAX][ID_TEXT_SIZE];
};

static inline struct answer *
answer_new(void)
{
	struct answer *answer = xcalloc(1, sizeof *answer);

	davit__place_reply__init(&answer->reply);
	answer->reply.placements = answer->placements;
	return answer;
}
static inline void
answer_free(struct answer *answer)
{
	free(answer);
}
CLEANUP_DEFINE(struct answer *, answer_free)

/* The i-th task of the array goes there. */
static inline Davit__Placement *
answer_place(struct answer *answer, const char *array, uint32_t index,
	const struct desk_worker *worker)
{
	size_t i = answer->reply.n_placements++;
	struct id base;

	CHECK(i < ANSWER_MAX && id_parse(array, &base));
	id_format(id_at(base, index), answer->ids[i]);
	davit__placement__init(&answer->texts[i]);
	answer->texts[i].task_id = answer->ids[i];
	answer->texts[i].node_id = (char *)(uintptr_t)worker->node_id;
	answer->placements[i] = &answer->texts[i];
	return &answer->texts[i];
}

static inline void
answer_claim(struct answer *answer, const char *array, uint32_t index,
	const struct desk_worker *worker)
{
	Davit__Placement *placement = answer_place(answer, array, index, worker);

	placement->has_claim = placement->claim = true;
}

/* The i-th task of the array. */
static inline struct task *
task_at(struct desk *desk, const char *array, uint32_t index)
{
	char text[ID_TEXT_SIZE];
	struct id base;

	CHECK(id_parse(array, &base));
	id_format(id_at(base, index), text);
	return desk_task(desk, text);
}

/* Everybody is asked again, and nobody says anything of use until all of it is under way. */
static inline void
ask_again(struct desk *desk)
{
	for (int i = 0; i < 2 && desk->question == NULL; i++)
		desk_pass(desk, MANAGER_TICK_MS);
	CHECK(desk->question != NULL);
}
