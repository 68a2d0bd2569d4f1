/*
 * explain.h - how one decision came about, for people.
 *
 * As Explanation of proto/scheduler.proto says: nodes by the first filter that removed
 * them, the best with the parts of their scores, the nearest miss, and what would have to
 * end or join. It looks at every node slowly; nothing is changed. One thread.
 */
#pragma once

#include "services/scheduler/refusal.h"
#include "services/scheduler/strategies.h"

enum {
	EXPLAIN_REMEDIES_MAX = 6,
	EXPLAIN_TEXT_MAX = 256, /* of a remedy */
};

struct explain_best {
	uint32_t row;
	double score; /* of all parts */
	double fit;   /* of the strategy; the parts of seek_part follow */
};

struct explanation {
	Davit__TaskSpec__Strategy strategy;
	uint32_t n_nodes, n_feasible;
	struct refusal refusal; /* its counts are by the first filter here */
	struct explain_best best[PLACE_BEST_MAX];
	uint32_t n_best;
	char remedies[EXPLAIN_REMEDIES_MAX][EXPLAIN_TEXT_MAX];
	uint32_t n_remedies;
};

void explain_decision(const struct seek *seek, struct cluster *cluster,
	const struct strategies *strategies, Davit__TaskSpec__Strategy strategy,
	struct explanation *ret_explanation);
