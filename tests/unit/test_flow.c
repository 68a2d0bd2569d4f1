#include "services/manager/flow.h"

#include "tests/lib/desk.h"
#include "tests/lib/test.h"

TEST(flow_buckets_are_exact_below_16_ms_and_an_eighth_wide_above)
{
	for (unsigned ms = 0; ms < FLOW_EXACT_MS; ms++) {
		CHECK_EQ(flow_bucket(ms), ms);
		CHECK_EQ(flow_bucket_max_ms(ms), ms);
	}
	for (uint64_t ms = FLOW_EXACT_MS; ms < UINT64_C(1) << 20; ms++) {
		unsigned bucket = flow_bucket(ms);

		CHECK(ms <= flow_bucket_max_ms(bucket));
		CHECK(ms > flow_bucket_max_ms(bucket - 1));
		CHECK(flow_bucket_max_ms(bucket) - ms < ms / 8 + 1);
	}
}

TEST(flow_what_takes_longer_than_anybody_waits_is_in_the_last_bucket)
{
	CHECK_EQ(flow_bucket(UINT64_C(1) << 20), FLOW_BUCKETS - 1);
	CHECK_EQ(flow_bucket(UINT64_MAX), FLOW_BUCKETS - 1);
}

static Davit__GetClusterReply *
ask(struct desk *desk)
{
	Davit__GetClusterRequest request = DAVIT__GET_CLUSTER_REQUEST__INIT;

	return (Davit__GetClusterReply *)desk_ask(desk, "GetCluster", &request.base);
}

TEST(flow_a_task_is_counted_at_each_stage_once_with_the_time_to_its_start)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char id[ID_TEXT_SIZE];
	Davit__GetClusterReply *reply;
	const Davit__TaskFlow *flow;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	desk_submit(&desk, "short", 100, false, id);
	desk_worker_poll(&worker, NULL);
	desk_pass(&desk, 200);
	desk_worker_report(&worker, id, 1, DAVIT__TASK_REPORT__OBSERVED__RUNNING, 0);
	desk_worker_report(&worker, id, 1, DAVIT__TASK_REPORT__OBSERVED__RUNNING, 0);
	desk_worker_report(&worker, id, 1, DAVIT__TASK_REPORT__OBSERVED__ENDED, 0);
	reply = ask(&desk);
	flow = reply->flow;
	CHECK_EQ(flow->submitted, 1);
	CHECK_EQ(flow->placed, 1);
	CHECK_EQ(flow->delivered, 1);
	CHECK_EQ(flow->started, 1);
	CHECK_EQ(flow->completed, 1);
	CHECK_EQ(flow->failed, 0);
	CHECK_EQ(flow->n_start_delays, flow_bucket(200) + 1);
	CHECK_EQ(flow->start_delays[flow_bucket(200)], 1);
	protobuf_c_message_free_unpacked(&reply->base, NULL);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(flow_a_short_life_that_is_told_by_its_end_has_started_too)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char id[ID_TEXT_SIZE];
	Davit__GetClusterReply *reply;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	desk_submit(&desk, "short", 100, false, id);
	desk_worker_poll(&worker, NULL);
	desk_worker_report(&worker, id, 1, DAVIT__TASK_REPORT__OBSERVED__ENDED, 0);
	reply = ask(&desk);
	CHECK_EQ(reply->flow->started, 1);
	CHECK_EQ(reply->flow->completed, 1);
	protobuf_c_message_free_unpacked(&reply->base, NULL);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}
