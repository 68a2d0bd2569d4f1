#include <errno.h>
#include <jansson.h>

#include "common/base/mem.h"
#include "common/docker/engine_impl.h"

static struct engine_op *
start(struct engine *engine, const struct engine_call *call)
{
	return engine->ops->start(engine, call);
}

void
engine_observe(struct engine *engine, engine_ended_fn *fn, void *arg)
{
	engine->on_ended = fn;
	engine->on_ended_arg = arg;
}

struct engine_op *
engine_about(struct engine *engine, engine_about_fn *done, void *arg)
{
	return start(engine,
		&(struct engine_call){.kind = ENGINE_CALL_ABOUT, .done.about = done, .arg = arg});
}

struct engine_op *
engine_ping(struct engine *engine, uint64_t patience_ms, engine_done_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){.kind = ENGINE_CALL_PING,
				     .ms = patience_ms,
				     .done.plain = done,
				     .arg = arg});
}

struct engine_op *
engine_container_create(struct engine *engine, const struct engine_creation *creation,
	engine_id_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){.kind = ENGINE_CALL_CREATE,
				     .target = creation->name,
				     .text = creation->body,
				     .platform = creation->platform,
				     .done.id = done,
				     .arg = arg});
}

/* The operations that name one thing and only work or fail. */
static struct engine_op *
start_plain(struct engine *engine, enum engine_call_kind kind, const char *target,
	engine_done_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){
				     .kind = kind,
				     .target = target,
				     .done.plain = done,
				     .arg = arg,
			     });
}

struct engine_op *
engine_container_start(struct engine *engine, const char *id, engine_done_fn *done, void *arg)
{
	return start_plain(engine, ENGINE_CALL_START, id, done, arg);
}

struct engine_op *
engine_container_stop(struct engine *engine, const char *id, uint64_t grace_ms,
	engine_done_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){
				     .kind = ENGINE_CALL_STOP,
				     .target = id,
				     .ms = grace_ms,
				     .done.plain = done,
				     .arg = arg,
			     });
}

struct engine_op *
engine_container_kill(struct engine *engine, const char *id, const char *signal,
	engine_done_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){
				     .kind = ENGINE_CALL_KILL,
				     .target = id,
				     .text = signal,
				     .done.plain = done,
				     .arg = arg,
			     });
}

struct engine_op *
engine_container_pause(struct engine *engine, const char *id, engine_done_fn *done, void *arg)
{
	return start_plain(engine, ENGINE_CALL_PAUSE, id, done, arg);
}

struct engine_op *
engine_container_unpause(struct engine *engine, const char *id, engine_done_fn *done, void *arg)
{
	return start_plain(engine, ENGINE_CALL_UNPAUSE, id, done, arg);
}

struct engine_op *
engine_container_remove(struct engine *engine, const char *id, engine_done_fn *done, void *arg)
{
	return start_plain(engine, ENGINE_CALL_REMOVE, id, done, arg);
}

struct engine_op *
engine_container_inspect(struct engine *engine, const char *id, engine_container_fn *done,
	void *arg)
{
	return start(engine, &(struct engine_call){.kind = ENGINE_CALL_INSPECT,
				     .target = id,
				     .done.container = done,
				     .arg = arg});
}

struct engine_op *
engine_container_inspect_size(struct engine *engine, const char *id, engine_container_fn *done,
	void *arg)
{
	return start(engine, &(struct engine_call){.kind = ENGINE_CALL_INSPECT,
				     .target = id,
				     .flag = true,
				     .done.container = done,
				     .arg = arg});
}

struct engine_op *
engine_container_list(struct engine *engine, const char *label, engine_list_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){.kind = ENGINE_CALL_LIST,
				     .text = label,
				     .done.list = done,
				     .arg = arg});
}

struct engine_op *
engine_image_inspect(struct engine *engine, const char *image, engine_done_fn *done, void *arg)
{
	return start_plain(engine, ENGINE_CALL_IMAGE_INSPECT, image, done, arg);
}

struct engine_op *
engine_image_list(struct engine *engine, engine_json_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){.kind = ENGINE_CALL_IMAGE_LIST,
				     .done.json = done,
				     .arg = arg});
}

struct engine_op *
engine_image_remove(struct engine *engine, const char *image, bool force, engine_json_fn *done,
	void *arg)
{
	return start(engine, &(struct engine_call){
				     .kind = ENGINE_CALL_IMAGE_REMOVE,
				     .target = image,
				     .flag = force,
				     .done.json = done,
				     .arg = arg,
			     });
}

struct engine_op *
engine_image_prune(struct engine *engine, bool all, engine_json_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){.kind = ENGINE_CALL_IMAGE_PRUNE,
				     .flag = all,
				     .done.json = done,
				     .arg = arg});
}

struct engine_op *
engine_image_pull(struct engine *engine, const struct engine_pull *pull,
	engine_progress_fn *progress, engine_done_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){
				     .kind = ENGINE_CALL_PULL,
				     .target = pull->image,
				     .text = pull->auth,
				     .platform = pull->platform,
				     .on.progress = progress,
				     .done.plain = done,
				     .arg = arg,
			     });
}

struct engine_op *
engine_events(struct engine *engine, const char *label, uint64_t since_ms,
	engine_event_fn *on_event, engine_done_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){
				     .kind = ENGINE_CALL_EVENTS,
				     .text = label,
				     .ms = since_ms,
				     .on.event = on_event,
				     .done.plain = done,
				     .arg = arg,
			     });
}

struct engine_op *
engine_logs(struct engine *engine, const char *id, const struct engine_log_options *options,
	engine_log_fn *on_data, engine_done_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){
				     .kind = ENGINE_CALL_LOGS,
				     .target = id,
				     .logs = *options,
				     .on.log = on_data,
				     .done.plain = done,
				     .arg = arg,
			     });
}

struct engine_op *
engine_stats(struct engine *engine, const char *id, engine_sample_fn *on_sample,
	engine_done_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){
				     .kind = ENGINE_CALL_STATS,
				     .target = id,
				     .on.sample = on_sample,
				     .done.plain = done,
				     .arg = arg,
			     });
}

struct engine_op *
engine_volume_list(struct engine *engine, engine_json_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){.kind = ENGINE_CALL_VOLUME_LIST,
				     .done.json = done,
				     .arg = arg});
}

struct engine_op *
engine_network_list(struct engine *engine, engine_json_fn *done, void *arg)
{
	return start(engine, &(struct engine_call){.kind = ENGINE_CALL_NETWORK_LIST,
				     .done.json = done,
				     .arg = arg});
}

struct engine_op *
engine_network_create(struct engine *engine, const char *name, const struct engine_label *labels,
	size_t n_labels, engine_done_fn *done, void *arg)
{
	json_t *body = json_pack("{s:s, s:b, s:o}", "Name", name, "CheckDuplicate", 1, "Labels",
		json_object());
	struct engine_op *op;
	char *text;

	for (size_t i = 0; i < n_labels; i++)
		json_object_set_new(json_object_get(body, "Labels"), labels[i].key,
			json_string(labels[i].value));
	/* A name that is no UTF-8 leaves no body: the backend refuses the empty one. */
	text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	json_decref(body);
	op = start(engine, &(struct engine_call){
				   .kind = ENGINE_CALL_NETWORK_CREATE,
				   .target = name,
				   .text = text == NULL ? "" : text,
				   .done.plain = done,
				   .arg = arg,
			   });
	free(text);
	return op;
}

struct engine_op *
engine_network_connect(struct engine *engine, const struct engine_attachment *attachment,
	engine_done_fn *done, void *arg)
{
	json_t *aliases = json_array();
	json_t *body = json_pack("{s:s, s:{s:o}}", "Container", attachment->container,
		"EndpointConfig", "Aliases", aliases);
	struct engine_op *op;
	char *text;

	for (size_t i = 0; i < attachment->n_aliases; i++)
		json_array_append_new(aliases, json_string(attachment->aliases[i]));
	text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	json_decref(body);
	op = start(engine, &(struct engine_call){
				   .kind = ENGINE_CALL_NETWORK_CONNECT,
				   .target = attachment->network,
				   .text = text == NULL ? "" : text,
				   .done.plain = done,
				   .arg = arg,
			   });
	free(text);
	return op;
}

struct engine_op *
engine_network_remove(struct engine *engine, const char *name, engine_done_fn *done, void *arg)
{
	return start_plain(engine, ENGINE_CALL_NETWORK_REMOVE, name, done, arg);
}

void
engine_cancel(struct engine_op *op)
{
	op->engine->ops->cancel(op);
}

void
engine_resume(struct engine_op *op)
{
	op->engine->ops->resume(op);
}

void
engine_close(struct engine *engine)
{
	if (engine != NULL)
		engine->ops->close(engine);
}
