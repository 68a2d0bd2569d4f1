/*
 * repels.h - whom hard anti-affinities of others mean.
 *
 * Groups keep tasks with some label away. A task asks by each label it has, so that it
 * does not matter how many others there are. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "common/base/buf.h"
#include "common/base/cleanup.h"

/* "app=web": the key, and the value or NULL for any. Owned by who has it. */
struct selector {
	char *key, *value;
};

/* A hard anti-affinity: tasks with that label keep away. */
struct repel {
	struct selector selector;
	char *topology; /* NULL: the node */
};

/* A repel that some groups of a namespace have. */
struct repel_kind {
	UT_hash_handle hh;
	char *key;         /* namespace, newline, label */
	const char *label; /* in the key: "app=web", or "app" for any value */
	char *topology;    /* NULL: the node */
	uint32_t n_groups;
	struct repel_kind *next; /* with the same key */
};

/* A zeroed one is empty. */
struct repels {
	struct repel_kind *by_key;
	uint64_t epoch; /* grows when kinds come or go */
	struct buf key; /* room for the key that is looked for */
};

/* The last one frees the kind; repels_fini what is left. */
void repels_ref(struct repels *repels, const char *namespace, const struct repel *repel);
void repels_unref(struct repels *repels, const char *namespace, const struct repel *repel);
void repels_fini(struct repels *repels);

/* The first of those that mean the label with that value, or, if it is NULL, with any. */
const struct repel_kind *repels_find(struct repels *repels, const char *namespace, const char *key,
	const char *value);
