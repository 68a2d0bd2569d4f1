/* The walker: tokens into a message, by its descriptor. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <uthash.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/base/utf8.h"
#include "common/pbjson/pbjson_field.h"
#include "common/pbjson/pbjson_scalar.h"
#include "common/pbjson/pbjson_source.h"

enum {
	FIELDS_MAX = 256,    /* of one message type of ours */
	KEY_SHOWN_MAX = 48,  /* bytes of a map's key in a path */
	ALLOC_OVERHEAD = 16, /* what malloc adds to each block, about */
};

/* Where the walker is: frames on the stack, made into a path only when something is wrong. */
struct place {
	const struct place *up;
	const char *name; /* NULL: a position in a list */
	size_t size, index;
	bool is_key;
};

struct reader {
	struct pbjson_source *source;
	struct pbjson_token token;
	struct pbjson_err *err;
	size_t spent; /* bytes allocated for the message so far, about */
	const char *raw;
	void (*at_raw)(struct pbjson_source *source, bool behind);
};

static void
message_free_cleanup(ProtobufCMessage **message)
{
	protobuf_c_message_free_unpacked(*message, NULL);
}

/* How much of a key is shown: whole characters, none that would end the quotes. */
static size_t
key_shown(const struct place *place)
{
	size_t n = 0;

	while (n < place->size && (unsigned char)place->name[n] >= 0x20 && place->name[n] != '"') {
		size_t one = utf8_size(place->name + n, place->size - n);

		if (one == 0 || n + one > KEY_SHOWN_MAX)
			break;
		n += one;
	}
	return n;
}

static void
put_place(struct buf *out, const struct place *place)
{
	size_t shown;

	if (place == NULL)
		return;
	put_place(out, place->up);
	if (place->name == NULL) {
		buf_printf(out, "[%zu]", place->index);
		return;
	}
	shown = key_shown(place);
	if (place->is_key)
		buf_printf(out, "[\"%.*s%s\"]", (int)shown, place->name,
			shown < place->size ? "…" : "");
	else
		buf_printf(out, "%s%.*s%s", out->size > 0 ? "." : "", (int)shown, place->name,
			shown < place->size ? "…" : "");
}

static void
set_path(struct pbjson_err *err, const struct place *place)
{
	static const char more[] = "…";
	struct buf path = {0};
	size_t room = sizeof err->path - 1, n = 0;
	const char *text;

	put_place(&path, place);
	text = buf_text(&path);
	if (path.size > room) {
		room -= sizeof more - 1;
		while (n + utf8_size(text + n, path.size - n) <= room)
			n += utf8_size(text + n, path.size - n);
		(void)snprintf(err->path, sizeof err->path, "%.*s%s", (int)n, text, more);
	} else {
		(void)snprintf(err->path, sizeof err->path, "%s", text);
	}
	buf_fini(&path);
}

/* What is wrong is in reader->err already: adds where. */
static int
fail_here(struct reader *reader, const struct place *place)
{
	struct err *err = &reader->err->err;

	set_path(reader->err, place);
	if (reader->source->line > 0) {
		size_t used = strlen(err->text);

		(void)snprintf(err->text + used, sizeof err->text - used, " (line %u)",
			reader->source->line);
	}
	err->code = -EINVAL;
	return -EINVAL;
}

__attribute__((format(printf, 3, 4))) static int
fail(struct reader *reader, const struct place *place, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reader->err->err.text, sizeof reader->err->err.text, fmt, ap);
	va_end(ap);
	return fail_here(reader, place);
}

/* Counts a block before it is allocated: "{}," can stand for a hundred bytes. */
static int
spend(struct reader *reader, const struct place *place, size_t size)
{
	reader->spent += size + ALLOC_OVERHEAD;
	if (reader->spent <= PBJSON_MEMORY_MAX)
		return 0;
	(void)fail(reader, place, "too many parts: it would need more than %d MiB of memory",
		PBJSON_MEMORY_MAX >> 20);
	reader->err->err.code = -E2BIG;
	return -E2BIG;
}

static int
fail_kind(struct reader *reader, const struct place *place, const char *want)
{
	char name[PBJSON_TOKEN_NAME_SIZE];

	return fail(reader, place, "want %s, not %s", want,
		pbjson_token_name(&reader->token, name));
}

/* The next token. What is no JSON has no place in a message, so its path is empty. */
static int
next(struct reader *reader, const struct place *place)
{
	struct err *err = &reader->err->err;
	int rc = reader->source->next(reader->source, &reader->token, err);

	if (rc == -ELOOP)
		return fail_here(reader, place);
	if (rc < 0)
		reader->err->path[0] = '\0';
	return rc;
}

static int read_message(struct reader *reader, const struct place *place,
	const ProtobufCMessageDescriptor *type, ProtobufCMessage **ret_message);

/* One value of the field's type into a slot that holds nothing yet. */
static int
read_value(struct reader *reader, const struct place *place, const ProtobufCFieldDescriptor *field,
	bool by_unit, void *slot)
{
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return read_message(reader, place, field->descriptor, slot);
	if ((field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES) &&
		spend(reader, place, reader->token.size) < 0)
		return -E2BIG;
	if (pbjson_scalar_parse(field, &reader->token, by_unit, slot, &reader->err->err) < 0)
		return fail_here(reader, place);
	return 0;
}

/* Room for one more, zeroed, behind the n that are there. Doubles at powers of two. */
static void *
list_grow(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	size_t *n = pbjson_field_quantifier(message, field);
	size_t size = pbjson_type_size(field->type);
	void **array = pbjson_field_slot(message, field);
	char *slot;

	if ((*n & (*n - 1)) == 0)
		*array = xrealloc(*array, *n == 0 ? 1 : 2 * *n, size);
	slot = (char *)*array + *n * size;
	memset(slot, 0, size);
	(*n)++;
	return slot;
}

static int
read_list(struct reader *reader, const struct place *place, const ProtobufCFieldDescriptor *field,
	ProtobufCMessage *message)
{
	struct place item = {.up = place};

	if (reader->token.kind != PBJSON_LIST)
		return fail_kind(reader, place, "a list");
	for (;; item.index++) {
		int rc = next(reader, &item);

		if (rc < 0 || reader->token.kind == PBJSON_LIST_END)
			return rc;
		rc = spend(reader, &item, 2 * pbjson_type_size(field->type));
		if (rc == 0)
			rc = read_value(reader, &item, field, false, list_grow(message, field));
		if (rc < 0)
			return rc;
	}
}

/* The keys of one map, to find those that come twice. */
struct key {
	const char *text; /* borrowed from its entry */
	UT_hash_handle hh;
};

struct map {
	ProtobufCMessage *message;
	const ProtobufCFieldDescriptor *field;
	const ProtobufCMessageDescriptor *entry;
	struct key *keys;
};

static void
map_fini(struct map *map)
{
	struct key *key, *following;

	HASH_ITER(hh, map->keys, key, following)
	{
		HASH_DEL(map->keys, key);
		free(key);
	}
}

/* A new entry with the token as its key. */
static int
map_add(struct reader *reader, const struct place *place, struct map *map,
	ProtobufCMessage **ret_entry)
{
	ProtobufCMessage **slot;
	char **key_text;
	struct key *key;
	int rc = spend(reader, place,
		map->entry->sizeof_message + reader->token.size + sizeof *key + 3 * ALLOC_OVERHEAD);

	if (rc < 0)
		return rc;
	slot = list_grow(map->message, map->field);
	*slot = xcalloc(1, map->entry->sizeof_message);
	map->entry->message_init(*slot);
	key_text = pbjson_field_slot(*slot, &map->entry->fields[0]);
	if (memchr(reader->token.text, '\0', reader->token.size) != NULL)
		return fail(reader, place, "a name cannot hold the character NUL");
	*key_text = xmalloc(reader->token.size + 1);
	memcpy(*key_text, reader->token.text, reader->token.size);
	(*key_text)[reader->token.size] = '\0';
	HASH_FIND_STR(map->keys, *key_text, key);
	if (key != NULL)
		return fail(reader, place, "given twice");
	key = xcalloc(1, sizeof *key);
	key->text = *key_text;
	HASH_ADD_KEYPTR(hh, map->keys, key->text, reader->token.size, key);
	*ret_entry = *slot;
	return 0;
}

static int
read_map_member(struct reader *reader, const struct place *up, struct map *map)
{
	struct place place = {.up = up,
		.name = reader->token.text,
		.size = reader->token.size,
		.is_key = true};
	const ProtobufCFieldDescriptor *value = &map->entry->fields[1];
	ProtobufCMessage *entry;
	int rc = map_add(reader, &place, map, &entry);

	if (rc < 0)
		return rc;
	place.name = *(char **)pbjson_field_slot(entry, &map->entry->fields[0]);
	rc = next(reader, &place);
	if (rc < 0)
		return rc;
	if (reader->token.kind == PBJSON_NULL && value->type == PROTOBUF_C_TYPE_STRING)
		return fail_kind(reader, &place, "a text");
	rc = read_value(reader, &place, value, false, pbjson_field_slot(entry, value));
	if (rc == 0 && value->type != PROTOBUF_C_TYPE_STRING &&
		value->label == PROTOBUF_C_LABEL_OPTIONAL)
		*(protobuf_c_boolean *)pbjson_field_quantifier(entry, value) = 1;
	return rc;
}

/* Compose's other way to write a map of texts: a list of "KEY=value". */
static int
read_map_item(struct reader *reader, const struct place *place, struct map *map)
{
	struct pbjson_token item = reader->token;
	const ProtobufCFieldDescriptor *value = &map->entry->fields[1];
	const char *equals = NULL;
	ProtobufCMessage *entry;
	int rc;

	if (item.kind == PBJSON_TEXT || item.kind == PBJSON_PLAIN)
		equals = memchr(item.text, '=', item.size);
	if (equals == NULL || equals == item.text)
		return fail_kind(reader, place, "a text such as KEY=value");
	reader->token.size = (size_t)(equals - item.text);
	rc = map_add(reader, place, map, &entry);
	if (rc < 0)
		return rc;
	reader->token.text = equals + 1;
	reader->token.size = item.size - (size_t)(equals + 1 - item.text);
	reader->token.kind = PBJSON_TEXT;
	return read_value(reader, place, value, false, pbjson_field_slot(entry, value));
}

static int
read_map_content(struct reader *reader, const struct place *place, struct map *map)
{
	bool as_list = reader->token.kind == PBJSON_LIST;
	struct place item = {.up = place};

	if (as_list ? map->entry->fields[1].type != PROTOBUF_C_TYPE_STRING
		    : reader->token.kind != PBJSON_OBJECT)
		return fail_kind(reader, place, "an object");
	for (;; item.index++) {
		int rc = next(reader, as_list ? &item : place);

		if (rc < 0 || reader->token.kind == PBJSON_LIST_END ||
			reader->token.kind == PBJSON_OBJECT_END)
			return rc;
		rc = as_list ? read_map_item(reader, &item, map)
			     : read_map_member(reader, place, map);
		if (rc < 0)
			return rc;
	}
}

static int
read_map(struct reader *reader, const struct place *place, const ProtobufCFieldDescriptor *field,
	ProtobufCMessage *message)
{
	struct map map = {.message = message, .field = field, .entry = field->descriptor};
	int rc = read_map_content(reader, place, &map);

	map_fini(&map);
	return rc;
}

static int
read_oneof(struct reader *reader, const struct place *place, const ProtobufCFieldDescriptor *field,
	ProtobufCMessage *message)
{
	uint32_t *chosen = pbjson_field_quantifier(message, field);
	void *slot = pbjson_field_slot(message, field);
	int rc;

	if (*chosen != 0)
		return fail(reader, place, "only one of this and '%s' may be given",
			protobuf_c_message_descriptor_get_field(message->descriptor, *chosen)
				->name);
	memset(slot, 0, pbjson_type_size(field->type));
	rc = read_value(reader, place, field, false, slot);
	if (rc == 0)
		*chosen = field->id;
	return rc;
}

static int
read_field(struct reader *reader, const struct place *place, const ProtobufCFieldDescriptor *field,
	bool by_unit, ProtobufCMessage *message)
{
	int rc;

	if (reader->token.kind == PBJSON_NULL)
		return field->label == PROTOBUF_C_LABEL_REQUIRED
			       ? fail(reader, place, "is required, and may not be null")
			       : 0;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return pbjson_field_is_map(field) ? read_map(reader, place, field, message)
						  : read_list(reader, place, field, message);
	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
		return read_oneof(reader, place, field, message);
	rc = read_value(reader, place, field, by_unit, pbjson_field_slot(message, field));
	if (rc == 0 && field->label == PROTOBUF_C_LABEL_OPTIONAL &&
		field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
		*(protobuf_c_boolean *)pbjson_field_quantifier(message, field) = 1;
	return rc;
}

/* The field of that name; *ret_by_unit when it is the name without its unit. */
static const ProtobufCFieldDescriptor *
find_field(const ProtobufCMessageDescriptor *type, const char *name, size_t size, bool *ret_by_unit)
{
	size_t stem;

	*ret_by_unit = false;
	for (unsigned i = 0; i < type->n_fields; i++)
		if (strncmp(type->fields[i].name, name, size) == 0 &&
			type->fields[i].name[size] == '\0')
			return &type->fields[i];
	for (unsigned i = 0; i < type->n_fields; i++) {
		if (strncmp(type->fields[i].name, name, size) == 0 &&
			pbjson_field_unit(&type->fields[i], &stem) != PBJSON_UNIT_NONE &&
			stem == size) {
			*ret_by_unit = true;
			return &type->fields[i];
		}
	}
	return NULL;
}

static int
fail_unknown(struct reader *reader, const struct place *place,
	const ProtobufCMessageDescriptor *type)
{
	size_t n;
	const char *meant = pbjson_field_suggest(type, place->name, place->size, &n);

	if (meant != NULL)
		return fail(reader, place, "there is no such field; is '%.*s' meant?", (int)n,
			meant);
	return fail(reader, place, "there is no such field in %s", type->short_name);
}

enum { GIVEN = 1, GIVEN_BY_UNIT = 2 };

/* Refuses a field that comes twice, by whichever of its names. */
static int
note_given(struct reader *reader, const struct place *place, const ProtobufCFieldDescriptor *field,
	bool by_unit, uint8_t *given)
{
	uint8_t now = by_unit ? GIVEN_BY_UNIT : GIVEN;
	size_t stem = 0;

	if (*given == now)
		return fail(reader, place, "given twice");
	if (*given != 0) {
		(void)pbjson_field_unit(field, &stem);
		return fail(reader, place, "give either '%.*s' or '%s', not both", (int)stem,
			field->name, field->name);
	}
	*given = now;
	return 0;
}

/* Passes over a value of any kind; its token is the present one. */
static int
skip_value(struct reader *reader, const struct place *place)
{
	unsigned depth = reader->source->depth -
			 (reader->token.kind == PBJSON_OBJECT || reader->token.kind == PBJSON_LIST);

	while (reader->source->depth > depth) {
		int rc = next(reader, place);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
read_raw(struct reader *reader, const struct place *place)
{
	int rc;

	reader->at_raw(reader->source, false);
	rc = next(reader, place);
	if (rc == 0)
		rc = skip_value(reader, place);
	if (rc == 0)
		reader->at_raw(reader->source, true);
	return rc;
}

/* The token is a key: reads it and its value. */
static int
read_member(struct reader *reader, const struct place *up, ProtobufCMessage *message,
	uint8_t given[FIELDS_MAX])
{
	struct place place = {.up = up, .name = reader->token.text, .size = reader->token.size};
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const ProtobufCFieldDescriptor *field;
	bool by_unit;
	int rc;

	field = memchr(place.name, '\0', place.size) != NULL
			? NULL
			: find_field(type, place.name, place.size, &by_unit);
	if (field == NULL)
		return fail_unknown(reader, &place, type);
	place.name = field->name; /* the token's text does not outlive the next one */
	rc = note_given(reader, &place, field, by_unit, &given[field - type->fields]);
	if (rc < 0)
		return rc;
	if (up == NULL && reader->raw != NULL && strcmp(field->name, reader->raw) == 0)
		return read_raw(reader, &place);
	rc = next(reader, &place);
	if (rc < 0)
		return rc;
	return read_field(reader, &place, field, by_unit, message);
}

static int
check_required(struct reader *reader, const struct place *up,
	const ProtobufCMessageDescriptor *type, const uint8_t *given)
{
	for (unsigned i = 0; i < type->n_fields; i++) {
		const char *name = type->fields[i].name;
		struct place place = {.up = up, .name = name, .size = strlen(name)};

		if (type->fields[i].label == PROTOBUF_C_LABEL_REQUIRED && given[i] == 0)
			return fail(reader, &place, "is required");
	}
	return 0;
}

static int
read_message(struct reader *reader, const struct place *place,
	const ProtobufCMessageDescriptor *type, ProtobufCMessage **ret_message)
{
	CLEANUP(message_free) ProtobufCMessage *message = NULL;
	uint8_t given[FIELDS_MAX] = {0};

	if (reader->token.kind != PBJSON_OBJECT)
		return fail_kind(reader, place, "an object");
	if (type->n_fields > FIELDS_MAX)
		return fail(reader, place, "%s has too many fields", type->name);
	if (spend(reader, place, type->sizeof_message) < 0)
		return -E2BIG;
	message = xcalloc(1, type->sizeof_message);
	type->message_init(message);
	for (;;) {
		int rc = next(reader, place);

		if (rc == 0 && reader->token.kind == PBJSON_OBJECT_END)
			break;
		if (rc == 0)
			rc = read_member(reader, place, message, given);
		if (rc < 0)
			return rc;
	}
	if (check_required(reader, place, type, given) < 0)
		return -EINVAL;
	*ret_message = TAKE(message);
	return 0;
}

int
pbjson_read(struct pbjson_source *source, const ProtobufCMessageDescriptor *type, const char *raw,
	void (*at_raw)(struct pbjson_source *source, bool behind), ProtobufCMessage **ret_message,
	struct pbjson_err *err)
{
	struct reader reader = {.source = source, .err = err, .raw = raw, .at_raw = at_raw};
	CLEANUP(message_free) ProtobufCMessage *message = NULL;
	int rc = next(&reader, NULL);

	if (rc == 0)
		rc = read_message(&reader, NULL, type, &message);
	if (rc == 0)
		rc = next(&reader, NULL); /* nothing but the end may follow */
	if (rc < 0)
		return rc;
	*ret_message = TAKE(message);
	return 0;
}
