/* The manual page of a table of options; tested by tests/unit/test_options.c. */
#include <ctype.h>
#include <string.h>

#include "common/base/options_impl.h"

/* Text that troff must not take for its own; in flags a '-' is a minus, to be copied as one. */
static void
print_text(FILE *out, const char *text, bool is_flag)
{
	bool begins_line = true;

	for (; *text != '\0'; text++) {
		if (begins_line && (*text == '.' || *text == '\''))
			(void)fputs("\\&", out);
		if (*text == '\\')
			(void)fputs("\\e", out);
		else if (*text == '-' && is_flag)
			(void)fputs("\\-", out);
		else
			(void)fputc(*text, out);
		begins_line = *text == '\n';
	}
}

static void
print_upper(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		(void)fputc(toupper((unsigned char)*text), out);
}

/* "davit run" is davit-run. */
static void
print_name(FILE *out, const char *program, bool is_title)
{
	for (; *program != '\0'; program++) {
		char c = *program == ' ' ? '-' : *program;

		if (c == '-')
			(void)fputs("\\-", out);
		else
			(void)fputc(is_title ? toupper((unsigned char)c) : c, out);
	}
}

/* NAME lines end without a full stop. */
static int
summary_length(const char *summary)
{
	size_t n = strlen(summary);

	return (int)(n > 0 && summary[n - 1] == '.' ? n - 1 : n);
}

static void
print_option(FILE *out, const struct option_def *def, bool with_short)
{
	(void)fputs(".TP\n", out);
	if (with_short)
		(void)fprintf(out, "\\fB\\-%c\\fR, ", def->short_name);
	(void)fputs("\\fB", out);
	print_text(out, "--", true);
	print_text(out, def->name, true);
	(void)fputs("\\fR", out);
	if (def->value_name != NULL) {
		(void)fputs(" \\fI", out);
		print_text(out, def->value_name, true);
		(void)fputs("\\fR", out);
	}
	(void)fputc('\n', out);
	print_text(out, def->help, false);
	if (def->kind == OPTION_KIND_LIST)
		(void)fputs(" (may be repeated)", out);
	if (def->default_value != NULL && *def->default_value != '\0') {
		(void)fputs(" (default ", out);
		print_text(out, def->default_value, true);
		(void)fputc(')', out);
	}
	(void)fputs(".\n", out);
}

static void
print_options(FILE *out, const struct options_spec *spec)
{
	(void)fputs(".SH OPTIONS\n", out);
	for (const struct option_def *def = spec->defs; def->name != NULL; def++)
		print_option(out, def, def->short_name != 0);
	for (size_t i = 0; i < option_builtin_count(spec); i++) {
		const struct option_def *def = &option_builtin_defs[i];
		bool has_letter =
			def->short_name != 0 && !option_is_taken(spec->defs, NULL, def->short_name);

		if (!option_is_taken(spec->defs, def->name, 0))
			print_option(out, def, has_letter);
	}
}

void
options_print_man(const struct options_spec *spec, FILE *out)
{
	int section = spec->env_prefix != NULL && spec->arguments == NULL ? 8 : 1;

	(void)fputs(".TH ", out);
	print_name(out, spec->program, true);
	(void)fprintf(out, " %d \"\" \"Davit %s\" \"Davit\"\n.SH NAME\n", section, DAVIT_VERSION);
	print_name(out, spec->program, false);
	(void)fputs(" \\- ", out);
	(void)fprintf(out, "%.*s", summary_length(spec->summary), spec->summary);
	(void)fputs("\n.SH SYNOPSIS\n\\fB", out);
	print_text(out, spec->program, true);
	(void)fputs("\\fR [\\fIOPTIONS\\fR] ", out);
	print_text(out, spec->arguments != NULL ? spec->arguments : "", true);
	(void)fputc('\n', out);
	print_options(out, spec);
	if (spec->env_prefix != NULL)
		(void)fprintf(out,
			".SH CONFIGURATION\nEach option can also be a variable (\\fB%s\\fINAME\\fR, "
			"dashes as\nunderscores) or a \\(oqname: value\\(cq line of the file. A flag wins "
			"over a variable,\nthat over the file.\n",
			spec->env_prefix);
	if (spec->more != NULL) {
		(void)fputs(".SH \"", out);
		print_upper(out, spec->more_title);
		(void)fputs("\"\n.nf\n", out);
		print_text(out, spec->more, true);
		(void)fputs(".fi\n", out);
	}
	(void)fputs(".SH SEE ALSO\n"
		    "\\fBdavit\\fR(1), \\fBdavit\\-manager\\fR(8), \\fBdavit\\-scheduler\\fR(8), "
		    "\\fBdavit\\-worker\\fR(8),\n\\fBdavit\\-monitor\\fR(8), "
		    "\\fBdavit\\-gateway\\fR(8)\n",
		out);
}
