/* Who is asked about next, and who is woken. */
#include "tests/unit/waiting_fixture.h"

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

TEST(waiting_gives_turns_of_16_while_thousands_are_ready)
{
	struct desk desk;
	struct wish wish = {.name = "one", .namespace_name = "blue", .count = MANAGER_PLACE_MAX};
	char id[3][ID_TEXT_SIZE];
	const char *last;
	size_t n = 0;

	desk_init(&desk);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "first", .namespace_name = "blue"}, id[0]);
	refuse_all(&desk, "cpu"); /* nobody is asked about any more: what follows gathers */
	desk.manager->placing.retry_mono_ms = UINT64_MAX;
	submit(&desk, &wish, id[1]);
	wish.name = "two";
	submit(&desk, &wish, id[2]);
	desk.manager->placing.retry_mono_ms = 0;
	desk_turn(&desk);
	CHECK_EQ(desk.question->n_tasks, MANAGER_PLACE_MAX);
	last = desk.question->tasks[0]->spec_id;
	for (size_t i = 1; i < desk.question->n_tasks; i++) {
		n++;
		if (strcmp(desk.question->tasks[i]->spec_id, last) == 0)
			continue;
		CHECK_EQ(n, 16);
		last = desk.question->tasks[i]->spec_id;
		n = 0;
	}
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

/* By cause and at once: neither a sweep nor a tick passes between a release and what it wakes. */
TEST(waiting_is_over_in_the_turn_of_the_release_that_it_waited_for)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char running[3][ID_TEXT_SIZE], waiting[ID_TEXT_SIZE], port[ID_TEXT_SIZE];
	uint64_t before_ms;

	desk_init(&desk);
	desk.manager->config.sweep_ms = UINT64_MAX;
	desk_worker_join(&desk, &worker, "n1", 3000);
	submit(&desk, &(struct wish){.name = "aa", .cpu_milli = 2000}, running[0]);
	submit(&desk, &(struct wish){.name = "bb", .cpu_milli = 1000, .host_port = 80}, running[1]);
	submit(&desk, &(struct wish){.name = "waiting", .cpu_milli = 2000}, waiting);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "port", .host_port = 80}, port);
	refuse_all(&desk, "port");
	for (int i = 0; i < 600; i++) { /* ten minutes */
		desk_pass(&desk, 1000);
		desk_worker_poll(&worker, NULL);
	}
	CHECK(desk.question == NULL); /* nobody was asked in vain */
	desk.no_scheduler = false;
	before_ms = desk.now.mono_ms;
	desk_worker_report(&worker, running[0], 1, ENDED_, 0);
	CHECK_EQ(desk_task(&desk, waiting)->state, TASK_SCHEDULED);
	CHECK_EQ(desk_task(&desk, port)->state, TASK_PENDING);
	desk_worker_report(&worker, running[1], 1, ENDED_, 0);
	CHECK_EQ(desk_task(&desk, port)->state, TASK_SCHEDULED);
	CHECK_EQ(desk.now.mono_ms, before_ms);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

/* Whose turn it was is last: what comes free goes to namespaces, and in them to arrays, in turn. */
TEST(waiting_shares_what_comes_free_among_namespaces_and_arrays)
{
	enum { ROUNDS = 12 };
	struct desk desk;
	struct desk_worker worker = {0};
	char id[ID_TEXT_SIZE], blue[2][ID_TEXT_SIZE], green[ID_TEXT_SIZE], red[ID_TEXT_SIZE];
	unsigned n_blue[2] = {0}, n_green = 0, n_red = 0;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	submit(&desk, &(struct wish){.name = "first", .cpu_milli = 1000}, id);
	submit(&desk,
		&(struct wish){.name = "huge",
			.namespace_name = "blue",
			.cpu_milli = 1000,
			.count = 500},
		blue[0]);
	submit(&desk,
		&(struct wish){.name = "late",
			.namespace_name = "blue",
			.cpu_milli = 1000,
			.count = 500},
		blue[1]);
	submit(&desk,
		&(struct wish){.name = "green",
			.namespace_name = "green",
			.cpu_milli = 1000,
			.count = 500},
		green);
	submit(&desk, &(struct wish){.name = "red", .namespace_name = "red", .cpu_milli = 1000},
		red);
	for (unsigned i = 0; i < ROUNDS; i++) {
		const struct task *task;

		desk_worker_report(&worker, id, 1, ENDED_, 0);
		task = desk_node(&desk, "n1")->tasks;
		CHECK_EQ(task->state, TASK_SCHEDULED);
		id_format(task->id, id);
		n_blue[0] += strcmp(task->group->name, "huge") == 0;
		n_blue[1] += strcmp(task->group->name, "late") == 0;
		n_green += strcmp(task->group->name, "green") == 0;
		n_red += strcmp(task->group->name, "red") == 0;
	}
	CHECK_EQ(n_red, 1); /* it had but one, and was not behind a thousand */
	CHECK(n_green == 5 || n_green == 6);
	CHECK(n_blue[0] == 2 || n_blue[0] == 3);
	CHECK(n_blue[1] == 2 || n_blue[1] == 3);
	desk_fini(&desk);
	desk_worker_fini(&worker);
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
