#include "services/worker/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "services/worker/log_cursor.h"

enum { NAME_SIZE = 4096 };

/* ---- one line ---- */

static int
hex4(const char *at)
{
	int value = 0;

	for (int i = 0; i < 4; i++) {
		int digit = at[i] >= '0' && at[i] <= '9'   ? at[i] - '0'
			    : at[i] >= 'a' && at[i] <= 'f' ? at[i] - 'a' + 10
			    : at[i] >= 'A' && at[i] <= 'F' ? at[i] - 'A' + 10
							   : -1;

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

static void
put_utf8(struct buf *text, uint32_t c)
{
	uint8_t bytes[4];
	size_t n = 0;

	if (c < 0x80) {
		bytes[n++] = (uint8_t)c;
	} else if (c < 0x800) {
		bytes[n++] = (uint8_t)(0xc0 | c >> 6);
		bytes[n++] = (uint8_t)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		bytes[n++] = (uint8_t)(0xe0 | c >> 12);
		bytes[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		bytes[n++] = (uint8_t)(0x80 | (c & 0x3f));
	} else {
		bytes[n++] = (uint8_t)(0xf0 | c >> 18);
		bytes[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		bytes[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		bytes[n++] = (uint8_t)(0x80 | (c & 0x3f));
	}
	buf_put(text, bytes, n);
}

/* "\uXXXX" at at (behind the backslash), perhaps with its second half; returns the bytes used. */
static size_t
unescape_unicode(struct buf *text, const char *at, const char *end)
{
	int first = end - at >= 5 ? hex4(at + 1) : -1, second;

	if (first < 0)
		return 0;
	if (first >= 0xd800 && first < 0xdc00 && end - at >= 11 && at[5] == '\\' && at[6] == 'u') {
		second = hex4(at + 7);
		if (second >= 0xdc00 && second < 0xe000) {
			put_utf8(text, 0x10000u + ((uint32_t)(first - 0xd800) << 10) +
					       (uint32_t)(second - 0xdc00));
			return 11;
		}
	}
	put_utf8(text, first >= 0xd800 && first < 0xe000 ? 0xfffd : (uint32_t)first);
	return 5;
}

/* What follows a backslash; returns the bytes used, 0 for what is no escape. */
static size_t
unescape(struct buf *text, const char *at, const char *end)
{
	static const char from[] = "nrtbf\"\\/", to[] = "\n\r\t\b\f\"\\/";
	const char *found = at < end && *at != '\0' ? strchr(from, *at) : NULL;

	if (found != NULL) {
		buf_put(text, &to[found - from], 1);
		return 1;
	}
	return at < end && *at == 'u' ? unescape_unicode(text, at, end) : 0;
}

/* A JSON string behind its opening quote; returns where it ends (behind the quote), or NULL. */
static const char *
take_string(const char *at, const char *end, struct buf *text)
{
	const char *quote = NULL;

	while (at < end) {
		const char *stop, *escape;
		size_t n;

		if (quote == NULL || quote < at) /* not again for every escape before it */
			quote = memchr(at, '"', (size_t)(end - at));
		if (quote == NULL)
			quote = end;
		escape = memchr(at, '\\', (size_t)(quote - at));
		stop = escape == NULL ? quote : escape;
		buf_put(text, at, (size_t)(stop - at));
		if (stop == end)
			return NULL;
		if (*stop == '"')
			return stop + 1;
		n = unescape(text, stop + 1, end);
		if (n == 0)
			return NULL;
		at = stop + 1 + n;
	}
	return NULL;
}

/* Where the last occurrence of the word begins, or NULL. */
static const char *
find_last(const char *from, const char *end, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = end - n; (size_t)(end - from) >= n && at >= from; at--) {
		if (memcmp(at, word, n) == 0)
			return at;
	}
	return NULL;
}

bool
worker_log_json_parse(const char *json, size_t size, struct buf *text,
	struct worker_log_line *ret_line)
{
	static const char head[] = "{\"log\":\"", stream[] = ",\"stream\":\"std";
	const char *end = json + size, *at, *time;
	char stamp[40] = "";
	size_t n;

	buf_reset(text);
	if (size < sizeof head || memcmp(json, head, sizeof head - 1) != 0)
		return false;
	at = take_string(json + sizeof head - 1, end, text);
	if (at == NULL || (size_t)(end - at) < sizeof stream + 4 ||
		memcmp(at, stream, sizeof stream - 1) != 0)
		return false;
	time = find_last(at, end, "\"time\":\"");
	if (time == NULL)
		return false;
	time += sizeof "\"time\":\"" - 1;
	for (n = 0; time + n < end && time[n] != '"' && n + 2 < sizeof stamp; n++)
		stamp[n] = time[n];
	stamp[n++] = ' '; /* as the engine's own stream has it */
	if (worker_log_stamp_parse(stamp, n, &ret_line->ns) == 0)
		return false;
	ret_line->stream = at[sizeof stream - 1] == 'e' ? 1 : 0;
	ret_line->data = (const char *)text->data;
	ret_line->size = text->size;
	return true;
}

/* ---- the files ---- */

static const char *
name_of(const char *path, unsigned index, char ret_name[NAME_SIZE])
{
	if (index == 0)
		(void)snprintf(ret_name, NAME_SIZE, "%s", path);
	else
		(void)snprintf(ret_name, NAME_SIZE, "%s.%u", path, index);
	return ret_name;
}

static int
open_file(const char *path, unsigned index, struct stat *ret_info)
{
	char name[NAME_SIZE];
	int fd = open(name_of(path, index, name), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -errno;
	if (fstat(fd, ret_info) < 0 || !S_ISREG(ret_info->st_mode)) {
		(void)close(fd);
		return -ENOENT;
	}
	return fd;
}

/* How many turned files there are. */
static unsigned
count_turned(const char *path)
{
	char name[NAME_SIZE];
	unsigned n = 0;

	while (n < WORKER_LOG_FILES_MAX && access(name_of(path, n + 1, name), R_OK) == 0)
		n++;
	return n;
}

/* The file of the place, or the oldest. */
static unsigned
find_file(const char *path, struct worker_log_place *place)
{
	unsigned n_turned = count_turned(path);
	char name[NAME_SIZE];
	struct stat info;

	for (unsigned i = 0; i <= n_turned && place->inode != 0; i++) {
		if (stat(name_of(path, i, name), &info) == 0 && info.st_ino == place->inode &&
			(uint64_t)info.st_size >= place->offset)
			return i;
	}
	*place = (struct worker_log_place){.was_lost = place->inode != 0};
	return n_turned;
}

struct scan {
	struct worker_log_place *place;
	worker_log_line_fn *fn;
	void *arg;
	struct buf text;
	size_t n_bytes;
	bool is_full;
};

/* The whole lines of a piece; returns how many bytes they have. */
static size_t
take_lines(struct scan *scan, const char *data, size_t size)
{
	size_t used = 0;

	while (used < size && !scan->is_full) {
		const char *from = data + used, *newline = memchr(from, '\n', size - used);
		struct worker_log_line line;

		if (newline == NULL)
			break;
		used += (size_t)(newline - from) + 1;
		if (worker_log_json_parse(from, (size_t)(newline - from), &scan->text, &line))
			scan->is_full = !scan->fn(&line, scan->arg);
	}
	return used;
}

static int
read_file(int fd, struct scan *scan)
{
	const size_t room = WORKER_LOG_JSON_MAX;
	char *data = malloc(room);
	int rc = WORKER_LOG_OVER;

	while (data != NULL && !scan->is_full) {
		ssize_t n = pread(fd, data, room, (off_t)scan->place->offset);
		size_t used = n > 0 ? take_lines(scan, data, (size_t)n) : 0;

		scan->place->offset += used;
		scan->n_bytes += used;
		if (scan->n_bytes >= WORKER_LOG_SCAN_MAX) {
			rc = WORKER_LOG_MORE;
			break;
		}
		if (used > 0)
			continue;
		if (n < (ssize_t)room)
			break;               /* the end, or a line that is being written */
		scan->place->offset += room; /* damaged: a line is never as long */
	}
	free(data);
	return scan->is_full ? WORKER_LOG_FULL : rc;
}

int
worker_log_file_read(const char *path, struct worker_log_place *place, worker_log_line_fn *fn,
	void *arg)
{
	struct scan scan = {.place = place, .fn = fn, .arg = arg};
	unsigned index = find_file(path, place);
	int rc = WORKER_LOG_OVER;

	for (;;) {
		struct stat info;
		int fd = open_file(path, index, &info);

		if (fd < 0) {
			rc = index == 0 ? fd : WORKER_LOG_MORE; /* turned just now: look again */
			break;
		}
		if (place->inode != info.st_ino)
			*place = (struct worker_log_place){.inode = info.st_ino,
				.was_lost = place->was_lost};
		rc = read_file(fd, &scan);
		(void)close(fd);
		if (rc != WORKER_LOG_OVER || index == 0)
			break;
		index--;
		*place = (struct worker_log_place){.was_lost = place->was_lost};
	}
	buf_fini(&scan.text);
	return rc;
}

/* ---- the last lines ---- */

/* Looks backwards for the line end before the last n lines. True: it is in this file. */
static bool
find_back(int fd, uint64_t size, uint64_t *n, uint64_t *ret_offset)
{
	char data[1 << 14];
	uint64_t at = size;

	while (at > 0) {
		size_t room = at < sizeof data ? (size_t)at : sizeof data;

		if (pread(fd, data, room, (off_t)(at - room)) != (ssize_t)room)
			return false;
		for (size_t i = room; i > 0; i--) {
			if (data[i - 1] != '\n' || at - room + i == size)
				continue;
			if (--*n == 0) {
				*ret_offset = at - room + i;
				return true;
			}
		}
		at -= room;
	}
	if (size > 0)
		--*n; /* its first line has no line end before it */
	*ret_offset = 0;
	return *n == 0;
}

int
worker_log_file_tail(const char *path, uint32_t n_lines, struct worker_log_place *ret_place)
{
	unsigned n_turned = count_turned(path);
	uint64_t n = n_lines;

	for (unsigned i = 0; i <= n_turned; i++) {
		struct stat info;
		int fd = open_file(path, i, &info);
		bool is_there;

		if (fd < 0)
			return i == 0 ? fd : 0;
		ret_place->inode = info.st_ino;
		is_there = n == 0;
		ret_place->offset = (uint64_t)info.st_size;
		if (!is_there)
			is_there = find_back(fd, (uint64_t)info.st_size, &n, &ret_place->offset);
		(void)close(fd);
		if (is_there)
			return 0;
	}
	return 0;
}
