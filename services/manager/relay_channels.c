/* Channels pass through: the manager finds the node, the worker does the rest. */
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/model/spec.h"
#include "services/manager/relay_impl.h"
#include "services/manager/task_calls.h"
#include "services/manager/view.h"

enum {
	CHANNEL_BYTES_DEFAULT = 256 << 10,
	COMMAND_MAX = 1000,            /* words of a command */
	COMMAND_BYTES_MAX = 128 << 10, /* of them together, and of the environment */
	PATH_BYTES_MAX = 4096,
	OPEN_WAIT_MS = 20000, /* an engine under load takes its time to begin */
	NODE_ID_SIZE = ID_TEXT_SIZE - 1,
};

static void
refuse(struct manager *manager, struct rpc_call *call, const char *field, const char *why)
{
	batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, field, "%s", why);
}

/* ---- opening ---- */

static const char *
check_command(const Davit__ExecOptions *exec)
{
	size_t n_bytes = 0;

	if (exec->n_command == 0 || exec->command[0][0] == '\0')
		return "a command is missing";
	if (exec->n_command > COMMAND_MAX)
		return "at most 1,000 words";
	for (size_t i = 0; i < exec->n_command; i++)
		n_bytes += strlen(exec->command[i]);
	for (size_t i = 0; i < exec->n_env; i++)
		n_bytes += strlen(exec->env[i]->key) +
			   (exec->env[i]->value == NULL ? 0 : strlen(exec->env[i]->value));
	return n_bytes > COMMAND_BYTES_MAX ? "at most 128 KiB, with its environment" : NULL;
}

static const char *
check_path(const char *path)
{
	if (path[0] == '\0')
		return "a path is missing";
	return strlen(path) > PATH_BYTES_MAX ? "at most 4,096 bytes" : NULL;
}

/* What is wrong with the request, or NULL. */
static const char *
check_open(const Davit__OpenChannelRequest *request, const char **ret_field)
{
	int n = (request->exec != NULL) + (request->attach != NULL) + (request->copy_out != NULL) +
		(request->copy_in != NULL) + (request->pull != NULL);

	*ret_field = NULL;
	if (n != 1)
		return "want just one of exec, attach, copy_out, copy_in and pull";
	*ret_field = request->pull != NULL ? "node" : "task";
	if ((request->pull != NULL ? request->node : request->task) == NULL)
		return "this kind of channel needs it";
	*ret_field = "exec.command";
	if (request->exec != NULL)
		return check_command(request->exec);
	*ret_field = "copy_out.path";
	if (request->copy_out != NULL)
		return check_path(request->copy_out->path);
	*ret_field = "copy_in.path";
	if (request->copy_in != NULL)
		return check_path(request->copy_in->path);
	*ret_field = "pull.image";
	return request->pull != NULL ? check_path(request->pull->image) : NULL;
}

/* As of a spec. False: the call was refused. */
static bool
has_good_env(struct manager *manager, struct rpc_call *call, const Davit__ExecOptions *exec)
{
	char field[SPEC_FIELD_MAX], path[sizeof "exec." + SPEC_FIELD_MAX];
	struct err err = {0};

	if (exec == NULL || spec_check_env(exec->env, exec->n_env, field, &err) == 0)
		return true;
	(void)snprintf(path, sizeof path, "exec.%s", field);
	batch_refuse_err(manager, call, path, &err);
	return false;
}

static void
ask_open(const struct query *query, Davit__Query *message, struct arena *arena)
{
	const Davit__OpenChannelRequest *request =
		(const Davit__OpenChannelRequest *)query->call->request;
	Davit__ChannelQuery *open = arena_alloc(arena, sizeof *open);

	davit__channel_query__init(open);
	open->channel = query->channel;
	open->task_id = id_is_none(query->task_id) ? NULL : view_id(query->task_id, arena);
	open->exec = request->exec;
	open->attach = request->attach;
	open->copy_out = request->copy_out;
	open->copy_in = request->copy_in;
	open->pull = request->pull;
	message->open = open;
}

static const ProtobufCMessage *
pick_open(const Davit__QueryAnswer *answer)
{
	return answer->open == NULL ? NULL : &answer->open->base;
}

static const struct query_kind open_kind = {.ask = ask_open, .pick = pick_open};

/* Where the task's container is; NULL: the call was refused. */
static struct node *
find_container(struct manager *manager, struct rpc_call *call, struct task *task)
{
	const Davit__OpenChannelRequest *request = (const Davit__OpenChannelRequest *)call->request;
	bool needs_life = request->exec != NULL || request->attach != NULL;

	if (task == NULL)
		return NULL;
	if (needs_life && task_state_is_final(task->state)) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, "task",
			"the task has ended: its container does not run");
		return NULL;
	}
	if (!task->on_node || task->node == NULL ||
		task->observed < DAVIT__TASK_REPORT__OBSERVED__RUNNING) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, "task",
			"the task has no container%s%s",
			task_state_is_final(task->state) ? " any more" : " yet: ",
			task_state_is_final(task->state) ? ""
			: task->message != NULL          ? task->message
							 : "it is still being placed");
		return NULL;
	}
	return task->node;
}

static struct node *
find_node(struct manager *manager, struct rpc_call *call, const char *name)
{
	struct node *node = NULL;
	struct err err = {0};

	if (model_node_resolve(&manager->model, name, &node, &err) < 0) {
		batch_refuse_err(manager, call, "node", &err);
		return NULL;
	}
	return node;
}

static bool
is_reachable(struct manager *manager, struct rpc_call *call, const struct node *node)
{
	if (relay_is_heard(node))
		return true;
	batch_refuse(manager, call, DAVIT__REPLY__STATUS__UNAVAILABLE, NULL,
		"node '%s' is silent: it cannot be asked now", node->name);
	return false;
}

/* The same request_id names the same channel, so that a call that comes twice opens one. */
static char *
make_name(struct manager *manager, const struct rpc_call *call, const struct node *node)
{
	char node_id[ID_TEXT_SIZE], key[ID_TEXT_SIZE];
	struct buf name = {0};

	id_format(node->id, node_id);
	id_format(manager_new_id(manager, false), key);
	buf_printf(&name, "%s.%s", node_id, call->request_id != NULL ? call->request_id : key);
	return buf_take(&name, NULL);
}

void
relay_open_channel(struct manager *manager, struct rpc_call *call)
{
	const Davit__OpenChannelRequest *request = (const Davit__OpenChannelRequest *)call->request;
	const char *field, *wrong = check_open(request, &field);
	struct task *task = NULL;
	struct query *query;
	struct node *node;

	if (wrong != NULL) {
		refuse(manager, call, field, wrong);
		return;
	}
	if (!has_good_env(manager, call, request->exec))
		return;
	if (request->pull == NULL)
		task = task_resolve(manager, call, request->namespace_, request->task, "task");
	node = request->pull != NULL ? find_node(manager, call, request->node)
				     : find_container(manager, call, task);
	if (node == NULL || !is_reachable(manager, call, node) ||
		relay_refuse_too_many(manager, call, 0))
		return;
	query = relay_add(manager, node, &open_kind, OPEN_WAIT_MS, 0);
	query->call = call;
	query->channel = make_name(manager, call, node);
	if (task != NULL)
		query->task_id = task->id;
}

/* ---- using ---- */

/* The node that the channel's name begins with; NULL: the call was refused. */
static struct node *
find_channel(struct manager *manager, struct rpc_call *call, const char *channel)
{
	char node_id[ID_TEXT_SIZE] = "";
	struct node *node = NULL;
	struct id id;

	if (strlen(channel) > NODE_ID_SIZE + 1 && channel[NODE_ID_SIZE] == '.')
		memcpy(node_id, channel, NODE_ID_SIZE);
	if (id_parse(node_id, &id))
		node = model_node_find(&manager->model, id);
	if (node == NULL) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__NOT_FOUND, "channel",
			"there is no such channel");
		return NULL;
	}
	return is_reachable(manager, call, node) ? node : NULL;
}

static void
ask_read(const struct query *query, Davit__Query *message, struct arena *arena)
{
	Davit__ReadChannelRequest *read = arena_alloc(arena, sizeof *read);

	*read = *(const Davit__ReadChannelRequest *)query->call->request;
	if (!read->has_max_bytes || read->max_bytes == 0)
		read->max_bytes = CHANNEL_BYTES_DEFAULT;
	read->has_max_bytes = true;
	message->read = read;
}

static void
ask_write(const struct query *query, Davit__Query *message, struct arena *arena)
{
	(void)arena;
	message->write = (Davit__WriteChannelRequest *)(uintptr_t)query->call->request;
}

static void
ask_close(const struct query *query, Davit__Query *message, struct arena *arena)
{
	(void)arena;
	message->close = (Davit__CloseChannelRequest *)(uintptr_t)query->call->request;
}

static const ProtobufCMessage *
pick_read(const Davit__QueryAnswer *answer)
{
	return answer->read == NULL ? NULL : &answer->read->base;
}

static const ProtobufCMessage *
pick_write(const Davit__QueryAnswer *answer)
{
	return answer->write == NULL ? NULL : &answer->write->base;
}

static const ProtobufCMessage *
pick_close(const Davit__QueryAnswer *answer)
{
	return answer->close == NULL ? NULL : &answer->close->base;
}

static const struct query_kind read_kind = {.ask = ask_read, .pick = pick_read, .field = "channel"};
static const struct query_kind write_kind = {.ask = ask_write,
	.pick = pick_write,
	.field = "channel"};
static const struct query_kind close_kind = {.ask = ask_close,
	.pick = pick_close,
	.field = "channel"};

/* Hands the call down to where the channel is. */
static void
pass_on(struct manager *manager, struct rpc_call *call, const char *channel,
	const struct query_kind *kind, const uint64_t sizes[2])
{
	struct node *node = find_channel(manager, call, channel);

	if (node == NULL || relay_refuse_too_many(manager, call, (size_t)sizes[1]))
		return;
	relay_add(manager, node, kind, sizes[0], (size_t)sizes[1])->call = call;
}

void
relay_read_channel(struct manager *manager, struct rpc_call *call)
{
	const Davit__ReadChannelRequest *request = (const Davit__ReadChannelRequest *)call->request;

	if (request->max_bytes > MANAGER_CHANNEL_BYTES_MAX)
		refuse(manager, call, "max_bytes", "at most 1 MiB (MANAGER_CHANNEL_BYTES_MAX)");
	else if (request->wait_ms > RPC_WAIT_MAX_MS)
		refuse(manager, call, "wait_ms", "at most 60,000");
	else
		pass_on(manager, call, request->channel, &read_kind,
			(uint64_t[]){request->wait_ms, 0});
}

void
relay_write_channel(struct manager *manager, struct rpc_call *call)
{
	const Davit__WriteChannelRequest *request =
		(const Davit__WriteChannelRequest *)call->request;

	if (request->data.len > MANAGER_CHANNEL_BYTES_MAX)
		refuse(manager, call, "data", "at most 1 MiB (MANAGER_CHANNEL_BYTES_MAX)");
	else if (request->wait_ms > RPC_WAIT_MAX_MS)
		refuse(manager, call, "wait_ms", "at most 60,000");
	else
		pass_on(manager, call, request->channel, &write_kind,
			(uint64_t[]){request->wait_ms, request->data.len});
}

void
relay_close_channel(struct manager *manager, struct rpc_call *call)
{
	const Davit__CloseChannelRequest *request =
		(const Davit__CloseChannelRequest *)call->request;

	pass_on(manager, call, request->channel, &close_kind, (uint64_t[]){0, 0});
}
