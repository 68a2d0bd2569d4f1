#include "services/scheduler/place_service.h"

#include "common/rpc/rpc_mem.h"
#include "tests/unit/place_fixture.h"

struct heard {
	Davit__Reply__Status status;
	char text[256], field[64], node[64];
	unsigned n;
};

static void
on_reply(const struct rpc_result *result, void *arg)
{
	struct heard *heard = arg;
	const Davit__PlaceReply *reply = (const Davit__PlaceReply *)result->response;

	heard->n++;
	heard->status = result->status;
	(void)snprintf(heard->text, sizeof heard->text, "%s", result->message);
	(void)snprintf(heard->field, sizeof heard->field, "%s", result->field);
	if (reply != NULL && reply->n_placements > 0)
		(void)snprintf(heard->node, sizeof heard->node, "%s",
			reply->placements[0]->node_id);
}

static struct heard
ask(struct placer *placer, const Davit__PlaceRequest *request, bool is_json)
{
	struct heard heard = {0};

	place_service_on_call(
		rpc_mem_call_with(&davit__scheduler__descriptor, "Place", &request->base,
			&(const struct rpc_mem_options){.is_json = is_json}, on_reply, &heard),
		placer);
	CHECK_EQ(heard.n, 1);
	return heard;
}

TEST(place_service_answers_in_both_encodings)
{
	CLEANUP(placer_free) struct placer *placer = placer_new(&(const struct placer_options){0});
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	struct heard heard;

	fixture_node(fixture, "node-a", 4000, GIB);
	fixture_task(fixture, "t", 1000, 0)->image = fixture_text(fixture, "nginx");
	for (unsigned i = 0; i < 2; i++) {
		heard = ask(placer, &fixture->request, i == 1);
		CHECK_EQ(heard.status, DAVIT__REPLY__STATUS__OK);
		CHECK_STR(heard.node, "node-a");
	}
}

TEST(place_service_tells_a_gap_from_a_mistake)
{
	CLEANUP(placer_free) struct placer *placer = placer_new(&(const struct placer_options){0});
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	struct heard heard;

	fixture->request.snapshot = false;
	heard = ask(placer, &fixture->request, false);
	CHECK_EQ(heard.status, DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	CHECK_HAS(heard.text, "send a snapshot");
	fixture->request.snapshot = true;
	fixture_again(fixture, "t", "nothing");
	heard = ask(placer, &fixture->request, false);
	CHECK_EQ(heard.status, DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	CHECK_STR(heard.field, "tasks[0].spec_id");
}
