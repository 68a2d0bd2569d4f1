/*
 * rule.h - a constraint on nodes, made ready to be asked ten thousand times.
 *
 * What may be written is common/model/constraint.h's; here the texts become the
 * node table's numbers, so that asking compares two of them. One thing is added:
 * x86_64 and amd64 are one architecture, as are aarch64 and arm64.
 *
 * A rule is good until the table changes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/model/constraint.h"
#include "services/scheduler/node_table.h"

struct rule {
	enum constraint_subject subject;
	bool is_not;
	enum node_attr attr; /* of an attribute */
	uint32_t key, value; /* interned; 0: no node has it */
	char *text;          /* the value */
};

/* As constraint_parse: -EINVAL or -ENOSYS with words. */
int rule_init(struct rule *rule, const struct node_table *table, const char *text, struct err *err);
void rule_fini(struct rule *rule);

bool rule_admits(const struct rule *rule, const struct node_table *table, uint32_t row);

/*
 * "linux", "amd64", "linux/amd64" or "linux/arm/v7" (the variant is not looked at)
 * against the node's engine. A node that does not say what it is is not admitted.
 */
bool rule_platform_admits(const char *platform, const struct node_table *table, uint32_t row);
