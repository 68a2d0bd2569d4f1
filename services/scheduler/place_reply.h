/*
 * place_reply.h - a PlaceReply with room for thousands of answers.
 *
 * Tasks that were refused for one reason share its words. Ids are borrowed from the
 * request and the node table: the message is good while both are unchanged.
 */
#pragma once

#include <stdint.h>

#include "common/base/mem.h"
#include "proto/scheduler.pb-c.h"
#include "services/scheduler/refusal.h"

struct place_refusal; /* the words and figures of a refusal, owned by the reply */

struct place_reply {
	Davit__PlaceReply message;
	Davit__Placement *placements;
	Davit__Placement **placement_list;
	Davit__Refusal *refusals;
	Davit__Refusal **refusal_list;
	struct place_refusal *made; /* newest first */
};

/* Makes it empty, with room for so many tasks. A zeroed reply is an empty one. */
void place_reply_reset(struct place_reply *reply, size_t n_tasks, uint64_t version);
void place_reply_fini(struct place_reply *reply);

void place_reply_add_placement(struct place_reply *reply, char *task_id, char *node_id,
	double score);

struct place_refusal *place_reply_make_words(struct place_reply *reply, const char *words);
struct place_refusal *place_reply_make_refusal(struct place_reply *reply,
	const struct node_table *table, const struct refusal *refusal);
void place_reply_add_refusal(struct place_reply *reply, char *task_id,
	struct place_refusal *refusal);

/* What was put in so far. */
const Davit__PlaceReply *place_reply_message(struct place_reply *reply);
