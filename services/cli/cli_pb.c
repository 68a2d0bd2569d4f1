#include "services/cli/cli_pb.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/buf.h"

char *
cli_pb_text(const char *text, size_t n)
{
	char *copy = xcalloc(n + 1, 1);

	memcpy(copy, text, n);
	return copy;
}

static char
fold(char c)
{
	return c == '-' ? '_' : (char)toupper((unsigned char)c);
}

static bool
name_equal(const char *name, const char *text)
{
	while (*name != '\0' && *name == fold(*text)) {
		name++;
		text++;
	}
	return *name == '\0' && *text == '\0';
}

/* As a person writes it: "on-failure". */
static void
put_name(struct buf *out, const char *name)
{
	for (; *name != '\0'; name++)
		buf_printf(out, "%c", *name == '_' ? '-' : tolower((unsigned char)*name));
}

int
cli_pb_enum(const ProtobufCEnumDescriptor *type, const char *text, int *ret_value, struct err *err)
{
	struct buf names = {0};

	for (unsigned i = 0; i < type->n_values; i++) {
		if (name_equal(type->values[i].name, text)) {
			*ret_value = type->values[i].value;
			buf_fini(&names);
			return 0;
		}
		if (i > 0)
			buf_puts(&names, i + 1 == type->n_values ? " or " : ", ");
		put_name(&names, type->values[i].name);
	}
	(void)err_set(err, -EINVAL, "'%.40s' is none of %s", text, buf_text(&names));
	buf_fini(&names);
	return err->code;
}
