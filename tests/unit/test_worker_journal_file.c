#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/worker/journal_file.h"
#include "tests/lib/test.h"

static char folder[32], path[64];
static uv_loop_t loop;
static struct err err;
static unsigned n_done;
static int done_code;

static void
on_done(const struct err *result, void *arg)
{
	(void)arg;
	n_done++;
	done_code = result->code;
}

static void
begin(void)
{
	(void)snprintf(folder, sizeof folder, "/tmp/davit-journal-XXXXXX");
	CHECK(mkdtemp(folder) != NULL);
	(void)snprintf(path, sizeof path, "%s/journal", folder);
	CHECK_EQ(uv_loop_init(&loop), 0);
	n_done = 0;
}

static void
end(void)
{
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_EQ(uv_loop_close(&loop), 0);
	(void)unlink(path);
	(void)rmdir(folder);
}

static struct worker_journal_file *
open_file(size_t want_n, struct worker_journal_entry *ret_first)
{
	struct worker_journal_file *file;
	struct worker_journal_entry *entries;
	size_t n;

	CHECK_OK(worker_journal_file_open(&loop, path, on_done, NULL, &file, &entries, &n, &err),
		&err);
	CHECK_EQ(n, want_n);
	if (n > 0 && ret_first != NULL)
		*ret_first = entries[0];
	free(entries);
	return file;
}

static struct worker_journal_entry
entry(uint64_t n, uint32_t attempt)
{
	return (struct worker_journal_entry){{1, n}, attempt};
}

static void
add(struct worker_journal_file *file, uint64_t n, uint32_t attempt)
{
	struct worker_journal_entry one = entry(n, attempt);
	unsigned before = n_done;

	worker_journal_file_add(file, &one, 1);
	CHECK_EQ(n_done, before); /* later, never at once */
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_EQ(n_done, before + 1);
	CHECK_EQ(done_code, 0);
}

TEST(worker_journal_file_holds_what_was_added_and_not_dropped)
{
	struct worker_journal_entry one = entry(1, 1), left;
	struct worker_journal_file *file;

	begin();
	file = open_file(0, NULL);
	add(file, 1, 1);
	add(file, 2, 7);
	worker_journal_file_drop(file, &one);
	worker_journal_file_close(file);
	file = open_file(1, &left);
	CHECK_EQ(left.task.lo, 2);
	CHECK_EQ(left.attempt, 7);
	one = entry(2, 6); /* another attempt's end is not this one's */
	worker_journal_file_drop(file, &one);
	worker_journal_file_close(file);
	worker_journal_file_close(open_file(1, NULL));
	end();
}

TEST(worker_journal_file_survives_a_line_that_a_crash_cut)
{
	struct worker_journal_file *file;
	FILE *out;

	begin();
	out = fopen(path, "we");
	(void)fputs("+ 00000000-0000-0001-0000-000000000001 1\nrubbish\n"
		    "+ 00000000-0000-0001-0000-000000000002 1\n"
		    "+ 00000000-0000-0001-0000-0000000000",
		out);
	(void)fclose(out);
	file = open_file(2, NULL);
	add(file, 3, 1);
	worker_journal_file_close(file);
	worker_journal_file_close(open_file(3, NULL));
	end();
}

TEST(worker_journal_file_does_not_grow_with_time)
{
	enum { N = 1000, ROUNDS = 30 };
	struct worker_journal_entry *many = calloc(N, sizeof *many);
	struct worker_journal_file *file;
	struct stat stat_now;

	begin();
	file = open_file(0, NULL);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < N; i++)
			many[i] = entry(round * N + i, 1);
		worker_journal_file_add(file, many, N);
		(void)uv_run(&loop, UV_RUN_DEFAULT);
		for (unsigned i = 0; i < N; i++)
			worker_journal_file_drop(file, &many[i]);
	}
	CHECK_EQ(stat(path, &stat_now), 0);
	CHECK(stat_now.st_size < 512 << 10); /* all of it would be 2.6 MB */
	worker_journal_file_close(file);
	worker_journal_file_close(open_file(0, NULL));
	free(many);
	end();
}

TEST(worker_journal_file_says_what_is_wrong)
{
	struct worker_journal_file *file;
	struct worker_journal_entry *entries;
	size_t n;

	begin();
	(void)snprintf(path, sizeof path, "%s/no/journal", folder);
	CHECK_EQ(worker_journal_file_open(&loop, path, on_done, NULL, &file, &entries, &n, &err),
		-ENOENT);
	CHECK_HAS(err.text, "journal");
	end();
}

TEST(worker_journal_file_may_be_closed_while_it_writes)
{
	struct worker_journal_entry one = entry(1, 1);
	struct worker_journal_file *file;

	begin();
	file = open_file(0, NULL);
	worker_journal_file_add(file, &one, 1);
	worker_journal_file_close(file);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_EQ(n_done, 0);
	worker_journal_file_close(open_file(1, NULL));
	end();
}
