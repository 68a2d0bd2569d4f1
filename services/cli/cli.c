#include "services/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_text.h"

const struct option_def cli_global_defs[] = {
	OPTION_STRING("manager", 'H', "URL", struct cli_globals, manager, "tcp://127.0.0.1:7070",
		"where the manager listens"),
	OPTION_STRING("output", 'o', "FORMAT", struct cli_globals, output, "table",
		"table, wide, json or yaml"),
	OPTION_STRING("namespace", 0, "NAME", struct cli_globals, namespace_name, NULL,
		"the namespace that names are looked up in, absent: default"),
	OPTION_DURATION("timeout", 0, struct cli_globals, timeout_ms, NULL,
		"how long to wait for the manager, absent: 5s to reach it and 30s for an answer"),
	OPTION_FLAG("quiet", 'q', struct cli_globals, is_quiet, "print ids only, and no notes"),
	OPTION_END,
};

const struct option_def cli_no_defs[] = {OPTION_END};

static const char help_tail[] =
	"\nEvery command takes, before or behind its name:\n"
	"  -H, --manager URL     where the manager listens (default tcp://127.0.0.1:7070)\n"
	"  -o, --output FORMAT   table, wide (more columns), json or yaml\n"
	"      --namespace NAME  where names are looked up (default: default)\n"
	"      --timeout TIME    how long to wait for the manager (5s to reach it, 30s in all)\n"
	"  -q, --quiet           print ids only, and no notes\n"
	"They can also be variables (DAVIT_MANAGER, DAVIT_OUTPUT, …) or 'name: value' lines in\n"
	"~/.config/davit/config (another one: --config FILE). 'davit --print-config' shows them.\n"
	"\nTASK and NODE are a name, an id, or the beginning of an id that no other has.\n"
	"\nExit codes:\n"
	"  0  done                      3  no manager could be reached\n"
	"  1  refused, or it failed     4  no such task, node or file\n"
	"  2  wrong flag or argument    5  --timeout passed first\n"
	"  'run --follow' and 'wait' exit with the container's code (125: it never had one).\n"
	"\n'davit COMMAND --help' shows a command with examples.\n";

static void
fail_text(struct cli *cli, const char *fmt, va_list ap)
{
	CLEANUP(buf_fini) struct buf clean = {0};
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		return;
	cli_text_clean(text, &clean);
	free(text);
	(void)fflush(cli->out);
	(void)fprintf(cli->err, "davit: %s\n", buf_text(&clean));
}

int
cli_fail(struct cli *cli, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_text(cli, fmt, ap);
	va_end(ap);
	return code;
}

void
cli_note(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	if (cli->globals != NULL && cli->globals->is_quiet)
		return;
	va_start(ap, fmt);
	fail_text(cli, fmt, ap);
	va_end(ap);
}

static void
on_interrupt(uv_signal_t *signal, int number)
{
	struct cli *cli = signal->data;

	(void)number;
	cli->n_interrupts++;
}

void
cli_catch_interrupts(struct cli *cli)
{
	if (cli->interrupt != NULL)
		return;
	cli->interrupt = xcalloc(1, sizeof *cli->interrupt);
	(void)uv_signal_init(cli->loop, cli->interrupt);
	cli->interrupt->data = cli;
	(void)uv_signal_start(cli->interrupt, on_interrupt, SIGINT);
	uv_unref((uv_handle_t *)cli->interrupt);
}

static void
on_handle_closed(uv_handle_t *handle)
{
	free(handle);
}

void
cli_fini(struct cli *cli)
{
	rpc_client_close(cli->client);
	cli->client = NULL;
	if (cli->interrupt != NULL)
		uv_close((uv_handle_t *)cli->interrupt, on_handle_closed);
	cli->interrupt = NULL;
	if (cli->tick != NULL)
		uv_close((uv_handle_t *)cli->tick, on_handle_closed);
	cli->tick = NULL;
}

static void
print_help(FILE *out)
{
	(void)fputs("Usage: davit COMMAND [OPTIONS] [ARGUMENTS]\n\n"
		    "Runs containers on a cluster of machines.\n",
		out);
	cli_command_print_all(out);
	(void)fputs(help_tail, out);
}

/* The page of the whole program: its commands are what stands behind the options. */
static void
print_man(const struct options_spec *spec, FILE *out)
{
	CLEANUP(free) char *text = NULL;
	size_t size = 0;
	FILE *more = open_memstream(&text, &size);
	struct options_spec page = *spec;

	if (more == NULL)
		return;
	cli_command_print_all(more);
	(void)fputs(help_tail, more);
	(void)fclose(more);
	page.summary = "Runs containers on a cluster of machines";
	page.more_title = "Commands";
	page.more = text;
	options_print_man(&page, out);
}

static int
parse_format(struct cli *cli, const char *text)
{
	static const char *const names[] = {[CLI_FORMAT_TABLE] = "table",
		[CLI_FORMAT_WIDE] = "wide",
		[CLI_FORMAT_JSON] = "json",
		[CLI_FORMAT_YAML] = "yaml"};

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(text, names[i]) == 0) {
			cli->format = (enum cli_format)i;
			return CLI_OK;
		}
	}
	return cli_fail(cli, CLI_USAGE, "-o %s: want table, wide, json or yaml", text);
}

/*
 * The command's own flags, then the global ones with the values known so far as
 * defaults: in this way they count before and behind the command's name.
 */
static struct option_def *
merge_defs(const struct cli_command *command, const struct cli_globals *globals, char timeout[32])
{
	size_t n = 0, n_global = sizeof cli_global_defs / sizeof cli_global_defs[0];
	struct option_def *defs;

	while (command->defs[n].name != NULL)
		n++;
	defs = xcalloc(n + n_global, sizeof *defs);
	memcpy(defs, command->defs, n * sizeof *defs);
	memcpy(defs + n, cli_global_defs, n_global * sizeof *defs);
	(void)snprintf(timeout, 32, "%" PRIu64 "ms", globals->timeout_ms);
	for (struct option_def *def = defs + n; def->name != NULL; def++) {
		if (def->offset == offsetof(struct cli_globals, manager))
			def->default_value = globals->manager;
		else if (def->offset == offsetof(struct cli_globals, output))
			def->default_value = globals->output;
		else if (def->offset == offsetof(struct cli_globals, namespace_name))
			def->default_value = globals->namespace_name;
		else if (def->offset == offsetof(struct cli_globals, timeout_ms))
			def->default_value = globals->timeout_ms > 0 ? timeout : NULL;
	}
	return defs;
}

static int
check_arguments(struct cli *cli, const struct cli_command *command, int n)
{
	if (n < command->min_arguments)
		return cli_fail(cli, CLI_USAGE, "davit %s wants %s: see 'davit %s --help'",
			command->name, command->arguments, command->name);
	if (command->max_arguments >= 0 && n > command->max_arguments)
		return cli_fail(cli, CLI_USAGE,
			"davit %s: one argument too many: see 'davit %s --help'", command->name,
			command->name);
	return CLI_OK;
}

/* argv[0] stands for the command. */
static int
run_command(struct cli *cli, const struct cli_command *command, struct cli_globals *before,
	int argc, char **argv)
{
	char program[64], timeout[32];
	struct cli_globals *globals = xcalloc(1, command->settings_size);
	struct option_def *defs = merge_defs(command, before, timeout);
	const struct options_spec spec = {.program = program,
		.summary = command->summary,
		.arguments = command->arguments,
		.defs = defs,
		.more_title = "Examples",
		.more = command->examples,
		.stop_at_argument = command->stops_at_argument};
	struct err err = {0};
	int first = argc, rc, code;

	(void)snprintf(program, sizeof program, "davit %s", command->name);
	rc = options_parse(&spec, argc, argv, globals, &first, &err);
	globals->is_quiet = globals->is_quiet || before->is_quiet;
	cli->globals = globals;
	if (rc == OPTIONS_DONE) {
		code = CLI_OK;
	} else if (rc < 0) {
		code = cli_fail(cli, CLI_USAGE, "%s", err.text);
	} else {
		code = check_arguments(cli, command, argc - first);
		if (code == CLI_OK)
			code = parse_format(cli, globals->output);
		if (code == CLI_OK)
			code = command->run(cli, globals, argc - first, argv + first);
	}
	cli->globals = NULL;
	options_free(defs, globals);
	free(globals);
	free(defs);
	return code;
}

/* What to do when no command is called that. */
static int
unknown_command(struct cli *cli, int argc, char **argv)
{
	const char *near;

	if (cli_command_print_family(argv[0], NULL)) {
		bool asks = argc > 1 && strcmp(argv[1], "--help") == 0;
		FILE *out = asks ? cli->out : cli->err;

		(void)fprintf(out, "Usage: davit %s COMMAND\n\n", argv[0]);
		(void)cli_command_print_family(argv[0], out);
		return asks ? CLI_OK : CLI_USAGE;
	}
	near = cli_command_suggest(argv[0]);
	if (near != NULL)
		return cli_fail(cli, CLI_USAGE, "no command '%s': did you mean '%s'?", argv[0],
			near);
	return cli_fail(cli, CLI_USAGE, "no command '%s': see 'davit --help'", argv[0]);
}

/* "davit", "davit help [COMMAND]", "davit --help", "davit -h". */
static bool
wants_help(int argc, char **argv)
{
	return argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	       (argc == 2 && strcmp(argv[1], "help") == 0);
}

static int
dispatch(struct cli *cli, struct cli_globals *globals, int argc, char **argv)
{
	char help_flag[] = "--help";
	const struct cli_command *command;
	char *help_argv[] = {argv[0], help_flag, NULL};
	int words = 0;

	if (argc == 0)
		return cli_fail(cli, CLI_USAGE, "which command? See 'davit --help'");
	if (argc > 1 && strcmp(argv[0], "help") == 0) {
		command = cli_command_find(argc - 1, argv + 1, &words);
		if (command == NULL)
			return unknown_command(cli, argc - 1, argv + 1);
		return run_command(cli, command, globals, 2, help_argv);
	}
	command = cli_command_find(argc, argv, &words);
	if (command == NULL)
		return unknown_command(cli, argc, argv);
	return run_command(cli, command, globals, argc - words + 1, argv + words - 1);
}

int
cli_main(struct cli *cli, int argc, char **argv)
{
	const struct options_spec spec = {.program = "davit",
		.summary =
			"Runs containers on a cluster of machines: 'davit --help' lists the commands.",
		.arguments = "COMMAND [ARGUMENTS]",
		.env_prefix = "DAVIT_",
		.defs = cli_global_defs,
		.stop_at_argument = true};
	struct cli_globals globals = {0};
	struct err err = {0};
	int first = argc, rc, code = CLI_OK;

	if (wants_help(argc, argv)) {
		print_help(cli->out);
		return CLI_OK;
	}
	if (argc == 2 && strcmp(argv[1], "--man") == 0) {
		print_man(&spec, cli->out);
		return CLI_OK;
	}
	rc = options_parse(&spec, argc, argv, &globals, &first, &err);
	if (rc < 0)
		code = cli_fail(cli, CLI_USAGE, "%s", err.text);
	else if (rc != OPTIONS_DONE)
		code = dispatch(cli, &globals, argc - first, argv + first);
	options_free(cli_global_defs, &globals);
	if (fflush(cli->out) != 0 && code == CLI_OK)
		code = CLI_FAILED;
	return code;
}
