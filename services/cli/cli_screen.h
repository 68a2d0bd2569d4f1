/*
 * cli_screen.h - a terminal that is redrawn in place.
 *
 * Takes the alternate screen and single key presses, and gives both back in
 * cli_screen_close, also when the process is asked to end (TERM, HUP). Keys and
 * changes of size wake the loop. One at a time; the loop's thread.
 */
#pragma once

#include <stdbool.h>

#include <uv.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"

struct cli_screen;

/* Key pressed, or 0: the size has changed or the process is to end (cli_screen_is_over). */
typedef void cli_screen_fn(int key, void *arg);

/* in_fd and out_fd are a terminal. -errno with words, nothing changed. */
int cli_screen_open(uv_loop_t *loop, int in_fd, int out_fd, struct cli_screen **ret_screen,
	struct err *err);

/* Whom to tell of keys. */
void cli_screen_listen(struct cli_screen *screen, cli_screen_fn *on_key, void *arg);

/* True after TERM, HUP or the end of the input. */
bool cli_screen_is_over(const struct cli_screen *screen);

/* Draws the lines of text, cut to the size of the terminal. */
void cli_screen_draw(struct cli_screen *screen, const char *text);

void cli_screen_close(struct cli_screen *screen);
CLEANUP_DEFINE(struct cli_screen *, cli_screen_close)

struct buf;
/* What cli_screen_draw writes: pure, for tests. rows and columns 0: not known. */
void cli_screen_render(const char *text, unsigned rows, unsigned columns, struct buf *out);
