#include "common/docker/docker_list.h"

#include <errno.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/docker/docker_parse.h"

void
docker_list_fini(struct docker_list *list)
{
	/* What a container's pointers lead to is one block, and its labels are at the front. */
	for (size_t i = 0; i < list->n; i++)
		free((void *)(uintptr_t)list->containers[i].labels);
	free(list->containers);
	*list = (struct docker_list){0};
}

static const char *
copy(const char *text, char **at)
{
	size_t size = strlen(text) + 1;
	char *here = memcpy(*at, text, size);

	*at += size;
	return here;
}

static int
add(struct docker_list *list, const char *json, size_t size, struct err *err)
{
	CLEANUP(docker_answer_fini) struct docker_answer answer = {0};
	struct engine_container seen;
	struct engine_label *labels;
	size_t room;
	char *at;

	if (docker_parse_item(json, size, &answer, &seen, err) < 0)
		return err->code;
	room = strlen(seen.id) + strlen(seen.name) + 2;
	for (size_t i = 0; i < seen.n_labels; i++)
		room += strlen(seen.labels[i].key) + strlen(seen.labels[i].value) + 2;
	labels = xmalloc(seen.n_labels * sizeof *labels + room);
	at = (char *)(labels + seen.n_labels);
	for (size_t i = 0; i < seen.n_labels; i++)
		labels[i] = (struct engine_label){
			.key = copy(seen.labels[i].key, &at),
			.value = copy(seen.labels[i].value, &at),
		};
	seen.id = copy(seen.id, &at);
	seen.name = copy(seen.name, &at);
	seen.labels = labels;
	if (list->n == list->room) {
		list->room = list->room == 0 ? 8 : list->room * 2;
		list->containers = xrealloc(list->containers, list->room, sizeof *list->containers);
	}
	list->containers[list->n++] = seen;
	return 0;
}

/* A byte inside a text: true when it ends there. */
static bool
text_ends(struct docker_list *list, uint8_t byte)
{
	if (list->escaped) {
		list->escaped = false;
		return false;
	}
	list->escaped = byte == '\\';
	return byte == '"';
}

static bool
is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* A byte outside of items. False: it does not belong there. */
static bool
between(struct docker_list *list, uint8_t byte)
{
	if (is_blank(byte))
		return true;
	if (list->ended)
		return false;
	if (list->depth == 0) {
		list->depth = 1;
		return byte == '[';
	}
	if (byte == '{') {
		list->start = list->scanned;
		list->depth = 2;
		return true;
	}
	list->ended = byte == ']';
	return byte == ']' || byte == ',';
}

/* A byte of an item: true when it is the last one. */
static bool
inside(struct docker_list *list, uint8_t byte)
{
	if (list->in_text) {
		list->in_text = !text_ends(list, byte);
		return false;
	}
	if (byte == '"')
		list->in_text = true;
	else if (byte == '{' || byte == '[')
		list->depth++;
	else if (byte == '}' || byte == ']')
		list->depth--;
	return list->depth == 1;
}

int
docker_list_feed(struct docker_list *list, struct buf *in, struct err *err)
{
	int rc;

	for (; list->scanned < in->size; list->scanned++) {
		uint8_t byte = in->data[list->scanned];

		if (list->depth < 2) {
			if (!between(list, byte))
				return err_set(err, -EIO,
					"the engine's list is not a JSON array of objects");
			continue;
		}
		if (!inside(list, byte))
			continue;
		rc = add(list, (const char *)in->data + list->start,
			list->scanned + 1 - list->start, err);
		if (rc < 0)
			return rc;
	}
	/* Only an item that has begun is kept. */
	if (list->depth < 2)
		list->start = list->scanned;
	buf_shift(in, list->start);
	list->scanned -= list->start;
	list->start = 0;
	if (in->size > ENGINE_LINE_MAX)
		return err_set(err, -EIO, "a container in the engine's list is too long");
	return 0;
}

int
docker_list_end(const struct docker_list *list, struct err *err)
{
	return list->ended ? 0 : err_set(err, -EIO, "the engine's list has no end");
}
