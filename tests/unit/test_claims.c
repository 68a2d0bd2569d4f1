/* Room that is kept for who waits. */
#include "services/manager/claims.h"

#include <errno.h>

#include "tests/unit/waiting_fixture.h"

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
	CHECK_EQ(desk.manager->claims.n_parts, 0);
	CHECK_EQ(desk_node(&desk, "n1")->account.claimed.cpu_milli, 0);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(claims_are_given_back_when_the_task_is_stopped)
{
	struct desk desk;
	struct desk_worker worker = {0};
	struct eviction evicted;
	char low[ID_TEXT_SIZE], high[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	submit(&desk, &(struct wish){.name = "low", .cpu_milli = 1000}, low);
	desk.no_scheduler = true;
	submit(&desk, &(struct wish){.name = "high", .cpu_milli = 1000, .priority = 80}, high);
	say(&desk, eviction(&evicted, high, worker.node_id, low, 1));
	CHECK_EQ(desk.manager->claims.n_parts, 1);
	desk_stop(&desk, high);
	CHECK_EQ(desk.manager->claims.n_parts, 0);
	CHECK_EQ(desk_node(&desk, "n1")->account.claimed.cpu_milli, 0);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

/* Two nodes of two cores with one taken on each, and a gang that wants both nodes whole. */
struct pair {
	struct desk desk;
	struct desk_worker one, two;
	char a[ID_TEXT_SIZE], b[ID_TEXT_SIZE], gang[ID_TEXT_SIZE];
};

static void
pair_init(struct pair *pair, uint32_t n_gang)
{
	memset(pair, 0, sizeof *pair);
	desk_init(&pair->desk);
	pair->desk.config.claim_after_ms = pair->desk.manager->config.claim_after_ms = 0;
	desk_worker_join(&pair->desk, &pair->one, "n1", 2000);
	submit(&pair->desk, &(struct wish){.name = "aa", .cpu_milli = 1000}, pair->a);
	submit(&pair->desk, &(struct wish){.name = "fill", .cpu_milli = 1000}, pair->b);
	desk_worker_join(&pair->desk, &pair->two, "n2", 2000);
	desk_worker_report(&pair->one, pair->b, 1, ENDED_, 0);
	pair->desk.no_scheduler = true;
	submit(&pair->desk, &(struct wish){.name = "bb", .cpu_milli = 1000}, pair->b);
	{
		CLEANUP(answer_free) struct answer *answer = answer_new();

		(void)answer_place(answer, pair->b, 0, &pair->two);
		say(&pair->desk, &answer->reply);
	}
	submit(&pair->desk,
		&(struct wish){.name = "gang", .cpu_milli = 2000, .count = n_gang, .is_gang = true},
		pair->gang);
}

static void
pair_fini(struct pair *pair)
{
	desk_fini(&pair->desk);
	desk_worker_fini(&pair->one);
	desk_worker_fini(&pair->two);
}

static void
claim_both(struct pair *pair)
{
	CLEANUP(answer_free) struct answer *answer = answer_new();

	CHECK(pair->desk.question->tasks[0]->gang && pair->desk.question->tasks[0]->may_claim);
	answer_claim(answer, pair->gang, 0, &pair->one);
	answer_claim(answer, pair->gang, 1, &pair->two);
	say(&pair->desk, &answer->reply);
	CHECK_EQ(pair->desk.manager->claims.n_parts, 2);
	CHECK_EQ(pair->desk.manager->claims.n_by_age, 1);
}

TEST(claims_of_a_gang_are_served_all_at_once)
{
	struct pair pair;
	struct desk *desk = &pair.desk;
	char small[ID_TEXT_SIZE];

	pair_init(&pair, 2);
	claim_both(&pair);
	CHECK_HAS(task_at(desk, pair.gang, 0)->message, "with all of its array");
	CHECK_HAS(task_at(desk, pair.gang, 1)->message, "'n2': what comes free there is kept");
	desk->no_scheduler = false;
	desk_worker_report(&pair.one, pair.a, 1, ENDED_, 0);
	submit(desk, &(struct wish){.name = "small", .cpu_milli = 1000}, small);
	CHECK_EQ(desk_task(desk, small)->state, TASK_PENDING); /* n1 is empty, and kept */
	CHECK_EQ(task_at(desk, pair.gang, 0)->state, TASK_PENDING);
	desk_worker_report(&pair.two, pair.b, 1, ENDED_, 0);
	CHECK_EQ(task_at(desk, pair.gang, 0)->state, TASK_SCHEDULED);
	CHECK_EQ(task_at(desk, pair.gang, 1)->state, TASK_SCHEDULED);
	CHECK_EQ(desk->manager->claims.n_parts, 0);
	CHECK_EQ(desk->manager->claims.n_by_age, 0);
	CHECK(desk->manager->claims.all == NULL);
	CHECK_EQ(desk_node(desk, "n1")->account.claimed.cpu_milli, 0);
	CHECK_EQ(desk_node(desk, "n2")->account.claimed.cpu_milli, 0);
	pair_fini(&pair);
}

/*
 * Both are asked about again after a sweep. An answer that places one of them twice and asks for
 * more news sends that one back to its claim, and leaves the other to be asked about at once.
 */
TEST(claims_of_a_gang_do_not_let_a_part_of_it_be_asked_about_alone)
{
	struct pair pair;
	struct desk *desk = &pair.desk;
	CLEANUP(answer_free) struct answer *twice = answer_new();

	pair_init(&pair, 2);
	claim_both(&pair);
	claims_sweep(desk->manager);
	ask_again(desk);
	CHECK_EQ(desk->question->n_tasks, 2);
	(void)answer_place(twice, pair.gang, 0, &pair.one);
	(void)answer_place(twice, pair.gang, 0, &pair.two);
	twice->reply.has_wants_groups = twice->reply.wants_groups = true;
	say(desk, &twice->reply);
	ask_again(desk);
	CHECK_EQ(desk->question->n_tasks, 2);
	CHECK_EQ(desk->manager->claims.n_parts, 2);
	pair_fini(&pair);
}

/* Those of the pair, one task a node at most, of so high a priority that others end for them. */
static void
pair_init_strict(struct pair *pair)
{
	pair_init(pair, 2);
	submit(&pair->desk,
		&(struct wish){.name = "strict",
			.cpu_milli = 1000,
			.count = 2,
			.is_gang = true,
			.priority = 80,
			.max_per_node = 1},
		pair->gang);
}

static void
answer_evict(struct answer *answer, const struct eviction *eviction, const char *array,
	uint32_t index, const struct desk_worker *worker)
{
	Davit__Placement *placement = answer_place(answer, array, index, worker);

	placement->evictions = (Davit__PlaceCount **)(uintptr_t)eviction->counts;
	placement->n_evictions = 1;
}

/*
 * An array has room kept for it, one task a node, and is asked about again; now others shall end
 * for it, and its tasks change places. What was kept for it does not stand in its own way.
 */
TEST(claims_of_an_array_do_not_count_against_its_next_ones)
{
	struct pair pair;
	struct desk *desk = &pair.desk;
	CLEANUP(answer_free) struct answer *kept = answer_new();
	CLEANUP(answer_free) struct answer *evicting = answer_new();
	struct eviction of_one, of_two;

	pair_init_strict(&pair);
	while (!is_asked_about(desk, pair.gang))
		refuse_all(desk, "cpu");
	answer_claim(kept, pair.gang, 0, &pair.one);
	answer_claim(kept, pair.gang, 1, &pair.two);
	say(desk, &kept->reply);
	CHECK_EQ(desk->manager->claims.n_by_age, 1);
	claims_sweep(desk->manager);
	ask_again(desk);
	(void)eviction(&of_one, pair.gang, pair.one.node_id, pair.a, 1);
	(void)eviction(&of_two, pair.gang, pair.two.node_id, pair.b, 1);
	answer_evict(evicting, &of_two, pair.gang, 0, &pair.two);
	answer_evict(evicting, &of_one, pair.gang, 1, &pair.one);
	say(desk, &evicting->reply);
	CHECK_EQ(desk_task(desk, pair.a)->desired, DAVIT__TASK__DESIRED__STOP);
	CHECK_EQ(desk_task(desk, pair.b)->desired, DAVIT__TASK__DESIRED__STOP);
	CHECK_EQ(desk->manager->claims.n_by_age, 0); /* it was kept anew, and there was enough */
	CHECK_EQ(task_at(desk, pair.gang, 0)->state, TASK_SCHEDULED);
	CHECK_EQ(task_at(desk, pair.gang, 1)->state, TASK_SCHEDULED);
	pair_fini(&pair);
}

/*
 * The scheduler does not see for whom room is kept, and would keep more of the array there, again
 * and again: so only one of its tasks has some at a time.
 */
TEST(claims_of_an_array_with_max_per_node_are_one_at_a_time)
{
	struct pair pair;
	struct desk *desk = &pair.desk;
	CLEANUP(answer_free) struct answer *both = answer_new();
	struct wish wish = {.name = "sparse", .cpu_milli = 2000, .count = 2, .max_per_node = 1};
	char second[ID_TEXT_SIZE];

	pair_init(&pair, 1);
	submit(desk, &wish, pair.gang);
	while (!is_asked_about(desk, pair.gang))
		refuse_all(desk, "cpu");
	CHECK(desk->question->tasks[desk->question->n_tasks - 1]->may_claim);
	answer_claim(both, pair.gang, 0, &pair.one);
	answer_claim(both, pair.gang, 1, &pair.one);
	say(desk, &both->reply);
	CHECK_EQ(desk->manager->claims.n_parts, 1);
	id_format(task_at(desk, pair.gang, 1)->id, second);
	while (!is_asked_about(desk, second))
		ask_again(desk);
	for (size_t i = 0; i < desk->question->n_tasks; i++)
		CHECK(strcmp(desk->question->tasks[i]->task_id, second) != 0 ||
			!desk->question->tasks[i]->may_claim);
	pair_fini(&pair);
}

/* Who asks why it waits is not told that what is kept for it is taken. */
TEST(claims_are_left_out_of_the_question_about_their_own_task)
{
	struct pair pair;
	struct desk *desk = &pair.desk;
	Davit__ExplainTaskRequest request = DAVIT__EXPLAIN_TASK_REQUEST__INIT;
	Davit__PlaceReply nothing = DAVIT__PLACE_REPLY__INIT;
	struct desk_reply reply;
	char other[ID_TEXT_SIZE];

	pair_init(&pair, 2);
	claim_both(&pair);
	request.task = pair.gang;
	desk_send(desk, "ExplainTask", &request.base, NULL, &reply);
	desk_turn(desk);
	CHECK(desk->question->dry_run);
	CHECK_EQ(desk->question->n_nodes, 2);
	for (size_t i = 0; i < 2; i++)
		CHECK_EQ(desk->question->nodes[i]->reserved->cpu_milli,
			strcmp(desk->question->nodes[i]->name, "n1") == 0 ? 1000 : 2000);
	say(desk, &nothing);
	CHECK(reply.is_there);
	desk_reply_fini(&reply);
	submit(desk, &(struct wish){.name = "other", .cpu_milli = 1000}, other);
	CHECK_EQ(desk->question->n_nodes, 1); /* told again as it is */
	CHECK_EQ(desk->question->nodes[0]->reserved->cpu_milli, 2000);
	pair_fini(&pair);
}

TEST(claims_that_two_gangs_have_crosswise_are_served_one_after_the_other)
{
	struct pair pair;
	struct desk *desk = &pair.desk;
	CLEANUP(answer_free) struct answer *answer = answer_new();
	char later[ID_TEXT_SIZE];

	pair_init(&pair, 2);
	claim_both(&pair);
	submit(desk,
		&(struct wish){.name = "later", .cpu_milli = 2000, .count = 2, .is_gang = true},
		later);
	answer_claim(answer, later, 0, &pair.two);
	answer_claim(answer, later, 1, &pair.one);
	say(desk, &answer->reply);
	CHECK_EQ(desk->manager->claims.n_parts, 4);
	desk_worker_report(&pair.two, pair.b, 1, ENDED_, 0);
	desk_worker_report(&pair.one, pair.a, 1, ENDED_, 0);
	CHECK_EQ(task_at(desk, pair.gang, 0)->state, TASK_SCHEDULED);
	CHECK_EQ(task_at(desk, pair.gang, 1)->state, TASK_SCHEDULED);
	CHECK_EQ(task_at(desk, later, 0)->state, TASK_PENDING);
	desk_worker_report(&pair.one, answer->ids[0], 1, ENDED_, 0); /* not its own: nothing */
	{
		char first[ID_TEXT_SIZE], second[ID_TEXT_SIZE];

		id_format(task_at(desk, pair.gang, 0)->id, first);
		id_format(task_at(desk, pair.gang, 1)->id, second);
		desk_worker_report(&pair.one, first, 1, ENDED_, 0);
		CHECK_EQ(task_at(desk, later, 1)->state, TASK_PENDING);
		desk_worker_report(&pair.two, second, 1, ENDED_, 0);
	}
	CHECK_EQ(task_at(desk, later, 0)->state, TASK_SCHEDULED);
	CHECK_EQ(task_at(desk, later, 1)->state, TASK_SCHEDULED);
	pair_fini(&pair);
}

TEST(claims_of_a_gang_refuse_what_may_not_be)
{
	struct pair pair;
	struct desk *desk = &pair.desk;
	CLEANUP(answer_free) struct answer *both = answer_new();
	CLEANUP(answer_free) struct answer *twice = answer_new();
	CLEANUP(answer_free) struct answer *good = answer_new();

	pair_init(&pair, 2);
	answer_claim(both, pair.gang, 0, &pair.one);
	answer_claim(both, pair.gang, 1, &pair.one);
	say(desk, &both->reply);
	CHECK_HAS(desk->manager->placing.refused, "'n1' could never hold it");
	ask_again(desk);
	answer_claim(twice, pair.gang, 0, &pair.one);
	answer_claim(twice, pair.gang, 0, &pair.two);
	say(desk, &twice->reply);
	CHECK_HAS(desk->manager->placing.refused, "did not place all tasks of the array together");
	ask_again(desk);
	desk->manager->config.claim_after_ms = MANAGER_CLAIM_AFTER_MS;
	answer_claim(good, pair.gang, 0, &pair.one);
	answer_claim(good, pair.gang, 1, &pair.two);
	say(desk, &good->reply); /* it has not waited so long */
	CHECK_HAS(desk->manager->placing.refused, "would keep room for one that may not");
	CHECK_EQ(desk->manager->claims.n_parts, 0);
	CHECK_EQ(desk_node(desk, "n1")->account.claimed.cpu_milli, 0);
	pair_fini(&pair);
}

TEST(claims_are_given_back_when_a_node_goes_and_for_the_part_of_a_task_that_ends)
{
	struct pair pair;
	struct desk *desk = &pair.desk;
	Davit__UpdateNodeRequest request = DAVIT__UPDATE_NODE_REQUEST__INIT;
	char second[ID_TEXT_SIZE], name[] = "n1";

	pair_init(&pair, 2);
	claim_both(&pair);
	id_format(task_at(desk, pair.gang, 1)->id, second);
	desk_stop(desk, second);
	CHECK_EQ(desk->manager->claims.n_parts, 1);
	CHECK_EQ(desk_node(desk, "n2")->account.claimed.cpu_milli, 0);
	CHECK_EQ(desk_node(desk, "n1")->account.claimed.cpu_milli, 2000);
	request.node = name;
	request.has_draining = request.draining = true;
	protobuf_c_message_free_unpacked(desk_ask(desk, "UpdateNode", &request.base), NULL);
	CHECK_EQ(desk->manager->claims.n_parts, 0);
	CHECK(is_asked_about(desk, pair.gang)); /* like any other */
	pair_fini(&pair);
}

static void
label_node(struct desk *desk, char *name)
{
	Davit__UpdateNodeRequest request = DAVIT__UPDATE_NODE_REQUEST__INIT;
	Davit__StringEntry label = DAVIT__STRING_ENTRY__INIT, *labels[] = {&label};

	label.key = label.value = (char *)"mood";
	request.node = name;
	request.labels = labels;
	request.n_labels = 1;
	protobuf_c_message_free_unpacked(desk_ask(desk, "UpdateNode", &request.base), NULL);
}

/* Whether the node is still one for them, the scheduler did not know: nor for one that fits now. */
TEST(claims_and_places_by_older_labels_than_the_nodes_are_refused)
{
	struct pair pair;
	struct desk *desk = &pair.desk;
	CLEANUP(answer_free) struct answer *old = answer_new();
	CLEANUP(answer_free) struct answer *place = answer_new();
	char name[] = "n1", small[ID_TEXT_SIZE];

	pair_init(&pair, 2);
	label_node(desk, name);
	answer_claim(old, pair.gang, 0, &pair.one);
	answer_claim(old, pair.gang, 1, &pair.two);
	say(desk, &old->reply);
	CHECK_HAS(desk->manager->placing.refused, "'n1' got other labels or taints");
	CHECK_EQ(desk->manager->claims.n_parts, 0);
	ask_again(desk);
	claim_both(&pair); /* it has been told now */
	submit(desk, &(struct wish){.name = "small"}, small);
	label_node(desk, name);
	(void)answer_place(place, small, 0, &pair.one);
	say(desk, &place->reply);
	CHECK_EQ(desk_task(desk, small)->state, TASK_PENDING);
	CHECK_HAS(desk_task(desk, small)->message, "'n1' got other labels or taints");
	pair_fini(&pair);
}

/* What a worker says of its node when it registers again. */
static void
join_with_label(struct desk *desk, struct desk_worker *worker)
{
	Davit__RegisterNodeRequest request = DAVIT__REGISTER_NODE_REQUEST__INIT;
	Davit__Resources capacity = DAVIT__RESOURCES__INIT;
	Davit__StringEntry label = DAVIT__STRING_ENTRY__INIT, *labels[] = {&label};

	label.key = label.value = (char *)"mood";
	capacity.has_cpu_milli = capacity.has_memory_bytes = true;
	capacity.cpu_milli = 2000;
	capacity.memory_bytes = UINT64_C(8) << 30;
	request.capacity = &capacity;
	request.name = worker->name;
	request.node_id = worker->node_id;
	request.labels = labels;
	request.n_labels = 1;
	protobuf_c_message_free_unpacked(desk_ask(desk, "RegisterNode", &request.base), NULL);
}

TEST(claims_are_given_back_when_a_worker_comes_back_with_other_labels)
{
	struct pair pair;

	pair_init(&pair, 2);
	claim_both(&pair);
	desk_worker_join(&pair.desk, &pair.one, "n1", 2000);
	CHECK_EQ(pair.desk.manager->claims.n_parts, 2); /* the same ones */
	join_with_label(&pair.desk, &pair.one);
	CHECK_EQ(pair.desk.manager->claims.n_parts, 0);
	pair_fini(&pair);
}

/* Nothing of it is stored: age is, and that is enough. */
TEST(claims_are_made_again_at_once_after_a_restart)
{
	struct pair pair;
	struct desk *desk = &pair.desk;
	char small[ID_TEXT_SIZE];

	pair_init(&pair, 2);
	claim_both(&pair);
	desk_restart(desk);
	CHECK_EQ(desk->manager->claims.n_parts, 0);
	desk_turn(desk);
	if (desk->question != NULL)
		refuse_all(desk, "state"); /* no node has been heard yet */
	desk_worker_join(desk, &pair.one, "n1", 2000);
	desk_worker_join(desk, &pair.two, "n2", 2000);
	CHECK(is_asked_about(desk, pair.gang));
	refuse_all(desk, "cpu"); /* it was thought out before n2 was there */
	CHECK(is_asked_about(desk, pair.gang));
	claim_both(&pair);
	desk->no_scheduler = false;
	desk_worker_report(&pair.one, pair.a, 1, ENDED_, 0);
	submit(desk, &(struct wish){.name = "small", .cpu_milli = 1000}, small);
	CHECK_EQ(desk_task(desk, small)->state, TASK_PENDING);
	desk_worker_report(&pair.two, pair.b, 1, ENDED_, 0);
	CHECK_EQ(task_at(desk, pair.gang, 1)->state, TASK_SCHEDULED);
	pair_fini(&pair);
}

TEST(claims_by_age_are_so_many_at_one_time)
{
	struct pair pair;
	struct desk *desk = &pair.desk;
	CLEANUP(answer_free) struct answer *answer = answer_new();
	char id[MANAGER_CLAIMS_BY_AGE_MAX + 1][ID_TEXT_SIZE];

	pair_init(&pair, 2);
	refuse_all(desk, "cpu");
	desk->manager->placing.retry_mono_ms = UINT64_MAX;
	for (uint32_t i = 0; i <= MANAGER_CLAIMS_BY_AGE_MAX; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "big-%u", i);
		submit(desk, &(struct wish){.name = name, .cpu_milli = 2000}, id[i]);
		answer_claim(answer, id[i], 0, &pair.one);
	}
	desk->manager->placing.retry_mono_ms = 0;
	desk_turn(desk);
	CHECK(desk->question->tasks[0]->may_claim);
	say(desk, &answer->reply);
	CHECK_EQ(desk->manager->claims.n_by_age, MANAGER_CLAIMS_BY_AGE_MAX);
	CHECK_EQ(desk->manager->placing.n_refused, 1);
	CHECK_HAS(desk->manager->placing.refused, "may not");
	ask_again(desk);
	CHECK(is_asked_about(desk, id[MANAGER_CLAIMS_BY_AGE_MAX]));
	for (size_t i = 0; i < desk->question->n_tasks; i++)
		CHECK(!desk->question->tasks[i]->may_claim);
	pair_fini(&pair);
}

TEST(claims_keep_room_for_so_many_tasks_in_all)
{
	struct desk desk;
	struct desk_worker worker = {0};
	CLEANUP(answer_free) struct answer *answer = answer_new();
	char gang[ID_TEXT_SIZE], one[ID_TEXT_SIZE];
	struct task *task;
	struct node *node;
	struct err err = {0};

	desk_init(&desk);
	desk.manager->config.claim_after_ms = 0;
	desk_worker_join(&desk, &worker, "n1", 10 * (MANAGER_CLAIMS_MAX + 1));
	desk.no_scheduler = true;
	submit(&desk,
		&(struct wish){.name = "gang",
			.cpu_milli = 10,
			.count = MANAGER_CLAIMS_MAX,
			.is_gang = true},
		gang);
	CHECK_EQ(desk.question->n_tasks, MANAGER_CLAIMS_MAX);
	for (uint32_t i = 0; i < MANAGER_CLAIMS_MAX; i++)
		answer_claim(answer, gang, i, &worker);
	/* It would fit at once: so that it does not, its node is full. */
	node = desk_node(&desk, "n1");
	node->account.reserved.cpu_milli = node->account.capacity.cpu_milli;
	say(&desk, &answer->reply);
	CHECK_EQ(desk.manager->claims.n_parts, MANAGER_CLAIMS_MAX);
	submit(&desk, &(struct wish){.name = "one", .cpu_milli = 10}, one);
	CHECK(!desk.question->tasks[0]->may_claim);
	task = desk_task(&desk, one);
	CHECK_EQ(claims_make(desk.manager, &task, &node, 1, false, &err), -ENOSPC);
	CHECK_HAS(err.text, "MANAGER_CLAIMS_MAX");
	node->account.reserved.cpu_milli = 0;
	waiting_node_roomier(desk.manager, node);
	desk_worker_poll(&worker, NULL);
	CHECK_EQ(task_at(&desk, gang, MANAGER_CLAIMS_MAX - 1)->state, TASK_SCHEDULED);
	CHECK_EQ(desk.manager->claims.n_parts, 0);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}
