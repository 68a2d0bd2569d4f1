/*
 * The store that the simulator and the tests use; tested by tests/unit/test_store.c.
 * A sorted array: simple enough to be believed when the other backend disagrees.
 */
#include "common/store/store_mem.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/store/store_impl.h"

struct entry {
	size_t size;
	char *key;    /* behind the value, in the same block */
	char value[]; /* [size] */
};

enum fault { FAULT_NONE, FAULT_FAIL, FAULT_LATE, FAULT_CUT, FAULT_CUT_KEPT };

struct mem {
	struct store base;
	struct entry **entries; /* by key */
	size_t n, room;
	enum fault fault;
	unsigned fault_in; /* commits before the one that is planned to fail */
	int fault_code;
	bool is_dead;             /* cut, and not yet started again */
	struct store_batch *late; /* on the disk, though its commit failed */
	unsigned n_bad_scans;     /* that will fail so */
	int scan_code;
};

static struct mem *
mem_of(struct store *store)
{
	return (struct mem *)store;
}

/* Where key is, or where it would be. */
static size_t
lower_bound(const struct mem *mem, const char *key)
{
	size_t low = 0, high = mem->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(mem->entries[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_at(const struct mem *mem, size_t i, const char *key)
{
	return i < mem->n && strcmp(mem->entries[i]->key, key) == 0;
}

static struct entry *
entry_new(struct store_write write)
{
	struct entry *entry = xmalloc(sizeof *entry + write.size + write.key_size + 1);

	entry->size = write.size;
	entry->key = entry->value + write.size;
	memcpy(entry->value, write.value, write.size);
	memcpy(entry->key, write.key, write.key_size + 1);
	return entry;
}

static void
put(struct mem *mem, size_t i, struct store_write write)
{
	if (is_at(mem, i, write.key)) {
		free(mem->entries[i]);
		mem->entries[i] = entry_new(write);
		return;
	}
	if (mem->n == mem->room) {
		mem->room = mem->room == 0 ? 64 : mem->room * 2;
		mem->entries = xrealloc(mem->entries, mem->room, sizeof *mem->entries);
	}
	memmove(mem->entries + i + 1, mem->entries + i, (mem->n - i) * sizeof *mem->entries);
	mem->entries[i] = entry_new(write);
	mem->n++;
}

static void
apply(struct mem *mem, const struct store_batch *batch)
{
	for (size_t k = 0; k < store_batch_count(batch); k++) {
		struct store_write write = store_batch_at(batch, k);
		size_t i = lower_bound(mem, write.key);

		assert(!write.is_new || !is_at(mem, i, write.key));
		if (!write.is_delete) {
			put(mem, i, write);
		} else if (is_at(mem, i, write.key)) {
			free(mem->entries[i]);
			mem->n--;
			memmove(mem->entries + i, mem->entries + i + 1,
				(mem->n - i) * sizeof *mem->entries);
		}
	}
}

static void
keep_late(struct mem *mem, const struct store_batch *batch)
{
	store_batch_free(mem->late);
	mem->late = store_batch_new();
	for (size_t k = 0; k < store_batch_count(batch); k++) {
		struct store_write write = store_batch_at(batch, k);

		if (write.is_delete)
			store_batch_delete(mem->late, write.key);
		else
			store_batch_put(mem->late, write.key, write.value, write.size);
	}
}

static int
fail_dead(struct err *err)
{
	return err_set(err, -ESHUTDOWN, "the process was cut within a commit");
}

static int
fail_as_planned(struct mem *mem, const struct store_batch *batch, struct err *err)
{
	enum fault fault = mem->fault;

	mem->fault = FAULT_NONE;
	if (fault == FAULT_LATE || fault == FAULT_CUT_KEPT)
		keep_late(mem, batch);
	if (fault == FAULT_CUT || fault == FAULT_CUT_KEPT) {
		mem->is_dead = true;
		return fail_dead(err);
	}
	return err_set(err, mem->fault_code, "commit: %s, as planned", strerror(-mem->fault_code));
}

static int
mem_commit(struct store *store, const struct store_batch *batch, struct err *err)
{
	struct mem *mem = mem_of(store);

	if (mem->is_dead)
		return fail_dead(err);
	if (mem->fault != FAULT_NONE && mem->fault_in-- == 0)
		return fail_as_planned(mem, batch, err);
	store_batch_free(mem->late);
	mem->late = NULL;
	apply(mem, batch);
	return 0;
}

static int
mem_get(struct store *store, const char *key, struct buf *ret_value, struct err *err)
{
	struct mem *mem = mem_of(store);
	size_t i;

	if (mem->is_dead)
		return fail_dead(err);
	i = lower_bound(mem, key);
	if (!is_at(mem, i, key))
		return err_set(err, -ENOENT, "no key '%.64s'", key);
	buf_put(ret_value, mem->entries[i]->value, mem->entries[i]->size);
	return 0;
}

static int
mem_scan(struct store *store, const char *prefix, store_visit_fn *visit, void *arg, struct err *err)
{
	struct mem *mem = mem_of(store);
	size_t n = strlen(prefix);

	if (mem->is_dead)
		return fail_dead(err);
	if (mem->n_bad_scans > 0) {
		mem->n_bad_scans--;
		return err_set(err, mem->scan_code, "scan: %s, as planned",
			strerror(-mem->scan_code));
	}
	for (size_t i = lower_bound(mem, prefix);
		i < mem->n && strncmp(mem->entries[i]->key, prefix, n) == 0; i++) {
		struct entry *entry = mem->entries[i];
		int rc = visit(entry->key, entry->value, entry->size, arg);

		if (rc != 0)
			return rc;
	}
	return 0;
}

static void
mem_sizes(struct store *store, uint64_t *ret_file_bytes, uint64_t *ret_wal_bytes)
{
	struct mem *mem = mem_of(store);

	*ret_file_bytes = 0;
	*ret_wal_bytes = 0;
	for (size_t i = 0; i < mem->n; i++)
		*ret_file_bytes += strlen(mem->entries[i]->key) + mem->entries[i]->size;
}

static void
mem_tidy(struct store *store)
{
	(void)store; /* nothing is ever left over */
}

static bool
mem_press(struct store *store)
{
	(void)store;
	return false;
}

static void
mem_close(struct store *store)
{
	struct mem *mem = mem_of(store);

	for (size_t i = 0; i < mem->n; i++)
		free(mem->entries[i]);
	free(mem->entries);
	store_batch_free(mem->late);
	free(mem);
}

static const struct store_ops mem_ops = {
	.close = mem_close,
	.commit = mem_commit,
	.get = mem_get,
	.scan = mem_scan,
	.sizes = mem_sizes,
	.tidy = mem_tidy,
	.press = mem_press,
};

int
store_open_mem(struct store **ret_store, struct err *err)
{
	struct mem *mem = xcalloc(1, sizeof *mem);

	(void)err;
	mem->base.ops = &mem_ops;
	*ret_store = &mem->base;
	return 0;
}

static void
plan(struct store *store, enum fault fault, unsigned n, int code)
{
	struct mem *mem = mem_of(store);

	mem->fault = fault;
	mem->fault_in = n;
	mem->fault_code = code;
}

void
store_mem_fail_next(struct store *store, unsigned n, int code)
{
	plan(store, FAULT_FAIL, n, code);
}

void
store_mem_fail_late(struct store *store, unsigned n, int code)
{
	plan(store, FAULT_LATE, n, code);
}

void
store_mem_cut_next(struct store *store, unsigned n, bool kept)
{
	plan(store, kept ? FAULT_CUT_KEPT : FAULT_CUT, n, 0);
}

void
store_mem_fail_scans(struct store *store, unsigned n, int code)
{
	struct mem *mem = mem_of(store);

	mem->n_bad_scans = n;
	mem->scan_code = code;
}

void
store_mem_crash(struct store *store)
{
	struct mem *mem = mem_of(store);

	mem->fault = FAULT_NONE;
	mem->is_dead = false;
	if (mem->late != NULL)
		apply(mem, mem->late);
	store_batch_free(mem->late);
	mem->late = NULL;
}
