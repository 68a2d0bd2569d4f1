#include "common/store/store_mem.h"

#include <errno.h>

#include "tests/lib/test.h"

static struct err err;

static int
commit(struct store *store, const char *key)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();

	store_batch_put(batch, key, "v", 1);
	store_batch_delete(batch, "old");
	return store_commit(store, batch, &err);
}

static bool
has(struct store *store, const char *key)
{
	struct buf value = {0};
	int rc = store_get(store, key, &value, &err);

	buf_fini(&value);
	return rc == 0;
}

static struct store *
open_with_old(void)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	struct store *store;

	CHECK_OK(store_open_mem(&store, &err), &err);
	store_batch_put(batch, "old", "v", 1);
	CHECK_OK(store_commit(store, batch, &err), &err);
	return store;
}

TEST(store_mem_fails_the_commit_that_was_named_and_no_other)
{
	CLEANUP(store_close) struct store *store = open_with_old();

	store_mem_fail_next(store, 1, -ENOSPC);
	CHECK_OK(commit(store, "a"), &err);
	CHECK_EQ(commit(store, "b"), -ENOSPC);
	CHECK(!has(store, "b"));
	CHECK_OK(commit(store, "c"), &err);
	store_mem_crash(store);
	CHECK(has(store, "a") && !has(store, "b") && has(store, "c"));
}

TEST(store_mem_failed_commit_leaves_what_was_there)
{
	CLEANUP(store_close) struct store *store = open_with_old();

	store_mem_fail_next(store, 0, -EIO);
	CHECK_EQ(commit(store, "a"), -EIO);
	CHECK(has(store, "old"));
}

TEST(store_mem_late_failure_comes_back_with_a_crash)
{
	CLEANUP(store_close) struct store *store = open_with_old();

	store_mem_fail_late(store, 0, -EIO);
	CHECK_EQ(commit(store, "a"), -EIO);
	CHECK(!has(store, "a") && has(store, "old"));
	store_mem_crash(store);
	CHECK(has(store, "a") && !has(store, "old"));
}

TEST(store_mem_late_failure_is_gone_after_another_commit)
{
	CLEANUP(store_close) struct store *store = open_with_old();

	store_mem_fail_late(store, 0, -EIO);
	CHECK_EQ(commit(store, "a"), -EIO);
	CHECK_OK(commit(store, "b"), &err);
	store_mem_crash(store);
	CHECK(!has(store, "a") && has(store, "b"));
}

TEST(store_mem_cut_process_answers_nothing_until_it_starts_again)
{
	for (unsigned kept = 0; kept < 2; kept++) {
		CLEANUP(store_close) struct store *store = open_with_old();

		store_mem_cut_next(store, 0, kept == 1);
		CHECK_EQ(commit(store, "a"), -ESHUTDOWN);
		CHECK_EQ(commit(store, "b"), -ESHUTDOWN);
		CHECK(!has(store, "old"));
		CHECK_EQ(store_scan(store, "", NULL, NULL, &err), -ESHUTDOWN);
		store_mem_crash(store);
		CHECK_EQ(has(store, "a"), kept == 1);
		CHECK_EQ(has(store, "old"), kept == 0);
		CHECK_OK(commit(store, "c"), &err);
	}
}

TEST(store_mem_crash_forgets_what_was_planned)
{
	CLEANUP(store_close) struct store *store = open_with_old();

	store_mem_fail_next(store, 0, -EIO);
	store_mem_crash(store);
	CHECK_OK(commit(store, "a"), &err);
}

static int
count_visits(const char *key, const void *value, size_t size, void *arg)
{
	(void)key;
	(void)value;
	(void)size;
	++*(unsigned *)arg;
	return 0;
}

TEST(store_mem_cannot_be_read_for_so_many_scans)
{
	CLEANUP(store_close) struct store *store = open_with_old();
	unsigned n = 0;

	store_mem_fail_scans(store, 2, -EIO);
	CHECK_EQ(store_scan(store, "", count_visits, &n, &err), -EIO);
	CHECK_EQ(store_scan(store, "", count_visits, &n, &err), -EIO);
	CHECK_EQ(n, 0);
	CHECK_OK(store_scan(store, "", count_visits, &n, &err), &err);
	CHECK_EQ(n, 1);
}
