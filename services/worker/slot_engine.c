/*
 * Questions to the engine about one container, and its answers; tested by
 * tests/unit/test_worker_slots.c and tests/unit/test_worker_faults.c.
 *
 * No answer is believed to mean more than it says: where a request may or may
 * not have happened, the container is looked at before anything else is done.
 */
#include "services/worker/core.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "services/worker/binds.h"
#include "services/worker/container_spec.h"

enum { REST_MS = 500, REST_MAX_MS = 15000, TOLD_SOON_MS = 200, ENDING_MS = 50 };

static const char *
label_of(const struct engine_container *container, const char *key)
{
	for (size_t i = 0; i < container->n_labels; i++) {
		if (strcmp(container->labels[i].key, key) == 0)
			return container->labels[i].value;
	}
	return NULL;
}

/* The rules that are the same for every step; true: nothing is left to do. */
static bool
failed_as_usual(struct worker_slot *slot, enum worker_step step, const struct err *err)
{
	char text[WORKER_MESSAGE_MAX];

	switch (worker_engine_verdict(step, err)) {
	case WORKER_VERDICT_AWAY:
		if (err->code == -ETIMEDOUT &&
			(step == WORKER_STEP_CREATE || step == WORKER_STEP_START))
			worker_width_halve(&slot->worker->start_width);
		/* A create that found nobody to talk to has surely not happened. */
		slot->must_look = step != WORKER_STEP_CREATE || err->code != -ECONNREFUSED;
		worker_watch_failed(slot->worker, err);
		return true;
	case WORKER_VERDICT_LOOK:
		slot->must_look = true;
		worker_slot_rest(slot, REST_MS);
		return true;
	case WORKER_VERDICT_RETRY:
		slot->n_tries++;
		worker_slot_say(slot, "%s",
			worker_engine_sentence(step, err, NULL, text, sizeof text));
		if (slot->n_tries >= WORKER_STEP_TRIES_MAX &&
			(step == WORKER_STEP_CREATE || step == WORKER_STEP_START))
			return false;
		slot->must_look |= step == WORKER_STEP_START;
		worker_slot_rest(slot,
			worker_retry_delay_ms(slot->n_tries, REST_MS, REST_MAX_MS,
				slot->worker->ports.random(slot->worker->ports.arg)));
		return true;
	default:
		return false;
	}
}

/* ---- look ---- */

static void
found_other(struct worker_slot *slot, const struct engine_container *container, unsigned attempt)
{
	const char *node = label_of(container, WORKER_LABEL_NODE);
	bool same_node = node != NULL && strcmp(node, slot->worker->node_id) == 0;
	bool runs = container->status != ENGINE_CREATED && container->status != ENGINE_EXITED &&
		    container->status != ENGINE_DEAD;

	if (attempt == 0 || attempt > slot->attempt || (runs && !same_node)) {
		worker_slot_reject(slot,
			"a container named '%s' that is not this attempt's is on the engine; "
			"remove it (docker rm -f %s)",
			container->name, container->name);
		return;
	}
	worker_slot_remove(slot, container->id);
}

static void
on_looked(const struct err *err, const struct engine_container *container, void *arg)
{
	struct worker_slot *slot = worker_job_end(arg);
	char task[ID_TEXT_SIZE];
	const char *label;
	uint64_t attempt = 0;

	if (slot == NULL)
		return;
	worker_lane_leave(&slot->look_pass);
	worker_slot_touch(slot);
	if (err->code == -ENOENT) {
		slot->must_look = false;
		if (worker_slot_has_container(slot) || slot->state > WORKER_SLOT_CREATING)
			worker_slot_vanished(slot);
		return;
	}
	if (err->code < 0) {
		if (!failed_as_usual(slot, WORKER_STEP_INSPECT, err))
			worker_slot_rest(slot, REST_MS);
		return;
	}
	slot->must_look = slot->is_overtaken;
	id_format(slot->task, task);
	label = label_of(container, WORKER_LABEL_TASK);
	if (label != NULL && strcmp(label, task) == 0 &&
		(label = label_of(container, WORKER_LABEL_ATTEMPT)) != NULL)
		attempt = strtoul(label, NULL, 10);
	if (attempt == slot->attempt)
		worker_slot_observe(slot, container);
	else if (slot->state == WORKER_SLOT_CREATING)
		found_other(slot, container, (unsigned)attempt);
	else
		worker_slot_vanished(slot);
}

void
worker_slot_look(struct worker_slot *slot)
{
	char task[ID_TEXT_SIZE], name[WORKER_CONTAINER_NAME_SIZE];
	struct worker_job *job;

	slot->must_look = true;
	if (!worker_lane_enter(&slot->worker->look_lane, &slot->look_pass))
		return;
	slot->is_overtaken = false;
	id_format(slot->task, task);
	job = worker_job_new(&slot->job, slot);
	job->op = engine_container_inspect(slot->worker->engine,
		worker_slot_has_container(slot) ? slot->container_id
						: worker_container_name(task, name),
		on_looked, job);
}

/* ---- create ---- */

static void
on_created(const struct err *err, const char *id, void *arg)
{
	struct worker_slot *slot = worker_job_end(arg);
	char text[WORKER_MESSAGE_MAX];
	enum worker_verdict verdict;

	if (slot == NULL)
		return;
	worker_slot_touch(slot);
	if (err->code == 0) {
		(void)snprintf(slot->container_id, sizeof slot->container_id, "%s", id);
		slot->knows_log_path = false;
		slot->n_connected = 1;
		worker_pulled_use(slot->worker, worker_slot_image(slot));
		(void)worker_slot_step(slot, WORKER_SLOT_EV_MADE);
		return;
	}
	verdict = worker_engine_verdict(WORKER_STEP_CREATE, err);
	if (verdict == WORKER_VERDICT_CONFLICT) {
		slot->must_look = true;
	} else if (worker_disk_refused(slot, err)) {
		return; /* it is made again, and watched */
	} else if (verdict == WORKER_VERDICT_IMAGE &&
		   slot->n_image_tries++ < WORKER_STEP_TRIES_MAX) {
		worker_image_forget(slot->worker, worker_slot_image(slot));
		(void)worker_slot_step(slot, WORKER_SLOT_EV_BEGIN);
	} else if (!failed_as_usual(slot, WORKER_STEP_CREATE, err)) {
		worker_slot_reject(slot, "%s",
			worker_engine_sentence(WORKER_STEP_CREATE, err, NULL, text, sizeof text));
	}
}

/* The engine's JSON for it, for the caller to free. -errno with words: it cannot be. */
static int
make_body(struct worker_slot *slot, const char *task, char **ret_body, struct err *err)
{
	struct worker *worker = slot->worker;
	const Davit__TaskSpec *spec = slot->spec->spec;
	char **bind_sources;
	int rc = worker_binds_check(&(struct worker_binds){.dirs = worker->policy.bind_dirs,
					    .n_dirs = worker->policy.n_bind_dirs,
					    .real_path = worker->engine_address == NULL
								 ? worker->ports.real_path
								 : NULL,
					    .arg = worker->ports.arg},
		spec, &bind_sources, err);

	if (rc < 0)
		return rc;
	rc = worker_container_body(
		&(struct worker_container_spec){
			.spec = spec,
			.task_id = task,
			.task_name = slot->name,
			.attempt = slot->attempt,
			.ports = slot->port_list,
			.n_ports = slot->n_ports,
			.cluster = worker->cluster,
			.node_id = worker->node_id,
			.node_name = worker->name,
			.machine_cpu_milli = worker->watch.about.cpu_milli,
			.log_max_bytes = worker->policy.log_max_bytes,
			.bind_sources = bind_sources,
			.limits_disk = slot->is_disk_limited,
		},
		ret_body, err);
	worker_binds_free(bind_sources, spec->n_mounts);
	return rc;
}

void
worker_slot_create(struct worker_slot *slot)
{
	struct worker *worker = slot->worker;
	char task[ID_TEXT_SIZE], name[WORKER_CONTAINER_NAME_SIZE];
	CLEANUP(free) char *body = NULL;
	struct worker_job *job;
	struct err err;

	id_format(slot->task, task);
	slot->is_disk_limited = worker_disk_limits(slot);
	if (make_body(slot, task, &body, &err) < 0) {
		worker_slot_reject(slot, "%s", err.text);
		return;
	}
	job = worker_job_new(&slot->job, slot);
	job->op = engine_container_create(worker->engine,
		&(struct engine_creation){.name = worker_container_name(task, name),
			.body = body,
			.platform = slot->spec->spec->platform},
		on_created, job);
}

/* ---- connect ---- */

/*
 * A network of ours that somebody removed meanwhile is made again before the next
 * try. True: that is what the engine says.
 */
static bool
lost_network(struct worker_slot *slot, const struct err *err)
{
	char text[WORKER_MESSAGE_MAX];

	if (err->code != -ENOENT || slot->n_held_networks == 0 ||
		strstr(err->text, "network") == NULL || ++slot->n_tries > WORKER_STEP_TRIES_MAX)
		return false;
	worker_networks_forget(slot);
	worker_slot_say(slot, "%s",
		worker_engine_sentence(WORKER_STEP_CONNECT, err, NULL, text, sizeof text));
	worker_slot_rest(slot, REST_MS);
	return true;
}

static void
on_connected(const struct err *err, void *arg)
{
	struct worker_slot *slot = worker_job_end(arg);
	char text[WORKER_MESSAGE_MAX];

	if (slot == NULL)
		return;
	worker_slot_touch(slot);
	if (err->code == 0)
		slot->n_connected++;
	else if (lost_network(slot, err))
		return;
	else if (worker_engine_verdict(WORKER_STEP_CONNECT, err) == WORKER_VERDICT_ABSENT)
		worker_slot_vanished(slot);
	else if (!failed_as_usual(slot, WORKER_STEP_CONNECT, err))
		worker_slot_reject(slot, "%s",
			worker_engine_sentence(WORKER_STEP_CONNECT, err, NULL, text, sizeof text));
}

void
worker_slot_connect(struct worker_slot *slot)
{
	const Davit__TaskSpec *spec = slot->spec->spec;
	char name[WORKER_NETWORK_NAME_SIZE];
	const char **aliases;
	struct engine_attachment attachment = {.container = slot->container_id};
	struct worker_job *job = worker_job_new(&slot->job, slot);

	attachment.network =
		worker_network_name(spec, slot->n_connected, slot->worker->node_id, name);
	aliases = xcalloc(spec->networks[slot->n_connected]->n_aliases + 1, sizeof *aliases);
	attachment.aliases = aliases;
	attachment.n_aliases = worker_network_aliases(spec, slot->n_connected, slot->name, aliases);
	job->op = engine_network_connect(slot->worker->engine, &attachment, on_connected, job);
	free(aliases);
}

/* ---- start ---- */

static void
cannot_start(struct worker_slot *slot, const struct err *err)
{
	char text[WORKER_MESSAGE_MAX];

	slot->may_come_up = false;
	if (err->code == -EADDRINUSE)
		slot->busy_port =
			worker_engine_busy_port(err->text, slot->port_list, slot->n_ports);
	worker_slot_reject(slot, "%s",
		worker_engine_sentence(WORKER_STEP_START, err, NULL, text, sizeof text));
}

static bool
sees_processes(const struct worker *worker)
{
	return worker->engine_address == NULL && worker->ports.end_orphans != NULL;
}

/*
 * An engine that dies within a start forgets it, and its runtime does not: asked again, it
 * refuses that container for ever, and what the start began may run unseen. True: that is so.
 */
static bool
is_stuck(struct worker_slot *slot, const struct err *err)
{
	bool may_run = strstr(err->text, "in use") != NULL;
	char text[WORKER_MESSAGE_MAX];

	if (worker_engine_verdict(WORKER_STEP_START, err) != WORKER_VERDICT_STUCK ||
		(may_run && !sees_processes(slot->worker)) ||
		slot->n_stuck >= WORKER_STEP_TRIES_MAX)
		return false;
	slot->is_stuck = true;
	slot->n_stuck++;
	worker_lane_leave(&slot->pass);
	worker_slot_say(slot, "%s; makes it anew",
		worker_engine_sentence(WORKER_STEP_START, err, NULL, text, sizeof text));
	log_warn("slot.stuck", "container=%s error=\"%s\" making it anew", slot->container_id,
		err->text);
	return true;
}

/* 0: nothing runs of it (any more). */
static int
end_orphans(struct worker_slot *slot)
{
	const struct worker_ports *ports = &slot->worker->ports;
	struct err err;
	int n = sees_processes(slot->worker)
			? ports->end_orphans(ports->arg, slot->container_id, &err)
			: 0;

	if (n < 0) {
		worker_slot_say(slot,
			"its engine has lost it, and what runs of it cannot be ended: %s",
			err.text);
		worker_slot_rest(slot, REST_MAX_MS);
	} else if (n > 0) {
		slot->had_orphans = true;
		worker_slot_rest(slot, ENDING_MS);
	}
	return n;
}

void
worker_slot_unstick(struct worker_slot *slot)
{
	if (end_orphans(slot) != 0)
		return;
	if (slot->had_orphans) { /* it did run: whether it does again is for its policy to say */
		slot->may_have_run = true;
		slot->may_come_up = false;
		worker_slot_over(slot, WORKER_EXIT_KILLED);
		if (slot->state == WORKER_SLOT_ENDED)
			worker_slot_say(slot, "its engine lost it within its start; what ran of it "
					      "was killed");
	} else if (worker_lane_enter(&slot->worker->remove_lane, &slot->pass)) {
		worker_slot_remove(slot, slot->container_id);
	}
}

static void
on_started(const struct err *err, void *arg)
{
	struct worker_slot *slot = worker_job_end(arg);

	if (slot == NULL)
		return;
	worker_slot_touch(slot);
	if (err->code == 0) {
		if (slot->observed >= DAVIT__TASK_REPORT__OBSERVED__RUNNING)
			slot->restart_count++;
		slot->is_up_fresh = true;
		slot->is_remade = slot->may_come_up = false;
		slot->n_stuck = 0;
		slot->has_exit_code = false;
		slot->health = DAVIT__TASK__PHASE__PHASE_NONE;
		worker_health_begin(slot);
		worker_slot_say(slot, "%s", "");
		(void)worker_slot_step(slot, WORKER_SLOT_EV_UP);
		return;
	}
	if (lost_network(slot, err) || is_stuck(slot, err))
		return;
	if (worker_engine_verdict(WORKER_STEP_START, err) == WORKER_VERDICT_ABSENT)
		worker_slot_vanished(slot);
	else if (!failed_as_usual(slot, WORKER_STEP_START, err))
		cannot_start(slot, err);
}

void
worker_slot_start(struct worker_slot *slot)
{
	struct worker_job *job = worker_job_new(&slot->job, slot);

	slot->may_have_run = slot->may_come_up = true;
	slot->last_end_ms = slot->told_end_ms;
	slot->cause = DAVIT__TASK_REPORT__CAUSE__EXIT;
	slot->finished_ms = 0;
	slot->oom_killed = slot->was_oom = slot->was_killed = slot->is_lack_awaited = false;
	worker_slot_told_nothing(slot, 0);
	job->op = engine_container_start(slot->worker->engine, slot->container_id, on_started, job);
}

/* ---- stop, kill, remove ---- */

static void
on_stopped(const struct err *err, void *arg)
{
	struct worker_slot *slot = worker_job_end(arg);

	if (slot == NULL)
		return;
	slot->is_stop_asked = false;
	worker_lane_leave(&slot->pass);
	worker_slot_touch(slot);
	if (slot->state == WORKER_SLOT_ENDED && !slot->is_stray)
		return; /* as was told meanwhile */
	slot->must_look = !slot->is_end_told;
	if (err->code < 0)
		(void)failed_as_usual(slot, WORKER_STEP_STOP, err);
	else if (slot->is_start_told && !slot->is_end_told && slot->n_ports == 0)
		worker_slot_rest(slot, TOLD_SOON_MS); /* the event is on its way */
}

uint64_t
worker_slot_grace_ms(const struct worker_slot *slot)
{
	if (slot->cause == DAVIT__TASK_REPORT__CAUSE__TTL || worker_slot_ttl_is_over(slot))
		return 0; /* its time is over, that to say good-bye included */
	if (slot->has_stop_timeout)
		return slot->stop_timeout_ms;
	if (slot->spec != NULL && slot->spec->spec->has_stop_timeout_ms)
		return slot->spec->spec->stop_timeout_ms;
	return WORKER_STOP_MS;
}

void
worker_slot_stop(struct worker_slot *slot)
{
	struct worker_job *job = worker_job_new(&slot->job, slot);

	worker_slot_kill_at(slot, slot->kill_ms != 0 ? slot->kill_ms : UINT64_MAX);
	worker_channels_end_copies(slot->worker, slot->container_id);
	slot->is_stop_asked = true;
	slot->yield_ms = slot->worker->mono_ms + WORKER_STOP_BUSY_MS;
	job->op = engine_container_stop(slot->worker->engine, slot->container_id,
		worker_slot_grace_ms(slot), on_stopped, job);
}

static void
on_paused(const struct err *err, void *arg)
{
	struct worker_slot *slot = worker_job_end(arg);

	if (slot == NULL)
		return;
	worker_slot_touch(slot);
	if (err->code == 0) {
		slot->is_paused = slot->is_pausing;
		worker_slot_changed(slot);
		return;
	}
	slot->must_look = true;
	if (!failed_as_usual(slot, WORKER_STEP_PAUSE, err))
		worker_slot_rest(slot, REST_MS);
}

void
worker_slot_pause(struct worker_slot *slot)
{
	struct worker_job *job = worker_job_new(&slot->job, slot);
	struct engine *engine = slot->worker->engine;

	slot->is_pausing = slot->wants_pause;
	job->op = slot->is_pausing
			  ? engine_container_pause(engine, slot->container_id, on_paused, job)
			  : engine_container_unpause(engine, slot->container_id, on_paused, job);
}

static void
on_killed(const struct err *err, void *arg)
{
	struct worker_slot *slot = worker_job_end(arg);

	if (slot == NULL)
		return;
	if (err->code < 0)
		log_debug("slot.kill", "container=%s error=\"%s\"", slot->container_id, err->text);
	worker_slot_touch(slot);
}

void
worker_slot_kill_at(struct worker_slot *slot, uint64_t mono_ms)
{
	bool is_mortal = slot->ttl_ms > slot->worker->mono_ms;

	slot->kill_ms = is_mortal && slot->ttl_ms < mono_ms ? slot->ttl_ms : mono_ms;
}

void
worker_slot_kill(struct worker_slot *slot)
{
	struct worker_job *job;
	bool stops = slot->state == WORKER_SLOT_STOPPING || slot->is_unfit;

	slot->kill_ms = 0;
	if (!stops || slot->kill_job != NULL || slot->job == NULL)
		return;
	worker_channels_end_copies(slot->worker, slot->container_id);
	job = worker_job_new(&slot->kill_job, slot);
	job->op = engine_container_kill(slot->worker->engine, slot->container_id, "KILL", on_killed,
		job);
}

static void
on_removed(const struct err *err, void *arg)
{
	struct worker_slot *slot = worker_job_end(arg);

	if (slot == NULL)
		return;
	if (slot->state != WORKER_SLOT_CREATING) /* there it was an older one's */
		worker_lane_leave(&slot->pass);
	worker_slot_touch(slot);
	if (err->code < 0) {
		slot->felling = WORKER_FELLING_NONE;
		if (!failed_as_usual(slot, WORKER_STEP_REMOVE, err))
			worker_slot_rest(slot, REST_MS);
		return;
	}
	if (slot->felling != WORKER_FELLING_NONE && !slot->is_end_told &&
		slot->state == WORKER_SLOT_STOPPING) {
		slot->felling = WORKER_FELLING_DONE;
		slot->must_look = true;
		worker_slot_rest(slot, TOLD_SOON_MS); /* the event is on its way */
		return;
	}
	slot->felling = WORKER_FELLING_NONE;
	slot->container_id[0] = '\0';
	if (slot->is_stuck) {
		slot->is_stuck = slot->may_come_up = false;
		slot->is_remade = true;
		(void)worker_slot_step(slot, WORKER_SLOT_EV_ABSENT);
	} else if (slot->state == WORKER_SLOT_REMOVING)
		(void)worker_slot_step(slot, WORKER_SLOT_EV_REMOVED);
	else if (slot->state == WORKER_SLOT_STOPPING && slot->is_end_told)
		return; /* it ends as was told */
	else if (slot->state >= WORKER_SLOT_CREATED && slot->state < WORKER_SLOT_ENDED)
		worker_slot_give_up(slot, WORKER_WANT_STOP); /* that is what it was removed for */
	else
		worker_slot_changed(slot);
}

void
worker_slot_remove(struct worker_slot *slot, const char *container_id)
{
	struct worker_job *job = worker_job_new(&slot->job, slot);

	worker_channels_end_copies(slot->worker, container_id);
	job->op = engine_container_remove(slot->worker->engine, container_id, on_removed, job);
}

void
worker_slot_fell(struct worker_slot *slot)
{
	slot->felling = WORKER_FELLING_ASKED;
	worker_slot_remove(slot, slot->container_id);
}
