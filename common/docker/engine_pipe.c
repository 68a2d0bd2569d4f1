#include "common/docker/engine_pipe.h"

#include "common/docker/engine_impl.h"

static struct engine_op *
start(struct engine *engine, const struct engine_call *call)
{
	return engine->ops->start(engine, call);
}

struct engine_op *
engine_exec_create(struct engine *engine, const char *id, const char *body, engine_id_fn *done,
	void *arg)
{
	return start(engine, &(struct engine_call){
				     .kind = ENGINE_CALL_EXEC_CREATE,
				     .target = id,
				     .text = body,
				     .done.id = done,
				     .arg = arg,
			     });
}

static struct engine_op *
start_pipe(struct engine *engine, struct engine_call call, const struct engine_pipe *pipe)
{
	call.on.log = pipe->on_data;
	call.on_open = pipe->on_open;
	call.on_room = pipe->on_room;
	call.done.plain = pipe->done;
	call.arg = pipe->arg;
	return start(engine, &call);
}

struct engine_op *
engine_exec_start(struct engine *engine, const char *exec_id, bool tty,
	const struct engine_pipe *pipe)
{
	return start_pipe(engine,
		(struct engine_call){.kind = ENGINE_CALL_EXEC_START,
			.target = exec_id,
			.logs.tty = tty},
		pipe);
}

struct engine_op *
engine_exec_inspect(struct engine *engine, const char *exec_id, engine_exec_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){
				     .kind = ENGINE_CALL_EXEC_INSPECT,
				     .target = exec_id,
				     .done.exec = done,
				     .arg = arg,
			     });
}

struct engine_op *
engine_exec_resize(struct engine *engine, const char *exec_id, struct engine_size size,
	engine_done_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){
				     .kind = ENGINE_CALL_EXEC_RESIZE,
				     .target = exec_id,
				     .rows = size.rows,
				     .columns = size.columns,
				     .done.plain = done,
				     .arg = arg,
			     });
}

struct engine_op *
engine_container_resize(struct engine *engine, const char *id, struct engine_size size,
	engine_done_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){
				     .kind = ENGINE_CALL_RESIZE,
				     .target = id,
				     .rows = size.rows,
				     .columns = size.columns,
				     .done.plain = done,
				     .arg = arg,
			     });
}

struct engine_op *
engine_attach(struct engine *engine, const char *id, bool tty, const struct engine_pipe *pipe)
{
	return start_pipe(engine,
		(struct engine_call){.kind = ENGINE_CALL_ATTACH, .target = id, .logs.tty = tty},
		pipe);
}

struct engine_op *
engine_path_stat(struct engine *engine, const char *id, const char *path, engine_path_fn *done,
	void *arg)
{
	return start(engine, &(struct engine_call){
				     .kind = ENGINE_CALL_PATH_STAT,
				     .target = id,
				     .text = path,
				     .done.path = done,
				     .arg = arg,
			     });
}

struct engine_op *
engine_archive_get(struct engine *engine, const char *id, const char *path,
	const struct engine_pipe *pipe)
{
	return start_pipe(engine,
		(struct engine_call){.kind = ENGINE_CALL_ARCHIVE_GET,
			.target = id,
			.text = path,
			.logs.tty = true},
		pipe);
}

struct engine_op *
engine_archive_put(struct engine *engine, const char *id, const char *path,
	const struct engine_pipe *pipe)
{
	return start_pipe(engine,
		(struct engine_call){.kind = ENGINE_CALL_ARCHIVE_PUT, .target = id, .text = path},
		pipe);
}

size_t
engine_write(struct engine_op *op, const void *data, size_t size)
{
	return op->engine->ops->write(op, data, size);
}

void
engine_write_end(struct engine_op *op)
{
	op->engine->ops->write_end(op);
}
