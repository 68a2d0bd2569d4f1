#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <utlist.h>

#include "common/base/mem.h"
#include "common/rpc/unpack.h"
#include "proto/store.pb-c.h"
#include "services/manager/core.h"
#include "services/manager/ended.h"
#include "services/manager/holds.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"
#include "services/manager/nodes.h"
#include "services/manager/records.h"
#include "services/manager/task_record.h"

enum { LOAD_NODES = 4096 };

struct load {
	struct manager *manager;
	struct arena arena;  /* of the record that is read */
	struct node **nodes; /* LOAD_NODES, found before, where their ids' last bits say; or NULL */
	struct err *err;
};

static int
bad_record(struct load *load, const char *key, const char *why)
{
	return err_set(load->err, -EUCLEAN, "record '%s' makes no sense: %s", key, why);
}

/*
 * Texts and enums are checked, as those of a peer are: a file can be damaged. NULL: no such record.
 * Valid until the next one is read, its bytes as long as data.
 */
static void *
read_record(struct load *load, const ProtobufCMessageDescriptor *type, const void *data,
	size_t size)
{
	ProtobufCMessage *record;
	struct pbjson_err err;

	arena_reset(&load->arena);
	return rpc_unpack_over(type, data, size, &load->arena, &record, &err) < 0 ? NULL : record;
}

/* A record says its own id; under the key of another it would be there twice. */
static bool
is_key_of(const char *key, const char *text)
{
	return strcmp(strchr(key, '/') + 1, text) == 0;
}

static int
load_spec(const char *key, const void *data, size_t size, void *arg)
{
	struct load *load = arg;
	const Davit__SpecRecord *record =
		read_record(load, &davit__spec_record__descriptor, data, size);

	if (record == NULL || record->id == NULL || record->spec == NULL ||
		record->spec->namespace_ == NULL || !is_key_of(key, record->id))
		return bad_record(load, key, "it is no spec");
	(void)model_spec_add(&load->manager->model, record->id, record->spec);
	return 0;
}

/* NULL: the group can be added; else why not. */
static const char *
judge_group(struct load *load, const char *key, const Davit__GroupRecord *record, struct id *ret_id)
{
	const struct model *model = &load->manager->model;
	uint32_t index;

	if (record == NULL || record->id == NULL || record->spec_id == NULL ||
		record->name == NULL || !id_parse(record->id, ret_id) ||
		!is_key_of(key, record->id) || model_spec_find(model, record->spec_id) == NULL)
		return "it is no group, or its spec is missing";
	if (record->count < 1 || record->count > MANAGER_ARRAY_MAX)
		return "no group has so many tasks";
	if (record->count > 1 && (uint32_t)ret_id->lo != 0)
		return "no array has such an id";
	if (record->cut > record->count)
		return "it lacks more tasks than it has";
	if (model_group_of(model, *ret_id, &index) != NULL)
		return "a task of it is of another group, too";
	return NULL;
}

/* Groups are read in order of their ids, which is nearly, not exactly, that of arrival. */
static int
load_group(const char *key, const void *data, size_t size, void *arg)
{
	struct load *load = arg;
	struct model *model = &load->manager->model;
	Davit__GroupRecord *record =
		read_record(load, &davit__group_record__descriptor, data, size);
	struct id id;
	const char *why = judge_group(load, key, record, &id);
	struct group *group;

	if (why != NULL)
		return bad_record(load, key, why);
	group = model_group_add(model, id, model_spec_find(model, record->spec_id), record->count,
		record->name);
	group->created_ms = record->created_ms;
	group->seq = record->seq;
	if (record->replaces != NULL)
		(void)id_parse(record->replaces, &group->replaces);
	if (record->seq >= model->next_seq)
		model->next_seq = record->seq + 1;
	id = id_at((struct id){id.hi, id.lo & ~(uint64_t)UINT32_MAX}, UINT32_MAX);
	if (id_is_less(load->manager->last_id, id))
		load->manager->last_id = id;
	if (group->count == 1)
		model_task_make(model, group, 0)->is_new = true; /* unless its own record follows */
	else
		model_rest(group)->settled = record->cut; /* its cut, when all is read */
	return 0;
}

static void
restore_course(struct task *task, const Davit__TaskRecord *record)
{
	task->phase = record->phase;
	task->desired = record->desired;
	model_set_text(&task->message, record->message);
	model_set_text(&task->container_id, record->container_id);
	task->has_exit_code = record->has_exit_code;
	task->exit_code = record->exit_code;
	task->oom_killed = record->oom_killed;
	task->restart_count = record->restart_count;
	task->is_paused = record->paused;
	task->pause_generation = record->pause_generation;
	task->scheduled_ms = record->scheduled_ms;
	task->started_ms = record->started_ms;
	task->finished_ms = record->finished_ms;
	task->has_stop_timeout = record->has_stop_timeout_ms;
	task->stop_timeout_ms = record->stop_timeout_ms;
	task->version = record->version;
	task->attempt = record->attempt;
	task->observed = (uint8_t)record->observed;
	task->retry_when_gone = record->retry_when_gone;
	task->replace_when_ended = record->replace_when_ended;
	task->is_preempted = record->preempted;
	if (record->usage != NULL) {
		struct usage usage = usage_from_record(record->usage);

		model_task_set_usage(task, &usage);
	}
}

/* NULL for none. One look where the model takes several: a million tasks have few nodes. */
static struct node *
find_node(struct load *load, struct id id)
{
	struct node **place;

	if (id_is_none(id))
		return NULL;
	if (load->nodes == NULL)
		return model_node_find(&load->manager->model, id);
	place = &load->nodes[id.lo % LOAD_NODES];
	if (*place == NULL || !id_equal((*place)->id, id))
		*place = model_node_find(&load->manager->model, id);
	return *place;
}

/* The ledger is not recorded: it is what the tasks hold. */
static int
restore_place(struct load *load, struct task *task, const struct task_record *found,
	struct err *err)
{
	const Davit__TaskRecord *record = &found->says;
	size_t n_ports = task->group->spec->spec->n_ports;
	struct node *node = find_node(load, found->node);

	if (record->n_host_ports == n_ports && n_ports > 0) {
		task->host_ports = xcalloc(n_ports, sizeof *task->host_ports);
		for (size_t i = 0; i < n_ports; i++)
			task->host_ports[i] = (uint16_t)record->host_ports[i];
	}
	if (node == NULL)
		return record->on_node || record->holds
			       ? err_set(err, -EUCLEAN, "its node is not there")
			       : 0;
	task->node = node;
	if (record->on_node)
		model_task_enter_node(task, node);
	if (record->holds)
		return holds_restore(task, err);
	return 0;
}

static int
restore_task(struct load *load, const char *key, struct task *task, const struct task_record *found)
{
	struct manager *manager = load->manager;
	const Davit__TaskRecord *record = &found->says;
	struct err why = {0};
	bool spec_gone;

	if (!record->has_state) {
		(void)model_task_remove(&manager->model, task, &spec_gone);
		return 0;
	}
	if (record->state <= DAVIT__TASK__STATE__NONE || record->state > DAVIT__TASK__STATE__FAILED)
		return bad_record(load, key, "its state is none");
	model_task_set_state(&manager->model, task, (enum task_state)record->state);
	restore_course(task, record);
	task->replaced_by = found->replaced_by;
	if (restore_place(load, task, found, &why) < 0)
		return bad_record(load, key, why.text);
	ended_restored(manager, task);
	return 0;
}

/* The same of one that is read for a call: the model does not have it. */
static int
fill_task(struct load *load, const char *key, struct task *task, const struct task_record *found)
{
	const Davit__TaskRecord *record = &found->says;
	struct err why = {0};

	if (!record->has_state || record->on_node || record->holds ||
		(record->state != DAVIT__TASK__STATE__COMPLETED &&
			record->state != DAVIT__TASK__STATE__FAILED))
		return bad_record(load, key, "it is not of a task that has ended");
	task->state = (enum task_state)record->state;
	restore_course(task, record);
	task->replaced_by = found->replaced_by;
	return restore_place(load, task, found, &why) < 0 ? bad_record(load, key, why.text) : 0;
}

typedef int restore_fn(struct load *load, const char *key, struct task *task,
	const struct task_record *found);

/* Of the release before. */
static int
load_protobuf_task(struct load *load, const char *key, struct task *task, const void *data,
	size_t size, restore_fn *restore)
{
	Davit__TaskRecord *record = read_record(load, &davit__task_record__descriptor, data, size);
	struct task_record found = {0};

	if (record == NULL || record->id == NULL || !is_key_of(key, record->id))
		return bad_record(load, key, "it is no task of a group");
	found.says = *record;
	if (record->node_id != NULL)
		(void)id_parse(record->node_id, &found.node);
	if (record->replaced_by != NULL)
		(void)id_parse(record->replaced_by, &found.replaced_by);
	return restore(load, key, task, &found);
}

static int
load_task_record(struct load *load, const char *key, struct task *task, const void *data,
	size_t size, restore_fn *restore)
{
	struct task_record record;
	int rc;

	if (!task_record_is_compact(data, size))
		return load_protobuf_task(load, key, task, data, size, restore);
	if (!task_record_decode(data, size, &record))
		return bad_record(load, key, "it is damaged");
	rc = restore(load, key, task, &record);
	if (record.says.usage != NULL)
		davit__task_usage__free_unpacked(record.says.usage, NULL);
	return rc;
}

static int
load_task(const char *key, const void *data, size_t size, void *arg)
{
	struct load *load = arg;
	struct model *model = &load->manager->model;
	struct group *group = NULL;
	struct task *task;
	char text[ID_TEXT_SIZE];
	uint32_t index;
	struct id id;

	if (id_parse(strchr(key, '/') + 1, &id)) {
		id_format(id, text); /* as we write it, or it would be there twice */
		group = model_group_of(model, id, &index);
	}
	if (group == NULL || !is_key_of(key, text))
		return bad_record(load, key, "it is no task of a group");
	task = model_is_unmade(group, index) ? model_task_make(model, group, index)
					     : model_element(group, index);
	if (task == NULL)
		return bad_record(load, key, "it was read already");
	task->is_new = false;
	return load_task_record(load, key, task, data, size, restore_task);
}

static int
load_node(const char *key, const void *data, size_t size, void *arg)
{
	struct load *load = arg;
	Davit__NodeRecord *record = read_record(load, &davit__node_record__descriptor, data, size);
	struct id id;
	int rc = 0;

	if (record == NULL || record->id == NULL || record->name == NULL ||
		!id_parse(record->id, &id) || !is_key_of(key, record->id) ||
		model_node_find(&load->manager->model, id) != NULL)
		rc = bad_record(load, key, "it is no node");
	else
		nodes_restore(load->manager, id, record);
	return rc;
}

static int
load_request(const char *key, const void *data, size_t size, void *arg)
{
	struct load *load = arg;
	const Davit__RequestRecord *record =
		read_record(load, &davit__request_record__descriptor, data, size);

	if (record == NULL || record->request_id == NULL || record->request_id[0] == '\0')
		return bad_record(load, key, "it is no answer");
	requests_load(load->manager, record);
	return 0;
}

static int
load_cluster(struct load *load, struct store *store)
{
	struct manager *manager = load->manager;
	struct err *err = load->err;
	CLEANUP(buf_fini) struct buf value = {0};
	const Davit__ClusterRecord *record;
	int rc = store_get(store, "cluster", &value, err);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == -ENOENT) {
		id_format(manager_new_id(manager, false), manager->cluster_id);
		manager->cluster_created_ms = manager->now.wall_ms;
		assignments_begin(manager, 0);
		records_put_cluster(manager);
		return 0;
	}
	record = read_record(load, &davit__cluster_record__descriptor, value.data, value.size);
	if (record == NULL || record->cluster_id == NULL || record->lives >= ASSIGNMENTS_LIVES_MAX)
		return err_set(err, -EUCLEAN, "record 'cluster' makes no sense");
	if (record->format > RECORDS_FORMAT)
		return err_set(err, -EUCLEAN,
			"the store has format %u, this program knows %d: use a newer davit-manager",
			record->format, RECORDS_FORMAT);
	(void)snprintf(manager->cluster_id, sizeof manager->cluster_id, "%s", record->cluster_id);
	manager->cluster_created_ms = record->created_ms;
	assignments_begin(manager, record->lives);
	return 0;
}

/* ---- one task for a call ---- */

static struct spec *
make_spec(struct load *load, const char *key, const void *data, size_t size)
{
	ProtobufCMessage *message;
	Davit__SpecRecord *record;
	struct spec *spec = NULL;
	struct pbjson_err err;

	if (rpc_unpack(&davit__spec_record__descriptor, data, size, &message, &err) < 0) {
		(void)bad_record(load, key, "it is no spec");
		return NULL;
	}
	record = (Davit__SpecRecord *)message;
	if (record->id != NULL && record->spec != NULL && record->spec->namespace_ != NULL &&
		is_key_of(key, record->id)) {
		spec = xcalloc(1, sizeof *spec);
		spec->spec = TAKE(record->spec);
	} else {
		(void)bad_record(load, key, "it is no spec");
	}
	davit__spec_record__free_unpacked(record, NULL);
	return spec;
}

static int
fill_group(struct load *load, const char *key, struct group *group, const struct buf *value)
{
	Davit__GroupRecord *record =
		read_record(load, &davit__group_record__descriptor, value->data, value->size);

	if (record == NULL || record->id == NULL || record->name == NULL ||
		!id_parse(record->id, &group->id) || !is_key_of(key, record->id))
		return bad_record(load, key, "it is no group");
	group->count = record->count;
	group->name = xstrdup(record->name);
	group->created_ms = record->created_ms;
	group->seq = record->seq;
	if (record->replaces != NULL)
		(void)id_parse(record->replaces, &group->replaces);
	return 0;
}

static int
read_value(struct manager *manager, const char *kind, const char *id, char key[RECORDS_KEY_SIZE],
	struct buf *value, struct err *err)
{
	(void)snprintf(key, RECORDS_KEY_SIZE, "%s/%s", kind, id);
	buf_reset(value);
	return manager->ports.read(manager->ports.arg, key, value, err);
}

/* Group and spec of one that is no element; borrowed of whoever has them in memory. */
static int
read_group(struct load *load, const struct past_entry *entry, const char *id, struct group *group)
{
	CLEANUP(buf_fini) struct buf value = {0};
	char key[RECORDS_KEY_SIZE];
	int rc = read_value(load->manager, "group", id, key, &value, load->err);

	if (rc == 0)
		rc = fill_group(load, key, group, &value);
	if (rc < 0 || entry->spec != NULL) {
		group->spec = entry->spec;
		return rc;
	}
	rc = read_value(load->manager, "spec", id, key, &value, load->err);
	if (rc == 0)
		group->spec = make_spec(load, key, value.data, value.size);
	return rc == 0 && group->spec == NULL ? -EUCLEAN : rc;
}

static int
read_all(struct load *load, const struct past_entry *entry, struct records_read *read)
{
	struct task *task = &read->task;
	CLEANUP(buf_fini) struct buf value = {0};
	char key[RECORDS_KEY_SIZE], id[ID_TEXT_SIZE];
	int rc = 0;

	id_format(entry->id, id);
	task->id = entry->id;
	task->is_read = true;
	task->ended_ms = entry->ended_ms;
	task->group = model_past_group(&load->manager->model, entry);
	task->index = task->group == NULL ? 0 : (uint32_t)entry->id.lo;
	if (task->group == NULL) {
		task->group = read->group = xcalloc(1, sizeof *read->group);
		rc = read_group(load, entry, id, read->group);
		read->spec = entry->spec == NULL ? read->group->spec : NULL;
	}
	if (rc == 0)
		rc = read_value(load->manager, "task", id, key, &value, load->err);
	return rc < 0 ? rc : load_task_record(load, key, task, value.data, value.size, fill_task);
}

void
records_read_free(struct records_read *read)
{
	if (read == NULL)
		return;
	if (read->group != NULL)
		free(read->group->name);
	free(read->group);
	if (read->spec != NULL)
		davit__task_spec__free_unpacked(read->spec->spec, NULL);
	free(read->spec);
	model_task_fini(&read->task);
	free(read);
}

int
records_read_task(struct manager *manager, const struct past_entry *entry,
	struct records_read **ret_read, struct err *err)
{
	CLEANUP(records_read_free) struct records_read *read = xcalloc(1, sizeof *read);
	struct load load = {.manager = manager, .err = err};
	int rc = read_all(&load, entry, read);

	arena_fini(&load.arena);
	if (rc == 0)
		*ret_read = TAKE(read);
	return rc;
}

/* What has no record, and is not waiting: only now it is known which elements have one. */
static void
cut_rests(struct model *model)
{
	struct group *group, *next;

	HASH_ITER(hh, model->groups, group, next)
	{
		if (group->count > 1)
			(void)model_rest_restore(model, group);
	}
}

int
records_load(struct manager *manager, struct store *store, struct err *err)
{
	static const struct {
		const char *prefix;
		store_visit_fn *visit;
	} kinds[] = {/* what a record names must have been read before it */
		{"node/", load_node}, {"spec/", load_spec}, {"group/", load_group},
		{"task/", load_task}, {"request/", load_request}};
	struct load load = {.manager = manager, .err = err};
	int rc = load_cluster(&load, store);

	load.nodes = xcalloc(LOAD_NODES, sizeof(struct node *));
	for (size_t i = 0; rc == 0 && i < sizeof kinds / sizeof kinds[0]; i++)
		rc = store_scan(store, kinds[i].prefix, kinds[i].visit, &load, err);
	requests_loaded(&manager->requests);
	cut_rests(&manager->model);
	free(load.nodes);
	arena_fini(&load.arena);
	return rc;
}
