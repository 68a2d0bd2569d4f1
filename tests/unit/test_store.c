/*
 * One suite, every backend: each TEST_STORE runs once over memory and once over
 * SQLite, so that the one that other tests lean on keeps the real one's promises.
 */
#include "common/store/store.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/store/store_mem.h"
#include "tests/lib/scratch.h"
#include "tests/lib/test.h"

/* A store, and the way to end its process and start again. */
struct bed {
	struct store *store;
	char folder[SCRATCH_PATH_SIZE]; /* "" in memory */
	char path[80];
	struct err err;
};

static void
bed_open(struct bed *bed, bool in_file)
{
	if (!in_file) {
		CHECK_OK(store_open_mem(&bed->store, &bed->err), &bed->err);
		return;
	}
	CHECK(scratch_make(bed->folder) != NULL);
	(void)snprintf(bed->path, sizeof bed->path, "%s/db", bed->folder);
	CHECK_OK(store_open_sqlite(bed->path, &bed->store, &bed->err), &bed->err);
}

static void
bed_restart(struct bed *bed)
{
	if (bed->folder[0] == '\0') {
		store_mem_crash(bed->store);
		return;
	}
	store_close(TAKE(bed->store));
	CHECK_OK(store_open_sqlite(bed->path, &bed->store, &bed->err), &bed->err);
}

static void
bed_fini(struct bed *bed)
{
	store_close(bed->store);
	if (bed->folder[0] == '\0')
		return;
	(void)unlink(bed->path);
	CHECK_EQ(rmdir(bed->folder), 0); /* a closed store leaves its one file */
}

#define TEST_STORE(name)                          \
	static void name(struct bed *bed);        \
	TEST(store_mem_##name)                    \
	{                                         \
		struct bed bed = {.store = NULL}; \
                                                  \
		bed_open(&bed, false);            \
		name(&bed);                       \
		bed_fini(&bed);                   \
	}                                         \
	TEST(store_sqlite_##name)                 \
	{                                         \
		struct bed bed = {.store = NULL}; \
                                                  \
		bed_open(&bed, true);             \
		name(&bed);                       \
		bed_fini(&bed);                   \
	}                                         \
	static void name(struct bed *bed)

/* Commits "key=value" and "-key" words as one batch. */
static int
commit(struct bed *bed, const char *words)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	CLEANUP(free) char *copy = xstrdup(words);

	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
		char *value = strchr(word, '=');

		if (word[0] == '-') {
			store_batch_delete(batch, word + 1);
			continue;
		}
		*value++ = '\0';
		store_batch_put(batch, word, value, strlen(value));
	}
	return store_commit(bed->store, batch, &bed->err);
}

static int
collect(const char *key, const void *value, size_t size, void *arg)
{
	struct buf *out = arg;

	buf_printf(out, "%s%s=%.*s", out->size > 0 ? " " : "", key, (int)size, (const char *)value);
	return 0;
}

/* What is there under a prefix, as words. */
static void
check_holds(struct bed *bed, const char *prefix, const char *want)
{
	struct buf out = {0};

	CHECK_OK(store_scan(bed->store, prefix, collect, &out, &bed->err), &bed->err);
	CHECK_STR(buf_text(&out), want);
	buf_fini(&out);
}

TEST_STORE(begins_empty)
{
	struct buf value = {0};

	check_holds(bed, "", "");
	CHECK_EQ(store_get(bed->store, "a", &value, &bed->err), -ENOENT);
	CHECK_HAS(bed->err.text, "'a'");
	CHECK_EQ(value.size, 0);
}

TEST_STORE(gives_back_what_was_put)
{
	struct buf value = {0};

	CHECK_OK(commit(bed, "b=2 a=1"), &bed->err);
	buf_puts(&value, "before ");
	CHECK_OK(store_get(bed->store, "a", &value, &bed->err), &bed->err);
	CHECK_STR(buf_text(&value), "before 1");
	CHECK_EQ(store_get(bed->store, "ab", &value, &bed->err), -ENOENT);
	CHECK_EQ(store_get(bed->store, "", &value, &bed->err), -ENOENT);
	buf_fini(&value);
}

TEST_STORE(orders_keys_by_their_bytes)
{
	CHECK_OK(commit(bed, "b=1 a/b=2 B=3 a=4 \xc3\xa9=5 a.b=6 \xff=7 ab=8"), &bed->err);
	check_holds(bed, "", "B=3 a=4 a.b=6 a/b=2 ab=8 b=1 \xc3\xa9=5 \xff=7");
}

TEST_STORE(scans_a_prefix_and_nothing_else)
{
	CHECK_OK(commit(bed, "task/1=a task/2=b task0=c task=d tas=e"), &bed->err);
	check_holds(bed, "task/", "task/1=a task/2=b");
	check_holds(bed, "task", "task=d task/1=a task/2=b task0=c");
	check_holds(bed, "task/2", "task/2=b");
	check_holds(bed, "task/3", "");
	check_holds(bed, "zzz", "");
}

TEST_STORE(scans_prefixes_that_end_in_the_greatest_byte)
{
	CHECK_OK(commit(bed, "a\xff=1 a\xff\xff=2 a\xff\x01=3 b=4 \xff=5 \xff\xff=6 \xfe=7"),
		&bed->err);
	check_holds(bed, "a\xff", "a\xff=1 a\xff\x01=3 a\xff\xff=2");
	check_holds(bed, "a\xff\xff", "a\xff\xff=2");
	check_holds(bed, "\xff", "\xff=5 \xff\xff=6");
	check_holds(bed, "\xff\xff", "\xff\xff=6");
}

TEST_STORE(lets_the_later_write_of_a_batch_win)
{
	CHECK_OK(commit(bed, "a=1 a=2 b=1 -b c=1 -c c=2 -d"), &bed->err);
	check_holds(bed, "", "a=2 c=2");
	CHECK_OK(commit(bed, "-a a=3 -c"), &bed->err);
	check_holds(bed, "", "a=3");
}

TEST_STORE(deletes_what_is_not_there_without_complaint)
{
	CHECK_OK(commit(bed, "-ghost"), &bed->err);
	CHECK_OK(commit(bed, "a=1"), &bed->err);
	CHECK_OK(commit(bed, "-a"), &bed->err);
	check_holds(bed, "", "");
}

TEST_STORE(takes_an_empty_batch_for_nothing_to_do)
{
	struct store_figures figures;

	CHECK_OK(commit(bed, ""), &bed->err);
	store_figures(bed->store, &figures);
	CHECK_EQ(figures.n_commits, 0);
}

TEST_STORE(counts_its_commits)
{
	struct store_figures figures;

	CHECK_OK(commit(bed, "a=1 b=2"), &bed->err);
	CHECK_OK(commit(bed, "-a"), &bed->err);
	store_figures(bed->store, &figures);
	CHECK_EQ(figures.n_commits, 2);
	CHECK_EQ(figures.n_writes, 3);
	CHECK(figures.commit_us_max >= figures.commit_us_last);
	CHECK(figures.file_bytes > 0);
}

TEST_STORE(uses_a_batch_again_after_a_reset)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();

	store_batch_put(batch, "a", "1", 1);
	CHECK_EQ(store_batch_count(batch), 1);
	CHECK_OK(store_commit(bed->store, batch, &bed->err), &bed->err);
	CHECK_EQ(store_batch_count(batch), 1); /* a commit does not change it */
	CHECK_OK(store_commit(bed->store, batch, &bed->err), &bed->err);
	store_batch_reset(batch);
	CHECK_EQ(store_batch_count(batch), 0);
	store_batch_put(batch, "b", "2", 1);
	CHECK_OK(store_commit(bed->store, batch, &bed->err), &bed->err);
	check_holds(bed, "", "a=1 b=2");
}

TEST_STORE(keeps_empty_and_binary_values)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	static const char bytes[] = {'\0', '\xff', '\n', '\0'};
	struct buf value = {0};

	store_batch_put(batch, "empty", "", 0);
	store_batch_put(batch, "null", NULL, 0);
	store_batch_put(batch, "bytes", bytes, sizeof bytes);
	CHECK_OK(store_commit(bed->store, batch, &bed->err), &bed->err);
	CHECK_OK(store_get(bed->store, "empty", &value, &bed->err), &bed->err);
	CHECK_OK(store_get(bed->store, "null", &value, &bed->err), &bed->err);
	CHECK_EQ(value.size, 0);
	CHECK_OK(store_get(bed->store, "bytes", &value, &bed->err), &bed->err);
	CHECK_EQ(value.size, sizeof bytes);
	CHECK_EQ(memcmp(value.data, bytes, sizeof bytes), 0);
	buf_fini(&value);
}

TEST_STORE(takes_the_longest_key_and_no_longer)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	char key[STORE_KEY_MAX + 2];
	struct buf value = {0};

	memset(key, 'k', sizeof key);
	key[STORE_KEY_MAX] = '\0';
	store_batch_put(batch, key, "v", 1);
	CHECK_OK(store_commit(bed->store, batch, &bed->err), &bed->err);
	CHECK_OK(store_get(bed->store, key, &value, &bed->err), &bed->err);
	CHECK_EQ(value.size, 1);
	buf_fini(&value);
	key[STORE_KEY_MAX] = 'k';
	key[STORE_KEY_MAX + 1] = '\0';
	CHECK_EQ(store_get(bed->store, key, &value, &bed->err), -ENOENT);
	CHECK_OK(store_scan(bed->store, key, collect, &value, &bed->err), &bed->err);
	CHECK_EQ(value.size, 0);
	store_batch_reset(batch);
	store_batch_put(batch, "before", "", 0);
	store_batch_put(batch, key, "v", 1);
	store_batch_put(batch, "behind", "", 0);
	CHECK_EQ(store_commit(bed->store, batch, &bed->err), -EINVAL);
	CHECK_HAS(bed->err.text, "has not 1 to 256 bytes");
	check_holds(bed, "be", "");
	store_batch_reset(batch);
	store_batch_delete(batch, "");
	CHECK_EQ(store_commit(bed->store, batch, &bed->err), -EINVAL);
}

TEST_STORE(takes_the_largest_value_and_no_larger)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	CLEANUP(free) char *big = xcalloc(STORE_VALUE_MAX + 1, 1);
	struct buf value = {0};

	memset(big, 'v', STORE_VALUE_MAX + 1);
	big[STORE_VALUE_MAX - 1] = 'e';
	store_batch_put(batch, "big", big, STORE_VALUE_MAX);
	CHECK_OK(store_commit(bed->store, batch, &bed->err), &bed->err);
	bed_restart(bed);
	CHECK_OK(store_get(bed->store, "big", &value, &bed->err), &bed->err);
	CHECK_EQ(value.size, STORE_VALUE_MAX);
	CHECK_EQ(memcmp(value.data, big, STORE_VALUE_MAX), 0);
	buf_fini(&value);
	store_batch_reset(batch);
	store_batch_put(batch, "bigger", big, STORE_VALUE_MAX + 1);
	CHECK_EQ(store_commit(bed->store, batch, &bed->err), -EMSGSIZE);
	CHECK_HAS(bed->err.text, "'bigger");
	CHECK_EQ(store_get(bed->store, "bigger", &value, &bed->err), -ENOENT);
}

static int
stop_at_b(const char *key, const void *value, size_t size, void *arg)
{
	unsigned *n = arg;

	(void)value;
	(void)size;
	++*n;
	return strcmp(key, "b") == 0 ? 42 : 0;
}

TEST_STORE(stops_a_scan_when_the_visitor_has_seen_enough)
{
	unsigned n = 0;

	CHECK_OK(commit(bed, "a=1 b=2 c=3"), &bed->err);
	CHECK_EQ(store_scan(bed->store, "", stop_at_b, &n, &bed->err), 42);
	CHECK_EQ(n, 2);
	CHECK_OK(commit(bed, "d=4"), &bed->err); /* the scan holds nothing back */
}

static int
look_up_again(const char *key, const void *value, size_t size, void *arg)
{
	struct bed *bed = arg;
	struct buf again = {0};

	CHECK_OK(store_get(bed->store, key, &again, &bed->err), &bed->err);
	CHECK_EQ(again.size, size);
	CHECK_EQ(memcmp(again.data, value, size), 0);
	buf_fini(&again);
	check_holds(bed, "b", "b=2");
	return 0;
}

TEST_STORE(may_be_read_within_a_scan)
{
	CHECK_OK(commit(bed, "a=1 b=2 c=3"), &bed->err);
	CHECK_OK(store_scan(bed->store, "", look_up_again, bed, &bed->err), &bed->err);
}

TEST_STORE(remembers_across_a_restart)
{
	CHECK_OK(commit(bed, "a=1 b=2 c=3"), &bed->err);
	bed_restart(bed);
	check_holds(bed, "", "a=1 b=2 c=3");
	CHECK_OK(commit(bed, "-b c=4 d=5"), &bed->err);
	store_tidy(bed->store);
	bed_restart(bed);
	check_holds(bed, "", "a=1 c=4 d=5");
}

/* Keys in an order that is not theirs, thousands of them, against a plain array. */
TEST_STORE(agrees_with_an_array_over_thousands_of_writes)
{
	enum { N_KEYS = 499, N_BATCHES = 60, N_WRITES = 50 };
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	unsigned value[N_KEYS] = {0}, state = 12345; /* 0: not there */
	struct buf want = {0}, got = {0};

	for (unsigned i = 1; i <= N_BATCHES * N_WRITES; i++) {
		char key[16], text[16];
		unsigned k;

		state = state * 1103515245u + 12345u;
		k = (state >> 8) % N_KEYS;
		value[k] = (state >> 20) % 3 == 0 ? 0 : i;
		(void)snprintf(key, sizeof key, "k%03u", k);
		(void)snprintf(text, sizeof text, "%u", i);
		if (value[k] == 0)
			store_batch_delete(batch, key);
		else
			store_batch_put(batch, key, text, strlen(text));
		if (i % N_WRITES == 0) {
			CHECK_OK(store_commit(bed->store, batch, &bed->err), &bed->err);
			store_batch_reset(batch);
			store_tidy(bed->store);
		}
	}
	bed_restart(bed);
	for (unsigned k = 0; k < N_KEYS; k++)
		if (value[k] != 0)
			buf_printf(&want, "%sk%03u=%u", want.size > 0 ? " " : "", k, value[k]);
	CHECK_OK(store_scan(bed->store, "", collect, &got, &bed->err), &bed->err);
	CHECK_STR(buf_text(&got), buf_text(&want));
	buf_fini(&want);
	buf_fini(&got);
}

/* ---- beside the caller ---- */

static void
count_done(void *arg)
{
	(void)sem_post(arg);
}

static int
count(sem_t *n_done)
{
	int n;

	CHECK_EQ(sem_getvalue(n_done, &n), 0);
	return n;
}

static void
begin(struct bed *bed, struct store_batch *batch, const char *key, sem_t *n_done)
{
	store_batch_reset(batch);
	store_batch_put(batch, key, key, strlen(key));
	store_commit_begin(bed->store, batch, count_done, n_done);
}

TEST_STORE(commits_beside_its_caller)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	struct store_figures figures;
	sem_t n_done;

	CHECK_EQ(sem_init(&n_done, 0, 0), 0);
	CHECK(!store_is_busy(bed->store));
	begin(bed, batch, "a", &n_done);
	CHECK_OK(store_commit_finish(bed->store, &bed->err), &bed->err);
	CHECK_EQ(count(&n_done), 1);
	begin(bed, batch, "b", &n_done);
	for (unsigned i = 0; i < 2; i++) /* it says so without being asked */
		CHECK_EQ(sem_wait(&n_done), 0);
	CHECK_OK(store_commit_finish(bed->store, &bed->err), &bed->err);
	CHECK_OK(commit(bed, "c=3"), &bed->err);
	bed_restart(bed);
	check_holds(bed, "", "a=a b=b c=3");
	store_figures(bed->store, &figures);
	CHECK_EQ(count(&n_done), 0);
}

TEST_STORE(lets_reads_wait_for_what_is_under_way)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	struct store_figures figures;
	struct buf value = {0};
	sem_t n_done;

	CHECK_EQ(sem_init(&n_done, 0, 0), 0);
	begin(bed, batch, "a", &n_done);
	CHECK_OK(store_get(bed->store, "a", &value, &bed->err), &bed->err);
	CHECK_EQ(count(&n_done), 1);
	CHECK_OK(store_commit_finish(bed->store, &bed->err), &bed->err);
	begin(bed, batch, "b", &n_done);
	check_holds(bed, "", "a=a b=b");
	store_figures(bed->store, &figures);
	CHECK_EQ(figures.n_commits, 2);
	CHECK_OK(store_commit_finish(bed->store, &bed->err), &bed->err);
	buf_fini(&value);
}

TEST_STORE(says_why_a_commit_beside_failed_and_goes_on)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	sem_t n_done;

	CHECK_EQ(sem_init(&n_done, 0, 0), 0);
	begin(bed, batch, "", &n_done);
	CHECK_EQ(store_commit_finish(bed->store, &bed->err), -EINVAL);
	CHECK_HAS(bed->err.text, "has not 1 to 256 bytes");
	CHECK_EQ(count(&n_done), 1);
	begin(bed, batch, "a", &n_done);
	CHECK_OK(store_commit_finish(bed->store, &bed->err), &bed->err);
	check_holds(bed, "", "a=a");
}

TEST(store_mem_says_beside_its_caller_what_was_planned)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	struct bed bed = {.store = NULL};
	sem_t n_done;

	CHECK_EQ(sem_init(&n_done, 0, 0), 0);
	bed_open(&bed, false);
	store_mem_fail_next(bed.store, 0, -ENOSPC);
	begin(&bed, batch, "a", &n_done);
	CHECK_EQ(store_commit_finish(bed.store, &bed.err), -ENOSPC);
	check_holds(&bed, "", "");
	bed_fini(&bed);
}

/* Tidying begun at any time, and more often than it is done, changes nothing of what is read. */
TEST_STORE(tidies_beside_its_caller)
{
	enum { N_KEYS = 97, N_BATCHES = 200 };
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	struct buf want = {0}, got = {0};
	sem_t n_done;

	CHECK_EQ(sem_init(&n_done, 0, 0), 0);
	store_limit_log(bed->store, STORE_LOG_BYTES_LOW);
	for (unsigned i = 0; i < N_BATCHES; i++) {
		store_batch_reset(batch);
		for (unsigned k = i % 3; k < N_KEYS; k += 3) {
			char key[16], text[16];

			(void)snprintf(key, sizeof key, "k%03u", k);
			(void)snprintf(text, sizeof text, "%u", i);
			store_batch_put(batch, key, text, strlen(text));
		}
		if (i % 2 == 0)
			store_tidy_begin(bed->store);
		store_commit_begin(bed->store, batch, count_done, &n_done);
		if (i % 3 == 0)
			store_tidy_begin(bed->store);
		CHECK_OK(store_commit_finish(bed->store, &bed->err), &bed->err);
	}
	store_tidy_begin(bed->store); /* closing waits for it */
	bed_restart(bed);
	for (unsigned k = 0; k < N_KEYS; k++) {
		unsigned last = N_BATCHES - 1 - (N_BATCHES - 1 + 3 - k % 3) % 3;

		buf_printf(&want, "%sk%03u=%u", k > 0 ? " " : "", k, last);
	}
	CHECK_OK(store_scan(bed->store, "", collect, &got, &bed->err), &bed->err);
	CHECK_STR(buf_text(&got), buf_text(&want));
	CHECK_EQ(count(&n_done), N_BATCHES);
	buf_fini(&want);
	buf_fini(&got);
}

TEST(store_close_takes_nothing_for_a_store)
{
	store_close(NULL);
	store_batch_free(NULL);
}
