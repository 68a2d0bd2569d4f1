#include "services/scheduler/intern.h"

#include <assert.h>

#include <uthash.h>

#include "common/base/mem.h"

struct text {
	UT_hash_handle hh;
	uint32_t number;
	uint32_t n_refs;
	char bytes[];
};

struct intern {
	struct text *by_bytes;
	struct text **by_number; /* [0] is never used */
	uint32_t n_numbers;
	uint32_t room;
	uint32_t *vacant; /* numbers to give out again */
	uint32_t n_vacant;
};

struct intern *
intern_new(void)
{
	struct intern *intern = xcalloc(1, sizeof *intern);

	intern->n_numbers = 1;
	return intern;
}

void
intern_free(struct intern *intern)
{
	struct text *text, *next;

	if (intern == NULL)
		return;
	HASH_ITER(hh, intern->by_bytes, text, next)
	{
		HASH_DEL(intern->by_bytes, text);
		free(text);
	}
	free(intern->by_number);
	free(intern->vacant);
	free(intern);
}

static struct text *
text_find(const struct intern *intern, const char *bytes)
{
	struct text *text;

	HASH_FIND_STR(intern->by_bytes, bytes, text);
	return text;
}

static uint32_t
number_take(struct intern *intern)
{
	if (intern->n_vacant > 0)
		return intern->vacant[--intern->n_vacant];
	if (intern->n_numbers >= intern->room) {
		intern->room = intern->room == 0 ? 64 : intern->room * 2;
		intern->by_number =
			xrealloc(intern->by_number, intern->room, sizeof intern->by_number[0]);
		/* Every number may become vacant: unref then has its room already. */
		intern->vacant = xrealloc(intern->vacant, intern->room, sizeof intern->vacant[0]);
	}
	return intern->n_numbers++;
}

uint32_t
intern_ref(struct intern *intern, const char *bytes)
{
	struct text *text;
	size_t size;

	if (bytes == NULL)
		return 0;
	text = text_find(intern, bytes);
	if (text == NULL) {
		size = strlen(bytes) + 1;
		text = xcalloc(1, sizeof *text + size);
		memcpy(text->bytes, bytes, size);
		text->number = number_take(intern);
		intern->by_number[text->number] = text;
		HASH_ADD_KEYPTR(hh, intern->by_bytes, text->bytes, (unsigned)(size - 1), text);
	}
	text->n_refs++;
	return text->number;
}

void
intern_unref(struct intern *intern, uint32_t number)
{
	struct text *text;

	if (number == 0)
		return;
	text = intern->by_number[number];
	assert(text != NULL && text->n_refs > 0);
	if (--text->n_refs > 0)
		return;
	HASH_DEL(intern->by_bytes, text);
	intern->by_number[number] = NULL;
	intern->vacant[intern->n_vacant++] = number;
	free(text);
}

uint32_t
intern_find(const struct intern *intern, const char *bytes)
{
	const struct text *text = text_find(intern, bytes);

	return text == NULL ? 0 : text->number;
}

const char *
intern_text(const struct intern *intern, uint32_t number)
{
	return number == 0 ? "" : intern->by_number[number]->bytes;
}

uint32_t
intern_bound(const struct intern *intern)
{
	return intern->n_numbers;
}

size_t
intern_count(const struct intern *intern)
{
	return HASH_COUNT(intern->by_bytes);
}
