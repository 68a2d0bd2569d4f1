/*
 * What happens to the file: crashes, power cuts, full disks, damage, strangers.
 * The promise under test is that of store_commit: 0 means there for ever, and
 * anything else means nothing of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/store/store.h"
#include "tests/lib/scratch.h"
#include "tests/lib/sqlite_vfs.h"
#include "tests/lib/store_file.h"
#include "tests/lib/test.h"

enum { KEYS_PER_BATCH = 20, PAGE_BYTES = 8192 };

static struct err err;
static size_t pad; /* bytes of two more values of each batch: with many it takes two rows */

/* A folder for a store, and for the copy of it that a crash leaves. */
struct place {
	char folder[SCRATCH_PATH_SIZE], path[80], log[88], copy[80], copy_log[88];
};

static struct place
place_new(void)
{
	struct place place;

	CHECK(scratch_make(place.folder) != NULL);
	(void)snprintf(place.path, sizeof place.path, "%s/db", place.folder);
	(void)snprintf(place.log, sizeof place.log, "%s-wal", place.path);
	(void)snprintf(place.copy, sizeof place.copy, "%s/copy", place.folder);
	(void)snprintf(place.copy_log, sizeof place.copy_log, "%s-wal", place.copy);
	return place;
}

static void
place_remove(struct place *place)
{
	(void)unlink(place->path);
	(void)unlink(place->log);
	(void)unlink(place->copy);
	(void)unlink(place->copy_log);
	CHECK_EQ(rmdir(place->folder), 0);
}

/* Batch number i: as many keys as KEYS_PER_BATCH, one key of all batches, and the one before goes.
 */
static void
fill(struct store_batch *batch, unsigned i)
{
	static const char more[1 << 20];
	char key[32], value[256];

	store_batch_reset(batch);
	store_batch_put(batch, "pad/1", more, pad);
	store_batch_put(batch, "pad/2", more, pad);
	memset(value, 'a' + (int)(i % 26), sizeof value);
	for (unsigned k = 0; k < KEYS_PER_BATCH; k++) {
		(void)snprintf(key, sizeof key, "batch/%06u/%02u", i, k);
		store_batch_put(batch, key, value, sizeof value);
	}
	(void)snprintf(key, sizeof key, "only/%06u", i);
	store_batch_put(batch, key, key, strlen(key));
	(void)snprintf(key, sizeof key, "only/%06u", i - 1);
	store_batch_delete(batch, key);
	store_batch_put(batch, "last", &i, sizeof i);
}

static int
commit(struct store *store, unsigned i)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();

	fill(batch, i);
	return store_commit(store, batch, &err);
}

static int
count(const char *key, const void *value, size_t size, void *arg)
{
	(void)key;
	(void)value;
	(void)size;
	++*(unsigned *)arg;
	return 0;
}

static unsigned
count_of(struct store *store, const char *prefix)
{
	unsigned n = 0;

	CHECK_OK(store_scan(store, prefix, count, &n, &err), &err);
	return n;
}

/* All batches up to some number, each whole, and nothing else. Returns that number, 0 for none. */
static unsigned
check_whole(struct store *store)
{
	struct buf value = {0};
	unsigned last = 0;
	char key[32];

	if (store_get(store, "last", &value, &err) == 0)
		memcpy(&last, value.data, sizeof last);
	buf_fini(&value);
	CHECK_EQ(count_of(store, "batch/"), last * KEYS_PER_BATCH);
	CHECK_EQ(count_of(store, "only/"), last > 0);
	(void)snprintf(key, sizeof key, "only/%06u", last);
	CHECK_EQ(count_of(store, key), last > 0);
	return last;
}

/* Until everything is in the table, and what the log took is given back. */
static void
tidy_all(struct store *store)
{
	for (unsigned i = 0; i < 80; i++)
		store_tidy(store);
}

static unsigned
last_in_copy(const struct place *place)
{
	CLEANUP(store_close) struct store *store = store_file_open(place->copy);

	return check_whole(store);
}

TEST(store_sqlite_file_is_its_owners_alone)
{
	struct place place = place_new();
	struct store *store = store_file_open(place.path);
	struct stat st;

	CHECK_OK(commit(store, 1), &err);
	CHECK_EQ(stat(place.path, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0600);
	CHECK_EQ(stat(place.log, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0600);
	store_close(store);
	place_remove(&place);
}

TEST(store_sqlite_has_one_holder)
{
	struct place place = place_new();
	struct store *store = store_file_open(place.path), *second = NULL;
	int status = 0;
	pid_t pid;

	CHECK_EQ(store_open_sqlite(place.path, &second, &err), -EBUSY);
	CHECK_HAS(err.text, "another process has it open");
	CHECK(second == NULL);
	pid = fork();
	if (pid == 0)
		_exit(store_open_sqlite(place.path, &second, &err) == -EBUSY ? 0 : 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_OK(commit(store, 1), &err); /* and is not disturbed */
	store_close(store);
	store_close(store_file_open(place.path));
	place_remove(&place);
}

TEST(store_sqlite_says_what_is_wrong_with_a_path)
{
	struct store *store = NULL;

	CHECK_EQ(store_open_sqlite("/nonexistent/folder/db", &store, &err), -EACCES);
	CHECK_STR(err.text,
		"cannot create store '/nonexistent/folder/db': No such file or directory");
	CHECK_EQ(store_open_sqlite("/tmp", &store, &err), -EACCES);
	CHECK_EQ(store_open_sqlite("/dev/null/db", &store, &err), -EACCES);
	CHECK_EQ(store_open_sqlite("/proc/davit-db", &store, &err), -EACCES);
	CHECK(store == NULL);
}

/* Makes a file with SQLite itself, as another program would. */
static void
make_with(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	CHECK_EQ(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_EQ(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	CHECK_EQ(sqlite3_close(db), SQLITE_OK);
}

TEST(store_sqlite_leaves_a_strangers_database_alone)
{
	struct place place = place_new();
	struct store *store = NULL;
	struct stat before, after;

	make_with(place.path, "CREATE TABLE theirs(x); INSERT INTO theirs VALUES(1)");
	CHECK_EQ(stat(place.path, &before), 0);
	CHECK_EQ(store_open_sqlite(place.path, &store, &err), -EUCLEAN);
	CHECK_HAS(err.text, "no Davit store");
	CHECK_EQ(stat(place.path, &after), 0);
	CHECK_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	CHECK_EQ(after.st_size, before.st_size);
	place_remove(&place);
}

TEST(store_sqlite_refuses_a_newer_format)
{
	struct place place = place_new();
	struct store *store = store_file_open(place.path);

	store_close(store);
	make_with(place.path, "PRAGMA user_version = 3");
	CHECK_EQ(store_open_sqlite(place.path, &store, &err), -EUCLEAN);
	CHECK_HAS(err.text, "has format 3, this program reads 2");
	place_remove(&place);
}

TEST(store_sqlite_refuses_what_is_no_database)
{
	struct place place = place_new();
	struct store *store = NULL;
	FILE *file = fopen(place.path, "we");

	for (unsigned i = 0; i < 1000; i++)
		(void)fprintf(file, "this is no database\n");
	(void)fclose(file);
	CHECK_EQ(store_open_sqlite(place.path, &store, &err), -EUCLEAN);
	CHECK_HAS(err.text, "damaged or no Davit store");
	place_remove(&place);
}

TEST(store_sqlite_takes_an_empty_file_for_a_new_store)
{
	struct place place = place_new();
	struct store *store;

	(void)fclose(fopen(place.path, "we"));
	store = store_file_open(place.path);
	CHECK_OK(commit(store, 1), &err);
	store_close(store);
	place_remove(&place);
}

/* Commits in a loop and says which batches were acknowledged, until it is killed. */
static void
commit_until_killed(const char *path, unsigned first, int out)
{
	struct store *store = NULL;

	if (store_open_sqlite(path, &store, &err) < 0)
		_exit(1);
	for (unsigned i = first;; i++) {
		if (commit(store, i) < 0 || write(out, &i, sizeof i) != sizeof i)
			_exit(2);
		if (i % 7 == 0)
			store_tidy(store);
	}
}

/* Kills a child that commits after it acknowledged n batches; returns the last acknowledged. */
static unsigned
kill_after(const char *path, unsigned first, unsigned n)
{
	unsigned last = first - 1, i;
	int ends[2], status = 0;
	pid_t pid;

	CHECK_EQ(pipe(ends), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		commit_until_killed(path, first, ends[1]);
	(void)close(ends[1]);
	while (read(ends[0], &i, sizeof i) == sizeof i) {
		last = i;
		if (i == first + n)
			(void)kill(pid, SIGKILL);
	}
	(void)close(ends[0]);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return last;
}

TEST(store_sqlite_keeps_what_it_acknowledged_through_kill_9)
{
	struct place place = place_new();
	unsigned first = 1;

	for (unsigned round = 0; round < 12; round++) {
		unsigned acknowledged = kill_after(place.path, first, round * 5 % 37);
		struct store *store = store_file_open(place.path);
		unsigned last = check_whole(store);

		CHECK(last == acknowledged || last == acknowledged + 1);
		store_close(store);
		first = last + 1;
	}
	place_remove(&place);
}

TEST(store_sqlite_keeps_what_it_acknowledged_through_a_power_cut)
{
	struct place place = place_new();
	struct store *store;

	sqlite_vfs_install(true);
	store = store_file_open(place.path);
	for (unsigned i = 1; i <= 100; i++) {
		CHECK_OK(commit(store, i), &err);
		if (i % 30 == 0)
			store_tidy(store);
		sqlite_vfs_after_power_cut(place.path, place.copy);
		sqlite_vfs_after_power_cut(place.log, place.copy_log);
		CHECK_EQ(last_in_copy(&place), i);
	}
	store_close(store);
	sqlite_vfs_remove();
	place_remove(&place);
}

/* One commit and a tidy with an accident at operation n; false when n is beyond the last. */
static bool
commit_with_accident(size_t more, unsigned n, int code, bool forever)
{
	struct place place = place_new();
	struct fault fault = {.at = n};
	struct store *store;
	unsigned in_copy;
	int rc;

	sqlite_vfs_install(false);
	store = store_file_open(place.path);
	for (unsigned i = 1; i <= 60; i++) /* a log long enough for store_tidy */
		CHECK_OK(commit(store, i), &err);
	sqlite_vfs_fault(&fault, code, forever);
	pad = more;
	rc = commit(store, 61);
	pad = 0;
	CHECK_EQ(check_whole(store), rc == 0 ? 61 : 60);
	store_file_copy(place.path, place.copy); /* as if it were killed now */
	store_file_copy(place.log, place.copy_log);
	for (unsigned i = 0; i < 9; i++) /* the log goes into the table */
		store_tidy(store);
	CHECK_EQ(check_whole(store), rc == 0 ? 61 : 60);
	sqlite_vfs_fault(NULL, 0, false);
	in_copy = last_in_copy(&place);
	/* While nothing can be written nothing can be taken back: whole, but maybe there. */
	CHECK(in_copy == (rc == 0 ? 61 : 60) || (forever && in_copy == 61));
	CHECK_OK(commit(store, rc == 0 ? 62 : 61), &err);
	store_tidy(store);
	store_close(store);
	store = store_file_open(place.path);
	CHECK_EQ(check_whole(store), rc == 0 ? 62 : 61);
	store_close(store);
	sqlite_vfs_remove();
	place_remove(&place);
	return fault.hit;
}

TEST(store_sqlite_batch_is_whole_or_absent_whichever_operation_fails)
{
	unsigned n = 0;

	/* All of the commit and its sync; then every third of the checkpoint, which is long. */
	while (commit_with_accident(0, n, SQLITE_IOERR, false))
		n += n < 20 ? 1 : 3;
	CHECK(n > 40);
	for (n = 0; commit_with_accident(700 << 10, n, SQLITE_IOERR, false);)
		n += n < 20 ? 3 : 17;
	CHECK(n > 150);
}

TEST(store_sqlite_batch_is_whole_or_absent_when_the_disk_stays_broken)
{
	for (unsigned n = 0; commit_with_accident(0, n, SQLITE_IOERR, true); n += n < 20 ? 1 : 7)
		;
	for (unsigned n = 0; commit_with_accident(0, n, SQLITE_FULL, true); n += n < 20 ? 1 : 7)
		;
}

/* In a child: files may not grow beyond some size, then they may again. */
static int
fill_the_disk(const char *path)
{
	struct rlimit limit;
	struct store *store = NULL;
	unsigned i = 1;
	int rc;

	(void)signal(SIGXFSZ, SIG_IGN);
	(void)getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 300 << 10;
	if (store_open_sqlite(path, &store, &err) < 0 || setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 1;
	while ((rc = commit(store, i)) == 0)
		i++;
	if (rc != -ENOSPC || strstr(err.text, "make room on its disk") == NULL)
		return 2;
	store_tidy(store);
	if (check_whole(store) != i - 1)
		return 3;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_FSIZE, &limit);
	if (commit(store, i) < 0 || check_whole(store) != i)
		return 4;
	store_close(store);
	return 0;
}

TEST(store_sqlite_answers_when_the_disk_is_full_and_goes_on_when_there_is_room)
{
	struct place place = place_new();
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(fill_the_disk(place.path));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	place_remove(&place);
}

TEST(store_sqlite_log_has_a_bound_without_any_tidying)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	struct place place = place_new();
	struct store *store = store_file_open(place.path);
	CLEANUP(free) char *value = xcalloc(100, 1000);
	struct store_figures figures;

	for (unsigned i = 0; i < 300; i++) { /* 30 MB through one key */
		memset(value, (int)i, 100 * 1000);
		store_batch_reset(batch);
		store_batch_put(batch, "k", value, 100 * 1000);
		CHECK_OK(store_commit(store, batch, &err), &err);
		store_figures(store, &figures);
		CHECK(figures.wal_bytes < (8 << 20) + (300 << 10)); /* the bound and one batch */
	}
	store_figures(store, &figures);
	CHECK(figures.file_bytes < 60 << 20); /* the log of batches has one, too */
	tidy_all(store);
	store_figures(store, &figures);
	CHECK(figures.file_bytes < 2 << 20);
	store_close(store);
	place_remove(&place);
}

TEST(store_sqlite_log_that_was_long_once_is_cut)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	struct place place = place_new();
	struct store *store = store_file_open(place.path);
	CLEANUP(free) char *value = xcalloc(60, 100000);
	struct store_figures figures;

	store_batch_put(batch, "k", value, 60 * 100000);
	CHECK_OK(store_commit(store, batch, &err), &err);
	store_figures(store, &figures);
	CHECK(figures.wal_bytes > 5 << 20);
	tidy_all(store);
	CHECK_EQ(commit(store, 1), 0);
	store_figures(store, &figures);
	CHECK(figures.wal_bytes <= 4 << 20);
	store_close(store);
	place_remove(&place);
}

TEST(store_sqlite_gives_room_back_when_most_is_deleted)
{
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	struct place place = place_new();
	struct store *store = store_file_open(place.path);
	struct store_figures full, empty;
	char key[32], value[1000] = {0};

	for (unsigned i = 0; i < 10000; i++) {
		(void)snprintf(key, sizeof key, "k%05u", i);
		store_batch_put(batch, key, value, sizeof value);
	}
	CHECK_OK(store_commit(store, batch, &err), &err);
	tidy_all(store);
	store_figures(store, &full);
	CHECK(full.file_bytes > 10 << 20);
	store_batch_reset(batch);
	for (unsigned i = 0; i < 9990; i++) {
		(void)snprintf(key, sizeof key, "k%05u", i);
		store_batch_delete(batch, key);
	}
	CHECK_OK(store_commit(store, batch, &err), &err);
	tidy_all(store);
	store_figures(store, &empty);
	CHECK(empty.file_bytes < 2 << 20);
	CHECK_EQ(count_of(store, ""), 10);
	store_close(store);
	place_remove(&place);
}

TEST(store_sqlite_gives_a_file_of_the_format_before_a_log)
{
	struct place place = place_new();
	struct store *store = store_file_open(place.path);

	for (unsigned i = 1; i <= 5; i++)
		CHECK_OK(commit(store, i), &err);
	tidy_all(store);
	store_close(store);
	make_with(place.path, "DROP TABLE log; PRAGMA user_version = 1");
	store = store_file_open(place.path);
	CHECK_EQ(check_whole(store), 5);
	CHECK_OK(commit(store, 6), &err);
	store_close(store);
	store = store_file_open(place.path);
	CHECK_EQ(check_whole(store), 6);
	store_close(store);
	place_remove(&place);
}

static int
check_value(const char *key, const void *value, size_t size, void *arg)
{
	const char *bytes = value;

	if (strncmp(key, "batch/", 6) == 0) { /* 256 times the letter of its number */
		CHECK_EQ(size, 256);
		for (size_t i = 0; i < size; i++)
			CHECK_EQ(bytes[i], 'a' + (int)(strtoul(key + 6, NULL, 10) % 26));
	}
	++*(unsigned *)arg;
	return 0;
}

/* Opens and reads a store with one byte flipped: right or refused, never wrong. Rows seen, or
 * -errno. */
static int
read_flipped(const char *path, off_t at)
{
	struct store *store = NULL;
	int fd = open(path, O_RDWR | O_CLOEXEC), rc;
	unsigned char byte;
	unsigned n = 0;

	CHECK_EQ(pread(fd, &byte, 1, at), 1);
	byte ^= 0x01;
	CHECK_EQ(pwrite(fd, &byte, 1, at), 1);
	(void)close(fd);
	rc = store_open_sqlite(path, &store, &err);
	if (rc == 0)
		rc = store_scan(store, "", check_value, &n, &err);
	store_close(store);
	return rc < 0 ? rc : (int)n;
}

/* Each byte at the head of a page, where the tree is; here and there one of the rest. */
static off_t
next_place(off_t at)
{
	off_t next_page = (at / PAGE_BYTES + 1) * PAGE_BYTES;

	if (at % PAGE_BYTES < 64 || at < 100)
		return at + 1;
	return at + 317 < next_page ? at + 317 : next_page;
}

TEST(store_sqlite_never_gives_back_damaged_values)
{
	struct place place = place_new();
	struct store *store = store_file_open(place.path);
	unsigned n_refused = 0, n_short = 0, n_rows;
	struct stat st;

	for (unsigned i = 1; i <= 15; i++)
		CHECK_OK(commit(store, i), &err);
	n_rows = count_of(store, "");
	store_close(store);
	CHECK_EQ(stat(place.path, &st), 0);
	for (off_t at = 0; at < st.st_size; at = next_place(at)) {
		int rc;

		store_file_copy(place.path, place.copy);
		rc = read_flipped(place.copy, at);
		CHECK(rc >= 0 || rc == -EUCLEAN || rc == -EACCES || rc == -EBUSY || rc == -EIO);
		n_refused += rc < 0;
		n_short += rc >= 0 && (unsigned)rc != n_rows;
	}
	CHECK(n_refused > 200);
	CHECK_EQ(n_short, 0);
	place_remove(&place);
}
