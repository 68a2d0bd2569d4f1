/*
 * cli_toppage.h - the pages of `davit top` as lines of text: pure, for cli_screen.
 */
#pragma once

#include "common/base/buf.h"
#include "services/cli/cli_topmodel.h"

struct cli_toppage {
	unsigned rows, columns; /* of the terminal */
	bool has_utf8;          /* else sparklines and bars are ASCII */
	const char *time;       /* "13:05:09" */
	const char *source;     /* "monitor" or "manager" */
	const char *message;    /* of the last line instead of the keys; "": none */
	size_t selected, first; /* lines; first is where the list begins on the screen */
	struct cli_top_view view;
};

/* How many lines of the list fit. */
unsigned cli_toppage_list_rows(const struct cli_toppage *page);

/* The list with its head. lines are those of cli_topmodel_arrange. */
void cli_toppage_list(const struct cli_toppage *page, const struct cli_topmodel *model,
	const struct cli_top_line *lines, size_t n, struct buf *out);
/* Everything about one item. */
void cli_toppage_details(const struct cli_toppage *page, const struct cli_top_item *item,
	struct buf *out);
void cli_toppage_help(const struct cli_toppage *page, struct buf *out);

/* The last n points as a curve, scaled to max (0: to the greatest of them). */
void cli_toppage_spark(const int64_t points[CLI_TOP_POINTS], unsigned n, uint64_t max,
	bool has_utf8, struct buf *out);
