/* Faults on purpose: when they begin, when they end, and what the manager is told. */
#include "services/worker/chaos.h"

#include <errno.h>

#include "common/model/limits.h"
#include "services/worker/limits.h"
#include "tests/lib/test.h"

#define KIND(x) DAVIT__FAULT__KIND__##x

static struct world {
	struct worker_chaos *chaos;
	bool is_on[8];
	unsigned n_applied, n_checks, n_told; /* n_told: faults in the last check */
	uint64_t left_ms;                     /* of the last of them */
	uint64_t now_ms;
} world;

static void
on_apply(void *arg, Davit__Fault__Kind kind, const Davit__Fault *fault)
{
	(void)arg;
	world.is_on[kind] = fault != NULL;
	world.n_applied++;
}

static void
on_check(void *arg, const Davit__CheckFaultsRequest *request)
{
	(void)arg;
	CHECK_STR(request->node_id, "n");
	world.n_checks++;
	world.n_told = (unsigned)request->n_faults;
	if (request->n_faults > 0)
		world.left_ms = request->faults[request->n_faults - 1]->left_ms;
}

static void
tick(void)
{
	worker_chaos_tick(world.chaos, world.now_ms, world.now_ms + 1000000, "n");
}

static void
pass(uint64_t ms)
{
	world.now_ms += ms;
	tick();
}

static void
answer(const Davit__CheckFaultsReply *reply)
{
	worker_chaos_checked(world.chaos, reply);
	tick();
}

static void
answer_nothing(void)
{
	Davit__CheckFaultsReply reply = DAVIT__CHECK_FAULTS_REPLY__INIT;

	answer(&reply);
}

/* The manager has heard that there is nothing. */
static void
begin(void)
{
	world = (struct world){.now_ms = 1000};
	world.chaos = worker_chaos_new(
		&(struct worker_chaos_ports){.apply = on_apply, .check = on_check});
	worker_chaos_tick(world.chaos, world.now_ms, world.now_ms, "");
	CHECK_EQ(world.n_checks, 0); /* nobody knows us yet */
	CHECK_EQ(worker_chaos_due_ms(world.chaos), UINT64_MAX);
	tick();
	CHECK_EQ(world.n_checks, 1);
	answer_nothing();
	CHECK_EQ(worker_chaos_due_ms(world.chaos), UINT64_MAX);
}

static Davit__Fault
order(Davit__Fault__Kind kind, uint64_t for_ms, const char *request_id)
{
	Davit__Fault fault = DAVIT__FAULT__INIT;
	struct err err;

	fault.kind = kind;
	fault.has_for_ms = true;
	fault.for_ms = for_ms;
	CHECK_OK(worker_chaos_order(world.chaos, &fault, request_id, &err), &err);
	return fault;
}

TEST(worker_chaos_begins_when_the_manager_has_heard_and_ends_by_itself)
{
	Davit__Fault fault;

	begin();
	fault = order(KIND(PARTITION), 5000, NULL);
	CHECK_EQ(fault.until_ms, world.now_ms + 1000000 + 5000);
	pass(10);
	CHECK(!world.is_on[KIND(PARTITION)]);
	CHECK_EQ(world.n_told, 1);
	worker_chaos_heard(world.chaos);
	tick();
	CHECK(world.is_on[KIND(PARTITION)]);
	worker_chaos_checked(world.chaos, NULL); /* the manager is not there: that heals nothing */
	pass(4980);
	CHECK(world.is_on[KIND(PARTITION)]);
	pass(10);
	CHECK(!world.is_on[KIND(PARTITION)]);
	worker_chaos_checked(world.chaos, NULL);
	/* And it goes on telling until somebody has heard that all is well. */
	pass(WORKER_CHAOS_CHECK_MS);
	CHECK_EQ(world.n_told, 0);
	answer_nothing();
	CHECK_EQ(worker_chaos_due_ms(world.chaos), UINT64_MAX);
	CHECK_EQ(world.n_applied, 2);
	worker_chaos_free(world.chaos);
}

TEST(worker_chaos_begins_without_word_of_the_manager_after_a_while)
{
	begin();
	(void)order(KIND(KILL_NODE), 60000, NULL);
	pass(WORKER_CHAOS_BEGIN_MS - 1);
	CHECK(!world.is_on[KIND(KILL_NODE)]);
	pass(1);
	CHECK(world.is_on[KIND(KILL_NODE)]);
	worker_chaos_free(world.chaos);
}

TEST(worker_chaos_ends_by_order_of_the_manager)
{
	Davit__CheckFaultsReply reply = DAVIT__CHECK_FAULTS_REPLY__INIT;
	Davit__Fault__Kind heal[] = {KIND(KILL_NODE), KIND(KILL_NODE), (Davit__Fault__Kind)77,
		(Davit__Fault__Kind)-1};

	begin();
	(void)order(KIND(KILL_NODE), 60000, NULL);
	(void)order(KIND(PAUSE_ENGINE), 60000, NULL);
	worker_chaos_heard(world.chaos);
	tick();
	CHECK(world.is_on[KIND(KILL_NODE)] && world.is_on[KIND(PAUSE_ENGINE)]);
	CHECK_EQ(world.n_told, 2);
	reply.n_heal = 4;
	reply.heal = heal;
	answer(&reply);
	CHECK(!world.is_on[KIND(KILL_NODE)]);
	CHECK(world.is_on[KIND(PAUSE_ENGINE)]);
	CHECK_EQ(world.n_told, 1); /* it says so at once */
	answer_nothing();
	pass(WORKER_CHAOS_CHECK_MS - 1);
	CHECK_EQ(world.n_told, 1);
	pass(30000);
	CHECK_EQ(world.n_told, 1);
	CHECK_EQ(world.left_ms, 60000 - 30000 - WORKER_CHAOS_CHECK_MS + 1);
	worker_chaos_free(world.chaos);
}

TEST(worker_chaos_the_same_order_twice_is_one_and_another_takes_its_place)
{
	Davit__Fault first, again, other, kill = DAVIT__FAULT__INIT;
	struct err err;

	begin();
	first = order(KIND(PARTITION), 5000, "r1");
	worker_chaos_heard(world.chaos);
	pass(1000);
	again = order(KIND(PARTITION), 5000, "r1");
	CHECK_EQ(again.until_ms, first.until_ms);
	other = order(KIND(PARTITION), 9000, "r2");
	CHECK_EQ(other.until_ms, first.until_ms + 1000 + 4000);
	worker_chaos_heard(world.chaos);
	pass(8999);
	CHECK(world.is_on[KIND(PARTITION)]);
	pass(1);
	CHECK(!world.is_on[KIND(PARTITION)]);
	kill.kind = KIND(KILL_TASK);
	CHECK_OK(worker_chaos_order(world.chaos, &kill, "r3", &err), &err);
	CHECK_STR(kill.signal, "KILL");
	CHECK_EQ(worker_chaos_order(world.chaos, &kill, "r3", &err), -EALREADY);
	worker_chaos_free(world.chaos);
}

TEST(worker_chaos_knows_the_last_orders_again)
{
	char id[16];
	Davit__Fault first, again;

	begin();
	first = order(KIND(PARTITION), 60000, "first");
	for (unsigned i = 1; i < WORKER_CHAOS_ORDERS_KEPT; i++) {
		(void)snprintf(id, sizeof id, "r%u", i);
		(void)order(KIND(PAUSE_ENGINE), 60000, id);
	}
	pass(500);
	again = order(KIND(PARTITION), 60000, "first");
	CHECK_EQ(again.until_ms, first.until_ms);
	(void)order(KIND(PAUSE_ENGINE), 60000, "one-more");
	again = order(KIND(PARTITION), 60000, "first");
	CHECK_EQ(again.until_ms, first.until_ms + 500); /* forgotten: a new one */
	worker_chaos_free(world.chaos);
}

TEST(worker_chaos_refuses_what_the_manager_may_not_order)
{
	Davit__Fault fault = DAVIT__FAULT__INIT;
	struct err err;

	begin();
	fault.kind = KIND(PARTITION);
	fault.has_for_ms = true;
	fault.for_ms = CHAOS_FOR_MAX_MS + 1;
	CHECK_EQ(worker_chaos_order(world.chaos, &fault, NULL, &err), -EINVAL);
	CHECK_HAS(err.text, "for_ms");
	pass(10);
	CHECK_EQ(world.n_applied, 0);
	worker_chaos_free(world.chaos);
}
