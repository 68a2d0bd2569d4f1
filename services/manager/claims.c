#include "services/manager/claims.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include <utlist.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "services/manager/core.h"
#include "services/manager/holds.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"

/* Room for one task. */
struct claim_part {
	struct claim *claim;
	struct task *task;
	struct node *node;
	struct resources want;
	struct claim_part *prev, *next;     /* claim.parts */
	struct claim_part *n_prev, *n_next; /* node.claims, the oldest claim first */
	UT_hash_handle hh;
};

/* Claims are made whole, so they are in the same order on all nodes: none waits for a later one. */
struct claim {
	struct claim_part *parts;
	size_t n;
	uint64_t until_mono_ms;
	bool by_age;
	struct claim *prev, *next;
};

static struct claim_part *
find(const struct manager *manager, const struct task *task)
{
	struct claim_part *part = NULL;

	if (manager->claims.parts != NULL)
		HASH_FIND_PTR(manager->claims.parts, &task, part);
	return part;
}

/* What is kept on the node for claims before this one; NULL: for all. */
static void
count_before(struct node *node, const struct claim *claim)
{
	struct claim_part *part;

	node->account.claimed = (struct resources){0};
	DL_FOREACH2(node->claims, part, n_next)
	{
		if (part->claim == claim)
			break;
		resources_add(&node->account.claimed, &part->want);
	}
}

static void
add_part(struct manager *manager, struct claim *claim, struct task *task, struct node *node)
{
	struct claim_part *part = xcalloc(1, sizeof *part);

	*part = (struct claim_part){.claim = claim, .task = task, .node = node};
	(void)holds_wants(&manager->model.kinds, task->group->spec->spec, &part->want);
	HASH_ADD_PTR(manager->claims.parts, task, part);
	manager->claims.n_parts++;
	DL_APPEND(claim->parts, part);
	claim->n++;
	DL_APPEND2(node->claims, part, n_prev, n_next);
	count_before(node, NULL);
	telling_node_changed(manager, node);
}

static void
drop_part(struct manager *manager, struct claim_part *part)
{
	struct claims *claims = &manager->claims;
	struct claim *claim = part->claim;
	struct node *node = part->node;

	HASH_DEL(claims->parts, part);
	claims->n_parts--;
	DL_DELETE2(node->claims, part, n_prev, n_next);
	DL_DELETE(claim->parts, part);
	free(part);
	count_before(node, NULL);
	telling_node_changed(manager, node);
	waiting_node_roomier(manager, node); /* others may have what was kept */
	if (--claim->n > 0)
		return;
	DL_DELETE(claims->all, claim);
	claims->n_by_age -= claim->by_age;
	free(claim);
}

/* ---- making ---- */

static uint32_t
count_node(struct node *const *nodes, size_t n, const struct node *node)
{
	uint32_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += nodes[i] == node;
	return count;
}

/* Tasks of one array, and what each is to have kept for it where. */
struct wish {
	struct task *const *tasks;
	struct node *const *nodes;
	size_t n;
};

static bool
is_among(const struct wish *wish, const struct task *task)
{
	for (size_t i = 0; i < wish->n; i++) {
		if (wish->tasks[i] == task)
			return true;
	}
	return false;
}

/*
 * The scheduler is not asked again when room comes free: those of the array count, here or to come.
 * What is kept for those of the wish does not: they give it back for this.
 */
static bool
array_fits(const struct wish *wish, const struct node *node, uint32_t n_more)
{
	const struct group *group = wish->tasks[0]->group;
	uint32_t most = group->spec->spec->max_per_node, n = n_more;
	const struct claim_part *part;

	for (const struct task *other = node->tasks; most > 0 && other != NULL;
		other = other->node_next)
		n += other->holds && other->group == group;
	DL_FOREACH2(node->claims, part, n_next)
	{
		n += most > 0 && part->task->group == group && !is_among(wish, part->task);
	}
	return most == 0 || n < most;
}

static int
check_nodes(const struct manager *manager, const struct wish *wish, struct err *err)
{
	const Davit__TaskSpec *spec = wish->tasks[0]->group->spec->spec;
	struct node *const *nodes = wish->nodes;
	struct resources want;
	bool is_known = holds_wants(&manager->model.kinds, spec, &want);

	for (size_t i = 0; i < wish->n; i++) {
		uint32_t n_here = count_node(nodes, i + 1, nodes[i]);

		if (nodes[i]->state != DAVIT__NODE__STATE__READY || nodes[i]->draining)
			return err_set(err, -EHOSTDOWN, "node '%s' takes no tasks now",
				nodes[i]->name);
		if (!is_known || resources_fit(&nodes[i]->account.capacity, &want, n_here) < n_here)
			return err_set(err, -ENOSPC, "node '%s' could never hold it",
				nodes[i]->name);
		if (!array_fits(wish, nodes[i], n_here - 1))
			return err_set(err, -ENOSPC,
				"node '%s' would hold more of the array than max_per_node",
				nodes[i]->name);
	}
	return 0;
}

static void
say(struct manager *manager, struct task *task, const struct node *node, bool by_age)
{
	char text[256];

	(void)snprintf(text, sizeof text, "waits%s for room on node '%s': %s",
		task->group->count > 1 && placing_is_gang(task->group->spec->spec)
			? " with all of its array"
			: "",
		node->name,
		by_age ? "what comes free there is kept for it"
		       : "tasks of lower priority end for it");
	lifecycle_say(manager, task, text);
}

int
claims_make(struct manager *manager, struct task *const *tasks, struct node *const *nodes, size_t n,
	bool by_age, struct err *err)
{
	struct claims *claims = &manager->claims;
	struct claim *claim;
	int rc = n > 0 ? check_nodes(manager, &(struct wish){tasks, nodes, n}, err) : 0;

	if (rc < 0 || n == 0)
		return rc;
	if (claims->n_parts + n > MANAGER_CLAIMS_MAX || (by_age && !claims_has_room(manager, n)))
		return err_set(err, -ENOSPC,
			"room is kept for so many tasks already that nothing more is "
			"(MANAGER_CLAIMS_MAX)");
	for (size_t i = 0; i < n; i++)
		claims_release(manager, tasks[i]);
	claim = xcalloc(1, sizeof *claim);
	claim->by_age = by_age;
	claim->until_mono_ms =
		manager->now.mono_ms + (by_age ? MANAGER_CLAIM_AGE_MS : MANAGER_CLAIM_PREEMPT_MS);
	DL_APPEND(claims->all, claim);
	claims->n_by_age += by_age;
	for (size_t i = 0; i < n; i++) {
		add_part(manager, claim, tasks[i], nodes[i]);
		waiting_claim(manager, tasks[i]);
		say(manager, tasks[i], nodes[i], by_age);
	}
	log_debug("placing.claim", "node=%s tasks=%zu by_age=%d", nodes[0]->name, n, by_age);
	return 0;
}

struct node *
claims_node(const struct manager *manager, const struct task *task)
{
	struct claim_part *part = find(manager, task);

	return part == NULL ? NULL : part->node;
}

bool
claims_have_group(const struct manager *manager, const struct group *group)
{
	const struct claim *claim;

	DL_FOREACH (manager->claims.all, claim) {
		if (claim->parts->task->group == group) /* as those of its other parts */
			return true;
	}
	return false;
}

bool
claims_has_room(const struct manager *manager, size_t n)
{
	return manager->claims.n_by_age < MANAGER_CLAIMS_BY_AGE_MAX &&
	       manager->claims.n_parts + n <= MANAGER_CLAIMS_MAX;
}

/* ---- giving back ---- */

void
claims_release(struct manager *manager, struct task *task)
{
	struct claim_part *part = find(manager, task);

	if (part != NULL)
		drop_part(manager, part);
}

/* The claim is of no use any more: its tasks are asked about like any others. */
static void
give_up(struct manager *manager, struct claim *claim)
{
	for (size_t n = claim->n; n > 0; n--) {
		struct task *task = claim->parts->task;

		drop_part(manager, claim->parts); /* the last one frees the claim */
		if (waiting_is_claimed(task))
			waiting_unclaim(manager, task);
	}
}

void
claims_forget_node(struct manager *manager, struct node *node)
{
	while (node->claims != NULL)
		give_up(manager, node->claims->claim);
}

/* ---- settling ---- */

/* Something still goes from there for the sake of a claim. */
static bool
is_being_cleared(const struct claim *claim)
{
	const struct claim_part *part;

	DL_FOREACH (claim->parts, part) {
		for (const struct task *task = part->node->tasks; task != NULL;
			task = task->node_next) {
			if (task->is_preempted && task->holds)
				return true;
		}
	}
	return false;
}

static bool
is_useless(const struct manager *manager, const struct claim *claim)
{
	const struct claim_part *part;

	DL_FOREACH (claim->parts, part) {
		if (part->node->state != DAVIT__NODE__STATE__READY || part->node->draining ||
			!array_fits(&(struct wish){&part->task, &part->node, 1}, part->node, 0))
			return true;
	}
	return claim->until_mono_ms <= manager->now.mono_ms;
}

static bool
has_news(const struct manager *manager, const struct claim *claim)
{
	const struct claim_part *part;

	DL_FOREACH (claim->parts, part) {
		if (part->node->is_fresh)
			return true;
	}
	return is_useless(manager, claim);
}

/* One that is asked about just now has the scheduler's answer to come. */
static bool
is_asked(const struct claim *claim)
{
	const struct claim_part *part;

	DL_FOREACH (claim->parts, part) {
		if (waiting_is_asked(part->task))
			return true;
	}
	return false;
}

static void
settle(struct manager *manager, struct claim *claim)
{
	struct arena *arena = &manager->batch.arena;
	struct task **tasks = arena_array(arena, claim->n, sizeof *tasks);
	struct node **nodes = arena_array(arena, claim->n, sizeof *nodes);
	struct claim_part *part;
	struct err err = {0};
	size_t n = 0;

	/* Neither it nor a later one stands in its way: else two wait for each other. */
	DL_FOREACH (claim->parts, part) {
		count_before(part->node, claim);
		tasks[n] = part->task;
		nodes[n++] = part->node;
	}
	if (lifecycle_place_all(manager, tasks, nodes, n, &err) == 0)
		return; /* claims_release was called on the way for each */
	for (size_t i = 0; i < n; i++)
		count_before(nodes[i], NULL);
	if (!claim->by_age && !is_being_cleared(claim))
		give_up(manager, claim);
}

void
claims_seal(struct manager *manager)
{
	struct claim *claim, *next;

	DL_FOREACH_SAFE (manager->claims.all, claim, next) {
		if (is_asked(claim) || !has_news(manager, claim))
			continue;
		if (is_useless(manager, claim))
			give_up(manager, claim);
		else
			settle(manager, claim);
	}
}

/* Tasks of the group; NULL: of all groups. */
static void
unclaim_by_age(struct manager *manager, const struct group *group)
{
	struct claim_part *part, *next;

	HASH_ITER(hh, manager->claims.parts, part, next)
	{
		if (part->claim->by_age && waiting_is_claimed(part->task) &&
			(group == NULL || part->task->group == group))
			waiting_unclaim(manager, part->task);
	}
}

void
claims_gather(struct manager *manager, const struct group *group)
{
	unclaim_by_age(manager, group);
}

void
claims_sweep(struct manager *manager)
{
	unclaim_by_age(manager, NULL);
}

void
claims_fini(struct claims *claims)
{
	struct claim_part *part, *next_part;
	struct claim *claim, *next;

	HASH_ITER(hh, claims->parts, part, next_part)
	{
		HASH_DEL(claims->parts, part);
		free(part);
	}
	DL_FOREACH_SAFE (claims->all, claim, next) {
		DL_DELETE(claims->all, claim);
		free(claim);
	}
	*claims = (struct claims){0};
}
