/*
 * A container's output with times: whole or cut, it is the same records. The first byte says how it
 * is cut, and whether it is a terminal's; if not, a message begins at each \x1e.
 */
#include <assert.h>
#include <string.h>

#include "services/worker/log_cursor.h"
#include "tests/fuzz/fuzz.h"

struct heard {
	struct buf text;
	unsigned n;
};

static bool
hear(int stream, const void *data, size_t size, void *arg)
{
	struct heard *heard = arg;

	buf_printf(&heard->text, "%d %zu ", stream, size);
	buf_put(&heard->text, data, size);
	return ++heard->n < 100;
}

enum { MESSAGE = 0x1e, CUT_MASK = 31, RAW = 32 };

static void
put(struct worker_log_reader *reader, const uint8_t *data, size_t size, size_t cut)
{
	for (size_t at = 0; at < size; at += cut)
		worker_log_reader_put(reader, 0, data + at, size - at < cut ? size - at : cut);
}

static struct worker_log_cursor
read_all(const uint8_t *data, size_t size, size_t cut, bool is_raw, struct heard *heard)
{
	const struct worker_log_cursor start = {0};
	struct worker_log_cursor behind;
	struct worker_log_reader reader;

	worker_log_reader_init(&reader, &start);
	reader.is_raw = is_raw;
	reader.on_record = hear;
	reader.arg = heard;
	while (size > 0) {
		const uint8_t *mark = is_raw ? NULL : memchr(data, MESSAGE, size);
		size_t n = mark == NULL ? size : (size_t)(mark - data);

		put(&reader, data, n, cut);
		if (mark != NULL)
			worker_log_reader_message(&reader, 0);
		n += mark != NULL;
		data += n;
		size -= n;
	}
	worker_log_reader_end(&reader);
	behind = reader.cursor;
	worker_log_reader_fini(&reader);
	return behind;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct worker_log_cursor whole_end, parts_end;
	struct heard whole = {0}, parts = {0};
	bool is_raw;

	if (size < 2)
		return 0;
	is_raw = (data[0] & RAW) != 0;
	whole_end = read_all(data + 1, size - 1, size, is_raw, &whole);
	parts_end = read_all(data + 1, size - 1, 1u + (data[0] & CUT_MASK), is_raw, &parts);
	assert(whole.n == parts.n && whole.text.size == parts.text.size);
	assert(whole.text.size == 0 ||
		memcmp(whole.text.data, parts.text.data, whole.text.size) == 0);
	assert(whole_end.ns == parts_end.ns && whole_end.n_same == parts_end.n_same);
	buf_fini(&whole.text);
	buf_fini(&parts.text);
	return 0;
}
