/*
 * holds.h - what a placed task has in the ledger: its share of a node, and host ports.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "proto/types.pb-c.h"

struct task;
struct node;
struct ledger_kinds;
struct resources;

/*
 * What a task of the spec reserves. False when it wants a kind of device that no node
 * ever had: then that kind is left out.
 */
bool holds_wants(const struct ledger_kinds *kinds, const Davit__TaskSpec *spec,
	struct resources *ret_want);

/*
 * All or nothing. -ENOSPC (a resource, or no dynamic port is left), -EADDRINUSE (a
 * static host port), -EHOSTDOWN (the node takes nothing now), with words.
 */
int holds_take(struct task *task, struct node *node, struct err *err);

/* Takes again what the task held before a restart. -EUCLEAN when that cannot be. */
int holds_restore(struct task *task, struct err *err);

void holds_give(struct task *task);

/*
 * The node's engine is about to change (give), or has changed: the ports go along. What
 * another task of the new engine has already is the task's no more.
 */
void holds_move_ports(struct task *task, bool give);

/* A stranger has one of the task's ports: it stays marked after holds_give, until then. */
void holds_mark_stranger(struct task *task, uint16_t number, uint64_t until_mono_ms);
