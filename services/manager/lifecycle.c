#include "services/manager/lifecycle.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "common/base/mem.h"
#include "common/model/spec.h"
#include "services/manager/arrays.h"
#include "services/manager/assignments.h"
#include "services/manager/core.h"
#include "services/manager/ended.h"
#include "services/manager/holds.h"
#include "services/manager/limits.h"
#include "services/manager/records.h"
#include "services/manager/task_calls.h"

static void
forget(struct manager *manager, struct task *task)
{
	struct group *group = task->group;
	bool is_last = group->n_left == 1, spec_gone;

	assert(!task->on_node && !task->holds);
	events_task(manager, task, "removed");
	task_waits_end(manager, task);
	assignments_forget(task);
	batch_forget_task(manager, task);
	if (is_last)
		records_delete_group(manager, group, group->spec->n_groups == 1);
	else
		records_delete_task(manager, task);
	(void)model_task_remove(&manager->model, task, &spec_gone);
}

static void
say(struct task *task, Davit__Task__Phase phase, const char *message)
{
	task->phase = phase;
	model_set_text(&task->message, message);
}

static void
enter_pending(struct manager *manager, struct task *task)
{
	task->avoid = task->node;
	task->node = NULL;
	task->observed = 0;
	task->retry_when_gone = false;
	free(task->host_ports);
	task->host_ports = NULL;
	model_set_text(&task->container_id, NULL);
	waiting_add(manager, task);
}

static void
enter_final(struct manager *manager, struct task *task)
{
	const Davit__TaskSpec *spec = task->group->spec->spec;

	if (task->finished_ms == 0)
		task->finished_ms = manager->now.wall_ms;
	task->retry_when_gone = false;
	model_task_set_due(&manager->model, task,
		spec->auto_remove ? task->finished_ms + MANAGER_AUTO_REMOVE_MS : 0);
	ended_enter(manager, task);
}

/* Asks the table; on 0 the task has moved and everything that follows from the state is done. */
static int
raise(struct manager *manager, struct task *task, enum task_event event, struct err *err)
{
	unsigned to, from = task->state;
	int rc = fsm_next(&task_fsm, task->state, event, &to, err);

	if (rc < 0 || to == task->state)
		return rc;
	if (task->state == TASK_PENDING) {
		claims_release(manager, task);
		waiting_leave(manager, task);
	}
	model_task_set_state(&manager->model, task, (enum task_state)to);
	if (to == TASK_PENDING)
		enter_pending(manager, task);
	else if (task_state_is_final(task->state))
		enter_final(manager, task);
	flow_moved(&manager->flow, task, from, manager->now.wall_ms);
	batch_touch_task(manager, task);
	events_task(manager, task, NULL);
	return 0;
}

/* For what the code has just made sure of. */
static void
must_raise(struct manager *manager, struct task *task, enum task_event event)
{
	struct err err;
	int rc = raise(manager, task, event, &err);

	assert(rc == 0);
	(void)rc;
}

struct group *
lifecycle_submit(struct manager *manager, struct id id, struct spec *spec, uint32_t count,
	const char *name)
{
	struct model *model = &manager->model;
	struct group *group = model_group_add(model, id, spec, count, name);

	group->seq = model->next_seq++;
	group->created_ms = manager->now.wall_ms;
	manager->flow.submitted += count;
	arrays_begin(manager, group);
	return group;
}

/* A new task in the place of one that has ended, with its name and spec. */
static void
replace(struct manager *manager, struct task *old)
{
	char name[256];
	struct group *group;
	struct task *new;

	model_task_name(old, name, sizeof name);
	group = lifecycle_submit(manager, manager_new_id(manager, 0), old->group->spec, 1, name);
	group->replaces = old->id;
	records_put_group(manager, group);
	old->replaced_by = group->id;
	old->replace_when_ended = false;
	new = model_task_find(&manager->model, group->id);
	new->avoid = old->node;
	if (old->desired > DAVIT__TASK__DESIRED__READY)
		new->desired = DAVIT__TASK__DESIRED__RUN;
	if (old->group->spec->spec->hold) /* its group does not say that it was started */
		batch_touch_task(manager, new);
	batch_touch_task(manager, old);
}

/* It has its share of the node; the rest follows. */
static void
settle_on_node(struct manager *manager, struct task *task)
{
	struct node *node = task->node;

	waiting_placed(manager, task);
	model_task_enter_node(task, node);
	task->attempt++;
	task->due_ms = 0; /* from here on the worker minds the ttl */
	task->scheduled_ms = manager->now.wall_ms;
	say(task, DAVIT__TASK__PHASE__ASSIGNED, NULL);
	must_raise(manager, task, TASK_EV_PLACED);
	assignments_changed(manager, task);
	families_take(manager, task);
	telling_node_changed(manager, node);
}

int
lifecycle_place(struct manager *manager, struct task *task, struct node *node, struct err *err)
{
	return lifecycle_place_all(manager, &task, &node, 1, err);
}

static void
give_back(struct task *task)
{
	holds_give(task);
	task->node = NULL;
	free(task->host_ports);
	task->host_ports = NULL;
}

int
lifecycle_place_all(struct manager *manager, struct task *const *tasks, struct node *const *nodes,
	size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		int rc = tasks[i]->state == TASK_PENDING && !tasks[i]->holds
				 ? holds_take(tasks[i], nodes[i], err)
				 : err_set(err, -ESTALE, "it is not pending any more");

		if (rc == 0)
			continue;
		while (i-- > 0)
			give_back(tasks[i]);
		return rc;
	}
	for (size_t i = 0; i < n; i++)
		settle_on_node(manager, tasks[i]);
	return 0;
}

void
lifecycle_say(struct manager *manager, struct task *task, const char *message)
{
	if (task->message != NULL && strcmp(task->message, message) == 0)
		return;
	say(task, DAVIT__TASK__PHASE__QUEUED, message);
	batch_touch_task(manager, task);
}

static void
release(struct manager *manager, struct task *task)
{
	struct node *node = task->node;

	if (!task->holds)
		return;
	families_give(manager, task);
	holds_give(task);
	batch_touch_task(manager, task);
	telling_node_changed(manager, node);
	waiting_released(manager, task, node);
}

/* The node has nothing of this attempt any more. */
static void
leave_node(struct manager *manager, struct task *task)
{
	release(manager, task);
	if (!task->on_node)
		return;
	assignments_dropped(manager, task);
	model_task_leave_node(task);
	ended_left_node(manager, task);
	batch_touch_task(manager, task);
}

static void
replace_if_due(struct manager *manager, struct task *task)
{
	if (task->replace_when_ended && task_state_is_final(task->state))
		replace(manager, task);
}

/* ---- what a worker saw ---- */

typedef void observe_fn(struct manager *manager, struct task *task,
	const Davit__TaskReport *report);

static void
take_course(struct task *task, const Davit__TaskReport *report)
{
	if (report->has_phase)
		task->phase = report->phase;
	else if (report->observed == DAVIT__TASK_REPORT__OBSERVED__RUNNING)
		task->phase = DAVIT__TASK__PHASE__STARTED;
	if (!task->is_preempted) /* why it ends is known already */
		model_set_text(&task->message, report->message);
	if (report->container_id != NULL)
		model_set_text(&task->container_id, report->container_id);
	if (report->restart_count > task->restart_count) /* less: a new worker has not heard yet */
		task->restart_count = report->restart_count;
	model_task_set_pull(task, report->pull);
	if (report->has_started_ms && report->started_ms > 0 && task->started_ms == 0)
		task->started_ms = report->started_ms;
}

static void
observe_preparing(struct manager *manager, struct task *task, const Davit__TaskReport *report)
{
	if (task->state != TASK_SCHEDULED)
		return;
	take_course(task, report);
	batch_touch_task(manager, task);
}

static void
observe_running(struct manager *manager, struct task *task, const Davit__TaskReport *report)
{
	if (task_state_is_final(task->state))
		return; /* given up or replaced: its assignment says stop already */
	take_course(task, report);
	if (task->started_ms == 0)
		task->started_ms = manager->now.wall_ms;
	if (task->desired >= DAVIT__TASK__DESIRED__STOP)
		task->phase = DAVIT__TASK__PHASE__STOPPING;
	must_raise(manager, task, TASK_EV_STARTED);
	batch_touch_task(manager, task);
}

static bool
ended_as_wished(const struct task *task, const Davit__TaskReport *report)
{
	switch (report->has_cause ? report->cause : DAVIT__TASK_REPORT__CAUSE__EXIT) {
	case DAVIT__TASK_REPORT__CAUSE__EXIT:
		return report->has_exit_code && report->exit_code == 0;
	case DAVIT__TASK_REPORT__CAUSE__STOP:
		return task->desired >= DAVIT__TASK__DESIRED__STOP && !task->is_preempted;
	case DAVIT__TASK_REPORT__CAUSE__TTL:
		return true;
	default:
		return false;
	}
}

static void
observe_ended(struct manager *manager, struct task *task, const Davit__TaskReport *report)
{
	bool as_wished = ended_as_wished(task, report);

	release(manager, task);
	if (task_state_is_final(task->state))
		return;
	take_course(task, report);
	if (task->state == TASK_SCHEDULED && report->has_started_ms && report->started_ms > 0)
		must_raise(manager, task, TASK_EV_STARTED); /* it ran between two reports */
	task->has_exit_code = report->has_exit_code;
	task->exit_code = report->exit_code;
	task->oom_killed = report->oom_killed;
	task->finished_ms = report->has_finished_ms ? report->finished_ms : 0;
	task->phase = (as_wished || task->is_preempted) &&
				      report->cause == DAVIT__TASK_REPORT__CAUSE__STOP
			      ? DAVIT__TASK__PHASE__STOPPED
			      : DAVIT__TASK__PHASE__EXITED;
	must_raise(manager, task, as_wished ? TASK_EV_SUCCEEDED : TASK_EV_BROKE);
	assignments_changed(manager, task);
	replace_if_due(manager, task);
}

/* A stranger holds the port: mark it, and place the task anew once its node is clean. */
static bool
retry_on_busy_port(struct manager *manager, struct task *task, const Davit__TaskReport *report)
{
	if (!report->has_busy_port || report->busy_port == 0 || report->busy_port > UINT16_MAX)
		return false;
	holds_mark_stranger(task, (uint16_t)report->busy_port,
		manager->now.mono_ms + MANAGER_STRANGER_MS);
	telling_node_changed(manager, task->node);
	return task->attempt < MANAGER_PORT_RETRIES_MAX &&
	       task->desired < DAVIT__TASK__DESIRED__STOP;
}

static void
observe_rejected(struct manager *manager, struct task *task, const Davit__TaskReport *report)
{
	if (task_state_is_final(task->state)) {
		release(manager, task);
		return;
	}
	take_course(task, report);
	/* One that was RUNNING was restarting, and its worker has forgotten that: it ends, too. */
	if (task->state == TASK_SCHEDULED && retry_on_busy_port(manager, task, report)) {
		task->retry_when_gone = true;
		batch_touch_task(manager, task);
	} else {
		release(manager, task);
		task->phase = DAVIT__TASK__PHASE__REJECTED;
		must_raise(manager, task, TASK_EV_BROKE);
		replace_if_due(manager, task);
	}
	assignments_changed(manager, task);
}

/* Nothing was started and nothing is left. */
static void
settle_unstarted(struct manager *manager, struct task *task)
{
	if (task->desired >= DAVIT__TASK__DESIRED__STOP || task->replace_when_ended) {
		say(task, DAVIT__TASK__PHASE__CANCELLED,
			task->is_preempted ? task->message : "stopped before it was started");
		must_raise(manager, task, TASK_EV_STOPPED);
		replace_if_due(manager, task);
		return;
	}
	task->phase = DAVIT__TASK__PHASE__QUEUED;
	must_raise(manager, task, TASK_EV_RETURNED);
	lifecycle_mind_ttl(manager, task); /* its worker did until now */
}

static void
observe_returned(struct manager *manager, struct task *task, const Davit__TaskReport *report)
{
	if (task->state == TASK_RUNNING)
		return; /* it did start: a worker that says so is confused */
	if (task->state == TASK_SCHEDULED) {
		model_set_text(&task->message, report->message);
		(void)retry_on_busy_port(manager, task, report);
	}
	leave_node(manager, task);
	if (task->state == TASK_SCHEDULED)
		settle_unstarted(manager, task);
}

static void
observe_gone(struct manager *manager, struct task *task, const Davit__TaskReport *report)
{
	bool as_wished = task->desired >= DAVIT__TASK__DESIRED__STOP;

	/* Its end and its removal may come as one report. */
	if (report->has_exit_code)
		observe_ended(manager, task, report);
	leave_node(manager, task);
	if (task_state_is_final(task->state))
		return;
	if (task->state == TASK_SCHEDULED && (task->retry_when_gone || as_wished)) {
		settle_unstarted(manager, task);
		return;
	}
	take_course(task, report);
	task->phase = as_wished ? DAVIT__TASK__PHASE__STOPPED : DAVIT__TASK__PHASE__LOST;
	if (!as_wished && task->message == NULL)
		model_set_text(&task->message,
			"its container was removed by something other than Davit");
	must_raise(manager, task,
		as_wished && !task->is_preempted ? TASK_EV_SUCCEEDED : TASK_EV_BROKE);
	replace_if_due(manager, task);
}

/* What is behind the greatest that this attempt has reported is late, and dropped. */
static bool
is_late(const struct task *task, const Davit__TaskReport *report)
{
	return report->observed < task->observed;
}

void
lifecycle_report(struct manager *manager, struct node *node, const Davit__TaskReport *report)
{
	static observe_fn *const observe[] = {
		[DAVIT__TASK_REPORT__OBSERVED__PREPARING] = observe_preparing,
		[DAVIT__TASK_REPORT__OBSERVED__RUNNING] = observe_running,
		[DAVIT__TASK_REPORT__OBSERVED__ENDED] = observe_ended,
		[DAVIT__TASK_REPORT__OBSERVED__REJECTED] = observe_rejected,
		[DAVIT__TASK_REPORT__OBSERVED__RETURNED] = observe_returned,
		[DAVIT__TASK_REPORT__OBSERVED__GONE] = observe_gone,
	};
	struct task *task = NULL;
	struct id id;

	if (report->observed <= 0 || (size_t)report->observed >= sizeof observe / sizeof observe[0])
		return;
	if (id_parse(report->task_id, &id))
		task = model_task_find(&manager->model, id);
	if (task == NULL || !task->on_node || task->node != node ||
		task->attempt != report->attempt) {
		assignments_unknown(manager, node, report);
		return;
	}
	if (is_late(task, report))
		return;
	if (report->observed > task->observed) {
		task->observed = (uint8_t)report->observed; /* recorded even if nothing follows */
		batch_touch_task(manager, task);
	}
	observe[report->observed](manager, task, report);
	if (!task->on_node && task->desired == DAVIT__TASK__DESIRED__REMOVE)
		forget(manager, task);
}

/* ---- what is wanted ---- */

static void
stop_with(struct manager *manager, struct task *task, Davit__Task__Desired desired,
	const char *message)
{
	if (task->desired < desired)
		task->desired = desired;
	batch_touch_task(manager, task);
	if (task->state == TASK_PENDING) {
		say(task, DAVIT__TASK__PHASE__CANCELLED, "stopped before it was placed");
		must_raise(manager, task, TASK_EV_STOPPED);
	} else if (!task_state_is_final(task->state) &&
		   task->phase != DAVIT__TASK__PHASE__UNREACHABLE) {
		say(task, DAVIT__TASK__PHASE__STOPPING, message);
	}
	if (task->on_node)
		assignments_changed(manager, task);
}

void
lifecycle_stop(struct manager *manager, struct task *task, bool has_timeout, uint64_t timeout_ms)
{
	if (task_state_is_final(task->state))
		return;
	task->replace_when_ended = false;
	if (has_timeout) {
		task->has_stop_timeout = true;
		task->stop_timeout_ms = timeout_ms;
	}
	stop_with(manager, task, DAVIT__TASK__DESIRED__STOP, "a user asked it to stop");
}

void
lifecycle_remove(struct manager *manager, struct task *task)
{
	task->replace_when_ended = false;
	if (!task_state_is_final(task->state)) {
		task->has_stop_timeout = true;
		task->stop_timeout_ms = 0;
	}
	stop_with(manager, task, DAVIT__TASK__DESIRED__REMOVE, "a user asked to remove it");
	if (task_state_is_final(task->state))
		model_queue_leave(task);
	if (!task->on_node)
		forget(manager, task);
}

void
lifecycle_lose(struct manager *manager, struct task *task, bool replace_it, const char *message)
{
	bool wanted = task->desired < DAVIT__TASK__DESIRED__STOP;

	say(task, DAVIT__TASK__PHASE__LOST, message);
	must_raise(manager, task, TASK_EV_LOST);
	if (task->observed >= DAVIT__TASK_REPORT__OBSERVED__ENDED)
		release(manager, task); /* rejected, and to be tried again: nothing of it runs */
	assignments_changed(manager, task);
	if ((replace_it && wanted) || task->replace_when_ended)
		replace(manager, task);
}

void
lifecycle_migrate(struct manager *manager, struct task *task, const char *message)
{
	if (task_state_is_final(task->state) || task->replace_when_ended ||
		task->desired >= DAVIT__TASK__DESIRED__STOP)
		return;
	task->replace_when_ended = true;
	stop_with(manager, task, DAVIT__TASK__DESIRED__STOP, message);
}

void
lifecycle_preempt(struct manager *manager, struct task *task, const char *by)
{
	char text[512];

	if (task_state_is_final(task->state) || task->desired >= DAVIT__TASK__DESIRED__STOP)
		return;
	task->is_preempted = true;
	/* One that was not started yet loses nothing by it. */
	task->replace_when_ended = spec_restart_condition(task->group->spec->spec) !=
					   DAVIT__RESTART_POLICY__CONDITION__NO ||
				   (task->state == TASK_SCHEDULED && task->observed == 0);
	(void)snprintf(text, sizeof text, "preempted by '%s'", by);
	stop_with(manager, task, DAVIT__TASK__DESIRED__STOP, text);
	model_set_text(&task->message, text);
}

void
lifecycle_unreachable(struct manager *manager, struct task *task, bool is_unreachable)
{
	if (task_state_is_final(task->state) || task->state == TASK_PENDING)
		return;
	if (is_unreachable)
		say(task, DAVIT__TASK__PHASE__UNREACHABLE,
			"its node is silent; nobody knows how it is");
	else if (task->phase == DAVIT__TASK__PHASE__UNREACHABLE)
		say(task,
			task->desired >= DAVIT__TASK__DESIRED__STOP ? DAVIT__TASK__PHASE__STOPPING
			: task->state == TASK_RUNNING               ? DAVIT__TASK__PHASE__STARTED
								    : DAVIT__TASK__PHASE__ASSIGNED,
			NULL);
	else
		return;
	batch_touch_task(manager, task);
}

void
lifecycle_forget_node(struct manager *manager, struct task *task)
{
	assignments_forget(task);
	if (task->holds) {
		families_give(manager, task);
		holds_give(task);
	}
	if (task->on_node)
		model_task_leave_node(task);
	ended_left_node(manager, task);
	batch_touch_task(manager, task);
	if (task->desired == DAVIT__TASK__DESIRED__REMOVE && task_state_is_final(task->state))
		forget(manager, task);
}

Davit__Task__Desired
lifecycle_assigned_desire(const struct task *task)
{
	if (task->desired == DAVIT__TASK__DESIRED__REMOVE || task->retry_when_gone ||
		task->is_retired)
		return DAVIT__TASK__DESIRED__REMOVE;
	if (task_state_is_final(task->state))
		return DAVIT__TASK__DESIRED__STOP;
	return task->desired;
}

void
lifecycle_abandon(struct manager *manager, struct task *task, const char *message)
{
	say(task, DAVIT__TASK__PHASE__CANCELLED, message);
	must_raise(manager, task, TASK_EV_ABANDONED);
}
