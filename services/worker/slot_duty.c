/*
 * What each state of an attempt obliges us to do; tested by
 * tests/unit/test_worker_slots.c.
 *
 * A duty may be run any number of times: what it asks of the engine is the same
 * request again. It looks at what is wanted now, never at how the state came about.
 */
#include "services/worker/core.h"

#include "common/base/log.h"

typedef void duty_fn(struct worker_slot *slot, enum worker_want want);

/*
 * A start that an earlier worker asked for, or that was not answered, may still come through, and
 * then what has ended would run on. Once the container is removed it cannot.
 */
static void
give_up_container(struct worker_slot *slot, enum worker_want want)
{
	if (!slot->may_have_run || !worker_slot_has_container(slot)) {
		worker_slot_give_up(slot, want);
		return;
	}
	slot->cause = worker_slot_cause(slot); /* what is gone is not wanted back */
	if (worker_lane_enter(&slot->worker->remove_lane, &slot->pass))
		worker_slot_remove(slot, slot->container_id);
}

static void
duty_accepted(struct worker_slot *slot, enum worker_want want)
{
	if (worker_slot_has_container(slot))
		worker_slot_look(slot);
	else if (want == WORKER_WANT_HOLD)
		return;
	else if (want >= WORKER_WANT_STOP)
		worker_slot_give_up(slot, want);
	else if (slot->older != NULL)
		return; /* its container has our name: it goes first */
	else if (slot->may_have_run && !slot->is_remade)
		worker_slot_vanished(slot);
	else
		(void)worker_slot_step(slot, WORKER_SLOT_EV_BEGIN);
}

static void
duty_pulling(struct worker_slot *slot, enum worker_want want)
{
	if (want >= WORKER_WANT_STOP)
		worker_slot_give_up(slot, want);
	else if (worker_image_want(slot))
		(void)worker_slot_step(slot, WORKER_SLOT_EV_IMAGE);
}

static void
duty_creating(struct worker_slot *slot, enum worker_want want)
{
	if (want >= WORKER_WANT_STOP)
		worker_slot_give_up(slot, want);
	else if (worker_networks_want(slot) &&
		 worker_lane_enter(&slot->worker->start_lane, &slot->pass))
		worker_slot_create(slot);
}

static void
duty_created(struct worker_slot *slot, enum worker_want want)
{
	if (want >= WORKER_WANT_STOP)
		give_up_container(slot, want);
	else if (slot->spec != NULL && slot->n_connected < slot->spec->spec->n_networks) {
		if (worker_networks_want(slot))
			worker_slot_connect(slot);
	} else if (want == WORKER_WANT_RUN)
		(void)worker_slot_step(slot, WORKER_SLOT_EV_GO);
	else
		worker_lane_leave(&slot->pass);
}

static void
duty_starting(struct worker_slot *slot, enum worker_want want)
{
	if (want >= WORKER_WANT_STOP)
		give_up_container(slot, want);
	else if (!worker_networks_want(slot) ||
		 !worker_lane_enter(&slot->worker->start_lane, &slot->pass))
		return;
	else if (!slot->is_journaled)
		worker_journal_want(slot);
	else
		worker_slot_start(slot);
}

static void
duty_running(struct worker_slot *slot, enum worker_want want)
{
	if (want >= WORKER_WANT_STOP) {
		slot->cause = worker_slot_cause(slot);
		(void)worker_slot_step(slot, WORKER_SLOT_EV_STOP);
	} else if (want == WORKER_WANT_RUN && slot->wants_pause != slot->is_paused) {
		worker_slot_pause(slot);
	} else if (worker_health_ends(slot) &&
		   worker_lane_enter(&slot->worker->stop_lane, &slot->pass)) {
		slot->is_unfit = true;
		worker_slot_stop(slot);
	}
}

static void
duty_restarting(struct worker_slot *slot, enum worker_want want)
{
	if (want >= WORKER_WANT_STOP && slot->may_come_up)
		give_up_container(slot, want);
	else if (want >= WORKER_WANT_STOP)
		worker_slot_give_up(slot, want);
	else if (want != WORKER_WANT_RUN || slot->worker->mono_ms < slot->restart_ms)
		return;
	else
		(void)worker_slot_step(slot, worker_slot_has_container(slot)
						     ? WORKER_SLOT_EV_GO
						     : WORKER_SLOT_EV_ABSENT);
}

static void
duty_stopping(struct worker_slot *slot, enum worker_want want)
{
	struct worker *worker = slot->worker;
	bool is_kill = worker_slot_grace_ms(slot) == 0;

	(void)want; /* there is no way back from a stop */
	if (worker_slot_ttl_is_over(slot) && slot->is_start_told) {
		if (worker_lane_enter(&worker->ttl_lane, &slot->pass))
			worker_slot_fell(slot);
	} else if (worker_lane_enter(is_kill ? &worker->kill_lane : &worker->stop_lane,
			   &slot->pass))
		worker_slot_stop(slot);
}

static void
duty_ended(struct worker_slot *slot, enum worker_want want)
{
	if (want == WORKER_WANT_REMOVE)
		(void)worker_slot_step(slot, worker_slot_has_container(slot)
						     ? WORKER_SLOT_EV_DISCARD
						     : WORKER_SLOT_EV_REMOVED);
	else if (slot->is_stray && worker_lane_enter(&slot->worker->stop_lane, &slot->pass))
		worker_slot_stop(slot);
}

/* Its container never ran, so it has no logs to keep it for; and it may hold a name or a port. */
static void
duty_rejected(struct worker_slot *slot, enum worker_want want)
{
	if (worker_slot_has_container(slot)) {
		if (worker_lane_enter(&slot->worker->remove_lane, &slot->pass))
			worker_slot_remove(slot, slot->container_id);
	} else if (want == WORKER_WANT_REMOVE) {
		(void)worker_slot_step(slot, WORKER_SLOT_EV_REMOVED);
	}
}

static void
duty_removing(struct worker_slot *slot, enum worker_want want)
{
	struct worker *worker = slot->worker;
	bool is_late = worker_slot_ttl_is_over(slot);

	(void)want;
	if (!worker_slot_has_container(slot))
		(void)worker_slot_step(slot, WORKER_SLOT_EV_REMOVED);
	else if (worker_lane_enter(is_late ? &worker->ttl_lane : &worker->remove_lane, &slot->pass))
		worker_slot_remove(slot, slot->container_id);
}

/* Superseded attempts are of no interest to the manager; others stay until it has heard. */
static void
duty_gone(struct worker_slot *slot, enum worker_want want)
{
	(void)want;
	if (slot->is_unwanted && (slot->newer != NULL || slot->told == slot->observed))
		worker_slots_drop(slot);
}

static duty_fn *const duties[WORKER_SLOT_STATE_COUNT] = {
	[WORKER_SLOT_ACCEPTED] = duty_accepted,
	[WORKER_SLOT_PULLING] = duty_pulling,
	[WORKER_SLOT_CREATING] = duty_creating,
	[WORKER_SLOT_CREATED] = duty_created,
	[WORKER_SLOT_STARTING] = duty_starting,
	[WORKER_SLOT_RUNNING] = duty_running,
	[WORKER_SLOT_RESTARTING] = duty_restarting,
	[WORKER_SLOT_STOPPING] = duty_stopping,
	[WORKER_SLOT_ENDED] = duty_ended,
	[WORKER_SLOT_REJECTED] = duty_rejected,
	[WORKER_SLOT_RETURNED] = duty_rejected,
	[WORKER_SLOT_REMOVING] = duty_removing,
	[WORKER_SLOT_GONE] = duty_gone,
};

/* No engine: what needs none goes on, what never started may be handed back, the rest waits. */
static void
wait_for_engine(struct worker_slot *slot, enum worker_want want)
{
	const struct worker *worker = slot->worker;
	bool untouched = slot->state <= WORKER_SLOT_CREATING && !worker_slot_has_container(slot) &&
			 !slot->must_look && !slot->may_have_run;
	bool bare = slot->state >= WORKER_SLOT_ENDED && !worker_slot_has_container(slot);

	if (bare) {
		duties[slot->state](slot, want);
		return;
	}
	if (slot->state > WORKER_SLOT_STARTING || want == WORKER_WANT_HOLD)
		return;
	if (untouched && want >= WORKER_WANT_STOP) {
		worker_slot_give_up(slot, want);
		return;
	}
	if (worker->watch.trouble == NULL)
		return; /* it was not asked yet */
	if (untouched && slot->older == NULL &&
		worker_watch_away_ms(worker) >= WORKER_ENGINE_PATIENCE_MS) {
		worker_slot_say(slot, "handed back: %s", worker->watch.trouble);
		(void)worker_slot_step(slot, WORKER_SLOT_EV_RETURN);
		return;
	}
	worker_slot_say(slot, "waits for the engine: %s", worker->watch.trouble);
}

/* Moments that callbacks left open, because they do not know the time. */
static void
take_time(struct worker_slot *slot)
{
	const struct worker *worker = slot->worker;

	if (slot->wait_ms > 0)
		slot->hold_ms = worker->mono_ms + slot->wait_ms;
	slot->wait_ms = 0;
	if (slot->has_restart_wait)
		slot->restart_ms = worker->mono_ms + slot->restart_wait_ms;
	slot->has_restart_wait = false;
	if (slot->is_up_fresh) {
		slot->last_up_ms = worker->mono_ms;
		if (slot->up_mono_ms == 0)
			slot->up_mono_ms = worker->mono_ms;
		if (slot->started_ms == 0)
			slot->started_ms =
				slot->is_start_told ? slot->told_start_ms : worker->wall_ms;
	}
	slot->is_up_fresh = false;
	if (slot->is_hurried) {
		worker_slot_kill_at(slot, worker->mono_ms + slot->stop_timeout_ms);
		slot->is_hurried = false;
	}
}

/*
 * A stop that is not over yet mostly waits for a container that is deaf to its signal, which costs
 * the engine nothing: others need not wait behind it.
 */
static void
yield_place(struct worker_slot *slot)
{
	struct worker *worker = slot->worker;

	slot->yield_ms = 0;
	if (!slot->is_stop_asked || slot->pass.lane != &worker->stop_lane)
		return;
	if (worker->grace_lane.n_held < worker->grace_lane.limit)
		(void)worker_lane_enter(&worker->grace_lane, &slot->pass);
	else
		slot->yield_ms = worker->mono_ms + WORKER_STOP_BUSY_MS;
}

/* An engine that is busy with many starts takes as long for the end of one as for those. */
static void
ask_for_quiet(const struct worker_slot *slot)
{
	struct worker *worker = slot->worker;

	if (slot->ttl_ms != 0 && worker->mono_ms + WORKER_QUIET_MS >= slot->ttl_ms &&
		worker->quiet_ms < slot->ttl_ms + WORKER_QUIET_MS)
		worker->quiet_ms = slot->ttl_ms + WORKER_QUIET_MS;
}

void
worker_slot_act(struct worker_slot *slot)
{
	struct worker *worker = slot->worker;
	enum worker_want want;

	take_time(slot);
	ask_for_quiet(slot);
	worker_health_act(slot);
	if (slot->yield_ms != 0 && slot->yield_ms <= worker->mono_ms)
		yield_place(slot);
	worker_slot_wake_at(slot, worker_slot_deadline_ms(slot, worker->mono_ms));
	if (slot->kill_ms != 0 && slot->kill_ms <= worker->mono_ms)
		worker_slot_kill(slot);
	if (worker_slot_end_as_told(slot) || slot->job != NULL || worker->mono_ms < slot->hold_ms)
		return;
	want = worker_slot_want(slot);
	if (!worker->watch.is_up) {
		wait_for_engine(slot, want);
		return;
	}
	if (slot->must_look)
		worker_slot_look(slot);
	else if (slot->is_stuck)
		worker_slot_unstick(slot);
	else
		duties[slot->state](slot, want);
}
