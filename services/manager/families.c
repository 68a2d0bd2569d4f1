#include "services/manager/families.h"

#include <assert.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/model/spec.h"
#include "services/manager/core.h"
#include "services/manager/holds.h"
#include "services/manager/view.h"

struct family {
	char id[ID_TEXT_SIZE];
	const struct spec *spec; /* of all its tasks, hence there as long as any of them is */
	char *name;
	uint64_t created_ms;
	uint32_t n;
	bool is_told, is_changed;
	struct family *changed_next;
	UT_hash_handle hh;
};

/* Compared byte by byte: no padding. */
struct tally_key {
	struct node *node;
	struct family *family;
};

struct tally {
	struct tally_key key;
	uint32_t n;
	bool is_told, is_changed;
	struct tally *changed_next; /* of the node's */
	UT_hash_handle hh;
};

static struct tally *
find_tally(const struct families *families, const struct node *node, struct family *family)
{
	struct tally_key key = {(struct node *)(uintptr_t)node, family};
	struct tally *tally;

	HASH_FIND(hh, families->tallies, &key, sizeof key, tally);
	return tally;
}

static struct family *
find_family(const struct families *families, const char *id)
{
	struct family *family;

	HASH_FIND_STR(families->all, id, family);
	return family;
}

static void
free_family(struct families *families, struct family *family)
{
	HASH_DEL(families->all, family);
	free(family->name);
	free(family);
}

static void
free_tally(struct families *families, struct tally *tally)
{
	HASH_DEL(families->tallies, tally);
	free(tally);
}

static void
mark_family(struct families *families, struct family *family)
{
	if (family->is_changed)
		return;
	family->is_changed = true;
	family->changed_next = families->changed;
	families->changed = family;
}

static void
mark_tally(struct tally *tally)
{
	struct node *node = tally->key.node;

	if (tally->is_changed)
		return;
	tally->is_changed = true;
	tally->changed_next = node->tallies_changed;
	node->tallies_changed = tally;
}

static struct family *
get_family(struct families *families, const struct task *task)
{
	struct family *family = find_family(families, task->group->spec->id);

	if (family != NULL)
		return family;
	family = xcalloc(1, sizeof *family);
	memcpy(family->id, task->group->spec->id, sizeof family->id);
	family->spec = task->group->spec;
	family->name = xstrdup(task->group->name);
	family->created_ms = task->group->created_ms;
	HASH_ADD_STR(families->all, id, family);
	return family;
}

static struct tally *
get_tally(struct families *families, struct node *node, struct family *family)
{
	struct tally *tally = find_tally(families, node, family);

	if (tally != NULL)
		return tally;
	tally = xcalloc(1, sizeof *tally);
	tally->key = (struct tally_key){node, family};
	HASH_ADD(hh, families->tallies, key, sizeof tally->key, tally);
	return tally;
}

void
families_take(struct manager *manager, const struct task *task)
{
	struct families *families = &manager->telling.families;
	struct family *family;
	struct tally *tally;

	if (!families->is_kept)
		return;
	family = get_family(families, task);
	tally = get_tally(families, task->node, family);
	family->n++;
	tally->n++;
	mark_family(families, family);
	mark_tally(tally);
	telling_node_changed(manager, task->node);
}

void
families_give(struct manager *manager, const struct task *task)
{
	struct families *families = &manager->telling.families;
	struct family *family;
	struct tally *tally;

	if (!families->is_kept)
		return;
	family = find_family(families, task->group->spec->id);
	assert(family != NULL && family->n > 0);
	tally = find_tally(families, task->node, family);
	assert(tally != NULL && tally->n > 0);
	family->n--;
	tally->n--;
	mark_family(families, family);
	mark_tally(tally);
	telling_node_changed(manager, task->node);
}

void
families_forget_node(struct manager *manager, struct node *node)
{
	struct tally *tally;

	while ((tally = node->tallies_changed) != NULL) {
		assert(tally->n == 0); /* nothing holds anything there any more */
		node->tallies_changed = tally->changed_next;
		free_tally(&manager->telling.families, tally);
	}
}

void
families_stop(struct manager *manager)
{
	struct families *families = &manager->telling.families;
	struct family *family, *next_family;
	struct tally *tally, *next_tally;
	struct node *node, *next_node;

	HASH_ITER(hh, families->tallies, tally, next_tally)
	free_tally(families, tally);
	HASH_ITER(hh, families->all, family, next_family)
	free_family(families, family);
	HASH_ITER(hh, manager->model.nodes, node, next_node)
	node->tallies_changed = NULL;
	*families = (struct families){0};
}

void
families_start(struct manager *manager)
{
	struct node *node, *next;

	families_stop(manager);
	manager->telling.families.is_kept = true;
	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		for (struct task *task = node->tasks; task != NULL; task = task->node_next) {
			if (task->holds)
				families_take(manager, task);
		}
	}
}

/* ---- telling ---- */

/* Hard anti-affinities keep others away, too. */
static void
add_affinities(Davit__PlaceGroup *message, const Davit__TaskSpec *spec, struct arena *arena)
{
	message->affinities = arena_array(arena, spec->n_affinities, sizeof *message->affinities);
	for (size_t i = 0; i < spec->n_affinities; i++) {
		if (spec->affinities[i]->anti && !spec->affinities[i]->has_weight)
			message->affinities[message->n_affinities++] = spec->affinities[i];
	}
}

static void
add_ports(Davit__PlaceGroup *message, const Davit__TaskSpec *spec, struct arena *arena)
{
	message->host_ports = arena_array(arena, spec->n_ports, sizeof *message->host_ports);
	for (size_t i = 0; i < spec->n_ports; i++) {
		if (spec->ports[i]->host_port != 0)
			message->host_ports[message->n_host_ports++] = spec->ports[i]->host_port;
	}
}

static Davit__PlaceGroup *
view_family(const struct manager *manager, const struct family *family, struct arena *arena)
{
	const Davit__TaskSpec *spec = family->spec->spec;
	Davit__PlaceGroup *message = arena_alloc(arena, sizeof *message);
	struct resources want;

	davit__place_group__init(message);
	message->id = arena_strdup(arena, family->id);
	message->namespace_ = spec->namespace_;
	message->name = arena_strdup(arena, family->name);
	message->n_labels = spec->n_labels;
	message->labels = spec->labels;
	message->has_priority = message->has_created_ms = true;
	message->priority = spec_priority(spec);
	message->created_ms = family->created_ms;
	(void)holds_wants(&manager->model.kinds, spec, &want);
	message->resources = view_resources(&want, &manager->model.kinds, arena);
	add_ports(message, spec, arena);
	add_affinities(message, spec, arena);
	return message;
}

void
families_tell(struct manager *manager, Davit__PlaceRequest *question, struct arena *arena)
{
	struct families *families = &manager->telling.families;
	struct family *family;
	size_t n = 0;

	for (family = families->changed; family != NULL; family = family->changed_next)
		n++;
	question->groups = arena_array(arena, n, sizeof *question->groups);
	question->removed_groups = arena_array(arena, n, sizeof *question->removed_groups);
	question->has_has_groups = true;
	question->has_groups = families->is_kept;
	while ((family = families->changed) != NULL) {
		families->changed = family->changed_next;
		family->is_changed = false;
		if (family->n > 0) {
			if (!family->is_told)
				question->groups[question->n_groups++] =
					view_family(manager, family, arena);
			family->is_told = true;
			continue;
		}
		if (family->is_told)
			question->removed_groups[question->n_removed_groups++] =
				arena_strdup(arena, family->id);
		free_family(families, family);
	}
}

void
families_tell_node(struct manager *manager, struct node *node, const struct task *without,
	Davit__PlaceNode *message, struct arena *arena)
{
	struct families *families = &manager->telling.families;
	struct tally *tally, *reduced = NULL;
	size_t n = 0;

	if (!families->is_kept)
		return;
	if (without != NULL) {
		reduced =
			find_tally(families, node, find_family(families, without->group->spec->id));
		mark_tally(reduced);
	}
	for (tally = node->tallies_changed; tally != NULL; tally = tally->changed_next)
		n++;
	message->running = arena_array(arena, n, sizeof *message->running);
	while ((tally = node->tallies_changed) != NULL) {
		node->tallies_changed = tally->changed_next;
		tally->is_changed = false;
		if (tally->n > 0 || tally->is_told) {
			Davit__PlaceCount *count = arena_alloc(arena, sizeof *count);

			davit__place_count__init(count);
			count->group_id = arena_strdup(arena, tally->key.family->id);
			count->n = tally->n - (tally == reduced);
			message->running[message->n_running++] = count;
			tally->is_told = true;
		}
		if (tally->n == 0)
			free_tally(families, tally);
	}
	if (reduced != NULL)
		mark_tally(reduced);
}

uint32_t
families_count(const struct manager *manager, const struct node *node, const char *id)
{
	const struct families *families = &manager->telling.families;
	struct family *family = find_family(families, id);
	struct tally *tally = family == NULL ? NULL : find_tally(families, node, family);

	return tally == NULL ? 0 : tally->n;
}
