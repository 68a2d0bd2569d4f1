/*
 * placing.h - the conversation with the scheduler: it proposes, the ledger disposes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/rpc.pb-c.h"
#include "proto/scheduler.pb-c.h"

struct manager;
struct node;

struct placing {
	bool is_asking;                /* a Place call is under way */
	bool is_dry;                   /* it is one of questions.h */
	bool is_stale;                 /* its answer is of no use: the model was built again */
	bool has_woken;                /* something changed that may help blocked tasks */
	uint64_t retry_mono_ms;        /* after a failure */
	uint64_t sweep_mono_ms;        /* when blocked tasks were last tried */
	Davit__PlaceRequest *question; /* sealed, not asked yet; in the batch's arena */
	char trouble[256];             /* why the scheduler cannot be asked; "" when it can */
	uint64_t n_refused;            /* proposals that the ledger did not accept */
};

void placing_init(struct placing *placing);

/* Something was freed or joined: blocked tasks are tried again. */
void placing_wake(struct manager *manager);

/* Builds the next question if there is something to ask and nobody is being asked. */
void placing_seal(struct manager *manager);
void placing_ask(struct manager *manager);
bool placing_has_work(const struct manager *manager);

/* What the cluster's settings make of a spec's wishes. */
void placing_fill_wishes(const struct manager *manager, const Davit__TaskSpec *spec,
	Davit__PlaceTask *message);
/* The spec as the scheduler gets it; borrowed or in the batch's arena. */
Davit__TaskSpec *placing_view_spec(struct manager *manager, const Davit__TaskSpec *spec);
bool placing_is_gang(const Davit__TaskSpec *spec);

void placing_answer(struct manager *manager, Davit__Reply__Status status, const char *message,
	const Davit__PlaceReply *reply);
void placing_tick(struct manager *manager);
