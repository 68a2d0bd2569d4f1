/*
 * ledger.h - who has which CPU, memory, disk and host port. Pure.
 *
 * One ledger for the cluster: what it grants never exceeds a node's capacity, at
 * any instant, whatever a scheduler proposes. Host ports belong to an engine, not
 * to a node, because workers that share an engine share its ports.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

enum {
	LEDGER_KINDS_MAX = 16,        /* of devices, in the whole cluster */
	LEDGER_KIND_SIZE = 64,        /* of a kind's name, with its NUL */
	LEDGER_DEVICES_MAX = 1 << 15, /* of one kind on one node */
	LEDGER_GPU = 0,               /* the kind that every cluster knows */
};

/* What sorts of devices there are: a device is counted at the place of its kind. */
struct ledger_kinds {
	char names[LEDGER_KINDS_MAX][LEDGER_KIND_SIZE];
	unsigned n;
};

/* With "gpu" alone. */
void ledger_kinds_init(struct ledger_kinds *kinds);
/* The kind's place, or -1. */
int ledger_kind_find(const struct ledger_kinds *kinds, const char *name);
/* The same, added if it is new; -1 when there are too many. */
int ledger_kind_get(struct ledger_kinds *kinds, const char *name);

struct resources {
	uint64_t cpu_milli, memory_bytes, disk_bytes;
	uint16_t devices[LEDGER_KINDS_MAX];
};

/* Saturating: never below 0. */
void resources_add(struct resources *to, const struct resources *what);
void resources_subtract(struct resources *from, const struct resources *what);
/* How often `want` goes into `room`; at most n_max. */
uint32_t resources_fit(const struct resources *room, const struct resources *want, uint32_t n_max);

struct ledger_account {
	struct resources capacity, reserved;
	struct resources claimed; /* kept for tasks that wait for more of it to come free */
	uint32_t n_tasks;
	const struct ledger_kinds *kinds; /* borrowed; names for sentences */
};

/* What is neither reserved nor kept for somebody. */
struct resources ledger_free(const struct ledger_account *account);

/* 0, or -ENOSPC with words that name the first resource that is short; nothing changed then. */
int ledger_reserve(struct ledger_account *account, const struct resources *want, struct err *err);

/* Gives back what ledger_reserve took. */
void ledger_release(struct ledger_account *account, const struct resources *had);

/* A host port of an engine: transport protocol (davit.Port.Protocol) and number. */
struct ledger_port {
	uint8_t protocol;
	uint16_t number;
};

struct ledger_ports; /* of one engine */

struct ledger_range {
	uint16_t first, last; /* of dynamic host ports, both included */
};

struct ledger_ports *ledger_ports_new(struct ledger_range range, uint32_t chance);
void ledger_ports_free(struct ledger_ports *ports);

/* -EADDRINUSE if it is taken by a task or known to be held by a stranger. */
int ledger_port_take(struct ledger_ports *ports, struct ledger_port port);

/* A free one of the range, in turn. -ENOSPC when none is left. */
int ledger_port_choose(struct ledger_ports *ports, uint8_t protocol, struct ledger_port *ret_port);

void ledger_port_give(struct ledger_ports *ports, struct ledger_port port);

/*
 * Something outside Davit listens there: it is nobody's of ours, and left alone until
 * until_ms. Giving it back later by the task that had it changes nothing.
 */
void ledger_port_hand_to_stranger(struct ledger_ports *ports, struct ledger_port port,
	uint64_t until_ms);

/* Forgets marks that are over. True if there were any. */
bool ledger_port_expire(struct ledger_ports *ports, uint64_t now_ms);

bool ledger_port_is_taken(const struct ledger_ports *ports, struct ledger_port port);

/* Of the dynamic range, for TCP. */
uint32_t ledger_ports_n_free(const struct ledger_ports *ports);

/* Those that tasks have, of either protocol: strangers' are not counted. */
uint32_t ledger_ports_n_held(const struct ledger_ports *ports);

/* All that are taken or marked, for the scheduler: TCP and UDP numbers, ascending. Borrowed. */
size_t ledger_ports_list(const struct ledger_ports *ports, const uint32_t **ret_numbers);
