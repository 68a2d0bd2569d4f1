/* davit vm create, ls, ssh, rm; tested by tests/unit/test_cli_vm.c and tests/e2e/vms.bats. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/model/vm.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_output.h"
#include "services/cli/cli_table.h"
#include "services/cli/cli_vm.h"

enum { SSH_WORDS_MAX = 48 };

struct settings {
	struct cli_globals globals;
	char *image, *key_file, *password, *node, *identity;
	uint64_t cpu_milli, memory_bytes;
};

/* ---- create ---- */

static const struct option_def create_defs[] = {
	OPTION_STRING("image", 0, "IMAGE", struct settings, image, VM_IMAGE,
		"of the machine: made by deploy/images/vm"),
	OPTION_STRING("key", 'k', "FILE", struct settings, key_file, NULL,
		"public key that may log in: ~/.ssh/id_ed25519.pub"),
	OPTION_STRING("password", 0, "TEXT", struct settings, password, NULL,
		"of root; default: a random one, shown once"),
	OPTION_STRING("node", 0, "NODE", struct settings, node, NULL, "where it shall run"),
	OPTION_CPU("cpus", 0, struct settings, cpu_milli, NULL, "reserved for it, and its limit"),
	OPTION_BYTES("memory", 'm', struct settings, memory_bytes, NULL,
		"reserved for it, and its limit"),
	OPTION_END,
};

/* Its first line. NULL: what is wrong was said. */
static char *
read_key(struct cli *cli, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[VM_KEY_MAX + 2];

	if (file == NULL || fgets(line, sizeof line, file) == NULL) {
		(void)cli_fail(cli, CLI_USAGE, "--key '%s': %s", path,
			file == NULL ? strerror(errno) : "the file is empty");
		if (file != NULL)
			(void)fclose(file);
		return NULL;
	}
	(void)fclose(file);
	line[strcspn(line, "\r\n")] = '\0';
	if (strstr(line, "PRIVATE KEY") != NULL) {
		(void)cli_fail(cli, CLI_USAGE,
			"--key '%s' is a private key: want the .pub beside it", path);
		return NULL;
	}
	return xstrdup(line);
}

static int
cmd_create(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	CLEANUP(free) char *key = NULL;
	CLEANUP(cli_vm_fini) struct cli_vm vm = {0};
	struct vm_wish wish = {.name = argc > 0 ? argv[0] : NULL,
		.image = settings->image,
		.password = settings->password,
		.node = settings->node,
		.cpu_milli = settings->cpu_milli,
		.memory_bytes = settings->memory_bytes};
	int code;

	if (settings->key_file != NULL) {
		key = read_key(cli, settings->key_file);
		if (key == NULL)
			return CLI_USAGE;
		wish.public_key = key;
	}
	code = cli_vm_create(cli, &wish, &vm);
	if (code != CLI_OK)
		return code;
	if (cli_is_structured(cli))
		cli_vm_print_json(cli->out, &vm);
	else if (cli->globals->is_quiet)
		(void)fprintf(cli->out, "%s\n", vm.task->id);
	else
		(void)fprintf(cli->out,
			"name      %s\nnode      %s\nssh       ssh -p %u " VM_USER "@%s\n"
			"password  %s\n",
			vm.task->name, vm.task->node_name, vm_port(vm.task), vm.host,
			settings->password == NULL ? vm.password : "as given");
	return CLI_OK;
}

/* ---- ls ---- */

static int
cmd_ls(struct cli *cli, void *arg, int argc, char **argv)
{
	static const struct cli_column columns[] = {
		{"NAME", false, false},
		{"ID", false, false},
		{"NODE", false, false},
		{"STATUS", false, false},
		{"SSH", false, false},
		{NULL, false, false},
	};
	CLEANUP(cli_table_free) struct cli_table *table = cli_table_new(columns);
	CLEANUP(cli_vms_fini) struct cli_vms vms = {0};
	int code = cli_vms_list(cli, &vms);

	(void)arg;
	(void)argc;
	(void)argv;
	if (code != CLI_OK)
		return code;
	if (cli_is_structured(cli)) {
		cli_print_list(cli, vms.n, vms.tasks);
		return CLI_OK;
	}
	for (size_t i = 0; i < vms.n; i++) {
		const Davit__Task *task = vms.tasks[i];

		if (cli->globals->is_quiet) {
			(void)fprintf(cli->out, "%s\n", task->id);
			continue;
		}
		cli_table_cell(table, task->name);
		cli_table_cellf(table, "%.12s",
			task->container_id == NULL ? "" : task->container_id);
		cli_table_cell(table, task->node_name);
		cli_table_cell(table, vm_status(task));
		if (vm_port(task) == 0)
			cli_table_cell(table, NULL);
		else
			cli_table_cellf(table, "ssh -p %u " VM_USER "@%s", vm_port(task),
				cli_vm_host(vms.nodes, task->node_name));
	}
	if (!cli->globals->is_quiet)
		cli_table_print(table, cli->width, cli->out);
	return CLI_OK;
}

/* ---- ssh ---- */

static const struct option_def ssh_defs[] = {
	OPTION_STRING("identity", 'i', "FILE", struct settings, identity, NULL,
		"private key to log in with"),
	OPTION_END,
};

struct words {
	const char *items[64];
	size_t n;
};

static void
add(struct words *words, const char *word)
{
	if (words->n < sizeof words->items / sizeof words->items[0] - 1)
		words->items[words->n++] = word;
}

/* Becomes ssh. A VM's host key is known by the VM's id: ports and addresses are used again. */
static int
become_ssh(struct cli *cli, const struct cli_vm *vm, const char *identity, int argc, char **argv)
{
	char alias[128], port[16], target[512];
	struct words words = {.n = 0};

	(void)snprintf(alias, sizeof alias, "HostKeyAlias=davit-%s", vm->task->id);
	(void)snprintf(port, sizeof port, "%u", vm_port(vm->task));
	(void)snprintf(target, sizeof target, VM_USER "@%s", vm->host);
	add(&words, "ssh");
	add(&words, "-p");
	add(&words, port);
	add(&words, "-o");
	add(&words, alias);
	add(&words, "-o");
	add(&words, "StrictHostKeyChecking=accept-new");
	if (identity != NULL) {
		add(&words, "-i");
		add(&words, identity);
	}
	add(&words, target);
	for (int i = 0; i < argc; i++)
		add(&words, argv[i]);
	(void)fflush(cli->out);
	(void)execvp("ssh", (char *const *)(uintptr_t)words.items);
	return cli_fail(cli, CLI_FAILED,
		"ssh: %s; it is in openssh-client. Without it: davit exec -it %s -- sh",
		strerror(errno), vm->task->name);
}

static int
cmd_ssh(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	CLEANUP(cli_vm_fini) struct cli_vm vm = {0};
	bool has_dashes = argc > 1 && strcmp(argv[1], "--") == 0;
	int code = cli_vm_get(cli, argv[0], &vm);

	if (code != CLI_OK)
		return code;
	if (argc > SSH_WORDS_MAX)
		return cli_fail(cli, CLI_USAGE, "at most %d words: put quotes around the command",
			SSH_WORDS_MAX);
	if (vm_port(vm.task) == 0)
		return cli_fail(cli, CLI_FAILED, "'%s' has no port yet: it does not run", argv[0]);
	return become_ssh(cli, &vm, settings->identity, argc - 1 - has_dashes,
		argv + 1 + has_dashes);
}

/* ---- rm ---- */

static int
cmd_rm(struct cli *cli, void *arg, int argc, char **argv)
{
	int code = cli_vm_remove(cli, argv, (size_t)argc);

	(void)arg;
	for (int i = 0; code == CLI_OK && i < argc; i++)
		(void)fprintf(cli->out, "%s\n", argv[i]);
	return code;
}

const struct cli_command cli_vm_commands[] = {
	{
		.name = "vm create",
		.summary = "Start a virtual machine to log into, and wait until one can",
		.arguments = "[NAME]",
		.examples = "  davit vm create vm_1\n"
			    "  davit vm create --key ~/.ssh/id_ed25519.pub -m 256MiB vm_2\n"
			    "The image is made by deploy/images/vm/make.sh, or with a registry by\n"
			    "docker build -t davit-vm deploy/images/vm\n",
		.defs = create_defs,
		.settings_size = sizeof(struct settings),
		.max_arguments = 1,
		.run = cmd_create,
	},
	{
		.name = "vm ls",
		.summary = "List virtual machines",
		.examples = "  davit vm ls\n",
		.defs = cli_no_defs,
		.settings_size = sizeof(struct cli_globals),
		.run = cmd_ls,
	},
	{
		.name = "vm ssh",
		.summary = "Log into a virtual machine, or run a command there",
		.arguments = "NAME [--] [COMMAND…]",
		.examples = "  davit vm ssh vm_1\n"
			    "  davit vm ssh -i ~/.ssh/id_ed25519 vm_2 -- uname -a\n",
		.defs = ssh_defs,
		.settings_size = sizeof(struct settings),
		.min_arguments = 1,
		.max_arguments = -1,
		.stops_at_argument = true,
		.run = cmd_ssh,
	},
	{
		.name = "vm rm",
		.summary = "Remove virtual machines",
		.arguments = "NAME…",
		.examples = "  davit vm rm vm_1 vm_2\n",
		.defs = cli_no_defs,
		.settings_size = sizeof(struct cli_globals),
		.min_arguments = 1,
		.max_arguments = -1,
		.run = cmd_rm,
	},
	{.name = NULL},
};
