/*
 * pbjson_write.h - JSON, value by value, for what is no message of proto/.
 *
 * A value has a key inside an object, and NULL for it inside an array or as the whole. Keys
 * and texts may be foreign: one that is not UTF-8 is written with U+FFFD, and is_bad tells.
 * Nobody checks that what is opened is closed, or that keys are different. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

struct pbjson_writer {
	struct buf *out;
	bool is_behind; /* another value of the same object or array */
	bool is_bad;    /* a text was not UTF-8 */
};

/* bracket: '{' or '[', and '}' or ']'. */
void pbjson_write_open(struct pbjson_writer *writer, const char *key, char bracket);
void pbjson_write_close(struct pbjson_writer *writer, char bracket);
void pbjson_write_text(struct pbjson_writer *writer, const char *key, const char *text);
void pbjson_write_integer(struct pbjson_writer *writer, const char *key, int64_t value);
void pbjson_write_bool(struct pbjson_writer *writer, const char *key, bool value);
