/*
 * placing.h - the conversation with the scheduler: it proposes, the ledger disposes.
 *
 * One question at a time. What the scheduler may propose (a node, a node once others
 * have ended, a node whose room is to be kept) is checked against the manager's own
 * records; what does not hold is refused and counted. Part of the manager's core.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "proto/rpc.pb-c.h"
#include "proto/scheduler.pb-c.h"

struct manager;
struct node;
struct task;

/* What is proposed for one task, or for all of a gang that were asked about. */
struct placing_proposal {
	Davit__Placement *const *placements;
	struct task **tasks;
	struct node **nodes; /* NULL: an unknown one */
	size_t n;
};

struct placing {
	bool is_asking;             /* a Place call is under way */
	bool is_dry;                /* it is one of questions.h */
	bool is_second;             /* its cache was not what was thought: asked again at once */
	bool is_stale;              /* its answer is of no use: the model was built again */
	uint64_t retry_mono_ms;     /* after a failure */
	uint64_t sweep_mono_ms;     /* when blocked tasks were last tried */
	uint64_t second_mono_ms;    /* … because of is_second */
	uint64_t asked_n_moves;     /* waiting.n_moves when the question was put */
	char trouble[256];          /* why the scheduler cannot be asked; "" when it can */
	uint64_t n_refused;         /* proposals that were not accepted, ever */
	char refused[ERR_TEXT_MAX]; /* why the last of them was not */
};

void placing_init(struct placing *placing);

/* Asks the next question if there is something to ask and nobody is being asked. */
void placing_ask(struct manager *manager);
bool placing_has_work(const struct manager *manager);

/* What the cluster's settings make of a spec's wishes. */
void placing_fill_wishes(const struct manager *manager, const Davit__TaskSpec *spec,
	Davit__PlaceTask *message);
bool placing_may_preempt(const struct manager *manager, const struct task *task);
/* Whether room may be kept for it, and others of its gang, so that they are n. */
bool placing_may_claim(const struct manager *manager, const struct task *task, size_t n);
/* The spec as the scheduler gets it; borrowed or in the batch's arena. */
Davit__TaskSpec *placing_view_spec(struct manager *manager, const Davit__TaskSpec *spec);
bool placing_is_gang(const Davit__TaskSpec *spec);

void placing_answer(struct manager *manager, Davit__Reply__Status status, const char *message,
	const Davit__PlaceReply *reply);
void placing_tick(struct manager *manager);
