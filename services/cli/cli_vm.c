#include "services/cli/cli_vm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/pbjson/pbjson.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_channel.h"
#include "services/cli/cli_task.h"

enum { START_LIMIT_MS = 10 * 60 * 1000 };

void
cli_vm_fini(struct cli_vm *vm)
{
	cli_task_free(vm->task);
	free(vm->host);
	*vm = (struct cli_vm){0};
}

const char *
cli_vm_host(const Davit__ListNodesReply *nodes, const char *node_name)
{
	for (size_t i = 0; node_name != NULL && i < nodes->n_nodes; i++)
		if (strcmp(nodes->nodes[i]->name, node_name) == 0 &&
			nodes->nodes[i]->address != NULL)
			return nodes->nodes[i]->address;
	return "127.0.0.1";
}

/* ---- looking ---- */

static int
list_nodes(struct cli *cli, Davit__ListNodesReply **ret_nodes)
{
	Davit__ListNodesRequest request = DAVIT__LIST_NODES_REQUEST__INIT;
	ProtobufCMessage *response = NULL;
	int code = cli_call(cli, "ListNodes", &request.base, &response);

	if (code == CLI_OK)
		*ret_nodes = (Davit__ListNodesReply *)response;
	return code;
}

static int
by_node(const void *a, const void *b)
{
	const Davit__Task *const *left = a, *const *right = b;
	const char *one = (*left)->node_name, *two = (*right)->node_name;
	int rc = strcmp(one == NULL ? "" : one, two == NULL ? "" : two);

	return rc != 0 ? rc : strcmp((*left)->id, (*right)->id);
}

static void
keep_live(struct cli_vms *vms, ProtobufCMessage *page)
{
	const Davit__ListTasksReply *reply = (const void *)page;

	vms->pages = xrealloc(vms->pages, vms->n_pages + 1, sizeof(void *));
	vms->pages[vms->n_pages++] = page;
	vms->tasks = xrealloc(vms->tasks, vms->n + reply->n_tasks + 1, sizeof(void *));
	for (size_t i = 0; i < reply->n_tasks; i++)
		if (reply->tasks[i]->state < DAVIT__TASK__STATE__COMPLETED &&
			reply->tasks[i]->desired != DAVIT__TASK__DESIRED__REMOVE)
			vms->tasks[vms->n++] = reply->tasks[i];
}

int
cli_vms_list(struct cli *cli, struct cli_vms *ret_vms)
{
	Davit__ListTasksRequest request = DAVIT__LIST_TASKS_REQUEST__INIT;
	Davit__StringEntry label = DAVIT__STRING_ENTRY__INIT, *labels[] = {&label};
	ProtobufCMessage *page;
	int code;

	*ret_vms = (struct cli_vms){0};
	label.key = (char *)(uintptr_t)VM_LABEL;
	request.labels = labels;
	request.n_labels = 1;
	request.namespace_ = cli->globals->namespace_name;
	do {
		page = NULL;
		code = cli_call(cli, "ListTasks", &request.base, &page);
		if (code != CLI_OK)
			break;
		keep_live(ret_vms, page);
		request.after = ((const Davit__ListTasksReply *)(const void *)page)->next;
	} while (request.after != NULL);
	if (code == CLI_OK)
		code = list_nodes(cli, &ret_vms->nodes);
	if (code != CLI_OK)
		cli_vms_fini(ret_vms);
	else if (ret_vms->n > 0)
		qsort(ret_vms->tasks, ret_vms->n, sizeof(void *), by_node);
	return code;
}

void
cli_vms_fini(struct cli_vms *vms)
{
	for (size_t i = 0; i < vms->n_pages; i++)
		protobuf_c_message_free_unpacked(vms->pages[i], NULL);
	if (vms->nodes != NULL)
		davit__list_nodes_reply__free_unpacked(vms->nodes, NULL);
	free(vms->pages);
	free(vms->tasks);
	*vms = (struct cli_vms){0};
}

int
cli_vm_get(struct cli *cli, const char *name, struct cli_vm *ret_vm)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	Davit__ListNodesReply *nodes = NULL;
	int code;

	*ret_vm = (struct cli_vm){0};
	request.task = (char *)(uintptr_t)name;
	request.namespace_ = cli->globals->namespace_name;
	code = cli_call(cli, "GetTask", &request.base, &response);
	if (code != CLI_OK)
		return code;
	ret_vm->task = TAKE(((Davit__GetTaskReply *)(void *)response)->task);
	if (!vm_is(ret_vm->task) || cli_task_has_ended(ret_vm->task)) {
		cli_vm_fini(ret_vm);
		return cli_fail(cli, CLI_NOT_FOUND, "no VM '%s': see davit vm ls", name);
	}
	code = list_nodes(cli, &nodes);
	if (code == CLI_OK) {
		ret_vm->host = xstrdup(cli_vm_host(nodes, ret_vm->task->node_name));
		davit__list_nodes_reply__free_unpacked(nodes, NULL);
	} else {
		cli_vm_fini(ret_vm);
	}
	return code;
}

/* ---- making and removing ---- */

int
cli_vm_remove(struct cli *cli, char **names, size_t n)
{
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;

	for (size_t i = 0; i < n; i++) {
		CLEANUP(cli_vm_fini) struct cli_vm vm = {0};
		int code = cli_vm_get(cli, names[i], &vm);

		if (code != CLI_OK)
			return code;
	}
	request.tasks = names;
	request.n_tasks = n;
	request.namespace_ = cli->globals->namespace_name;
	request.has_force = request.force = true;
	return cli_call_changing(cli, "RemoveTasks", &request.base, &response);
}

static int
swallow(bool is_err, const void *data, size_t size, void *arg)
{
	(void)is_err;
	(void)data;
	(void)size;
	(void)arg;
	return 0;
}

/* An image without a shell, or with another sshd: what it can do is for its user to know. */
static int
wait_for_sshd(struct cli *cli, const char *task)
{
	Davit__OpenChannelRequest request = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	Davit__ExecOptions exec = DAVIT__EXEC_OPTIONS__INIT;
	struct cli_channel channel = {.cli = cli, .sink = swallow, .in_fd = -1};
	int code;

	exec.command = (char **)(uintptr_t)vm_ready_command;
	while (vm_ready_command[exec.n_command] != NULL)
		exec.n_command++;
	request.task = (char *)(uintptr_t)task;
	request.exec = &exec;
	code = cli_channel_open(cli, &request, &channel);
	if (code == CLI_OK)
		code = cli_channel_run(&channel);
	if (code == CLI_OK && channel.has_exit_code && channel.exit_code == 1)
		code = cli_fail(cli, CLI_FAILED,
			"it runs, but its sshd did not begin to listen: see davit logs %s", task);
	cli_channel_close(&channel);
	return code;
}

static int
submit(struct cli *cli, const struct vm_wish *wish, ProtobufCMessage **ret_response)
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	CLEANUP(arena_fini) struct arena arena = {0};
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	struct err err = {0};

	if (vm_spec_fill(wish, &spec, &arena, &err) < 0)
		return cli_fail(cli, CLI_USAGE, "%s", err.text);
	spec.namespace_ = cli->globals->namespace_name;
	request.spec = &spec;
	return cli_call_changing(cli, "SubmitTasks", &request.base, ret_response);
}

static void
take_back(struct cli *cli, char *id)
{
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;

	request.tasks = &id;
	request.n_tasks = 1;
	request.has_force = request.force = true;
	(void)cli_call_changing(cli, "RemoveTasks", &request.base, &response);
}

int
cli_vm_create(struct cli *cli, struct vm_wish *wish, struct cli_vm *ret_vm)
{
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	CLEANUP(cli_task_free) Davit__Task *task = NULL;
	struct cli_wait wait = {.until = DAVIT__TASK__STATE__RUNNING,
		.shows_progress = cli->is_err_terminal,
		.limit_ms = START_LIMIT_MS};
	uint8_t random[VM_PASSWORD_SIZE - 1] = {0};
	char password[VM_PASSWORD_SIZE];
	char *id;
	int code;

	arc4random_buf(random, sizeof random);
	arc4random_buf(wish->salt, sizeof wish->salt);
	vm_password_make(random, password);
	if (wish->password == NULL)
		wish->password = password;
	code = submit(cli, wish, &response);
	if (code != CLI_OK)
		return code;
	id = ((Davit__SubmitTasksReply *)(void *)response)->task_ids[0];
	wait.task = id;
	code = cli_task_wait(cli, &wait, &task);
	if (code == CLI_OK && cli_task_has_ended(task)) {
		cli_task_explain(cli, task);
		code = CLI_FAILED;
	}
	if (code != CLI_OK) {
		take_back(cli, id);
		return code;
	}
	code = wait_for_sshd(cli, id);
	if (code == CLI_OK)
		code = cli_vm_get(cli, id, ret_vm);
	if (code == CLI_OK)
		(void)snprintf(ret_vm->password, sizeof ret_vm->password, "%s", wish->password);
	if (wish->password == password)
		wish->password = NULL;
	return code;
}

/* ---- a shell ---- */

int
cli_vm_shell(struct cli *cli, const char *task)
{
	bool is_terminal = isatty(STDIN_FILENO) == 1;
	char shell[] = "/bin/sh", *command[] = {shell};
	Davit__OpenChannelRequest request = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	Davit__ExecOptions exec = DAVIT__EXEC_OPTIONS__INIT;
	struct cli_channel channel = {.cli = cli,
		.sink = cli_channel_print,
		.arg = cli,
		.in_fd = STDIN_FILENO,
		.is_raw = is_terminal};
	struct winsize size;
	int code;

	exec.command = command;
	exec.n_command = 1;
	exec.has_stdin = exec.stdin = exec.has_tty = true;
	exec.tty = is_terminal;
	if (is_terminal && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) {
		exec.has_rows = exec.has_columns = true;
		exec.rows = size.ws_row;
		exec.columns = size.ws_col;
	}
	request.task = (char *)(uintptr_t)task;
	request.exec = &exec;
	code = cli_channel_open(cli, &request, &channel);
	if (code == CLI_OK)
		code = cli_channel_run(&channel);
	if (code == CLI_OK)
		code = cli_channel_code(&channel);
	cli_channel_close(&channel);
	return code;
}

void
cli_vm_print_json(FILE *out, const struct cli_vm *vm)
{
	const struct {
		const char *key, *value;
	} texts[] = {{"name", vm->task->name}, {"password", vm->password}, {"ssh_host", vm->host},
		{"ssh_port", NULL}, {"status", "created"}, {"username", VM_USER}};
	CLEANUP(buf_fini) struct buf text = {0};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		buf_printf(&text, "%s\"%s\": ", i == 0 ? "{" : ", ", texts[i].key);
		if (texts[i].value == NULL)
			buf_printf(&text, "\"%u\"", vm_port(vm->task));
		else
			pbjson_print_text(texts[i].value, strlen(texts[i].value), &text);
	}
	(void)fprintf(out, "%s}\n", buf_text(&text));
}
