#include "tests/sim/strangers.h"

#include <errno.h>
#include <stdio.h>

#include <utlist.h>

#include "common/base/mem.h"
#include "services/worker/core.h"
#include "tests/sim/conduct.h"
#include "tests/sim/faults.h"
#include "tests/sim/host.h"
#include "tests/sim/users.h"
#include "tests/sim/witness.h"

enum {
	MEDDLE_MS = 90, /* between two looks of one who starts things, … */
	CLEAR_MAX = 25,
	ROB_MS_MAX = 500, /* from a start until what it started is removed */
	MEDDLE_MAX = 60,  /* … who loses interest after so many */
};

/* ---- containers ---- */

struct choice {
	struct sim *sim;
	unsigned n;
	char id[ENGINE_ID_MAX + 1];
	struct id task;
	enum engine_container_status status;
};

static void
choose(const struct engine_mem_view *view, void *arg)
{
	struct choice *choice = arg;
	const char *task = engine_mem_label(view, "davit.task");

	if (view->status == ENGINE_PAUSED)
		return;
	/* Of those that have not run yet there are few at any moment. */
	choice->n += view->status == ENGINE_CREATED ? 8 : 1;
	if (dice_roll(&choice->sim->fault_dice, choice->n) >=
		(view->status == ENGINE_CREATED ? 8 : 1))
		return;
	(void)snprintf(choice->id, sizeof choice->id, "%s", view->id);
	choice->status = view->status;
	if (task == NULL || !id_parse(task, &choice->task))
		choice->task = (struct id){0};
}

/* Whoever makes it again meets another failure. */
static void
spoil_next(struct sim *sim, struct host_worker *host)
{
	static const struct {
		enum engine_call_kind kind;
		int code;
		const char *words;
	} failures[] = {
		{ENGINE_CALL_CREATE, -EINVAL, "invalid reference format"},
		{ENGINE_CALL_CREATE, -ENOSPC, "no space left on device"},
		{ENGINE_CALL_CREATE, -ENOENT, "No such image: demo"},
		{ENGINE_CALL_PULL, -EACCES, "pull access denied"},
		{ENGINE_CALL_IMAGE_INSPECT, -EIO, "an error of the engine"},
		{ENGINE_CALL_NETWORK_CONNECT, -EINVAL, "invalid endpoint settings"},
		{ENGINE_CALL_START, -EINVAL, "failed to create task"},
		{ENGINE_CALL_START, -EIO, "an error of the engine"},
	};
	size_t i = dice_roll(&sim->fault_dice, sizeof failures / sizeof failures[0]);

	sim_count(sim, SIM_ENGINE_FAILED);
	engine_mem_fail_next(host->world, failures[i].kind, failures[i].code, failures[i].words);
}

void
strangers_end_container(struct sim *sim)
{
	struct host_worker *host = faults_pick_machine(sim);
	struct choice choice = {.sim = sim};

	engine_mem_each(host->world, choose, &choice);
	if (choice.n == 0)
		return;
	sim_trace(sim, host->proc, "a container ends by a stranger's hand");
	conduct_stranger(sim, choice.task);
	if (dice_chance(&sim->fault_dice, 400))
		spoil_next(sim, host);
	if (choice.status == ENGINE_RUNNING && dice_chance(&sim->fault_dice, 500)) {
		sim_count(sim, SIM_CONTAINER_ENDED);
		(void)engine_mem_end(host->world, choice.id, 137,
			dice_chance(&sim->fault_dice, 300));
	} else if (dice_chance(&sim->fault_dice, 500)) {
		sim_count(sim, SIM_CONTAINER_GONE);
		(void)engine_mem_destroy(host->world, choice.id);
	} else {
		sim_count(sim, SIM_CONTAINER_LOST);
		(void)engine_mem_forget(host->world, choice.id);
	}
	host_worker_poke(sim, host->index);
}

/* ---- who starts or removes what waits ---- */

struct meddler {
	struct host_worker *host;
	unsigned n_left;
	bool removes;               /* what has not run yet, instead of starting it */
	char id[ENGINE_ID_MAX + 1]; /* of what is touched now */
	struct id task;
};

/*
 * Only what has its place there, and, to be started, may start more than once: else it is a crime
 * of theirs. What is to go anyway may be removed by them, too.
 */
static void
find_idle(const struct engine_mem_view *view, void *arg)
{
	struct meddler *meddler = arg;
	struct sim *sim = meddler->host->sim;
	const struct seen *seen;
	struct id task;
	uint32_t attempt;

	if ((view->status != ENGINE_CREATED &&
		    (view->status != ENGINE_EXITED || meddler->removes)) ||
		!witness_read_labels(view, &task, &attempt))
		return;
	seen = witness_see(sim->witness, task);
	if (seen->attempt != attempt || seen->on != meddler->host->index)
		return;
	if (!meddler->removes &&
		(seen->is_one_shot || seen->is_final || seen->desired > DAVIT__TASK__DESIRED__RUN))
		return;
	(void)snprintf(meddler->id, sizeof meddler->id, "%s", view->id);
	meddler->task = task;
}

static bool
on_meddle(struct sim *sim, void *arg)
{
	struct meddler *meddler = arg;
	struct host_worker *host = meddler->host;

	if (sim->is_ending || !sim->faults_on || meddler->n_left-- == 0) {
		free(meddler);
		return false;
	}
	sim_at(sim, sim->now_ms + MEDDLE_MS, on_meddle, meddler);
	meddler->id[0] = '\0';
	engine_mem_tell_time(host->world, sim->now_ms);
	engine_mem_each(host->world, find_idle, meddler);
	if (meddler->id[0] == '\0')
		return false;
	if (meddler->removes) {
		sim_trace(sim, host->proc, "a stranger removes what has not run yet");
		sim_count(sim, SIM_CONTAINER_GONE);
		conduct_stranger(sim, meddler->task);
		(void)engine_mem_destroy(host->world, meddler->id);
	} else {
		sim_trace(sim, host->proc, "a stranger starts a container");
		sim_count(sim, SIM_CONTAINER_BEGUN);
		conduct_meddled(sim, meddler->task);
		(void)engine_mem_begin(host->world, meddler->id);
	}
	host_worker_poke(sim, host->index);
	return true;
}

void
strangers_meddle(struct sim *sim)
{
	struct meddler *meddler = xcalloc(1, sizeof *meddler);

	meddler->host = faults_pick_machine(sim);
	meddler->n_left = 1 + (unsigned)dice_roll(&sim->fault_dice, MEDDLE_MAX);
	if (dice_chance(&sim->fault_dice, 700)) /* its worker will not know that it was made */
		engine_mem_lose_next(meddler->host->world, ENGINE_CALL_CREATE);
	sim_at(sim, sim->now_ms, on_meddle, meddler);
}

void
strangers_clear(struct sim *sim, struct host_worker *host)
{
	struct meddler *meddler = xcalloc(1, sizeof *meddler);

	conduct_worker_troubled(sim, host->index, 0);
	meddler->host = host;
	meddler->removes = true;
	meddler->n_left = 1 + (unsigned)dice_roll(&sim->fault_dice, CLEAR_MAX);
	sim_at(sim, sim->now_ms, on_meddle, meddler);
}

void
strangers_take(struct sim *sim, struct host_worker *host)
{
	const struct worker_slot *slot;

	if (host->core == NULL)
		return;
	DL_FOREACH (host->core->slots, slot) {
		if (slot->state != WORKER_SLOT_CREATED || slot->container_id[0] == '\0')
			continue;
		sim_trace(sim, host->proc, "a stranger removes what its user wants no more");
		sim_count(sim, SIM_CONTAINER_GONE);
		conduct_stranger(sim, slot->task);
		(void)engine_mem_destroy(host->world, slot->container_id);
		users_remove(sim, slot->task);
		return;
	}
}

struct robber {
	struct host_worker *host;
	char id[ENGINE_ID_MAX + 1];
};

static bool
on_rob(struct sim *sim, void *arg)
{
	struct robber *robber = arg;
	struct host_worker *host = robber->host;

	if (!sim->is_ending && sim->faults_on) {
		sim_trace(sim, host->proc, "a stranger removes what was just started");
		sim_count(sim, SIM_CONTAINER_GONE);
		engine_mem_advance(host->world, sim->now_ms);
		(void)engine_mem_destroy(host->world, robber->id);
		host_worker_poke(sim, host->index);
	}
	free(robber);
	return true;
}

void
strangers_rob(struct sim *sim, struct host_worker *host, struct id task, const char *id)
{
	struct robber *robber = xcalloc(1, sizeof *robber);

	robber->host = host;
	(void)snprintf(robber->id, sizeof robber->id, "%s", id);
	conduct_stranger(sim, task);
	sim_at(sim, sim->now_ms + 1 + dice_roll(&sim->fault_dice, ROB_MS_MAX), on_rob, robber);
}

/* ---- requests ---- */

void
strangers_lose_answer(struct sim *sim)
{
	static const enum engine_call_kind often[] = {ENGINE_CALL_CREATE, ENGINE_CALL_START,
		ENGINE_CALL_STOP, ENGINE_CALL_REMOVE, ENGINE_CALL_INSPECT, ENGINE_CALL_LIST,
		ENGINE_CALL_PAUSE, ENGINE_CALL_UNPAUSE, ENGINE_CALL_NETWORK_CONNECT,
		ENGINE_CALL_NETWORK_CREATE, ENGINE_CALL_PULL, ENGINE_CALL_IMAGE_INSPECT,
		ENGINE_CALL_EVENTS, ENGINE_CALL_ABOUT, ENGINE_CALL_KILL};
	struct host_worker *host = faults_pick_machine(sim);
	enum engine_call_kind kind =
		often[dice_roll(&sim->fault_dice, sizeof often / sizeof often[0])];

	if (dice_chance(&sim->fault_dice, 400)) {
		sim_count(sim, SIM_ENGINE_SILENT);
		engine_mem_lose_next(host->world, kind);
	} else if (dice_chance(&sim->fault_dice, 500)) {
		sim_count(sim, SIM_ENGINE_FAILED);
		engine_mem_fail_next(host->world, kind, -EIO, "an error of the engine");
	} else {
		spoil_next(sim, host);
	}
}

void
strangers_hold_port(struct sim *sim)
{
	struct host_worker *host = faults_pick_machine(sim);
	unsigned port = dice_chance(&sim->fault_dice, 300)
				? 8080
				: 30000 + (unsigned)dice_roll(&sim->fault_dice, 20);
	bool is_held = dice_chance(&sim->fault_dice, 500);

	if (is_held)
		sim_count(sim, SIM_PORT_HELD);
	engine_mem_hold_port(host->world, "tcp", port, is_held);
}
