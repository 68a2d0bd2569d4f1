#include "services/scheduler/facets.h"

#include "common/base/mem.h"
#include "services/scheduler/limits.h"

struct facets {
	const struct node_table *table;
	struct facet *first; /* newest first */
	unsigned n;
	uint64_t shape;
};

struct facets *
facets_new(const struct node_table *table)
{
	struct facets *facets = xcalloc(1, sizeof *facets);

	facets->table = table;
	return facets;
}

static void
facets_forget(struct facets *facets)
{
	for (struct facet *facet = facets->first, *next; facet != NULL; facet = next) {
		next = facet->next;
		free(facet->key);
		free(facet->values);
		free(facet->texts);
		free(facet);
	}
	facets->first = NULL;
	facets->n = 0;
}

void
facets_free(struct facets *facets)
{
	if (facets == NULL)
		return;
	facets_forget(facets);
	free(facets);
}

void
facets_begin(struct facets *facets)
{
	if (facets->shape != facets->table->shape || facets->n > PLACE_FACETS_MAX)
		facets_forget(facets);
	facets->shape = facets->table->shape;
}

static enum node_attr
attr_of(int subject)
{
	switch (subject) {
	case CONSTRAINT_NODE_ADDRESS:
		return NODE_ATTR_ADDRESS;
	case CONSTRAINT_NODE_CLASS:
		return NODE_ATTR_CLASS;
	case CONSTRAINT_ENGINE_OS:
		return NODE_ATTR_OS;
	case CONSTRAINT_ENGINE_ARCH:
		return NODE_ATTR_ARCH;
	case CONSTRAINT_ENGINE_VERSION:
		return NODE_ATTR_ENGINE_VERSION;
	case CONSTRAINT_ENGINE_KERNEL:
		return NODE_ATTR_KERNEL;
	case FACET_TAINTS:
		return NODE_ATTR_TAINTS;
	default:
		return NODE_ATTR_COUNT;
	}
}

/* The interned number of what the row has; 0: it has none. */
static uint32_t
number_of(const struct node *node, enum node_attr attr, uint32_t key)
{
	if (attr != NODE_ATTR_COUNT)
		return node->attrs[attr];
	for (uint32_t i = 0; key != 0 && i < node->n_labels; i++)
		if (node->labels[i].key == key)
			return node->labels[i].value;
	return 0;
}

static void
facet_fill(struct facet *facet, const struct node_table *table)
{
	uint32_t key = intern_find(table->intern, facet->key), room = 8;
	uint32_t *value_of = xcalloc(intern_bound(table->intern), sizeof value_of[0]);
	enum node_attr attr = attr_of(facet->subject);

	facet->values = xcalloc((size_t)table->n + 1, sizeof facet->values[0]);
	facet->texts = xcalloc(room, sizeof facet->texts[0]);
	facet->n_values = 1;
	for (uint32_t row = 0; row < table->n; row++) {
		uint32_t number = number_of(&table->nodes[row], attr, key);

		facet->n_none += number == 0;
		if (number == 0)
			continue;
		if (value_of[number] == 0) {
			if (facet->n_values == room) {
				room *= 2;
				facet->texts = xrealloc(facet->texts, room, sizeof facet->texts[0]);
			}
			facet->texts[facet->n_values] = number;
			value_of[number] = facet->n_values++;
		}
		facet->values[row] = value_of[number];
	}
	free(value_of);
}

const struct facet *
facets_get(struct facets *facets, int subject, const char *key, size_t key_size)
{
	struct facet *facet;

	for (facet = facets->first; facet != NULL; facet = facet->next)
		if (facet->subject == subject && strlen(facet->key) == key_size &&
			memcmp(facet->key, key, key_size) == 0)
			return facet;
	facet = xcalloc(1, sizeof *facet);
	facet->subject = subject;
	facet->key = xcalloc(1, key_size + 1);
	memcpy(facet->key, key, key_size);
	facet_fill(facet, facets->table);
	facet->next = facets->first;
	facets->first = facet;
	facets->n++;
	return facet;
}

const struct facet *
facets_topology(struct facets *facets, const char *topology)
{
	if (topology == NULL || topology[0] == '\0' || strcmp(topology, "node") == 0)
		return NULL;
	return facets_get(facets, CONSTRAINT_NODE_LABEL, topology, strlen(topology));
}

const char *
facet_text(const struct facet *facet, const struct node_table *table, uint32_t value)
{
	return value == 0 ? NULL : intern_text(table->intern, facet->texts[value]);
}

unsigned
facets_n_kept(const struct facets *facets)
{
	return facets->n;
}
