/* One batch is committed while the next one gathers: what each may say, and when. */
#include <errno.h>

#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

#define OK_          DAVIT__REPLY__STATUS__OK
#define UNAVAILABLE_ DAVIT__REPLY__STATUS__UNAVAILABLE

static void
submit(struct desk *desk, const char *name, struct desk_reply *reply)
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;

	spec.image = "demo:1";
	spec.name = (char *)(uintptr_t)name;
	request.spec = &spec;
	desk_send(desk, "SubmitTasks", &request.base, name, reply);
}

static void
look(struct desk *desk, const char *name, struct desk_reply *reply)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;

	request.task = (char *)(uintptr_t)name;
	desk_send(desk, "GetTask", &request.base, NULL, reply);
}

static void
commit(struct desk *desk, const struct store_batch *writes)
{
	struct err err;

	CHECK_OK(store_commit(desk->store, writes, &err), &err);
	manager_release(desk->manager);
}

/* The sealed batch does not get to the disk. */
static void
lose(struct desk *desk, const struct store_batch *writes)
{
	struct err err;

	store_mem_fail_next(desk->store, 0, -EIO);
	CHECK_EQ(store_commit(desk->store, writes, &err), -EIO);
	manager_abort(desk->manager, err.text);
	CHECK_OK(manager_load(desk->manager, desk->store, desk->now, &err), &err);
}

/* A desk at rest, where nothing happens by itself. */
static void
begin(struct desk *desk)
{
	desk_init(desk);
	desk_turn(desk);
	desk->no_scheduler = true;
}

TEST(manager_decides_while_a_batch_is_committed_and_answers_each_with_its_own)
{
	struct desk desk;
	struct desk_reply first, second;
	const struct store_batch *writes;

	begin(&desk);
	submit(&desk, "web", &first);
	writes = manager_seal(desk.manager);
	submit(&desk, "api", &second);
	CHECK(manager_has_writes(desk.manager));
	commit(&desk, writes);
	CHECK_EQ(first.status, OK_);
	CHECK(first.is_there && !second.is_there);
	desk_restart(&desk); /* a kill: what was told is there, what was not is not */
	CHECK_EQ(second.status, UNAVAILABLE_);
	CHECK_EQ(desk.manager->model.n_tasks, 1);
	desk_reply_fini(&first);
	desk_reply_fini(&second);
	desk_fini(&desk);
}

TEST(manager_loses_the_next_batch_with_the_one_that_failed)
{
	struct desk desk;
	struct desk_reply first, second, again;
	const struct store_batch *writes;

	begin(&desk);
	submit(&desk, "web", &first);
	writes = manager_seal(desk.manager);
	submit(&desk, "api", &second);
	lose(&desk, writes);
	CHECK_EQ(first.status, UNAVAILABLE_);
	CHECK_EQ(second.status, UNAVAILABLE_);
	CHECK_EQ(desk.manager->model.n_tasks, 0);
	CHECK(!manager_has_writes(desk.manager));
	submit(&desk, "api", &again); /* the same request_id: it was not remembered */
	desk_turn(&desk);
	CHECK_EQ(again.status, OK_);
	desk_restart(&desk);
	CHECK_EQ(desk.manager->model.n_tasks, 1);
	desk_reply_fini(&first);
	desk_reply_fini(&second);
	desk_reply_fini(&again);
	desk_fini(&desk);
}

TEST(manager_answers_a_read_with_what_it_saw)
{
	struct desk desk;
	struct desk_reply write, other, early, with, late;
	const struct store_batch *writes;

	begin(&desk);
	look(&desk, "web", &early);
	CHECK_EQ(early.status, DAVIT__REPLY__STATUS__NOT_FOUND); /* at once: all is committed */
	desk_reply_fini(&early);
	submit(&desk, "web", &write);
	look(&desk, "web", &early); /* before the batch is sealed, and goes with it */
	writes = manager_seal(desk.manager);
	look(&desk, "web", &with); /* saw the same */
	submit(&desk, "api", &other);
	look(&desk, "web", &late); /* might have seen more */
	CHECK(!early.is_there && !with.is_there && !late.is_there);
	commit(&desk, writes);
	CHECK(early.is_there && with.is_there && !late.is_there);
	CHECK_EQ(with.status, OK_);
	writes = manager_seal(desk.manager);
	CHECK(!late.is_there);
	commit(&desk, writes);
	CHECK_EQ(late.status, OK_);
	desk_reply_fini(&early);
	desk_reply_fini(&with);
	desk_reply_fini(&late);
	desk_reply_fini(&write);
	desk_reply_fini(&other);
	desk_fini(&desk);
}

static void
look_at_state(struct desk *desk, const char *name, Davit__Task__State state,
	struct desk_reply *reply)
{
	Davit__ListTasksRequest request = DAVIT__LIST_TASKS_REQUEST__INIT;

	request.name = (char *)(uintptr_t)name;
	request.states = &state;
	request.n_states = 1;
	desk_send(desk, "ListTasks", &request.base, NULL, reply);
}

/* Whether the answer is there already, and how many tasks are in it. */
static bool
is_list_of(struct desk_reply *reply, size_t n)
{
	bool is = reply->is_there && reply->status == OK_ &&
		  ((const Davit__ListTasksReply *)reply->response)->n_tasks == n;

	desk_reply_fini(reply);
	return is;
}

TEST(manager_answers_at_once_a_read_of_what_does_not_change)
{
	struct desk desk;
	char id[ID_TEXT_SIZE];
	struct desk_reply write, other, by_id, by_name, list, all;
	const struct store_batch *writes;

	begin(&desk);
	desk_submit(&desk, "web", 0, false, id);
	submit(&desk, "api", &write);
	writes = manager_seal(desk.manager);
	submit(&desk, "db", &other);
	look(&desk, id, &by_id);
	CHECK_EQ(by_id.status, OK_);
	look(&desk, "web", &by_name); /* a name may mean another tomorrow */
	CHECK(by_id.is_there && !by_name.is_there);
	look_at_state(&desk, "web", DAVIT__TASK__STATE__PENDING, &list);
	CHECK(is_list_of(&list, 1));
	look_at_state(&desk, "web", DAVIT__TASK__STATE__RUNNING, &list);
	CHECK(is_list_of(&list, 0));
	look_at_state(&desk, "nobody", DAVIT__TASK__STATE__PENDING, &list);
	CHECK(is_list_of(&list, 0));
	look_at_state(&desk, "api", DAVIT__TASK__STATE__PENDING, &list);
	look_at_state(&desk, NULL, DAVIT__TASK__STATE__PENDING, &all);
	CHECK(!list.is_there && !all.is_there);
	commit(&desk, writes);
	CHECK(is_list_of(&list, 1));
	CHECK(!all.is_there);
	commit(&desk, manager_seal(desk.manager));
	CHECK(is_list_of(&all, 3));
	desk_reply_fini(&by_id);
	desk_reply_fini(&by_name);
	desk_reply_fini(&write);
	desk_reply_fini(&other);
	desk_fini(&desk);
}

static void
send_removal(struct desk *desk, const char *id, struct desk_reply *reply)
{
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	char *ids[] = {(char *)(uintptr_t)id};

	request.tasks = ids;
	request.n_tasks = 1;
	request.has_force = request.force = true;
	desk_send(desk, "RemoveTasks", &request.base, "removal", reply);
}

/* What is missing, or does not fit any more, was there before. */
TEST(manager_does_not_tell_of_a_removal_or_a_move_that_is_not_stored)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char web[ID_TEXT_SIZE], api[ID_TEXT_SIZE];
	struct desk_reply removal, list, moved, node, other;
	const struct store_batch *writes;

	begin(&desk);
	desk_submit(&desk, "web", 0, false, web);
	desk_submit(&desk, "api", 100, false, api);
	send_removal(&desk, web, &removal);
	look_at_state(&desk, "web", DAVIT__TASK__STATE__PENDING, &list);
	CHECK(!list.is_there);
	writes = manager_seal(desk.manager);
	look_at_state(&desk, "nobody", DAVIT__TASK__STATE__PENDING, &moved);
	CHECK(!moved.is_there);
	commit(&desk, writes);
	CHECK(is_list_of(&list, 0));
	CHECK(is_list_of(&moved, 0));
	desk_reply_fini(&removal);

	desk.no_scheduler = false;
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_turn(&desk);
	CHECK_EQ(desk_task(&desk, api)->state, TASK_SCHEDULED);
	lifecycle_stop(desk.manager, desk_task(&desk, api), false, 0);
	look_at_state(&desk, "api", DAVIT__TASK__STATE__PENDING, &moved);
	CHECK(!moved.is_there); /* as a group: none of it is PENDING */
	commit(&desk, manager_seal(desk.manager));
	CHECK(is_list_of(&moved, 0));

	submit(&desk, "db", &other);
	look(&desk, api, &node); /* that removal is long stored */
	CHECK(node.is_there);
	desk_reply_fini(&node);
	batch_touch_node(desk.manager, desk_node(&desk, "n1"));
	look(&desk, api, &node);
	CHECK(!node.is_there);
	commit(&desk, manager_seal(desk.manager));
	CHECK(node.is_there);
	desk_reply_fini(&other);
	desk_reply_fini(&node);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_refuses_reads_of_what_was_lost)
{
	struct desk desk;
	struct desk_reply write, with;
	const struct store_batch *writes;

	begin(&desk);
	submit(&desk, "web", &write);
	writes = manager_seal(desk.manager);
	look(&desk, "web", &with);
	lose(&desk, writes);
	CHECK_EQ(with.status, UNAVAILABLE_);
	look(&desk, "web", &with);
	CHECK_EQ(with.status, DAVIT__REPLY__STATUS__NOT_FOUND);
	desk_reply_fini(&with);
	desk_reply_fini(&write);
	desk_fini(&desk);
}

TEST(manager_shows_events_with_the_batch_that_made_them)
{
	struct desk desk;
	Davit__ReadEventsRequest request = DAVIT__READ_EVENTS_REQUEST__INIT;
	const Davit__ReadEventsReply *events;
	struct desk_reply first, second, parked, history;
	const struct store_batch *writes;

	begin(&desk);
	request.has_wait_ms = true;
	request.wait_ms = 60000;
	desk_send(&desk, "ReadEvents", &request.base, NULL, &parked);
	submit(&desk, "web", &first);
	writes = manager_seal(desk.manager);
	submit(&desk, "api", &second);
	desk.n_published = 0;
	commit(&desk, writes);
	CHECK_EQ(desk.n_published, 1);
	CHECK(parked.is_there);
	events = (const Davit__ReadEventsReply *)parked.response;
	CHECK_EQ(events->n_events, 1);
	CHECK_STR(events->events[0]->task_name, "web");
	lose(&desk, manager_seal(desk.manager));
	request.has_history = request.history = true;
	desk_send(&desk, "ReadEvents", &request.base, NULL, &history);
	desk_turn(&desk);
	events = (const Davit__ReadEventsReply *)history.response;
	CHECK_EQ(events->n_events, 1);
	desk_reply_fini(&first);
	desk_reply_fini(&second);
	desk_reply_fini(&parked);
	desk_reply_fini(&history);
	desk_fini(&desk);
}

/* They took the places of older ones, which are gone as well. */
TEST(manager_reads_events_after_more_were_lost_than_there_was_room_for)
{
	struct desk desk;
	Davit__ReadEventsRequest request = DAVIT__READ_EVENTS_REQUEST__INIT;
	Davit__ReadEventsReply *events;
	const struct node node = {.name = "n"};

	begin(&desk);
	for (unsigned i = 0; i < MANAGER_EVENTS_MAX; i++)
		events_node(desk.manager, &node, "ready");
	desk_turn(&desk);
	for (unsigned i = 0; i < 10; i++)
		events_node(desk.manager, &node, "lost");
	manager_abort(desk.manager, "test");
	request.has_history = request.history = true;
	events = (Davit__ReadEventsReply *)desk_ask(&desk, "ReadEvents", &request.base);
	CHECK_EQ(events->lost, 10);
	CHECK_EQ(events->events[0]->seq, 11);
	davit__read_events_reply__free_unpacked(events, NULL);
	for (unsigned i = 0; i < 2 * MANAGER_EVENTS_MAX; i++)
		events_node(desk.manager, &node, "lost");
	CHECK(manager_is_ahead(desk.manager));
	manager_abort(desk.manager, "test");
	CHECK(!manager_is_ahead(desk.manager));
	events = (Davit__ReadEventsReply *)desk_ask(&desk, "ReadEvents", &request.base);
	CHECK_EQ(events->n_events, 0);
	davit__read_events_reply__free_unpacked(events, NULL);
	desk_fini(&desk);
}

TEST(manager_tells_a_worker_what_was_sealed_and_not_what_came_after)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__StopTasksRequest stop = DAVIT__STOP_TASKS_REQUEST__INIT;
	char *tasks[] = {(char *)(uintptr_t) "web"}, id[ID_TEXT_SIZE];
	const struct store_batch *writes;
	struct desk_reply stopped;
	const Davit__PollReply *heard;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "web", 0, false, id);
	desk_worker_poll(&worker, NULL); /* it has been put there and is told */
	desk_worker_report(&worker, id, 1, DAVIT__TASK_REPORT__OBSERVED__RUNNING, 0);
	assignments_changed(desk.manager, desk_task(&desk, id));
	writes = manager_seal(desk.manager);
	stop.tasks = tasks;
	stop.n_tasks = 1;
	desk_send(&desk, "StopTasks", &stop.base, "r1", &stopped);
	commit(&desk, writes);
	CHECK(worker.poll->is_there && !stopped.is_there);
	heard = (const Davit__PollReply *)worker.poll->response;
	CHECK_EQ(heard->n_assignments, 1);
	CHECK_EQ(heard->assignments[0]->desired, DAVIT__TASK__DESIRED__RUN);
	desk_worker_poll(&worker, NULL);
	CHECK_EQ(desk_worker_assignment(&worker, id)->desired, DAVIT__TASK__DESIRED__STOP);
	desk_reply_fini(&stopped);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_asks_the_scheduler_behind_the_answer_as_well)
{
	struct desk desk;
	struct desk_worker worker = {0};
	struct desk_reply reply;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk.no_scheduler = true;
	submit(&desk, "web", &reply);
	commit(&desk, manager_seal(desk.manager));
	CHECK_EQ(reply.status, OK_);
	CHECK_EQ(desk.n_questions, 0);
	CHECK(manager_has_work(desk.manager));
	manager_ask(desk.manager);
	CHECK_EQ(desk.n_questions, 1);
	CHECK(!manager_has_work(desk.manager));
	manager_ask(desk.manager);
	CHECK_EQ(desk.n_questions, 1); /* one at a time */
	desk_reply_fini(&reply);
	desk_worker_fini(&worker);
	desk_fini(&desk);
}

TEST(manager_asks_the_scheduler_beside_the_commit_and_ignores_the_answer_if_it_fails)
{
	struct desk desk;
	struct desk_worker worker = {0};
	struct desk_reply reply;
	const struct store_batch *writes;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk.no_scheduler = true;
	submit(&desk, "web", &reply);
	writes = manager_seal(desk.manager);
	CHECK_EQ(desk.n_questions, 0);
	manager_ask(desk.manager);
	CHECK_EQ(desk.n_questions, 1);
	lose(&desk, writes);
	CHECK_EQ(reply.status, UNAVAILABLE_);
	desk_reply_fini(&reply);
	submit(&desk, "api", &reply);
	while (manager_has_work(desk.manager))
		commit(&desk, manager_seal(desk.manager));
	CHECK_EQ(desk.n_questions, 1); /* one at a time */
	desk.no_scheduler = false;
	desk_turn(&desk);
	CHECK_EQ(desk.n_questions, 2);
	CHECK(desk.question == NULL || desk.question->snapshot);
	desk_reply_fini(&reply);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

/* What a node says may be among the calls that wait while a long batch is committed. */
TEST(manager_does_not_count_as_silence_what_waits_to_be_heard)
{
	struct desk desk;
	struct desk_worker worker = {0};

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	manager_set_backlog(desk.manager, 3000);
	for (unsigned i = 0; i < 6; i++)
		desk_pass(&desk, 500);
	CHECK_EQ(desk_node(&desk, "n1")->state, DAVIT__NODE__STATE__READY);
	manager_set_backlog(desk.manager, 0);
	desk_pass(&desk, 500);
	CHECK_EQ(desk_node(&desk, "n1")->state, DAVIT__NODE__STATE__UNKNOWN);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}
