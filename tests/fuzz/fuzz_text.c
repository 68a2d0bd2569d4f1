/* Texts of people: quantities, ids, places in a log. What was read prints and reads
 * again. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/id.h"
#include "common/base/units.h"
#include "common/base/utf8.h"
#include "common/docker/docker_parse.h"
#include "services/worker/log_cursor.h"
#include "tests/fuzz/fuzz.h"

static void
as_quantities(const char *text)
{
	char printed[UNITS_TEXT_SIZE];
	uint64_t value, again;
	struct err err;

	/* What is printed is rounded: the greatest may be too large then, but it is no nonsense. */
	if (units_parse_bytes(text, &value, &err) == 0)
		assert(units_parse_bytes(units_format_bytes(value, printed), &again, &err) !=
			-EINVAL);
	if (units_parse_cpu(text, &value, &err) == 0)
		assert(units_parse_cpu(units_format_cpu(value, printed), &again, &err) == 0 &&
			again == value);
	if (units_parse_duration(text, &value, &err) == 0)
		assert(units_parse_duration(units_format_duration(value, printed), &again, &err) !=
			-EINVAL);
	if (units_parse_number(text, 3, 1000, &value, &err) == 0)
		assert(value >= 3 && value <= 1000);
	(void)docker_parse_time(text);
}

static void
as_places(const char *text, size_t size)
{
	char printed[WORKER_LOG_CURSOR_SIZE];
	struct worker_log_cursor cursor, again;
	uint64_t ns;
	struct err err;

	if (worker_log_cursor_parse(text, &cursor, &err) == 0) {
		assert(worker_log_cursor_parse(worker_log_cursor_format(&cursor, printed), &again,
			       &err) == 0);
		assert(again.ns == cursor.ns && again.n_same == cursor.n_same);
	}
	assert(worker_log_stamp_parse(text, size, &ns) <= size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), printed[ID_TEXT_SIZE];
	struct id id;

	if (text == NULL)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	size = strlen(text);
	as_quantities(text);
	as_places(text, size);
	if (id_parse(text, &id)) {
		id_format(id, printed);
		assert(strlen(printed) == ID_TEXT_SIZE - 1);
	}
	(void)utf8_is_text(text, size);
	free(text);
	return 0;
}
