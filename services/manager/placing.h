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
	bool is_asking;         /* a Place call is under way */
	bool needs_snapshot;    /* the scheduler's cache is unknown */
	bool has_woken;         /* something changed that may help blocked tasks */
	uint64_t version;       /* of the scheduler's cache */
	uint64_t sent_version;  /* of the call under way */
	uint64_t retry_mono_ms; /* after a failure */
	uint64_t sweep_mono_ms; /* when blocked tasks were last tried */
	struct node *changed;   /* nodes to tell about */
	char **removed;         /* ids of nodes to forget */
	uint32_t n_removed;
	Davit__PlaceRequest *question; /* sealed, not asked yet; in the batch's arena */
	char trouble[256];             /* why the scheduler cannot be asked; "" when it can */
	uint64_t n_refused;            /* proposals that the ledger did not accept */
};

void placing_init(struct placing *placing);
void placing_fini(struct placing *placing);

/* The node's figures or readiness changed. */
void placing_node_changed(struct manager *manager, struct node *node);
void placing_node_removed(struct manager *manager, struct node *node);

/* Something was freed or joined: blocked tasks are tried again. */
void placing_wake(struct manager *manager);

/* Builds the next question if there is something to ask and nobody is being asked. */
void placing_seal(struct manager *manager);
void placing_ask(struct manager *manager);
bool placing_has_work(const struct manager *manager);

void placing_answer(struct manager *manager, Davit__Reply__Status status, const char *message,
	const Davit__PlaceReply *reply);
void placing_tick(struct manager *manager);
