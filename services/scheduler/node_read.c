/* Tested by tests/unit/test_node_table.c. */
#include "services/scheduler/node_read.h"

#include "common/base/mem.h"
#include "services/scheduler/groups.h"
#include "services/scheduler/taints.h"

void
node_fini(struct node_table *table, struct node *node)
{
	for (uint32_t i = 0; i < node->n_labels; i++) {
		intern_unref(table->intern, node->labels[i].key);
		intern_unref(table->intern, node->labels[i].value);
	}
	for (uint8_t i = 0; i < node->n_devices; i++)
		intern_unref(table->intern, node->devices[i].kind);
	for (unsigned i = 0; i < NODE_ATTR_COUNT; i++)
		intern_unref(table->intern, node->attrs[i]);
	for (uint32_t i = 0; i < node->n_running; i++)
		group_unrun(node->running[i].group, node->running[i].n);
	engines_unref(table->engines, node->engine);
	free(node->labels);
	free(node->devices);
	free(node->running);
	free(node->id);
}

static int64_t
free_of(uint64_t capacity, uint64_t reserved)
{
	return capacity > reserved ? (int64_t)(capacity - reserved) : 0;
}

static uint32_t
device_count(const Davit__Resources *resources, const char *kind)
{
	if (strcmp(kind, "gpu") == 0 && resources->gpus > 0)
		return resources->gpus;
	for (size_t i = 0; i < resources->n_devices; i++)
		if (strcmp(resources->devices[i]->kind, kind) == 0)
			return resources->devices[i]->has_count ? resources->devices[i]->count : 1;
	return 0;
}

static void
device_read(struct node_table *table, struct node *node, const char *kind, uint32_t capacity,
	const Davit__Resources *reserved)
{
	uint32_t number = intern_ref(table->intern, kind);

	if (capacity == 0 || node_table_device(node, number) != NULL) {
		intern_unref(table->intern, number);
		return;
	}
	node->devices[node->n_devices++] = (struct node_device){.kind = number,
		.capacity = capacity,
		.free = (uint32_t)free_of(capacity, device_count(reserved, kind))};
}

static void
resources_read(struct node_table *table, struct node *node, const Davit__PlaceNode *from)
{
	static const Davit__Resources none = DAVIT__RESOURCES__INIT;
	const Davit__Resources *capacity = from->capacity != NULL ? from->capacity : &none;
	const Davit__Resources *reserved = from->reserved != NULL ? from->reserved : &none;
	size_t n_kinds = capacity->n_devices + (capacity->gpus > 0);

	node->capacity = (struct amounts){.cpu_milli = (int64_t)capacity->cpu_milli,
		.memory_bytes = (int64_t)capacity->memory_bytes,
		.disk_bytes = (int64_t)capacity->disk_bytes};
	node->free =
		(struct amounts){.cpu_milli = free_of(capacity->cpu_milli, reserved->cpu_milli),
			.memory_bytes = free_of(capacity->memory_bytes, reserved->memory_bytes),
			.disk_bytes = free_of(capacity->disk_bytes, reserved->disk_bytes)};
	node->n_tasks = from->n_tasks;
	node->n_ports_free = from->n_ports_free;
	if (n_kinds == 0)
		return;
	node->devices = xcalloc(n_kinds, sizeof node->devices[0]);
	device_read(table, node, "gpu", capacity->gpus, reserved);
	for (size_t i = 0; i < capacity->n_devices; i++)
		device_read(table, node, capacity->devices[i]->kind,
			capacity->devices[i]->has_count ? capacity->devices[i]->count : 1,
			reserved);
}

static void
attrs_read(struct node_table *table, struct node *node, const Davit__PlaceNode *from)
{
	const Davit__EngineInfo *engine = from->engine;
	CLEANUP(free) char *taints = taints_text(from->taints, from->n_taints);

	node->attrs[NODE_ATTR_ADDRESS] = intern_ref(table->intern, from->address);
	node->attrs[NODE_ATTR_CLASS] = intern_ref(table->intern, from->class_);
	node->attrs[NODE_ATTR_TAINTS] = intern_ref(table->intern, taints);
	if (engine == NULL)
		return;
	node->attrs[NODE_ATTR_ENGINE_VERSION] = intern_ref(table->intern, engine->version);
	node->attrs[NODE_ATTR_OS] = intern_ref(table->intern, engine->os);
	node->attrs[NODE_ATTR_ARCH] = intern_ref(table->intern, engine->arch);
	node->attrs[NODE_ATTR_KERNEL] = intern_ref(table->intern, engine->kernel);
}

/* Both texts in one block: there are ten thousand of them. */
static void
names_read(struct node *node, const Davit__PlaceNode *from)
{
	const char *name = from->name != NULL && from->name[0] != '\0' ? from->name : from->id;
	size_t id_size = strlen(from->id) + 1, name_size = strlen(name) + 1;

	if (strcmp(name, from->id) == 0)
		name_size = 0;
	node->id = xmalloc(id_size + name_size);
	memcpy(node->id, from->id, id_size);
	memcpy(node->id + id_size, name, name_size);
	node->name = name_size == 0 ? node->id : node->id + id_size;
}

void
node_read(struct node_table *table, struct node *node, const Davit__PlaceNode *from)
{
	Davit__Node__State state = from->has_state     ? from->state
				   : from->schedulable ? DAVIT__NODE__STATE__READY
						       : DAVIT__NODE__STATE__NONE;

	*node = (struct node){
		.n_labels = (uint32_t)from->n_labels,
		.engine =
			engines_ref(table->engines, from->engine != NULL ? from->engine->id : NULL),
		.is_schedulable = from->schedulable,
		.state = (uint8_t)(state > UINT8_MAX ? 0 : state),
	};
	names_read(node, from);
	if (from->n_labels > 0)
		node->labels = xcalloc(from->n_labels, sizeof node->labels[0]);
	for (size_t i = 0; i < from->n_labels; i++) {
		const char *value = from->labels[i]->value;

		node->labels[i].key = intern_ref(table->intern, from->labels[i]->key);
		node->labels[i].value = intern_ref(table->intern, value != NULL ? value : "");
	}
	attrs_read(table, node, from);
	resources_read(table, node, from);
	engines_ports_set(table->engines, node->engine, from->host_ports, from->n_host_ports);
}

bool
node_is_alike(const struct node *a, const struct node *b)
{
	if (strcmp(a->name, b->name) != 0 || a->n_labels != b->n_labels ||
		memcmp(a->attrs, b->attrs, sizeof a->attrs) != 0)
		return false;
	return a->n_labels == 0 ||
	       memcmp(a->labels, b->labels, a->n_labels * sizeof a->labels[0]) == 0;
}
