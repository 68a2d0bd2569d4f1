#include "services/cli/cli_table.h"

#include <stdlib.h>

#include "common/base/cleanup.h"
#include "tests/lib/test.h"

static const struct cli_column columns[] = {{"NAME", false, false}, {"EXTRA", false, true},
	{"N", true, false}, {"MESSAGE", false, false}, {NULL, false, false}};

static char *
print(struct cli_table *table, size_t max_width)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CHECK(out != NULL);
	cli_table_print(table, max_width, out);
	(void)fclose(out);
	return text;
}

static void
put(struct cli_table *table, const char *name, const char *extra, int n, const char *message)
{
	cli_table_cell(table, name);
	cli_table_cell(table, extra);
	cli_table_cellf(table, "%d", n);
	cli_table_cell(table, message);
}

TEST(cli_table_aligns_by_columns_and_leaves_out_what_is_empty)
{
	CLEANUP(cli_table_free) struct cli_table *table = cli_table_new(columns);
	CLEANUP(free) char *text = NULL;

	put(table, "M\xc3\xbcller", NULL, 7, "x");
	put(table, "b", NULL, 123, NULL);
	put(table, NULL, NULL, 1, "y");
	CHECK_EQ(cli_table_rows(table), 3);
	text = print(table, 0);
	CHECK_STR(text, "NAME      N  MESSAGE\n"
			"M\xc3\xbcller    7  x\n"
			"b       123\n"
			"-         1  y\n");
	CHECK_EQ(cli_table_rows(table), 0);
}

TEST(cli_table_keeps_titles_and_widths_from_page_to_page)
{
	CLEANUP(cli_table_free) struct cli_table *table = cli_table_new(columns);
	char *text;

	put(table, "long-name", "e", 1, "m");
	text = print(table, 0);
	CHECK_STR(text, "NAME       EXTRA  N  MESSAGE\nlong-name  e      1  m\n");
	free(text);
	put(table, "b", NULL, 2, "m");
	text = print(table, 0);
	CHECK_STR(text, "b          -      2  m\n");
	free(text);
}

TEST(cli_table_cuts_the_last_column_to_the_terminal)
{
	CLEANUP(cli_table_free) struct cli_table *table = cli_table_new(columns);
	CLEANUP(free) char *text = NULL;

	put(table, "a", NULL, 1, "no node has 4 cores free");
	text = print(table, 24);
	CHECK_STR(text, "NAME  N  MESSAGE\na     1  no node has 4 \xe2\x80\xa6\n");
}

TEST(cli_table_cells_cannot_break_the_line)
{
	CLEANUP(cli_table_free) struct cli_table *table = cli_table_new(columns);
	CLEANUP(free) char *text = NULL;

	put(table, "a\nb\x1b[31m", NULL, 1, "c\rd");
	text = print(table, 0);
	CHECK_STR(text, "NAME      N  MESSAGE\na b [31m  1  c d\n");
}
