/* Bodies and durations of the other systems' contracts, as the gateway reads them. */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/gateway/foreign_json.h"
#include "tests/fuzz/fuzz.h"

static void
as_object(const uint8_t *data, size_t size)
{
	static const char *const keys[] = {"image", "ID", "timeout", "", NULL};
	CLEANUP(foreign_free) json_t *object = NULL;
	struct err err = {0};

	if (foreign_parse(data, size, &object, &err) < 0) {
		assert(err.text[0] != '\0' && object == NULL);
		return;
	}
	for (size_t i = 0; keys[i] != NULL; i++) {
		const json_t *inner;
		const char *text;
		double number;
		int64_t whole;

		if (foreign_text(object, keys[i], &text, &err) == 0)
			assert(text != NULL);
		if (foreign_whole(object, keys[i], &whole, &err) == 0)
			assert(foreign_number(object, keys[i], &number, &err) == 0);
		(void)foreign_object(object, keys[i], &inner, &err);
	}
	(void)foreign_stranger(object, keys);
}

static void
as_duration(const char *text)
{
	struct err err = {0};
	double ms;

	if (foreign_duration(text, &ms, &err) < 0)
		assert(err.text[0] != '\0');
	else
		assert(isfinite(ms));
}

static void
as_time(const char *text)
{
	char printed[FOREIGN_TIME_SIZE];
	uint64_t ms = strtoull(text, NULL, 10);

	assert(strlen(foreign_time(ms, printed)) < sizeof printed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1);

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	as_object(data, size);
	as_duration(text);
	as_time(text);
	free(text);
	return 0;
}
