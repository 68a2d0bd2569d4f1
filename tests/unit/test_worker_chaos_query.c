/* Orders to make a fault, as they reach the core. */
#include "services/worker/core.h"

#include <errno.h>

#include "tests/lib/worker_world.h"

static struct world world;
static int order_code;

static int
port_chaos(void *arg, const Davit__ChaosQuery *query, Davit__Fault *ret_fault, struct err *err)
{
	(void)arg;
	*ret_fault = *query->fault;
	return order_code == -EINVAL ? err_set(err, -EINVAL, "for_ms: too long") : order_code;
}

static const Davit__QueryAnswer *
ask(Davit__Fault__Kind kind, const char *task_id)
{
	static uint64_t last_id;
	Davit__Query query = DAVIT__QUERY__INIT;
	Davit__ChaosQuery chaos = DAVIT__CHAOS_QUERY__INIT;
	Davit__Fault fault = DAVIT__FAULT__INIT;
	char kill[] = "KILL";

	fault.has_kind = true;
	fault.kind = kind;
	fault.task_id = (char *)(uintptr_t)task_id;
	fault.signal = task_id != NULL ? kill : NULL;
	chaos.fault = &fault;
	query.id = ++last_id;
	query.chaos = &chaos;
	world_ask(&world, &query, 3000);
	return world.answer;
}

TEST(worker_chaos_is_refused_where_it_is_not_allowed)
{
	world_init(&world);
	ask(DAVIT__FAULT__KIND__KILL_NODE, NULL);
	CHECK_EQ(world.answer->status, DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	CHECK_HAS(world.answer->error, "--allow-chaos");
	world_fini(&world);
}

TEST(worker_chaos_orders_are_accepted_or_refused_with_the_words_of_who_knows)
{
	world_init(&world);
	world.worker->ports.chaos = port_chaos;
	order_code = 0;
	ask(DAVIT__FAULT__KIND__PARTITION, NULL);
	CHECK(world.answer->error == NULL);
	CHECK_EQ(world.answer->fault->fault->kind, DAVIT__FAULT__KIND__PARTITION);
	order_code = -EINVAL;
	ask(DAVIT__FAULT__KIND__PARTITION, NULL);
	CHECK_EQ(world.answer->status, DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	CHECK_HAS(world.answer->error, "for_ms");
	world_fini(&world);
}

TEST(worker_chaos_a_killed_task_has_failed_and_one_that_does_not_run_cannot_be_killed)
{
	struct world_spec spec;
	struct world_task *task;
	char id[ID_TEXT_SIZE];

	world_init(&world);
	world.worker->ports.chaos = port_chaos;
	world_spec_init(&spec, "run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, DAVIT__TASK_REPORT__OBSERVED__RUNNING, 3000);
	id_format(world_id(1), id);
	order_code = -EALREADY; /* the same order again */
	ask(DAVIT__FAULT__KIND__KILL_TASK, id);
	CHECK(world.answer->error == NULL);
	world_run(&world, 1000);
	CHECK_EQ(task->observed, DAVIT__TASK_REPORT__OBSERVED__RUNNING);
	order_code = 0;
	ask(DAVIT__FAULT__KIND__KILL_TASK, id);
	CHECK(world.answer->error == NULL);
	world_expect(&world, task, DAVIT__TASK_REPORT__OBSERVED__ENDED, 3000);
	CHECK_EQ(task->exit_code, 137);
	ask(DAVIT__FAULT__KIND__KILL_TASK, id);
	CHECK_EQ(world.answer->status, DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	ask(DAVIT__FAULT__KIND__KILL_TASK, "no-id");
	CHECK_EQ(world.answer->status, DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	world_fini(&world);
}
