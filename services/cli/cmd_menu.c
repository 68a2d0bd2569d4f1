/* davit menu: virtual machines by number; tested by tests/unit/test_cli_menu.c and vms.bats. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/model/vm.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_vm.h"

enum { LINE_SIZE = 256 };

struct settings {
	struct cli_globals globals;
	char *image;
};

/*
 * Byte by byte: what follows belongs to the shell that option 3 opens. False: there is no more.
 * Blanks around it are cut off.
 */
static bool
ask(struct cli *cli, const char *prompt, char ret_line[LINE_SIZE])
{
	size_t n = 0, first;
	ssize_t got;
	char byte;

	(void)fprintf(cli->out, "%s", prompt);
	(void)fflush(cli->out);
	while ((got = read(STDIN_FILENO, &byte, 1)) == 1 || (got < 0 && errno == EINTR)) {
		if (got == 1 && byte == '\n')
			break;
		if (got == 1 && n < LINE_SIZE - 1)
			ret_line[n++] = byte;
	}
	while (n > 0 && strchr(" \t\r", ret_line[n - 1]) != NULL)
		n--;
	ret_line[n] = '\0';
	first = strspn(ret_line, " \t");
	memmove(ret_line, ret_line + first, n - first + 1);
	return got == 1 || n > 0;
}

static void
create(struct cli *cli, const char *image)
{
	CLEANUP(cli_vm_fini) struct cli_vm vm = {0};
	struct vm_wish wish = {.image = image};
	char name[LINE_SIZE];

	if (!ask(cli, "Enter new VM name: ", name) || name[0] == '\0') {
		(void)fprintf(cli->out, "VM name required.\n");
		return;
	}
	wish.name = name;
	if (cli_vm_create(cli, &wish, &vm) != CLI_OK)
		return;
	(void)fprintf(cli->out, "Response: ");
	cli_vm_print_json(cli->out, &vm);
}

static void
print_servers(struct cli *cli, const struct cli_vms *vms)
{
	(void)fprintf(cli->out, "\n=== Running Containers (All Servers) ===\n");
	for (size_t i = 0; i < vms->nodes->n_nodes; i++) {
		const char *node = vms->nodes->nodes[i]->name;

		(void)fprintf(cli->out, "\nServer: %s\n", node);
		for (size_t j = 0; j < vms->n; j++) {
			const Davit__Task *task = vms->tasks[j];

			if (task->node_name == NULL || strcmp(task->node_name, node) != 0)
				continue;
			(void)fprintf(cli->out, "  - %s (%.12s) [%s]\n", task->name,
				task->container_id == NULL ? task->id : task->container_id,
				vm_status(task));
		}
	}
}

/* Lists them, asks for one, and puts its name there. False: there is nothing to do. */
static bool
choose(struct cli *cli, const char *none, const char *prompt, char ret_name[LINE_SIZE])
{
	CLEANUP(cli_vms_fini) struct cli_vms vms = {0};

	if (cli_vms_list(cli, &vms) != CLI_OK)
		return false;
	print_servers(cli, &vms);
	if (vms.n == 0) {
		(void)fprintf(cli->out, "%s\n", none);
		return false;
	}
	(void)fprintf(cli->out, "\n");
	(void)ask(cli, prompt, ret_name);
	for (size_t i = 0; i < vms.n; i++)
		if (strcmp(vms.tasks[i]->name, ret_name) == 0)
			return true;
	(void)fprintf(cli->out, "VM not found.\n");
	return false;
}

static void
list(struct cli *cli)
{
	CLEANUP(cli_vms_fini) struct cli_vms vms = {0};

	if (cli_vms_list(cli, &vms) == CLI_OK)
		print_servers(cli, &vms);
}

static void
open_shell(struct cli *cli)
{
	char name[LINE_SIZE];

	if (!choose(cli, "No VMs to connect.", "Enter VM name to open shell: ", name))
		return;
	(void)fprintf(cli->out, "\n[+] Opening a shell in %s. Type 'exit' to leave it.\n", name);
	(void)fflush(cli->out);
	(void)cli_vm_shell(cli, name);
}

static void delete (struct cli *cli)
{
	char name[LINE_SIZE], *names[] = {name};

	if (!choose(cli, "No VMs to delete.", "Enter VM name to delete: ", name))
		return;
	if (cli_vm_remove(cli, names, 1) == CLI_OK)
		(void)fprintf(cli->out, "Response: {\"name\": \"%s\", \"status\": \"deleted\"}\n",
			name);
}

static int
cmd_menu(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	char choice[LINE_SIZE];

	(void)argc;
	(void)argv;
	for (;;) {
		(void)fprintf(cli->out, "\n========== Mini Cloud Client ==========\n"
					"1. Create VM\n"
					"2. List VMs\n"
					"3. SSH (exec) into VM\n"
					"4. Delete VM\n"
					"5. Exit\n"
					"=======================================\n");
		if (!ask(cli, "Enter choice: ", choice) || strcmp(choice, "5") == 0)
			break;
		if (strcmp(choice, "1") == 0)
			create(cli, settings->image);
		else if (strcmp(choice, "2") == 0)
			list(cli);
		else if (strcmp(choice, "3") == 0)
			open_shell(cli);
		else if (strcmp(choice, "4") == 0)
			delete (cli);
		else
			(void)fprintf(cli->out, "Invalid choice.\n");
	}
	(void)fprintf(cli->out, "Goodbye!\n");
	return CLI_OK;
}

static const struct option_def menu_defs[] = {
	OPTION_STRING("image", 0, "IMAGE", struct settings, image, VM_IMAGE, "of new machines"),
	OPTION_END,
};

const struct cli_command cli_menu_commands[] = {
	{
		.name = "menu",
		.summary = "Create, list, enter and delete virtual machines by number",
		.examples = "  davit menu\n",
		.defs = menu_defs,
		.settings_size = sizeof(struct settings),
		.run = cmd_menu,
	},
	{.name = NULL},
};
