/*
 * node_read.h - a node of the table made of what the manager says. Private to the node table.
 */
#pragma once

#include "services/scheduler/node_table.h"

/* Fills *node, with nothing running. */
void node_read(struct node_table *table, struct node *node, const Davit__PlaceNode *from);

/* Gives back all that node_read took, and what ran on it. */
void node_fini(struct node_table *table, struct node *node);

/* Whether labels and attributes of both are the same: to constraints they are one. */
bool node_is_alike(const struct node *a, const struct node *b);
