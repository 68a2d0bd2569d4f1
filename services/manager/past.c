/* The index of what is on disk only; tested by tests/unit/test_past.c. */
#include "services/manager/past.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/rpc/unpack.h"

enum { ROOM_FIRST = 16 };

void
past_init(struct past *past)
{
	*past = (struct past){0};
}

void
past_fini(struct past *past)
{
	for (uint32_t i = 1; i < past->room; i++)
		free(past->entries[i].name);
	free(past->entries);
	free(past->names);
	past_init(past);
}

static struct past_entry *
at(const struct past *past, uint32_t i)
{
	return &past->entries[i];
}

static const struct past_entry *
entry_or_null(const struct past *past, uint32_t i)
{
	return i == 0 ? NULL : at(past, i);
}

/* ---- by id: a treap, whose shape follows from the ids alone ---- */

/* Chance enough: ids end in it, and elements of an array are mixed. */
static uint64_t
weight(struct id id)
{
	uint64_t mixed = (id.lo ^ id.hi * UINT64_C(0x9e3779b97f4a7c15)) + 1;

	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

/* What is below i, split at id: lesser ones and the others. */
static void
split(struct past *past, uint32_t i, struct id id, uint32_t *ret_less, uint32_t *ret_rest)
{
	while (i != 0) {
		struct past_entry *entry = at(past, i);

		if (id_is_less(entry->id, id)) {
			*ret_less = i;
			ret_less = &entry->right;
			i = entry->right;
		} else {
			*ret_rest = i;
			ret_rest = &entry->left;
			i = entry->left;
		}
	}
	*ret_less = *ret_rest = 0;
}

/* Everything in less is less than everything in rest. */
static uint32_t
join(struct past *past, uint32_t less, uint32_t rest)
{
	uint32_t root = 0, *link = &root;

	while (less != 0 && rest != 0) {
		if (weight(at(past, less)->id) > weight(at(past, rest)->id)) {
			*link = less;
			link = &at(past, less)->right;
			less = *link;
		} else {
			*link = rest;
			link = &at(past, rest)->left;
			rest = *link;
		}
	}
	*link = less != 0 ? less : rest;
	return root;
}

static uint32_t *
link_to(struct past *past, struct id id)
{
	uint32_t *link = &past->root;

	while (*link != 0 && !id_equal(at(past, *link)->id, id))
		link = id_is_less(at(past, *link)->id, id) ? &at(past, *link)->right
							   : &at(past, *link)->left;
	return link;
}

static void
tree_add(struct past *past, uint32_t i)
{
	struct past_entry *entry = at(past, i);
	uint64_t own = weight(entry->id);
	uint32_t *link = &past->root;

	while (*link != 0 && weight(at(past, *link)->id) >= own)
		link = id_is_less(at(past, *link)->id, entry->id) ? &at(past, *link)->right
								  : &at(past, *link)->left;
	split(past, *link, entry->id, &entry->left, &entry->right);
	*link = i;
}

const struct past_entry *
past_find(const struct past *past, struct id id)
{
	uint32_t i = past->root;

	while (i != 0 && !id_equal(at(past, i)->id, id))
		i = id_is_less(at(past, i)->id, id) ? at(past, i)->right : at(past, i)->left;
	return entry_or_null(past, i);
}

const struct past_entry *
past_after(const struct past *past, struct id id)
{
	uint32_t best = 0;

	for (uint32_t i = past->root; i != 0;) {
		bool is_after = id_is_less(id, at(past, i)->id);

		best = is_after ? i : best;
		i = is_after ? at(past, i)->left : at(past, i)->right;
	}
	return entry_or_null(past, best);
}

/* ---- by end ---- */

static void
queue_add(struct past *past, uint32_t i)
{
	at(past, i)->older = past->newest;
	at(past, i)->newer = 0;
	*(past->newest != 0 ? &at(past, past->newest)->newer : &past->oldest) = i;
	past->newest = i;
}

static void
queue_remove(struct past *past, uint32_t i)
{
	const struct past_entry *entry = at(past, i);

	*(entry->older != 0 ? &at(past, entry->older)->newer : &past->oldest) = entry->newer;
	*(entry->newer != 0 ? &at(past, entry->newer)->older : &past->newest) = entry->older;
}

const struct past_entry *
past_oldest(const struct past *past)
{
	return entry_or_null(past, past->oldest);
}

struct end {
	uint64_t ended_ms;
	struct id id;
	uint32_t i;
};

static int
compare_ends(const void *a, const void *b)
{
	const struct end *left = a, *right = b;

	if (left->ended_ms != right->ended_ms)
		return left->ended_ms < right->ended_ms ? -1 : 1;
	return id_is_less(left->id, right->id) ? -1 : 1;
}

void
past_sort_by_end(struct past *past)
{
	struct end *ends = xcalloc((size_t)past->n + 1, sizeof *ends);
	uint32_t n = 0;

	for (uint32_t i = past->oldest; i != 0; i = at(past, i)->newer)
		ends[n++] = (struct end){at(past, i)->ended_ms, at(past, i)->id, i};
	assert(n == past->n);
	qsort(ends, n, sizeof *ends, compare_ends);
	past->oldest = past->newest = 0;
	for (uint32_t i = 0; i < n; i++)
		queue_add(past, ends[i].i);
	free(ends);
}

/* ---- by name ---- */

static uint32_t *
chain_of(const struct past *past, const struct space *space, const char *name)
{
	uint64_t hash = rpc_hash_bytes(RPC_HASH_START ^ (uintptr_t)space, name, strlen(name));

	return &past->names[(hash ^ hash >> 32) & (past->room - 1)];
}

static void
name_add(struct past *past, uint32_t i)
{
	struct past_entry *entry = at(past, i);
	uint32_t *chain;

	if (entry->name == NULL)
		return;
	chain = chain_of(past, entry->space, entry->name);
	entry->name_next = *chain;
	*chain = i;
}

static void
name_remove(struct past *past, uint32_t i)
{
	struct past_entry *entry = at(past, i);
	uint32_t *link;

	if (entry->name == NULL)
		return;
	link = chain_of(past, entry->space, entry->name);
	while (*link != i)
		link = &at(past, *link)->name_next;
	*link = entry->name_next;
}

const struct past_entry *
past_by_name(const struct past *past, const struct space *space, const char *name)
{
	const struct past_entry *best = NULL;

	if (past->n_singles == 0)
		return NULL;
	for (uint32_t i = *chain_of(past, space, name); i != 0; i = at(past, i)->name_next) {
		const struct past_entry *entry = at(past, i);

		if (entry->space == space && strcmp(entry->name, name) == 0 &&
			(best == NULL || id_is_less(best->id, entry->id)))
			best = entry;
	}
	return best;
}

/* ---- all of it ---- */

static void
grow(struct past *past)
{
	uint32_t before = past->room, room = before == 0 ? ROOM_FIRST : before * 2;

	past->entries = xrealloc(past->entries, room, sizeof *past->entries);
	memset(past->entries + before, 0, (room - before) * sizeof *past->entries);
	for (uint32_t i = room - 1; i >= before && i > 0; i--) {
		past->entries[i].left = past->unused;
		past->unused = i;
	}
	past->room = room;
	free(past->names);
	past->names = xcalloc(room, sizeof *past->names);
	for (uint32_t i = past->oldest; i != 0; i = at(past, i)->newer)
		name_add(past, i);
}

void
past_add_take(struct past *past, const struct past_entry *taken)
{
	struct past_entry *entry;
	uint32_t i;

	if (past->unused == 0)
		grow(past);
	i = past->unused;
	entry = at(past, i);
	past->unused = entry->left;
	*entry = *taken;
	tree_add(past, i);
	queue_add(past, i);
	name_add(past, i);
	past->n++;
	past->n_singles += entry->name != NULL;
	past->n_own_specs += entry->name != NULL && entry->spec == NULL;
}

void
past_remove(struct past *past, const struct past_entry *removed)
{
	uint32_t *link = link_to(past, removed->id), i = *link;
	struct past_entry *entry = at(past, i);

	assert(i != 0 && entry == removed);
	*link = join(past, entry->left, entry->right);
	queue_remove(past, i);
	name_remove(past, i);
	past->n--;
	past->n_singles -= entry->name != NULL;
	past->n_own_specs -= entry->name != NULL && entry->spec == NULL;
	free(entry->name);
	*entry = (struct past_entry){.left = past->unused};
	past->unused = i;
}
