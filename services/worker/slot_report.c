/* What a report says of an attempt; tested by tests/unit/test_worker_slots.c. */
#include "services/worker/core.h"

static Davit__Task__Phase
phase_of(const struct worker_slot *slot)
{
	switch (slot->state) {
	case WORKER_SLOT_PULLING:
		return DAVIT__TASK__PHASE__PULLING;
	case WORKER_SLOT_ACCEPTED:
	case WORKER_SLOT_CREATING:
	case WORKER_SLOT_CREATED:
		if (slot->state == WORKER_SLOT_CREATED &&
			worker_slot_want(slot) == WORKER_WANT_READY)
			return DAVIT__TASK__PHASE__CREATED;
		return slot->is_remade ? DAVIT__TASK__PHASE__RESTARTING
				       : DAVIT__TASK__PHASE__CREATING;
	case WORKER_SLOT_STARTING:
		return slot->observed >= DAVIT__TASK_REPORT__OBSERVED__RUNNING
			       ? DAVIT__TASK__PHASE__RESTARTING
			       : DAVIT__TASK__PHASE__STARTING;
	case WORKER_SLOT_RUNNING:
		if (slot->is_paused)
			return DAVIT__TASK__PHASE__PAUSED;
		return slot->health != DAVIT__TASK__PHASE__PHASE_NONE ? slot->health
								      : DAVIT__TASK__PHASE__STARTED;
	case WORKER_SLOT_RESTARTING:
		return DAVIT__TASK__PHASE__RESTARTING;
	case WORKER_SLOT_STOPPING:
		return DAVIT__TASK__PHASE__STOPPING;
	case WORKER_SLOT_REJECTED:
		return DAVIT__TASK__PHASE__REJECTED;
	case WORKER_SLOT_REMOVING:
		return DAVIT__TASK__PHASE__REMOVING;
	default:
		return slot->cause == DAVIT__TASK_REPORT__CAUSE__EXIT ? DAVIT__TASK__PHASE__EXITED
								      : DAVIT__TASK__PHASE__STOPPED;
	}
}

/* That it is gone is said only after how it ended was heard: GONE says nothing of that. */
static Davit__TaskReport__Observed
observed_to_tell(const struct worker_slot *slot)
{
	bool was_running = slot->has_exit_code || slot->started_ms != 0 || slot->finished_ms != 0;

	if (slot->observed == DAVIT__TASK_REPORT__OBSERVED__GONE && was_running &&
		slot->told < DAVIT__TASK_REPORT__OBSERVED__ENDED)
		return DAVIT__TASK_REPORT__OBSERVED__ENDED;
	return slot->observed;
}

static void
fill_pull(const struct worker_slot *slot, struct worker_report *ret_report)
{
	const struct worker_image *image = slot->image;
	Davit__PullProgress *pull = &ret_report->pull;

	if (image == NULL || image->state != WORKER_IMAGE_PULLING || image->progress.n_layers == 0)
		return;
	davit__pull_progress__init(pull);
	pull->has_n_layers = pull->has_n_layers_done = true;
	pull->has_bytes = pull->has_bytes_total = true;
	pull->n_layers = image->progress.n_layers;
	pull->n_layers_done = image->progress.n_layers_done;
	pull->bytes = image->progress.bytes;
	pull->bytes_total = image->progress.bytes_total;
	ret_report->report.pull = pull;
}

void
worker_slot_report(const struct worker_slot *slot, struct worker_report *ret_report)
{
	Davit__TaskReport *report = &ret_report->report;

	davit__task_report__init(report);
	id_format(slot->task, ret_report->task_id);
	report->task_id = ret_report->task_id;
	report->attempt = slot->attempt;
	report->observed = observed_to_tell(slot);
	report->has_phase = slot->observed != DAVIT__TASK_REPORT__OBSERVED__RETURNED;
	report->phase = phase_of(slot);
	report->message = slot->message;
	if (worker_slot_has_container(slot))
		report->container_id = (char *)slot->container_id;
	report->has_exit_code = slot->has_exit_code;
	report->exit_code = slot->exit_code;
	report->has_oom_killed = slot->oom_killed;
	report->oom_killed = slot->oom_killed;
	report->has_restart_count = slot->restart_count > 0;
	report->restart_count = slot->restart_count;
	report->has_started_ms = slot->started_ms > 0;
	report->started_ms = slot->started_ms;
	report->has_finished_ms = slot->finished_ms > 0 && slot->state >= WORKER_SLOT_ENDED;
	report->finished_ms = slot->finished_ms;
	report->has_busy_port = slot->busy_port > 0;
	report->busy_port = slot->busy_port;
	fill_pull(slot, ret_report);
	report->has_cause = slot->observed >= DAVIT__TASK_REPORT__OBSERVED__ENDED;
	report->cause = slot->cause;
}
