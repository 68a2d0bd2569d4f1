/*
 * host.h - a manager's core with a store in memory, for fuzz targets that speak to it.
 *
 * Chance and clocks are always the same, so that ids in a corpus stay good. What it
 * answers is encoded and thrown away. An input is cut into parts by lines of "--".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/store/store.h"
#include "services/manager/manager.h"

struct host {
	struct store *store;
	struct manager *manager;
	struct manager_now now;
	uint64_t chance;
	Davit__PlaceRequest *question; /* unanswered; a copy */
};

void host_init(struct host *host);
void host_fini(struct host *host);

/* kill -9: what was not committed is gone, and nothing is loaded yet. */
void host_restart(struct host *host);

/* Loads the store, as at a start. Negative when the records make no sense. */
int host_load(struct host *host);

/* An envelope as it comes from a client, in either encoding; refused or taken. */
void host_call(struct host *host, const void *data, size_t size);

/* Seals, commits and releases until there is nothing to do, some turns at most. */
void host_turn(struct host *host);
void host_pass(struct host *host, uint64_t ms);

/* The next part from *at on; false at the end. */
bool host_part(const uint8_t *data, size_t size, size_t *at, const char **ret_part, size_t *ret_n);

/* A message of the type, of JSON when the text begins so, else of protobuf. NULL: none. */
ProtobufCMessage *host_message(const ProtobufCMessageDescriptor *type, const char *text,
	size_t size);
