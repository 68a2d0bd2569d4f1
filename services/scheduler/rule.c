#include "services/scheduler/rule.h"

#include <strings.h>

#include "common/base/mem.h"

static char *
text_copy(const char *from, size_t size)
{
	char *text = xcalloc(1, size + 1);

	memcpy(text, from, size);
	return text;
}

int
rule_init(struct rule *rule, const struct node_table *table, const char *text, struct err *err)
{
	int rc;

	*rule = (struct rule){0};
	rc = constraint_parse(text, &rule->constraint, err);
	if (rc == 0 && rule->constraint.subject == CONSTRAINT_NODE_LABEL) {
		CLEANUP(free)
		char *key = text_copy(rule->constraint.key, rule->constraint.key_size);

		rule->key = intern_find(table->intern, key);
	}
	return rc;
}

void
rule_fini(struct rule *rule)
{
	constraint_fini(&rule->constraint);
}

static const char *
attr_of(const struct node_table *table, const struct node *node, enum node_attr attr)
{
	uint32_t number = node->attrs[attr];

	return number == 0 ? NULL : intern_text(table->intern, number);
}

static const char *
label_of(const struct node_table *table, const struct node *node, uint32_t key)
{
	for (uint32_t i = 0; key != 0 && i < node->n_labels; i++) {
		if (node->labels[i].key == key)
			return intern_text(table->intern, node->labels[i].value);
	}
	return NULL;
}

/* What the constraint speaks of, on one node; NULL: the node has it not. */
static const char *
actual_of(const struct rule *rule, const struct node_table *table, const struct node *node)
{
	switch (rule->constraint.subject) {
	case CONSTRAINT_NODE_ID:
		return node->id;
	case CONSTRAINT_NODE_NAME:
		return node->name;
	case CONSTRAINT_NODE_LABEL:
		return label_of(table, node, rule->key);
	case CONSTRAINT_NODE_ADDRESS:
		return attr_of(table, node, NODE_ATTR_ADDRESS);
	case CONSTRAINT_NODE_CLASS:
		return attr_of(table, node, NODE_ATTR_CLASS);
	case CONSTRAINT_ENGINE_OS:
		return attr_of(table, node, NODE_ATTR_OS);
	case CONSTRAINT_ENGINE_ARCH:
		return attr_of(table, node, NODE_ATTR_ARCH);
	case CONSTRAINT_ENGINE_VERSION:
		return attr_of(table, node, NODE_ATTR_ENGINE_VERSION);
	case CONSTRAINT_ENGINE_KERNEL:
		return attr_of(table, node, NODE_ATTR_KERNEL);
	case CONSTRAINT_NONE:
	case CONSTRAINT_COUNT:
		break;
	}
	return NULL;
}

bool
rule_admits(const struct rule *rule, const struct node_table *table, uint32_t row)
{
	return constraint_holds(&rule->constraint, actual_of(rule, table, &table->nodes[row]));
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
