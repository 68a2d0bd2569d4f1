/* What the engine's events tell of an attempt, and what has to be looked at all the same. */
#include <errno.h>

#include "services/worker/core.h"
#include "tests/lib/worker_world.h"

#define OBS(x)   DAVIT__TASK_REPORT__OBSERVED__##x
#define CAUSE(x) DAVIT__TASK_REPORT__CAUSE__##x
#define WANT(x)  DAVIT__TASK__DESIRED__##x

static struct world world;
static struct world_spec spec;

static struct world_task *
begin_running(const char *image)
{
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, image);
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	return task;
}

static uint64_t
n_looks(void)
{
	return engine_mem_n_calls(world.engine_world, ENGINE_CALL_INSPECT);
}

static void
end_clean(struct world_task *task)
{
	world_want(&world, task, WANT(REMOVE));
	world_expect(&world, task, OBS(GONE), 20000);
	world_run(&world, 1500);
	CHECK_EQ(engine_mem_count(world.engine_world), 0);
	world_fini(&world);
}

static struct worker_slot *
slot_of(const struct world_task *task)
{
	return worker_slots_find(world.worker, task->id);
}

static void
tell(const struct world_task *task, const char *action, uint64_t at_ms, const char *exit_code)
{
	const struct engine_label attributes[] = {{"exitCode", exit_code}};
	const struct engine_event event = {.type = "container",
		.action = action,
		.id = slot_of(task)->container_id,
		.attributes = attributes,
		.n_attributes = exit_code == NULL ? 0 : 1,
		.time_ns = at_ms * 1000000};

	worker_slot_told(slot_of(task), &event);
}

TEST(worker_hears_of_an_end_and_looks_at_nothing)
{
	struct world_task *task = begin_running("exit:3/after:500ms");
	uint64_t started_ms;

	world_expect(&world, task, OBS(ENDED), 2000);
	started_ms = task->started_ms;
	CHECK_EQ(task->exit_code, 3);
	CHECK_EQ(task->finished_ms, started_ms + 500);
	CHECK_EQ(n_looks(), 0);
	end_clean(task);
}

TEST(worker_stops_and_removes_without_a_look)
{
	struct world_task *task = begin_running("run:forever");

	world_want(&world, task, WANT(STOP));
	world_expect(&world, task, OBS(ENDED), 2000);
	CHECK_EQ(task->exit_code, 143);
	CHECK_EQ(task->cause, CAUSE(STOP));
	CHECK_EQ(n_looks(), 0);
	end_clean(task);
}

/* The engine tells of the end, and answers the stop later, when it has tidied up. */
TEST(worker_reports_a_stop_when_the_end_is_told_and_removes_when_it_is_answered)
{
	struct world_task *task = begin_running("run:forever");
	struct worker_slot *slot = slot_of(task);

	world_run(&world, 100);
	slot->state = WORKER_SLOT_STOPPING;
	slot->cause = CAUSE(STOP);
	worker_slot_stop(slot);
	tell(task, "die", 5000000000000, "143");
	CHECK(worker_slot_end_as_told(slot));
	CHECK_EQ(slot->state, WORKER_SLOT_ENDED);
	CHECK(slot->job != NULL);
	world_expect(&world, task, OBS(ENDED), 1500);
	CHECK_EQ(task->exit_code, 143);
	CHECK_EQ(n_looks(), 0);
	end_clean(task);
}

TEST(worker_starts_again_without_a_look)
{
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, "exit:1/after:100ms");
	spec.restart.has_condition = true;
	spec.restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
	spec.restart.has_delay_ms = true;
	spec.restart.delay_ms = 10;
	spec.spec.restart = &spec.restart;
	task = world_assign(&world, 1, 1, &spec.spec);
	world_run(&world, 2000);
	CHECK(task->restart_count > 3);
	CHECK_EQ(n_looks(), 0);
	end_clean(task);
}

/* One that runs within a limit, for longer than it takes to notice whom the kernel killed. */
static struct world_task *
begin_limited(bool tells_kills)
{
	struct world_task *task;

	world_init(&world);
	world.tells_kills = tells_kills;
	world.memory_kills = 50;
	world_spec_init(&spec, "run:forever");
	spec.spec.has_memory_bytes = true;
	spec.spec.memory_bytes = 64 << 20;
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	world_run(&world, 3 * WORKER_PING_MS);
	return task;
}

/* It is killed, and the engine does not say why. */
static void
end_killed(const struct world_task *task)
{
	CHECK(engine_mem_end(world.engine_world, slot_of(task)->container_id, 137, false));
}

TEST(worker_asks_the_kernel_where_the_engine_misses_a_lack_of_memory)
{
	struct world_task *task = begin_limited(true);

	world.memory_kills++;
	end_killed(task);
	world_expect(&world, task, OBS(ENDED), 500);
	CHECK(task->oom_killed);
	CHECK_HAS(task->message, "ran out of memory");
	CHECK_EQ(n_looks(), 0);
	end_clean(task);
}

TEST(worker_knows_that_nothing_lacked_memory_where_the_kernel_killed_nobody)
{
	struct world_task *task = begin_limited(true);

	world.memory_kills++; /* somebody else's, a while ago */
	world_run(&world, 3 * WORKER_PING_MS);
	end_killed(task);
	world_expect(&world, task, OBS(ENDED), 500);
	CHECK(!task->oom_killed);
	CHECK_HAS(task->message, "exited with code 137");
	CHECK_EQ(n_looks(), 0);
	end_clean(task);
}

static void
ignore(const struct err *err, void *arg)
{
	(void)err;
	(void)arg;
}

TEST(worker_knows_who_was_killed_by_its_engine)
{
	struct world_task *task = begin_limited(true);

	world.memory_kills++;
	engine_container_kill(world.engine, slot_of(task)->container_id, "KILL", ignore, NULL);
	world_expect(&world, task, OBS(ENDED), 500);
	CHECK(!task->oom_killed);
	CHECK_EQ(task->exit_code, 137);
	CHECK_EQ(n_looks(), 0);
	end_clean(task);
}

/* The kernel of another machine cannot be asked. */
TEST(worker_waits_for_a_lack_of_memory_that_is_told_after_the_end)
{
	struct world_task *task = begin_limited(false);

	end_killed(task);
	world_run(&world, WORKER_LACK_MS / 2);
	CHECK_EQ(task->observed, OBS(RUNNING));
	CHECK_EQ(n_looks(), 1);
	tell(task, "oom", 5000000000000, NULL);
	world_expect(&world, task, OBS(ENDED), WORKER_LACK_MS / 4);
	CHECK(task->oom_killed);
	end_clean(task);
}

TEST(worker_waits_not_for_ever_for_a_lack_of_memory_to_be_told)
{
	struct world_task *task = begin_limited(false);

	end_killed(task);
	world_expect(&world, task, OBS(ENDED), WORKER_LACK_MS + 500);
	CHECK(!task->oom_killed);
	CHECK_EQ(n_looks(), 2);
	end_clean(task);
}

TEST(worker_does_not_take_an_earlier_start_s_lack_of_memory_for_the_present_one_s)
{
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, "run:forever");
	spec.restart.has_condition = true;
	spec.restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
	spec.spec.restart = &spec.restart;
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	CHECK(engine_mem_end(world.engine_world, slot_of(task)->container_id, 137, false));
	tell(task, "oom", 5000000000000, NULL); /* late */
	world_run(&world, 2000);
	CHECK_EQ(task->restart_count, 1);
	world_want(&world, task, WANT(STOP));
	world_expect(&world, task, OBS(ENDED), 2000);
	CHECK(!task->oom_killed);
	end_clean(task);
}

TEST(worker_believes_an_event_that_memory_ran_out)
{
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, "oom:50ms");
	spec.spec.has_memory_bytes = true;
	spec.spec.memory_bytes = 64 << 20;
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(ENDED), 3000);
	CHECK(task->oom_killed);
	CHECK_EQ(n_looks(), 0);
	end_clean(task);
}

/* The engine tells of an end before it has let go of the ports: the look waits for that. */
TEST(worker_looks_before_it_gives_host_ports_back)
{
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, "exit:0/after:200ms");
	task = world_assign(&world, 1, 1, &spec.spec);
	task->host_port = 30001;
	task->container_port = 80;
	world_expect(&world, task, OBS(ENDED), 3000);
	CHECK_EQ(n_looks(), 1);
	end_clean(task);
}

TEST(worker_does_not_take_an_earlier_start_s_end_for_the_present_one_s)
{
	struct world_task *task = begin_running("run:forever");

	/* As if its end had been seen by a look, and the events of that start came after. */
	worker_slot_told_nothing(slot_of(task), 5000000000000);
	tell(task, "start", 4999999999000, NULL);
	tell(task, "die", 5000000000100, "7");
	world_run(&world, 1000);
	CHECK_EQ(task->observed, OBS(RUNNING));
	CHECK_EQ(n_looks(), 1); /* it was looked at, and it runs */
	end_clean(task);
}

TEST(worker_looks_where_an_end_makes_no_sense)
{
	static const char *const codes[] = {NULL, "", "x", "7x", "99999999999"};

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		struct world_task *task = begin_running("run:forever");

		tell(task, "die", 5000000000000, codes[i]);
		world_run(&world, 1000);
		CHECK_EQ(task->observed, OBS(RUNNING));
		CHECK_EQ(n_looks(), 1);
		end_clean(task);
	}
}

/* The look said that it runs, and its end was told before the answer came. */
TEST(worker_looks_again_where_an_event_overtook_the_answer)
{
	struct world_task *task = begin_running("run:forever");
	struct worker_slot *slot = slot_of(task);

	world_crash(&world); /* a worker that did not hear of the start */
	world_run(&world, 3000);
	slot = slot_of(task);
	CHECK_EQ(task->observed, OBS(RUNNING));
	CHECK(!slot->is_start_told);
	worker_slot_look(slot);
	tell(task, "die", 5000000000000, "0");
	CHECK(slot->is_overtaken);
	CHECK(engine_mem_end(world.engine_world, slot->container_id, 4, false));
	world_expect(&world, task, OBS(ENDED), 1000);
	CHECK_EQ(task->exit_code, 4);
	end_clean(task);
}

/* A task that ends after 100 ms, and is started again after so long. */
static struct world_task *
begin_pausing(const char *image, uint64_t pause_ms)
{
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, image);
	spec.restart.has_condition = true;
	spec.restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
	spec.restart.has_delay_ms = true;
	spec.restart.delay_ms = pause_ms;
	spec.spec.restart = &spec.restart;
	task = world_assign(&world, 1, 1, &spec.spec);
	return task;
}

static bool
starts_again(struct world *w)
{
	const struct worker_slot *slot = worker_slots_find(w->worker, w->tasks[0].id);

	return slot != NULL && slot->state == WORKER_SLOT_STARTING && slot->may_come_up &&
	       slot->observed == OBS(RUNNING);
}

TEST(worker_hears_of_a_start_in_its_restart_pause)
{
	/* The first restart is at once, the second after the pause. */
	struct world_task *task = begin_pausing("exit:1/after:2s", 20000);

	world_run(&world, 6000);
	CHECK_EQ(slot_of(task)->state, WORKER_SLOT_RESTARTING);
	CHECK(engine_mem_begin(world.engine_world, slot_of(task)->container_id));
	world_run(&world, 200);
	CHECK_EQ(slot_of(task)->state, WORKER_SLOT_RUNNING);
	world_want(&world, task, WANT(STOP));
	world_expect(&world, task, OBS(ENDED), 2000);
	CHECK_EQ(task->exit_code, 143);
	end_clean(task);
}

/* The worker that asked for it is dead, and its start comes through after the stop. */
TEST(worker_stops_what_an_earlier_worker_is_starting_again)
{
	struct world_task *task = begin_pausing("exit:1/after:100ms/slow:2s", 10);

	CHECK(world_until(&world, starts_again, 10000));
	world_crash(&world);
	world_want(&world, task, WANT(STOP));
	world_expect(&world, task, OBS(ENDED), 1500);
	CHECK_EQ(task->cause, CAUSE(STOP));
	CHECK_EQ(engine_mem_count(world.engine_world), 0);
	end_clean(task);
}

/* So it is for a start of our own that was not answered, and the end before it counts once. */
TEST(worker_does_not_judge_an_end_again_when_its_start_is_not_answered)
{
	struct world_task *task = begin_pausing("exit:1/after:100ms/slow:2s", 10);
	uint32_t n_again;

	CHECK(world_until(&world, starts_again, 10000));
	n_again = slot_of(task)->n_again;
	engine_mem_lose_next(world.engine_world, ENGINE_CALL_START);
	engine_mem_restart(world.engine_world, true, 300);
	world_run(&world, 1000);
	CHECK_EQ(slot_of(task)->n_again, n_again);
	world_want(&world, task, WANT(STOP));
	world_expect(&world, task, OBS(ENDED), 5000);
	end_clean(task);
}

/* It ended at once, that was told, and the answer of its start is lost: it is not started twice. */
TEST(worker_knows_the_end_of_a_start_that_was_not_answered)
{
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, "exit:0/after:0");
	engine_mem_lose_next(world.engine_world, ENGINE_CALL_START);
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(ENDED), 5000);
	CHECK_EQ(engine_mem_n_calls(world.engine_world, ENGINE_CALL_START), 1);
	end_clean(task);
}

/* The stream of events breaks: an end in the gap is found by the list that follows. */
TEST(worker_finds_an_end_that_no_event_told)
{
	struct world_task *task = begin_running("run:forever");

	engine_mem_fail_next(world.engine_world, ENGINE_CALL_EVENTS, -EIO, "broken");
	engine_mem_restart(world.engine_world, true, 300);
	CHECK(engine_mem_end(world.engine_world, slot_of(task)->container_id, 9, false));
	world_expect(&world, task, OBS(ENDED), 35000);
	CHECK_EQ(task->exit_code, 9);
	end_clean(task);
}

/* An earlier worker's start comes through while ours waits: it is looked at, not asked for again.
 */
TEST(worker_looks_at_a_start_that_it_did_not_ask_for)
{
	struct world_task *task;
	struct worker_slot *slot;

	world_init(&world);
	world_spec_init(&spec, "run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	task->desired = WANT(READY);
	world_run(&world, 2000);
	slot = slot_of(task);
	CHECK_EQ(slot->state, WORKER_SLOT_CREATED);
	slot->state = WORKER_SLOT_STARTING; /* and it waits for its turn */
	tell(task, "start", 1, NULL);
	CHECK(slot->must_look && !slot->is_start_told);
	tell(task, "die", 2, "0");
	CHECK(slot->must_look && !slot->is_end_told);
	slot->state = WORKER_SLOT_CREATED;
	end_clean(task);
}
