/* davit exec, davit attach; tested by tests/unit/test_cli_exec.c and tests/e2e/exec.bats. */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_channel.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_task.h"

struct settings {
	struct cli_globals globals;
	struct option_list env;
	char *user, *workdir;
	bool is_interactive, has_tty, is_privileged, has_no_stdin;
};

static void
fill_size(protobuf_c_boolean *ret_has, uint32_t *ret_rows, uint32_t *ret_columns)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	*ret_has = true;
	*ret_rows = size.ws_row;
	*ret_columns = size.ws_col;
}

/* ---- exec ---- */

static const struct option_def exec_defs[] = {
	OPTION_FLAG("interactive", 'i', struct settings, is_interactive, "pass standard input on"),
	OPTION_FLAG("tty", 't', struct settings, has_tty, "give the command a terminal"),
	OPTION_LIST("env", 'e', "KEY=VALUE", struct settings, env, "set in its environment"),
	OPTION_STRING("user", 'u', "USER", struct settings, user, NULL, "name or uid[:gid]"),
	OPTION_STRING("workdir", 'w', "DIR", struct settings, workdir, NULL,
		"directory to run it in"),
	OPTION_FLAG("privileged", 0, struct settings, is_privileged, "with all capabilities"),
	OPTION_END,
};

/* "KEY=VALUE"; "KEY" alone takes the value from here. */
static int
fill_env(struct cli *cli, const struct option_list *list, Davit__StringEntry *entries,
	Davit__ExecOptions *exec)
{
	for (size_t i = 0; i < list->n; i++) {
		char *text = list->items[i], *equals = strchr(text, '=');
		Davit__StringEntry *entry = &entries[i];
		const char *value = equals != NULL ? equals + 1 : getenv(text);

		if (equals == text || text[0] == '\0')
			return cli_fail(cli, CLI_USAGE, "--env '%s': want KEY=VALUE", text);
		if (value == NULL)
			continue;
		davit__string_entry__init(entry);
		entry->value = (char *)(uintptr_t)value;
		entry->key = text;
		if (equals != NULL)
			*equals = '\0';
		exec->env[exec->n_env++] = entry;
	}
	return CLI_OK;
}

static int
run_exec(struct cli *cli, const struct settings *settings, const Davit__OpenChannelRequest *request)
{
	struct cli_channel channel = {
		.sink = cli_channel_print,
		.arg = cli,
		.in_fd = settings->is_interactive ? STDIN_FILENO : -1,
		.is_raw = settings->is_interactive && settings->has_tty,
		.has_detach_keys = settings->is_interactive && settings->has_tty,
	};
	int code = cli_channel_open(cli, request, &channel);

	if (code == CLI_FAILED)
		code = CLI_CHANNEL_SESSION_CODE;
	if (code == CLI_OK) {
		code = cli_channel_run(&channel);
		if (code == CLI_OK)
			code = cli_channel_code(&channel);
	}
	cli_channel_close(&channel);
	return code;
}

static int
cmd_exec(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	Davit__OpenChannelRequest request = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	Davit__ExecOptions exec = DAVIT__EXEC_OPTIONS__INIT;
	Davit__StringEntry *entries;
	int code;

	if (cli_is_structured(cli))
		return cli_fail(cli, CLI_USAGE, "output is printed as it is: -o does not apply");
	if (settings->has_tty && settings->is_interactive && isatty(STDIN_FILENO) != 1)
		return cli_fail(cli, CLI_USAGE, "-it wants standard input to be a terminal");
	request.task = argv[0];
	request.namespace_ = cli->globals->namespace_name;
	request.exec = &exec;
	if (strcmp(argv[1], "--") == 0) {
		argv++;
		argc--;
	}
	if (argc < 2)
		return cli_fail(cli, CLI_USAGE, "a command is missing");
	exec.command = argv + 1;
	exec.n_command = (size_t)argc - 1;
	exec.has_tty = exec.has_stdin = exec.has_privileged = true;
	exec.tty = settings->has_tty;
	exec.stdin = settings->is_interactive;
	exec.privileged = settings->is_privileged;
	exec.user = settings->user;
	exec.workdir = settings->workdir;
	if (settings->has_tty) {
		fill_size(&exec.has_rows, &exec.rows, &exec.columns);
		exec.has_columns = exec.has_rows;
	}
	entries = xcalloc(settings->env.n + 1, sizeof *entries);
	exec.env = xcalloc(settings->env.n + 1, sizeof(void *));
	code = fill_env(cli, &settings->env, entries, &exec);
	if (code == CLI_OK)
		code = run_exec(cli, settings, &request);
	free(exec.env);
	free(entries);
	return code;
}

/* ---- attach ---- */

static const struct option_def attach_defs[] = {
	OPTION_FLAG("no-stdin", 0, struct settings, has_no_stdin,
		"only look on: ctrl-c ends the looking"),
	OPTION_END,
};

/* Its container has ended: so has the task, or it starts again. */
static int
attach_ended(struct cli *cli, const char *name)
{
	enum { SETTLE_MS = 5000 };
	struct cli_wait wait = {.task = name,
		.until = DAVIT__TASK__STATE__COMPLETED,
		.limit_ms = SETTLE_MS};
	CLEANUP(cli_task_free) Davit__Task *task = NULL;
	int code = cli_task_wait(cli, &wait, &task);

	return code == CLI_OK ? cli_task_code(task) : code;
}

static int
cmd_attach(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	bool is_terminal = isatty(STDIN_FILENO) == 1;
	Davit__OpenChannelRequest request = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	Davit__AttachOptions attach = DAVIT__ATTACH_OPTIONS__INIT;
	struct cli_channel channel = {.sink = cli_channel_print, .arg = cli, .in_fd = -1};
	int code;

	(void)argc;
	if (cli_is_structured(cli))
		return cli_fail(cli, CLI_USAGE, "output is printed as it is: -o does not apply");
	request.task = argv[0];
	request.namespace_ = cli->globals->namespace_name;
	request.attach = &attach;
	attach.has_stdin = true;
	attach.stdin = !settings->has_no_stdin;
	fill_size(&attach.has_rows, &attach.rows, &attach.columns);
	attach.has_columns = attach.has_rows;
	code = cli_channel_open(cli, &request, &channel);
	if (code == CLI_OK) {
		if (channel.info->stdin)
			channel.in_fd = STDIN_FILENO;
		channel.is_raw = channel.info->stdin && channel.info->tty && is_terminal;
		channel.has_detach_keys = channel.info->stdin && is_terminal;
		code = cli_channel_run(&channel);
	}
	if (code == CLI_OK && channel.is_detached)
		cli_note(cli, "detached; %s goes on", argv[0]);
	else if (code == CLI_OK && channel.error != NULL)
		code = cli_channel_code(&channel);
	else if (code == CLI_OK)
		code = attach_ended(cli, argv[0]);
	cli_channel_close(&channel);
	return code;
}

const struct cli_command cli_exec_commands[] = {
	{
		.name = "exec",
		.summary = "Run a command in a running task's container",
		.arguments = "TASK [--] COMMAND…",
		.examples =
			"  davit exec web -- ls /etc\n"
			"  davit exec -it web -- sh           a shell; ctrl-p ctrl-q leaves it\n"
			"  davit exec -i db -- psql < dump.sql\n"
			"Ends with the command's exit code: 126 it cannot be run, 127 there is no such\n"
			"program, 125 Davit or the engine failed.\n",
		.defs = exec_defs,
		.settings_size = sizeof(struct settings),
		.min_arguments = 2,
		.max_arguments = -1,
		.stops_at_argument = true,
		.run = cmd_exec,
	},
	{
		.name = "attach",
		.summary = "Connect to a running task's own input and output",
		.arguments = "TASK",
		.examples =
			"  davit attach web          what it prints from now on; its exit code\n"
			"With 'davit run -i' (and -t) it reads what is typed; ctrl-p ctrl-q detaches.\n",
		.defs = attach_defs,
		.settings_size = sizeof(struct settings),
		.min_arguments = 1,
		.max_arguments = 1,
		.run = cmd_attach,
	},
	{.name = NULL},
};
