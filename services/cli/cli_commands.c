#include "services/cli/cli_commands.h"

#include <string.h>

#include "common/base/suggest.h"

static const struct cli_command *const run_tables[] = {cli_run_commands, cli_submit_commands, NULL};
static const struct cli_command *const task_tables[] = {cli_list_commands, cli_task_commands,
	cli_pause_commands, cli_logs_commands, cli_explain_commands, cli_exec_commands,
	cli_cp_commands, NULL};
static const struct cli_command *const vm_tables[] = {cli_vm_commands, cli_menu_commands, NULL};
static const struct cli_command *const cluster_tables[] = {cli_node_commands, cli_image_commands,
	cli_events_commands, cli_top_commands, cli_stats_commands, cli_cluster_commands,
	cli_chaos_commands, cli_completion_commands, NULL};

const struct cli_group cli_groups[] = {
	{"Run something", run_tables},
	{"Look after tasks", task_tables},
	{"Virtual machines", vm_tables},
	{"Look after the cluster", cluster_tables},
	{NULL, NULL},
};

/* Every command in the order of the help, one a call; NULL at the end. */
struct walk {
	const struct cli_group *group;
	const struct cli_command *const *table;
	const struct cli_command *command;
};

static struct walk
walk_begin(void)
{
	return (struct walk){cli_groups, cli_groups[0].tables, cli_groups[0].tables[0]};
}

static const struct cli_command *
walk_next(struct walk *walk)
{
	while (walk->group->title != NULL) {
		if (*walk->table == NULL) {
			walk->group++;
			walk->table = walk->group->tables;
			walk->command = walk->table == NULL ? NULL : *walk->table;
		} else if (walk->command->name == NULL) {
			walk->table++;
			walk->command = *walk->table;
		} else {
			return walk->command++;
		}
	}
	return NULL;
}

/* How many of the arguments spell the name, 0 if they do not. */
static int
words_matched(const char *name, int argc, char **argv)
{
	int n = 0;

	while (name != NULL && *name != '\0') {
		size_t length = strcspn(name, " ");

		if (n >= argc || strlen(argv[n]) != length || strncmp(argv[n], name, length) != 0)
			return 0;
		n++;
		name += length + strspn(name + length, " ");
	}
	return n;
}

const struct cli_command *
cli_command_find(int argc, char **argv, int *ret_words)
{
	const struct cli_command *command, *best = NULL;
	struct walk walk = walk_begin();
	int best_words = 0;

	while ((command = walk_next(&walk)) != NULL) {
		int name = words_matched(command->name, argc, argv);
		int alias = words_matched(command->alias, argc, argv);
		int n = name > alias ? name : alias;

		if (n > best_words) {
			best_words = n;
			best = command;
		}
	}
	if (best != NULL)
		*ret_words = best_words;
	return best;
}

const char *
cli_command_suggest(const char *word)
{
	struct suggest suggest = suggest_begin(word, strlen(word));
	const struct cli_command *command;
	struct walk walk = walk_begin();

	while ((command = walk_next(&walk)) != NULL)
		suggest_try(&suggest, command->name);
	return suggest.nearest;
}

static void
print_line(const struct cli_command *command, FILE *out)
{
	(void)fprintf(out, "  %-15s %s\n", command->name, command->summary);
}

bool
cli_command_print_family(const char *word, FILE *out)
{
	const struct cli_command *command;
	struct walk walk = walk_begin();
	size_t length = strlen(word);
	bool is_family = false;

	while ((command = walk_next(&walk)) != NULL) {
		if (strncmp(command->name, word, length) != 0 || command->name[length] != ' ')
			continue;
		is_family = true;
		if (out != NULL)
			print_line(command, out);
	}
	return is_family;
}

void
cli_command_print_all(FILE *out)
{
	const struct cli_group *group = NULL;
	const struct cli_command *command;
	struct walk walk = walk_begin();

	while ((command = walk_next(&walk)) != NULL) {
		if (group != walk.group) {
			group = walk.group;
			(void)fprintf(out, "\n%s:\n", group->title);
		}
		print_line(command, out);
	}
}
