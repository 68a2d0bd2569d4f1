/* davit submit; tested by tests/unit/test_cli_submit.c and tests/e2e/cli.bats. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_file.h"
#include "services/cli/cli_submit.h"

struct settings {
	struct cli_globals globals;
	struct option_list files;
	uint64_t count;
	bool waits;
};

static const struct option_def defs[] = {
	OPTION_LIST("file", 'f', "FILE", struct settings, files,
		"a task in YAML (several behind '---' lines) or JSON; -: standard input"),
	OPTION_NUMBER("count", 0, "N", struct settings, count, NULL, 1, 1000000,
		"how many tasks of each, instead of the file's count"),
	OPTION_FLAG("wait", 0, struct settings, waits, "return once they run"),
	OPTION_END,
};

struct submission {
	struct cli *cli;
	const struct settings *settings;
	const char *file;
	int code;
};

/* One document; false ends the file. */
static bool
submit_one(Davit__SubmitTasksRequest *request, void *arg)
{
	struct submission *submission = arg;
	CLEANUP(cli_submit_reply_free) Davit__SubmitTasksReply *reply = NULL;
	const struct cli_globals *globals = submission->cli->globals;
	uint32_t count = request->has_count ? request->count : 1;

	if (submission->settings->count > 0)
		count = (uint32_t)submission->settings->count;
	if (request->spec->namespace_ == NULL && globals->namespace_name != NULL)
		request->spec->namespace_ = xstrdup(globals->namespace_name);
	submission->code = cli_submit(submission->cli, request->spec, count, &reply);
	if (submission->code != CLI_OK)
		return false;
	cli_print_submitted(submission->cli, reply);
	if (submission->settings->waits)
		submission->code = cli_wait_submitted(submission->cli, reply);
	return submission->code == CLI_OK;
}

static int
submit_file(struct cli *cli, const struct settings *settings, const char *file)
{
	struct submission submission = {.cli = cli, .settings = settings, .file = file};
	struct err err = {0};
	int rc = cli_file_each(file, submit_one, &submission, &err);

	if (rc == -ENOENT)
		return cli_fail(cli, CLI_NOT_FOUND, "%s", err.text);
	if (rc < 0)
		return cli_fail(cli, CLI_USAGE, "%s", err.text);
	return submission.code;
}

static int
cmd_submit(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	int code = CLI_OK;

	if (settings->files.n == 0 && argc == 0)
		return cli_fail(cli, CLI_USAGE,
			"which file? davit submit -f task.yaml ('-': standard input)");
	for (size_t i = 0; i < settings->files.n && code == CLI_OK; i++)
		code = submit_file(cli, settings, settings->files.items[i]);
	for (int i = 0; i < argc && code == CLI_OK; i++)
		code = submit_file(cli, settings, argv[i]);
	return code;
}

const struct cli_command cli_submit_commands[] = {
	{
		.name = "submit",
		.summary = "Run what files describe",
		.arguments = "[FILE…]",
		.examples = "  davit submit -f task.yaml\n"
			    "  davit submit -f web.yaml -f worker.json --wait\n"
			    "  davit submit --count 1000 -f batch.yaml\n"
			    "  echo 'image: busybox' | davit submit -f -\n",
		.defs = defs,
		.settings_size = sizeof(struct settings),
		.max_arguments = -1,
		.run = cmd_submit,
	},
	{.name = NULL},
};
