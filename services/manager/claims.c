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

struct claim {
	struct task *task;
	struct node *node;
	struct resources want;
	uint64_t until_mono_ms;
	bool by_age;
	struct claim *next; /* node.claims, the oldest first */
	UT_hash_handle hh;
};

static struct claim *
find(const struct claims *claims, const struct task *task)
{
	struct claim *claim;

	HASH_FIND_PTR(claims->all, &task, claim);
	return claim;
}

static void
count_claimed(struct manager *manager, struct node *node)
{
	struct claim *claim;

	node->account.claimed = (struct resources){0};
	LL_FOREACH (node->claims, claim)
		resources_add(&node->account.claimed, &claim->want);
	telling_node_changed(manager, node);
}

static void
drop(struct manager *manager, struct claim *claim)
{
	struct claims *claims = &manager->claims;
	struct node *node = claim->node;

	HASH_DEL(claims->all, claim);
	LL_DELETE(node->claims, claim);
	claims->n--;
	claims->n_by_age -= claim->by_age;
	free(claim);
	count_claimed(manager, node);
	waiting_node_roomier(manager, node); /* others may have what was kept */
}

int
claims_make(struct manager *manager, struct task *task, struct node *node, bool by_age,
	struct err *err)
{
	struct claims *claims = &manager->claims;
	struct claim *claim;
	struct resources want;
	char text[256];

	if (node->state != DAVIT__NODE__STATE__READY || node->draining)
		return err_set(err, -EHOSTDOWN, "node '%s' takes no tasks now", node->name);
	if (claims->n >= MANAGER_CLAIMS_MAX || (by_age && !claims_has_room(manager)))
		return err_set(err, -ENOSPC,
			"room is kept for so many tasks already that nothing more is "
			"(MANAGER_CLAIMS_MAX)");
	if (!holds_wants(&manager->model.kinds, task->group->spec->spec, &want) ||
		resources_fit(&node->account.capacity, &want, 1) == 0)
		return err_set(err, -ENOSPC, "node '%s' could never hold it", node->name);
	claims_release(manager, task);
	claim = xcalloc(1, sizeof *claim);
	*claim = (struct claim){.task = task, .node = node, .want = want, .by_age = by_age};
	claim->until_mono_ms =
		manager->now.mono_ms + (by_age ? MANAGER_CLAIM_AGE_MS : MANAGER_CLAIM_PREEMPT_MS);
	HASH_ADD_PTR(claims->all, task, claim);
	LL_APPEND(node->claims, claim);
	claims->n++;
	claims->n_by_age += by_age;
	count_claimed(manager, node);
	waiting_claim(manager, task);
	(void)snprintf(text, sizeof text,
		by_age ? "waits for room on node '%s': what comes free there is kept for it"
		       : "waits for room on node '%s': tasks of lower priority end for it",
		node->name);
	lifecycle_say(manager, task, text);
	log_debug("placing.claim", "node=%s by_age=%d", node->name, by_age);
	return 0;
}

struct node *
claims_node(const struct manager *manager, const struct task *task)
{
	struct claim *claim = manager->claims.n > 0 ? find(&manager->claims, task) : NULL;

	return claim == NULL ? NULL : claim->node;
}

void
claims_release(struct manager *manager, struct task *task)
{
	struct claim *claim = manager->claims.n > 0 ? find(&manager->claims, task) : NULL;

	if (claim != NULL)
		drop(manager, claim);
}

bool
claims_has_room(const struct manager *manager)
{
	return manager->claims.n_by_age < MANAGER_CLAIMS_BY_AGE_MAX;
}

/* The claim is of no use any more: its task is asked about like any other. */
static void
give_up(struct manager *manager, struct claim *claim)
{
	struct task *task = claim->task;

	drop(manager, claim);
	if (waiting_is_claimed(task))
		waiting_unclaim(manager, task);
}

void
claims_forget_node(struct manager *manager, struct node *node)
{
	while (node->claims != NULL)
		give_up(manager, node->claims);
}

/* Something still goes from there for the sake of a claim. */
static bool
is_being_cleared(const struct node *node)
{
	for (const struct task *task = node->tasks; task != NULL; task = task->node_next) {
		if (task->is_preempted && task->holds)
			return true;
	}
	return false;
}

static bool
is_useless(const struct manager *manager, const struct claim *claim)
{
	return claim->node->state != DAVIT__NODE__STATE__READY || claim->node->draining ||
	       claim->until_mono_ms <= manager->now.mono_ms;
}

static bool
has_news(const struct manager *manager, const struct claim *claim)
{
	return claim->node->is_fresh || is_useless(manager, claim);
}

static void
settle(struct manager *manager, struct claim *claim)
{
	struct node *node = claim->node;
	struct resources all = node->account.claimed;
	struct err err = {0};

	if (is_useless(manager, claim)) {
		give_up(manager, claim);
		return;
	}
	/* Its own claim does not stand in its way, nor do later ones: else two wait for each other.
	 */
	for (const struct claim *later = claim; later != NULL; later = later->next)
		resources_subtract(&node->account.claimed, &later->want);
	if (lifecycle_place(manager, claim->task, node, &err) == 0)
		return; /* claims_release was called on the way */
	node->account.claimed = all;
	if (!claim->by_age && !is_being_cleared(node))
		give_up(manager, claim);
}

void
claims_seal(struct manager *manager)
{
	struct claim *claim, *next;

	if (manager->claims.n == 0)
		return;
	HASH_ITER(hh, manager->claims.all, claim, next)
	{
		/* One that is asked about just now has the scheduler's answer to come. */
		if (!waiting_is_asked(claim->task) && has_news(manager, claim))
			settle(manager, claim);
	}
}

void
claims_sweep(struct manager *manager)
{
	struct claim *claim, *next;

	HASH_ITER(hh, manager->claims.all, claim, next)
	{
		if (claim->by_age && waiting_is_claimed(claim->task))
			waiting_unclaim(manager, claim->task);
	}
}

void
claims_fini(struct claims *claims)
{
	struct claim *claim, *next;

	HASH_ITER(hh, claims->all, claim, next)
	{
		HASH_DEL(claims->all, claim);
		free(claim);
	}
	*claims = (struct claims){0};
}
