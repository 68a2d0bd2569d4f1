#include "services/scheduler/rule.h"

#include <strings.h>

#include "common/base/mem.h"

/* Two words of one architecture become one. */
static const char *
arch_normal(const char *arch)
{
	static const struct {
		const char *from, *to;
	} names[] = {
		{"x86_64", "amd64"},
		{"x86-64", "amd64"},
		{"aarch64", "arm64"},
		{"armhf", "arm"},
		{"armv6l", "arm"},
		{"armv7l", "arm"},
		{"i686", "386"},
		{"i386", "386"},
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(arch, names[i].from) == 0)
			return names[i].to;
	}
	return arch;
}

static bool
arch_equal(const char *a, const char *b)
{
	return strcmp(arch_normal(a), arch_normal(b)) == 0;
}

static char *
text_copy(const char *from, size_t size)
{
	char *text = xcalloc(1, size + 1);

	memcpy(text, from, size);
	return text;
}

static enum node_attr
attr_of(enum constraint_subject subject)
{
	switch (subject) {
	case CONSTRAINT_NODE_ADDRESS:
		return NODE_ATTR_ADDRESS;
	case CONSTRAINT_ENGINE_OS:
		return NODE_ATTR_OS;
	case CONSTRAINT_ENGINE_ARCH:
		return NODE_ATTR_ARCH;
	case CONSTRAINT_ENGINE_VERSION:
		return NODE_ATTR_ENGINE_VERSION;
	case CONSTRAINT_NONE:
	case CONSTRAINT_NODE_ID:
	case CONSTRAINT_NODE_NAME:
	case CONSTRAINT_NODE_LABEL:
	case CONSTRAINT_COUNT:
		break;
	}
	return NODE_ATTR_COUNT;
}

int
rule_init(struct rule *rule, const struct node_table *table, const char *text, struct err *err)
{
	struct constraint constraint;
	int rc = constraint_parse(text, &constraint, err);

	if (rc < 0)
		return rc;
	*rule = (struct rule){.subject = constraint.subject,
		.is_not = constraint.is_not,
		.attr = attr_of(constraint.subject),
		.text = text_copy(constraint.value, constraint.value_size)};
	rule->value = intern_find(table->intern, rule->text);
	if (constraint.subject == CONSTRAINT_NODE_LABEL) {
		CLEANUP(free) char *key = text_copy(constraint.key, constraint.key_size);

		rule->key = intern_find(table->intern, key);
	}
	return 0;
}

void
rule_fini(struct rule *rule)
{
	free(rule->text);
	rule->text = NULL;
}

/* A label that a node does not have is "". */
static bool
label_is(const struct rule *rule, const struct node *node)
{
	for (uint32_t i = 0; i < node->n_labels; i++) {
		if (node->labels[i].key == rule->key)
			return rule->value != 0 && node->labels[i].value == rule->value;
	}
	return rule->text[0] == '\0';
}

static bool
attr_is(const struct rule *rule, const struct node_table *table, const struct node *node)
{
	uint32_t number = node->attrs[rule->attr];

	if (number == 0)
		return rule->text[0] == '\0';
	if (rule->attr == NODE_ATTR_ARCH)
		return arch_equal(intern_text(table->intern, number), rule->text);
	return number == rule->value;
}

bool
rule_admits(const struct rule *rule, const struct node_table *table, uint32_t row)
{
	const struct node *node = &table->nodes[row];
	bool is_so;

	if (rule->subject == CONSTRAINT_NODE_ID)
		is_so = strcmp(node->id, rule->text) == 0;
	else if (rule->subject == CONSTRAINT_NODE_NAME)
		is_so = strcmp(node->name, rule->text) == 0;
	else if (rule->subject == CONSTRAINT_NODE_LABEL)
		is_so = label_is(rule, node);
	else
		is_so = attr_is(rule, table, node);
	return is_so != rule->is_not;
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
	return arch[0] != '\0' && arch_equal(arch, wanted);
}
