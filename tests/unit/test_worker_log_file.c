/* The engine's json-file, read from any place, turned, cut and damaged. */
#include "services/worker/log_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/scratch.h"
#include "tests/lib/test.h"

struct seen {
	char text[4096];
	unsigned n, stop_after;
	uint64_t last_ns;
};

static bool
on_line(const struct worker_log_line *line, void *arg)
{
	struct seen *seen = arg;
	size_t used = strlen(seen->text);

	(void)snprintf(seen->text + used, sizeof seen->text - used, "%d:%.*s", line->stream,
		(int)line->size, line->data);
	seen->last_ns = line->ns;
	return ++seen->n != seen->stop_after;
}

static void
append(const char *path, const char *text)
{
	FILE *file = fopen(path, "ae");

	CHECK(file != NULL);
	CHECK(fputs(text, file) >= 0);
	CHECK_EQ(fclose(file), 0);
}

static void
append_line(const char *path, const char *word, const char *stream, unsigned second)
{
	char line[256];

	(void)snprintf(line, sizeof line,
		"{\"log\":\"%s\\n\",\"stream\":\"%s\",\"time\":\"2026-01-02T03:04:%02u.5Z\"}\n",
		word, stream, second);
	append(path, line);
}

static void
clean(const char *dir)
{
	char path[256];

	(void)snprintf(path, sizeof path, "%s/c-json.log", dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/c-json.log.1", dir);
	(void)unlink(path);
	CHECK_EQ(rmdir(dir), 0);
}

static bool
parse(const char *json, struct buf *text, struct worker_log_line *line)
{
	return worker_log_json_parse(json, strlen(json), text, line);
}

TEST(worker_log_file_reads_what_the_engine_escaped)
{
	struct worker_log_line line;
	struct buf text = {0};

	CHECK(parse("{\"log\":\"a\\n\\\"\\\\\\t\\u0001\\u00e9\\ud83d\\ude00\\ufffd\",\"stream\":"
		    "\"stderr\",\"attrs\":{\"time\":\"x\"},\"time\":\"2026-01-02T03:04:05.123Z\"}",
		&text, &line));
	CHECK_EQ(line.stream, 1);
	CHECK_EQ(line.ns % 1000000000, 123000000);
	CHECK_EQ(line.size, 15);
	CHECK(memcmp(line.data, "a\n\"\\\t\x01\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd", 15) == 0);
	buf_fini(&text);
}

TEST(worker_log_file_leaves_out_what_makes_no_sense)
{
	static const char *const lines[] = {
		"",
		"{",
		"{\"log\":\"",
		"{\"log\":\"abc",
		"{\"log\":\"abc\\",
		"{\"log\":\"abc\\x\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05Z\"}",
		"{\"log\":\"abc\\u12\"",
		"{\"log\":\"abc\"}",
		"{\"log\":\"abc\",\"stream\":\"stdout\"}",
		"{\"log\":\"abc\",\"stream\":\"stdout\",\"time\":\"",
		"{\"log\":\"abc\",\"stream\":\"stdout\",\"time\":\"yesterday\"}",
		"{\"stream\":\"stdout\",\"log\":\"abc\"}",
	};
	struct worker_log_line line;
	struct buf text = {0};

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		CHECK(!parse(lines[i], &text, &line));
	buf_fini(&text);
}

TEST(worker_log_file_goes_on_where_it_was_also_over_turned_files)
{
	char dir[SCRATCH_PATH_SIZE];
	struct worker_log_place place = {0};
	struct seen seen = {.stop_after = 2};
	char path[256], turned[264];

	CHECK(scratch_make(dir) != NULL);
	(void)snprintf(path, sizeof path, "%s/c-json.log", dir);
	(void)snprintf(turned, sizeof turned, "%s.1", path);
	CHECK_EQ(worker_log_file_read(path, &place, on_line, &seen), -ENOENT);
	append_line(path, "one", "stdout", 1);
	append_line(path, "two", "stderr", 2);
	append_line(path, "three", "stdout", 3);
	CHECK_EQ(worker_log_file_read(path, &place, on_line, &seen), WORKER_LOG_FULL);
	CHECK_STR(seen.text, "0:one\n1:two\n");
	CHECK_EQ(rename(path, turned), 0);
	append_line(path, "four", "stdout", 4);
	append(path, "{\"log\":\"fi"); /* being written */
	CHECK_EQ(worker_log_file_read(path, &place, on_line, &seen), WORKER_LOG_OVER);
	CHECK_STR(seen.text, "0:one\n1:two\n0:three\n0:four\n");
	append(path, "ve\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05.5Z\"}\n");
	CHECK_EQ(worker_log_file_read(path, &place, on_line, &seen), WORKER_LOG_OVER);
	CHECK_HAS(seen.text, "0:four\n0:five\n");
	CHECK(!place.was_lost);
	/* What was read is turned away for good: all that is left comes again, and is told so. */
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(unlink(turned), 0);
	append_line(path, "six", "stdout", 6);
	seen.text[0] = '\0';
	CHECK_EQ(worker_log_file_read(path, &place, on_line, &seen), WORKER_LOG_OVER);
	CHECK_STR(seen.text, "0:six\n");
	CHECK(place.was_lost);
	clean(dir);
}

TEST(worker_log_file_finds_the_last_lines)
{
	char dir[SCRATCH_PATH_SIZE];
	struct worker_log_place place = {0};
	struct seen seen = {0};
	char path[256], turned[264];

	CHECK(scratch_make(dir) != NULL);
	(void)snprintf(path, sizeof path, "%s/c-json.log", dir);
	(void)snprintf(turned, sizeof turned, "%s.1", path);
	append_line(turned, "one", "stdout", 1);
	append_line(turned, "two", "stdout", 2);
	append_line(path, "three", "stdout", 3);
	append_line(path, "four", "stdout", 4);
	CHECK_EQ(worker_log_file_tail(path, 1, &place), 0);
	(void)worker_log_file_read(path, &place, on_line, &seen);
	CHECK_STR(seen.text, "0:four\n");
	seen.text[0] = '\0';
	CHECK_EQ(worker_log_file_tail(path, 3, &place), 0);
	(void)worker_log_file_read(path, &place, on_line, &seen);
	CHECK_STR(seen.text, "0:two\n0:three\n0:four\n");
	seen.text[0] = '\0';
	CHECK_EQ(worker_log_file_tail(path, 100, &place), 0);
	(void)worker_log_file_read(path, &place, on_line, &seen);
	CHECK_STR(seen.text, "0:one\n0:two\n0:three\n0:four\n");
	seen.text[0] = '\0';
	CHECK_EQ(worker_log_file_tail(path, 0, &place), 0);
	(void)worker_log_file_read(path, &place, on_line, &seen);
	CHECK_STR(seen.text, "");
	clean(dir);
}

TEST(worker_log_file_bounds_a_line_and_a_look)
{
	char dir[SCRATCH_PATH_SIZE];
	struct worker_log_place place = {0};
	struct seen seen = {0};
	char path[256];
	FILE *file;

	CHECK(scratch_make(dir) != NULL);
	(void)snprintf(path, sizeof path, "%s/c-json.log", dir);
	file = fopen(path, "we");
	CHECK(file != NULL);
	for (unsigned i = 0; i < WORKER_LOG_JSON_MAX + 1000; i++)
		(void)fputc('x', file);
	(void)fputc('\n', file);
	CHECK_EQ(fclose(file), 0);
	append_line(path, "after", "stdout", 1);
	CHECK_EQ(worker_log_file_read(path, &place, on_line, &seen), WORKER_LOG_OVER);
	CHECK_STR(seen.text, "0:after\n");
	file = fopen(path, "we");
	CHECK(file != NULL);
	for (unsigned i = 0; i < WORKER_LOG_SCAN_MAX / 64 + 10; i++)
		(void)fprintf(file, "%063u\n", i); /* damage: looked at, handed to nobody */
	CHECK_EQ(fclose(file), 0);
	place = (struct worker_log_place){0};
	CHECK_EQ(worker_log_file_read(path, &place, on_line, &seen), WORKER_LOG_MORE);
	CHECK_EQ(worker_log_file_read(path, &place, on_line, &seen), WORKER_LOG_OVER);
	CHECK_STR(seen.text, "0:after\n");
	clean(dir);
}
