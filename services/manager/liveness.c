#include "services/manager/liveness.h"

#include <stdio.h>

#include "common/base/log.h"
#include "common/model/spec.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"

static bool
is_silent(const struct node *node)
{
	return node->state == DAVIT__NODE__STATE__UNKNOWN ||
	       node->state == DAVIT__NODE__STATE__DOWN;
}

static void
set_state(struct manager *manager, struct node *node, Davit__Node__State state, const char *what,
	const char *message)
{
	model_set_text(&node->message, message);
	node->state = state;
	node->record_version++;
	events_node(manager, node, what);
	log_info("node.state", "node=%s state=%s message=\"%s\"", node->name, what,
		message == NULL ? "" : message);
	telling_node_changed(manager, node);
}

void
liveness_heard(struct manager *manager, struct node *node)
{
	node->heard_mono_ms = manager->now.mono_ms;
	node->heard_ms = manager->now.wall_ms;
	if (!is_silent(node))
		return;
	node->leave_mono_ms = 0;
	set_state(manager, node, DAVIT__NODE__STATE__READY, "ready", NULL);
	for (struct task *task = node->tasks; task != NULL; task = task->node_next)
		lifecycle_unreachable(manager, task, false);
	waiting_node_changed(manager, node);
}

void
liveness_engine(struct manager *manager, struct node *node, const char *trouble)
{
	bool was_degraded = node->state == DAVIT__NODE__STATE__DEGRADED;
	bool same_words = node->message != NULL && strcmp(node->message, trouble) == 0;

	if (trouble[0] == '\0' && was_degraded) {
		set_state(manager, node, DAVIT__NODE__STATE__READY, "ready", NULL);
		waiting_node_changed(manager, node);
	} else if (trouble[0] != '\0' && !(was_degraded && same_words)) {
		set_state(manager, node, DAVIT__NODE__STATE__DEGRADED, "degraded", trouble);
	}
}

void
liveness_leave(struct manager *manager, struct node *node, uint64_t grace_ms)
{
	if (grace_ms > MANAGER_LEAVE_GRACE_MAX_MS)
		grace_ms = MANAGER_LEAVE_GRACE_MAX_MS;
	node->leave_mono_ms = manager->now.mono_ms + grace_ms;
	node->silent_mono_ms = manager->now.mono_ms;
	assignments_end(manager, node, "the worker said that it leaves");
	relay_node_lost(manager, node);
	set_state(manager, node, DAVIT__NODE__STATE__UNKNOWN, "unknown",
		"its worker was stopped on purpose");
	for (struct task *task = node->tasks; task != NULL; task = task->node_next)
		lifecycle_unreachable(manager, task, true);
}

static void
fall_silent(struct manager *manager, struct node *node)
{
	node->silent_mono_ms = manager->now.mono_ms;
	assignments_end(manager, node, "the node was not heard for too long");
	relay_node_lost(manager, node);
	set_state(manager, node, DAVIT__NODE__STATE__UNKNOWN, "unknown",
		"not heard for too long: its worker, the machine or the network is down");
	for (struct task *task = node->tasks; task != NULL; task = task->node_next)
		lifecycle_unreachable(manager, task, true);
}

/* ---- what follows ---- */

bool
liveness_may_replace(const struct task *task)
{
	return spec_disconnect(task->group->spec->spec).mode != DAVIT__DISCONNECT__MODE__KEEP;
}

/* When the task is given up, on the monotonic clock; UINT64_MAX: never. */
static uint64_t
give_up_at(const struct node *node, const struct task *task)
{
	const Davit__TaskSpec *spec = task->group->spec->spec;
	struct spec_disconnect disconnect = spec_disconnect(spec);
	uint64_t at;

	if (disconnect.mode == DAVIT__DISCONNECT__MODE__REPLACE)
		at = node->silent_mono_ms + disconnect.replace_after_ms;
	else if (disconnect.mode == DAVIT__DISCONNECT__MODE__STOP_AFTER)
		at = node->heard_mono_ms + disconnect.stop_after_ms + spec_stop_timeout_ms(spec) +
		     MANAGER_STOP_AFTER_MARGIN_MS;
	else
		return UINT64_MAX;
	return at > node->leave_mono_ms ? at : node->leave_mono_ms;
}

static void
give_up_what_is_due(struct manager *manager, struct node *node)
{
	struct task *next;
	bool keeps_one = false;

	/* Others that fell silent with it are noticed within a few ticks: see must_hold. */
	if (HASH_COUNT(manager->model.nodes) >= MANAGER_HOLD_NODES_MIN &&
		manager->now.mono_ms - node->silent_mono_ms < MANAGER_HOLD_SETTLE_MS)
		return;

	for (struct task *task = node->tasks; task != NULL; task = next) {
		next = task->node_next; /* one that is lost goes to the end of the list */
		if (task_state_is_final(task->state))
			break;
		if (give_up_at(node, task) <= manager->now.mono_ms)
			lifecycle_lose(manager, task, true, "its node is lost");
		else
			keeps_one = true;
	}
	if (!keeps_one && node->state == DAVIT__NODE__STATE__UNKNOWN &&
		node->leave_mono_ms <= manager->now.mono_ms)
		set_state(manager, node, DAVIT__NODE__STATE__DOWN, "down",
			"silent, and nothing on it is waited for");
}

/*
 * More than half of at least four nodes fell silent within one window: a partition looks
 * the same. It lasts until at most half are silent.
 */
static bool
must_hold(struct manager *manager)
{
	uint32_t n_silent = 0, n_nodes = 0;
	uint64_t now = manager->now.mono_ms;
	struct node *node, *next;

	if (HASH_COUNT(manager->model.nodes) < MANAGER_HOLD_NODES_MIN)
		return false;
	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		bool counts = manager->liveness.is_holding ||
			      now - node->silent_mono_ms <= MANAGER_HOLD_WINDOW_MS;

		n_nodes += node->session > 0; /* nobody waits for the others */
		if (node->state == DAVIT__NODE__STATE__UNKNOWN && node->leave_mono_ms <= now)
			n_silent += counts;
	}
	return n_nodes >= MANAGER_HOLD_NODES_MIN && n_silent * 2 > n_nodes;
}

static void
update_hold(struct manager *manager)
{
	struct liveness *liveness = &manager->liveness;
	bool hold = must_hold(manager);

	if (hold == liveness->is_holding)
		return;
	liveness->is_holding = hold;
	if (hold)
		log_warn("liveness.hold",
			"most nodes are silent at once: nothing is replaced until they are heard or removed");
	else
		log_info("liveness.hold_over", "most nodes are heard again");
}

/*
 * If this process itself did not run for a while (an fsync that took long, a machine
 * under load), the nodes could not be heard: that time is not counted as their silence.
 */
static void
forgive_own_pause(struct manager *manager)
{
	struct liveness *liveness = &manager->liveness;
	uint64_t since = manager->now.mono_ms - liveness->last_tick_mono_ms;
	struct node *node, *next;

	liveness->last_tick_mono_ms = manager->now.mono_ms;
	if (since <= (uint64_t)5 * MANAGER_TICK_MS)
		return;
	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		node->heard_mono_ms += since;
		if (node->heard_mono_ms > manager->now.mono_ms)
			node->heard_mono_ms = manager->now.mono_ms;
	}
}

void
liveness_tick(struct manager *manager)
{
	uint64_t now = manager->now.mono_ms;
	uint64_t silent_ms = manager->config.silent_ms + manager->liveness.backlog_ms;
	bool in_grace = now - manager->liveness.started_mono_ms < manager->config.restart_grace_ms;
	struct node *node, *next;

	forgive_own_pause(manager);
	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		if (!is_silent(node) && now - node->heard_mono_ms > silent_ms)
			fall_silent(manager, node);
	}
	update_hold(manager);
	if (in_grace || manager->liveness.is_holding)
		return;
	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		if (node->state == DAVIT__NODE__STATE__UNKNOWN)
			give_up_what_is_due(manager, node);
	}
}
