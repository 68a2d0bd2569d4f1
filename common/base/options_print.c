/* What --help and --print-config say; tested by tests/unit/test_options.c. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/options_impl.h"

enum {
	HELP_COLUMN_MAX = 34, /* help texts begin here at most */
	HELP_WIDTH = 96,
	HELP_FLAG_MAX = 128,
};

static const char *const source_name[OPTION_SOURCE_COUNT] = {
	[OPTION_SOURCE_NONE] = "not set",
	[OPTION_SOURCE_DEFAULT] = "default",
	[OPTION_SOURCE_FILE] = "file",
	[OPTION_SOURCE_ENV] = "environment",
	[OPTION_SOURCE_FLAG] = "flag",
};

bool
option_is_taken(const struct option_def *defs, const char *name, char short_name)
{
	for (; defs->name != NULL; defs++) {
		if (name != NULL && strcmp(defs->name, name) == 0)
			return true;
		if (short_name != 0 && defs->short_name == short_name)
			return true;
	}
	return false;
}

/* "  -l, --listen URL"; its length. */
static size_t
format_flag(const struct option_def *def, bool with_short, char ret_text[HELP_FLAG_MAX])
{
	char letter[5] = "    ";
	int n;

	if (with_short)
		(void)snprintf(letter, sizeof letter, "-%c, ", def->short_name);
	n = snprintf(ret_text, HELP_FLAG_MAX, "  %s--%s%s%s", letter, def->name,
		def->value_name != NULL ? " " : "", def->value_name != NULL ? def->value_name : "");
	return n < HELP_FLAG_MAX ? (size_t)n : HELP_FLAG_MAX - 1;
}

/* Writes words with line breaks, each new line indented to the column. */
static void
print_wrapped(FILE *out, const char *text, size_t column)
{
	size_t used = column;

	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		if (used > column && used + 1 + n > HELP_WIDTH) {
			(void)fprintf(out, "\n%*s", (int)column, "");
			used = column;
		} else if (used > column) {
			(void)fputc(' ', out);
			used++;
		}
		(void)fwrite(text, 1, n, out);
		used += n;
		text += n + strspn(text + n, " ");
	}
	(void)fputc('\n', out);
}

static void
print_option(FILE *out, const struct option_def *def, bool with_short, size_t column)
{
	struct buf text = {0};
	char flag[HELP_FLAG_MAX];
	size_t n = format_flag(def, with_short, flag);

	buf_puts(&text, def->help);
	if (def->kind == OPTION_KIND_LIST)
		buf_puts(&text, " (may be repeated)");
	if (def->default_value != NULL && *def->default_value != '\0')
		buf_printf(&text, " (default %s)", def->default_value);
	if (n + 2 > column)
		(void)fprintf(out, "%s\n%*s", flag, (int)column, "");
	else
		(void)fprintf(out, "%-*s", (int)column, flag);
	print_wrapped(out, buf_text(&text), column);
	buf_fini(&text);
}

static size_t
help_column(const struct options_spec *spec)
{
	size_t column = 0;

	for (const struct option_def *def = spec->defs; def->name != NULL; def++) {
		char flag[HELP_FLAG_MAX];
		size_t n = format_flag(def, def->short_name != 0, flag) + 2;

		if (n > column && n <= HELP_COLUMN_MAX)
			column = n;
	}
	return column > 20 ? column : 20; /* what the built-in ones need */
}

void
options_print_help(const struct options_spec *spec, FILE *out)
{
	size_t column = help_column(spec);

	(void)fprintf(out, "Usage: %s [OPTIONS]%s%s\n\n%s\n\nOptions:\n", spec->program,
		spec->arguments != NULL ? " " : "", spec->arguments != NULL ? spec->arguments : "",
		spec->summary);
	for (const struct option_def *def = spec->defs; def->name != NULL; def++)
		print_option(out, def, def->short_name != 0, column);
	for (size_t i = 0; i < option_builtin_count(spec); i++) {
		const struct option_def *def = &option_builtin_defs[i];
		char letter =
			option_is_taken(spec->defs, NULL, def->short_name) ? 0 : def->short_name;

		if (!option_is_taken(spec->defs, def->name, 0))
			print_option(out, def, letter != 0, column);
	}
	if (spec->env_prefix != NULL)
		(void)fprintf(out,
			"\nEach option can also be a variable (%sNAME, dashes as underscores) or a\n"
			"'name: value' line of the file. A flag wins over a variable, that over the file.\n",
			spec->env_prefix);
	if (spec->more != NULL)
		(void)fprintf(out, "\n%s:\n%s", spec->more_title, spec->more);
}

/* The quote that makes a configuration file read text as it is. */
static const char *
quote_for(const char *text)
{
	size_t n = strlen(text);

	if (n > 0 && strpbrk(text, "#\"'") == NULL && !isspace((unsigned char)text[0]) &&
		!isspace((unsigned char)text[n - 1]))
		return "";
	return strchr(text, '"') != NULL ? "'" : "\"";
}

void
option_print_config(const struct option_table *table, FILE *out)
{
	for (size_t i = 0; i < table->n; i++) {
		struct option_given *given = &table->given[i];
		const char *name = table->defs[i].name, *text = buf_text(&given->text);
		const char *where = given->source > OPTION_SOURCE_DEFAULT ? given->where : "";

		if (given->source == OPTION_SOURCE_NONE && table->defs[i].kind == OPTION_KIND_FLAG)
			(void)fprintf(out, "%s: false  # default\n", name);
		else if (given->source == OPTION_SOURCE_NONE)
			(void)fprintf(out, "# %s:  # not set\n", name);
		else
			(void)fprintf(out, "%s: %s%s%s  # %s%s%s\n", name, quote_for(text), text,
				quote_for(text), source_name[given->source],
				*where != '\0' ? " " : "", where);
	}
}
