/*
 * relay_impl.h - a question under way, shared by the files of the relay.
 *
 * Owned by the relay from relay_add until its kind's answer or refuse has run.
 */
#pragma once

#include <stdbool.h>

#include <uthash.h>

#include "common/base/id.h"
#include "proto/rpc.pb-c.h"
#include "services/manager/core.h"
#include "services/manager/limits.h"

struct query;

struct query_kind {
	/* Fills the message that goes down. What it points to lives as long as the call, or in the
	 * arena. */
	void (*ask)(const struct query *query, Davit__Query *message, struct arena *arena);
	/* Not for a question of one call: what of the answer answers it, or NULL if nothing. */
	const ProtobufCMessage *(*pick)(const Davit__QueryAnswer *answer);
	/* The same, that answer is about to be given. May be NULL. */
	void (*heard)(struct manager *manager, struct query *query, const ProtobufCMessage *reply);
	/* For a question that is part of a gather; answer NULL: there will be none. */
	void (*gathered)(struct manager *manager, struct query *query,
		const Davit__QueryAnswer *answer);
	const char *field; /* of the call, that names what was asked for */
};

struct query {
	uint64_t id;
	const struct query_kind *kind;
	struct node *node;
	struct rpc_call *call; /* NULL: of a gather */
	struct gather *gather;
	struct id task_id;
	char *channel;  /* of an OpenChannel: the name it gets */
	size_t n_bytes; /* that it carries down */
	uint64_t until_mono_ms;
	bool is_asked;             /* in relay.asked; else in node->queries */
	struct query *prev, *next; /* in node->queries */
	UT_hash_handle hh;
};

bool relay_is_heard(const struct node *node);

/* True if the call was refused, because so much is under way already. */
bool relay_refuse_too_many(struct manager *manager, struct rpc_call *call, size_t n_bytes);

/* Begins a question. wait_ms: for which the answer may be late. */
struct query *relay_add(struct manager *manager, struct node *node, const struct query_kind *kind,
	uint64_t wait_ms, size_t n_bytes);

/* The gather is over without an answer to its call: it is freed. */
struct rpc_call *relay_gather_abort(struct gather *gather);
