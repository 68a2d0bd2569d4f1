/* What each operation does to the world in memory, and how its answer comes back.
 * tested by tests/unit/test_engine_mem.c */
#include <errno.h>
#include <utlist.h>

#include "common/base/mem.h"
#include "common/docker/engine_mem_impl.h"

void
engine_mem_op_listen(struct mem_op *op, struct mem_op **list)
{
	op->list = list;
	DL_APPEND2(*list, op, list_prev, list_next);
}

void
engine_mem_op_unlisten(struct mem_op *op)
{
	if (op->list != NULL)
		DL_DELETE2(*op->list, op, list_prev, list_next);
	op->list = NULL;
}

static void
unlink_op(struct mem_op *op)
{
	if (op->prev != NULL)
		DL_DELETE(op->world->ops, op);
	op->prev = NULL;
}

void
engine_mem_op_free(struct mem_op *op)
{
	engine_mem_op_unlisten(op);
	engine_mem_heap_drop(&op->world->heap, &op->due);
	unlink_op(op);
	op->op.engine = NULL;
	op->dead = true;
	if (op->busy)
		return;
	for (size_t i = 0; i < op->n_snapshots; i++)
		engine_mem_container_unref(op->snapshots[i].container);
	free(op->snapshots);
	free(op->json);
	buf_fini(&op->input);
	engine_mem_container_unref(op->container);
	free(op);
}

static bool
has_effect(enum engine_call_kind kind)
{
	switch (kind) {
	case ENGINE_CALL_CREATE:
	case ENGINE_CALL_START:
	case ENGINE_CALL_STOP:
	case ENGINE_CALL_KILL:
	case ENGINE_CALL_PAUSE:
	case ENGINE_CALL_UNPAUSE:
	case ENGINE_CALL_REMOVE:
	case ENGINE_CALL_NETWORK_CREATE:
	case ENGINE_CALL_NETWORK_CONNECT:
	case ENGINE_CALL_NETWORK_REMOVE:
		return true;
	default:
		return false;
	}
}

void
engine_mem_op_ghost(struct mem_op *op)
{
	size_t n_target, n_text;
	struct mem_op *ghost;

	if (!has_effect(op->call.kind) || op->due.run != engine_mem_op_arrive ||
		op->due.slot == 0 || op->err.code != 0 || (engine_mem_random(op->world) & 1) == 0)
		return;
	n_target = op->call.target == NULL ? 0 : strlen(op->call.target) + 1;
	n_text = op->call.text == NULL ? 0 : strlen(op->call.text) + 1;
	ghost = xcalloc(1, sizeof *ghost + n_target + n_text);
	ghost->world = op->world;
	ghost->call = op->call;
	if (n_target > 0)
		ghost->call.target = memcpy(ghost + 1, op->call.target, n_target);
	if (n_text > 0)
		ghost->call.text = memcpy((char *)(ghost + 1) + n_target, op->call.text, n_text);
	ghost->container = TAKE(op->container);
	ghost->timeout_at_ms = UINT64_MAX;
	ghost->due.run = engine_mem_op_arrive;
	DL_APPEND(op->world->ops, ghost);
	engine_mem_heap_set(&op->world->heap, &ghost->due, op->due.at_ms);
}

void
engine_mem_op_answer(struct mem_op *op)
{
	op->due.run = engine_mem_op_reply;
	engine_mem_due_in(op->world, &op->due, engine_mem_travel(op->world));
}

/* ---- the answer ---- */

static struct engine_container
container_of(const struct mem_snapshot *seen)
{
	const struct mem_container *container = seen->container;

	return (struct engine_container){
		.id = container->id,
		.name = container->name,
		.status = seen->status,
		.labels = container->attributes,
		.n_labels = container->n_labels,
		.exit_code = seen->exit_code,
		.oom_killed = seen->oom_killed,
		.error = "",
		.created_ms = container->created_ms,
		.started_ms = seen->started_ms,
		.finished_ms = seen->finished_ms,
		.pid = seen->status == ENGINE_RUNNING || seen->status == ENGINE_PAUSED
			       ? 1 + (int64_t)container->created_ms % 30000
			       : 0,
		.health = seen->health,
		.log_path = "",
		.address = engine_mem_container_is_up(container) ? "10.0.0.1" : "",
		.has_host_network = strcmp(container->network, "host") == 0,
		.written_bytes = seen->written_bytes,
	};
}

static void
tell_about(const struct mem_op *op)
{
	const struct engine_mem_options *options = &op->world->options;
	struct engine_about about = {
		.id = op->world->id,
		.version = "mem",
		.api_version = "1.41",
		.os = "linux",
		.arch = "x86_64",
		.kernel = "mem",
		.root_dir = "/",
		.cgroup_driver = "none",
		.cgroup_version = "2",
		.storage_driver = options->storage_driver == NULL ? "mem" : options->storage_driver,
		.backing_fs = "xfs",
		.has_gpu_runtime = options->has_gpu_runtime,
		.cpu_milli = options->cpu_milli,
		.memory_bytes = options->memory_bytes,
	};

	op->call.done.about(&op->err, &about, op->call.arg);
}

static void
tell(const struct mem_op *op)
{
	const struct engine_call *call = &op->call;
	struct engine_container *list, one;

	switch (op->err.code == 0 ? call->kind : ENGINE_CALL_NONE) {
	case ENGINE_CALL_ABOUT:
		tell_about(op);
		break;
	case ENGINE_CALL_CREATE:
		call->done.id(&op->err, op->container->id, call->arg);
		break;
	case ENGINE_CALL_EXEC_CREATE:
		call->done.id(&op->err, op->json, call->arg);
		break;
	case ENGINE_CALL_EXEC_INSPECT:
		engine_mem_exec_tell(op);
		break;
	case ENGINE_CALL_PATH_STAT:
		engine_mem_path_tell(op);
		break;
	case ENGINE_CALL_INSPECT:
		one = container_of(&op->snapshots[0]);
		call->done.container(&op->err, &one, call->arg);
		break;
	case ENGINE_CALL_LIST:
		list = xcalloc(op->n_snapshots + 1, sizeof *list);
		for (size_t i = 0; i < op->n_snapshots; i++)
			list[i] = container_of(&op->snapshots[i]);
		call->done.list(&op->err, list, op->n_snapshots, call->arg);
		free(list);
		break;
	case ENGINE_CALL_VOLUME_LIST:
	case ENGINE_CALL_NETWORK_LIST:
	case ENGINE_CALL_IMAGE_LIST:
	case ENGINE_CALL_IMAGE_REMOVE:
	case ENGINE_CALL_IMAGE_PRUNE:
		call->done.json(&op->err, op->json, strlen(op->json), call->arg);
		break;
	default:
		engine_call_finish(call, &op->err);
		break;
	}
}

void
engine_mem_op_expire(struct engine_mem_world *world, struct mem_due *due)
{
	struct mem_op *op = engine_mem_op_of(due);

	engine_mem_op_unlisten(op);
	unlink_op(op);
	(void)err_set(&op->err, -ETIMEDOUT,
		"the Docker Engine at mem:// does not answer: gave up after %llu ms",
		(unsigned long long)(op->call.kind == ENGINE_CALL_PING
					     ? op->call.ms
					     : world->options.timeout_ms));
	if (op->op.engine != NULL)
		tell(op);
	engine_mem_op_free(op);
}

bool
engine_mem_op_held(struct mem_op *op)
{
	struct engine_mem_world *world = op->world;
	uint64_t until_ms = world->hang_until_ms;

	if (world->now_ms >= until_ms || op->err.code == -ECANCELED)
		return false;
	if (world->now_ms < op->timeout_at_ms) {
		engine_mem_heap_set(&world->heap, &op->due,
			op->timeout_at_ms < until_ms ? op->timeout_at_ms : until_ms);
		return true;
	}
	/* The engine may still do it when it wakes up, though nobody waits any more. */
	engine_mem_heap_set(&world->heap, &op->due, until_ms);
	engine_mem_op_ghost(op);
	engine_mem_heap_drop(&world->heap, &op->due);
	engine_mem_op_expire(world, &op->due);
	return true;
}

void
engine_mem_op_reply(struct engine_mem_world *world, struct mem_due *due)
{
	struct mem_op *op = engine_mem_op_of(due);

	(void)world;
	if (op->op.engine != NULL && engine_mem_op_held(op))
		return;
	unlink_op(op);
	if (op->lost && op->err.code == 0)
		(void)err_set(&op->err, -ENOTCONN,
			"lost the connection to the Docker Engine at mem://");
	if (op->op.engine != NULL)
		tell(op);
	engine_mem_op_free(op);
}

/* ---- the effect: true when it is done, false when the answer comes later ---- */

static bool
do_nothing(struct mem_op *op)
{
	(void)op;
	return true;
}

bool
engine_mem_op_find(struct mem_op *op)
{
	struct mem_container *container = engine_mem_container_find(op->world, op->call.target);

	if (container == NULL) {
		(void)err_set(&op->err, -ENOENT, "No such container: %s", op->call.target);
		return false;
	}
	op->container = engine_mem_container_ref(container);
	return true;
}

static bool
do_create(struct mem_op *op)
{
	(void)engine_mem_container_add(op->container, &op->err);
	return true;
}

static bool
do_start(struct mem_op *op)
{
	if (op->container == NULL && !engine_mem_op_find(op))
		return true;
	if (op->container->behaviour.slow_ms > 0 && !op->slept &&
		!engine_mem_container_is_up(op->container)) {
		op->slept = true;
		op->n_starts = op->container->n_starts;
		engine_mem_due_in(op->world, &op->due,
			engine_mem_container_starting_ms(op->container));
		return false;
	}
	if (op->container->gone)
		(void)err_set(&op->err, -ENOENT, "No such container: %s", op->call.target);
	else if (!op->slept || op->n_starts == op->container->n_starts)
		(void)engine_mem_container_start(op->container, &op->err);
	return true;
}

static bool
do_stop(struct mem_op *op)
{
	if (!engine_mem_op_find(op) || !engine_mem_container_is_up(op->container))
		return true;
	engine_mem_container_stop(op->container, op->call.ms);
	engine_mem_op_listen(op, &op->container->stoppers);
	return false;
}

static bool
do_kill(struct mem_op *op)
{
	if (engine_mem_op_find(op))
		(void)engine_mem_container_signal(op->container, op->call.text, &op->err);
	return true;
}

static bool
do_pause(struct mem_op *op)
{
	if (engine_mem_op_find(op))
		(void)engine_mem_container_pause(op->container, true, &op->err);
	return true;
}

static bool
do_unpause(struct mem_op *op)
{
	if (engine_mem_op_find(op))
		(void)engine_mem_container_pause(op->container, false, &op->err);
	return true;
}

static bool
do_remove(struct mem_op *op)
{
	struct mem_container *container = engine_mem_container_find(op->world, op->call.target);

	if (container != NULL)
		engine_mem_container_remove(container, true);
	return true;
}

static void
look(struct mem_op *op, struct mem_container *container)
{
	size_t n = op->n_snapshots;

	if ((n & (n - 1)) == 0)
		op->snapshots = xrealloc(op->snapshots, n == 0 ? 1 : n * 2, sizeof *op->snapshots);
	op->snapshots[op->n_snapshots++] = (struct mem_snapshot){
		.container = engine_mem_container_ref(container),
		.status = container->status,
		.exit_code = container->exit_code,
		.oom_killed = container->oom_killed,
		.started_ms = container->started_ms,
		.finished_ms = container->finished_ms,
		.health = container->health,
		.written_bytes = op->call.flag ? engine_mem_written(container) : 0,
	};
}

static bool
do_inspect(struct mem_op *op)
{
	if (engine_mem_op_find(op))
		look(op, op->container);
	return true;
}

static bool
do_list(struct mem_op *op)
{
	struct mem_container *container, *next;

	HASH_ITER(by_id, op->world->by_id, container, next)
	{
		if (op->call.text == NULL || engine_mem_container_matches(container, op->call.text))
			look(op, container);
	}
	return true;
}

static bool
do_image_inspect(struct mem_op *op)
{
	uint64_t pull_ms;

	if (engine_mem_image_kind(op->call.target, &pull_ms) != MEM_IMAGE_THERE &&
		engine_mem_name_find(op->world->images, op->call.target) == NULL)
		(void)err_set(&op->err, -ENOENT, "No such image: %s", op->call.target);
	return true;
}

static void
tell_progress(struct mem_op *op, const char *text, uint64_t bytes, uint64_t total)
{
	struct engine_progress progress = {text, 1, 0, bytes, total};

	if (op->call.on.progress != NULL && !op->dead)
		op->call.on.progress(&progress, op->call.arg);
}

static bool
do_pull(struct mem_op *op)
{
	const char *image = op->call.target;
	uint64_t pull_ms;

	switch (engine_mem_image_kind(image, &pull_ms)) {
	case MEM_IMAGE_THERE:
		return true;
	case MEM_IMAGE_MISSING:
		break;
	case MEM_IMAGE_NOSUCH:
		(void)err_set(&op->err, -ENOENT, "manifest for %s: manifest unknown", image);
		return true;
	case MEM_IMAGE_DENIED:
		(void)err_set(&op->err, -EACCES, "pull access denied for %s", image);
		return true;
	case MEM_IMAGE_OFFLINE:
		(void)err_set(&op->err, -EIO, "Get \"https://mem/v2/\": connection refused");
		return true;
	}
	if (!op->slept) {
		op->slept = true;
		engine_mem_due_in(op->world, &op->due, pull_ms);
		op->busy = true;
		tell_progress(op, "0 of 1 layers", 0, 0);
		tell_progress(op, "0 of 1 layers, 1KiB of 4KiB", 1024, 4096);
		op->busy = false;
		if (op->dead)
			engine_mem_op_free(op);
		return false;
	}
	if (engine_mem_name_find(op->world->images, image) == NULL)
		(void)engine_mem_name_add(&op->world->images, image, NULL);
	return true;
}

static bool
do_volume_list(struct mem_op *op)
{
	op->json = xstrdup("{\"Volumes\":[],\"Warnings\":null}");
	return true;
}

static bool
do_network_list(struct mem_op *op)
{
	struct mem_name *network, *next;
	json_t *list = json_array();

	HASH_ITER(hh, op->world->networks, network, next)
	{
		json_t *item = json_loads(network->text, 0, NULL);

		json_array_append_new(list, item == NULL ? json_object() : item);
	}
	op->json = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return true;
}

static bool
do_network_create(struct mem_op *op)
{
	if (op->call.text[0] == '\0')
		(void)err_set(&op->err, -EINVAL, "the name of a network must be UTF-8");
	else if (engine_mem_name_find(op->world->networks, op->call.target) == NULL)
		(void)engine_mem_name_add(&op->world->networks, op->call.target, op->call.text);
	return true;
}

CLEANUP_DEFINE(json_t *, json_decref)

static bool
do_network_connect(struct mem_op *op)
{
	CLEANUP(json_decref) json_t *body = json_loads(op->call.text, 0, NULL);
	const char *id = json_string_value(json_object_get(body, "Container"));

	if (id == NULL || engine_mem_container_find(op->world, id) == NULL)
		(void)err_set(&op->err, -ENOENT, "No such container: %s", id == NULL ? "" : id);
	else if (!engine_mem_has_network(op->world, op->call.target))
		(void)err_set(&op->err, -ENOENT, "network %s not found", op->call.target);
	return true;
}

static bool
do_network_remove(struct mem_op *op)
{
	struct mem_name *network = engine_mem_name_find(op->world->networks, op->call.target);
	struct mem_container *container, *next;

	if (network == NULL)
		return true;
	HASH_ITER(by_id, op->world->by_id, container, next)
	{
		if (!engine_mem_container_is_up(container) ||
			strcmp(container->network, op->call.target) != 0)
			continue;
		(void)err_set(&op->err, -EBUSY,
			"error while removing network: network %s has active endpoints",
			op->call.target);
		return true;
	}
	engine_mem_name_drop(&op->world->networks, network);
	return true;
}

static bool
do_events(struct mem_op *op)
{
	engine_mem_events_open(op);
	return false;
}

static bool
do_logs(struct mem_op *op)
{
	if (!engine_mem_op_find(op))
		return true;
	engine_mem_log_open(op);
	return false;
}

static bool
do_stats(struct mem_op *op)
{
	if (!engine_mem_op_find(op))
		return true;
	engine_mem_stats_open(op);
	return false;
}

void
engine_mem_op_arrive(struct engine_mem_world *world, struct mem_due *due)
{
	static bool (*const effects[ENGINE_CALL_COUNT])(struct mem_op *) = {
		[ENGINE_CALL_ABOUT] = do_nothing,
		[ENGINE_CALL_CREATE] = do_create,
		[ENGINE_CALL_START] = do_start,
		[ENGINE_CALL_STOP] = do_stop,
		[ENGINE_CALL_KILL] = do_kill,
		[ENGINE_CALL_PAUSE] = do_pause,
		[ENGINE_CALL_UNPAUSE] = do_unpause,
		[ENGINE_CALL_REMOVE] = do_remove,
		[ENGINE_CALL_INSPECT] = do_inspect,
		[ENGINE_CALL_LIST] = do_list,
		[ENGINE_CALL_IMAGE_INSPECT] = do_image_inspect,
		[ENGINE_CALL_PULL] = do_pull,
		[ENGINE_CALL_EVENTS] = do_events,
		[ENGINE_CALL_LOGS] = do_logs,
		[ENGINE_CALL_STATS] = do_stats,
		[ENGINE_CALL_VOLUME_LIST] = do_volume_list,
		[ENGINE_CALL_NETWORK_LIST] = do_network_list,
		[ENGINE_CALL_NETWORK_CREATE] = do_network_create,
		[ENGINE_CALL_NETWORK_CONNECT] = do_network_connect,
		[ENGINE_CALL_NETWORK_REMOVE] = do_network_remove,
		[ENGINE_CALL_EXEC_CREATE] = engine_mem_exec_create,
		[ENGINE_CALL_EXEC_START] = engine_mem_exec_start,
		[ENGINE_CALL_EXEC_INSPECT] = engine_mem_exec_inspect,
		[ENGINE_CALL_EXEC_RESIZE] = do_nothing,
		[ENGINE_CALL_RESIZE] = do_nothing,
		[ENGINE_CALL_ATTACH] = engine_mem_attach,
		[ENGINE_CALL_PATH_STAT] = engine_mem_path_stat,
		[ENGINE_CALL_ARCHIVE_GET] = engine_mem_archive_get,
		[ENGINE_CALL_ARCHIVE_PUT] = engine_mem_archive_put,
		[ENGINE_CALL_IMAGE_LIST] = engine_mem_image_list,
		[ENGINE_CALL_IMAGE_REMOVE] = engine_mem_image_remove,
		[ENGINE_CALL_IMAGE_PRUNE] = engine_mem_image_prune,
		[ENGINE_CALL_PING] = do_nothing,
	};
	struct mem_op *op = engine_mem_op_of(due);
	struct mem_plan *plan = &world->plans[op->call.kind];

	if (engine_mem_op_held(op))
		return;
	world->n_calls[op->call.kind]++;
	if (op->err.code == 0 && plan->code != 0 && !op->slept) {
		op->lost = plan->lost;
		if (!plan->lost)
			(void)err_set(&op->err, plan->code, "%s", plan->text);
		plan->code = 0;
	}
	if (op->err.code == 0 && !effects[op->call.kind](op))
		return;
	if (world->options.latency_ms == 0)
		engine_mem_op_reply(world, due);
	else
		engine_mem_op_answer(op);
}
