/*
 * demand.h - what a task asks of its node, read once per call.
 *
 * Its size; the key of its filter; and its wishes, which look at where other tasks are
 * and so at counters. One thread.
 */
#pragma once

#include "services/scheduler/cluster.h"
#include "services/scheduler/part.h"

enum limit_kind {
	LIMIT_NEAR, /* at least one has to be near */
	LIMIT_FAR,  /* none may be near */
	LIMIT_MOST, /* fewer than so many peers may be on the node */
};

/* A wish that has to be fulfilled. */
struct limit {
	enum limit_kind kind;
	const struct counter *counter; /* of NEAR and FAR */
	const struct peers *peers;     /* of MOST */
	uint32_t most;
	/* Of NEAR: with nobody to be near to, any place that has the topology will do. */
	bool may_be_first;
	struct wish_name name;
};

struct demand {
	const Davit__TaskSpec *spec; /* borrowed for the demand's life */
	struct want want;
	uint16_t *ports;             /* behind want.ports */
	struct want_device *devices; /* behind want.devices; kinds are borrowed */
	char *filter_key;            /* NULL: "" */

	/* Wishes, once demand_wish was called. */
	struct part *parts;
	struct limit *limits;
	uint32_t n_parts, n_limits;
	struct peers *peers;
	uint64_t repels_epoch;
	bool is_wished;
};

/* Never fails: what is too much fits nowhere. */
void demand_init(struct demand *demand, const struct node_table *table,
	const Davit__TaskSpec *spec);
void demand_fini(struct demand *demand, struct cluster *cluster);

/* Whether it looks at what runs where. */
bool demand_needs_groups(const struct demand *demand);

/* Reads the wishes, again when others have come up that concern it. With has_groups only. */
void demand_wish(struct demand *demand, struct cluster *cluster, const Davit__PlaceTask *task);

/* NULL when the row is within all limits, else the first that it is not. */
const struct limit *demand_limit_at(const struct demand *demand, const struct node_table *table,
	uint32_t row);

/* Whether there may be room after others were placed where there was none before. */
bool demand_may_change_its_mind(const struct demand *demand);

/* Parts of the above, for groups. */
void demand_read_resources(struct demand *demand, const struct node_table *table,
	const Davit__Resources *resources);
void demand_read_ports(struct demand *demand, const uint32_t *ports, size_t n);
