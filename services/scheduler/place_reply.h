/*
 * place_reply.h - a PlaceReply with room for thousands of answers.
 *
 * Tasks that were refused for one reason share its words. Ids are borrowed from the
 * request and the node table: the message is good while both are unchanged. All else that
 * it points to is the reply's own.
 */
#pragma once

#include <stdint.h>

#include "common/base/mem.h"
#include "proto/scheduler.pb-c.h"
#include "services/scheduler/evict.h"
#include "services/scheduler/explain.h"
#include "services/scheduler/refusal.h"

struct place_refusal; /* the words and figures of a refusal, owned by the reply */
struct place_block;

struct place_reply {
	Davit__PlaceReply message;
	Davit__Placement *placements;
	Davit__Placement **placement_list;
	Davit__Refusal *refusals;
	Davit__Refusal **refusal_list;
	Davit__Explanation **explanation_list;
	struct place_refusal *made; /* newest first */
	struct place_block *blocks; /* of evictions and explanations */
};

/* Makes it empty, with room for so many tasks. A zeroed reply is an empty one. */
void place_reply_reset(struct place_reply *reply, size_t n_tasks, uint64_t version);
void place_reply_fini(struct place_reply *reply);

/* Good for setting more of it until the next is added. */
Davit__Placement *place_reply_add_placement(struct place_reply *reply, char *task_id, char *node_id,
	double score);
void place_reply_evict(struct place_reply *reply, Davit__Placement *placement,
	const struct evictions *evictions);
/* Takes the latest placements back. */
void place_reply_cut_placements(struct place_reply *reply, size_t n_left);

struct place_refusal *place_reply_make_words(struct place_reply *reply, const char *words);
struct place_refusal *place_reply_make_refusal(struct place_reply *reply,
	const struct node_table *table, const struct refusal *refusal);
void place_reply_add_refusal(struct place_reply *reply, char *task_id,
	struct place_refusal *refusal);
/* The figures of another one with other words. */
struct place_refusal *place_reply_make_like(struct place_reply *reply,
	const struct place_refusal *like, const char *words);
const char *place_refusal_words(const struct place_refusal *refusal);

Davit__Explanation *place_reply_add_explanation(struct place_reply *reply, char *task_id,
	const struct seek *seek, const struct explanation *explanation);
/* The node of the evictions becomes the best. */
void place_reply_explain_evictions(struct place_reply *reply, Davit__Explanation *explanation,
	const struct seek *seek, const struct evictions *evictions);

/* Some task was not answered, for it is not known what runs where. */
void place_reply_want_groups(struct place_reply *reply);

/* What was put in so far. */
const Davit__PlaceReply *place_reply_message(struct place_reply *reply);
