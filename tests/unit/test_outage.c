#include "services/manager/outage.h"

#include "proto/manager.pb-c.h"
#include "proto/worker.pb-c.h"
#include "tests/lib/test.h"

TEST(outage_is_none_at_first)
{
	struct outage outage = {0};

	CHECK(!outage_is_on(&outage) && !outage_holds(&outage, 0));
}

TEST(outage_tries_less_often_up_to_a_bound)
{
	static const uint64_t delays_ms[] = {1000, 2000, 4000, 5000, 5000};
	struct outage outage = {0};
	uint64_t now_ms = 77;

	for (size_t i = 0; i < sizeof delays_ms / sizeof delays_ms[0]; i++) {
		outage_begin(&outage, now_ms, 10);
		CHECK_EQ(outage.delay_ms, delays_ms[i]);
		CHECK(outage_holds(&outage, now_ms + delays_ms[i] - 1));
		now_ms += delays_ms[i];
		CHECK(!outage_holds(&outage, now_ms) && outage_is_on(&outage));
	}
	outage_end(&outage);
	CHECK(!outage_is_on(&outage));
	outage_begin(&outage, now_ms, 0);
	CHECK_EQ(outage.delay_ms, OUTAGE_DELAY_MIN_MS);
}

TEST(outage_waits_nine_times_as_long_as_a_try_takes)
{
	struct outage outage = {0};

	outage_begin(&outage, 0, 3000);
	CHECK_EQ(outage.delay_ms, 27000);
}

/* A call as it comes in. */
static bool
concerns(const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request)
{
	struct rpc_call call = {.service = service, .request = request};

	while (strcmp(service->methods[call.method].name, method) != 0)
		call.method++;
	return outage_concerns(&call);
}

TEST(outage_concerns_what_writes_and_no_heartbeat)
{
	Davit__PollRequest poll = DAVIT__POLL_REQUEST__INIT;

	CHECK(concerns(&davit__manager__descriptor, "SubmitTasks", NULL));
	CHECK(concerns(&davit__manager__descriptor, "RemoveNode", NULL));
	CHECK(!concerns(&davit__manager__descriptor, "ListTasks", NULL));
	CHECK(!concerns(&davit__manager__descriptor, "PlanTasks", NULL));
	CHECK(concerns(&davit__workers__descriptor, "RegisterNode", NULL));
	CHECK(concerns(&davit__workers__descriptor, "LeaveNode", NULL));
	CHECK(!concerns(&davit__workers__descriptor, "AnswerQueries", NULL));
	CHECK(!concerns(&davit__workers__descriptor, "Poll", &poll.base));
	poll.n_reports = 1;
	CHECK(concerns(&davit__workers__descriptor, "Poll", &poll.base));
}
