#include "services/scheduler/groups.h"

#include <assert.h>
#include <errno.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "services/scheduler/counters.h"
#include "services/scheduler/demand.h"
#include "services/scheduler/limits.h"

struct groups {
	struct node_table *table;
	struct counters *counters;
	struct group *by_id;
	struct peers *peers_by_key;
	struct group **passing;
	uint32_t n_passing, passing_room;
	struct repels repels;
	struct buf key; /* room for the key that is looked for */
};

struct groups *
groups_new(struct node_table *table)
{
	struct groups *groups = xcalloc(1, sizeof *groups);

	groups->table = table;
	return groups;
}

void
groups_set_counters(struct groups *groups, struct counters *counters)
{
	groups->counters = counters;
}

/* ---- peers ---- */

static struct peers *
peers_ref(struct groups *groups, const char *namespace, const char *name, const char *id)
{
	struct buf *key = &groups->key;
	struct peers *peers;

	buf_reset(key);
	/* No id holds a slash at its beginning, so names and ids do not meet. */
	if (name != NULL && name[0] != '\0')
		buf_printf(key, "/%s/%s", namespace, name);
	else
		buf_puts(key, id);
	HASH_FIND(hh, groups->peers_by_key, buf_text(key), (unsigned)key->size, peers);
	if (peers == NULL) {
		peers = xcalloc(1, sizeof *peers);
		peers->key = xstrdup(buf_text(key));
		HASH_ADD_KEYPTR(hh, groups->peers_by_key, peers->key, (unsigned)key->size, peers);
	}
	peers->n_refs++;
	return peers;
}

void
groups_peers_unref(struct groups *groups, struct peers *peers)
{
	if (peers == NULL || --peers->n_refs > 0)
		return;
	HASH_DEL(groups->peers_by_key, peers);
	free(peers->key);
	free(peers);
}

struct peers *
groups_peers_of(struct groups *groups, const Davit__PlaceTask *task, const Davit__TaskSpec *spec)
{
	const char *id = task->group_id != NULL ? task->group_id : task->task_id;
	struct group *group = groups_find(groups, id);

	if (group != NULL) {
		group->peers->n_refs++;
		return group->peers;
	}
	return peers_ref(groups, spec_namespace(spec), spec->name, id);
}

uint32_t
groups_peers_on(const struct node *node, const struct peers *peers)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < node->n_running; i++)
		if (node->running[i].group->peers == peers)
			n += node->running[i].n;
	return n;
}

struct repels *
groups_repels(struct groups *groups)
{
	return &groups->repels;
}

static void
repel_fini(struct repel *repel)
{
	selector_fini(&repel->selector);
	free(repel->topology);
}

/* ---- groups ---- */

static void
group_fini(struct groups *groups, struct group *group)
{
	for (uint32_t i = 0; i < group->n_repels; i++) {
		repels_unref(&groups->repels, group->namespace, &group->repels[i]);
		repel_fini(&group->repels[i]);
	}
	for (uint32_t i = 0; i < group->n_labels; i++)
		selector_fini(&group->labels[i]);
	for (uint32_t i = 0; i < group->want.n_devices; i++)
		free((char *)(uintptr_t)group->devices[i].kind);
	if (group->peers != NULL)
		group->peers->n_running -= group->n_running;
	groups_peers_unref(groups, group->peers);
	free(group->repels);
	free(group->labels);
	free(group->devices);
	free(group->ports);
	free(group->counters);
	free(group->id);
	free(group->namespace);
	free(group->name);
}

void
groups_clear(struct groups *groups)
{
	struct group *group, *next;

	counters_forget(groups->counters);
	HASH_ITER(hh, groups->by_id, group, next)
	{
		HASH_DEL(groups->by_id, group);
		group_fini(groups, group);
		free(group);
	}
	groups->n_passing = 0;
}

void
groups_free(struct groups *groups)
{
	if (groups == NULL)
		return;
	groups_clear(groups);
	free(groups->passing);
	repels_fini(&groups->repels);
	buf_fini(&groups->key);
	free(groups);
}

struct group *
groups_find(const struct groups *groups, const char *id)
{
	struct group *group;

	HASH_FIND_STR(groups->by_id, id, group);
	return group;
}

const struct group *
groups_first(const struct groups *groups, uint32_t *ret_n)
{
	*ret_n = HASH_COUNT(groups->by_id);
	return groups->by_id;
}

static void
labels_read(struct group *group, Davit__StringEntry *const *labels, size_t n)
{
	if (n == 0)
		return;
	group->labels = xcalloc(n, sizeof group->labels[0]);
	group->n_labels = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		group->labels[i].key = xstrdup(labels[i]->key);
		group->labels[i].value = xstrdup(labels[i]->value != NULL ? labels[i]->value : "");
	}
}

static void
repels_read(struct groups *groups, struct group *group, Davit__Affinity *const *affinities,
	size_t n)
{
	if (n == 0)
		return;
	group->repels = xcalloc(n, sizeof group->repels[0]);
	for (size_t i = 0; i < n; i++) {
		struct repel *repel = &group->repels[group->n_repels];
		const char *topology = affinities[i]->topology;

		if (!affinities[i]->anti || affinities[i]->has_weight)
			continue;
		selector_read(&repel->selector, affinities[i]->label);
		if (topology != NULL && topology[0] != '\0' && strcmp(topology, "node") != 0)
			repel->topology = xstrdup(topology);
		repels_ref(&groups->repels, group->namespace, repel);
		group->n_repels++;
	}
}

static void
resources_read(struct groups *groups, struct group *group, const Davit__PlaceGroup *from)
{
	static const Davit__Resources none = DAVIT__RESOURCES__INIT;
	const Davit__Resources *resources = from->resources != NULL ? from->resources : &none;
	struct demand demand = {0};

	demand_read_resources(&demand, groups->table, resources);
	demand_read_ports(&demand, from->host_ports, from->n_host_ports);
	group->want = demand.want;
	group->ports = TAKE(demand.ports);
	group->devices = TAKE(demand.devices);
	for (uint32_t i = 0; i < group->want.n_devices; i++)
		group->devices[i].kind = xstrdup(group->devices[i].kind);
}

/* A new group, or one that is replaced: what runs of it stays. */
static struct group *
group_at(struct groups *groups, const char *id)
{
	struct group *group = groups_find(groups, id);

	if (group != NULL) {
		struct group old = *group;
		uint32_t n_running = group->n_running;

		counters_forget(groups->counters);
		HASH_DEL(groups->by_id, group);
		group_fini(groups, &old);
		group->repels = NULL;
		group->labels = NULL;
		group->devices = NULL;
		group->ports = NULL;
		group->counters = NULL;
		group->n_repels = group->n_labels = group->n_counters = 0;
		group->counters_epoch = 0;
		group->n_running = n_running;
		group->peers = NULL;
	} else {
		group = xcalloc(1, sizeof *group);
	}
	group->id = xstrdup(id);
	HASH_ADD_KEYPTR(hh, groups->by_id, group->id, (unsigned)strlen(id), group);
	return group;
}

void
groups_put(struct groups *groups, const Davit__PlaceGroup *from)
{
	struct group *group = group_at(groups, from->id);

	group->namespace = xstrdup(from->namespace_ != NULL ? from->namespace_ : "default");
	group->name = xstrdup(from->name);
	group->priority = from->has_priority ? from->priority : PLACE_PRIORITY_DEFAULT;
	group->created_ms = from->created_ms;
	labels_read(group, from->labels, from->n_labels);
	repels_read(groups, group, from->affinities, from->n_affinities);
	resources_read(groups, group, from);
	group->peers = peers_ref(groups, group->namespace, group->name, group->id);
	group->peers->n_running += group->n_running;
}

static void
group_drop(struct groups *groups, struct group *group)
{
	HASH_DEL(groups->by_id, group);
	group_fini(groups, group);
	free(group);
}

void
groups_remove(struct groups *groups, const char *id)
{
	struct group *group = groups_find(groups, id);

	if (group == NULL)
		return;
	for (uint32_t row = 0; group->n_running > 0 && row < groups->table->n; row++)
		(void)groups_set(groups, row, id, 0);
	group_drop(groups, group);
}

struct group *
groups_of_task(struct groups *groups, const Davit__PlaceTask *task, const Davit__TaskSpec *spec)
{
	const char *id = task->group_id != NULL ? task->group_id : task->task_id;
	struct group *group = groups_find(groups, id);

	if (group != NULL)
		return group;
	group = group_at(groups, id);
	group->namespace = xstrdup(spec_namespace(spec));
	group->name = xstrdup(spec->name);
	group->priority = spec->has_priority ? spec->priority : PLACE_PRIORITY_DEFAULT;
	group->created_ms = UINT64_MAX;
	group->is_passing = true;
	labels_read(group, spec->labels, spec->n_labels);
	repels_read(groups, group, spec->affinities, spec->n_affinities);
	group->peers = peers_ref(groups, group->namespace, group->name, group->id);
	if (groups->n_passing == groups->passing_room) {
		groups->passing_room = groups->passing_room * 2 + 16;
		groups->passing =
			xrealloc(groups->passing, groups->passing_room, sizeof(struct group *));
	}
	groups->passing[groups->n_passing++] = group;
	return group;
}

void
groups_end(struct groups *groups)
{
	for (uint32_t i = 0; i < groups->n_passing; i++) {
		assert(groups->passing[i]->n_running == 0);
		group_drop(groups, groups->passing[i]);
	}
	groups->n_passing = 0;
}

/* The node's entry of that group; made when there is none. */
static struct node_running *
running_of(struct node *node, struct group *group)
{
	for (uint32_t i = 0; i < node->n_running; i++)
		if (node->running[i].group == group)
			return &node->running[i];
	/* Room for 4, 8, 16 …: grown when it is full. */
	if (node->n_running == 0 ||
		(node->n_running >= 4 && (node->n_running & (node->n_running - 1)) == 0))
		node->running = xrealloc(node->running,
			node->n_running == 0 ? 4 : (size_t)node->n_running * 2,
			sizeof node->running[0]);
	node->running[node->n_running] = (struct node_running){.group = group};
	return &node->running[node->n_running++];
}

void
groups_run(struct groups *groups, uint32_t row, struct group *group, int32_t n)
{
	struct node *node = &groups->table->nodes[row];
	struct node_running *running = running_of(node, group);

	running->n = (uint32_t)((int32_t)running->n + n);
	group->n_running = (uint32_t)((int32_t)group->n_running + n);
	group->peers->n_running = (uint32_t)((int32_t)group->peers->n_running + n);
	if (running->n == 0)
		*running = node->running[--node->n_running];
	if (node->n_running == 0) {
		free(node->running);
		node->running = NULL;
	}
	counters_on_run(groups->counters, row, group, n);
}

int
groups_set(struct groups *groups, uint32_t row, const char *group_id, uint32_t n)
{
	struct group *group = groups_find(groups, group_id);
	const struct node *node = &groups->table->nodes[row];
	uint32_t has = 0;

	if (group == NULL)
		return -ENOENT;
	for (uint32_t i = 0; i < node->n_running; i++)
		if (node->running[i].group == group)
			has = node->running[i].n;
	if (n != has)
		groups_run(groups, row, group, (int32_t)n - (int32_t)has);
	return 0;
}

void
group_unrun(struct group *group, uint32_t n)
{
	group->n_running -= n;
	group->peers->n_running -= n;
}
