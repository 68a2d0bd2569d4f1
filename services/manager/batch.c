#include "services/manager/batch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/mem.h"
#include "services/manager/core.h"
#include "services/manager/records.h"

void
batch_init(struct batch *batch)
{
	*batch = (struct batch){.writes = store_batch_new()};
}

void
batch_fini(struct batch *batch)
{
	for (size_t i = 0; i < batch->n_calls; i++)
		rpc_call_drop(batch->calls[i]);
	free(batch->calls);
	store_batch_free(batch->writes);
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
	task->dirty_next = manager->batch.dirty_tasks;
	manager->batch.dirty_tasks = task;
}

void
batch_touch_node(struct manager *manager, struct node *node)
{
	if (node->is_dirty)
		return;
	node->record_version++;
	node->is_dirty = true;
	node->dirty_next = manager->batch.dirty_nodes;
	manager->batch.dirty_nodes = node;
}

void
batch_forget_task(struct manager *manager, struct task *task)
{
	struct task **link = &manager->batch.dirty_tasks;

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

	if (!node->is_dirty)
		return;
	while (*link != node)
		link = &(*link)->dirty_next;
	*link = node->dirty_next;
	node->is_dirty = false;
}

void
batch_keep(struct manager *manager, struct rpc_call *call)
{
	struct batch *batch = &manager->batch;

	if (batch->n_calls == batch->room) {
		batch->room = batch->room == 0 ? 16 : batch->room * 2;
		batch->calls = xrealloc(batch->calls, batch->room, sizeof(struct rpc_call *));
	}
	batch->calls[batch->n_calls++] = call;
}

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

void
batch_encode(struct manager *manager)
{
	struct batch *batch = &manager->batch;
	struct task *task;
	struct node *node;

	while ((task = batch->dirty_tasks) != NULL) {
		batch->dirty_tasks = task->dirty_next;
		task->is_dirty = false;
		/* A task that has not moved is told by its group's record. */
		if (task->is_new && task->version <= 1)
			continue;
		task->is_new = false;
		records_put_task(manager, task);
	}
	while ((node = batch->dirty_nodes) != NULL) {
		batch->dirty_nodes = node->dirty_next;
		node->is_dirty = false;
		records_put_node(manager, node);
	}
}

static void
forget(struct batch *batch)
{
	batch->n_calls = 0;
	store_batch_reset(batch->writes);
	arena_reset(&batch->arena);
}

void
batch_send(struct batch *batch)
{
	for (size_t i = 0; i < batch->n_calls; i++)
		rpc_call_send(batch->calls[i]);
	forget(batch);
}

void
batch_abort(struct batch *batch, const char *reason)
{
	for (size_t i = 0; i < batch->n_calls; i++) {
		rpc_call_refuse(batch->calls[i], DAVIT__REPLY__STATUS__UNAVAILABLE, NULL,
			"nothing was changed: %s", reason);
		rpc_call_send(batch->calls[i]);
	}
	batch->dirty_tasks = NULL;
	batch->dirty_nodes = NULL;
	forget(batch);
}
