/*
 * cli_table.h - rows under aligned columns.
 *
 * Rows are gathered, then printed; widths are those of the widest cell (UTF-8
 * columns, not bytes). A table that comes in pages keeps its widths from page to
 * page, so that memory does not grow with the list. Columns are two blanks apart,
 * an empty cell is "-" (except in the last column), lines carry no trailing blanks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/base/cleanup.h"

struct cli_column {
	const char *title; /* NULL ends the list */
	bool is_right;     /* figures align on the right */
	bool is_optional;  /* left out when all cells of the first page are empty */
};

struct cli_table;

/* columns is borrowed for the table's life. */
struct cli_table *cli_table_new(const struct cli_column *columns);
void cli_table_free(struct cli_table *table);
CLEANUP_DEFINE(struct cli_table *, cli_table_free)

/*
 * Puts the next cell, copied and cleaned of control characters; a row begins by
 * itself after the last column. NULL is an empty cell.
 */
void cli_table_cell(struct cli_table *table, const char *text);
void cli_table_cellf(struct cli_table *table, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Rows that were put and not printed yet. */
size_t cli_table_rows(const struct cli_table *table);

/*
 * Prints the rows and forgets them; titles only the first time. The last column is
 * cut with "…" so that no line is wider than max_width (0: never cut).
 */
void cli_table_print(struct cli_table *table, size_t max_width, FILE *out);
