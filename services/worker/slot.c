/* One attempt: transitions, wishes and deadlines; tested by tests/unit/test_worker_slots.c. */
#include "services/worker/core.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/log.h"
#include "common/base/mem.h"

struct worker_slot *
worker_slot_new(struct worker *worker, struct id task, uint32_t attempt)
{
	struct worker_slot *slot = xcalloc(1, sizeof *slot);

	slot->worker = worker;
	slot->task = task;
	slot->attempt = attempt;
	slot->serial = ++worker->n_serials;
	slot->state = WORKER_SLOT_ACCEPTED;
	slot->observed = DAVIT__TASK_REPORT__OBSERVED__PREPARING;
	slot->pass.slot = slot;
	slot->look_pass.slot = slot;
	return slot;
}

static void
free_ports(struct worker_slot *slot)
{
	for (size_t i = 0; i < slot->n_ports; i++)
		free(slot->ports[i].host_address);
	free(slot->ports);
	free(slot->port_list);
}

void
worker_slot_free(struct worker_slot *slot)
{
	worker_job_abandon(&slot->job);
	worker_job_abandon(&slot->kill_job);
	worker_job_abandon(&slot->probe_job);
	worker_job_abandon(&slot->size_job);
	worker_lane_leave(&slot->pass);
	worker_lane_leave(&slot->look_pass);
	worker_image_leave(slot);
	worker_networks_leave(slot);
	worker_journal_leave(slot);
	worker_spec_unref(slot->worker, slot->spec);
	free_ports(slot);
	free(slot->name);
	free(slot->message);
	free(slot->log_path);
	free(slot);
}

void
worker_slot_touch(struct worker_slot *slot)
{
	if (slot->is_touched || slot->worker->is_dying)
		return;
	slot->is_touched = true;
	DL_APPEND2(slot->worker->touched, slot, touched_prev, touched_next);
}

void
worker_slot_changed(struct worker_slot *slot)
{
	slot->version++;
	worker_uplink_put(slot);
}

void
worker_slot_say(struct worker_slot *slot, const char *fmt, ...)
{
	char text[WORKER_MESSAGE_MAX];
	va_list ap;

	text[0] = '\0';
	if (fmt != NULL) {
		va_start(ap, fmt);
		(void)vsnprintf(text, sizeof text, fmt, ap);
		va_end(ap);
	}
	if (strcmp(slot->message == NULL ? "" : slot->message, text) == 0)
		return;
	free(slot->message);
	slot->message = text[0] == '\0' ? NULL : xstrdup(text);
	worker_slot_changed(slot);
}

static Davit__TaskReport__Observed
observed_in(enum worker_slot_state state)
{
	switch (state) {
	case WORKER_SLOT_RUNNING:
	case WORKER_SLOT_RESTARTING: /* also when it was found so: it did run */
		return DAVIT__TASK_REPORT__OBSERVED__RUNNING;
	case WORKER_SLOT_ENDED:
		return DAVIT__TASK_REPORT__OBSERVED__ENDED;
	case WORKER_SLOT_REJECTED:
		return DAVIT__TASK_REPORT__OBSERVED__REJECTED;
	case WORKER_SLOT_RETURNED:
		return DAVIT__TASK_REPORT__OBSERVED__RETURNED;
	case WORKER_SLOT_GONE:
		return DAVIT__TASK_REPORT__OBSERVED__GONE;
	default:
		return DAVIT__TASK_REPORT__OBSERVED__PREPARING;
	}
}

/* A place in the start lane is kept from create to the end of start, and no longer. */
static bool
keeps_pass(const struct worker_slot *slot)
{
	switch (slot->state) {
	case WORKER_SLOT_CREATING:
	case WORKER_SLOT_STARTING:
		return true;
	case WORKER_SLOT_CREATED:
		return worker_slot_want(slot) == WORKER_WANT_RUN;
	default:
		return false;
	}
}

bool
worker_slot_step(struct worker_slot *slot, enum worker_slot_event event)
{
	enum worker_slot_state before = slot->state;
	Davit__TaskReport__Observed observed;
	char task[ID_TEXT_SIZE];
	struct err err;
	unsigned to;

	if (fsm_next(&worker_slot_fsm, before, event, &to, &err) < 0) {
		id_format(slot->task, task);
		log_warn("slot.forbidden", "task=%s attempt=%u error=\"%s\"", task, slot->attempt,
			err.text);
		return false;
	}
	slot->state = (enum worker_slot_state)to;
	worker_slot_touch(slot);
	if (slot->state == before)
		return true;
	if (before == WORKER_SLOT_PULLING)
		worker_image_leave(slot);
	if (slot->state >= WORKER_SLOT_ENDED) {
		worker_networks_leave(slot);
		worker_pulled_use(slot->worker, worker_slot_image(slot));
	}
	if (!keeps_pass(slot))
		worker_lane_leave(&slot->pass);
	/* A start that fails goes back and forth between these two: its tries are counted. */
	if (!(before == WORKER_SLOT_STARTING && slot->state == WORKER_SLOT_CREATED) &&
		!(before == WORKER_SLOT_CREATED && slot->state == WORKER_SLOT_STARTING))
		slot->n_tries = 0;
	if (slot->state > WORKER_SLOT_STARTING)
		slot->is_stuck = slot->had_orphans = false;
	slot->hold_ms = 0;
	slot->wait_ms = 0;
	observed = observed_in(slot->state);
	if (observed > slot->observed)
		slot->observed = observed;
	worker_slot_changed(slot);
	return true;
}

void
worker_slot_rest(struct worker_slot *slot, uint64_t wait_ms)
{
	slot->wait_ms = (uint32_t)(wait_ms > 0 ? wait_ms : 1);
	worker_slot_touch(slot);
}

void
worker_slot_wake_at(struct worker_slot *slot, uint64_t mono_ms)
{
	if (mono_ms < slot->worker->sweep_ms)
		slot->worker->sweep_ms = mono_ms;
}

bool
worker_slot_has_container(const struct worker_slot *slot)
{
	return slot->container_id[0] != '\0';
}

const char *
worker_slot_image(const struct worker_slot *slot)
{
	return slot->spec == NULL || slot->spec->spec->image == NULL ? "" : slot->spec->spec->image;
}

/* ---- deadlines, on the steady clock ---- */

static uint64_t
run_deadline_ms(const struct worker_slot *slot)
{
	uint64_t most = slot->spec == NULL ? 0 : slot->spec->spec->max_run_time_ms;

	return most == 0 || slot->up_mono_ms == 0 ? UINT64_MAX : slot->up_mono_ms + most;
}

/* Without any contact since this worker was born, its own age is no evidence: stop soon. */
static uint64_t
contact_deadline_ms(const struct worker_slot *slot)
{
	const struct worker *worker = slot->worker;
	uint64_t patience = slot->stop_after_ms;

	if (patience == 0)
		return UINT64_MAX;
	if (worker->uplink.was_in_contact)
		return worker->uplink.contact_ms + patience;
	return worker->born_ms +
	       (patience < WORKER_NO_EVIDENCE_MS ? patience : WORKER_NO_EVIDENCE_MS);
}

uint64_t
worker_slot_deadline_ms(const struct worker_slot *slot, uint64_t since_ms)
{
	uint64_t quiet_ms = slot->ttl_ms > WORKER_QUIET_MS ? slot->ttl_ms - WORKER_QUIET_MS : 0;
	const uint64_t all[] = {run_deadline_ms(slot), contact_deadline_ms(slot), slot->ttl_ms,
		quiet_ms, slot->hold_ms, slot->kill_ms, slot->yield_ms, slot->restart_ms,
		slot->probe_ms};
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (all[i] > since_ms && all[i] < next)
			next = all[i];
	}
	return next;
}

static bool
is_past(const struct worker_slot *slot, uint64_t deadline_ms)
{
	return deadline_ms <= slot->worker->mono_ms;
}

bool
worker_slot_ttl_is_over(const struct worker_slot *slot)
{
	return slot->ttl_ms != 0 && is_past(slot, slot->ttl_ms);
}

enum worker_want
worker_slot_want(const struct worker_slot *slot)
{
	if (slot->is_unwanted || worker_slot_ttl_is_over(slot))
		return WORKER_WANT_REMOVE;
	if (slot->is_assigned && slot->desired >= DAVIT__TASK__DESIRED__REMOVE)
		return WORKER_WANT_REMOVE;
	if (is_past(slot, contact_deadline_ms(slot)) || is_past(slot, run_deadline_ms(slot)) ||
		slot->is_over_disk)
		return WORKER_WANT_STOP;
	if (!slot->is_assigned || slot->desired == DAVIT__TASK__DESIRED__DESIRED_NONE)
		return WORKER_WANT_HOLD;
	if (slot->has_ended || slot->desired == DAVIT__TASK__DESIRED__STOP)
		return WORKER_WANT_STOP;
	return slot->desired == DAVIT__TASK__DESIRED__RUN ? WORKER_WANT_RUN : WORKER_WANT_READY;
}

Davit__TaskReport__Cause
worker_slot_cause(const struct worker_slot *slot)
{
	if (slot->is_unwanted || (slot->is_assigned && slot->desired >= DAVIT__TASK__DESIRED__STOP))
		return DAVIT__TASK_REPORT__CAUSE__STOP;
	if (worker_slot_ttl_is_over(slot))
		return DAVIT__TASK_REPORT__CAUSE__TTL;
	if (is_past(slot, run_deadline_ms(slot)))
		return DAVIT__TASK_REPORT__CAUSE__MAX_RUN_TIME;
	if (is_past(slot, contact_deadline_ms(slot)))
		return DAVIT__TASK_REPORT__CAUSE__NO_CONTACT;
	if (slot->is_over_disk)
		return DAVIT__TASK_REPORT__CAUSE__DISK;
	return slot->has_ended ? DAVIT__TASK_REPORT__CAUSE__STOP : DAVIT__TASK_REPORT__CAUSE__EXIT;
}

/* ---- ends ---- */

static void
end_for(struct worker_slot *slot, Davit__TaskReport__Cause cause)
{
	static const char *const words[] = {
		[DAVIT__TASK_REPORT__CAUSE__STOP] = "stopped as asked",
		[DAVIT__TASK_REPORT__CAUSE__TTL] = "its time to live (ttl) is over",
		[DAVIT__TASK_REPORT__CAUSE__MAX_RUN_TIME] =
			"stopped: it ran as long as max_run_time allows",
		[DAVIT__TASK_REPORT__CAUSE__NO_CONTACT] =
			"stopped: its node had no contact with the manager (disconnect: stop_after)",
		[DAVIT__TASK_REPORT__CAUSE__VANISHED] =
			"its container was removed by somebody else",
		[DAVIT__TASK_REPORT__CAUSE__UNHEALTHY] =
			"stopped: its health check failed, and its restart policy is used up",
	};

	if (slot->cause == DAVIT__TASK_REPORT__CAUSE__EXIT)
		slot->cause = cause;
	if (slot->cause == DAVIT__TASK_REPORT__CAUSE__DISK)
		; /* how much it wrote was said when that was seen */
	else if (slot->cause != DAVIT__TASK_REPORT__CAUSE__EXIT)
		worker_slot_say(slot, "%s", words[slot->cause]);
	else if (slot->oom_killed)
		worker_slot_say(slot, "ran out of memory (limit: memory) and was killed");
	else if (slot->has_exit_code)
		worker_slot_say(slot, "exited with code %d", (int)slot->exit_code);
	if (slot->finished_ms == 0)
		slot->finished_ms = slot->worker->wall_ms;
	(void)worker_slot_step(slot, WORKER_SLOT_EV_DOWN);
}

void
worker_slot_give_up(struct worker_slot *slot, enum worker_want want)
{
	bool ran = slot->may_have_run || slot->observed >= DAVIT__TASK_REPORT__OBSERVED__RUNNING;

	if (slot->cause == DAVIT__TASK_REPORT__CAUSE__EXIT)
		slot->cause = worker_slot_cause(slot);
	if (want != WORKER_WANT_REMOVE || ran || slot->cause == DAVIT__TASK_REPORT__CAUSE__TTL ||
		slot->state >= WORKER_SLOT_STARTING) /* it may have run: it ends first */
		end_for(slot, slot->cause);
	else
		(void)worker_slot_step(slot, worker_slot_has_container(slot)
						     ? WORKER_SLOT_EV_DISCARD
						     : WORKER_SLOT_EV_REMOVED);
}

static void
start_again_later(struct worker_slot *slot, const char *why)
{
	uint64_t delay = worker_restart_delay_ms(&slot->restart, slot->n_again);

	slot->n_again++;
	slot->restart_wait_ms = (uint32_t)(delay < UINT32_MAX ? delay : UINT32_MAX);
	slot->has_restart_wait = true;
	slot->cause = DAVIT__TASK_REPORT__CAUSE__EXIT;
	worker_slot_say(slot, "%s; starts again in %u ms", why, (unsigned)slot->restart_wait_ms);
	(void)worker_slot_step(slot, WORKER_SLOT_EV_AGAIN);
}

static void
forget_row_of_quick_ends(struct worker_slot *slot)
{
	uint64_t ran_ms = 0;

	if (slot->finished_ms > slot->started_ms && slot->started_ms != 0)
		ran_ms = slot->finished_ms - slot->started_ms;
	if (slot->last_up_ms != 0 && slot->worker->mono_ms - slot->last_up_ms < ran_ms)
		ran_ms = slot->worker->mono_ms - slot->last_up_ms; /* started_ms is of the first */
	if (ran_ms >= slot->restart.reset_after_ms)
		slot->n_again = 0;
}

void
worker_slot_over(struct worker_slot *slot, int exit_code)
{
	enum worker_want want = worker_slot_want(slot);
	bool was_unfit = slot->is_unfit;
	int judged = was_unfit && exit_code == 0 ? 1 : exit_code; /* it is no success */
	char why[64];

	slot->is_unfit = slot->is_paused = false;
	slot->exit_code = exit_code;
	slot->has_exit_code = true;
	slot->health = DAVIT__TASK__PHASE__PHASE_NONE;
	slot->kill_ms = 0;
	if (slot->state == WORKER_SLOT_STOPPING) {
		end_for(slot, slot->cause);
		return;
	}
	forget_row_of_quick_ends(slot);
	if ((want < WORKER_WANT_STOP || slot->may_come_up) &&
		worker_restart_wanted(&slot->restart, judged, slot->n_again)) {
		(void)snprintf(why, sizeof why, "%s with code %d",
			was_unfit ? "was unhealthy, exited" : "exited", exit_code);
		start_again_later(slot, why);
	} else {
		end_for(slot, was_unfit && want < WORKER_WANT_STOP
				      ? DAVIT__TASK_REPORT__CAUSE__UNHEALTHY
				      : DAVIT__TASK_REPORT__CAUSE__EXIT);
	}
}

/* Whoever only read of the start in a journal cannot know who removed it, nor whether it ran. */
static const char *
why_absent(const struct worker_slot *slot)
{
	return slot->state == WORKER_SLOT_ACCEPTED && !worker_slot_has_container(slot)
		       ? "its worker was restarted, and its container is not there"
		       : "its container was removed by somebody else";
}

void
worker_slot_vanished(struct worker_slot *slot)
{
	bool is_over = slot->state >= WORKER_SLOT_STOPPING;
	const char *why = why_absent(slot);
	enum worker_want want = worker_slot_want(slot);

	slot->container_id[0] = '\0';
	slot->knows_log_path = false;
	slot->pid = 0;
	slot->kill_ms = 0;
	slot->is_stray = slot->is_paused = slot->is_unfit = slot->may_come_up = false;
	slot->felling = WORKER_FELLING_NONE;
	worker_slot_told_nothing(slot, 0);
	worker_slot_touch(slot);
	if (slot->state == WORKER_SLOT_STOPPING) {
		end_for(slot, slot->cause);
	} else if (slot->state == WORKER_SLOT_REMOVING) {
		(void)worker_slot_step(slot, WORKER_SLOT_EV_REMOVED);
	} else if (is_over) {
		worker_slot_changed(slot);
	} else if (want >= WORKER_WANT_STOP) {
		worker_slot_give_up(slot, want);
	} else if (!slot->may_have_run) {
		(void)worker_slot_step(slot, WORKER_SLOT_EV_ABSENT);
	} else if (worker_restart_wanted(&slot->restart, WORKER_EXIT_KILLED, slot->n_again)) {
		slot->is_remade = true;
		forget_row_of_quick_ends(slot);
		start_again_later(slot, why);
	} else {
		end_for(slot, DAVIT__TASK_REPORT__CAUSE__VANISHED);
		worker_slot_say(slot, "%s", why);
	}
}

void
worker_slot_reject(struct worker_slot *slot, const char *fmt, ...)
{
	char text[WORKER_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (slot->observed < DAVIT__TASK_REPORT__OBSERVED__RUNNING) {
		worker_slot_say(slot, "%s", text);
		(void)worker_slot_step(slot, WORKER_SLOT_EV_REJECT);
	} else if (worker_slot_want(slot) < WORKER_WANT_STOP &&
		   worker_restart_wanted(&slot->restart, 128, slot->n_again)) {
		start_again_later(slot, text); /* it ran here before, so it may again */
	} else {
		end_for(slot, DAVIT__TASK_REPORT__CAUSE__EXIT);
		worker_slot_say(slot, "%s", text);
	}
}

/* ---- what was seen ---- */

void
worker_slot_set_health(struct worker_slot *slot, const char *health)
{
	Davit__Task__Phase phase = DAVIT__TASK__PHASE__PHASE_NONE;

	if (health != NULL && strcmp(health, "healthy") == 0)
		phase = DAVIT__TASK__PHASE__HEALTHY;
	else if (health != NULL && strcmp(health, "unhealthy") == 0)
		phase = DAVIT__TASK__PHASE__UNHEALTHY;
	if (slot->health == phase)
		return;
	if (phase == DAVIT__TASK__PHASE__UNHEALTHY && slot->message == NULL)
		worker_slot_say(slot, "unhealthy: its health check fails");
	else if (phase == DAVIT__TASK__PHASE__HEALTHY)
		worker_slot_say(slot, "%s", "");
	slot->health = phase;
	worker_slot_changed(slot);
}

/* Found running: the moments on our clock follow from the engine's. */
static void
observe_running(struct worker_slot *slot, const struct engine_container *container)
{
	const struct worker *worker = slot->worker;
	uint64_t age = worker->wall_ms > container->started_ms
			       ? worker->wall_ms - container->started_ms
			       : 0;

	slot->pid = container->pid;
	slot->may_have_run = true;
	if (slot->is_paused != (container->status == ENGINE_PAUSED))
		worker_slot_changed(slot);
	slot->is_paused = container->status == ENGINE_PAUSED;
	slot->has_host_network = container->has_host_network;
	(void)snprintf(slot->address, sizeof slot->address, "%s", container->address);
	if (slot->started_ms == 0)
		slot->started_ms = container->started_ms;
	if (slot->up_mono_ms == 0)
		slot->up_mono_ms = worker->mono_ms > age ? worker->mono_ms - age : 1;
	if (slot->last_up_ms == 0)
		slot->last_up_ms = slot->up_mono_ms;
	if (container->health[0] != '\0') /* else it is not the engine that checks */
		worker_slot_set_health(slot, container->health);
	if (slot->state >= WORKER_SLOT_ENDED) {
		slot->is_stray = slot->state == WORKER_SLOT_ENDED;
		return;
	}
	if (slot->state == WORKER_SLOT_STARTING || slot->state == WORKER_SLOT_RESTARTING) {
		slot->is_up_fresh = true; /* the start arrived, its answer did not */
		worker_health_begin(slot);
		slot->restart_count += slot->observed >= DAVIT__TASK_REPORT__OBSERVED__RUNNING;
	}
	slot->is_remade = slot->may_come_up = false;
	(void)worker_slot_step(slot, WORKER_SLOT_EV_UP);
}

/*
 * What is found ended by a new worker may be about to be started again by the one before; and
 * what ended before our own start was asked for says nothing of that start.
 */
static void
look_for_start(struct worker_slot *slot, const struct engine_container *container)
{
	if (slot->state == WORKER_SLOT_ACCEPTED) {
		slot->may_come_up = true;
		slot->last_end_ms = container->finished_ms;
	} else if (container->finished_ms > slot->last_end_ms) {
		slot->may_come_up = false;
	}
}

static void
observe_ended(struct worker_slot *slot, const struct engine_container *container)
{
	if (worker_slot_awaits_lack(slot, container))
		return;
	slot->pid = 0;
	slot->is_stray = false;
	slot->may_have_run = true;
	slot->oom_killed = container->oom_killed || slot->was_oom;
	slot->was_oom = false;
	look_for_start(slot, container);
	worker_slot_told_nothing(slot, container->finished_ms);
	slot->finished_ms = container->finished_ms;
	if (slot->started_ms == 0 || (slot->restart_count == 0 && container->started_ms != 0))
		slot->started_ms = container->started_ms; /* ours was when we heard of it */
	if (slot->state == WORKER_SLOT_STARTING && slot->may_come_up)
		return; /* that end was judged; it is started again */
	if (slot->state < WORKER_SLOT_ENDED && slot->state != WORKER_SLOT_RESTARTING)
		worker_slot_over(slot, container->exit_code);
}

void
worker_slot_keep_log_path(struct worker_slot *slot, const struct engine_container *container)
{
	free(slot->log_path);
	slot->log_path = container->log_path == NULL || container->log_path[0] == '\0'
				 ? NULL
				 : xstrdup(container->log_path);
	slot->knows_log_path = true;
}

void
worker_slot_observe(struct worker_slot *slot, const struct engine_container *container)
{
	(void)snprintf(slot->container_id, sizeof slot->container_id, "%s", container->id);
	worker_slot_keep_log_path(slot, container);
	worker_slot_touch(slot);
	switch (container->status) {
	case ENGINE_CREATED: /* if it ran, the engine has forgotten that: it was no success */
		if (slot->state <= WORKER_SLOT_STARTING)
			(void)worker_slot_step(slot, WORKER_SLOT_EV_MADE);
		else if (slot->state < WORKER_SLOT_ENDED)
			worker_slot_over(slot, container->exit_code != 0 ? container->exit_code
									 : WORKER_EXIT_KILLED);
		break;
	case ENGINE_RUNNING:
	case ENGINE_PAUSED:
	case ENGINE_RESTARTING:
		observe_running(slot, container);
		break;
	case ENGINE_EXITED:
	case ENGINE_DEAD:
		observe_ended(slot, container);
		break;
	}
}
