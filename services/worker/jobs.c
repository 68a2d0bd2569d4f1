/* Operations under way, and lanes; tested by tests/unit/test_worker_lanes.c. */
#include "services/worker/core.h"

#include "common/base/mem.h"

struct worker_job *
worker_job_new(struct worker_job **place, void *owner)
{
	struct worker_job *job = xcalloc(1, sizeof *job);

	job->owner = owner;
	job->place = place;
	*place = job;
	return job;
}

void *
worker_job_end(void *arg)
{
	struct worker_job *job = arg;
	void *owner = job->owner;

	if (owner != NULL)
		*job->place = NULL;
	free(job);
	return owner;
}

void *
worker_job_owner(void *arg)
{
	return ((struct worker_job *)arg)->owner;
}

void
worker_job_abandon(struct worker_job **place)
{
	struct worker_job *job = *place;

	if (job == NULL)
		return;
	*place = NULL;
	job->owner = NULL;
	if (job->op != NULL) /* a probe is no operation of the engine: it ends by itself */
		engine_cancel(job->op);
}

static uint32_t
priority_of(const struct worker_pass *pass)
{
	const struct worker_spec *spec = pass->slot->spec;

	return spec != NULL && spec->spec->has_priority ? spec->spec->priority : 50;
}

/* From the back: nearly always everybody has the same priority, and the place is the last. */
static void
wait_in_line(struct worker_lane *lane, struct worker_pass *pass)
{
	struct worker_pass *before = lane->waiting == NULL ? NULL : lane->waiting->prev;

	pass->state = WORKER_PASS_WAITING;
	pass->lane = lane;
	pass->number = lane->n_numbers++;
	while (before != NULL && priority_of(before) < priority_of(pass))
		before = before == lane->waiting ? NULL : before->prev;
	if (before == NULL)
		DL_PREPEND(lane->waiting, pass);
	else
		DL_APPEND_ELEM(lane->waiting, before, pass);
}

bool
worker_lane_enter(struct worker_lane *lane, struct worker_pass *pass)
{
	if (pass->state != WORKER_PASS_NONE && pass->lane != lane)
		worker_lane_leave(pass);
	if (pass->state == WORKER_PASS_NONE && lane->n_held < lane->limit &&
		lane->waiting == NULL) {
		pass->state = WORKER_PASS_HELD;
		pass->lane = lane;
		lane->n_held++;
	} else if (pass->state == WORKER_PASS_NONE) {
		wait_in_line(lane, pass);
	}
	return pass->state == WORKER_PASS_HELD;
}

/* The first in line; now and then who has waited longest. */
static struct worker_pass *
next_in(struct worker_lane *lane)
{
	struct worker_pass *oldest = lane->waiting, *pass;

	/* Within a priority the first is the oldest: nearly always there is but one priority. */
	if (++lane->n_turns < WORKER_LANE_TURNS ||
		priority_of(lane->waiting) == priority_of(lane->waiting->prev))
		return lane->waiting;
	lane->n_turns = 0;
	DL_FOREACH (lane->waiting, pass) {
		if (pass->number < oldest->number)
			oldest = pass;
	}
	return oldest;
}

static void
let_in(struct worker_lane *lane)
{
	while (lane->waiting != NULL && lane->n_held < lane->limit) {
		struct worker_pass *next = next_in(lane);

		DL_DELETE(lane->waiting, next);
		next->state = WORKER_PASS_HELD;
		lane->n_held++;
		worker_slot_touch(next->slot);
	}
}

void
worker_lane_widen(struct worker_lane *lane, unsigned limit)
{
	lane->limit = limit;
	let_in(lane);
}

void
worker_lane_leave(struct worker_pass *pass)
{
	struct worker_lane *lane = pass->lane;
	enum worker_pass_state was = pass->state;

	pass->state = WORKER_PASS_NONE;
	pass->lane = NULL;
	if (was == WORKER_PASS_WAITING)
		DL_DELETE(lane->waiting, pass);
	if (was != WORKER_PASS_HELD)
		return;
	lane->n_held--;
	lane->n_ended++;
	let_in(lane);
}
