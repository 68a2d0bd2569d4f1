#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "services/worker/limits.h"
#include "services/worker/log_cursor.h"
#include "tests/lib/test.h"

static struct err err;
static char got[1 << 16];
static size_t n_records, most;

static bool
on_record(int stream, const void *data, size_t size, void *arg)
{
	(void)arg;
	(void)snprintf(got + strlen(got), sizeof got - strlen(got), "%d:%.*s|", stream,
		(int)(size < 64 ? size : 64), (const char *)data);
	return ++n_records < most;
}

static void
begin(struct worker_log_reader *reader, const char *cursor)
{
	struct worker_log_cursor from;

	CHECK_OK(worker_log_cursor_parse(cursor, &from, &err), &err);
	worker_log_reader_init(reader, &from);
	reader->on_record = on_record;
	got[0] = '\0';
	n_records = 0;
	most = 1000;
}

#define T1 "2025-01-01T00:00:00.000000001Z "
#define T2 "2025-01-01T00:00:00.000000002Z "

static const char stream[] = T1 "a\n" T1 "b\n" T2 "c\n" T2 "d\n" T2 "e";

TEST(worker_log_cursor_is_checked)
{
	static const char *const bad[] = {"x", "1", "1.", ".1", "1.2.3", "-1.2", "1.2 ",
		"99999999999999999999.1", "1.4294967296"};
	struct worker_log_cursor cursor;
	char text[WORKER_LOG_CURSOR_SIZE];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_EQ(worker_log_cursor_parse(bad[i], &cursor, &err), -EINVAL);
	CHECK_OK(worker_log_cursor_parse(NULL, &cursor, &err), &err);
	CHECK(cursor.ns == 0);
	CHECK_OK(worker_log_cursor_parse("1700000000123456789.4294967295", &cursor, &err), &err);
	CHECK_STR(worker_log_cursor_format(&cursor, text), "1700000000123456789.4294967295");
}

TEST(worker_log_stamp_is_an_engines_time)
{
	uint64_t ns;

	CHECK_EQ(worker_log_stamp_parse("1970-01-01T00:00:01.5Z x", 24, &ns), 23);
	CHECK(ns == UINT64_C(1500000000));
	CHECK_EQ(worker_log_stamp_parse("2025-01-01T00:00:00.123456789Z ", 31, &ns), 31);
	CHECK(ns == UINT64_C(1735689600123456789));
	CHECK_EQ(worker_log_stamp_parse("2025-01-01T00:00:00Z x", 22, &ns), 21);
	CHECK_EQ(worker_log_stamp_parse("2025-01-01T00:00:00.1Zx", 23, &ns), 0);
	CHECK_EQ(worker_log_stamp_parse("2025-13-01 00:00:00.1Z ", 23, &ns), 0);
	CHECK_EQ(worker_log_stamp_parse("2025-01-01T00:00:00.1", 21, &ns), 0);
	CHECK_EQ(worker_log_stamp_parse("", 0, &ns), 0);
}

TEST(worker_log_stamp_is_the_second_that_the_calendar_says)
{
	for (int year = 70; year < 500; year++) {
		for (int day = 0; day < 366; day++) {
			struct tm tm = {.tm_year = year,
				.tm_mday = 1 + day,
				.tm_hour = day % 24,
				.tm_min = 59,
				.tm_sec = 58};
			uint64_t want = (uint64_t)timegm(&tm) * UINT64_C(1000000000), ns = 0;
			char text[64];
			size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ ", &tm);

			CHECK_EQ(worker_log_stamp_parse(text, size, &ns), size);
			CHECK_EQ(ns, want);
		}
	}
}

TEST(worker_log_reader_goes_on_exactly_behind_its_cursor)
{
	/* After n records, the next question gets the others: for every n. */
	for (size_t n = 1; n <= 5; n++) {
		struct worker_log_reader reader;
		char cursor[WORKER_LOG_CURSOR_SIZE], first[256];

		begin(&reader, NULL);
		most = n;
		worker_log_reader_put(&reader, 0, stream, sizeof stream - 1);
		worker_log_reader_end(&reader);
		CHECK_EQ(n_records, n);
		(void)snprintf(first, sizeof first, "%.200s", got);
		(void)worker_log_cursor_format(&reader.cursor, cursor);
		worker_log_reader_fini(&reader);

		begin(&reader, cursor);
		worker_log_reader_put(&reader, 0, stream, sizeof stream - 1);
		worker_log_reader_end(&reader);
		CHECK_EQ(n_records, 5 - n);
		(void)strncat(first, got, sizeof first - strlen(first) - 1);
		CHECK_STR(first, "0:a\n|0:b\n|0:c\n|0:d\n|0:e|");
		worker_log_reader_fini(&reader);
	}
}

TEST(worker_log_reader_takes_pieces_cut_anywhere)
{
	for (size_t cut = 1; cut < sizeof stream - 1; cut++) {
		struct worker_log_reader reader;

		begin(&reader, NULL);
		worker_log_reader_put(&reader, 1, stream, cut);
		worker_log_reader_put(&reader, 1, stream + cut, sizeof stream - 1 - cut);
		worker_log_reader_end(&reader);
		CHECK_STR(got, "1:a\n|1:b\n|1:c\n|1:d\n|1:e|");
		worker_log_reader_fini(&reader);
	}
}

TEST(worker_log_reader_keeps_stamps_when_asked)
{
	struct worker_log_reader reader;

	begin(&reader, NULL);
	reader.keep_stamps = true;
	worker_log_reader_put(&reader, 0, T1 "a\n", sizeof T1 "a\n" - 1);
	CHECK_STR(got, "0:" T1 "a\n|");
	worker_log_reader_fini(&reader);
}

TEST(worker_log_reader_stops_at_what_is_too_late)
{
	struct worker_log_reader reader;
	uint64_t ns = 0;

	begin(&reader, NULL);
	(void)worker_log_stamp_parse(T1, sizeof T1 - 1, &ns);
	reader.until_ns = ns;
	worker_log_reader_put(&reader, 0, stream, sizeof stream - 1);
	worker_log_reader_end(&reader);
	CHECK_STR(got, "0:a\n|0:b\n|");
	CHECK(reader.is_full && reader.is_over);
	worker_log_reader_fini(&reader);
	begin(&reader, NULL);
	reader.until_ns = ns;
	worker_log_reader_take(&reader, &(struct worker_log_line){0, ns, "a\n", 2});
	CHECK(!reader.is_over);
	worker_log_reader_take(&reader, &(struct worker_log_line){0, ns + 1, "b\n", 2});
	CHECK(reader.is_over);
	CHECK_STR(got, "0:a\n|");
	worker_log_reader_fini(&reader);
}

TEST(worker_log_reader_joins_nothing_across_parts_of_a_long_line)
{
	struct worker_log_reader reader;

	static const char part[] = T1 "part", rest[] = T1 "rest\n";

	for (size_t cut = 1; cut < sizeof rest - 1; cut++) {
		begin(&reader, NULL);
		worker_log_reader_message(&reader, 0);
		worker_log_reader_put(&reader, 0, part, sizeof part - 1);
		worker_log_reader_message(&reader, 0);
		worker_log_reader_put(&reader, 0, rest, cut);
		worker_log_reader_put(&reader, 0, rest + cut, sizeof rest - 1 - cut);
		CHECK_STR(got, "0:part|0:rest\n|");
		worker_log_reader_fini(&reader);
	}
}

/* What a container prints may look like a time of the engine's, and be cut just before it. */
TEST(worker_log_reader_keeps_times_that_the_container_printed)
{
	static const char line[] = T1 "at " T2 "it began\n";

	for (size_t cut = 1; cut < sizeof line - 1; cut++) {
		struct worker_log_reader reader;
		char cursor[WORKER_LOG_CURSOR_SIZE];

		begin(&reader, NULL);
		worker_log_reader_message(&reader, 0);
		worker_log_reader_put(&reader, 0, line, cut);
		worker_log_reader_put(&reader, 0, line + cut, sizeof line - 1 - cut);
		CHECK_STR(got, "0:at " T2 "it began\n|");
		CHECK_STR(worker_log_cursor_format(&reader.cursor, cursor),
			"1735689600000000001.1");
		worker_log_reader_fini(&reader);
	}
}

/* The stream of a terminal has no messages: the parts of a long line are known by their length. */
TEST(worker_log_reader_finds_the_parts_of_a_terminals_long_line)
{
	enum { PART = 16 << 10, SIZE = 2 * (sizeof T1 - 1) + PART + 5 };
	static char line[SIZE + 1];
	char *p = line;

	p = stpcpy(p, T1);
	memset(p, 'x', PART);
	(void)stpcpy(stpcpy(p + PART, T2), "rest\n");
	for (size_t cut = 1; cut < SIZE; cut += cut < PART ? 97 : 1) {
		struct worker_log_reader reader;

		begin(&reader, NULL);
		reader.is_raw = true;
		worker_log_reader_put(&reader, 0, line, cut);
		worker_log_reader_put(&reader, 0, line + cut, SIZE - cut);
		CHECK_EQ(n_records, 2);
		CHECK(strstr(got, "|0:rest\n|") != NULL);
		worker_log_reader_fini(&reader);
	}
}

TEST(worker_log_reader_cuts_a_line_without_end)
{
	struct worker_log_reader reader;
	char *piece = calloc(1, 4096);

	begin(&reader, NULL);
	memset(piece, 'x', 4096);
	worker_log_reader_put(&reader, 0, T1, sizeof T1 - 1);
	for (size_t size = 0; size < WORKER_LOG_LINE_MAX; size += 4096)
		worker_log_reader_put(&reader, 0, piece, 4096);
	CHECK_EQ(n_records, 1); /* of just so many bytes, wherever the pieces are */
	CHECK_EQ(reader.line[0].size, sizeof T1 - 1);
	worker_log_reader_fini(&reader);
	free(piece);
}
