/*
 * pbjson_source.h - JSON or YAML as a stream of tokens. Private to pbjson.
 *
 * One walker (pbjson_parse.c) reads both: no tree stands between the text and the
 * message, so a short text cannot make much memory, whatever it holds, and a
 * plain YAML scalar or a number is understood by the field that it is for.
 *
 * A source promises that its tokens are well nested, that every key is followed by
 * a value, that texts are UTF-8, and that nothing is nested deeper than
 * PBJSON_DEPTH_MAX. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/pbjson/pbjson.h"

enum pbjson_token_kind {
	PBJSON_NONE,
	PBJSON_OBJECT, /* comes with its KEYs and values, then OBJECT_END */
	PBJSON_OBJECT_END,
	PBJSON_LIST,
	PBJSON_LIST_END,
	PBJSON_KEY,
	PBJSON_TEXT,
	PBJSON_NUMBER, /* as it is written */
	PBJSON_PLAIN,  /* a YAML scalar without quotes: what it is depends on the field */
	PBJSON_BOOL,   /* the text is "true" or "false" */
	PBJSON_NULL,
	PBJSON_END,
};

struct pbjson_token {
	enum pbjson_token_kind kind;
	const char *text; /* borrowed from the source until the next token; may hold NULs */
	size_t size;
};

struct pbjson_source {
	/* -EINVAL for what is no JSON or YAML, -ELOOP for nesting that is too deep. */
	int (*next)(struct pbjson_source *source, struct pbjson_token *ret, struct err *err);
	unsigned line; /* of the last token, when a sentence about it should say so; or 0 */
	unsigned depth;
	uint64_t objects; /* a bit per level: 1 is an object, 0 a list */
};

_Static_assert(PBJSON_DEPTH_MAX <= 64, "pbjson_source.objects has a bit per level");

static inline bool
pbjson_source_in_object(const struct pbjson_source *source)
{
	return source->depth > 0 && (source->objects >> (source->depth - 1) & 1) != 0;
}

/* Goes one level down. -ELOOP when that is too deep. */
int pbjson_source_open(struct pbjson_source *source, bool object, struct err *err);

struct pbjson_json {
	struct pbjson_source source;
	const char *start, *at, *end;
	int state;
	struct buf scratch;    /* the present text, when it has escapes */
	struct pbjson_raw raw; /* where the field that is passed over begins and ends */
};

/* Reads a JSON text, which is borrowed. fini releases what the reading needed. */
void pbjson_json_init(struct pbjson_json *json, const char *text, size_t size);
void pbjson_json_fini(struct pbjson_json *json);

/*
 * The walker: reads the source's one object as a message of the type. raw (may be
 * NULL) names a field of the outermost object that is passed over; it is called
 * before the value with false and behind it with true.
 */
int pbjson_read(struct pbjson_source *source, const ProtobufCMessageDescriptor *type,
	const char *raw, void (*at_raw)(struct pbjson_source *source, bool behind),
	ProtobufCMessage **ret_message, struct pbjson_err *err);
