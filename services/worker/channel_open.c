/* What each kind of channel does at the engine; tested by tests/unit/test_worker_channel.c. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "common/base/mem.h"
#include "services/worker/channel.h"

/* ---- the stream, whatever it is ---- */

static bool
on_data(enum engine_stream stream, const void *data, size_t size, void *arg)
{
	struct worker_channel *channel = worker_job_owner(arg);

	return channel == NULL || worker_channel_put(channel, stream, data, size);
}

static void
on_open(void *arg)
{
	struct worker_channel *channel = worker_job_owner(arg);

	if (channel == NULL)
		return;
	channel->is_piped = true;
	worker_channel_opened(channel);
}

static void
on_room(void *arg)
{
	struct worker_channel *channel = worker_job_owner(arg);

	if (channel != NULL)
		channel->has_room = true;
}

static void
on_end(const struct err *err, void *arg)
{
	struct worker_channel *channel = worker_job_end(arg);

	if (channel != NULL)
		worker_channel_ended(channel, err);
}

static struct engine_pipe
pipe_of(struct worker_job *job, engine_done_fn *done)
{
	return (struct engine_pipe){
		.on_data = on_data,
		.on_open = on_open,
		.on_room = on_room,
		.done = done,
		.arg = job,
	};
}

static void
end_with(struct worker_channel *channel, int code, const char *why)
{
	struct err err = {0};

	(void)err_set(&err, code, "%s", why);
	worker_channel_ended(channel, &err);
}

/* ---- exec ---- */

static void
on_exec_known(const struct err *err, const struct engine_exec *exec, void *arg)
{
	enum { NOT_RUNNABLE = 126, NOT_FOUND = 127 };
	struct worker_channel *channel = worker_job_end(arg);

	if (channel == NULL)
		return;
	if (err->code == 0 && !exec->is_running) {
		channel->has_exit_code = true;
		channel->exit_code = exec->exit_code;
		/* Engines before 23.0 do not tell the two apart. */
		if (exec->exit_code == NOT_RUNNABLE && exec->pid == 0 && channel->is_not_found)
			channel->exit_code = NOT_FOUND;
	}
	worker_channel_ended(channel, err);
}

static void
on_exec_end(const struct err *err, void *arg)
{
	struct worker_channel *channel = worker_job_end(arg);
	struct worker_job *job;

	if (channel == NULL)
		return;
	if (err->code < 0) {
		worker_channel_ended(channel, err);
		return;
	}
	channel->is_piped = false;
	job = worker_job_new(&channel->job, channel);
	job->op =
		engine_exec_inspect(channel->worker->engine, channel->exec_id, on_exec_known, job);
}

static void
on_resized(const struct err *err, void *arg)
{
	(void)err; /* it may have ended meanwhile */
	(void)worker_job_end(arg);
}

void
worker_channel_resize(struct worker_channel *channel, uint32_t rows, uint32_t columns)
{
	struct engine *engine = channel->worker->engine;
	struct engine_size size = {rows, columns};
	struct worker_job *job;

	if (!channel->tty || channel->state != WORKER_CHANNEL_OPEN)
		return;
	worker_job_abandon(&channel->side_job);
	job = worker_job_new(&channel->side_job, channel);
	if (channel->exec_id != NULL)
		job->op = engine_exec_resize(engine, channel->exec_id, size, on_resized, job);
	else
		job->op = engine_container_resize(engine, channel->container_id, size, on_resized,
			job);
}

static void
on_exec_open(void *arg)
{
	struct worker_channel *channel = worker_job_owner(arg);
	const Davit__ExecOptions *exec;

	on_open(arg);
	if (channel == NULL)
		return;
	exec = channel->spec->exec;
	channel->is_piped = channel->has_stdin;
	if (!channel->has_stdin)
		engine_write_end(channel->job->op);
	if (exec->rows > 0 && exec->columns > 0)
		worker_channel_resize(channel, exec->rows, exec->columns);
}

static void
on_exec_made(const struct err *err, const char *id, void *arg)
{
	struct worker_channel *channel = worker_job_end(arg);
	struct engine_pipe pipe;
	struct worker_job *job;

	if (channel == NULL)
		return;
	if (err->code < 0) {
		worker_channel_ended(channel, err);
		return;
	}
	channel->exec_id = xstrdup(id);
	job = worker_job_new(&channel->job, channel);
	pipe = pipe_of(job, on_exec_end);
	pipe.on_open = on_exec_open;
	job->op = engine_exec_start(channel->worker->engine, id, channel->tty, &pipe);
}

static char *
make_body(const Davit__ExecOptions *exec)
{
	json_t *body = json_object(), *command = json_array(), *env = json_array();
	char *text;

	for (size_t i = 0; i < exec->n_command; i++)
		(void)json_array_append_new(command, json_string(exec->command[i]));
	for (size_t i = 0; i < exec->n_env; i++)
		(void)json_array_append_new(env,
			json_sprintf("%s=%s", exec->env[i]->key,
				exec->env[i]->value == NULL ? "" : exec->env[i]->value));
	(void)json_object_set_new(body, "Cmd", command);
	(void)json_object_set_new(body, "Env", env);
	(void)json_object_set_new(body, "AttachStdin", json_boolean(exec->stdin));
	(void)json_object_set_new(body, "AttachStdout", json_true());
	(void)json_object_set_new(body, "AttachStderr", json_true());
	(void)json_object_set_new(body, "Tty", json_boolean(exec->tty));
	(void)json_object_set_new(body, "Privileged", json_boolean(exec->privileged));
	if (exec->user != NULL)
		(void)json_object_set_new(body, "User", json_string(exec->user));
	if (exec->workdir != NULL)
		(void)json_object_set_new(body, "WorkingDir", json_string(exec->workdir));
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
}

static void
begin_exec(struct worker_channel *channel)
{
	struct worker_job *job = worker_job_new(&channel->job, channel);
	char *body = make_body(channel->spec->exec);

	channel->tty = channel->spec->exec->tty;
	channel->has_stdin = channel->spec->exec->stdin;
	job->op = engine_exec_create(channel->worker->engine, channel->container_id,
		body == NULL ? "" : body, on_exec_made, job);
	free(body);
}

/* ---- attach ---- */

static void
on_attach_open(void *arg)
{
	struct worker_channel *channel = worker_job_owner(arg);
	const Davit__AttachOptions *attach;

	on_open(arg);
	if (channel == NULL)
		return;
	attach = channel->spec->attach;
	channel->is_piped = channel->has_stdin;
	if (attach->rows > 0 && attach->columns > 0)
		worker_channel_resize(channel, attach->rows, attach->columns);
}

static void
begin_attach(struct worker_channel *channel, const struct worker_slot *slot)
{
	const Davit__TaskSpec *spec = slot->spec == NULL ? NULL : slot->spec->spec;
	struct engine_pipe pipe;
	struct worker_job *job;

	channel->tty = spec != NULL && spec->tty;
	channel->has_stdin = spec != NULL && spec->stdin && channel->spec->attach->stdin;
	if (slot->state != WORKER_SLOT_RUNNING) {
		end_with(channel, -EBUSY, "its container does not run");
		return;
	}
	job = worker_job_new(&channel->job, channel);
	pipe = pipe_of(job, on_end);
	pipe.on_open = on_attach_open;
	job->op =
		engine_attach(channel->worker->engine, channel->container_id, channel->tty, &pipe);
}

/* ---- copies ---- */

/* A question about a path is answered without words. */
static void
no_path(struct worker_channel *channel, const struct err *err, const char *path)
{
	struct err words = *err;

	if (err->code == -ENOENT)
		(void)err_set(&words, -ENOENT, "the container has no %s", path);
	worker_channel_ended(channel, &words);
}

static void
on_out_path(const struct err *err, const struct engine_path *path, void *arg)
{
	struct worker_channel *channel = worker_job_end(arg);
	struct engine_pipe pipe;
	struct worker_job *job;

	if (channel == NULL)
		return;
	if (err->code < 0) {
		no_path(channel, err, channel->spec->copy_out->path);
		return;
	}
	channel->has_path = channel->exists = true;
	channel->is_directory = path->is_directory;
	channel->size_bytes = path->size_bytes;
	job = worker_job_new(&channel->job, channel);
	pipe = pipe_of(job, on_end);
	job->op = engine_archive_get(channel->worker->engine, channel->container_id,
		channel->spec->copy_out->path, &pipe);
	worker_channel_opened(channel);
}

static void
begin_copy_out(struct worker_channel *channel)
{
	struct worker_job *job = worker_job_new(&channel->job, channel);

	job->op = engine_path_stat(channel->worker->engine, channel->container_id,
		channel->spec->copy_out->path, on_out_path, job);
}

/* "/a/b" is in "/a"; "/a/b/" too. */
static char *
parent_of(const char *path)
{
	size_t n = strlen(path);
	char *parent = xstrdup(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 1 && path[n - 1] != '/')
		n--;
	while (n > 1 && path[n - 1] == '/')
		n--;
	parent[n] = '\0';
	if (parent[0] != '/') {
		free(parent);
		return xstrdup("/");
	}
	return parent;
}

static void
begin_unpacking(struct worker_channel *channel)
{
	struct worker_job *job = worker_job_new(&channel->job, channel);
	struct engine_pipe pipe = pipe_of(job, on_end);

	channel->has_stdin = true;
	job->op = engine_archive_put(channel->worker->engine, channel->container_id,
		channel->directory, &pipe);
}

static void
on_parent(const struct err *err, const struct engine_path *path, void *arg)
{
	struct worker_channel *channel = worker_job_end(arg);

	if (channel == NULL)
		return;
	if (err->code < 0)
		no_path(channel, err, channel->directory);
	else if (!path->is_directory)
		end_with(channel, -EBUSY, "the path leads through something that is no directory");
	else
		begin_unpacking(channel);
}

static void
on_in_path(const struct err *err, const struct engine_path *path, void *arg)
{
	struct worker_channel *channel = worker_job_end(arg);
	const char *wanted;
	struct worker_job *job;

	if (channel == NULL)
		return;
	if (err->code < 0 && err->code != -ENOENT) {
		worker_channel_ended(channel, err);
		return;
	}
	wanted = channel->spec->copy_in->path;
	channel->has_path = true;
	channel->exists = err->code == 0;
	channel->is_directory = err->code == 0 && path->is_directory;
	channel->size_bytes = err->code == 0 ? path->size_bytes : 0;
	channel->directory = channel->is_directory ? xstrdup(wanted) : parent_of(wanted);
	if (channel->is_directory) {
		begin_unpacking(channel);
		return;
	}
	job = worker_job_new(&channel->job, channel);
	job->op = engine_path_stat(channel->worker->engine, channel->container_id,
		channel->directory, on_parent, job);
}

static void
begin_copy_in(struct worker_channel *channel)
{
	struct worker_job *job = worker_job_new(&channel->job, channel);

	job->op = engine_path_stat(channel->worker->engine, channel->container_id,
		channel->spec->copy_in->path, on_in_path, job);
}

void
worker_channels_end_copies(struct worker *worker, const char *container_id)
{
	struct worker_channel *channel, *next;

	HASH_ITER(hh, worker->channels, channel, next)
	{
		if (channel->state == WORKER_CHANNEL_ENDED ||
			(channel->spec->copy_in == NULL && channel->spec->copy_out == NULL) ||
			strcmp(channel->container_id, container_id) != 0)
			continue;
		worker_job_abandon(&channel->job);
		end_with(channel, -EBUSY, "the task was stopped or removed meanwhile");
	}
}

/* ---- pulls ---- */

static void
on_progress(const struct engine_progress *progress, void *arg)
{
	struct worker_channel *channel = arg;
	CLEANUP(buf_fini) struct buf line = {0};

	if (channel->is_paused)
		return; /* a reader who is slow misses some of it */
	buf_printf(&line, "%" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %s\n",
		progress->n_layers_done, progress->n_layers, progress->bytes, progress->bytes_total,
		progress->text);
	(void)worker_channel_put(channel, ENGINE_STDOUT, line.data, line.size);
}

static void
on_pulled(const struct err *err, void *arg)
{
	worker_channel_ended(arg, err);
}

static void
begin_pull(struct worker_channel *channel)
{
	const Davit__PullOptions *wish = channel->spec->pull;

	if (channel->worker->watch.trouble != NULL) {
		end_with(channel, -ENOTCONN, channel->worker->watch.trouble);
		return;
	}
	channel->puller = (struct worker_puller){.on_progress = on_progress,
		.on_end = on_pulled,
		.arg = channel};
	worker_channel_opened(channel);
	worker_image_pull(channel->worker,
		&(struct engine_pull){wish->image, wish->registry_auth, wish->platform},
		&channel->puller);
}

/* ---- all ---- */

static void
begin_at_container(struct worker_channel *channel)
{
	struct worker_slot *slot = NULL;
	struct id task;

	if (channel->spec->task_id != NULL && id_parse(channel->spec->task_id, &task))
		slot = worker_slots_find(channel->worker, task);
	if (slot == NULL || !worker_slot_has_container(slot)) {
		end_with(channel, -EBUSY, "the container of this task is gone");
		return;
	}
	channel->container_id = xstrdup(slot->container_id);
	if (channel->spec->exec != NULL)
		begin_exec(channel);
	else if (channel->spec->attach != NULL)
		begin_attach(channel, slot);
	else if (channel->spec->copy_out != NULL)
		begin_copy_out(channel);
	else if (channel->spec->copy_in != NULL)
		begin_copy_in(channel);
	else
		end_with(channel, -EINVAL, "the worker does not know this kind of channel");
}

void
worker_channel_begin(struct worker_channel *channel)
{
	if (channel->spec->pull != NULL)
		begin_pull(channel);
	else
		begin_at_container(channel);
}
