/* From a text to a typed value in the settings; tested by tests/unit/test_options.c. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/base/mem.h"
#include "common/base/options_impl.h"
#include "common/base/units.h"

static int
parse_bool(const char *text, bool *ret, struct err *err)
{
	static const char *const words[2][4] = {{"false", "no", "off", "0"},
		{"true", "yes", "on", "1"}};

	for (size_t i = 0; i < 8; i++) {
		if (strcasecmp(text, words[i / 4][i % 4]) == 0) {
			*ret = i / 4 == 1;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "'%.40s' is neither true nor false", text);
}

static int
check_range(const struct option_def *def, const char *text, uint64_t value, struct err *err)
{
	if (value < def->min || (def->max != 0 && value > def->max))
		return err_set(err, -EINVAL, "'%.40s' is out of range", text);
	return 0;
}

static int
parse_quantity(const struct option_def *def, const char *text, uint64_t *ret, struct err *err)
{
	uint64_t value = 0;
	int rc = 0;

	if (def->kind == OPTION_KIND_NUMBER)
		rc = units_parse_number(text, def->min, def->max ? def->max : UINT64_MAX, &value,
			err);
	else if (def->kind == OPTION_KIND_BYTES)
		rc = units_parse_bytes(text, &value, err);
	else if (def->kind == OPTION_KIND_CPU)
		rc = units_parse_cpu(text, &value, err);
	else
		rc = units_parse_duration(text, &value, err);
	if (rc == 0)
		rc = check_range(def, text, value, err);
	if (rc < 0)
		return err->code = -EINVAL;
	*ret = value;
	return 0;
}

static void
list_add(struct option_list *list, const char *text, size_t n)
{
	list->items = xrealloc(list->items, list->n + 1, sizeof *list->items);
	list->items[list->n] = xcalloc(n + 1, 1);
	memcpy(list->items[list->n++], text, n);
}

static void
list_add_split(struct option_list *list, const char *text)
{
	while (*text != '\0') {
		size_t all = strcspn(text, ","), n = all;

		while (n > 0 && isspace((unsigned char)*text)) {
			text++;
			n--;
			all--;
		}
		while (n > 0 && isspace((unsigned char)text[n - 1]))
			n--;
		if (n > 0)
			list_add(list, text, n);
		text += all + (text[all] == ',');
	}
}

static int
slot_set(struct option_slot slot, enum option_source source, const char *text, struct err *err)
{
	char **string = slot.target;

	switch (slot.def->kind) {
	case OPTION_KIND_FLAG:
		return parse_bool(text, slot.target, err);
	case OPTION_KIND_STRING:
		free(*string);
		*string = xstrdup(text);
		return 0;
	case OPTION_KIND_LIST:
		if (source == OPTION_SOURCE_FLAG)
			list_add(slot.target, text, strlen(text));
		else
			list_add_split(slot.target, text);
		return 0;
	case OPTION_KIND_NUMBER:
	case OPTION_KIND_BYTES:
	case OPTION_KIND_CPU:
	case OPTION_KIND_DURATION:
		return parse_quantity(slot.def, text, slot.target, err);
	case OPTION_KIND_NONE:
	case OPTION_KIND_COUNT:
		break;
	}
	assert(!"an option table without kinds");
	return -EINVAL;
}

int
option_give(struct option_slot slot, enum option_source source, const char *where, const char *text,
	struct err *err)
{
	struct option_given *given = slot.given;

	if (given->source > source)
		return 0;
	if (slot_set(slot, source, text, err) < 0) {
		if (source == OPTION_SOURCE_FILE)
			(void)err_wrap(err, "%s", slot.def->name);
		return err_wrap(err, "%s", where);
	}
	if (slot.def->kind == OPTION_KIND_LIST && given->source == source)
		buf_puts(&given->text, ",");
	else
		buf_reset(&given->text);
	buf_puts(&given->text, text);
	given->source = source;
	free(given->where);
	given->where = xstrdup(where);
	return 0;
}
