/*
 * options_impl.h - what the three options*.c share (find, convert, print); nobody else's.
 */
#pragma once

#include "common/base/buf.h"
#include "common/base/options.h"

/* In order of growing weight. */
enum option_source {
	OPTION_SOURCE_NONE,
	OPTION_SOURCE_DEFAULT,
	OPTION_SOURCE_FILE,
	OPTION_SOURCE_ENV,
	OPTION_SOURCE_FLAG,
	OPTION_SOURCE_COUNT
};

/* Who gave an option its value: for errors and for --print-config. */
struct option_given {
	enum option_source source;
	char *where; /* "--listen", "DAVIT_LISTEN", "/etc/davit.conf:3"; on the heap */
	struct buf text;
};

struct option_table {
	const struct option_def *defs;
	size_t n;
	char *settings;             /* borrowed */
	struct option_given *given; /* [n], owned */
};

/* An option's definition with the places that belong to it. */
struct option_slot {
	const struct option_def *def;
	void *target; /* in the settings */
	struct option_given *given;
};

/*
 * Gives an option its value. Sources come in falling weight: what a greater one
 * gave stays, and is 0. where: who says it, and the beginning of the -EINVAL's text.
 */
int option_give(struct option_slot slot, enum option_source source, const char *where,
	const char *text, struct err *err);

/* What every program understands without saying so. */
struct option_builtin {
	bool help, version, man, print_config;
	char *config;
};

enum { OPTION_BUILTIN_CONFIG = 3 };
extern const struct option_def option_builtin_defs[];

/* Without an environment prefix there is no file, hence no --config either. */
size_t option_builtin_count(const struct options_spec *spec);

/* True when the table has a name or letter (0, NULL: not asked) of its own for what is built in. */
bool option_is_taken(const struct option_def *defs, const char *name, char short_name);

size_t option_defs_count(const struct option_def *defs);

/* A configuration file that says the same again, with the sources as comments. */
void option_print_config(const struct option_table *table, FILE *out);
