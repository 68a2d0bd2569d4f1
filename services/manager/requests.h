/*
 * requests.h - answers that were given, so that the same request_id changes the world once.
 *
 * Only successful answers of changing calls are kept: a refusal changed nothing and is
 * decided again. Written in the same transaction as the change. Kept for
 * MANAGER_REQUEST_KEEP_MS, while they are at most MANAGER_REQUESTS_MAX and take at most the
 * bytes that the configuration allows; the oldest go first.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/store.pb-c.h"

struct manager;
struct rpc_call;
struct request;

struct requests {
	struct request *by_id; /* uthash, in order of insertion: oldest first */
	size_t n, bytes;
	uint64_t last_number; /* of those that were given */
};

void requests_fini(struct requests *requests);

/* True if the call was answered from memory (or refused, because the id was used otherwise). */
bool requests_replay(struct manager *manager, struct rpc_call *call);

void requests_remember(struct manager *manager, const struct rpc_call *call,
	const ProtobufCMessage *response);

/* From the store; with a request_id. */
void requests_load(struct manager *manager, const Davit__RequestRecord *record);

/* All are there: the oldest becomes the first again. */
void requests_loaded(struct requests *requests);

/* Forgets what is too old. */
void requests_tick(struct manager *manager);
