/*
 * cli_commands.h - the tables of commands, one per file cmd_*.c.
 *
 * cli_groups lists them in the order of `davit --help`. Constant data.
 */
#pragma once

#include "services/cli/cli.h"

extern const struct cli_command cli_run_commands[];        /* cmd_run.c */
extern const struct cli_command cli_submit_commands[];     /* cmd_submit.c */
extern const struct cli_command cli_list_commands[];       /* cmd_list.c */
extern const struct cli_command cli_task_commands[];       /* cmd_task.c */
extern const struct cli_command cli_pause_commands[];      /* cmd_pause.c */
extern const struct cli_command cli_explain_commands[];    /* cmd_explain.c */
extern const struct cli_command cli_logs_commands[];       /* cmd_logs.c */
extern const struct cli_command cli_exec_commands[];       /* cmd_exec.c */
extern const struct cli_command cli_cp_commands[];         /* cmd_cp.c */
extern const struct cli_command cli_image_commands[];      /* cmd_image.c */
extern const struct cli_command cli_events_commands[];     /* cmd_events.c */
extern const struct cli_command cli_top_commands[];        /* cmd_top.c */
extern const struct cli_command cli_stats_commands[];      /* cmd_stats.c */
extern const struct cli_command cli_vm_commands[];         /* cmd_vm.c */
extern const struct cli_command cli_menu_commands[];       /* cmd_menu.c */
extern const struct cli_command cli_node_commands[];       /* cmd_node.c */
extern const struct cli_command cli_chaos_commands[];      /* cmd_chaos.c */
extern const struct cli_command cli_cluster_commands[];    /* cmd_cluster.c */
extern const struct cli_command cli_completion_commands[]; /* cmd_completion.c */

struct cli_group {
	const char *title;                       /* NULL ends the list */
	const struct cli_command *const *tables; /* ends with NULL */
};

extern const struct cli_group cli_groups[];

/*
 * The command that the arguments begin with: two words before one. ret_words is
 * how many of them are its name. NULL if there is none.
 */
const struct cli_command *cli_command_find(int argc, char **argv, int *ret_words);

/* The name that was probably meant, or NULL. */
const char *cli_command_suggest(const char *word);

/* True if commands begin with the word: "node". Prints them to out (NULL: only tells). */
bool cli_command_print_family(const char *word, FILE *out);

void cli_command_print_all(FILE *out);
