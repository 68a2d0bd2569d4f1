#include "common/base/options.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/base/options_impl.h"
#include "common/base/suggest.h"

enum { NAME_SHOWN_MAX = 64 }; /* of a flag that is in no table */

const struct option_def option_builtin_defs[] = {
	OPTION_FLAG("help", 'h', struct option_builtin, help, "print this text"),
	OPTION_FLAG("version", 0, struct option_builtin, version, "print the version"),
	OPTION_FLAG("man", 0, struct option_builtin, man, "print the manual page, for man -l -"),
	OPTION_STRING("config", 0, "FILE", struct option_builtin, config, NULL,
		"read options from this file"),
	OPTION_FLAG("print-config", 0, struct option_builtin, print_config,
		"print every option with its value and where that came from"),
	OPTION_END,
};

enum { BUILTIN_WITHOUT_FILE = 3, BUILTIN_COUNT = 5 };

struct parse {
	const struct options_spec *spec;
	struct option_table own, common;
	struct option_builtin builtin;
};

size_t
option_defs_count(const struct option_def *defs)
{
	size_t n = 0;

	while (defs[n].name != NULL)
		n++;
	return n;
}

size_t
option_builtin_count(const struct options_spec *spec)
{
	return spec->env_prefix != NULL ? BUILTIN_COUNT : BUILTIN_WITHOUT_FILE;
}

static struct option_slot
table_slot(const struct option_table *table, size_t i)
{
	return (struct option_slot){
		.def = &table->defs[i],
		.target = table->settings + table->defs[i].offset,
		.given = &table->given[i],
	};
}

static void
parse_init(struct parse *parse, const struct options_spec *spec, void *settings)
{
	size_t n = option_defs_count(spec->defs);

	*parse = (struct parse){
		.spec = spec,
		.own = {spec->defs, n, settings, xcalloc(n + 1, sizeof(struct option_given))},
		.common = {option_builtin_defs, option_builtin_count(spec), (char *)&parse->builtin,
			xcalloc(BUILTIN_COUNT, sizeof(struct option_given))},
	};
}

static void
table_fini(struct option_table *table)
{
	for (size_t i = 0; i < table->n; i++) {
		free(table->given[i].where);
		buf_fini(&table->given[i].text);
	}
	free(table->given);
}

static void
parse_fini(struct parse *parse)
{
	options_free(option_builtin_defs, &parse->builtin);
	table_fini(&parse->own);
	table_fini(&parse->common);
}

static void
parse_fini_cleanup(struct parse *parse)
{
	parse_fini(parse);
}

/* Dashes and underscores are the same in names: files and variables use both. */
static bool
name_equal(const char *name, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = text[i] == '_' ? '-' : text[i];

		if (name[i] == '\0' || name[i] != c)
			return false;
	}
	return name[n] == '\0';
}

static bool
find_name(const struct parse *parse, const char *text, size_t n, struct option_slot *ret)
{
	const struct option_table *tables[] = {&parse->own, &parse->common};

	for (size_t t = 0; t < 2; t++) {
		for (size_t i = 0; i < tables[t]->n; i++) {
			if (name_equal(tables[t]->defs[i].name, text, n)) {
				*ret = table_slot(tables[t], i);
				return true;
			}
		}
	}
	return false;
}

static bool
find_short(const struct parse *parse, char c, struct option_slot *ret)
{
	const struct option_table *tables[] = {&parse->own, &parse->common};

	for (size_t t = 0; t < 2; t++) {
		for (size_t i = 0; i < tables[t]->n; i++) {
			if (tables[t]->defs[i].short_name == c) {
				*ret = table_slot(tables[t], i);
				return true;
			}
		}
	}
	return false;
}

/* The name that was probably meant, or NULL. */
static const char *
nearest(const struct parse *parse, const char *text, size_t n)
{
	const struct option_table *tables[] = {&parse->own, &parse->common};
	struct suggest suggest = suggest_begin(text, n);

	for (size_t t = 0; t < 2; t++)
		for (size_t i = 0; i < tables[t]->n; i++)
			suggest_try(&suggest, tables[t]->defs[i].name);
	return suggest.nearest;
}

static int
fail_unknown(const struct parse *parse, const char *dashes, const char *text, size_t n,
	struct err *err)
{
	const char *near = nearest(parse, text, n);
	int shown = n > NAME_SHOWN_MAX ? NAME_SHOWN_MAX : (int)n;

	if (near != NULL)
		return err_set(err, -EINVAL, "unknown option '%s%.*s', did you mean '%s%s'?",
			dashes, shown, text, dashes, near);
	return err_set(err, -EINVAL, "unknown option '%s%.*s', see '%s --help'", dashes, shown,
		text, parse->spec->program);
}

/* Takes argv[*i], a "--name", "--name=value" or "--no-name", and its value if that is next. */
static int
take_long(struct parse *parse, int argc, char **argv, int *i, struct err *err)
{
	const char *name = argv[*i] + 2, *value = strchr(name, '=');
	size_t n = strcspn(name, "=");
	char where[NAME_SHOWN_MAX + 8];
	struct option_slot slot;

	if (value != NULL)
		value++;
	if (!find_name(parse, name, n, &slot)) {
		if (strncmp(name, "no-", 3) != 0 || value != NULL ||
			!find_name(parse, name + 3, n - 3, &slot) ||
			slot.def->kind != OPTION_KIND_FLAG)
			return fail_unknown(parse, "--", name, n, err);
		value = "false";
	}
	(void)snprintf(where, sizeof where, "--%s", slot.def->name);
	if (value == NULL && slot.def->kind == OPTION_KIND_FLAG)
		value = "true";
	if (value == NULL && *i + 1 < argc)
		value = argv[++*i];
	if (value == NULL)
		return err_set(err, -EINVAL, "%s needs a value: %s %s", where, where,
			slot.def->value_name);
	return option_give(slot, OPTION_SOURCE_FLAG, where, value, err);
}

/* Takes argv[*i], "-a", "-abc" of flags, "-nvalue" or "-n" with the value next. */
static int
take_short(struct parse *parse, int argc, char **argv, int *i, struct err *err)
{
	for (const char *p = argv[*i] + 1; *p != '\0'; p++) {
		char where[3] = {'-', *p, '\0'};
		const char *value;
		struct option_slot slot;
		int rc;

		if (!find_short(parse, *p, &slot))
			return err_set(err, -EINVAL, "unknown option '%s', see '%s --help'", where,
				parse->spec->program);
		if (slot.def->kind == OPTION_KIND_FLAG) {
			rc = option_give(slot, OPTION_SOURCE_FLAG, where, "true", err);
			if (rc < 0)
				return rc;
			continue;
		}
		value = p[1] != '\0' ? p + 1 : *i + 1 < argc ? argv[++*i] : NULL;
		if (value == NULL)
			return err_set(err, -EINVAL, "%s needs a value: %s %s", where, where,
				slot.def->value_name);
		return option_give(slot, OPTION_SOURCE_FLAG, where, value, err);
	}
	return 0;
}

static bool
is_answered(const struct option_builtin *builtin)
{
	return builtin->help || builtin->version || builtin->man;
}

/* The flags of argv; moves the arguments behind them. Stops at once when help is asked for. */
static int
take_flags(struct parse *parse, int argc, char **argv, int *ret_first, struct err *err)
{
	char **rest = xcalloc((size_t)argc + 1, sizeof *rest);
	int n_rest = 0, n_flags = 1, i, rc = 0;

	for (i = 1; i < argc && !is_answered(&parse->builtin); i++) {
		int begin = i;

		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			if (parse->spec->stop_at_argument)
				break;
			rest[n_rest++] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			argv[n_flags++] = argv[i++];
			break;
		}
		rc = argv[i][1] == '-' ? take_long(parse, argc, argv, &i, err)
				       : take_short(parse, argc, argv, &i, err);
		if (rc < 0)
			break;
		while (begin <= i)
			argv[n_flags++] = argv[begin++];
	}
	if (rc == 0) {
		while (i < argc)
			rest[n_rest++] = argv[i++];
		memcpy(argv + n_flags, rest, (size_t)n_rest * sizeof *rest);
		*ret_first = n_flags;
	}
	free(rest);
	return rc;
}

static int
take_variable(struct parse *parse, struct option_slot slot, struct err *err)
{
	CLEANUP(buf_fini) struct buf name = {0};
	const char *value;

	buf_puts(&name, parse->spec->env_prefix);
	for (const char *p = slot.def->name; *p != '\0'; p++) {
		char c = *p == '-' ? '_' : (char)toupper((unsigned char)*p);

		buf_put(&name, &c, 1);
	}
	value = getenv(buf_text(&name));
	if (value == NULL || *value == '\0') /* compose files pass empty ones for "not set" */
		return 0;
	return option_give(slot, OPTION_SOURCE_ENV, buf_text(&name), value, err);
}

static int
take_environment(struct parse *parse, struct err *err)
{
	int rc = take_variable(parse, table_slot(&parse->common, OPTION_BUILTIN_CONFIG), err);

	for (size_t i = 0; i < parse->own.n && rc == 0; i++)
		rc = take_variable(parse, table_slot(&parse->own, i), err);
	return rc;
}

/* Cuts a comment and the white space around the text, in place; and quotes around all of it. */
static char *
trim_value(char *text)
{
	size_t n;

	while (isspace((unsigned char)*text))
		text++;
	if (*text == '"' || *text == '\'') {
		char *end = strchr(text + 1, *text);

		if (end != NULL) {
			*end = '\0';
			return text + 1;
		}
	}
	for (n = 0; text[n] != '\0'; n++) {
		if (text[n] == '#' && (n == 0 || isspace((unsigned char)text[n - 1])))
			break;
	}
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	text[n] = '\0';
	return text;
}

static int
take_line(struct parse *parse, char *line, const char *where, struct err *err)
{
	char *name = line + strspn(line, " \t"), *value;
	size_t n = strcspn(name, ": \t\r\n#");
	struct option_slot slot;

	if (n == 0 && name[n] != ':')
		return 0; /* empty, or a comment */
	value = name + n + strspn(name + n, " \t");
	if (n == 0 || *value != ':')
		return err_set(err, -EINVAL, "%s: want 'name: value'", where);
	if (!find_name(parse, name, n, &slot)) {
		(void)fail_unknown(parse, "", name, n, err);
		return err_wrap(err, "%s", where);
	}
	if (slot.given >= parse->common.given && slot.given < parse->common.given + parse->common.n)
		return err_set(err, -EINVAL, "%s: '%s' cannot be set in a file", where,
			slot.def->name);
	if (slot.given->source == OPTION_SOURCE_FILE && slot.def->kind != OPTION_KIND_LIST)
		return err_set(err, -EINVAL, "%s: '%s' was already set at %s", where,
			slot.def->name, slot.given->where);
	return option_give(slot, OPTION_SOURCE_FILE, where, trim_value(value + 1), err);
}

static int
take_file(struct parse *parse, const char *path, struct err *err)
{
	CLEANUP(buf_fini) struct buf where = {0};
	CLEANUP(free) char *line = NULL;
	size_t room = 0, n_line = 0;
	FILE *file = fopen(path, "re");
	int rc = 0;

	if (file == NULL)
		return err_set(err, -EINVAL, "cannot read configuration file '%s': %s", path,
			strerror(errno));
	while (rc == 0 && getline(&line, &room, file) >= 0) {
		buf_reset(&where);
		buf_printf(&where, "%s:%zu", path, ++n_line);
		rc = take_line(parse, line, buf_text(&where), err);
	}
	if (rc == 0 && ferror(file))
		rc = err_set(err, -EINVAL, "cannot read configuration file '%s': %s", path,
			strerror(errno));
	(void)fclose(file);
	return rc;
}

static int
take_defaults(struct parse *parse, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < parse->own.n && rc == 0; i++) {
		struct option_slot slot = table_slot(&parse->own, i);

		if (slot.def->default_value != NULL)
			rc = option_give(slot, OPTION_SOURCE_DEFAULT, slot.def->name,
				slot.def->default_value, err);
	}
	return rc;
}

/* Environment, file and defaults for what no flag gave. */
static int
take_the_rest(struct parse *parse, struct err *err)
{
	int rc = 0;

	if (parse->spec->env_prefix != NULL)
		rc = take_environment(parse, err);
	if (rc == 0 && parse->builtin.config != NULL)
		rc = take_file(parse, parse->builtin.config, err);
	if (rc == 0)
		rc = take_defaults(parse, err);
	return rc;
}

int
options_parse(const struct options_spec *spec, int argc, char **argv, void *settings,
	int *ret_first, struct err *err)
{
	CLEANUP(parse_fini) struct parse parse;
	int first = argc, rc;

	parse_init(&parse, spec, settings);
	rc = take_flags(&parse, argc, argv, &first, err);
	if (rc < 0)
		return rc;
	if (parse.builtin.help) {
		options_print_help(spec, stdout);
		return OPTIONS_DONE;
	}
	if (parse.builtin.man) {
		options_print_man(spec, stdout);
		return OPTIONS_DONE;
	}
	if (parse.builtin.version) {
		(void)printf("%s %s\n", spec->program, DAVIT_VERSION);
		return OPTIONS_DONE;
	}
	rc = take_the_rest(&parse, err);
	if (rc < 0)
		return rc;
	if (spec->arguments == NULL && first < argc)
		return err_set(err, -EINVAL, "'%.40s' is too much: %s takes options only",
			argv[first], spec->program);
	if (parse.builtin.print_config) {
		option_print_config(&parse.own, stdout);
		return OPTIONS_DONE;
	}
	*ret_first = first;
	return OPTIONS_RUN;
}

void
options_free(const struct option_def *defs, void *settings)
{
	for (; defs->name != NULL; defs++) {
		void *target = (char *)settings + defs->offset;
		struct option_list *list = target;
		char **string = target;

		if (defs->kind == OPTION_KIND_STRING) {
			free(*string);
			*string = NULL;
		} else if (defs->kind == OPTION_KIND_LIST) {
			for (size_t i = 0; i < list->n; i++)
				free(list->items[i]);
			free(list->items);
			*list = (struct option_list){0};
		}
	}
}
