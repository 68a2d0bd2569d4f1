#include "services/manager/waits.h"

#include <assert.h>

#include "common/base/mem.h"
#include "services/manager/core.h"
#include "services/manager/limits.h"

struct wait *
waits_add(struct manager *manager, struct rpc_call *call, uint64_t wait_ms, wait_expire_fn *expire,
	void *owner)
{
	struct waits *waits = &manager->waits;
	struct wait *wait;

	if (waits->n == MANAGER_WAITS_MAX) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED, NULL,
			"%d calls wait already (MANAGER_WAITS_MAX)", MANAGER_WAITS_MAX);
		return NULL;
	}
	wait = xcalloc(1, sizeof *wait);
	wait->call = call;
	wait->owner = owner;
	wait->expire = expire;
	wait->until_mono_ms = manager->now.mono_ms +
			      (wait_ms < RPC_WAIT_MAX_MS ? wait_ms : (uint64_t)RPC_WAIT_MAX_MS);
	wait->all_next = waits->first;
	if (waits->first != NULL)
		waits->first->all_prev = wait;
	waits->first = wait;
	waits->n++;
	return wait;
}

struct rpc_call *
waits_end(struct manager *manager, struct wait *wait)
{
	struct rpc_call *call = wait->call;

	*(wait->all_prev != NULL ? &wait->all_prev->all_next : &manager->waits.first) =
		wait->all_next;
	if (wait->all_next != NULL)
		wait->all_next->all_prev = wait->all_prev;
	manager->waits.n--;
	free(wait);
	return call;
}

void
waits_unlink(struct wait **first, struct wait *wait)
{
	while (*first != wait) {
		assert(*first != NULL);
		first = &(*first)->next;
	}
	*first = wait->next;
}

void
waits_tick(struct manager *manager)
{
	struct wait *next;

	for (struct wait *wait = manager->waits.first; wait != NULL; wait = next) {
		next = wait->all_next;
		if (wait->until_mono_ms <= manager->now.mono_ms)
			wait->expire(manager, wait);
	}
}

void
waits_abort(struct manager *manager, const char *reason)
{
	while (manager->waits.first != NULL) {
		struct rpc_call *call = waits_end(manager, manager->waits.first);

		rpc_call_refuse(call, DAVIT__REPLY__STATUS__UNAVAILABLE, NULL, "%s", reason);
		rpc_call_send(call);
	}
}
