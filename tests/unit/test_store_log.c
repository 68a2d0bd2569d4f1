/* The log of batches in memory: what it finds, in which order, and what it refuses. */
#include <errno.h>
#include <stdio.h>

#include "common/base/mem.h"
#include "common/store/store_log.h"
#include "tests/lib/test.h"

static struct store_write
put(const char *key, const char *value)
{
	return (struct store_write){key, strlen(key), value, strlen(value), false, false};
}

static void
add(struct store_log *log, struct store_write write)
{
	struct buf row = {0};

	store_log_encode(&row, write);
	CHECK_EQ(store_log_add_take(log, &row, false), 0);
	buf_fini(&row);
}

static bool
finds(const struct store_log *log, const char *key, const char *value)
{
	struct store_write write;

	return store_log_find(log, key, strlen(key), &write) && !write.is_delete &&
	       write.size == strlen(value) && memcmp(write.value, value, write.size) == 0;
}

TEST(store_log_finds_the_latest_write_of_each_of_many_keys)
{
	CLEANUP(store_log_free) struct store_log *log = store_log_new();
	struct store_write write;
	char key[32], value[32];

	CHECK(!store_log_find(NULL, "a", 1, &write));
	CHECK(!store_log_find(log, "a", 1, &write));
	for (unsigned i = 0; i < 3000; i++) {
		(void)snprintf(key, sizeof key, "key/%u", i % 1000);
		(void)snprintf(value, sizeof value, "%u", i);
		add(log, put(key, value));
	}
	CHECK_EQ(store_log_count(log), 1000);
	CHECK(finds(log, "key/0", "2000"));
	CHECK(finds(log, "key/999", "2999"));
	CHECK(!store_log_find(log, "key/1000", 8, &write));
	add(log, (struct store_write){.key = "key/7",
			 .key_size = 5,
			 .value = "",
			 .is_delete = true});
	CHECK(store_log_find(log, "key/7", 5, &write) && write.is_delete);
	CHECK_EQ(store_log_count(log), 1000);
	write = store_log_at(log, 7);
	CHECK(strcmp(write.key, "key/7") == 0 && write.is_delete);
	CHECK(store_log_bytes(log) > 3000 * 10);
}

TEST(store_log_collects_two_in_order_and_the_later_wins)
{
	CLEANUP(store_log_free) struct store_log *later = store_log_new();
	CLEANUP(store_log_free) struct store_log *earlier = store_log_new();
	struct store_write *writes;
	size_t n;

	add(earlier, put("b/2", "old"));
	add(earlier, put("b/1", "old"));
	add(earlier, put("a/1", "other"));
	add(later, put("b/3", "new"));
	add(later, put("b/2", "new"));
	add(later, put("b", "short"));
	writes = store_log_collect(later, earlier, "b/", &n);
	CHECK_EQ(n, 3);
	CHECK(strcmp(writes[0].key, "b/1") == 0 && memcmp(writes[0].value, "old", 3) == 0);
	CHECK(strcmp(writes[1].key, "b/2") == 0 && memcmp(writes[1].value, "new", 3) == 0);
	CHECK(strcmp(writes[2].key, "b/3") == 0);
	free(writes);
	writes = store_log_collect(NULL, later, "", &n);
	CHECK_EQ(n, 3);
	CHECK(strcmp(writes[0].key, "b") == 0);
	free(writes);
}

TEST(store_log_knows_what_came_and_went)
{
	CLEANUP(store_log_free) struct store_log *log = store_log_new();
	CLEANUP(store_log_free) struct store_log *read = store_log_new();
	struct store_write new = put("new", "1"), gone = put("new", ""), old = put("old", "1"),
			   again = put("again", "1");
	struct buf row = {0};

	new.is_new = again.is_new = gone.is_delete = true;
	add(log, new);
	CHECK(!store_log_is_over(log, 0));
	add(log, gone);
	CHECK(store_log_is_over(log, 0));
	add(log, old);
	old.is_delete = true;
	add(log, old); /* it may be in the table */
	CHECK(!store_log_is_over(log, 1));
	again.is_delete = true;
	again.is_new = false;
	add(log, again);
	again.is_delete = false;
	again.is_new = true;
	add(log, again);
	again.is_delete = true;
	add(log, again); /* the first write here was a deletion */
	CHECK(!store_log_is_over(log, 2));
	store_log_encode(&row, new);
	store_log_encode(&row, gone);
	CHECK_EQ(store_log_add_take(read, &row, true), 0);
	CHECK(!store_log_is_over(read, 0));
	buf_fini(&row);
}

TEST(store_log_refuses_what_is_no_row_and_stays_as_it_was)
{
	CLEANUP(store_log_free) struct store_log *log = store_log_new();
	CLEANUP(buf_fini) struct buf good = {0};

	store_log_encode(&good, put("key", "value"));
	store_log_encode(&good, put("another", "one"));
	for (size_t size = 1; size < good.size; size++) {
		CLEANUP(buf_fini) struct buf cut = {0};
		int rc;

		buf_put(&cut, good.data, size);
		rc = store_log_add_take(log, &cut, false);
		CHECK(rc == -EUCLEAN || finds(log, "key", "value")); /* just the first is whole */
		CHECK(!finds(log, "another", "one"));
	}
	for (size_t at = 0; at < good.size; at++) { /* never beyond its end, whatever it says */
		CLEANUP(buf_fini) struct buf changed = {0};
		CLEANUP(store_log_free) struct store_log *one = store_log_new();

		buf_put(&changed, good.data, good.size);
		changed.data[at] ^= 0xff;
		(void)store_log_add_take(one, &changed, false);
	}
	good.data[8] = '\0';
	CHECK_EQ(store_log_add_take(log, &good, false), -EUCLEAN); /* a NUL within the key */
}
