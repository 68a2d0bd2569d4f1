#include "services/scheduler/place_reply.h"

#include "services/scheduler/node_table.h"
#include "tests/lib/test.h"

TEST(place_reply_holds_what_was_put_in_in_order)
{
	struct place_reply reply = {0};
	const Davit__PlaceReply *message;
	char t1[] = "t1", t2[] = "t2", n1[] = "n1", n2[] = "n2";

	place_reply_reset(&reply, 2, 7);
	place_reply_add_placement(&reply, t2, n1, 0.5);
	place_reply_add_placement(&reply, t1, n2, 0.25);
	message = place_reply_message(&reply);
	CHECK_EQ(message->version, 7);
	CHECK_EQ(message->n_placements, 2);
	CHECK_STR(message->placements[0]->task_id, "t2");
	CHECK_STR(message->placements[1]->node_id, "n2");
	CHECK(message->placements[1]->score < message->placements[0]->score);
	CHECK_EQ(message->n_refusals, 0);
	place_reply_fini(&reply);
}

TEST(place_reply_shares_the_words_of_one_reason)
{
	struct place_reply reply = {0};
	const Davit__PlaceReply *message;
	char t1[] = "t1", t2[] = "t2", t3[] = "t3";

	place_reply_reset(&reply, 3, 1);
	place_reply_add_refusal(&reply, t1, place_reply_make_words(&reply, "no node"));
	place_reply_add_refusal(&reply, t2, place_reply_make_words(&reply, "no node"));
	place_reply_add_refusal(&reply, t3, place_reply_make_words(&reply, "another reason"));
	message = place_reply_message(&reply);
	CHECK_EQ(message->n_refusals, 3);
	CHECK(message->refusals[0]->message == message->refusals[1]->message);
	CHECK_STR(message->refusals[2]->message, "another reason");
	CHECK(message->refusals[0]->nearest_node_id == NULL);
	CHECK(message->refusals[0]->lacking == NULL);
	place_reply_fini(&reply);
}

TEST(place_reply_names_filters_and_what_is_lacking)
{
	struct place_reply reply = {0};
	static const struct want want;
	struct refusal refusal = {.nearest = 0,
		.want = &want,
		.lacking = {.amounts = {.cpu_milli = 500}}};
	char t1[] = "t1", n1[] = "n1";
	struct node_table table = {0};
	struct node node = {.id = n1};
	const Davit__Refusal *refused;

	table.nodes = &node;
	(void)snprintf(refusal.message, sizeof refusal.message, "cpu is short");
	for (unsigned i = 0; i < 3; i++)
		refusal_count(&refusal, FILTER_CPU, NULL);
	place_reply_reset(&reply, 1, 1);
	place_reply_add_refusal(&reply, t1, place_reply_make_refusal(&reply, &table, &refusal));
	refused = place_reply_message(&reply)->refusals[0];
	CHECK_STR(refused->message, "cpu is short");
	CHECK_EQ(refused->n_filters, 1);
	CHECK_STR(refused->filters[0]->filter, "cpu");
	CHECK_EQ(refused->filters[0]->n_nodes, 3);
	CHECK_STR(refused->nearest_node_id, "n1");
	CHECK_EQ(refused->lacking->cpu_milli, 500);
	CHECK(!refused->lacking->has_memory_bytes);
	place_reply_fini(&reply);
}

TEST(place_reply_is_empty_after_a_reset)
{
	struct place_reply reply = {0};
	char t1[] = "t1", n1[] = "n1";

	place_reply_reset(&reply, 1, 1);
	place_reply_add_placement(&reply, t1, n1, 1);
	place_reply_reset(&reply, 0, 2);
	CHECK_EQ(place_reply_message(&reply)->n_placements, 0);
	CHECK_EQ(place_reply_message(&reply)->version, 2);
	place_reply_fini(&reply);
	CHECK(reply.placements == NULL);
}
