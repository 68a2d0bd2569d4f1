#include "services/gateway/openapi_comments.h"

#include <stdlib.h>
#include <string.h>

struct row {
	const char *name, *text;
};

/* Sorted by name, byte by byte. */
static const struct row rows[] = {
#include "gateway/proto_comments.inc"
};

static int
compare(const void *name, const void *row)
{
	return strcmp(name, ((const struct row *)row)->name);
}

const char *
openapi_comment(const char *name)
{
	const struct row *row =
		bsearch(name, rows, sizeof rows / sizeof rows[0], sizeof rows[0], compare);

	return row == NULL ? "" : row->text;
}
