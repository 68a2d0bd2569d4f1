/* Who is asked about next, who is woken, for whom room is kept and who has to go. */
#include <string.h>

#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

#define ENDED_   DAVIT__TASK_REPORT__OBSERVED__ENDED
#define RUNNING_ DAVIT__TASK_REPORT__OBSERVED__RUNNING

struct wish {
	const char *name, *namespace_name;
	uint64_t cpu_milli;
	uint32_t count, priority;
	uint32_t host_port;
	bool is_gang, restarts;
	Davit__DeviceCount *device;
};

static void
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
static void
say(struct desk *desk, const Davit__PlaceReply *reply)
{
	davit__place_request__free_unpacked(TAKE(desk->question), NULL);
	manager_placed(desk->manager, desk->now, DAVIT__REPLY__STATUS__OK, "", reply);
	desk_turn(desk);
}

static bool
is_asked_about(const struct desk *desk, const char *id)
{
	for (size_t i = 0; desk->question != NULL && i < desk->question->n_tasks; i++) {
		if (strcmp(desk->question->tasks[i]->task_id, id) == 0)
			return true;
	}
	return false;
}

/* What is under way is refused for one reason. */
static void
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

TEST(waiting_asks_by_priority_then_namespaces_and_arrays_in_turn)
{
	struct desk desk;
	char id[8][ID_TEXT_SIZE];
	const char *want[8];

	desk_init(&desk);
	desk.no_scheduler = true;
	submit(&desk,
		&(struct wish){.name = "first",
			.namespace_name = "blue",
			.cpu_milli = 0,
			.count = 1},
		id[0]);
	refuse_all(&desk, "cpu"); /* nobody is asked about any more: what follows gathers */
	desk.manager->placing.retry_mono_ms = UINT64_MAX;
	submit(&desk,
		&(struct wish){.name = "array",
			.namespace_name = "blue",
			.cpu_milli = 0,
			.count = 2},
		id[1]);
	submit(&desk,
		&(struct wish){.name = "one", .namespace_name = "blue", .cpu_milli = 0, .count = 1},
		id[2]);
	submit(&desk,
		&(struct wish){.name = "two", .namespace_name = "blue", .cpu_milli = 0, .count = 1},
		id[3]);
	submit(&desk,
		&(struct wish){.name = "other",
			.namespace_name = "green",
			.cpu_milli = 0,
			.count = 1},
		id[4]);
	submit(&desk,
		&(struct wish){.name = "urgent",
			.namespace_name = "blue",
			.cpu_milli = 0,
			.count = 1,
			.priority = 90},
		id[5]);
	desk.manager->placing.retry_mono_ms = 0;
	desk_turn(&desk);
	CHECK_EQ(desk.question->n_tasks, 6);
	want[0] = id[5]; /* priority */
	want[1] = id[1]; /* blue's array */
	want[2] = id[4]; /* green's turn */
	want[3] = id[2]; /* blue's tasks that are no array's */
	for (size_t i = 0; i < 4; i++)
		CHECK_STR(desk.question->tasks[i]->task_id, want[i]);
	CHECK_STR(desk.question->tasks[5]->task_id, id[3]); /* behind the array's second */
	desk_fini(&desk);
}

TEST(waiting_wakes_as_many_as_the_room_may_take)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char running[ID_TEXT_SIZE], waiting[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	submit(&desk, &(struct wish){.name = "running", .cpu_milli = 1000}, running);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "waiting", .cpu_milli = 500, .count = 50}, waiting);
	refuse_all(&desk, "cpu");
	CHECK_EQ(desk.manager->waiting.n_blocked, 50);
	desk_worker_report(&worker, running, 1, ENDED_, 0);
	CHECK_EQ(desk.question->n_tasks, 2);                  /* of fifty: two halves of the core */
	CHECK_STR(desk.question->tasks[0]->task_id, waiting); /* the oldest */
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(waiting_does_not_wake_what_lacks_something_else)
{
	struct desk desk;
	struct desk_worker worker = {0}, other = {0};
	char running[ID_TEXT_SIZE], picky[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	submit(&desk, &(struct wish){.name = "running", .cpu_milli = 1000}, running);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "picky", .cpu_milli = 500}, picky);
	refuse_all(&desk, "constraint");
	desk_worker_report(&worker, running, 1, ENDED_, 0);
	CHECK(desk.question == NULL); /* room is not what it lacks */
	desk_worker_join(&desk, &other, "n2", 1000);
	CHECK(is_asked_about(&desk, picky)); /* another node may be */
	desk_fini(&desk);
	desk_worker_fini(&worker);
	desk_worker_fini(&other);
}

TEST(waiting_is_not_blocked_by_the_head_of_the_line)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char running[ID_TEXT_SIZE], big[ID_TEXT_SIZE], small[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 2000);
	submit(&desk, &(struct wish){.name = "aa", .cpu_milli = 1000}, running);
	submit(&desk, &(struct wish){.name = "bb", .cpu_milli = 1000}, small);
	submit(&desk, &(struct wish){.name = "big", .cpu_milli = 2000}, big);
	submit(&desk, &(struct wish){.name = "small", .cpu_milli = 500}, small);
	desk_worker_report(&worker, running, 1, ENDED_, 0);
	CHECK_EQ(desk_task(&desk, small)->state, TASK_SCHEDULED);
	CHECK_EQ(desk_task(&desk, big)->state, TASK_PENDING);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

/* News that come while the scheduler thinks are not lost. */
TEST(waiting_wakes_for_room_that_came_free_during_the_question)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char running[ID_TEXT_SIZE], waiting[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	submit(&desk, &(struct wish){.name = "running", .cpu_milli = 1000}, running);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "waiting", .cpu_milli = 1000}, waiting);
	desk_worker_report(&worker, running, 1, ENDED_, 0);
	refuse_all(&desk, "cpu"); /* as it was when it was asked */
	CHECK(is_asked_about(&desk, waiting));
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(waiting_wakes_when_a_neighbour_comes_or_goes)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char running[ID_TEXT_SIZE], waiting[ID_TEXT_SIZE], late[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	submit(&desk, &(struct wish){.name = "running", .cpu_milli = 500}, running);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "waiting", .cpu_milli = 500}, waiting);
	refuse_all(&desk, "affinity");
	CHECK(desk.question == NULL);
	desk_worker_report(&worker, running, 1, ENDED_, 0);
	CHECK(is_asked_about(&desk, waiting));
	submit(&desk, &(struct wish){.name = "late", .cpu_milli = 500}, late);
	refuse_all(&desk, "affinity");
	CHECK(is_asked_about(&desk, late));
	{
		Davit__PlaceReply reply = DAVIT__PLACE_REPLY__INIT;
		Davit__Placement placement = DAVIT__PLACEMENT__INIT, *placements[] = {&placement};

		placement.task_id = late;
		placement.node_id = worker.node_id;
		reply.placements = placements;
		reply.n_placements = 1;
		say(&desk, &reply);
	}
	CHECK(is_asked_about(&desk, waiting));
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(waiting_wakes_when_a_port_comes_free)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char running[ID_TEXT_SIZE], waiting[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	submit(&desk, &(struct wish){.name = "running", .cpu_milli = 0, .host_port = 8080},
		running);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "waiting", .cpu_milli = 0, .host_port = 8080},
		waiting);
	refuse_all(&desk, "port");
	desk_worker_report(&worker, running, 1, ENDED_, 0);
	CHECK(is_asked_about(&desk, waiting));
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(waiting_sweeps_one_of_each_kind)
{
	struct desk desk;
	char a[ID_TEXT_SIZE], b[ID_TEXT_SIZE];

	desk_init(&desk);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "aa", .cpu_milli = 500, .count = 20}, a);
	refuse_all(&desk, "cpu");
	submit(&desk, &(struct wish){.name = "bb", .cpu_milli = 700, .count = 20}, b);
	refuse_all(&desk, "cpu");
	CHECK(desk.question == NULL);
	desk_pass(&desk, MANAGER_SWEEP_MS);
	CHECK_EQ(desk.question->n_tasks, 2);
	desk_fini(&desk);
}

TEST(waiting_counts_proposals_that_are_no_good_and_asks_again)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__PlaceReply reply = DAVIT__PLACE_REPLY__INIT;
	Davit__Placement one = DAVIT__PLACEMENT__INIT, *placements[] = {&one, &one};
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "web", .cpu_milli = 500}, id);
	one.task_id = id;
	one.node_id = "0198c0de-0000-7000-8000-00000000000a";
	reply.placements = placements;
	reply.n_placements = 1;
	say(&desk, &reply);
	CHECK_EQ(desk.manager->placing.n_refused, 1);
	CHECK_HAS(desk.manager->placing.refused, "unknown node");
	desk_pass(&desk, MANAGER_TICK_MS);
	CHECK(is_asked_about(&desk, id));
	reply.n_placements = 0;
	say(&desk, &reply); /* it says nothing */
	CHECK_HAS(desk_task(&desk, id)->message, "did not answer");
	desk_pass(&desk, MANAGER_TICK_MS);
	one.node_id = worker.node_id;
	reply.n_placements = 2; /* twice */
	say(&desk, &reply);
	CHECK_EQ(desk_task(&desk, id)->state, TASK_SCHEDULED);
	CHECK_EQ(desk.manager->placing.n_refused, 3);
	CHECK_HAS(desk.manager->placing.refused, "twice");
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(gangs_are_asked_about_whole_and_placed_whole)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__PlaceReply reply = DAVIT__PLACE_REPLY__INIT;
	Davit__Placement texts[3], *placements[] = {&texts[0], &texts[1], &texts[2]};
	char id[ID_TEXT_SIZE], ids[3][ID_TEXT_SIZE];
	struct id base;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "gang", .cpu_milli = 400, .count = 3, .is_gang = true},
		id);
	CHECK(id_parse(id, &base));
	for (uint32_t i = 0; i < 3; i++) {
		CHECK(desk.question->tasks[i]->gang);
		id_format(id_at(base, i), ids[i]);
		davit__placement__init(&texts[i]);
		texts[i].task_id = ids[i];
		texts[i].node_id = worker.node_id;
	}
	reply.placements = placements;
	reply.n_placements = 3; /* 1,200 of 1,000 */
	say(&desk, &reply);
	for (size_t i = 0; i < 3; i++)
		CHECK_EQ(desk_task(&desk, ids[i])->state, TASK_PENDING);
	CHECK_EQ(desk_node(&desk, "n1")->account.reserved.cpu_milli, 0);
	desk_pass(&desk, MANAGER_TICK_MS);
	CHECK_EQ(desk.question->n_tasks, 3);
	reply.n_placements = 2; /* not all */
	say(&desk, &reply);
	CHECK_EQ(desk_task(&desk, ids[0])->state, TASK_PENDING);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(claims_keep_what_comes_free_for_who_waits_long)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__PlaceReply reply = DAVIT__PLACE_REPLY__INIT;
	Davit__Placement one = DAVIT__PLACEMENT__INIT, *placements[] = {&one};
	char a[ID_TEXT_SIZE], b[ID_TEXT_SIZE], big[ID_TEXT_SIZE], small[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 2000);
	worker.is_silent = false;
	submit(&desk, &(struct wish){.name = "aa", .cpu_milli = 1000}, a);
	submit(&desk, &(struct wish){.name = "bb", .cpu_milli = 1000}, b);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "big", .cpu_milli = 2000}, big);
	CHECK(!desk.question->tasks[0]->may_claim);
	refuse_all(&desk, "cpu");
	for (uint64_t passed = 0; passed < MANAGER_CLAIM_AFTER_MS; passed += 1000) {
		desk_pass(&desk, 1000);
		desk_worker_poll(&worker, NULL);
		if (desk.question != NULL && passed < MANAGER_CLAIM_AFTER_MS - 2000)
			refuse_all(&desk, "cpu");
	}
	desk_pass(&desk, 100);
	if (!is_asked_about(&desk, big) || !desk.question->tasks[0]->may_claim) {
		if (desk.question != NULL)
			refuse_all(&desk, "cpu");
		for (int i = 0; i < 60 && desk.question == NULL; i++) {
			desk_pass(&desk, 100);
			desk_worker_poll(&worker, NULL);
		}
	}
	CHECK(desk.question->tasks[0]->may_claim);
	one.task_id = big;
	one.node_id = worker.node_id;
	one.has_claim = one.claim = true;
	reply.placements = placements;
	reply.n_placements = 1;
	say(&desk, &reply);
	CHECK_HAS(desk_task(&desk, big)->message, "kept for it");
	desk_worker_report(&worker, a, 1, ENDED_, 0);
	desk.no_scheduler = false;
	submit(&desk, &(struct wish){.name = "small", .cpu_milli = 500}, small);
	CHECK_EQ(desk_task(&desk, small)->state, TASK_PENDING); /* the free core is kept */
	CHECK_EQ(desk_task(&desk, big)->state, TASK_PENDING);
	desk_worker_report(&worker, b, 1, ENDED_, 0);
	CHECK_EQ(desk_task(&desk, big)->state, TASK_SCHEDULED);
	CHECK_EQ(desk.manager->claims.n, 0);
	CHECK_EQ(desk_node(&desk, "n1")->account.claimed.cpu_milli, 0);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

struct eviction {
	Davit__PlaceReply reply;
	Davit__Placement placement, *placements[1];
	Davit__PlaceCount count, *counts[1];
};

static const Davit__PlaceReply *
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

TEST(preempting_ends_the_youngest_and_places_who_preempts)
{
	struct desk desk;
	struct desk_worker worker = {0};
	struct eviction evicted;
	char array[ID_TEXT_SIZE], high[ID_TEXT_SIZE], youngest[ID_TEXT_SIZE];
	struct id base;
	struct task *task;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 2000);
	submit(&desk,
		&(struct wish){.name = "low", .cpu_milli = 1000, .count = 2, .restarts = true},
		array);
	CHECK(id_parse(array, &base));
	id_format(id_at(base, 1), youngest);
	desk_worker_report(&worker, array, 1, RUNNING_, 0);
	desk_worker_report(&worker, youngest, 1, RUNNING_, 0);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "high", .cpu_milli = 1000, .priority = 80}, high);
	CHECK(desk.question->tasks[0]->may_preempt);
	say(&desk, eviction(&evicted, high, worker.node_id, array, 1));
	task = desk_task(&desk, youngest);
	CHECK_EQ(task->desired, DAVIT__TASK__DESIRED__STOP);
	CHECK_STR(task->message, "preempted by 'high'");
	CHECK_EQ(desk_task(&desk, array)->desired, DAVIT__TASK__DESIRED__RUN);
	CHECK_HAS(desk_task(&desk, high)->message, "end for it");
	{
		Davit__TaskReport report = DAVIT__TASK_REPORT__INIT;

		report.task_id = youngest;
		report.attempt = 1;
		report.observed = ENDED_;
		report.has_exit_code = report.has_cause = true;
		report.exit_code = 143;
		report.cause = DAVIT__TASK_REPORT__CAUSE__STOP;
		desk_worker_poll(&worker, &report);
	}
	CHECK_EQ(desk_task(&desk, high)->state, TASK_SCHEDULED);
	CHECK_EQ(task->state, TASK_FAILED);
	CHECK_STR(task->message, "preempted by 'high'");
	CHECK(!id_is_none(task->replaced_by)); /* its restart policy is not `no` */
	CHECK_EQ(desk.manager->claims.n, 0);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(preempting_refuses_what_may_not_be)
{
	struct desk desk;
	struct desk_worker worker = {0};
	struct eviction evicted;
	char low[ID_TEXT_SIZE], high[ID_TEXT_SIZE], meek[ID_TEXT_SIZE], other[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 2000);
	submit(&desk, &(struct wish){.name = "low", .cpu_milli = 1000}, low);
	submit(&desk, &(struct wish){.name = "other", .namespace_name = "green", .cpu_milli = 1000},
		other);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "high", .cpu_milli = 2000, .priority = 80}, high);
	say(&desk, eviction(&evicted, high, worker.node_id, low, 2)); /* more than there are */
	CHECK_HAS(desk.manager->placing.refused, "which has 1");
	desk_pass(&desk, MANAGER_TICK_MS);
	say(&desk, eviction(&evicted, high, worker.node_id, other, 1)); /* of another namespace */
	CHECK_HAS(desk.manager->placing.refused, "another namespace");
	desk_pass(&desk, MANAGER_TICK_MS);
	say(&desk, eviction(&evicted, high, worker.node_id, low, 1)); /* in vain */
	CHECK_HAS(desk.manager->placing.refused, "without making room");
	desk_pass(&desk, MANAGER_TICK_MS);
	refuse_all(&desk, "cpu");
	submit(&desk, &(struct wish){.name = "meek", .cpu_milli = 1000}, meek);
	say(&desk, eviction(&evicted, meek, worker.node_id, low, 1)); /* not allowed to */
	CHECK_HAS(desk.manager->placing.refused, "may not preempt");
	CHECK_EQ(desk.manager->placing.n_refused, 4);
	CHECK_EQ(desk_task(&desk, low)->desired, DAVIT__TASK__DESIRED__RUN);
	CHECK_EQ(desk_task(&desk, other)->desired, DAVIT__TASK__DESIRED__RUN);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(claims_are_given_back_when_the_task_is_stopped)
{
	struct desk desk;
	struct desk_worker worker = {0};
	struct eviction evicted;
	Davit__StopTasksRequest request = DAVIT__STOP_TASKS_REQUEST__INIT;
	char low[ID_TEXT_SIZE], high[ID_TEXT_SIZE], *names[] = {high};

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	submit(&desk, &(struct wish){.name = "low", .cpu_milli = 1000}, low);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "high", .cpu_milli = 1000, .priority = 80}, high);
	say(&desk, eviction(&evicted, high, worker.node_id, low, 1));
	CHECK_EQ(desk.manager->claims.n, 1);
	request.tasks = names;
	request.n_tasks = 1;
	protobuf_c_message_free_unpacked(desk_ask(&desk, "StopTasks", &request.base), NULL);
	CHECK_EQ(desk.manager->claims.n, 0);
	CHECK_EQ(desk_node(&desk, "n1")->account.claimed.cpu_milli, 0);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

/* What runs where is told when the scheduler wants it, and then what changes of it. */
TEST(families_are_told_on_demand_and_by_what_changed)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__PlaceReply reply = DAVIT__PLACE_REPLY__INIT;
	char a[ID_TEXT_SIZE], b[ID_TEXT_SIZE], c[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	submit(&desk, &(struct wish){.name = "aa", .cpu_milli = 1000, .count = 2}, a);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "bb", .cpu_milli = 1000}, b);
	CHECK(!desk.question->has_groups);
	CHECK_EQ(desk.question->n_groups, 0);
	reply.has_wants_groups = reply.wants_groups = true;
	say(&desk, &reply);
	CHECK(desk.question->snapshot && desk.question->has_groups);
	CHECK(is_asked_about(&desk, b));
	CHECK_EQ(desk.question->n_groups, 1);
	CHECK_STR(desk.question->groups[0]->id, a);
	CHECK_EQ(desk.question->nodes[0]->n_running, 1);
	CHECK_STR(desk.question->nodes[0]->running[0]->group_id, a);
	CHECK_EQ(desk.question->nodes[0]->running[0]->n, 2);
	refuse_all(&desk, "affinity");
	desk_worker_report(&worker, a, 1, ENDED_, 0);
	CHECK(!desk.question->snapshot);
	CHECK_EQ(desk.question->n_groups, 0); /* known already */
	CHECK_EQ(desk.question->nodes[0]->n_running, 1);
	CHECK_EQ(desk.question->nodes[0]->running[0]->n, 1);
	say(&desk, &reply); /* it was told */
	CHECK_HAS(desk.manager->placing.trouble, "was told");
	CHECK(!desk.manager->telling.families.is_kept);
	submit(&desk, &(struct wish){.name = "cc", .cpu_milli = 1000}, c);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}
