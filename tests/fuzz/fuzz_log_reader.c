/* A container's output with times: whole or cut (the first byte says how), it is the same records.
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

static struct worker_log_cursor
read_all(const uint8_t *data, size_t size, size_t cut, const struct worker_log_cursor *from,
	struct heard *heard)
{
	struct worker_log_cursor behind;
	struct worker_log_reader reader;

	worker_log_reader_init(&reader, from);
	reader.on_record = hear;
	reader.arg = heard;
	for (size_t at = 0; at < size; at += cut)
		worker_log_reader_put(&reader, 0, data + at, size - at < cut ? size - at : cut);
	worker_log_reader_end(&reader);
	behind = reader.cursor;
	worker_log_reader_fini(&reader);
	return behind;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct worker_log_cursor start = {0}, whole_end, parts_end;
	struct heard whole = {0}, parts = {0};

	if (size < 2)
		return 0;
	whole_end = read_all(data + 1, size - 1, size, &start, &whole);
	parts_end = read_all(data + 1, size - 1, 1u + data[0] % 32, &start, &parts);
	assert(whole.n == parts.n && whole.text.size == parts.text.size);
	assert(whole.text.size == 0 ||
		memcmp(whole.text.data, parts.text.data, whole.text.size) == 0);
	assert(whole_end.ns == parts_end.ns && whole_end.n_same == parts_end.n_same);
	buf_fini(&whole.text);
	buf_fini(&parts.text);
	return 0;
}
