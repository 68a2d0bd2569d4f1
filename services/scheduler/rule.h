/*
 * rule.h - a constraint (common/model/constraint.h) on the nodes of a table.
 *
 * A rule is good until the table changes; it borrows the text that it was made of.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/model/constraint.h"
#include "services/scheduler/node_table.h"

struct rule {
	struct constraint constraint;
	uint32_t key; /* interned key of a label; 0: no node has it */
};

/* As constraint_parse: -EINVAL with words. */
int rule_init(struct rule *rule, const struct node_table *table, const char *text, struct err *err);
void rule_fini(struct rule *rule);

bool rule_admits(const struct rule *rule, const struct node_table *table, uint32_t row);

/*
 * "linux", "amd64", "linux/amd64" or "linux/arm/v7" (the variant is not looked at)
 * against the node's engine. A node that does not say what it is is not admitted.
 */
bool rule_platform_admits(const char *platform, const struct node_table *table, uint32_t row);
