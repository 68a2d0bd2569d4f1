/*
 * judge.h - why a node does not come into question, filter by filter.
 *
 * Slower than seek_admits, which only says that: for refusals and explanations. A judge
 * borrows the seek. One thread.
 */
#pragma once

#include "services/scheduler/limits.h"
#include "services/scheduler/rule.h"
#include "services/scheduler/seek.h"
#include "services/scheduler/taints.h"

/* In the order in which they are looked at. */
enum filter_reason {
	FILTER_NONE, /* it is not out */
	FILTER_STATE,
	FILTER_DRAINING,
	FILTER_AVOIDED,
	FILTER_PLATFORM,
	FILTER_CONSTRAINT,
	FILTER_TAINT,
	FILTER_AFFINITY,
	FILTER_MAX_PER_NODE,
	FILTER_SLOTS,
	FILTER_CPU, /* the first of the sizes */
	FILTER_MEMORY,
	FILTER_DISK,
	FILTER_DEVICE,
	FILTER_PORT,
	FILTER_DYNAMIC_PORTS,
	FILTER_COUNT
};

/* "cpu", "memory", …: the word in FilterCount. */
const char *filter_name(enum filter_reason reason);

/* What a node has too little of. */
struct lack {
	bool is_short[FILTER_COUNT];
	struct amounts amounts;
	uint32_t devices[PLACE_KINDS_MAX + 1]; /* as in want.devices */
	uint32_t n_dynamic_ports;
	uint16_t port;   /* the first that is taken; 0: none */
	double greatest; /* missing of wanted, the greatest; 1 more when a port is taken */
};

struct judge {
	const struct seek *seek;
	struct rule *rules; /* of the spec's constraints */
};

/* The constraints are known to be right: filters_get read them. */
void judge_init(struct judge *judge, const struct seek *seek, struct cluster *cluster);
void judge_fini(struct judge *judge);

/*
 * The first filter but sizes that removes the row, or FILTER_NONE. *ret_detail, which may be
 * NULL, becomes the number of the constraint or of the demand's limit.
 */
enum filter_reason judge_row(const struct judge *judge, uint32_t row, uint32_t *ret_detail);

/* Whether the row is short of anything. */
bool judge_sizes(const struct judge *judge, uint32_t row, struct lack *ret_lack);

/* The first size of which it is short. */
enum filter_reason lack_reason(const struct lack *lack);

/* The taint that keeps the task off the row. */
struct taints_verdict judge_taints(const struct judge *judge, uint32_t row);
