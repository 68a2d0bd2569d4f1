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
	store_batch_put(manager->batch.writes, key, packed->data, packed->size);
}

void
records_put_cluster(struct manager *manager, const ProtobufCMessage *record)
{
	put(manager, "cluster", record);
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
	store_batch_delete(manager->batch.writes, key);
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
	record.name = group->name;
	if (!id_is_none(group->replaces)) {
		id_format(group->replaces, replaces);
		record.replaces = replaces;
	}
	records_put_message(manager, "group", id, &record.base);
}

static void
fill_place(Davit__TaskRecord *record, const struct task *task, struct arena *arena)
{
	size_t n_ports = task->group->spec->spec->n_ports;

	if (task->node != NULL)
		record->node_id = task->node->id_text;
	record->has_attempt = true;
	record->attempt = task->attempt;
	record->has_on_node = record->has_holds = true;
	record->on_node = task->on_node;
	record->holds = task->holds;
	record->has_observed = true;
	record->observed = task->observed;
	record->has_retry_when_gone = record->has_replace_when_ended = true;
	record->retry_when_gone = task->retry_when_gone;
	record->replace_when_ended = task->replace_when_ended;
	record->has_preempted = task->is_preempted;
	record->preempted = task->is_preempted;
	if (task->host_ports == NULL)
		return;
	record->n_host_ports = n_ports;
	record->host_ports = arena_array(arena, n_ports, sizeof *record->host_ports);
	for (size_t i = 0; i < n_ports; i++)
		record->host_ports[i] = task->host_ports[i];
}

static void
fill_course(Davit__TaskRecord *record, const struct task *task)
{
	record->has_state = record->has_phase = record->has_desired = true;
	record->state = (Davit__Task__State)task->state;
	record->phase = task->phase;
	record->desired = task->desired;
	record->message = task->message;
	record->container_id = task->container_id;
	record->has_exit_code = task->has_exit_code;
	record->exit_code = task->exit_code;
	record->has_oom_killed = task->oom_killed;
	record->oom_killed = task->oom_killed;
	record->has_restart_count = task->restart_count > 0;
	record->restart_count = task->restart_count;
	record->has_paused = record->has_pause_generation = task->pause_generation > 0;
	record->paused = task->is_paused;
	record->pause_generation = task->pause_generation;
	record->has_scheduled_ms = record->has_started_ms = record->has_finished_ms = true;
	record->scheduled_ms = task->scheduled_ms;
	record->started_ms = task->started_ms;
	record->finished_ms = task->finished_ms;
	record->has_stop_timeout_ms = task->has_stop_timeout;
	record->stop_timeout_ms = task->stop_timeout_ms;
	record->has_version = true;
	record->version = task->version;
}

void
records_put_task(struct manager *manager, const struct task *task)
{
	Davit__TaskRecord record = DAVIT__TASK_RECORD__INIT;
	char id[ID_TEXT_SIZE], group_id[ID_TEXT_SIZE], replaced_by[ID_TEXT_SIZE];

	id_format(task->id, id);
	id_format(task->group->id, group_id);
	record.id = id;
	record.group_id = group_id;
	record.has_index = true;
	record.index = task->index;
	fill_course(&record, task);
	fill_place(&record, task, &manager->batch.arena);
	if (!id_is_none(task->replaced_by)) {
		id_format(task->replaced_by, replaced_by);
		record.replaced_by = replaced_by;
	}
	if (task_state_is_final(task->state))
		record.usage = usage_view(task, &manager->batch.arena);
	records_put_message(manager, "task", id, &record.base);
}

void
records_delete_task(struct manager *manager, const struct task *task)
{
	Davit__TaskRecord record = DAVIT__TASK_RECORD__INIT;
	char id[ID_TEXT_SIZE], group_id[ID_TEXT_SIZE];

	id_format(task->id, id);
	id_format(task->group->id, group_id);
	record.id = id;
	record.group_id = group_id;
	record.has_index = true;
	record.index = task->index;
	records_put_message(manager, "task", id, &record.base);
}

void
records_delete_group(struct manager *manager, const struct group *group, bool spec_gone)
{
	char id[ID_TEXT_SIZE];

	for (uint32_t i = 0; i < group->count; i++) {
		id_format(id_at(group->id, i), id);
		records_delete(manager, "task", id);
	}
	id_format(group->id, id);
	records_delete(manager, "group", id);
	if (spec_gone)
		records_delete(manager, "spec", group->spec->id);
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
