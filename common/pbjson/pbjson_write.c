#include "common/pbjson/pbjson_write.h"

#include <string.h>

#include "common/base/utf8.h"
#include "common/pbjson/pbjson.h"

static void
put_text(struct pbjson_writer *writer, const char *text)
{
	size_t size = strlen(text);

	writer->is_bad |= !utf8_is_text(text, size);
	pbjson_print_text(text, size, writer->out);
}

static void
begin_value(struct pbjson_writer *writer, const char *key)
{
	if (writer->is_behind)
		buf_put(writer->out, ",", 1);
	writer->is_behind = true;
	if (key == NULL)
		return;
	put_text(writer, key);
	buf_put(writer->out, ":", 1);
}

void
pbjson_write_open(struct pbjson_writer *writer, const char *key, char bracket)
{
	begin_value(writer, key);
	buf_put(writer->out, &bracket, 1);
	writer->is_behind = false;
}

void
pbjson_write_close(struct pbjson_writer *writer, char bracket)
{
	buf_put(writer->out, &bracket, 1);
	writer->is_behind = true;
}

void
pbjson_write_text(struct pbjson_writer *writer, const char *key, const char *text)
{
	begin_value(writer, key);
	put_text(writer, text);
}

void
pbjson_write_integer(struct pbjson_writer *writer, const char *key, int64_t value)
{
	uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char digits[20];
	size_t at = sizeof digits;

	begin_value(writer, key);
	do
		digits[--at] = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (value < 0)
		digits[--at] = '-';
	buf_put(writer->out, digits + at, sizeof digits - at);
}

void
pbjson_write_bool(struct pbjson_writer *writer, const char *key, bool value)
{
	begin_value(writer, key);
	buf_puts(writer->out, value ? "true" : "false");
}
