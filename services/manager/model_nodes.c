#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/manager/chaos.h"
#include "services/manager/model.h"

struct node *
model_node_add(struct model *model, struct id id, const char *name)
{
	struct node *node = xcalloc(1, sizeof *node);

	node->id = id;
	id_format(id, node->id_text);
	node->name = xstrdup(name);
	node->state = DAVIT__NODE__STATE__UNKNOWN;
	davit__node_sample__init(&node->sample);
	node->account.kinds = &model->kinds;
	HASH_ADD(hh, model->nodes, id, sizeof node->id, node);
	HASH_ADD_KEYPTR(hh_name, model->nodes_by_name, node->name, strlen(node->name), node);
	return node;
}

struct node *
model_node_find(const struct model *model, struct id id)
{
	struct node *node;

	HASH_FIND(hh, model->nodes, &id, sizeof id, node);
	return node;
}

struct node *
model_node_by_name(const struct model *model, const char *name)
{
	struct node *node;

	HASH_FIND(hh_name, model->nodes_by_name, name, strlen(name), node);
	return node;
}

int
model_node_resolve(const struct model *model, const char *text, struct node **ret_node,
	struct err *err)
{
	struct node *found = model_node_by_name(model, text), *node, *next;
	struct id id;
	unsigned n = 0;

	if (found == NULL && id_parse(text, &id))
		found = model_node_find(model, id);
	if (found == NULL && model_looks_like_prefix(text)) {
		HASH_ITER(hh, model->nodes, node, next)
		{
			if (strncasecmp(node->id_text, text, strlen(text)) != 0)
				continue;
			found = node;
			n++;
		}
	}
	if (n > 1)
		return err_set(err, -ENOTUNIQ,
			"several nodes have ids that begin with '%s': give more of it", text);
	if (found == NULL)
		return err_set(err, -ENOENT, "no node '%.128s'", text);
	*ret_node = found;
	return 0;
}

static void
leave_engine(struct model *model, struct node *node)
{
	struct engine_ports *engine = node->ports;

	if (engine == NULL)
		return;
	node->ports = NULL;
	if (--engine->n_nodes > 0)
		return;
	HASH_DEL(model->engines, engine);
	ledger_ports_free(engine->ports);
	free(engine->engine_id);
	free(engine);
}

void
model_node_set_engine(struct model *model, struct node *node, const char *engine_id,
	uint32_t chance)
{
	const char *key = engine_id[0] != '\0' ? engine_id : node->id_text;
	struct engine_ports *engine;

	if (node->ports != NULL && strcmp(node->ports->engine_id, key) == 0)
		return;
	leave_engine(model, node);
	HASH_FIND(hh, model->engines, key, strlen(key), engine);
	if (engine == NULL) {
		engine = xcalloc(1, sizeof *engine);
		engine->engine_id = xstrdup(key);
		engine->ports = ledger_ports_new(model->port_range, chance);
		HASH_ADD_KEYPTR(hh, model->engines, engine->engine_id, strlen(key), engine);
	}
	engine->n_nodes++;
	node->ports = engine;
}

static void
free_traits(Davit__NodeTraits *traits)
{
	if (traits != NULL)
		davit__node_traits__free_unpacked(traits, NULL);
}

void
model_node_free(struct model *model, struct node *node)
{
	struct dropped *dropped;

	leave_engine(model, node);
	HASH_DELETE(hh, model->nodes, node);
	HASH_DELETE(hh_name, model->nodes_by_name, node);
	free_traits(node->declared);
	free_traits(node->wishes);
	free_traits(node->traits);
	while ((dropped = node->dropped) != NULL) {
		node->dropped = dropped->next;
		free(dropped);
	}
	if (node->engine != NULL)
		davit__engine_info__free_unpacked(node->engine, NULL);
	free(node->name);
	free(node->address);
	free(node->davit_version);
	free(node->instance);
	free(node->message);
	node_faults_free(node->faults);
	free(node);
}

void
model_node_remove(struct model *model, struct node *node)
{
	assert(node->tasks == NULL && node->parked == NULL && node->queries == NULL);
	assert(!node->is_dirty && !node->is_place_dirty);
	for (struct task *task = model->oldest; task != NULL; task = task->newer) {
		if (task->node == node)
			task->node = NULL;
		if (task->avoid == node)
			task->avoid = NULL;
	}
	model_node_free(model, node);
}

static void
list_first(struct node *node, struct task *task)
{
	task->node_prev = NULL;
	task->node_next = node->tasks;
	*(node->tasks != NULL ? &node->tasks->node_prev : &node->last_task) = task;
	node->tasks = task;
}

static void
list_last(struct node *node, struct task *task)
{
	task->node_prev = node->last_task;
	task->node_next = NULL;
	*(node->last_task != NULL ? &node->last_task->node_next : &node->tasks) = task;
	node->last_task = task;
}

static void
unlist(struct node *node, struct task *task)
{
	*(task->node_prev != NULL ? &task->node_prev->node_next : &node->tasks) = task->node_next;
	*(task->node_next != NULL ? &task->node_next->node_prev : &node->last_task) =
		task->node_prev;
	task->node_prev = task->node_next = NULL;
}

void
model_task_sort_on_node(struct task *task)
{
	if (!task->on_node)
		return;
	unlist(task->node, task);
	if (task_state_is_final(task->state))
		list_last(task->node, task);
	else
		list_first(task->node, task);
}

void
model_task_enter_node(struct task *task, struct node *node)
{
	assert(!task->on_node);
	task->on_node = true;
	task->is_told = false;
	task->node = node;
	list_first(node, task);
	model_task_sort_on_node(task);
	node->n_on_node++;
}

void
model_task_leave_node(struct task *task)
{
	struct node *node = task->node;

	assert(task->on_node);
	unlist(node, task);
	task->on_node = false;
	node->n_on_node--;
}
