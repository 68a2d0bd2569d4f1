#include "services/scheduler/counters.h"

#include <assert.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "services/scheduler/limits.h"

enum { GROWTH = 4 };

struct counters {
	struct node_table *table;
	struct facets *facets;
	struct groups *groups;
	struct counter *by_key;
	struct counter *by_label; /* MATCH and REPEL: a group asks by what it has */
	uint64_t epoch;           /* grows with every counter that comes: groups look anew */
	uint64_t shape;
	size_t n_bytes;
	struct buf key; /* room for the key that is looked for */
};

struct counters *
counters_new(struct node_table *table, struct facets *facets, struct groups *groups)
{
	struct counters *counters = xcalloc(1, sizeof *counters);

	counters->table = table;
	counters->facets = facets;
	counters->groups = groups;
	counters->epoch = 1;
	return counters;
}

static void
counter_free(struct counters *counters, struct counter *counter)
{
	if (counter->peers != NULL) {
		counter->peers->counters = NULL;
		groups_peers_unref(counters->groups, counter->peers);
	}
	selector_fini(&counter->repel.selector);
	free(counter->repel.topology);
	free(counter->namespace);
	free(counter->counts);
	free(counter->n_with);
	free(counter->label_key);
	free(counter->key);
	free(counter);
}

void
counters_forget(struct counters *counters)
{
	struct counter *counter, *next;

	HASH_CLEAR(hh_label, counters->by_label);
	HASH_ITER(hh, counters->by_key, counter, next)
	{
		HASH_DEL(counters->by_key, counter);
		counter_free(counters, counter);
	}
	counters->n_bytes = 0;
	counters->epoch++;
}

void
counters_free(struct counters *counters)
{
	if (counters == NULL)
		return;
	counters_forget(counters);
	buf_fini(&counters->key);
	free(counters);
}

void
counters_begin(struct counters *counters)
{
	if (counters->shape != counters->table->shape ||
		counters->n_bytes > PLACE_COUNTERS_BYTES_MAX)
		counters_forget(counters);
	counters->shape = counters->table->shape;
}

/* One value of the counter changes; least and most follow by steps of one. */
static void
counter_move(struct counter *counter, uint32_t from, uint32_t to)
{
	if (to >= counter->n_with_room) {
		uint32_t room = counter->n_with_room * 2 > to ? counter->n_with_room * 2 : to + 8;

		counter->n_with = xrealloc(counter->n_with, room, sizeof counter->n_with[0]);
		memset(counter->n_with + counter->n_with_room, 0,
			(room - counter->n_with_room) * sizeof counter->n_with[0]);
		counter->n_with_room = room;
	}
	counter->n_with[from]--;
	counter->n_with[to]++;
	counter->most = to > counter->most ? to : counter->most;
	counter->least = to < counter->least ? to : counter->least;
	while (counter->most > 0 && counter->n_with[counter->most] == 0)
		counter->most--;
	while (counter->least < counter->most && counter->n_with[counter->least] == 0)
		counter->least++;
}

static void
counter_add(struct counter *counter, uint32_t row, int32_t n)
{
	uint32_t value = counter->facet != NULL ? counter->facet->values[row] : row;
	uint32_t before = counter->counts[value];

	counter->total = (uint32_t)((int32_t)counter->total + n);
	if (counter->facet != NULL && value == 0)
		return; /* near to none */
	counter->counts[value] = (uint32_t)((int32_t)before + n);
	counter_move(counter, before, counter->counts[value]);
}

static bool
topology_equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
counts_group(const struct counter *counter, const struct group *group)
{
	if (counter->kind == COUNTER_PEERS)
		return group->peers == counter->peers;
	if (strcmp(counter->namespace, group->namespace) != 0)
		return false;
	if (counter->kind == COUNTER_MATCH)
		return selector_admits_group(&counter->repel.selector, group);
	for (uint32_t i = 0; i < group->n_repels; i++)
		if (selector_equal(&group->repels[i].selector, &counter->repel.selector) &&
			topology_equal(group->repels[i].topology, counter->repel.topology))
			return true;
	return false;
}

/* Whether there is anything to count. A job's first tasks ask for what nobody is yet. */
static bool
counts_any(const struct counters *counters, const struct counter *counter)
{
	const struct group *group;
	uint32_t n_groups;

	if (counter->kind == COUNTER_PEERS)
		return counter->peers->n_running > 0;
	group = groups_first(counters->groups, &n_groups);
	if (n_groups > counters->table->n)
		return true; /* looking at the nodes is no more work */
	for (; group != NULL; group = group->hh.next)
		if (group->n_running > 0 && counts_group(counter, group))
			return true;
	return false;
}

/* Looks at everything that runs, once. */
static void
counter_fill(const struct counters *counters, struct counter *counter)
{
	const struct node_table *table = counters->table;

	if (!counts_any(counters, counter))
		return;
	for (uint32_t row = 0; row < table->n; row++) {
		const struct node *node = &table->nodes[row];

		for (uint32_t i = 0; i < node->n_running; i++) {
			struct group *group = node->running[i].group;

			if (group->asked_by != counter->serial) {
				group->asked_by = counter->serial;
				group->is_counted = counts_group(counter, group);
			}
			if (group->is_counted)
				counter_add(counter, row, (int32_t)node->running[i].n);
		}
	}
}

/* The first counter of a label in a namespace; value NULL: of the label whatever its value. */
static struct counter *
label_find(struct counters *counters, const char *namespace, const char *key, const char *value)
{
	struct counter *counter;

	buf_reset(&counters->key);
	buf_puts(&counters->key, namespace);
	buf_puts(&counters->key, "\n");
	buf_puts(&counters->key, key);
	if (value != NULL) {
		buf_puts(&counters->key, "=");
		buf_puts(&counters->key, value);
	}
	HASH_FIND(hh_label, counters->by_label, buf_text(&counters->key),
		(unsigned)counters->key.size, counter);
	return counter;
}

static void
label_index(struct counters *counters, struct counter *counter)
{
	const struct selector *selector = &counter->repel.selector;
	struct counter *first =
		label_find(counters, counter->namespace, selector->key, selector->value);

	if (first != NULL) {
		counter->next_of_label = first->next_of_label;
		first->next_of_label = counter;
		return;
	}
	counter->label_key = xstrdup(buf_text(&counters->key));
	HASH_ADD_KEYPTR(hh_label, counters->by_label, counter->label_key,
		(unsigned)counters->key.size, counter);
}

static struct counter *
counter_new(struct counters *counters, const struct counter_wish *wish)
{
	struct counter *counter = xcalloc(1, sizeof *counter);

	counter->kind = wish->kind;
	counter->serial = ++counters->epoch;
	counter->facet = facets_topology(counters->facets, wish->topology);
	counter->n_counts = counter->facet != NULL ? counter->facet->n_values : counters->table->n;
	counter->counts = xcalloc((size_t)counter->n_counts + 1, sizeof counter->counts[0]);
	counter->n_with_room = 4;
	counter->n_with = xcalloc(counter->n_with_room, sizeof counter->n_with[0]);
	counter->n_with[0] = counter->n_counts - (counter->facet != NULL);
	counters->n_bytes += counter->n_counts * sizeof counter->counts[0] + sizeof *counter;
	if (wish->kind == COUNTER_PEERS) {
		counter->peers = wish->peers;
		counter->peers->n_refs++;
		counter->next_of_peers = counter->peers->counters;
		counter->peers->counters = counter;
		return counter;
	}
	counter->namespace = xstrdup(wish->namespace);
	selector_read(&counter->repel.selector, wish->label);
	if (counter->facet != NULL)
		counter->repel.topology = xstrdup(wish->topology);
	label_index(counters, counter);
	return counter;
}

const struct counter *
counters_get(struct counters *counters, const struct counter_wish *wish)
{
	static const char *const kinds[] = {[COUNTER_MATCH] = "match ",
		[COUNTER_REPEL] = "repel ",
		[COUNTER_PEERS] = "peers "};
	const char *topology = wish->topology != NULL ? wish->topology : "node";
	struct buf *key = &counters->key;
	struct counter *counter;
	char *text;

	assert(counters->shape == counters->table->shape);
	buf_reset(key);
	buf_puts(key, kinds[wish->kind]);
	buf_puts(key, topology);
	buf_puts(key, "\n");
	if (wish->kind == COUNTER_PEERS) {
		buf_puts(key, wish->peers->key);
	} else {
		buf_puts(key, wish->namespace);
		buf_puts(key, "\n");
		buf_puts(key, wish->label);
	}
	HASH_FIND(hh, counters->by_key, buf_text(key), (unsigned)key->size, counter);
	if (counter != NULL)
		return counter;
	text = xstrdup(buf_text(key)); /* the room is used again */
	counter = counter_new(counters, wish);
	counter_fill(counters, counter);
	counter->key = text;
	HASH_ADD_KEYPTR(hh, counters->by_key, counter->key, (unsigned)strlen(text), counter);
	return counter;
}

static void
group_join(struct group *group, struct counter *counter)
{
	for (uint32_t i = 0; i < group->n_counters; i++)
		if (group->counters[i] == counter)
			return; /* by another label, or another repel */
	if (group->n_counters % GROWTH == 0)
		group->counters = xrealloc(group->counters, (size_t)group->n_counters + GROWTH,
			sizeof(struct counter *));
	group->counters[group->n_counters++] = counter;
}

static void
group_join_label(struct counters *counters, struct group *group, const char *key, const char *value)
{
	struct counter *counter = label_find(counters, group->namespace, key, value);

	for (; counter != NULL; counter = counter->next_of_label)
		if (counts_group(counter, group))
			group_join(group, counter);
}

/* Which counters a group counts in, found once for each set of counters. */
static void
group_look(struct counters *counters, struct group *group)
{
	free(group->counters);
	group->counters = NULL;
	group->n_counters = 0;
	for (uint32_t i = 0; i < group->n_labels; i++) {
		group_join_label(counters, group, group->labels[i].key, group->labels[i].value);
		group_join_label(counters, group, group->labels[i].key, NULL);
	}
	for (uint32_t i = 0; i < group->n_repels; i++)
		group_join_label(counters, group, group->repels[i].selector.key,
			group->repels[i].selector.value);
	for (struct counter *c = group->peers->counters; c != NULL; c = c->next_of_peers)
		group_join(group, c);
	group->counters_epoch = counters->epoch;
}

void
counters_on_run(struct counters *counters, uint32_t row, struct group *group, int32_t n)
{
	if (counters->by_key == NULL)
		return;
	if (counters->shape != counters->table->shape) {
		counters_forget(counters);
		return;
	}
	if (group->counters_epoch != counters->epoch)
		group_look(counters, group);
	for (uint32_t i = 0; i < group->n_counters; i++)
		counter_add(group->counters[i], row, n);
}

unsigned
counters_n_kept(const struct counters *counters)
{
	return HASH_COUNT(counters->by_key);
}
