/*
 * cli_progress.h - how far a pull has come: a bar on a terminal, lines elsewhere.
 *
 * For commands that wait for an image. A bar stands on a line of its own that is
 * written over; whoever prints anything else clears it first. Silent with --quiet.
 */
#pragma once

#include "common/base/buf.h"
#include "proto/types.pb-c.h"
#include "services/cli/cli.h"

struct cli_progress {
	struct cli *cli;
	bool is_drawn; /* a bar stands on the terminal's last line */
};

/* "[#####...............] 3 of 5 layers, 12MiB of 40MiB", put behind what line holds. */
void cli_progress_format(const Davit__PullProgress *pull, struct buf *line);

/* Draws the bar of what is called name over the one before. False: this is no terminal. */
bool cli_progress_draw(struct cli_progress *progress, const char *name,
	const Davit__PullProgress *pull);

/* Takes the bar away, if there is one. */
void cli_progress_clear(struct cli_progress *progress);

/*
 * Reads a line of a pull's channel (channel.proto): its figures and where in the
 * line the sentence begins. False for what is no such line.
 */
bool cli_progress_parse(const char *line, Davit__PullProgress *ret_pull, const char **ret_sentence);
