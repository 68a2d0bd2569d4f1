/*
 * What a durable commit costs beside the sync that it cannot do without: the
 * same bytes written to a plain file and synced, in turns with the commits.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/process.h"
#include "common/store/store.h"
#include "tests/lib/bench.h"

enum {
	VALUE_BYTES = 200,
	ROUNDS = 300,
	N_TASKS = 100000,
	FILL_BATCH = 1000,
};

struct place {
	char folder[64], db[80], raw[80];
};

static void
die(const char *what, const struct err *err)
{
	(void)fprintf(stderr, "%s: %s\n", what, err->text);
	_exit(1);
}

static struct place
place_new(void)
{
	const char *parent = getenv("BENCH_DIR");
	struct place place;

	(void)snprintf(place.folder, sizeof place.folder, "%.30s/davit-bench.XXXXXX",
		parent != NULL ? parent : "/var/tmp");
	if (mkdtemp(place.folder) == NULL)
		die("mkdtemp", &(struct err){.text = "cannot make a folder; set BENCH_DIR"});
	(void)snprintf(place.db, sizeof place.db, "%s/db", place.folder);
	(void)snprintf(place.raw, sizeof place.raw, "%s/raw", place.folder);
	return place;
}

static void
place_remove(const struct place *place)
{
	(void)unlink(place->db);
	(void)unlink(place->raw);
	(void)rmdir(place->folder);
}

/* Keys as the manager's are: an id that grows with time, here and there an old one. */
static void
fill(struct store_batch *batch, unsigned first, unsigned n, unsigned version)
{
	char key[64], value[VALUE_BYTES];

	store_batch_reset(batch);
	for (unsigned i = first; i < first + n; i++) {
		(void)snprintf(key, sizeof key, "task/0190-8a6f-%08x-7abc-9def-0123", i);
		memset(value, (int)((i + version) & 0x7f), sizeof value);
		store_batch_put(batch, key, value, sizeof value);
	}
}

/* The same bytes, appended to a file that is not synced with anything else. */
static uint64_t
write_raw(int fd, const void *bytes, size_t size)
{
	uint64_t begin = bench_now_ns();

	if (write(fd, bytes, size) != (ssize_t)size || fdatasync(fd) < 0)
		die("raw write", &(struct err){.text = "failed"});
	return bench_now_ns() - begin;
}

static void
measure_commits(struct store *store, int raw, unsigned n_writes, bool is_new)
{
	size_t size = n_writes * (VALUE_BYTES + 40);
	struct store_batch *batch = store_batch_new();
	struct bench_series commits = {0}, syncs = {0}, tidies = {0};
	void *bytes = xcalloc(size, 1);
	struct err err;
	char name[64];

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t begin, end;

		fill(batch, is_new ? N_TASKS + i * n_writes : i * 7919 % (N_TASKS - n_writes),
			n_writes, i + 1);
		bench_series_add(&syncs, write_raw(raw, bytes, size));
		begin = bench_now_ns();
		if (store_commit(store, batch, &err) < 0)
			die("commit", &err);
		end = bench_now_ns();
		bench_series_add(&commits, end - begin);
		store_tidy(store);
		bench_series_add(&tidies, bench_now_ns() - end);
	}
	(void)snprintf(name, sizeof name, "store.raw_sync.%u", n_writes);
	bench_print_series(name, &syncs);
	(void)snprintf(name, sizeof name, "store.commit_%s.%u", is_new ? "new" : "old", n_writes);
	bench_print_series(name, &commits);
	(void)snprintf(name, sizeof name, "store.tidy_%s.%u", is_new ? "new" : "old", n_writes);
	bench_print_series(name, &tidies);
	(void)snprintf(name, sizeof name, "store.commit_%s.%u.over_sync", is_new ? "new" : "old",
		n_writes);
	bench_print(name, bench_series_us(&commits, 50) - bench_series_us(&syncs, 50), "us");
	bench_series_fini(&commits);
	bench_series_fini(&syncs);
	bench_series_fini(&tidies);
	store_batch_free(batch);
	free(bytes);
}

static void
measure_fill(struct store *store)
{
	struct store_batch *batch = store_batch_new();
	struct store_figures figures;
	uint64_t begin = bench_now_ns(), wal_max = 0;
	double cpu_us = bench_cpu_us();
	struct err err;

	for (unsigned i = 0; i < N_TASKS; i += FILL_BATCH) {
		fill(batch, i, FILL_BATCH, 0);
		if (store_commit(store, batch, &err) < 0)
			die("commit", &err);
		store_tidy(store);
		store_figures(store, &figures);
		wal_max = figures.wal_bytes > wal_max ? figures.wal_bytes : wal_max;
	}
	bench_print("store.fill.rate", N_TASKS / ((double)(bench_now_ns() - begin) / 1e9),
		"puts/s");
	bench_print("store.fill.cpu", (bench_cpu_us() - cpu_us) / N_TASKS, "us/put");
	bench_print("store.fill.bytes_per_record", (double)figures.file_bytes / N_TASKS, "B");
	bench_print("store.fill.wal_max", (double)wal_max / 1024, "KiB");
	store_batch_free(batch);
}

static int
count(const char *key, const void *value, size_t size, void *arg)
{
	(void)key;
	(void)value;
	*(size_t *)arg += size;
	return 0;
}

static void
measure_start(const char *path, struct store **store)
{
	uint64_t begin = bench_now_ns();
	size_t n_bytes = 0;
	struct err err;

	store_close(TAKE(*store));
	bench_print("store.close", (double)(bench_now_ns() - begin) / 1e6, "ms");
	begin = bench_now_ns();
	if (store_open_sqlite(path, store, &err) < 0)
		die("open", &err);
	bench_print("store.open", (double)(bench_now_ns() - begin) / 1e6, "ms");
	begin = bench_now_ns();
	if (store_scan(*store, "", count, &n_bytes, &err) < 0)
		die("scan", &err);
	bench_print("store.scan.rate", N_TASKS / ((double)(bench_now_ns() - begin) / 1e9),
		"rows/s");
}

int
main(void)
{
	static const unsigned sizes[] = {1, 10, 1000};
	struct place place;
	struct store *store;
	struct err err;
	double before;
	int raw;

	process_begin();
	place = place_new();
	raw = open(place.raw, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	before = bench_rss_anon_kib();
	if (raw < 0 || store_open_sqlite(place.db, &store, &err) < 0)
		die("open", &err);
	bench_print("store.rss_anon.open", bench_rss_anon_kib() - before, "KiB");
	measure_fill(store);
	bench_print("store.rss_anon.filled", bench_rss_anon_kib() - before, "KiB");
	measure_start(place.db, &store);
	bench_print("store.rss_anon.scanned", bench_rss_anon_kib() - before, "KiB");
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		measure_commits(store, raw, sizes[i], false);
		measure_commits(store, raw, sizes[i], true);
	}
	bench_print("store.rss_anon.end", bench_rss_anon_kib() - before, "KiB");
	store_close(store);
	(void)close(raw);
	place_remove(&place);
	return 0;
}
