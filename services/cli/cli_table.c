#include "services/cli/cli_table.h"

#include <assert.h>
#include <stdarg.h>

#include "common/base/mem.h"
#include "services/cli/cli_text.h"

enum {
	GAP = 2,       /* blanks between columns */
	LAST_MIN = 10, /* columns that the last one keeps however narrow the terminal */
	ELLIPSIS = 1,  /* columns of "…" */
	CELLS_STEP = 64,
};

struct cli_table {
	const struct cli_column *columns;
	size_t n_columns;
	size_t *widths;
	bool *is_hidden;
	char **cells; /* row by row, each on the heap or NULL for an empty one */
	size_t n_cells, room;
	bool is_begun; /* titles are out, what is hidden is decided */
};

struct cli_table *
cli_table_new(const struct cli_column *columns)
{
	struct cli_table *table = xcalloc(1, sizeof *table);

	table->columns = columns;
	while (columns[table->n_columns].title != NULL)
		table->n_columns++;
	assert(table->n_columns > 0);
	table->widths = xcalloc(table->n_columns, sizeof *table->widths);
	table->is_hidden = xcalloc(table->n_columns, sizeof *table->is_hidden);
	for (size_t i = 0; i < table->n_columns; i++)
		table->widths[i] = cli_text_width(columns[i].title);
	return table;
}

static void
drop_cells(struct cli_table *table)
{
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	table->n_cells = 0;
}

void
cli_table_free(struct cli_table *table)
{
	if (table == NULL)
		return;
	drop_cells(table);
	free(table->cells);
	free(table->widths);
	free(table->is_hidden);
	free(table);
}

/* Takes a heap text. */
static void
put_cell(struct cli_table *table, char *text)
{
	size_t column = table->n_cells % table->n_columns, width;

	if (table->n_cells == table->room) {
		table->room += table->room / 2 + CELLS_STEP;
		table->cells = xrealloc(table->cells, table->room, sizeof *table->cells);
	}
	table->cells[table->n_cells++] = text;
	width = text == NULL ? 0 : cli_text_width(text);
	if (width > table->widths[column])
		table->widths[column] = width;
}

void
cli_table_cell(struct cli_table *table, const char *text)
{
	struct buf clean = {0};

	if (text == NULL || text[0] == '\0') {
		put_cell(table, NULL);
		return;
	}
	cli_text_clean(text, &clean);
	put_cell(table, buf_take(&clean, NULL));
}

void
cli_table_cellf(struct cli_table *table, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	cli_table_cell(table, text);
	free(text);
}

size_t
cli_table_rows(const struct cli_table *table)
{
	return table->n_cells / table->n_columns;
}

static void
hide_empty(struct cli_table *table)
{
	for (size_t column = 0; column < table->n_columns; column++) {
		bool is_empty = true;

		for (size_t i = column; i < table->n_cells; i += table->n_columns)
			is_empty = is_empty && table->cells[i] == NULL;
		table->is_hidden[column] = is_empty && table->columns[column].is_optional;
	}
}

/* Columns that everything before the last one takes. */
static size_t
width_before(const struct cli_table *table, size_t last)
{
	size_t width = 0;

	for (size_t i = 0; i < last; i++)
		width += table->is_hidden[i] ? 0 : table->widths[i] + GAP;
	return width;
}

static void
put_last(const char *text, size_t room, struct buf *line)
{
	if (room == 0 || cli_text_width(text) <= room) {
		buf_puts(line, text);
		return;
	}
	buf_put(line, text, cli_text_fit(text, room - ELLIPSIS));
	buf_puts(line, "\xe2\x80\xa6");
}

static void
put_padded(const struct cli_table *table, size_t column, const char *text, struct buf *line)
{
	int pad = (int)(table->widths[column] - cli_text_width(text));

	if (table->columns[column].is_right)
		buf_printf(line, "%*s%s%*s", pad, "", text, GAP, "");
	else
		buf_printf(line, "%s%*s", text, pad + GAP, "");
}

/* The titles when cells is NULL. */
static void
print_row(const struct cli_table *table, char *const *cells, size_t max_width, FILE *out)
{
	CLEANUP(buf_fini) struct buf line = {0};
	size_t last = table->n_columns - 1, before, room = 0;

	while (last > 0 && table->is_hidden[last])
		last--;
	before = width_before(table, last);
	if (max_width > 0)
		room = max_width > before + LAST_MIN ? max_width - before : LAST_MIN;
	for (size_t i = 0; i <= last; i++) {
		const char *text = cells == NULL ? table->columns[i].title : cells[i];

		if (table->is_hidden[i])
			continue;
		if (i == last && !table->columns[i].is_right)
			put_last(text == NULL ? "" : text, room, &line);
		else
			put_padded(table, i, text == NULL ? "-" : text, &line);
	}
	while (line.size > 0 && line.data[line.size - 1] == ' ')
		line.size--;
	(void)fprintf(out, "%s\n", buf_text(&line));
}

void
cli_table_print(struct cli_table *table, size_t max_width, FILE *out)
{
	assert(table->n_cells % table->n_columns == 0);
	if (!table->is_begun) {
		hide_empty(table);
		table->is_begun = true;
		print_row(table, NULL, max_width, out);
	}
	for (size_t i = 0; i < table->n_cells; i += table->n_columns)
		print_row(table, table->cells + i, max_width, out);
	drop_cells(table);
}
