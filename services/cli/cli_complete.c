#include "services/cli/cli_complete.h"

#include <string.h>

#include "services/cli/cli_commands.h"

/* Words that a flag takes, joined by blanks. */
struct choice {
	const char *flag;
	const char *words;
};

static const struct choice choices[] = {
	{"output", "table wide json yaml"},
	{"state", "pending scheduled running completed failed"},
	{"restart", "no on-failure always unless-stopped"},
	{"pull", "missing always never"},
	{"strategy", "best-fit spread round-robin random resource-aware"},
	{"disconnect", "replace keep stop-after:"},
	{"for", "running ended"},
	{"sort", "cpu memory name"},
	{"direction", "in out both"},
};

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void
offer(const char *word, const char *prefix, FILE *out)
{
	if (begins(word, prefix))
		(void)fprintf(out, "%s\n", word);
}

static void
offer_flags(const struct option_def *defs, const char *prefix, FILE *out)
{
	char flag[64];

	for (; defs->name != NULL; defs++) {
		(void)snprintf(flag, sizeof flag, "--%s", defs->name);
		offer(flag, prefix, out);
	}
}

/* The next word of every command that goes on as the words before do. */
static void
offer_commands(int n, char **words, FILE *out)
{
	char seen[64] = "";

	for (const struct cli_group *group = cli_groups; group->title != NULL; group++) {
		for (const struct cli_command *const *table = group->tables; *table != NULL;
			table++) {
			for (const struct cli_command *command = *table; command->name != NULL;
				command++) {
				const char *second = strchr(command->name, ' ');
				size_t first = strcspn(command->name, " ");
				char word[64];

				if (n == 2 && (second == NULL || strlen(words[0]) != first ||
						      !begins(command->name, words[0])))
					continue;
				(void)snprintf(word, sizeof word, "%.*s", n == 2 ? 63 : (int)first,
					n == 2 ? second + 1 : command->name);
				if (strcmp(seen, word) !=
					0) /* "node drain", "node rm": offered once */
					offer(word, words[n - 1], out);
				(void)snprintf(seen, sizeof seen, "%s", word);
			}
		}
	}
}

static const struct option_def *
find_flag(const struct option_def *defs, const char *word)
{
	for (; defs->name != NULL; defs++) {
		bool is_long = begins(word, "--") && strcmp(word + 2, defs->name) == 0;
		bool is_short = word[0] == '-' && word[1] == defs->short_name && word[1] != '\0' &&
				word[2] == '\0';

		if (is_long || is_short)
			return defs;
	}
	return NULL;
}

/* What stands behind a flag that wants a value. */
static enum cli_complete_kind
offer_value(const struct option_def *def, const char *prefix, FILE *out)
{
	if (strcmp(def->name, "node") == 0)
		return CLI_COMPLETE_NODES;
	if (strcmp(def->name, "task") == 0)
		return CLI_COMPLETE_TASKS;
	if (def->kind == OPTION_KIND_DURATION)
		return CLI_COMPLETE_NONE; /* "for" is a time here, a state there */
	for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
		const char *word = choices[i].words;

		if (strcmp(choices[i].flag, def->name) != 0)
			continue;
		while (*word != '\0') {
			char one[32];
			int length = (int)strcspn(word, " ");

			(void)snprintf(one, sizeof one, "%.*s", length, word);
			offer(one, prefix, out);
			word += length + (word[length] == ' ');
		}
		return CLI_COMPLETE_WORDS;
	}
	return CLI_COMPLETE_NONE;
}

/* The flag that the word before the last one is, if it wants a value. */
static const struct option_def *
open_flag(const struct cli_command *command, const char *word)
{
	const struct option_def *def = command == NULL ? NULL : find_flag(command->defs, word);

	if (def == NULL)
		def = find_flag(cli_global_defs, word);
	return def != NULL && def->kind != OPTION_KIND_FLAG ? def : NULL;
}

enum cli_complete_kind
cli_complete(int n, char **words, FILE *out)
{
	const struct cli_command *command;
	const struct option_def *def;
	int used = 0;

	if (n < 1)
		return CLI_COMPLETE_NONE;
	command = cli_command_find(n - 1, words, &used);
	def = n > 1 ? open_flag(command, words[n - 2]) : NULL;
	if (def != NULL)
		return offer_value(def, words[n - 1], out);
	if (words[n - 1][0] == '-') {
		if (command != NULL)
			offer_flags(command->defs, words[n - 1], out);
		offer_flags(cli_global_defs, words[n - 1], out);
		return CLI_COMPLETE_WORDS;
	}
	if (command == NULL && n <= 2) {
		offer_commands(n, words, out);
		return CLI_COMPLETE_WORDS;
	}
	if (command != NULL && command->arguments != NULL && begins(command->arguments, "TASK"))
		return CLI_COMPLETE_TASKS;
	if (command != NULL && command->arguments != NULL && begins(command->arguments, "NODE"))
		return CLI_COMPLETE_NODES;
	return CLI_COMPLETE_NONE;
}
