#include "services/worker/log_cursor.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "services/worker/limits.h"

enum {
	STAMP_MIN = 21,
	STAMP_MAX = 36,
	NS_DIGITS = 9,
	PART_BYTES = 16 << 10, /* the engine's own: of a part of a long line */
};

/* Digits up to a separator; false when there are none or too many. */
static bool
digits(const char **text, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;
	const char *p = *text;

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*text = p;
	*ret = n;
	return true;
}

static bool
place_parse(const char **text, struct worker_log_place *ret_place)
{
	++*text;
	if (!digits(text, UINT64_MAX, &ret_place->inode) || *(*text)++ != '.')
		return false;
	return digits(text, INT64_MAX, &ret_place->offset);
}

int
worker_log_cursor_parse(const char *text, struct worker_log_cursor *ret_cursor, struct err *err)
{
	struct worker_log_place place = {0};
	uint64_t ns, n_same;

	*ret_cursor = (struct worker_log_cursor){0};
	if (text == NULL || *text == '\0')
		return 0;
	if (!digits(&text, INT64_MAX, &ns) || *text++ != '.' ||
		!digits(&text, UINT32_MAX, &n_same) ||
		(*text == '@' && !place_parse(&text, &place)) || *text != '\0')
		return err_set(err, -EINVAL, "the cursor is none of ours: begin without one");
	*ret_cursor =
		(struct worker_log_cursor){.ns = ns, .n_same = (uint32_t)n_same, .place = place};
	return 0;
}

const char *
worker_log_cursor_format(const struct worker_log_cursor *cursor,
	char ret_text[WORKER_LOG_CURSOR_SIZE])
{
	int n = snprintf(ret_text, WORKER_LOG_CURSOR_SIZE, "%" PRIu64 ".%" PRIu32, cursor->ns,
		cursor->n_same);

	if (cursor->place.inode != 0 && n > 0)
		(void)snprintf(ret_text + n, WORKER_LOG_CURSOR_SIZE - (size_t)n,
			"@%" PRIu64 ".%" PRIu64, cursor->place.inode, cursor->place.offset);
	return ret_text;
}

/* A run of n digits at p as a number, or -1. */
static int
fixed(const char *p, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (!isdigit((unsigned char)p[i]))
			return -1;
		value = value * 10 + (p[i] - '0');
	}
	return value;
}

/* As timegm, which costs more than all the rest of a line: of days that need not be in the month.
 */
static uint64_t
seconds_of(const struct tm *tm)
{
	int year = tm->tm_year + 1900 - (tm->tm_mon < 2);
	int day_of_year =
		(153 * ((tm->tm_mon + 10) % 12) + 2) / 5 + tm->tm_mday - 1; /* from March */
	int64_t days = 365 * (int64_t)year + year / 4 - year / 100 + year / 400 + day_of_year -
		       719468; /* until 1970 */

	return (uint64_t)(((days * 24 + tm->tm_hour) * 60 + tm->tm_min) * 60 + tm->tm_sec);
}

size_t
worker_log_stamp_parse(const char *data, size_t size, uint64_t *ret_ns)
{
	char text[STAMP_MAX + 1] = {0};
	struct tm tm = {0};
	uint64_t ns = 0;
	size_t i = 19;
	int n_digits = 0;

	if (size < STAMP_MIN)
		return 0;
	memcpy(text, data, size < STAMP_MAX ? size : STAMP_MAX);
	if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
		text[16] != ':')
		return 0;
	tm.tm_year = fixed(text, 4) - 1900;
	tm.tm_mon = fixed(text + 5, 2) - 1;
	tm.tm_mday = fixed(text + 8, 2);
	tm.tm_hour = fixed(text + 11, 2);
	tm.tm_min = fixed(text + 14, 2);
	tm.tm_sec = fixed(text + 17, 2);
	if (tm.tm_year < 70 || tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 ||
		tm.tm_hour < 0 || tm.tm_min < 0 || tm.tm_sec < 0)
		return 0;
	if (text[i] == '.') {
		for (i++; isdigit((unsigned char)text[i]) && n_digits < NS_DIGITS; i++, n_digits++)
			ns = ns * 10 + (uint64_t)(text[i] - '0');
	}
	for (; n_digits < NS_DIGITS; n_digits++)
		ns *= 10;
	if (text[i] != 'Z' || text[i + 1] != ' ')
		return 0;
	*ret_ns = seconds_of(&tm) * UINT64_C(1000000000) + ns;
	return i + 2;
}

void
worker_log_reader_init(struct worker_log_reader *reader, const struct worker_log_cursor *cursor)
{
	*reader = (struct worker_log_reader){.cursor = *cursor, .is_past = cursor->ns == 0};
}

void
worker_log_reader_fini(struct worker_log_reader *reader)
{
	buf_fini(&reader->line[0]);
	buf_fini(&reader->line[1]);
}

static void
move_cursor(struct worker_log_cursor *cursor, uint64_t ns)
{
	if (ns == cursor->ns)
		cursor->n_same++;
	else
		*cursor = (struct worker_log_cursor){.ns = ns, .n_same = 1, .place = cursor->place};
}

/* True when the line at ns (n-th with that time in this stream) was handed on by an earlier
 * answer. */
static bool
was_read(const struct worker_log_reader *reader, const struct worker_log_cursor *seen)
{
	if (seen->ns != reader->cursor.ns)
		return seen->ns < reader->cursor.ns;
	return seen->n_same <= reader->cursor.n_same;
}

/* It, and all that follows, is later than the reader wants. */
static bool
is_late(struct worker_log_reader *reader, uint64_t ns)
{
	reader->is_over |= reader->until_ns != 0 && ns > reader->until_ns;
	reader->is_full |= reader->is_over;
	return reader->is_over;
}

static void
end_record(struct worker_log_reader *reader, int stream)
{
	struct buf *line = &reader->line[stream];
	const char *data = (const char *)line->data;
	uint64_t ns = reader->seen.ns; /* a piece without a stamp belongs to the line before */
	size_t stamp = line->size == 0 ? 0 : worker_log_stamp_parse(data, line->size, &ns);

	if (line->size == 0 || is_late(reader, ns))
		return;
	move_cursor(&reader->seen, ns);
	if (!reader->is_full && (reader->is_past || !was_read(reader, &reader->seen))) {
		size_t skip = reader->keep_stamps ? 0 : stamp;

		reader->is_past = true;
		reader->cursor = reader->seen;
		reader->is_full =
			!reader->on_record(stream, data + skip, line->size - skip, reader->arg);
	}
	buf_reset(line);
}

/*
 * Bytes after which a line that has begun is cut, wherever the pieces are. Without messages nothing
 * but their length shows where the parts of a long line end, each of which has a stamp of its own.
 */
static size_t
most_of(const struct worker_log_reader *reader, const struct buf *line)
{
	uint64_t ns;

	if (!reader->is_raw)
		return WORKER_LOG_LINE_MAX;
	if (line->size < STAMP_MAX)
		return STAMP_MAX; /* the next look knows how long its stamp is */
	return PART_BYTES + worker_log_stamp_parse((const char *)line->data, line->size, &ns);
}

void
worker_log_reader_message(struct worker_log_reader *reader, int stream)
{
	end_record(reader, stream);
}

void
worker_log_reader_put(struct worker_log_reader *reader, int stream, const void *data, size_t size)
{
	struct buf *line = &reader->line[stream];
	const char *p = data;

	while (size > 0 && !reader->is_full) {
		size_t left = most_of(reader, line) - line->size;
		size_t n = size < left ? size : left;
		const char *newline = memchr(p, '\n', n);

		n = newline == NULL ? n : (size_t)(newline - p) + 1;
		buf_put(line, p, n);
		if (newline != NULL || line->size >= most_of(reader, line))
			end_record(reader, stream);
		p += n;
		size -= n;
	}
}

/* As the engine's own stream has it; a piece of a line that goes on has none. */
static void
put_stamp(struct buf *out, uint64_t ns)
{
	const uint64_t ns_per_s = 1000000000;
	time_t seconds = (time_t)(ns / ns_per_s);
	char text[32];
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(out, "%s.%09" PRIu64 "Z ", text, ns % ns_per_s);
}

void
worker_log_reader_take(struct worker_log_reader *reader, const struct worker_log_line *line)
{
	struct buf *whole = &reader->line[line->stream];
	bool is_mid_line = reader->is_mid_line[line->stream];

	if (is_late(reader, line->ns))
		return;
	move_cursor(&reader->seen, line->ns);
	if (reader->is_full || (!reader->is_past && was_read(reader, &reader->seen)))
		return;
	reader->is_mid_line[line->stream] = line->size > 0 && line->data[line->size - 1] != '\n';
	reader->is_past = true;
	reader->cursor = reader->seen;
	if (!reader->keep_stamps || is_mid_line) {
		reader->is_full =
			!reader->on_record(line->stream, line->data, line->size, reader->arg);
		return;
	}
	put_stamp(whole, line->ns);
	buf_put(whole, line->data, line->size);
	reader->is_full = !reader->on_record(line->stream, whole->data, whole->size, reader->arg);
	buf_reset(whole);
}

void
worker_log_reader_end(struct worker_log_reader *reader)
{
	end_record(reader, 0);
	end_record(reader, 1);
}
