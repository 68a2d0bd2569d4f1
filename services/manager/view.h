/*
 * view.h - the model as the messages that clients see. Everything is in the arena.
 */
#pragma once

#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/id.h"
#include "proto/manager.pb-c.h"

struct task;
struct resources;
struct ledger_kinds;
struct node;

/* Names of kinds of devices are borrowed. */
Davit__Resources *view_resources(const struct resources *resources,
	const struct ledger_kinds *kinds, struct arena *arena);

char *view_id(struct id id, struct arena *arena);
Davit__Task *view_task(const struct task *task, bool with_spec, struct arena *arena);
Davit__Node *view_node(const struct node *node, struct arena *arena);
/* The same but for host_ports, which takes a look at every task of the node. */
Davit__Node *view_node_without_ports(const struct node *node, struct arena *arena);
/* Host ports as they were resolved; NULL and 0 while there are none. */
Davit__PortMapping **view_ports(const struct task *task, size_t *ret_n, struct arena *arena);
