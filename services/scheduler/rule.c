#include "services/scheduler/rule.h"

#include <strings.h>

#include "common/base/mem.h"

int
rule_init(struct rule *rule, const struct node_table *table, struct facets *facets,
	const char *text, struct err *err)
{
	const struct constraint *constraint = &rule->constraint;
	int rc;

	*rule = (struct rule){.table = table};
	rc = constraint_parse(text, &rule->constraint, err);
	if (rc < 0 || constraint->subject == CONSTRAINT_NODE_ID ||
		constraint->subject == CONSTRAINT_NODE_NAME)
		return rc;
	rule->facet = facets_get(facets, (int)constraint->subject,
		constraint->key != NULL ? constraint->key : "", constraint->key_size);
	rule->holds = xcalloc(rule->facet->n_values, sizeof rule->holds[0]);
	for (uint32_t value = 0; value < rule->facet->n_values; value++)
		rule->holds[value] =
			constraint_holds(constraint, facet_text(rule->facet, table, value));
	return 0;
}

void
rule_fini(struct rule *rule)
{
	constraint_fini(&rule->constraint);
	free(rule->holds);
	rule->holds = NULL;
}

bool
rule_admits(const struct rule *rule, uint32_t row)
{
	const struct node *node = &rule->table->nodes[row];

	if (rule->facet != NULL)
		return rule->holds[rule->facet->values[row]];
	return constraint_holds(&rule->constraint,
		rule->constraint.subject == CONSTRAINT_NODE_ID ? node->id : node->name);
}

static bool
is_os(const char *word, size_t size)
{
	static const char *const names[] = {"linux", "windows", "darwin", "freebsd"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strlen(names[i]) == size && strncmp(names[i], word, size) == 0)
			return true;
	}
	return false;
}

bool
rule_platform_admits(const char *platform, const struct node_table *table, uint32_t row)
{
	const struct node *node = &table->nodes[row];
	const char *os = intern_text(table->intern, node->attrs[NODE_ATTR_OS]);
	const char *arch = intern_text(table->intern, node->attrs[NODE_ATTR_ARCH]);
	size_t n = strcspn(platform, "/");
	char wanted[32];

	if (platform[n] == '/' || is_os(platform, n)) {
		if (strlen(os) != n || strncasecmp(os, platform, n) != 0)
			return false;
		if (platform[n] == '\0')
			return true;
		platform += n + 1;
		n = strcspn(platform, "/");
	}
	if (n >= sizeof wanted)
		return false;
	memcpy(wanted, platform, n);
	wanted[n] = '\0';
	return arch[0] != '\0' && strcmp(constraint_arch(arch), constraint_arch(wanted)) == 0;
}
