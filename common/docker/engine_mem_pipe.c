/* Execs, attaching and archives of the engine in memory.
 * tested by tests/unit/test_engine.c */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "common/base/mem.h"
#include "common/docker/engine_mem_impl.h"

enum { FLOOD_PIECE = 1 << 16, PATH_MAX_MEM = 64 };

/* An exec is known by name; its command is the text: "cat", "echo a b", "exit 3", "flood BYTES",
 * "head -c BYTES /dev/zero"; "sh -c" or "busybox" in front of one changes nothing. */
static const char *
command_of(struct mem_op *op)
{
	struct mem_name *exec = engine_mem_name_find(op->world->execs, op->call.target);

	return exec == NULL ? NULL : exec->text;
}

static char *
join_command(const char *body)
{
	json_t *root = json_loads(body, 0, NULL), *word;
	struct buf text = {0};
	size_t i;

	json_array_foreach(json_object_get(root, "Cmd"), i, word)
	{
		buf_printf(&text, "%s%s", i > 0 ? " " : "",
			json_is_string(word) ? json_string_value(word) : "");
	}
	json_decref(root);
	return buf_take(&text, NULL);
}

bool
engine_mem_exec_create(struct mem_op *op)
{
	struct mem_name *exec;
	char id[ENGINE_ID_MAX + 1];
	char *command;

	if (!engine_mem_op_find(op))
		return true;
	if (op->container->status != ENGINE_RUNNING) {
		(void)err_set(&op->err, -EBUSY, "Container %s is not running", op->call.target);
		return true;
	}
	command = join_command(op->call.text);
	(void)snprintf(id, sizeof id, "%064" PRIx64, ++op->world->n_created);
	exec = engine_mem_name_add(&op->world->execs, id, command);
	free(command);
	op->json = xstrdup(exec->name);
	return true;
}

/* ---- what it does ---- */

static void
say(struct mem_op *op, enum engine_stream stream, const void *data, size_t size)
{
	if (size > 0 && op->call.on.log != NULL && op->err.code == 0 && !op->dead)
		op->paused |= !op->call.on.log(stream, data, size, op->call.arg);
}

static void
end(struct mem_op *op, int code)
{
	struct mem_name *exec = engine_mem_name_find(op->world->execs, op->call.target);

	if (exec != NULL) {
		free(exec->text);
		if (asprintf(&exec->text, "=%d", code) < 0)
			exec->text = NULL;
	}
	engine_mem_op_unlisten(op);
	engine_mem_op_answer(op);
}

static void
flood(struct mem_op *op, uint64_t n_bytes)
{
	static const char piece[FLOOD_PIECE];

	while (op->cursor < n_bytes && !op->paused && op->err.code == 0 && !op->dead) {
		size_t n = n_bytes - op->cursor < FLOOD_PIECE ? (size_t)(n_bytes - op->cursor)
							      : FLOOD_PIECE;

		op->cursor += n;
		say(op, ENGINE_STDOUT, piece, n);
	}
	if (op->cursor == n_bytes && !op->paused && op->err.code == 0 && !op->dead)
		end(op, 0);
}

static void
echo_input(struct mem_op *op)
{
	say(op, ENGINE_STDOUT, op->input.data, op->input.size);
	buf_reset(&op->input);
	if (op->input_ended && op->err.code == 0 && !op->dead)
		end(op, 0);
}

static void
run_command(struct mem_op *op, const char *command)
{
	static const char *const before[] = {"sh -c ", "busybox "};

	for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
		if (strncmp(command, before[i], strlen(before[i])) == 0)
			command += strlen(before[i]);
	}
	if (strcmp(command, "cat") == 0) {
		echo_input(op);
	} else if (strncmp(command, "head -c ", 8) == 0) {
		flood(op, strtoull(command + 8, NULL, 10));
	} else if (strncmp(command, "flood ", 6) == 0) {
		flood(op, strtoull(command + 6, NULL, 10));
	} else if (strncmp(command, "echo ", 5) == 0) {
		say(op, ENGINE_STDOUT, command + 5, strlen(command + 5));
		say(op, ENGINE_STDOUT, "\n", 1);
		end(op, 0);
	} else if (strncmp(command, "exit ", 5) == 0) {
		end(op, (int)strtol(command + 5, NULL, 10));
	} else if (strcmp(command, "sleep") != 0) {
		say(op, ENGINE_STDOUT, "OCI runtime exec failed: executable file not found", 50);
		end(op, 126);
	}
}

static void
pipe_deliver(struct engine_mem_world *world, struct mem_due *due)
{
	struct mem_op *op = engine_mem_op_of(due);
	bool is_exec = op->call.kind == ENGINE_CALL_EXEC_START;
	const char *command;

	(void)world;
	op->busy = true;
	if (!op->slept && op->call.on_open != NULL)
		op->call.on_open(op->call.arg);
	op->slept = true;
	command = is_exec ? command_of(op) : NULL;
	if (op->err.code == 0 && !op->dead && !op->paused && command != NULL)
		run_command(op, command);
	if (op->err.code == 0 && !op->dead && op->container != NULL &&
		op->container->status != ENGINE_RUNNING)
		end(op, 137);
	op->busy = false;
	if (op->dead)
		engine_mem_op_free(op);
}

bool
engine_mem_exec_start(struct mem_op *op)
{
	if (command_of(op) == NULL || command_of(op)[0] == '=') {
		(void)err_set(&op->err, -ENOENT, "No such exec instance: %s", op->call.target);
		return true;
	}
	op->due.run = pipe_deliver;
	engine_mem_due_in(op->world, &op->due, 0);
	return false;
}

bool
engine_mem_exec_inspect(struct mem_op *op)
{
	if (command_of(op) == NULL)
		(void)err_set(&op->err, -ENOENT, "No such exec instance: %s", op->call.target);
	return true;
}

void
engine_mem_exec_tell(const struct mem_op *op)
{
	const char *text = command_of((struct mem_op *)(uintptr_t)op);
	struct engine_exec exec = {.is_running = text == NULL || text[0] != '=', .pid = 1};

	if (!exec.is_running)
		exec.exit_code = (int)strtol(text + 1, NULL, 10);
	op->call.done.exec(&op->err, &exec, op->call.arg);
}

bool
engine_mem_attach(struct mem_op *op)
{
	if (!engine_mem_op_find(op))
		return true;
	op->due.run = pipe_deliver;
	engine_mem_op_listen(op, &op->container->watchers);
	engine_mem_due_in(op->world, &op->due, 0);
	return false;
}

/* ---- archives: the machine has one file, and the last archive is it ---- */

bool
engine_mem_path_stat(struct mem_op *op)
{
	if (!engine_mem_op_find(op))
		return true;
	if (op->call.text == NULL || strstr(op->call.text, "nosuch") != NULL)
		(void)err_set(&op->err, -ENOENT, "Could not find the file %s", op->call.text);
	return true;
}

void
engine_mem_path_tell(const struct mem_op *op)
{
	size_t n = strlen(op->call.text);
	struct engine_path path = {.name = "file",
		.is_directory = n > 0 && op->call.text[n - 1] == '/',
		.size_bytes = op->world->archive.size};

	op->call.done.path(&op->err, &path, op->call.arg);
}

static void
get_deliver(struct engine_mem_world *world, struct mem_due *due)
{
	struct mem_op *op = engine_mem_op_of(due);
	const struct buf *archive = &world->archive;

	op->busy = true;
	while (op->cursor < archive->size && !op->paused && op->err.code == 0 && !op->dead) {
		size_t n = archive->size - op->cursor;
		const uint8_t *at = archive->data + op->cursor;

		n = n < FLOOD_PIECE ? n : FLOOD_PIECE;
		op->cursor += n;
		say(op, ENGINE_STDOUT, at, n);
	}
	if (op->cursor >= archive->size && !op->paused && op->err.code == 0 && !op->dead)
		engine_mem_op_answer(op);
	op->busy = false;
	if (op->dead)
		engine_mem_op_free(op);
}

bool
engine_mem_archive_get(struct mem_op *op)
{
	if (!engine_mem_path_stat(op) || op->err.code != 0)
		return true;
	op->due.run = get_deliver;
	engine_mem_due_in(op->world, &op->due, 0);
	return false;
}

static void
put_deliver(struct engine_mem_world *world, struct mem_due *due)
{
	struct mem_op *op = engine_mem_op_of(due);

	op->busy = true;
	if (!op->slept && op->call.on_open != NULL)
		op->call.on_open(op->call.arg);
	op->slept = true;
	op->busy = false;
	if (op->dead) {
		engine_mem_op_free(op);
		return;
	}
	if (op->err.code != 0 || !op->input_ended)
		return;
	buf_fini(&world->archive);
	world->archive = op->input;
	op->input = (struct buf){0};
	engine_mem_op_answer(op);
}

bool
engine_mem_archive_put(struct mem_op *op)
{
	if (!engine_mem_path_stat(op) || op->err.code != 0)
		return true;
	op->due.run = put_deliver;
	engine_mem_due_in(op->world, &op->due, 0);
	return false;
}

/* ---- the caller writes ---- */

static bool
is_pipe(const struct mem_op *op)
{
	return op->due.run == pipe_deliver || op->due.run == put_deliver;
}

size_t
engine_mem_write(struct engine_op *base, const void *data, size_t size)
{
	struct mem_op *op = (struct mem_op *)base;

	buf_put(&op->input, data, size);
	if (is_pipe(op))
		engine_mem_due_in(op->world, &op->due, engine_mem_travel(op->world));
	return size;
}

void
engine_mem_write_end(struct engine_op *base)
{
	struct mem_op *op = (struct mem_op *)base;

	op->input_ended = true;
	if (is_pipe(op))
		engine_mem_due_in(op->world, &op->due, engine_mem_travel(op->world));
}

/* ---- images ---- */

bool
engine_mem_image_list(struct mem_op *op)
{
	struct mem_name *image, *next;
	json_t *list = json_array();

	HASH_ITER(hh, op->world->images, image, next)
	{
		json_array_append_new(list,
			json_pack("{s:s, s:[s], s:i, s:i}", "Id", image->name, "RepoTags",
				image->name, "Size", 1000, "Created", 1));
	}
	op->json = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return true;
}

bool
engine_mem_image_remove(struct mem_op *op)
{
	struct mem_name *image = engine_mem_name_find(op->world->images, op->call.target);
	const struct mem_container *container, *next;

	HASH_ITER(by_id, op->world->by_id, container, next)
	{
		if (op->call.flag || strcmp(container->image, op->call.target) != 0)
			continue;
		(void)err_set(&op->err, -EBUSY,
			"conflict: unable to remove repository reference \"%s\" (must force) - "
			"container %.12s is using its referenced image",
			op->call.target, container->id);
		return true;
	}
	if (image == NULL) {
		(void)err_set(&op->err, -ENOENT, "No such image: %s", op->call.target);
		return true;
	}
	engine_mem_name_drop(&op->world->images, image);
	op->json = xstrdup("[{\"Untagged\":\"x\"}]");
	return true;
}

bool
engine_mem_image_prune(struct mem_op *op)
{
	op->json = xstrdup("{\"ImagesDeleted\":null,\"SpaceReclaimed\":0}");
	return true;
}
