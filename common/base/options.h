/*
 * options.h - one table per program: flags, environment, file, defaults, help.
 *
 *     struct settings { char *listen; uint64_t poll_ms; bool debug; } settings;
 *     static const struct option_def defs[] = {
 *             OPTION_STRING("listen", 'l', "URL", struct settings, listen,
 *                     "tcp://127.0.0.1:7070", "where to accept calls"),
 *             OPTION_DURATION("poll", 0, struct settings, poll_ms, "1s", "time between polls"),
 *             OPTION_FLAG("debug", 'd', struct settings, debug, "say more"),
 *             OPTION_END,
 *     };
 *
 * One precedence, highest first: flag, environment (DAVIT_<NAME>, dashes as
 * underscores; <prefix> is settable), configuration file (name: value, YAML's
 * simplest form, '#' comments), default. An empty variable is not set. Lists:
 * the flag repeated, or separated by commas in variable and file. --config FILE
 * (or DAVIT_CONFIG) names the file; a name in it that no option has is an error,
 * a variable is not (programs share the environment). --print-config shows every value and where it
 * came from; --help is made from the table and so are completions and
 * man pages (--man).
 *
 * Not for threads: call it first thing in main.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/err.h"

enum option_kind {
	OPTION_KIND_NONE,
	OPTION_KIND_FLAG,     /* bool */
	OPTION_KIND_STRING,   /* char *, on the heap or NULL */
	OPTION_KIND_LIST,     /* struct option_list: may be given more than once */
	OPTION_KIND_NUMBER,   /* uint64_t, whole */
	OPTION_KIND_BYTES,    /* uint64_t, units.h */
	OPTION_KIND_CPU,      /* uint64_t millicores, units.h */
	OPTION_KIND_DURATION, /* uint64_t milliseconds, units.h */
	OPTION_KIND_COUNT
};

struct option_list {
	char **items; /* each on the heap */
	size_t n;
};

struct option_def {
	const char *name; /* long flag without the dashes; NULL ends the table */
	char short_name;  /* 0: none */
	enum option_kind kind;
	const char *value_name;    /* in help: "URL"; NULL for flags */
	size_t offset;             /* of the target in the settings struct */
	const char *default_value; /* as a person would write it; NULL: absent (zero) */
	const char *help;          /* one sentence, no full stop */
	uint64_t min, max;         /* of numeric kinds; max 0: no limit */
};

#define OPTION_(n, s, k, v, st, f, d, h, lo, hi)                                            \
	{                                                                                   \
		.name = (n), .short_name = (s), .kind = OPTION_KIND_##k, .value_name = (v), \
		.offset = offsetof(st, f), .default_value = (d), .help = (h), .min = (lo),  \
		.max = (hi),                                                                \
	}
#define OPTION_FLAG(n, s, st, f, h)                 OPTION_(n, s, FLAG, NULL, st, f, NULL, h, 0, 0)
#define OPTION_STRING(n, s, v, st, f, d, h)         OPTION_(n, s, STRING, v, st, f, d, h, 0, 0)
#define OPTION_LIST(n, s, v, st, f, h)              OPTION_(n, s, LIST, v, st, f, NULL, h, 0, 0)
#define OPTION_NUMBER(n, s, v, st, f, d, lo, hi, h) OPTION_(n, s, NUMBER, v, st, f, d, h, lo, hi)
#define OPTION_BYTES(n, s, st, f, d, h)             OPTION_(n, s, BYTES, "BYTES", st, f, d, h, 0, 0)
#define OPTION_CPU(n, s, st, f, d, h)               OPTION_(n, s, CPU, "CORES", st, f, d, h, 0, 0)
#define OPTION_DURATION(n, s, st, f, d, h)          OPTION_(n, s, DURATION, "TIME", st, f, d, h, 0, 0)
#define OPTION_END           \
	{                    \
		.name = NULL \
	}

enum options_result {
	OPTIONS_RUN,  /* go on */
	OPTIONS_DONE, /* --help, --version or --print-config was answered on stdout: exit 0 */
};

struct options_spec {
	const char *program;    /* "davit-manager" */
	const char *summary;    /* one sentence */
	const char *arguments;  /* "[IMAGE] [-- COMMAND…]" in the usage line; NULL: takes none */
	const char *env_prefix; /* "DAVIT_"; NULL: no environment, no file */
	const struct option_def *defs; /* ends with OPTION_END */
	const char *more_title;        /* "Examples"; only with more */
	const char *more;              /* lines behind the options, as they are; NULL: none */
	bool stop_at_argument;         /* the first non-flag ends the flags (sub-commands) */
};

/*
 * Fills settings (zeroed by the caller). ret_first is the index in argv of the
 * first argument that is no flag (argc if none); "--" is skipped; without
 * stop_at_argument, argv is permuted so that arguments come last, in order.
 * Returns an enum options_result, or -EINVAL with the flag, variable or file
 * line at fault; settings must be passed to options_free in every case.
 */
int options_parse(const struct options_spec *spec, int argc, char **argv, void *settings,
	int *ret_first, struct err *err);

/* Frees the strings and lists that options_parse put there. */
void options_free(const struct option_def *defs, void *settings);

void options_print_help(const struct options_spec *spec, FILE *out);

/*
 * The same as a page for man(1), in the macros of man(7): section 8 for what has an
 * env_prefix and no arguments (a service), else 1. A program "davit run" is the page davit-run.
 */
void options_print_man(const struct options_spec *spec, FILE *out);
