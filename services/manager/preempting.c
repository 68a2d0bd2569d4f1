#include "services/manager/preempting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/model/spec.h"
#include "services/manager/core.h"
#include "services/manager/holds.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"

static int
compare_youngest(const void *a, const void *b)
{
	const struct task *x = *(struct task *const *)a, *y = *(struct task *const *)b;

	if (x->group->seq != y->group->seq)
		return x->group->seq > y->group->seq ? -1 : 1;
	return x->index > y->index ? -1 : x->index < y->index;
}

static bool
may_end(const Davit__TaskSpec *spec, const struct task *task)
{
	const Davit__TaskSpec *other = task->group->spec->spec;

	return strcmp(spec_namespace(spec), spec_namespace(other)) == 0 &&
	       spec_priority(other) < spec_priority(spec);
}

/*
 * Those of the family that hold something there and were not told to go. Who goes already
 * counts where no claim waits for it: the manager forgot the claim when it was restarted.
 */
static size_t
gather(const struct node *node, const char *family, struct task **tasks)
{
	size_t n = 0;

	for (struct task *task = node->tasks; task != NULL; task = task->node_next) {
		bool is_going = task_state_is_final(task->state) ||
				task->desired >= DAVIT__TASK__DESIRED__STOP;

		if (task->holds && strcmp(task->group->spec->id, family) == 0 &&
			(!is_going || node->claims == NULL))
			tasks[n++] = task;
	}
	return n;
}

static int
add_family(const Davit__TaskSpec *spec, struct node *node, const Davit__PlaceCount *count,
	struct task **tasks, size_t *n, struct err *err)
{
	size_t n_there = gather(node, count->group_id, tasks + *n);

	if (count->n > n_there)
		return err_set(err, -ENOENT,
			"the scheduler would end %u tasks of '%.40s' on node '%s', which has %zu",
			count->n, count->group_id, node->name, n_there);
	if (n_there > 0 && !may_end(spec, tasks[*n]))
		return err_set(err, -EPERM,
			"the scheduler would end tasks of another namespace or of no lower "
			"priority on node '%s'",
			node->name);
	if (n_there > 0)
		qsort(tasks + *n, n_there, sizeof(struct task *), compare_youngest);
	*n += count->n;
	return 0;
}

static int
check_room(struct manager *manager, const Davit__TaskSpec *spec, const struct preempting_site *site,
	struct task *const *tasks, size_t n, struct err *err)
{
	struct resources room = ledger_free(&site->node->account), want;

	for (size_t i = 0; i < n; i++) {
		(void)holds_wants(&manager->model.kinds, tasks[i]->group->spec->spec, &want);
		resources_add(&room, &want);
	}
	if (!holds_wants(&manager->model.kinds, spec, &want) ||
		resources_fit(&room, &want, site->n_tasks) < site->n_tasks)
		return err_set(err, -ENOSPC,
			"the scheduler would end %zu tasks on node '%s' without making room enough",
			n, site->node->name);
	return 0;
}

static void
add_count(struct arena *arena, struct preempting_site *site, const Davit__PlaceCount *count)
{
	Davit__PlaceCount *sum;

	for (size_t i = 0; i < site->n_counts; i++) {
		sum = site->counts[i];
		if (strcmp(sum->group_id, count->group_id) != 0)
			continue;
		sum->n = count->n > UINT32_MAX - sum->n ? UINT32_MAX : sum->n + count->n;
		return;
	}
	/* One more than may be is enough to be refused. */
	if (site->n_counts > MANAGER_EVICTIONS_MAX)
		return;
	sum = arena_alloc(arena, sizeof *sum);
	*sum = *count;
	site->counts[site->n_counts++] = sum;
}

/* The node's site, the latest first: who is placed together often goes together. */
static struct preempting_site *
get_site(struct preempting_site *sites, size_t *n, struct node *node)
{
	for (size_t i = *n; i-- > 0;) {
		if (sites[i].node == node)
			return &sites[i];
	}
	sites[*n] = (struct preempting_site){.node = node};
	return &sites[(*n)++];
}

struct preempting_site *
preempting_gather(struct manager *manager, Davit__Placement *const *placements,
	struct node *const *nodes, size_t n, size_t *ret_n)
{
	struct arena *arena = &manager->batch.arena;
	struct preempting_site *sites = arena_array(arena, n, sizeof *sites), *site;

	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		if (nodes[i] == NULL)
			continue;
		site = get_site(sites, ret_n, nodes[i]);
		site->n_tasks++;
		site->n_counts_max += placements[i]->n_evictions;
	}
	for (size_t i = 0; i < n; i++) {
		if (nodes[i] == NULL || placements[i]->n_evictions == 0)
			continue;
		site = get_site(sites, ret_n, nodes[i]);
		if (site->counts == NULL)
			site->counts =
				arena_array(arena, site->n_counts_max, sizeof(Davit__PlaceCount *));
		for (size_t k = 0; k < placements[i]->n_evictions; k++)
			add_count(arena, site, placements[i]->evictions[k]);
	}
	return sites;
}

int
preempting_choose(struct manager *manager, const Davit__TaskSpec *spec,
	const struct preempting_site *site, struct task ***ret_tasks, size_t *ret_n,
	struct err *err)
{
	struct task **tasks;
	size_t n = 0;
	int rc = 0;

	if (site->n_counts > MANAGER_EVICTIONS_MAX)
		return err_set(err, -EPERM,
			"the scheduler would end tasks of more than %d groups at once "
			"(MANAGER_EVICTIONS_MAX)",
			MANAGER_EVICTIONS_MAX);
	tasks = arena_array(&manager->batch.arena, site->node->n_on_node + (size_t)1,
		sizeof *tasks);
	for (size_t i = 0; i < site->n_counts && rc == 0; i++)
		rc = add_family(spec, site->node, site->counts[i], tasks, &n, err);
	if (rc == 0)
		rc = check_room(manager, spec, site, tasks, n, err);
	if (rc < 0)
		return rc;
	*ret_tasks = tasks;
	*ret_n = n;
	return 0;
}

/* Who goes from a site. */
struct victims {
	struct task **tasks;
	size_t n;
};

int
preempting_apply(struct manager *manager, const struct placing_proposal *proposal, struct err *err)
{
	const struct group *group = proposal->tasks[0]->group;
	struct preempting_site *sites;
	struct victims *victims;
	char name[256];
	size_t n_sites;
	int rc = 0;

	if (!placing_may_preempt(manager, proposal->tasks[0]))
		return err_set(err, -EPERM,
			"the scheduler would end tasks for one that may not preempt");
	sites = preempting_gather(manager, proposal->placements, proposal->nodes, proposal->n,
		&n_sites);
	victims = arena_array(&manager->batch.arena, n_sites, sizeof *victims);
	for (size_t i = 0; i < n_sites && rc == 0; i++)
		rc = preempting_choose(manager, group->spec->spec, &sites[i], &victims[i].tasks,
			&victims[i].n, err);
	if (rc == 0)
		rc = claims_make(manager, proposal->tasks, proposal->nodes, proposal->n, false,
			err);
	if (rc < 0)
		return rc;
	model_task_name(proposal->tasks[0], name, sizeof name);
	for (size_t i = 0; i < n_sites; i++) {
		for (size_t k = 0; k < victims[i].n; k++)
			lifecycle_preempt(manager, victims[i].tasks[k],
				proposal->n > 1 ? group->name : name);
	}
	return 0;
}
