/* The life of attempts on one node, against the engine in memory. */
#include <stdlib.h>

#include "tests/lib/worker_world.h"

#define OBS(x)   DAVIT__TASK_REPORT__OBSERVED__##x
#define CAUSE(x) DAVIT__TASK_REPORT__CAUSE__##x
#define WANT(x)  DAVIT__TASK__DESIRED__##x
#define PHASE(x) DAVIT__TASK__PHASE__##x

static struct world world;
static struct world_spec spec;

static void
begin(const char *image)
{
	world_init(&world);
	world_spec_init(&spec, image);
}

static struct world_task *
begin_running(const char *image)
{
	struct world_task *task;

	begin(image);
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	return task;
}

static unsigned n_starts, n_up;
static void
count_start(const struct engine_mem_view *view, void *arg)
{
	(void)arg;
	n_starts++;
	n_up += view->finished_ms == 0;
}

static unsigned
starts(void)
{
	n_starts = n_up = 0;
	engine_mem_each_start(world.engine_world, count_start, NULL);
	return n_starts;
}

static void
end_clean(struct world_task *task)
{
	world_want(&world, task, WANT(REMOVE));
	world_expect(&world, task, OBS(GONE), 20000);
	world_run(&world, 1500);
	CHECK_EQ(engine_mem_count(world.engine_world), 0);
	CHECK_EQ(worker_n_slots(world.worker), 0);
	CHECK_EQ(world.n_journal, 0);
	world_fini(&world);
}

TEST(worker_runs_a_task_to_its_end_and_removes_it_when_told)
{
	struct world_task *task = begin_running("exit:3/after:50ms");

	CHECK(task->started_ms > 0);
	world_expect(&world, task, OBS(ENDED), 2000);
	CHECK_EQ(task->exit_code, 3);
	CHECK_EQ(task->cause, CAUSE(EXIT));
	CHECK(task->finished_ms >= task->started_ms);
	CHECK_HAS(task->message, "code 3");
	CHECK_EQ(engine_mem_count(world.engine_world), 1); /* for its logs */
	end_clean(task);
}

TEST(worker_stops_with_grace_and_says_that_it_was_asked_to)
{
	struct world_task *task = begin_running("run:forever");

	world_want(&world, task, WANT(STOP));
	world_expect(&world, task, OBS(ENDED), 2000);
	CHECK_EQ(task->cause, CAUSE(STOP));
	CHECK_EQ(task->phase, PHASE(STOPPED));
	CHECK_EQ(task->exit_code, 143);
	end_clean(task);
}

TEST(worker_kills_at_once_when_a_stop_turns_impatient)
{
	struct world_task *task = begin_running("stubborn:TERM");

	world_want(&world, task, WANT(STOP));
	world_run(&world, 3000);
	CHECK_EQ(task->phase, PHASE(STOPPING));
	task->has_stop_timeout = true; /* davit rm -f: KILL at once */
	world_want(&world, task, WANT(REMOVE));
	world_expect(&world, task, OBS(GONE), 1500);
	end_clean(task);
}

TEST(worker_ends_a_task_that_never_ran_without_an_engine_call)
{
	struct world_task *task;

	begin("missing:5s");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_run(&world, 1000);
	CHECK_EQ(task->phase, PHASE(PULLING));
	world_want(&world, task, WANT(STOP));
	world_expect(&world, task, OBS(ENDED), 1500);
	CHECK(!task->has_exit_code);
	CHECK_EQ(task->cause, CAUSE(STOP));
	CHECK_EQ(starts(), 0);
	end_clean(task);
}

TEST(worker_answers_remove_of_what_it_never_had_with_gone)
{
	struct world_task *task;

	begin("run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	task->desired = WANT(REMOVE);
	world_expect(&world, task, OBS(GONE), 2000);
	CHECK_EQ(starts(), 0);
	end_clean(task);
}

TEST(worker_creates_but_does_not_start_what_shall_be_ready)
{
	struct world_task *task;

	begin("run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	task->desired = WANT(READY);
	world_run(&world, 3000);
	CHECK_EQ(engine_mem_count(world.engine_world), 1);
	CHECK_EQ(starts(), 0);
	world_want(&world, task, WANT(RUN));
	world_expect(&world, task, OBS(RUNNING), 2000);
	end_clean(task);
}

TEST(worker_restarts_at_once_then_with_growing_pauses)
{
	struct world_task *task;

	begin("exit:1/after:10ms");
	spec.restart.has_condition = true;
	spec.restart.condition = DAVIT__RESTART_POLICY__CONDITION__ON_FAILURE;
	spec.restart.has_max_attempts = true;
	spec.restart.max_attempts = 4;
	spec.spec.restart = &spec.restart;
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	world_run(&world, 300);
	CHECK(task->phase == PHASE(RESTARTING) || task->phase == PHASE(STARTED));
	world_expect(&world, task, OBS(ENDED), 5000);
	CHECK_EQ(starts(), 5); /* 0, 100, 200, 400 ms between them */
	CHECK_EQ(task->restart_count, 4);
	CHECK_EQ(task->exit_code, 1);
	end_clean(task);
}

TEST(worker_stops_a_task_between_two_restarts)
{
	struct world_task *task;

	begin("exit:1/after:10ms");
	spec.restart.has_condition = spec.restart.has_delay_ms = true;
	spec.restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
	spec.restart.delay_ms = 30000;
	spec.spec.restart = &spec.restart;
	task = world_assign(&world, 1, 1, &spec.spec);
	world_run(&world, 3000);
	CHECK_EQ(task->phase, PHASE(RESTARTING));
	CHECK_HAS(task->message, "starts again in");
	world_want(&world, task, WANT(STOP));
	world_expect(&world, task, OBS(ENDED), 1500);
	CHECK_EQ(task->cause, CAUSE(STOP));
	CHECK_EQ(starts(), 2);
	end_clean(task);
}

TEST(worker_says_why_a_container_was_killed_for_memory)
{
	struct world_task *task = begin_running("oom:50ms");

	world_expect(&world, task, OBS(ENDED), 2000);
	CHECK(task->oom_killed);
	CHECK_EQ(task->exit_code, 137);
	CHECK_HAS(task->message, "memory");
	end_clean(task);
}

TEST(worker_reports_health)
{
	struct world_task *task = begin_running("health:bad");

	world_run(&world, 60000);
	CHECK_EQ(task->phase, PHASE(UNHEALTHY));
	end_clean(task);
}

TEST(worker_ends_and_removes_a_task_when_its_ttl_is_over)
{
	struct world_task *task;

	begin("run:forever");
	spec.spec.has_ttl_ms = true;
	spec.spec.ttl_ms = 5000;
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	world_expect(&world, task, OBS(GONE), 6000);
	CHECK_EQ(task->cause, CAUSE(TTL));
	CHECK_EQ(task->exit_code, 137);
	CHECK_EQ(engine_mem_count(world.engine_world), 0);
	end_clean(task);
}

/* Whatever it does when its time is over: it is gone within the second after. */
TEST(worker_removes_a_task_within_a_second_of_its_ttl)
{
	static const struct {
		const char *image;
		Davit__TaskReport__Observed before; /* at that moment */
		bool restarts, ready;
	} cases[] = {
		{"run:forever", OBS(RUNNING), false, false},
		{"run:forever/stubborn:TERM", OBS(RUNNING), false, false},
		{"missing:1h/run:forever", OBS(PREPARING), false, false},
		{"run:forever", OBS(PREPARING), false, true},
		{"exit:0/after:10ms", OBS(ENDED), false, false},
		{"exit:1/after:10ms", OBS(RUNNING), true, false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct world_task *task;

		begin(cases[i].image);
		spec.spec.has_ttl_ms = true;
		spec.spec.ttl_ms = 60000;
		spec.restart.has_condition = cases[i].restarts;
		spec.restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
		spec.spec.restart = cases[i].restarts ? &spec.restart : NULL;
		task = world_assign(&world, 1, 1, &spec.spec);
		if (cases[i].ready)
			task->desired = WANT(READY);
		world_run(&world, 59900);
		CHECK_EQ(task->observed, cases[i].before);
		world_run(&world, 1100);
		CHECK_EQ(task->observed, OBS(GONE));
		CHECK_EQ(engine_mem_count(world.engine_world), 0);
		end_clean(task);
	}
}

/* Running long enough forgets the ends before: the next restart is at once again. */
TEST(worker_forgets_earlier_ends_of_a_task_that_ran_long_enough)
{
	struct world_task *task;
	uint64_t died_ms;

	begin("exit:1/after:20s");
	spec.restart.has_condition = spec.restart.has_delay_ms = true;
	spec.restart.has_reset_after_ms = true;
	spec.restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
	spec.restart.delay_ms = 5000;
	spec.restart.reset_after_ms = 10000;
	spec.spec.restart = &spec.restart;
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	for (unsigned i = 1; i <= 3; i++) {
		while (task->restart_count < i)
			world_run(&world, 100);
		died_ms = engine_mem_now(world.engine_world);
		CHECK(died_ms < task->started_ms + i * 21000);
	}
	/* A quick end after that is the second in a row: it waits. */
	CHECK(engine_mem_end(world.engine_world, task->container_id, 1, false));
	world_run(&world, 4000);
	CHECK_EQ(task->restart_count, 3);
	world_run(&world, 2000);
	CHECK_EQ(task->restart_count, 4);
	world_want(&world, task, WANT(REMOVE));
	world_expect(&world, task, OBS(GONE), 3000);
	end_clean(task);
}

TEST(worker_stops_what_ran_as_long_as_it_may)
{
	struct world_task *task;

	begin("run:forever");
	spec.spec.has_max_run_time_ms = true;
	spec.spec.max_run_time_ms = 4000;
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	world_expect(&world, task, OBS(ENDED), 4500);
	CHECK_EQ(task->cause, CAUSE(MAX_RUN_TIME));
	CHECK_HAS(task->message, "max_run_time");
	end_clean(task);
}

TEST(worker_stops_without_contact_only_what_says_so)
{
	struct world_task *task, *other;
	struct world_spec plain;

	begin("run:forever");
	world_spec_init(&plain, "run:forever");
	spec.disconnect.has_mode = spec.disconnect.has_stop_after_ms = true;
	spec.disconnect.mode = DAVIT__DISCONNECT__MODE__STOP_AFTER;
	spec.disconnect.stop_after_ms = 8000;
	spec.spec.disconnect = &spec.disconnect;
	task = world_assign(&world, 1, 1, &spec.spec);
	other = world_assign(&world, 2, 1, &plain.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	world_expect(&world, other, OBS(RUNNING), 3000);
	world_run(&world, 20000);
	CHECK_EQ(task->observed, OBS(RUNNING));
	world.is_down = true;
	world_run(&world, 12000);
	world.is_down = false;
	world_expect(&world, task, OBS(ENDED), 3000);
	CHECK_EQ(task->cause, CAUSE(NO_CONTACT));
	CHECK(world.n_redials > 0);
	world_run(&world, 3000);
	CHECK_EQ(other->observed, OBS(RUNNING));
	world_want(&world, other, WANT(REMOVE));
	world_expect(&world, other, OBS(GONE), 3000);
	end_clean(task);
}

TEST(worker_adopts_its_containers_after_a_crash)
{
	struct world_task *task = begin_running("exit:7/after:30s");
	uint64_t started_ms = task->started_ms;

	world_crash(&world);
	world_run(&world, 5000);
	CHECK_EQ(task->observed, OBS(RUNNING));
	CHECK(task->started_ms <= started_ms);
	CHECK_EQ(starts(), 1);
	world_expect(&world, task, OBS(ENDED), 30000);
	CHECK_EQ(task->exit_code, 7);
	world_crash(&world); /* and what had ended, ended */
	world_run(&world, 3000);
	CHECK_EQ(starts(), 1);
	end_clean(task);
}

TEST(worker_goes_on_restarting_after_a_crash)
{
	struct world_task *task;

	begin("exit:1/after:2s");
	spec.restart.has_condition = true;
	spec.restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
	spec.spec.restart = &spec.restart;
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	world.is_down = true;
	world_run(&world, 1000);
	world_crash(&world); /* its end is seen by nobody who knows the spec */
	world_run(&world, 5000);
	world.is_down = false;
	world_run(&world, 5000);
	CHECK_EQ(task->observed, OBS(RUNNING));
	CHECK(starts() > 1);
	end_clean(task);
}

TEST(worker_removes_what_no_complete_set_names)
{
	struct world_task *task = begin_running("run:forever");

	world_crash(&world);
	task->is_assigned = false;
	task->version = ++world.version;
	world_run(&world, 15000);
	CHECK_EQ(task->observed, OBS(GONE));
	CHECK_EQ(engine_mem_count(world.engine_world), 0);
	CHECK_EQ(worker_n_slots(world.worker), 0);
	world_fini(&world);
}

TEST(worker_does_not_run_an_attempt_twice_whose_container_vanished)
{
	struct world_task *task = begin_running("run:forever");

	CHECK(engine_mem_forget(world.engine_world, task->container_id));
	world_crash(&world); /* only the journal knows now */
	world_expect(&world, task, OBS(ENDED), 5000);
	CHECK_EQ(task->cause, CAUSE(VANISHED));
	CHECK_HAS(task->message, "worker was restarted"); /* it cannot know who did it */
	CHECK_EQ(starts(), 1);
	end_clean(task);
}

TEST(worker_sees_by_itself_that_a_container_vanished_without_a_word)
{
	struct world_task *task = begin_running("run:forever");

	CHECK(engine_mem_forget(world.engine_world, task->container_id));
	world_expect(&world, task, OBS(ENDED), 35000);
	CHECK_EQ(task->cause, CAUSE(VANISHED));
	CHECK_HAS(task->message, "somebody else");
	end_clean(task);
}

TEST(worker_makes_a_container_anew_where_the_policy_restarts)
{
	struct world_task *task;

	begin("run:forever");
	spec.restart.has_condition = true;
	spec.restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
	spec.spec.restart = &spec.restart;
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	CHECK(engine_mem_destroy(world.engine_world, task->container_id));
	world_run(&world, 3000);
	CHECK_EQ(task->observed, OBS(RUNNING));
	CHECK_EQ(task->phase, PHASE(STARTED));
	CHECK_EQ(task->restart_count, 1);
	CHECK_EQ(starts(), 2);
	end_clean(task);
}

static void
on_strangers_start(const struct err *err, void *arg)
{
	(void)arg;
	CHECK_EQ(err->code, 0);
}

TEST(worker_stops_an_ended_container_that_somebody_starts_again)
{
	struct world_task *task = begin_running("run:forever");
	struct engine *stranger;
	char id[80];

	world_want(&world, task, WANT(STOP));
	world_expect(&world, task, OBS(ENDED), 3000);
	(void)snprintf(id, sizeof id, "%s", task->container_id);
	stranger = engine_mem_open(world.engine_world);
	(void)engine_container_start(stranger, id, on_strangers_start, NULL);
	world_run(&world, 15000);
	engine_mem_abandon(stranger);
	CHECK_EQ(starts(), 2);
	CHECK_EQ(n_up, 0);
	CHECK_EQ(task->observed, OBS(ENDED));
	end_clean(task);
}

TEST(worker_replaces_an_older_attempt_before_it_starts_the_newer)
{
	struct world_task *task = begin_running("run:forever");

	task = world_assign(&world, 1, 2, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 15000);
	CHECK_EQ(starts(), 2);
	CHECK_EQ(engine_mem_count(world.engine_world), 1);
	end_clean(task);
}

TEST(worker_replaces_an_older_attempt_that_only_the_engine_remembers)
{
	struct world_task *task = begin_running("run:forever");

	world_crash(&world);
	task = world_assign(&world, 1, 3, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 15000);
	CHECK_EQ(starts(), 2);
	CHECK_EQ(engine_mem_count(world.engine_world), 1);
	end_clean(task);
}

TEST(worker_rejects_a_port_that_a_stranger_holds_and_leaves_nothing)
{
	struct world_task *task;

	begin("run:forever");
	engine_mem_hold_port(world.engine_world, "tcp", 30001, true);
	task = world_assign(&world, 1, 1, &spec.spec);
	task->host_port = 30001;
	task->container_port = 80;
	world_expect(&world, task, OBS(REJECTED), 3000);
	CHECK_EQ(task->busy_port, 30001);
	CHECK_HAS(task->message, "port");
	world_run(&world, 1000);
	CHECK_EQ(engine_mem_count(world.engine_world), 0);
	task = world_assign(&world, 1, 2, &spec.spec); /* the manager tries another */
	task->host_port = 30002;
	task->container_port = 80;
	world_expect(&world, task, OBS(RUNNING), 3000);
	end_clean(task);
}

TEST(worker_rejects_with_a_sentence_what_can_never_run)
{
	static const struct {
		const char *image, *words;
	} cases[] = {
		{"nosuch:1", "cannot pull image 'nosuch:1'"},
		{"denied:1", "log in"},
		{"badcmd:1", "no such file"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct world_task *task;

		begin(cases[i].image);
		task = world_assign(&world, 1, 1, &spec.spec);
		world_expect(&world, task, OBS(REJECTED), 5000);
		CHECK_HAS(task->message, cases[i].words);
		CHECK_EQ(task->phase, PHASE(REJECTED));
		end_clean(task);
	}
}

TEST(worker_rejects_when_a_stranger_has_the_name)
{
	struct world_task *task;
	char name[64] = "davit-", id[ID_TEXT_SIZE];

	begin("run:forever");
	id_format(world_id(1), id);
	(void)strncat(name, id, sizeof name - strlen(name) - 1);
	(void)engine_mem_stranger(world.engine_world, name, "run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(REJECTED), 3000);
	CHECK_HAS(task->message, "docker rm -f davit-");
	world_want(&world, task, WANT(REMOVE));
	world_expect(&world, task, OBS(GONE), 3000);
	CHECK_EQ(engine_mem_count(world.engine_world), 1); /* his stays */
	world_fini(&world);
}

TEST(worker_does_not_start_before_the_journal_is_on_disk)
{
	struct world_task *task;

	begin("run:forever");
	world.journal_fails = true;
	task = world_assign(&world, 1, 1, &spec.spec);
	world_run(&world, 5000);
	CHECK_EQ(starts(), 0);
	CHECK_HAS(task->message, "journal");
	world.journal_fails = false;
	world_expect(&world, task, OBS(RUNNING), 3000);
	CHECK_EQ(world.n_journal, 1);
	end_clean(task);
}

TEST(worker_takes_a_thousand_tasks_at_once)
{
	enum { N = 1000 };

	begin("exit:0/after:1s");
	for (unsigned i = 0; i < N; i++)
		(void)world_assign(&world, i, 1, &spec.spec);
	for (unsigned i = 0; i < N; i++)
		world_expect(&world, &world.tasks[i], OBS(ENDED), 60000);
	CHECK_EQ(starts(), N);
	for (unsigned i = 0; i < N; i++)
		world_want(&world, &world.tasks[i], WANT(REMOVE));
	for (unsigned i = 0; i < N; i++)
		world_expect(&world, &world.tasks[i], OBS(GONE), 60000);
	world_run(&world, 2000);
	CHECK_EQ(worker_n_slots(world.worker), 0);
	world_fini(&world);
}
