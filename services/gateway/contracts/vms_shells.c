/*
 * Shells in VMs that are talked to request by request. A session is a channel with a terminal;
 * what is kept of it here is how far both directions are. A gateway that ends loses no more than
 * these.
 */
#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "proto/manager.pb-c.h"
#include "services/gateway/contracts/vms_impl.h"
#include "services/gateway/foreign_json.h"

enum {
	SHELL_OUTPUT_MAX = 4096, /* bytes of one answer */
	SHELL_READ_MS = 500,     /* until there is some */
	SHELL_WRITE_MS = 5000,   /* until the shell takes it */
	OPEN_MS = 10000,
};

struct shell {
	UT_hash_handle hh;
	char id[RPC_REQUEST_ID_SIZE];
	char *channel;
	uint64_t in_offset, out_offset, touched_ms;
	bool is_writing;
};

struct vms_shells {
	struct shell *all;
};

struct vms_shells *
vms_shells_new(void)
{
	return xcalloc(1, sizeof(struct vms_shells));
}

static void
forget(struct vms_shells *shells, struct shell *shell)
{
	HASH_DEL(shells->all, shell);
	free(shell->channel);
	free(shell);
}

void
vms_shells_free(struct vms_shells *shells)
{
	struct shell *shell, *next;

	if (shells == NULL)
		return;
	HASH_ITER(hh, shells->all, shell, next)
	{
		forget(shells, shell);
	}
	free(shells);
}

/* One request about one shell; it is looked up again after each call, for it may be gone. */
struct talk {
	struct vms *vms;
	const char *id;
	char *input; /* with its newline; the rest that was not taken yet */
	size_t size;
};

static struct shell *
shell_of(const struct talk *talk)
{
	struct shell *shell;

	HASH_FIND_STR(talk->vms->shells->all, talk->id, shell);
	return shell;
}

/* Makes room of those that nobody asks for any more; their channels end by themselves. */
static void
sweep(struct vms_shells *shells)
{
	uint64_t now_ms = clock_mono_ms();
	struct shell *shell, *next;

	HASH_ITER(hh, shells->all, shell, next)
	{
		if (now_ms - shell->touched_ms > VMS_SHELL_IDLE_MS)
			forget(shells, shell);
	}
}

/* ---- /shell_session ---- */

static void
on_opened(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__OpenChannelReply *reply = (const void *)result->response;
	const struct vms_ask *ask = arg;
	struct shell *shell;

	if (reply == NULL) {
		vms_refuse_call(errand, result);
		return;
	}
	shell = xcalloc(1, sizeof *shell);
	rpc_request_id_make(shell->id);
	shell->channel = xstrdup(reply->channel);
	shell->touched_ms = clock_mono_ms();
	HASH_ADD_STR(ask->vms->shells->all, id, shell);
	errand_reply_json(errand, 201,
		json_pack("{s:s,s:s}", "session_id", shell->id, "status", "active"));
}

static void
open_shell(struct errand *errand, struct vms_ask *ask, const Davit__Task *task)
{
	static const char *const command[] = {"/bin/sh"};
	Davit__OpenChannelRequest request = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	Davit__ExecOptions exec = DAVIT__EXEC_OPTIONS__INIT;

	sweep(ask->vms->shells);
	if (HASH_COUNT(ask->vms->shells->all) >= VMS_SHELLS_MAX) {
		vms_refuse(errand, 429, "256 shells are open here already (VMS_SHELLS_MAX)");
		return;
	}
	exec.command = (char **)(uintptr_t)command;
	exec.n_command = 1;
	exec.has_tty = exec.tty = exec.has_stdin = exec.stdin = true;
	request.task = task->id;
	request.exec = &exec;
	errand_ask(errand, "OpenChannel", &request.base, OPEN_MS, on_opened, ask);
}

void
vms_on_shell_session(struct http_request *request, void *arg)
{
	const struct vms_door *door = arg;
	struct errand *errand = errand_begin(request, door->vms->site);
	struct vms_ask *ask = arena_alloc(errand_arena(errand), sizeof *ask);

	*ask = (struct vms_ask){.vms = door->vms,
		.server = door->server,
		.found = open_shell,
		.missing = "VM not found"};
	vms_find_named(errand, request, ask);
}

/* ---- the session that a request is about ---- */

static struct talk *
new_talk(struct errand *errand, const struct vms_door *door, const char *id)
{
	struct talk *talk = arena_alloc(errand_arena(errand), sizeof *talk);

	*talk = (struct talk){.vms = door->vms, .id = id};
	return talk;
}

/* NULL: it was refused. */
static struct talk *
begin(struct errand *errand, const struct vms_door *door, const json_t *body)
{
	struct vms_ask ask = {.vms = door->vms};
	struct talk *talk;
	struct shell *shell;

	if (door->server >= 0)
		ask.name = http_param(errand_request(errand), 0);
	else if (!vms_read_target(errand, body, &ask, "session_id", "Missing server or session_id"))
		return NULL;
	talk = new_talk(errand, door, ask.name);
	shell = shell_of(talk);
	if (shell == NULL) {
		vms_refuse(errand, 404, "Session not found");
		return NULL;
	}
	shell->touched_ms = clock_mono_ms();
	return talk;
}

/* A shell that has ended is no session any more. */
static void
refuse(struct errand *errand, const struct talk *talk, const struct rpc_result *result)
{
	struct shell *shell = shell_of(talk);

	if (result->status == DAVIT__REPLY__STATUS__UNAVAILABLE) {
		vms_refuse(errand, 503, result->message);
		return;
	}
	if (shell != NULL)
		forget(talk->vms->shells, shell);
	vms_refuse(errand, 404, "Session not found");
}

/* ---- /shell_input ---- */

static void write_on(struct errand *errand, struct talk *talk, struct shell *shell);

static void
end_writing(struct errand *errand, void *arg)
{
	struct shell *shell = shell_of(arg);

	(void)errand;
	if (shell != NULL)
		shell->is_writing = false;
}

static void
on_written(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__WriteChannelReply *reply = (const void *)result->response;
	struct talk *talk = arg;
	struct shell *shell = shell_of(talk);
	size_t taken;

	if (reply == NULL || shell == NULL) {
		refuse(errand, talk, result);
		return;
	}
	taken = (size_t)(reply->offset - shell->in_offset);
	shell->in_offset = reply->offset;
	talk->input += taken;
	talk->size -= taken;
	if (talk->size == 0)
		errand_reply_json(errand, 200, json_pack("{s:s}", "status", "sent"));
	else if (taken == 0)
		vms_refuse(errand, 500, "the shell does not read");
	else
		write_on(errand, talk, shell);
}

static void
write_on(struct errand *errand, struct talk *talk, struct shell *shell)
{
	Davit__WriteChannelRequest request = DAVIT__WRITE_CHANNEL_REQUEST__INIT;

	request.channel = shell->channel;
	request.has_offset = request.has_data = request.has_wait_ms = true;
	request.offset = shell->in_offset;
	request.data.data = (uint8_t *)talk->input;
	request.data.len = talk->size;
	request.wait_ms = SHELL_WRITE_MS;
	errand_ask(errand, "WriteChannel", &request.base, SHELL_WRITE_MS, on_written, talk);
}

void
vms_on_shell_input(struct http_request *request, void *arg)
{
	const struct vms_door *door = arg;
	struct errand *errand = errand_begin(request, door->vms->site);
	const json_t *body = vms_body(errand);
	struct talk *talk = body == NULL ? NULL : begin(errand, door, body);
	struct shell *shell;
	const char *input;
	struct err err = {0};

	if (talk == NULL)
		return;
	shell = shell_of(talk);
	if (foreign_text(body, "input", &input, &err) < 0) {
		vms_refuse(errand, 400, err.text);
	} else if (strlen(input) > VMS_SHELL_INPUT_MAX) {
		vms_refuse(errand, 413, "at most 64 KiB at a time (VMS_SHELL_INPUT_MAX)");
	} else if (shell->is_writing) {
		vms_refuse(errand, 409, "the input before this one is still on its way");
	} else {
		talk->input = arena_printf(errand_arena(errand), "%s\n", input);
		talk->size = strlen(talk->input);
		shell->is_writing = true;
		errand_at_end(errand, end_writing, talk);
		write_on(errand, talk, shell);
	}
}

/* ---- /shell_output ---- */

/* The session by the path alone at a server's own door, else by the body. */
static struct talk *
begin_to_ask(struct errand *errand, const struct vms_door *door)
{
	const json_t *body = door->server >= 0 ? NULL : vms_body(errand);

	return body == NULL && door->server < 0 ? NULL : begin(errand, door, body);
}

static void
on_read(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__ReadChannelReply *reply = (const void *)result->response;
	struct talk *talk = arg;
	struct shell *shell = shell_of(talk);
	CLEANUP(buf_fini) struct buf text = {0};

	if (reply == NULL || shell == NULL) {
		refuse(errand, talk, result);
		return;
	}
	for (size_t i = 0; i < reply->n_chunks; i++)
		buf_put(&text, reply->chunks[i]->data.data, reply->chunks[i]->data.len);
	shell->out_offset = reply->offset;
	if (reply->end)
		forget(talk->vms->shells, shell);
	errand_reply(errand, 200, "text/plain; charset=utf-8", buf_text(&text), text.size);
}

void
vms_on_shell_output(struct http_request *request, void *arg)
{
	const struct vms_door *door = arg;
	struct errand *errand = errand_begin(request, door->vms->site);
	struct talk *talk = begin_to_ask(errand, door);
	Davit__ReadChannelRequest ask = DAVIT__READ_CHANNEL_REQUEST__INIT;
	struct shell *shell;

	if (talk == NULL)
		return;
	shell = shell_of(talk);
	ask.channel = shell->channel;
	ask.has_offset = ask.has_wait_ms = ask.has_max_bytes = true;
	ask.offset = shell->out_offset;
	ask.wait_ms = SHELL_READ_MS;
	ask.max_bytes = SHELL_OUTPUT_MAX;
	errand_ask(errand, "ReadChannel", &ask.base, SHELL_READ_MS, on_read, talk);
}

/* ---- /shell_close ---- */

void
vms_on_shell_close(struct http_request *request, void *arg)
{
	const struct vms_door *door = arg;
	struct errand *errand = errand_begin(request, door->vms->site);
	struct talk *talk = begin_to_ask(errand, door);
	Davit__CloseChannelRequest ask = DAVIT__CLOSE_CHANNEL_REQUEST__INIT;
	struct shell *shell;

	if (talk == NULL)
		return;
	shell = shell_of(talk);
	ask.channel = shell->channel;
	errand_tell(errand, "CloseChannel", &ask.base);
	forget(talk->vms->shells, shell);
	errand_reply_json(errand, 200, json_pack("{s:s}", "status", "closed"));
}
