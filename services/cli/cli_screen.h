/*
 * cli_screen.h - a terminal that is redrawn in place.
 *
 * Takes the alternate screen and single key presses, and gives both back in
 * cli_screen_close, also when the process is asked to end (TERM, HUP). Keys and
 * changes of size wake the loop. One at a time; the loop's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"

struct cli_screen;

/* What is no character. */
enum cli_key {
	CLI_KEY_ESCAPE = 27,
	CLI_KEY_UP = 0x100,
	CLI_KEY_DOWN,
	CLI_KEY_PAGE_UP,
	CLI_KEY_PAGE_DOWN,
	CLI_KEY_HOME,
	CLI_KEY_END,
};

/* The first byte of a line that is drawn may be one of these. */
enum cli_style {
	CLI_STYLE_NONE,
	CLI_STYLE_TITLE,
	CLI_STYLE_HEAD,
	CLI_STYLE_GROUP,
	CLI_STYLE_SELECTED,
	CLI_STYLE_GOOD,
	CLI_STYLE_WARN,
	CLI_STYLE_BAD, /* below 8: no other byte that text may have */
};

/* Key pressed, or 0: the size has changed or the process is to end (cli_screen_is_over). */
typedef void cli_screen_fn(int key, void *arg);

/* in_fd and out_fd are a terminal. -errno with words, nothing changed. */
int cli_screen_open(uv_loop_t *loop, int in_fd, int out_fd, struct cli_screen **ret_screen,
	struct err *err);

/* Whom to tell of keys. */
void cli_screen_listen(struct cli_screen *screen, cli_screen_fn *on_key, void *arg);

/* True after TERM, HUP or the end of the input. */
bool cli_screen_is_over(const struct cli_screen *screen);

void cli_screen_size(const struct cli_screen *screen, unsigned *ret_rows, unsigned *ret_columns);

/* Draws the lines of text, cut to the size of the terminal; styles only with has_colours. */
void cli_screen_draw(struct cli_screen *screen, const char *text, bool has_colours);

void cli_screen_close(struct cli_screen *screen);
CLEANUP_DEFINE(struct cli_screen *, cli_screen_close)

struct buf;
/* What cli_screen_draw writes: pure, for tests. rows and columns 0: not known. */
void cli_screen_render(const char *text, unsigned rows, unsigned columns, bool has_colours,
	struct buf *out);

/* Takes the next key from what was read: bytes used, 0 for none. Pure, for tests. */
size_t cli_screen_key(const char *text, size_t size, int *ret_key);
