/* davit run; tested by tests/unit/test_cli_run.c and tests/e2e/cli.bats. */
#include <string.h>

#include "services/cli/cli_call.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_output.h"
#include "services/cli/cli_spec.h"
#include "services/cli/cli_submit.h"
#include "services/cli/cli_task.h"

/* A task whose output is shown until it ends. */
struct follow {
	struct cli *cli;
	char *id;
	const char *name;
	bool is_removed; /* --rm: ^C ends the task, not only the looking on */
	bool has_stopped;
	struct cli_logs logs;
	Davit__Task *task; /* owned: at its end */
};

typedef int follow_fn(struct follow *follow);

static int
follow_start(struct follow *follow)
{
	struct cli_wait wait = {.task = follow->id,
		.until = DAVIT__TASK__STATE__RUNNING,
		.shows_progress = follow->cli->is_err_terminal};
	CLEANUP(cli_task_free) Davit__Task *task = NULL;

	return cli_task_wait(follow->cli, &wait, &task);
}

static int
follow_output(struct follow *follow)
{
	return cli_logs_read(follow->cli, &follow->logs);
}

static int
follow_end(struct follow *follow)
{
	struct cli_wait wait = {.task = follow->id, .until = DAVIT__TASK__STATE__COMPLETED};

	return cli_task_wait(follow->cli, &wait, &follow->task);
}

/* ^C: with --rm the first asks the task to stop. True: go on looking. */
static bool
goes_on_after_interrupt(struct follow *follow)
{
	struct cli *cli = follow->cli;

	if (!follow->is_removed) {
		cli_note(cli, "%s goes on: 'davit logs -f %s' shows it, 'davit stop %s' ends it",
			follow->name, follow->name, follow->name);
		return false;
	}
	if (follow->has_stopped) {
		cli_note(cli, "%s was asked to stop and may still run", follow->name);
		return false;
	}
	follow->has_stopped = true;
	cli_note(cli, "stopping %s (^C again leaves it alone)", follow->name);
	return cli_task_stop(cli, &follow->id, 1, NULL) == CLI_OK;
}

/* What is left of a task with --rm goes now rather than a minute later. */
static void
remove_task(struct follow *follow)
{
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	struct cli_ask ask = {.method = "RemoveTasks", .request = &request.base, .changes = true};
	CLEANUP(cli_reply_fini) struct cli_reply reply = {0};

	request.tasks = &follow->id;
	request.n_tasks = 1;
	cli_ask(follow->cli, &ask, &reply); /* the manager removes it by itself if this fails */
}

static int
follow_task(struct follow *follow)
{
	static follow_fn *const stages[] = {follow_start, follow_output, follow_end};
	int code = CLI_OK;

	cli_catch_interrupts(follow->cli);
	for (size_t i = 0; i < sizeof stages / sizeof stages[0] && code == CLI_OK; i++) {
		do
			code = stages[i](follow);
		while (code == CLI_INTERRUPTED && goes_on_after_interrupt(follow));
	}
	if (code != CLI_OK)
		return code;
	cli_task_explain(follow->cli, follow->task);
	if (follow->is_removed)
		remove_task(follow);
	return cli_task_code(follow->task);
}

static int
follow_submitted(struct cli *cli, const struct cli_run_settings *settings,
	const Davit__SubmitTasksReply *reply)
{
	const char *id = cli_submitted_id(reply);
	struct follow follow = {.cli = cli,
		.id = (char *)(uintptr_t)id,
		.name = reply->name == NULL ? id : reply->name,
		.is_removed = settings->is_removed,
		.logs = {.task = id, .follows = true}};
	int code = follow_task(&follow);

	cli_logs_fini(&follow.logs);
	cli_task_free(follow.task);
	return code;
}

static int
submit(struct cli *cli, const struct cli_run_settings *settings, Davit__TaskSpec *spec)
{
	CLEANUP(cli_submit_reply_free) Davit__SubmitTasksReply *reply = NULL;
	int code = cli_submit(cli, spec, (uint32_t)settings->count, &reply);

	if (code != CLI_OK)
		return code;
	if (settings->follows)
		return follow_submitted(cli, settings, reply);
	cli_print_submitted(cli, reply);
	return settings->waits ? cli_wait_submitted(cli, reply) : CLI_OK;
}

static int
run_spec(struct cli *cli, const struct cli_run_settings *settings, bool hold, int argc, char **argv)
{
	Davit__TaskSpec *spec;
	struct err err = {0};
	int code = CLI_OK;

	if (cli_spec_from_flags(settings, argc, argv, &spec, &err) < 0)
		return cli_fail(cli, CLI_USAGE, "%s", err.text);
	spec->has_hold = spec->hold = hold;
	if (settings->is_dry) {
		if (cli->format != CLI_FORMAT_JSON)
			cli->format = CLI_FORMAT_YAML;
		cli_print_message(cli, &spec->base);
	} else {
		code = submit(cli, settings, spec);
	}
	davit__task_spec__free_unpacked(spec, NULL);
	return code;
}

static int
cmd_create(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct cli_run_settings *settings = arg;

	if (settings->follows || settings->waits)
		return cli_fail(cli, CLI_USAGE,
			"what is created does not run before 'davit start': leave out --follow "
			"and --wait");
	return run_spec(cli, settings, true, argc, argv);
}

static int
cmd_run(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct cli_run_settings *settings = arg;

	if (settings->follows && settings->count > 1)
		return cli_fail(cli, CLI_USAGE,
			"--follow shows one task, and --count makes several");
	if (settings->follows && (settings->is_detached || settings->waits))
		return cli_fail(cli, CLI_USAGE, "--follow goes with neither --detach nor --wait");
	return run_spec(cli, settings, false, argc, argv);
}

const struct cli_command cli_run_commands[] = {
	{
		.name = "run",
		.summary = "Run a container",
		.arguments = "IMAGE [--] [COMMAND…]",
		.examples =
			"  davit run --rm --follow busybox -- echo hi   show its output, exit with its code\n"
			"  davit run --name web -p 80 nginx             some host port that is free leads to 80\n"
			"  davit run -p 8080:80 --wait nginx            return once it runs\n"
			"  davit run -m 512MiB --cpus 0.5 --restart on-failure:3 -e LEVEL=debug app\n"
			"  davit run --count 100 busybox -- sleep 60    an array of a hundred tasks\n"
			"  davit run --dry-run -p 80 nginx > web.yaml   for 'davit submit -f web.yaml'\n",
		.defs = cli_run_defs,
		.settings_size = sizeof(struct cli_run_settings),
		.min_arguments = 1,
		.max_arguments = -1,
		.stops_at_argument = true,
		.run = cmd_run,
	},
	{
		.name = "create",
		.summary = "Pull and create a container, to be started later",
		.arguments = "IMAGE [--] [COMMAND…]",
		.examples =
			"  davit create --name web -p 80 nginx   takes the same flags as 'davit run'\n"
			"  davit start web\n",
		.defs = cli_run_defs,
		.settings_size = sizeof(struct cli_run_settings),
		.min_arguments = 1,
		.max_arguments = -1,
		.stops_at_argument = true,
		.run = cmd_create,
	},
	{.name = NULL},
};
