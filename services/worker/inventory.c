/* The engine's lists of volumes and networks, as ours; tested by
 * tests/unit/test_worker_queries.c. */
#include "services/worker/core.h"

#include <errno.h>

#include <jansson.h>

#include "common/base/mem.h"
#include "common/rpc/unpack.h"

CLEANUP_DEFINE(json_t *, json_decref)

static char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? NULL : xstrdup(text);
}

static int
load(const char *json, size_t size, const char *what, json_t **ret_root, struct err *err)
{
	json_error_t error;

	*ret_root = json_loadb(json, size, 0, &error);
	if (*ret_root == NULL)
		return err_set(err, -EIO, "the engine's list of %s is no JSON: %s", what,
			error.text);
	return 0;
}

static size_t
bounded(const json_t *array)
{
	size_t n = json_array_size(array);

	return n < WORKER_LISTED_ITEMS_MAX ? n : WORKER_LISTED_ITEMS_MAX;
}

static void
fill_labels(Davit__Volume *volume, json_t *labels)
{
	const char *key;
	json_t *value;

	volume->labels = xcalloc(json_object_size(labels) + 1, sizeof(void *));
	json_object_foreach(labels, key, value)
	{
		Davit__StringEntry *entry = xmalloc(sizeof *entry);
		const char *text = json_string_value(value);

		davit__string_entry__init(entry);
		entry->key = xstrdup(key);
		entry->value = xstrdup(text == NULL ? "" : text);
		volume->labels[volume->n_labels++] = entry;
	}
}

int
worker_inventory_volumes(const char *json, size_t size, const char *node_name,
	Davit__QueryAnswer *answer, struct err *err)
{
	CLEANUP(json_decref) json_t *root = NULL;
	const json_t *list;
	int rc = load(json, size, "volumes", &root, err);

	if (rc < 0)
		return rc;
	list = json_object_get(root, "Volumes"); /* null when there are none */
	answer->volumes = xcalloc(bounded(list) + 1, sizeof(void *));
	for (size_t i = 0; i < bounded(list); i++) {
		const json_t *item = json_array_get(list, i);
		Davit__Volume *volume = xmalloc(sizeof *volume);

		davit__volume__init(volume);
		volume->name = text_of(item, "Name");
		volume->driver = text_of(item, "Driver");
		volume->mountpoint = text_of(item, "Mountpoint");
		volume->node_name = xstrdup(node_name);
		fill_labels(volume, json_object_get(item, "Labels"));
		answer->volumes[answer->n_volumes++] = volume;
	}
	return 0;
}

int
worker_inventory_networks(const char *json, size_t size, const char *node_name,
	Davit__QueryAnswer *answer, struct err *err)
{
	CLEANUP(json_decref) json_t *root = NULL;
	int rc = load(json, size, "networks", &root, err);

	if (rc < 0)
		return rc;
	answer->networks = xcalloc(bounded(root) + 1, sizeof(void *));
	for (size_t i = 0; i < bounded(root); i++) {
		const json_t *item = json_array_get(root, i);
		Davit__Network *network = xmalloc(sizeof *network);

		davit__network__init(network);
		network->name = text_of(item, "Name");
		network->id = text_of(item, "Id");
		network->driver = text_of(item, "Driver");
		network->scope = text_of(item, "Scope");
		network->node_name = xstrdup(node_name);
		answer->networks[answer->n_networks++] = network;
	}
	return 0;
}

static char **
texts_of(const json_t *array, size_t *ret_n)
{
	char **texts = xcalloc(bounded(array) + 1, sizeof(char *));

	*ret_n = 0;
	for (size_t i = 0; i < bounded(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));

		/* The engine's words for "none". */
		if (text != NULL && strncmp(text, "<none>", 6) != 0)
			texts[(*ret_n)++] = xstrdup(text);
	}
	return texts;
}

static uint64_t
count_of(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint64_t)n : 0;
}

int
worker_inventory_images(const char *json, size_t size, const char *node_name,
	Davit__QueryAnswer *answer, struct err *err)
{
	CLEANUP(json_decref) json_t *root = NULL;
	int rc = load(json, size, "images", &root, err);

	if (rc < 0)
		return rc;
	answer->images = xcalloc(bounded(root) + 1, sizeof(void *));
	for (size_t i = 0; i < bounded(root); i++) {
		const json_t *item = json_array_get(root, i);
		uint64_t created_s = count_of(item, "Created");
		Davit__Image *image = xmalloc(sizeof *image);

		davit__image__init(image);
		image->id = text_of(item, "Id");
		image->tags = texts_of(json_object_get(item, "RepoTags"), &image->n_tags);
		image->digests = texts_of(json_object_get(item, "RepoDigests"), &image->n_digests);
		image->has_size_bytes = image->has_created_ms = true;
		image->size_bytes = count_of(item, "Size");
		image->created_ms = created_s < UINT64_MAX / 1000 ? created_s * 1000 : 0;
		image->node_name = xstrdup(node_name);
		answer->images[answer->n_images++] = image;
	}
	return 0;
}

/* ---- removing, one image after the other ---- */

static void remove_next(struct worker_query *query);

static void
put_result(struct worker_query *query, const struct err *err, const char *json, size_t size)
{
	CLEANUP(json_decref) json_t *root = err->code < 0 ? NULL : json_loadb(json, size, 0, NULL);
	const json_t *pruned = json_object_get(root, "ImagesDeleted");
	Davit__ImageResult *result = xmalloc(sizeof *result);

	davit__image_result__init(result);
	result->node_name = xstrdup(query->worker->name);
	if (query->removal->n_images > 0)
		result->image = xstrdup(query->removal->images[query->n_removals - 1]);
	if (err->code < 0)
		result->error = xstrdup(err->text);
	result->has_n_removed = true;
	result->n_removed = (uint32_t)json_array_size(pruned != NULL ? pruned : root);
	result->has_freed_bytes = pruned != NULL;
	result->freed_bytes = count_of(root, "SpaceReclaimed");
	query->answer.image_results[query->answer.n_image_results++] = result;
}

static void
on_removed(const struct err *err, const char *json, size_t size, void *arg)
{
	struct worker_query *query = worker_job_end(arg);

	if (query == NULL)
		return;
	put_result(query, err, json, size);
	if (query->n_removals < query->removal->n_images)
		remove_next(query);
	else
		worker_query_done(query);
}

static void
remove_next(struct worker_query *query)
{
	const Davit__RemoveImagesRequest *removal = query->removal;
	struct engine *engine = query->worker->engine;
	struct worker_job *job = worker_job_new(&query->job, query);

	if (removal->n_images == 0)
		job->op = engine_image_prune(engine, removal->all, on_removed, job);
	else
		job->op = engine_image_remove(engine, removal->images[query->n_removals++],
			removal->force, on_removed, job);
}

void
worker_inventory_remove(struct worker_query *query, const Davit__RemoveImagesRequest *request)
{
	query->removal = rpc_copy(&request->base);
	query->answer.image_results = xcalloc(request->n_images + 1, sizeof(void *));
	remove_next(query);
}
