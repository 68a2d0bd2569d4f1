/*
 * Everything goes wrong at random for a while; then it must all come right.
 *
 * STORM_SEED and STORM_ROUNDS in the environment choose others than the usual.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/lib/worker_world.h"

#define OBS(x)  DAVIT__TASK_REPORT__OBSERVED__##x
#define WANT(x) DAVIT__TASK__DESIRED__##x

enum { N_TASKS = 10, N_SPECS = 7, STEPS = 120, SEEDS = 40, STARTS_MAX = 4096 };

static struct world world;
static struct world_spec specs[N_SPECS];
static uint64_t chance;

static unsigned
dice(unsigned sides)
{
	chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(chance >> 33) % sides;
}

static void
make_specs(void)
{
	static const char *const images[N_SPECS] = {"run:forever", "exit:0/after:300ms",
		"exit:1/after:700ms", "missing:400ms/exit:2/after:1s", "exit:1/after:200ms",
		"stubborn:TERM", "nosuch:1"};

	for (unsigned i = 0; i < N_SPECS; i++)
		world_spec_init(&specs[i], images[i]);
	specs[4].restart.has_condition = true;
	specs[4].restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
	specs[4].spec.restart = &specs[4].restart;
}

/* ---- what must never happen ---- */

struct start {
	char task[ID_TEXT_SIZE];
	unsigned attempt;
	uint64_t started_ms, finished_ms;
	bool may_repeat;
};
static struct start starts[STARTS_MAX];
static size_t n_starts;

static void
note_start(const struct engine_mem_view *view, void *arg)
{
	struct start *start = &starts[n_starts++];

	(void)arg;
	CHECK(n_starts < STARTS_MAX);
	(void)snprintf(start->task, sizeof start->task, "%s", engine_mem_label(view, "davit.task"));
	start->attempt = (unsigned)strtoul(engine_mem_label(view, "davit.attempt"), NULL, 10);
	start->started_ms = view->started_ms;
	start->finished_ms = view->finished_ms == 0 ? UINT64_MAX : view->finished_ms;
	start->may_repeat = strcmp(engine_mem_label(view, "davit.restart"), "no") != 0;
}

static void
check_starts(uint64_t seed)
{
	n_starts = 0;
	engine_mem_each_start(world.engine_world, note_start, NULL);
	for (size_t i = 0; i < n_starts; i++) {
		for (size_t j = i + 1; j < n_starts; j++) {
			if (strcmp(starts[i].task, starts[j].task) != 0)
				continue;
			if (starts[i].attempt == starts[j].attempt && !starts[i].may_repeat)
				fail_msg("seed %llu: %s attempt %u ran twice",
					(unsigned long long)seed, starts[i].task,
					starts[i].attempt);
			if (starts[i].finished_ms > starts[j].started_ms &&
				starts[j].finished_ms > starts[i].started_ms)
				fail_msg("seed %llu: %s ran beside itself",
					(unsigned long long)seed, starts[i].task);
		}
	}
}

/* ---- the storm ---- */

static void
change_a_wish(void)
{
	struct world_task *task = &world.tasks[dice(N_TASKS)];

	if (task->observed >= OBS(REJECTED))
		(void)world_assign(&world, (unsigned)(task->id.lo & 0xff), task->attempt + 1,
			task->spec);
	else if (task->desired < WANT(REMOVE))
		world_want(&world, task, task->desired + dice(2));
}

static void
harm_a_container(void)
{
	struct world_task *task = &world.tasks[dice(N_TASKS)];

	if (task->container_id[0] == '\0')
		return;
	switch (dice(3)) {
	case 0:
		(void)engine_mem_forget(world.engine_world, task->container_id);
		break;
	case 1:
		(void)engine_mem_destroy(world.engine_world, task->container_id);
		break;
	default:
		(void)engine_mem_end(world.engine_world, task->container_id, 9, dice(2) == 0);
		break;
	}
}

static void
harm_the_engine(void)
{
	static const int codes[] = {-ECONNREFUSED, -ETIMEDOUT, -EIO, -EBUSY};
	enum engine_call_kind kind = ENGINE_CALL_ABOUT + dice(ENGINE_CALL_EVENTS);

	switch (dice(4)) {
	case 0:
		engine_mem_restart(world.engine_world, dice(2) == 0, 100 + dice(3000));
		break;
	case 1:
		engine_mem_hang(world.engine_world,
			engine_mem_now(world.engine_world) + dice(5000));
		break;
	case 2:
		engine_mem_lose_next(world.engine_world, kind);
		break;
	default:
		engine_mem_fail_next(world.engine_world, kind, codes[dice(4)], "out of sorts");
		break;
	}
}

static void
one_step(void)
{
	switch (dice(8)) {
	case 0:
		world_crash(&world);
		break;
	case 1:
		world.is_down = !world.is_down;
		break;
	case 2:
		world.dead_session = world.session;
		break;
	case 3:
		harm_the_engine();
		break;
	case 4:
		harm_a_container();
		break;
	default:
		change_a_wish();
		break;
	}
	world_run(&world, dice(600));
}

static bool
is_calm(struct world *calm)
{
	return engine_mem_count(calm->engine_world) == 0 && worker_n_slots(calm->worker) == 0 &&
	       calm->n_journal == 0 && worker_is_registered(calm->worker);
}

static void
storm(uint64_t seed)
{
	chance = seed * 2654435761u + 1;
	make_specs();
	world_init(&world);
	for (unsigned i = 0; i < N_TASKS; i++)
		(void)world_assign(&world, i, 1, &specs[dice(N_SPECS)].spec);
	for (unsigned i = 0; i < STEPS; i++)
		one_step();
	world.is_down = false;
	for (unsigned i = 0; i < N_TASKS; i++)
		world_want(&world, &world.tasks[i], WANT(REMOVE));
	if (!world_until(&world, is_calm, 180000))
		fail_msg("seed %llu: %zu containers, %zu slots, %zu in the journal are left",
			(unsigned long long)seed, engine_mem_count(world.engine_world),
			worker_n_slots(world.worker), world.n_journal);
	for (unsigned i = 0; i < N_TASKS; i++)
		CHECK_EQ(world.tasks[i].observed, OBS(GONE));
	check_starts(seed);
	world_fini(&world);
}

TEST(worker_comes_right_after_any_storm)
{
	const char *seed = getenv("STORM_SEED"), *rounds = getenv("STORM_ROUNDS");
	uint64_t first = seed == NULL ? 1 : strtoull(seed, NULL, 10);
	uint64_t n = rounds == NULL ? SEEDS : strtoull(rounds, NULL, 10);

	for (uint64_t i = 0; i < n; i++)
		storm(first + i);
}
