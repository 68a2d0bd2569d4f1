/*
 * rule.h - a constraint (common/model/constraint.h) on the nodes of a table.
 *
 * It is asked once per distinct value of what it speaks of, and then known for all
 * nodes. A rule is good until the table's shape changes, and borrows the text that it
 * was made of.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/model/constraint.h"
#include "services/scheduler/facets.h"

struct rule {
	struct constraint constraint;
	const struct node_table *table;
	const struct facet *facet; /* NULL: every node has a value of its own */
	bool *holds;               /* by value of the facet */
};

/* As constraint_parse: -EINVAL with words. */
int rule_init(struct rule *rule, const struct node_table *table, struct facets *facets,
	const char *text, struct err *err);
void rule_fini(struct rule *rule);

bool rule_admits(const struct rule *rule, uint32_t row);

/*
 * "linux", "amd64", "linux/amd64" or "linux/arm/v7" (the variant is not looked at)
 * against the node's engine. A node that does not say what it is is not admitted.
 */
bool rule_platform_admits(const char *platform, const struct node_table *table, uint32_t row);
