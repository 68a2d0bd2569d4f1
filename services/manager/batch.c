#include "services/manager/batch.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/mem.h"
#include "services/manager/core.h"
#include "services/manager/records.h"

void
batch_init(struct batch *batch)
{
	*batch = (struct batch){.n_seals = 1, .n_sent = 1};
	batch->open.writes = store_batch_new();
	batch->sealed.writes = store_batch_new();
}

static void
fini_parcel(struct batch_parcel *parcel)
{
	for (size_t i = 0; i < parcel->n_calls; i++)
		rpc_call_drop(parcel->calls[i]);
	free(parcel->calls);
	store_batch_free(parcel->writes);
}

void
batch_fini(struct batch *batch)
{
	fini_parcel(&batch->open);
	fini_parcel(&batch->sealed);
	arena_fini(&batch->arena);
	buf_fini(&batch->packed);
}

void
batch_touch_task(struct manager *manager, struct task *task)
{
	if (task->is_dirty)
		return;
	task->version++;
	task->is_dirty = true;
	task->group->changed_in = manager->batch.n_seals;
	task->dirty_next = manager->batch.dirty_tasks;
	manager->batch.dirty_tasks = task;
}

void
batch_touch_group(struct manager *manager, struct group *group)
{
	group->changed_in = manager->batch.n_seals;
	if (group->count > 1)
		model_rest(group)->sealed_in = manager->batch.n_seals;
}

void
batch_touch_node(struct manager *manager, struct node *node)
{
	if (node->is_dirty)
		return;
	node->record_version++;
	node->is_dirty = true;
	manager->batch.open.is_broad = true;
	node->dirty_next = manager->batch.dirty_nodes;
	manager->batch.dirty_nodes = node;
}

void
batch_forget_task(struct manager *manager, struct task *task)
{
	struct task **link = &manager->batch.dirty_tasks;

	manager->batch.open.is_broad = true;
	if (!task->is_dirty)
		return;
	while (*link != task)
		link = &(*link)->dirty_next;
	*link = task->dirty_next;
	task->is_dirty = false;
}

void
batch_forget_node(struct manager *manager, struct node *node)
{
	struct node **link = &manager->batch.dirty_nodes;

	manager->batch.open.is_broad = true;
	if (!node->is_dirty)
		return;
	while (*link != node)
		link = &(*link)->dirty_next;
	*link = node->dirty_next;
	node->is_dirty = false;
}

void
batch_forget_past(struct manager *manager)
{
	manager->batch.open.is_broad = true;
}

static void
add_call(struct batch_parcel *parcel, struct rpc_call *call)
{
	if (parcel->n_calls == parcel->room) {
		parcel->room = parcel->room == 0 ? 16 : parcel->room * 2;
		parcel->calls = xrealloc(parcel->calls, parcel->room, sizeof(struct rpc_call *));
	}
	parcel->calls[parcel->n_calls++] = call;
}

void
batch_keep(struct manager *manager, struct rpc_call *call)
{
	add_call(&manager->batch.open, call);
}

bool
batch_is_clean(const struct batch *batch)
{
	return batch->dirty_tasks == NULL && batch->dirty_nodes == NULL &&
	       store_batch_count(batch->open.writes) == 0;
}

/* ---- reads ---- */

static void
see(struct batch *batch, enum batch_way way)
{
	batch->seen = way > batch->seen ? way : batch->seen;
}

/* What was changed, or sealed, when n_seals was so much. */
static enum batch_way
way_of(const struct batch *batch, uint64_t number)
{
	if (number < batch->n_sent)
		return BATCH_STORED;
	return number < batch->n_seals ? BATCH_SEALED : BATCH_OPEN;
}

void
batch_read_begin(struct batch *batch)
{
	batch->sees_all = true;
	batch->seen = BATCH_STORED;
	if (batch->is_sealed)
		batch->seen = BATCH_SEALED;
	if (!batch_is_clean(batch))
		batch->seen = BATCH_OPEN;
}

void
batch_read_narrow(struct batch *batch)
{
	batch->sees_all = false;
	batch->seen = BATCH_STORED;
	if (batch->is_sealed && batch->sealed.is_broad)
		batch->seen = BATCH_SEALED;
	if (batch->open.is_broad)
		batch->seen = BATCH_OPEN;
}

void
batch_read_task(struct batch *batch, const struct task *task)
{
	if (!batch->sees_all && !task->is_read)
		see(batch, task->is_dirty ? BATCH_OPEN : way_of(batch, task->sealed_in));
}

void
batch_read_group(struct batch *batch, const struct group *group)
{
	if (!batch->sees_all)
		see(batch, way_of(batch, group->changed_in));
}

void
batch_read_end(struct batch *batch)
{
	struct rpc_call *call;

	assert(batch->open.n_calls > 0);
	if (batch->seen == BATCH_OPEN)
		return;
	call = batch->open.calls[--batch->open.n_calls];
	if (batch->seen == BATCH_SEALED)
		add_call(&batch->sealed, call);
	else
		rpc_call_send(call);
}

/* ---- answers ---- */

void
batch_answer(struct manager *manager, struct rpc_call *call, const ProtobufCMessage *response)
{
	rpc_call_answer(call, response);
	requests_remember(manager, call, response);
	batch_keep(manager, call);
}

void
batch_refuse(struct manager *manager, struct rpc_call *call, Davit__Reply__Status status,
	const char *field, const char *fmt, ...)
{
	char text[2 * ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	rpc_call_refuse(call, status, field, "%s", text);
	batch_keep(manager, call);
}

void
batch_refuse_err(struct manager *manager, struct rpc_call *call, const char *field,
	const struct err *err)
{
	batch_refuse(manager, call, rpc_status_of_errno(err->code), field, "%s", err->text);
}

static void
encode(struct manager *manager)
{
	struct batch *batch = &manager->batch;
	struct task *task;
	struct node *node;

	while ((task = batch->dirty_tasks) != NULL) {
		batch->dirty_tasks = task->dirty_next;
		task->is_dirty = false;
		task->sealed_in = batch->n_seals;
		records_put_task(manager, task);
		task->is_new = false;
	}
	while ((node = batch->dirty_nodes) != NULL) {
		batch->dirty_nodes = node->dirty_next;
		node->is_dirty = false;
		records_put_node(manager, node);
	}
}

void
batch_seal(struct manager *manager)
{
	struct batch *batch = &manager->batch;
	struct batch_parcel empty = batch->sealed;

	assert(!batch->is_sealed && empty.n_calls == 0);
	encode(manager);
	batch->sealed = batch->open;
	batch->open = empty;
	batch->is_sealed = true;
	batch->n_seals++;
	arena_reset(&batch->arena);
}

static void
forget(struct batch_parcel *parcel)
{
	parcel->n_calls = 0;
	parcel->is_broad = false;
	store_batch_reset(parcel->writes);
}

void
batch_send(struct batch *batch)
{
	for (size_t i = 0; i < batch->sealed.n_calls; i++)
		rpc_call_send(batch->sealed.calls[i]);
	forget(&batch->sealed);
	batch->is_sealed = false;
	batch->n_sent = batch->n_seals;
}

static void
refuse_all(struct batch_parcel *parcel, const char *reason)
{
	for (size_t i = 0; i < parcel->n_calls; i++) {
		rpc_call_refuse(parcel->calls[i], DAVIT__REPLY__STATUS__UNAVAILABLE, NULL,
			"nothing was changed: %s", reason);
		rpc_call_send(parcel->calls[i]);
	}
	forget(parcel);
}

void
batch_abort(struct batch *batch, const char *reason)
{
	refuse_all(&batch->sealed, reason);
	refuse_all(&batch->open, reason);
	batch->is_sealed = false;
	batch->dirty_tasks = NULL;
	batch->dirty_nodes = NULL;
	arena_reset(&batch->arena);
}
