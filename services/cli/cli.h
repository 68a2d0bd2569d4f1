/*
 * cli.h - what every command of `davit` works with.
 *
 * A command is a row in a table: its name, what it takes, and a function that is
 * given the parsed flags and the arguments and returns an exit code. It asks the
 * manager through cli_call.h, prints through cli_output.h and cli_table.h, and
 * says what went wrong with cli_fail. Nothing here knows a global: tests run
 * commands against files in memory and a scripted manager.
 *
 * One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <uv.h>

#include "common/base/err.h"
#include "common/base/options.h"
#include "common/rpc/client.h"

/* Documented in `davit --help` and docs/CLI.md. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,      /* the manager refused, or something here did not work */
	CLI_USAGE = 2,       /* a flag or argument is wrong; nothing was sent */
	CLI_UNREACHABLE = 3, /* no manager answered at that address */
	CLI_NOT_FOUND = 4,   /* no such task, node or file */
	CLI_TIMEOUT = 5,     /* --timeout passed first */
	CLI_NO_CODE = 125,   /* run --follow, wait: the task ended without an exit code */
	CLI_INTERRUPTED = 130,
};

enum cli_format {
	CLI_FORMAT_TABLE,
	CLI_FORMAT_WIDE,
	CLI_FORMAT_JSON,
	CLI_FORMAT_YAML,
};

/* Flags that every command takes, before or behind its name. First in every settings struct. */
struct cli_globals {
	char *manager;
	char *output;
	char *namespace_name; /* NULL: not given */
	uint64_t timeout_ms;  /* 0: not given */
	bool is_quiet;
};

struct cli {
	uv_loop_t *loop; /* borrowed */
	FILE *out, *err; /* borrowed */
	uint64_t (*now_ms)(void);
	bool is_out_terminal, is_err_terminal;
	size_t width; /* columns of the terminal on out, 0: cut nothing */

	/* Set for the command that runs. */
	const struct cli_globals *globals;
	enum cli_format format;
	struct rpc_client *client; /* opened by the first call */
	bool was_connected;
	unsigned n_interrupts; /* ^C while cli_catch_interrupts is on */
	uv_signal_t *interrupt;
	uv_timer_t *tick; /* see cli_call.c */
};

typedef int cli_run_fn(struct cli *cli, void *settings, int argc, char **argv);

struct cli_command {
	const char *name;  /* "ps", "node drain"; NULL ends a table */
	const char *alias; /* another name for it, or NULL */
	const char *summary;
	const char *arguments; /* for the usage line, or NULL */
	const char *examples;  /* lines for --help */
	const struct option_def *defs;
	size_t settings_size;
	int min_arguments, max_arguments; /* max -1: any number */
	bool stops_at_argument; /* flags behind the first argument belong to the container */
	cli_run_fn *run;
};

/* Flags of commands that have none of their own, and those that every command takes. */
extern const struct option_def cli_no_defs[];
extern const struct option_def cli_global_defs[];

/*
 * Finds the command, parses its flags, runs it. Returns the exit code; everything
 * was said on cli->err. argv is permuted.
 */
int cli_main(struct cli *cli, int argc, char **argv);

/* Ends the connection and what is left on the loop. */
void cli_fini(struct cli *cli);

/* "davit: <sentence>" on err. Returns code, so that it reads as `return cli_fail(...)`. */
int cli_fail(struct cli *cli, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same without a failure; nothing with --quiet. */
void cli_note(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* From now on ^C only counts in n_interrupts and ends the call under way. */
void cli_catch_interrupts(struct cli *cli);

static inline bool
cli_is_structured(const struct cli *cli)
{
	return cli->format == CLI_FORMAT_JSON || cli->format == CLI_FORMAT_YAML;
}
