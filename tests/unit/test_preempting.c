/* Who has to go for whom. */
#include "services/manager/preempting.h"

#include "tests/unit/waiting_fixture.h"

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
	CHECK_EQ(desk.manager->claims.n_parts, 0);
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

/* So many of a group have to go for this one. */
static void
evict(Davit__Placement *placement, Davit__PlaceCount *count, Davit__PlaceCount **list,
	const char *group, uint32_t n)
{
	davit__place_count__init(count);
	count->group_id = (char *)(uintptr_t)group;
	count->n = n;
	*list = count;
	placement->evictions = list;
	placement->n_evictions = 1;
}

/* Four tasks of one core on a node of four, and a gang of two that wants two cores each. */
struct crowd {
	struct desk desk;
	struct desk_worker worker;
	char low[ID_TEXT_SIZE], gang[ID_TEXT_SIZE];
	Davit__PlaceCount counts[2], *lists[2];
};

static void
crowd_init(struct crowd *crowd)
{
	memset(crowd, 0, sizeof *crowd);
	desk_init(&crowd->desk);
	desk_worker_join(&crowd->desk, &crowd->worker, "n1", 4000);
	submit(&crowd->desk, &(struct wish){.name = "low", .cpu_milli = 1000, .count = 4},
		crowd->low);
	for (uint32_t i = 0; i < 4; i++) {
		char id[ID_TEXT_SIZE];

		id_format(task_at(&crowd->desk, crowd->low, i)->id, id);
		desk_worker_report(&crowd->worker, id, 1, RUNNING_, 0);
	}
	crowd->desk.no_scheduler = true;
	submit(&crowd->desk,
		&(struct wish){.name = "gang",
			.cpu_milli = 2000,
			.count = 2,
			.priority = 80,
			.is_gang = true},
		crowd->gang);
}

static void
crowd_fini(struct crowd *crowd)
{
	desk_fini(&crowd->desk);
	desk_worker_fini(&crowd->worker);
}

/* The i-th of the gang goes there once so many of the others are gone. */
static void
crowd_say(struct crowd *crowd, uint32_t n_first, uint32_t n_second)
{
	CLEANUP(answer_free) struct answer *answer = answer_new();

	evict(answer_place(answer, crowd->gang, 0, &crowd->worker), &crowd->counts[0],
		&crowd->lists[0], crowd->low, n_first);
	evict(answer_place(answer, crowd->gang, 1, &crowd->worker), &crowd->counts[1],
		&crowd->lists[1], crowd->low, n_second);
	say(&crowd->desk, &answer->reply);
}

static unsigned
count_stopped(struct crowd *crowd)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < 4; i++)
		n += task_at(&crowd->desk, crowd->low, i)->desired == DAVIT__TASK__DESIRED__STOP;
	return n;
}

TEST(preempting_for_a_gang_ends_others_for_all_of_it_and_starts_it_whole)
{
	struct crowd crowd;
	struct desk *desk = &crowd.desk;

	crowd_init(&crowd);
	CHECK(desk->question->tasks[0]->may_preempt && desk->question->tasks[1]->gang);
	crowd_say(&crowd, 2, 2);
	CHECK_EQ(count_stopped(&crowd), 4);
	CHECK_STR(task_at(desk, crowd.low, 0)->message, "preempted by 'gang'");
	CHECK_EQ(desk->manager->claims.n_parts, 2);
	for (uint32_t i = 0; i < 4; i++) {
		char id[ID_TEXT_SIZE];

		CHECK_EQ(task_at(desk, crowd.gang, 0)->state, TASK_PENDING);
		CHECK_EQ(task_at(desk, crowd.gang, 1)->state, TASK_PENDING);
		id_format(task_at(desk, crowd.low, i)->id, id);
		desk_worker_report(&crowd.worker, id, 1, ENDED_, 143);
	}
	CHECK_EQ(task_at(desk, crowd.gang, 0)->state, TASK_SCHEDULED);
	CHECK_EQ(task_at(desk, crowd.gang, 1)->state, TASK_SCHEDULED);
	CHECK_EQ(desk->manager->claims.n_parts, 0);
	crowd_fini(&crowd);
}

TEST(preempting_for_a_gang_counts_what_goes_from_one_node_together)
{
	struct crowd crowd;
	struct desk *desk = &crowd.desk;
	CLEANUP(answer_free) struct answer *half = answer_new();
	Davit__PlaceCount count, *list;

	crowd_init(&crowd);
	crowd_say(&crowd, 2, 1); /* room for one and a half */
	CHECK_HAS(desk->manager->placing.refused, "3 tasks on node 'n1' without making room");
	CHECK_EQ(count_stopped(&crowd), 0);
	ask_again(desk);
	crowd_say(&crowd, 3, 2);
	CHECK_HAS(desk->manager->placing.refused, "would end 5 tasks");
	ask_again(desk);
	evict(answer_place(half, crowd.gang, 0, &crowd.worker), &count, &list, crowd.low, 2);
	say(desk, &half->reply);
	CHECK_HAS(desk->manager->placing.refused, "all tasks of the array together");
	CHECK_EQ(count_stopped(&crowd), 0);
	CHECK_EQ(desk->manager->claims.n_parts, 0);
	crowd_fini(&crowd);
}

TEST(preempting_names_so_many_groups_at_once)
{
	enum { N = MANAGER_EVICTIONS_MAX + 1 };
	struct crowd crowd;
	struct desk *desk = &crowd.desk;
	CLEANUP(answer_free) struct answer *answer = answer_new();
	Davit__PlaceCount counts[N], *list[N];
	char ids[N][8], high[ID_TEXT_SIZE];
	Davit__Placement *placement;

	crowd_init(&crowd);
	refuse_all(desk, "cpu");
	submit(desk, &(struct wish){.name = "high", .cpu_milli = 1000, .priority = 80}, high);
	placement = answer_place(answer, high, 0, &crowd.worker);
	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(ids[i], sizeof ids[i], "g%u", i);
		evict(placement, &counts[i], &list[i], ids[i], 0);
	}
	placement->evictions = list;
	placement->n_evictions = N;
	say(desk, &answer->reply);
	CHECK_HAS(desk->manager->placing.refused, "MANAGER_EVICTIONS_MAX");
	placement->n_evictions = N - 1;
	counts[0].group_id = crowd.low;
	counts[0].n = 1;
	ask_again(desk);
	say(desk, &answer->reply); /* none of 255 others is not too many */
	CHECK_EQ(count_stopped(&crowd), 1);
	crowd_fini(&crowd);
}
