/* The log of batches: what a store says is the same wherever its writes are on their way. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/store/store.h"
#include "tests/lib/scratch.h"
#include "tests/lib/store_file.h"
#include "tests/lib/test.h"

static struct err err;

struct listing {
	struct store *other;
	unsigned n;
};

static int
compare_with_other(const char *key, const void *value, size_t size, void *arg)
{
	struct listing *listing = arg;
	CLEANUP(buf_fini) struct buf found = {0};

	CHECK_OK(store_get(listing->other, key, &found, &err), &err);
	CHECK(found.size == size && (size == 0 || memcmp(found.data, value, size) == 0));
	listing->n++;
	return 0;
}

static void
check_same(struct store *store, struct store *other)
{
	struct listing there = {other, 0}, back = {store, 0};

	CHECK_OK(store_scan(store, "", compare_with_other, &there, &err), &err);
	CHECK_OK(store_scan(other, "", compare_with_other, &back, &err), &err);
	CHECK_EQ(there.n, back.n);
}

/* Some puts and some deletions of 1,500 keys, with up to 6 KB each; new ones are said to be. */
static void
fill_by_chance(struct store_batch *batch, unsigned *chance, struct store *store)
{
	CLEANUP(buf_fini) struct buf found = {0};
	bool is_written[3][500] = {{false}};
	char key[32], value[6000];

	store_batch_reset(batch);
	for (unsigned n = 1 + (unsigned)rand_r(chance) % 40; n > 0; n--) {
		unsigned k = (unsigned)rand_r(chance);

		(void)snprintf(key, sizeof key, "%c/%03u", 'a' + (int)(k % 3), k % 500);
		memset(value, (int)(k >> 8), sizeof value);
		if (k % 4 == 0)
			store_batch_delete(batch, key);
		else if (!is_written[k % 3][k % 500] &&
			 store_get(store, key, &found, &err) == -ENOENT)
			store_batch_put_new(batch, key, value, k / 512 % sizeof value);
		else
			store_batch_put(batch, key, value, k / 512 % sizeof value);
		is_written[k % 3][k % 500] = true;
	}
}

TEST(store_sqlite_says_the_same_wherever_its_log_is_on_the_way_into_the_table)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	char folder[SCRATCH_PATH_SIZE], path[80], log[88], copied[80], copied_log[88];
	struct store *store, *other, *copy;
	unsigned chance = 7;

	CHECK(scratch_make(folder) != NULL);
	(void)snprintf(path, sizeof path, "%s/db", folder);
	(void)snprintf(log, sizeof log, "%s-wal", path);
	(void)snprintf(copied, sizeof copied, "%s/copy", folder);
	(void)snprintf(copied_log, sizeof copied_log, "%s-wal", copied);
	store = store_file_open(path);
	store_limit_log(store, 8 << 20);
	CHECK_OK(store_open_mem(&other, &err), &err);
	for (unsigned i = 0; i < 1500; i++) { /* about 70 MB: the log is begun anew some times */
		fill_by_chance(batch, &chance, other);
		CHECK_OK(store_commit(store, batch, &err), &err);
		CHECK_OK(store_commit(other, batch, &err), &err);
		for (unsigned n = rand_r(&chance) % 9 == 0 ? 7 : 0; n > 0; n--)
			store_tidy(store);
		if (i % 50 != 0)
			continue;
		check_same(store, other);
		store_file_copy(path, copied); /* as if it were killed now */
		store_file_copy(log, copied_log);
		copy = store_file_open(copied);
		check_same(copy, other);
		store_close(copy);
	}
	for (unsigned i = 0; i < 80; i++)
		store_tidy(store);
	check_same(store, other);
	store_close(store);
	store = store_file_open(path);
	check_same(store, other);
	store_close(store);
	store_close(other);
	(void)unlink(path);
	(void)unlink(log);
	(void)unlink(copied);
	(void)unlink(copied_log);
	CHECK_EQ(rmdir(folder), 0);
}

static int
count_one(const char *key, const void *value, size_t size, void *arg)
{
	(void)key;
	(void)value;
	(void)size;
	++*(unsigned *)arg;
	return 0;
}

static unsigned
count_keys(struct store *store)
{
	unsigned n = 0;

	CHECK_OK(store_scan(store, "", count_one, &n, &err), &err);
	return n;
}

/* Puts keys that are new, or deletes them. */
static void
commit_keys(struct store *store, unsigned n, bool deletes)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	char key[32];

	for (unsigned k = 0; k < n; k++) {
		(void)snprintf(key, sizeof key, "k/%04u", k);
		if (deletes)
			store_batch_delete(batch, key);
		else
			store_batch_put_new(batch, key, "value", 5);
	}
	CHECK_OK(store_commit(store, batch, &err), &err);
}

/* Its deletion is in the old part of the log, what came and went since in the new one. */
TEST(store_sqlite_a_key_that_was_deleted_and_is_new_again_stays_deleted)
{
	enum { MANY = 3000 }; /* more than a piece of tidying */
	char folder[SCRATCH_PATH_SIZE], path[80];

	CHECK(scratch_make(folder) != NULL);
	(void)snprintf(path, sizeof path, "%s/db", folder);
	for (unsigned n_tidies = 0; n_tidies < 10; n_tidies++) {
		struct store *store = store_file_open(path);

		commit_keys(store, MANY, false);
		store_close(store);
		store = store_file_open(path); /* they may be in the table from here on */
		for (unsigned i = 0; i < 20; i++)
			store_tidy(store);
		commit_keys(store, MANY, true);
		for (unsigned i = 0; i < n_tidies; i++)
			store_tidy(store);
		commit_keys(store, MANY, false);
		commit_keys(store, MANY, true);
		for (unsigned i = 0; i < 20; i++)
			store_tidy(store);
		CHECK_EQ(count_keys(store), 0);
		store_close(store);
	}
}

/* Wherever they were on their way: what was new in the log may be in the table by then. */
TEST(store_sqlite_deletes_after_a_kill_what_was_new_before_it)
{
	char folder[SCRATCH_PATH_SIZE], path[80], log[88], copied[80], copied_log[88];
	struct store *store, *copy;

	CHECK(scratch_make(folder) != NULL);
	(void)snprintf(path, sizeof path, "%s/db", folder);
	(void)snprintf(log, sizeof log, "%s-wal", path);
	(void)snprintf(copied, sizeof copied, "%s/copy", folder);
	(void)snprintf(copied_log, sizeof copied_log, "%s-wal", copied);
	for (unsigned n_tidies = 0; n_tidies < 10; n_tidies++) {
		store = store_file_open(path);
		commit_keys(store, 100, false);
		for (unsigned i = 0; i < n_tidies; i++)
			store_tidy(store);
		store_file_copy(path, copied);
		store_file_copy(log, copied_log);
		copy = store_file_open(copied);
		CHECK_EQ(count_keys(copy), 100);
		commit_keys(copy, 100, true);
		commit_keys(store, 100, true);
		for (unsigned i = 0; i < 20; i++) {
			store_tidy(store);
			store_tidy(copy);
		}
		store_close(store);
		store_close(copy);
		store = store_file_open(path);
		copy = store_file_open(copied);
		CHECK_EQ(count_keys(store), 0);
		CHECK_EQ(count_keys(copy), 0);
		store_close(store);
		store_close(copy);
		(void)unlink(path);
		(void)unlink(copied);
	}
	CHECK_EQ(rmdir(folder), 0);
}

/* Bytes of the file after the same hundred keys were written so often that it makes 8 MB. */
static uint64_t
file_bytes_with(size_t log_bytes)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	char folder[SCRATCH_PATH_SIZE], path[80], key[32], value[800] = {0};
	struct store_figures figures;
	struct store *store;

	CHECK(scratch_make(folder) != NULL);
	(void)snprintf(path, sizeof path, "%s/db", folder);
	store = store_file_open(path);
	store_limit_log(store, log_bytes);
	for (unsigned i = 0; i < 100; i++) {
		store_batch_reset(batch);
		for (unsigned k = 0; k < 100; k++) {
			(void)snprintf(key, sizeof key, "k/%03u", k);
			store_batch_put(batch, key, value, sizeof value);
		}
		CHECK_OK(store_commit(store, batch, &err), &err);
	}
	store_tidy(store);
	store_figures(store, &figures);
	store_close(store);
	(void)unlink(path);
	CHECK_EQ(rmdir(folder), 0);
	return figures.file_bytes;
}

TEST(store_sqlite_log_is_as_long_as_its_limit_says)
{
	CHECK(file_bytes_with(STORE_LOG_BYTES_LOW) < 2 << 20);
	CHECK(file_bytes_with(16 << 20) > 7 << 20);
}
