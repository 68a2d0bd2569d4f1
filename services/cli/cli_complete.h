/*
 * cli_complete.h - what could be typed next, for the shells' completion.
 *
 * Made from the tables of commands and flags, so that it never lags behind them.
 */
#pragma once

#include "services/cli/cli.h"

enum cli_complete_kind {
	CLI_COMPLETE_NONE,  /* nothing that we know: the shell offers files */
	CLI_COMPLETE_WORDS, /* what was printed */
	CLI_COMPLETE_TASKS, /* names of tasks */
	CLI_COMPLETE_NODES, /* names of nodes */
};

/*
 * Prints the candidates that the tables know for the last of n words (those behind
 * "davit"; the last may be ""), one a line. What only the manager knows is the
 * caller's to print: the kind says so.
 */
enum cli_complete_kind cli_complete(int n, char **words, FILE *out);
