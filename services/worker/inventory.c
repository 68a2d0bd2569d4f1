/* The engine's lists of volumes and networks, as ours; tested by
 * tests/unit/test_worker_queries.c. */
#include "services/worker/core.h"

#include <errno.h>

#include <jansson.h>

#include "common/base/mem.h"

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
