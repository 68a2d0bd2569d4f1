/* davit vm and davit menu; with a real engine and ssh in tests/e2e/vms.bats. */
#include <stdlib.h>
#include <unistd.h>

#include "common/model/vm.h"
#include "proto/manager.pb-c.h"
#include "tests/lib/cli_world.h"

static char *
text(const char *constant)
{
	return (char *)(uintptr_t)constant;
}

static struct {
	char hash[256], key[256], image[64]; /* of what was submitted */
	bool is_vm, has_failed;
	unsigned n_removed;
} seen;

static void
on_submit(struct cli_world *world, struct rpc_call *call)
{
	const Davit__TaskSpec *spec =
		((const Davit__SubmitTasksRequest *)(const void *)call->request)->spec;
	Davit__SubmitTasksReply reply = DAVIT__SUBMIT_TASKS_REPLY__INIT;
	char *ids[] = {text("id-1")};

	(void)world;
	(void)snprintf(seen.image, sizeof seen.image, "%s", spec->image);
	for (size_t i = 0; i < spec->n_env; i++)
		(void)snprintf(i == 0 ? seen.hash : seen.key, 256, "%s", spec->env[i]->value);
	reply.task_ids = ids;
	reply.n_task_ids = 1;
	rpc_call_answer(call, &reply.base);
}

/* A VM on n1 whose sshd is reached at port 32775. */
static Davit__Task *
vm_task(void)
{
	static Davit__Task task;
	static Davit__TaskSpec spec;
	static Davit__StringEntry label, *labels[] = {&label};
	static Davit__PortMapping port, *ports[] = {&port};

	task = cli_world_task();
	davit__task_spec__init(&spec);
	davit__string_entry__init(&label);
	davit__port_mapping__init(&port);
	spec.image = text(VM_IMAGE);
	label.key = text(VM_LABEL);
	label.value = text("1");
	spec.labels = labels;
	spec.n_labels = seen.is_vm;
	port.has_container_port = port.has_host_port = true;
	port.container_port = 22;
	port.host_port = 32775;
	task.name = text("vm_1");
	task.container_id = text("0123456789abcdef");
	task.spec = &spec;
	task.ports = ports;
	task.n_ports = 1;
	if (seen.has_failed)
		task.state = DAVIT__TASK__STATE__FAILED;
	return &task;
}

static void
on_wait(struct cli_world *world, struct rpc_call *call)
{
	Davit__WaitTaskReply reply = DAVIT__WAIT_TASK_REPLY__INIT;

	(void)world;
	reply.task = vm_task();
	reply.has_reached = reply.reached = true;
	rpc_call_answer(call, &reply.base);
}

static void
on_get(struct cli_world *world, struct rpc_call *call)
{
	Davit__GetTaskReply reply = DAVIT__GET_TASK_REPLY__INIT;

	(void)world;
	reply.task = vm_task();
	rpc_call_answer(call, &reply.base);
}

static void
on_nodes(struct cli_world *world, struct rpc_call *call)
{
	Davit__ListNodesReply reply = DAVIT__LIST_NODES_REPLY__INIT;
	Davit__Node node = DAVIT__NODE__INIT, *nodes[] = {&node};

	(void)world;
	node.name = text("n1");
	node.address = text("192.168.1.10");
	reply.nodes = nodes;
	reply.n_nodes = 1;
	rpc_call_answer(call, &reply.base);
}

static void
on_list(struct cli_world *world, struct rpc_call *call)
{
	const Davit__ListTasksRequest *request = (const void *)call->request;
	Davit__ListTasksReply reply = DAVIT__LIST_TASKS_REPLY__INIT;
	Davit__Task *tasks[] = {vm_task()};

	(void)world;
	CHECK_STR(request->labels[0]->key, VM_LABEL);
	reply.tasks = tasks;
	reply.n_tasks = 1;
	rpc_call_answer(call, &reply.base);
}

static void
on_remove(struct cli_world *world, struct rpc_call *call)
{
	Davit__RemoveTasksReply reply = DAVIT__REMOVE_TASKS_REPLY__INIT;

	(void)world;
	CHECK(((const Davit__RemoveTasksRequest *)(const void *)call->request)->force);
	seen.n_removed++;
	rpc_call_answer(call, &reply.base);
}

static void
on_open(struct cli_world *world, struct rpc_call *call)
{
	Davit__OpenChannelReply reply = DAVIT__OPEN_CHANNEL_REPLY__INIT;

	(void)world;
	reply.channel = text("channel-1");
	rpc_call_answer(call, &reply.base);
}

static void
on_read(struct cli_world *world, struct rpc_call *call)
{
	Davit__ReadChannelReply reply = DAVIT__READ_CHANNEL_REPLY__INIT;

	(void)world;
	reply.has_end = reply.end = reply.has_exit_code = true;
	rpc_call_answer(call, &reply.base);
}

static void
on_close(struct cli_world *world, struct rpc_call *call)
{
	Davit__CloseChannelReply reply = DAVIT__CLOSE_CHANNEL_REPLY__INIT;

	(void)world;
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script script[] = {{"SubmitTasks", on_submit}, {"WaitTask", on_wait},
	{"GetTask", on_get}, {"ListNodes", on_nodes}, {"ListTasks", on_list},
	{"RemoveTasks", on_remove}, {"OpenChannel", on_open}, {"ReadChannel", on_read},
	{"CloseChannel", on_close}, {NULL, NULL}};

static void
begin(struct cli_world *world)
{
	memset(&seen, 0, sizeof seen);
	seen.is_vm = true;
	cli_world_open(world, script);
}

TEST(cli_vm_create_tells_how_to_get_in)
{
	struct cli_world world;

	begin(&world);
	CHECK_EQ(cli_world_run(&world, "vm", "create", "vm_1", NULL), CLI_OK);
	CHECK_HAS(world.out, "ssh       ssh -p 32775 root@192.168.1.10\npassword  ");
	CHECK_STR(seen.image, VM_IMAGE);
	CHECK_HAS(seen.hash, "$6$");
	CHECK_EQ(cli_world_run(&world, "vm", "create", "--password", "sesame", "-o", "json", NULL),
		CLI_OK);
	CHECK_STR(world.out, "{\"name\": \"vm_1\", \"password\": \"sesame\", \"ssh_host\": "
			     "\"192.168.1.10\", \"ssh_port\": \"32775\", \"status\": \"created\", "
			     "\"username\": \"root\"}\n");
	CHECK(strstr(seen.hash, "sesame") == NULL);
	cli_world_close(&world);
}

TEST(cli_vm_create_takes_a_public_key_and_no_private_one)
{
	char path[] = "/tmp/davit-key-XXXXXX";
	int fd = mkstemp(path);
	struct cli_world world;

	begin(&world);
	CHECK(write(fd, "ssh-ed25519 AAAA me\n", 20) == 20);
	CHECK_EQ(cli_world_run(&world, "vm", "create", "--key", path, "vm_1", NULL), CLI_OK);
	CHECK_STR(seen.key, "ssh-ed25519 AAAA me");
	CHECK(pwrite(fd, "-----BEGIN OPENSSH PRIVATE KEY-----\n", 36, 0) == 36);
	CHECK_EQ(cli_world_run(&world, "vm", "create", "--key", path, "vm_1", NULL), CLI_USAGE);
	CHECK_HAS(world.err, "private key");
	CHECK_EQ(cli_world_run(&world, "vm", "create", "--key", "/none", "vm_1", NULL), CLI_USAGE);
	(void)close(fd);
	(void)unlink(path);
	cli_world_close(&world);
}

TEST(cli_vm_that_does_not_start_is_removed_again)
{
	struct cli_world world;

	begin(&world);
	seen.has_failed = true;
	CHECK_EQ(cli_world_run(&world, "vm", "create", "vm_1", NULL), CLI_FAILED);
	CHECK_EQ(seen.n_removed, 1);
	cli_world_close(&world);
}

TEST(cli_vm_ls_and_rm_know_virtual_machines_only)
{
	struct cli_world world;

	begin(&world);
	CHECK_EQ(cli_world_run(&world, "vm", "ls", NULL), CLI_OK);
	CHECK_HAS(world.out, "vm_1  0123456789ab  n1    running  ssh -p 32775 root@192.168.1.10\n");
	CHECK_EQ(cli_world_run(&world, "vm", "rm", "vm_1", NULL), CLI_OK);
	CHECK_STR(world.out, "vm_1\n");
	CHECK_EQ(seen.n_removed, 1);
	seen.is_vm = false;
	CHECK_EQ(cli_world_run(&world, "vm", "rm", "vm_1", NULL), CLI_NOT_FOUND);
	CHECK_EQ(cli_world_run(&world, "vm", "ssh", "vm_1", NULL), CLI_NOT_FOUND);
	CHECK_EQ(seen.n_removed, 1);
	cli_world_close(&world);
}

/* What is typed into `davit menu`; world->out has what it says. */
static void
type(struct cli_world *world, const char *keys)
{
	int ends[2], saved = dup(STDIN_FILENO);

	CHECK(pipe(ends) == 0);
	CHECK(write(ends[1], keys, strlen(keys)) == (ssize_t)strlen(keys));
	(void)close(ends[1]);
	CHECK(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
	(void)close(ends[0]);
	CHECK_EQ(cli_world_run(world, "menu", NULL), CLI_OK);
	(void)dup2(saved, STDIN_FILENO);
	(void)close(saved);
}

TEST(cli_menu_creates_lists_and_deletes_in_the_words_of_the_original)
{
	struct cli_world world;

	begin(&world);
	type(&world, "1\n vm_1 \n2\n4\nvm_1\n5\n");
	CHECK_HAS(world.out, "Mini Cloud Client");
	CHECK_HAS(world.out,
		"1. Create VM\n2. List VMs\n3. SSH (exec) into VM\n4. Delete VM\n5. Exit\n");
	CHECK_HAS(world.out, "Enter choice: Enter new VM name: Response: {\"name\": \"vm_1\"");
	CHECK_HAS(world.out, "Server: n1\n  - vm_1 (0123456789ab) [running]\n");
	CHECK_HAS(world.out, "Enter VM name to delete: Response: {\"name\": \"vm_1\", \"status\": "
			     "\"deleted\"}");
	CHECK_HAS(world.out, "Goodbye!\n");
	cli_world_close(&world);
}

TEST(cli_menu_bears_with_what_is_wrong)
{
	struct cli_world world;

	begin(&world);
	type(&world, "9\n1\n\n4\nnone\n3\nnone\n");
	CHECK_HAS(world.out, "Invalid choice.\n");
	CHECK_HAS(world.out, "VM name required.\n");
	CHECK_HAS(world.out, "Enter VM name to delete: VM not found.\n");
	CHECK_HAS(world.out, "Enter VM name to open shell: VM not found.\n");
	CHECK_HAS(world.out, "Goodbye!\n");
	CHECK_EQ(seen.n_removed, 0);
	cli_world_close(&world);
}
