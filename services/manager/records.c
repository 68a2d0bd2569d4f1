#include "services/manager/records.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/rpc/pack.h"
#include "proto/store.pb-c.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"
#include "services/manager/task_record.h"
#include "services/manager/view.h"

static void
make_key(char key[RECORDS_KEY_SIZE], const char *kind, const char *id)
{
	size_t kind_size = strlen(kind);

	assert(kind_size + 1 + strlen(id) < RECORDS_KEY_SIZE);
	memcpy(key, kind, kind_size);
	key[kind_size] = '/';
	memcpy(key + kind_size + 1, id, strlen(id) + 1);
}

static void
put(struct manager *manager, const char *key, const ProtobufCMessage *message)
{
	struct buf *packed = &manager->batch.packed;

	buf_reset(packed);
	rpc_pack(message, packed);
	store_batch_put(manager->batch.open.writes, key, packed->data, packed->size);
}

void
records_put_cluster(struct manager *manager)
{
	Davit__ClusterRecord record = DAVIT__CLUSTER_RECORD__INIT;

	record.cluster_id = manager->cluster_id;
	record.has_created_ms = record.has_format = record.has_lives = true;
	record.created_ms = manager->cluster_created_ms;
	record.format = RECORDS_FORMAT;
	record.lives = manager->assignments.life;
	put(manager, "cluster", &record.base);
}

void
records_put_message(struct manager *manager, const char *kind, const char *id,
	const ProtobufCMessage *message)
{
	char key[RECORDS_KEY_SIZE];

	make_key(key, kind, id);
	put(manager, key, message);
}

void
records_delete(struct manager *manager, const char *kind, const char *id)
{
	char key[RECORDS_KEY_SIZE];

	make_key(key, kind, id);
	store_batch_delete(manager->batch.open.writes, key);
}

void
records_put_spec(struct manager *manager, const struct spec *spec)
{
	Davit__SpecRecord record = DAVIT__SPEC_RECORD__INIT;

	record.id = (char *)(uintptr_t)spec->id;
	record.spec = spec->spec;
	records_put_message(manager, "spec", spec->id, &record.base);
}

void
records_put_group(struct manager *manager, const struct group *group)
{
	Davit__GroupRecord record = DAVIT__GROUP_RECORD__INIT;
	char id[ID_TEXT_SIZE], replaces[ID_TEXT_SIZE];

	id_format(group->id, id);
	record.id = id;
	record.spec_id = group->spec->id;
	record.has_count = record.has_created_ms = record.has_seq = true;
	record.count = group->count;
	record.created_ms = group->created_ms;
	record.seq = group->seq;
	record.has_cut = group->count > 1 && model_rest(group)->cut > 0;
	record.cut = record.has_cut ? model_rest(group)->cut : 0;
	record.name = group->name;
	if (!id_is_none(group->replaces)) {
		id_format(group->replaces, replaces);
		record.replaces = replaces;
	}
	records_put_message(manager, "group", id, &record.base);
}

void
records_put_task(struct manager *manager, const struct task *task)
{
	struct arena *arena = &manager->batch.arena;
	char key[RECORDS_KEY_SIZE], id[ID_TEXT_SIZE];
	size_t size;
	const uint8_t *data = task_record_encode(task,
		task_state_is_final(task->state) ? usage_view(task, arena) : NULL, arena, &size);

	id_format(task->id, id);
	make_key(key, "task", id);
	if (task->is_new)
		store_batch_put_new(manager->batch.open.writes, key, data, size);
	else
		store_batch_put(manager->batch.open.writes, key, data, size);
}

static void
delete_task(struct manager *manager, struct id task_id)
{
	char id[ID_TEXT_SIZE];

	id_format(task_id, id);
	records_delete(manager, "task", id);
}

/*
 * By many at once, so that its record is not written for each element. An element that waits stops
 * it: those behind that one are marked as long as it does.
 */
static void
advance_cut(struct manager *manager, struct group *group, uint32_t leaving)
{
	struct rest *rest = model_rest(group);
	uint32_t end = model_rest_settle(group, leaving);

	if (end - rest->cut > MANAGER_CUT_LEAP)
		end = rest->cut + MANAGER_CUT_LEAP;
	if (end - rest->cut < manager->config.cut_step && end < group->count)
		return;
	while (rest->cut < end) {
		if (model_rest_pass(group))
			delete_task(manager, id_at(group->id, rest->cut - 1));
	}
	records_put_group(manager, group);
}

static void
put_mark(struct manager *manager, struct id task_id, bool is_new)
{
	struct store_batch *writes = manager->batch.open.writes;
	char key[RECORDS_KEY_SIZE], id[ID_TEXT_SIZE];

	id_format(task_id, id);
	make_key(key, "task", id);
	if (is_new)
		store_batch_put_new(writes, key, task_record_gone, sizeof task_record_gone);
	else
		store_batch_put(writes, key, task_record_gone, sizeof task_record_gone);
}

/* Others of its array are left. */
static void
delete_element(struct manager *manager, struct group *group, uint32_t index)
{
	struct id id = id_at(group->id, index);
	bool is_on_disk = model_is_on_disk(group, index);

	if (index >= model_rest(group)->cut)
		advance_cut(manager, group, index);
	if (index >= model_rest(group)->cut)
		put_mark(manager, id, !is_on_disk);
	else if (is_on_disk)
		delete_task(manager, id);
}

void
records_delete_task(struct manager *manager, const struct task *task)
{
	delete_element(manager, task->group, task->index);
}

void
records_delete_group(struct manager *manager, const struct group *group, bool spec_gone)
{
	char id[ID_TEXT_SIZE];

	for (uint32_t i = 0; i < group->count; i++) {
		if (model_is_on_disk(group, i))
			delete_task(manager, id_at(group->id, i));
	}
	id_format(group->id, id);
	records_delete(manager, "group", id);
	if (spec_gone)
		records_delete(manager, "spec", group->spec->id);
}

void
records_delete_past(struct manager *manager, const struct past_entry *entry)
{
	struct group *group = model_past_group(&manager->model, entry);
	char id[ID_TEXT_SIZE];

	id_format(entry->id, id);
	if (group != NULL && group->n_left > 1) {
		delete_element(manager, group, (uint32_t)entry->id.lo);
	} else if (group != NULL) {
		records_delete_group(manager, group, group->spec->n_groups == 1);
	} else {
		records_delete(manager, "task", id);
		records_delete(manager, "group", id);
		if (entry->spec == NULL)
			records_delete(manager, "spec", id);
		else if (entry->spec->n_groups == 1)
			records_delete(manager, "spec", entry->spec->id);
	}
}

void
records_put_node(struct manager *manager, const struct node *node)
{
	Davit__NodeRecord record = DAVIT__NODE_RECORD__INIT;
	struct arena *arena = &manager->batch.arena;

	record.id = (char *)(uintptr_t)node->id_text;
	record.name = node->name;
	record.has_draining = record.has_session = record.has_registered_ms = true;
	record.draining = node->draining;
	record.session = node->session;
	record.registered_ms = node->registered_ms;
	record.address = node->address;
	record.davit_version = node->davit_version;
	record.instance = node->instance;
	record.engine = node->engine;
	record.capacity = view_resources(&node->account.capacity, node->account.kinds, arena);
	record.n_labels = node->declared->n_labels;
	record.labels = node->declared->labels;
	record.n_taints = node->declared->n_taints;
	record.taints = node->declared->taints;
	record.class_ = node->declared->class_;
	record.wishes = node->wishes;
	records_put_message(manager, "node", node->id_text, &record.base);
}
