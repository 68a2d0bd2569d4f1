/* davit completion; tested by tests/unit/test_cli_complete.c and tests/e2e/cli.bats. */
#include <string.h>

#include "proto/manager.pb-c.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_complete.h"

enum { CANDIDATES_MS = 1000 }; /* a person waits for the Tab key */

struct settings {
	struct cli_globals globals;
	bool is_words;
};

static const struct option_def defs[] = {
	OPTION_FLAG("words", 0, struct settings, is_words,
		"what could stand for the last of these words: for the scripts"),
	OPTION_END,
};

struct script {
	const char *shell;
	const char *text;
};

static const struct script scripts[] = {
	{"bash",
		"_davit()\n"
		"{\n"
		"\tlocal IFS=$'\\n'\n"
		"\tCOMPREPLY=($(\"$1\" completion --words -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null))\n"
		"}\n"
		"complete -o default -F _davit davit ./davit\n"},
	{"zsh", /* to be sourced, or a file _davit in a folder of $fpath */
		"#compdef davit\n"
		"_davit()\n"
		"{\n"
		"\tlocal -a candidates\n"
		"\tcandidates=(\"${(@f)$(${words[1]} completion --words -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
		"\tif [[ -n ${candidates[1]} ]]; then compadd -a candidates; else _files; fi\n"
		"}\n"
		"if [ \"${funcstack[1]}\" = _davit ]; then _davit \"$@\"; else compdef _davit davit; fi\n"},
	{"fish", "complete -c davit -a '(davit completion --words -- (commandline -opc)[2..-1] "
		 "(commandline -ct) 2>/dev/null)'\n"},
};

static int
print_script(struct cli *cli, const char *shell)
{
	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		if (strcmp(shell, scripts[i].shell) == 0) {
			(void)fputs(scripts[i].text, cli->out);
			return CLI_OK;
		}
	}
	return cli_fail(cli, CLI_USAGE, "no completion for '%s': want bash, zsh or fish", shell);
}

static void
print_tasks(struct cli *cli, const char *prefix)
{
	Davit__ListTasksRequest request = DAVIT__LIST_TASKS_REQUEST__INIT;
	struct cli_ask ask = {.method = "ListTasks",
		.request = &request.base,
		.timeout_ms = CANDIDATES_MS};
	CLEANUP(cli_reply_fini) struct cli_reply reply = {0};
	const Davit__ListTasksReply *tasks;

	request.namespace_ = cli->globals->namespace_name;
	cli_ask(cli, &ask, &reply);
	tasks = (const Davit__ListTasksReply *)reply.response;
	for (size_t i = 0; tasks != NULL && i < tasks->n_tasks; i++) {
		if (strncmp(tasks->tasks[i]->name, prefix, strlen(prefix)) == 0)
			(void)fprintf(cli->out, "%s\n", tasks->tasks[i]->name);
	}
}

static void
print_nodes(struct cli *cli, const char *prefix)
{
	Davit__ListNodesRequest request = DAVIT__LIST_NODES_REQUEST__INIT;
	struct cli_ask ask = {.method = "ListNodes",
		.request = &request.base,
		.timeout_ms = CANDIDATES_MS};
	CLEANUP(cli_reply_fini) struct cli_reply reply = {0};
	const Davit__ListNodesReply *nodes;

	cli_ask(cli, &ask, &reply);
	nodes = (const Davit__ListNodesReply *)reply.response;
	for (size_t i = 0; nodes != NULL && i < nodes->n_nodes; i++) {
		if (strncmp(nodes->nodes[i]->name, prefix, strlen(prefix)) == 0)
			(void)fprintf(cli->out, "%s\n", nodes->nodes[i]->name);
	}
}

static int
cmd_completion(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	enum cli_complete_kind kind;

	if (!settings->is_words)
		return print_script(cli, argv[0]);
	kind = cli_complete(argc, argv, cli->out);
	if (kind == CLI_COMPLETE_TASKS)
		print_tasks(cli, argv[argc - 1]);
	else if (kind == CLI_COMPLETE_NODES)
		print_nodes(cli, argv[argc - 1]);
	return CLI_OK;
}

const struct cli_command cli_completion_commands[] = {
	{
		.name = "completion",
		.summary = "Print what makes a shell complete davit's words",
		.arguments = "bash|zsh|fish",
		.examples = "  source <(davit completion bash)              in this shell\n"
			    "  davit completion bash > /etc/bash_completion.d/davit\n"
			    "  davit completion fish > ~/.config/fish/completions/davit.fish\n",
		.defs = defs,
		.settings_size = sizeof(struct settings),
		.min_arguments = 1,
		.max_arguments = -1,
		.run = cmd_completion,
	},
	{.name = NULL},
};
