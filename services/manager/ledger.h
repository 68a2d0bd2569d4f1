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

struct resources {
	uint64_t cpu_milli, memory_bytes, disk_bytes;
};

struct ledger_account {
	struct resources capacity, reserved;
	uint32_t n_tasks;
};

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
