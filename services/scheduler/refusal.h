/*
 * refusal.h - why a task got no node, in numbers and in one sentence.
 *
 *     no node fits: cpu short on 2 of 3 nodes (wants 4, nearest n2 has 1.5 free), 1 draining
 *
 * A node counts for the first filter but sizes that rules it out; one that passes these
 * counts for everything that it is short of. The nearest is the one that lacks least,
 * measured by what is wanted.
 */
#pragma once

#include <stdint.h>

#include "services/scheduler/judge.h"

enum {
	/* Reasons that come once, and those that come for each constraint, limit and kind. */
	REFUSAL_COUNTS_MAX = FILTER_COUNT + 3 * PLACE_WISHES_MAX,
	REFUSAL_DETAIL_MAX = 128,
};

struct refusal_count {
	enum filter_reason reason;
	uint32_t n;
	char detail[REFUSAL_DETAIL_MAX]; /* "": nothing more to say */
};

struct refusal {
	char message[PLACE_MESSAGE_MAX];
	struct refusal_count counts[REFUSAL_COUNTS_MAX];
	uint32_t n_counts;
	uint32_t nearest;        /* row, or NODE_ROW_NONE when size was not the reason */
	struct lack lacking;     /* on the nearest */
	const struct want *want; /* what lacking.devices speaks of; borrowed of the demand */
};

void refusal_explain(const struct seek *seek, struct cluster *cluster, struct refusal *ret_refusal);

/* One more node for a reason; detail may be NULL. What is too much is not counted. */
void refusal_count(struct refusal *refusal, enum filter_reason reason, const char *detail);

/* What judge_row's detail means, in words that may be put together in room; NULL: nothing. */
const char *refusal_detail(const struct seek *seek, enum filter_reason reason, uint32_t detail,
	char room[WISH_NAME_MAX]);
