/*
 * cli_topscreen.h - `davit top` on a terminal: keys, pages, and what is done from there.
 *
 * Asks the monitor where one answers, else the manager. The loop's thread.
 */
#pragma once

#include "services/cli/cli.h"
#include "services/cli/cli_topmodel.h"

struct cli_topscreen_options {
	const char *monitor; /* NULL or "": only the manager is asked */
	uint64_t interval_ms;
	enum cli_top_order order;
};

/* Until q, ^C or TERM. An exit code; the terminal is as it was. */
int cli_topscreen_run(struct cli *cli, const struct cli_topscreen_options *options);
