/*
 * What the engine's events tell of one attempt; tested by tests/unit/test_worker_told.c.
 *
 * An end that was told with its start before it in the same stream needs no inspection:
 * exit code, times and lack of memory all come with the events. Everything else is looked
 * at: an end of a start that was not told (it may be an earlier one's), and one that gives
 * host ports back, which the engine still holds when it tells.
 *
 * Lack of memory is told apart from the end that it causes, and on a busy machine now and then
 * after it, or never: when the container's cgroup is gone before the engine has looked. So
 * where a container with a limit was killed, and not by the engine, the kernel is asked whether
 * it has killed anybody for lack of memory of late. One on another machine cannot be: there the
 * container is looked at, and once more after WORKER_LACK_MS.
 */
#include "services/worker/core.h"

#include <stdlib.h>

enum { NS_PER_MS = 1000000 };

static const char *
attribute_of(const struct engine_event *event, const char *key)
{
	for (size_t i = 0; i < event->n_attributes; i++) {
		if (strcmp(event->attributes[i].key, key) == 0)
			return event->attributes[i].value;
	}
	return NULL;
}

static bool
is_up(const struct worker_slot *slot)
{
	return slot->state == WORKER_SLOT_STARTING || slot->state == WORKER_SLOT_RUNNING ||
	       slot->state == WORKER_SLOT_STOPPING;
}

static bool
may_lack_memory(const struct worker_slot *slot, int exit_code)
{
	bool is_limited = slot->spec == NULL || slot->spec->spec->memory_bytes > 0;

	return exit_code == WORKER_EXIT_KILLED && !slot->was_oom && !slot->was_killed &&
	       slot->state != WORKER_SLOT_STOPPING && is_limited;
}

/* -errno: it does not say. */
static int
kernel_kills(const struct worker *worker, uint64_t *ret_n)
{
	if (worker->ports.memory_kills == NULL || worker->engine_address != NULL)
		return -ENOTSUP;
	return worker->ports.memory_kills(worker->ports.arg, ret_n);
}

void
worker_lack_note(struct worker *worker)
{
	struct worker_lack *lack = &worker->lack;
	uint64_t n;

	if (kernel_kills(worker, &n) < 0) {
		lack->is_known = false;
		return;
	}
	lack->before = lack->is_known ? lack->last : n;
	lack->last = n;
	lack->is_known = true;
}

/* True: only the engine can say whether it lacked memory. */
static bool
must_ask_for_lack(struct worker_slot *slot, int exit_code)
{
	const struct worker *worker = slot->worker;
	uint64_t n;

	if (!may_lack_memory(slot, exit_code))
		return false;
	if (!worker->lack.is_known || kernel_kills(worker, &n) < 0)
		return true;
	slot->was_oom = n > worker->lack.before;
	return false;
}

bool
worker_slot_awaits_lack(struct worker_slot *slot, const struct engine_container *container)
{
	if (slot->is_lack_awaited || slot->state != WORKER_SLOT_RUNNING || container->oom_killed ||
		slot->worker->lack.is_known || !may_lack_memory(slot, container->exit_code))
		return false;
	slot->is_lack_awaited = slot->must_look = true;
	worker_slot_rest(slot, WORKER_LACK_MS);
	return true;
}

static void
told_lack(struct worker_slot *slot)
{
	slot->was_oom = true;
	if (slot->is_lack_awaited)
		slot->hold_ms = slot->wait_ms = 0;
}

static void
told_kill(struct worker_slot *slot, const struct engine_event *event)
{
	const char *signal = attribute_of(event, "signal");

	slot->was_killed |= signal != NULL && strcmp(signal, "9") == 0;
}

/* Asked for by an earlier worker: ours was not asked for yet. */
static bool
is_start_of_another(const struct worker_slot *slot)
{
	return slot->state == WORKER_SLOT_CREATED ||
	       (slot->state == WORKER_SLOT_STARTING && slot->job == NULL);
}

static void
told_start(struct worker_slot *slot, const struct engine_event *event)
{
	uint64_t at_ms = event->time_ns / NS_PER_MS;

	if (is_start_of_another(slot)) {
		slot->must_look = slot->is_overtaken = true;
		return;
	}
	slot->must_look |=
		slot->state == WORKER_SLOT_ENDED || slot->state == WORKER_SLOT_RESTARTING;
	/* One from before the last end that we know of is an earlier start's. */
	if (is_up(slot) && at_ms > slot->told_end_ms) {
		slot->was_oom = slot->was_killed = false; /* that was of the start before */
		slot->is_start_told = true;
		slot->told_start_ms = at_ms;
	}
}

static void
told_end(struct worker_slot *slot, const struct engine_event *event)
{
	const char *text = attribute_of(event, "exitCode");
	char *rest = NULL;
	long exit_code = text == NULL ? 0 : strtol(text, &rest, 10);
	bool must_ask;

	if (slot->state >= WORKER_SLOT_REMOVING)
		return;
	must_ask = exit_code == WORKER_EXIT_KILLED && slot->felling == WORKER_FELLING_NONE &&
		   must_ask_for_lack(slot, (int)exit_code);
	if (!slot->is_start_told || !is_up(slot) || rest == NULL || rest == text || *rest != '\0' ||
		exit_code < INT16_MIN || exit_code > INT16_MAX ||
		(slot->n_ports > 0 && slot->felling == WORKER_FELLING_NONE) || must_ask) {
		slot->must_look = slot->is_overtaken = true;
		return;
	}
	slot->is_end_told = true;
	slot->told_exit_code = (int16_t)exit_code;
	slot->told_end_ms = event->time_ns / NS_PER_MS;
}

void
worker_slot_told(struct worker_slot *slot, const struct engine_event *event)
{
	static const char health[] = "health_status: ";
	const char *action = event->action;

	if (strcmp(action, "oom") == 0) {
		told_lack(slot);
	} else if (strcmp(action, "kill") == 0) {
		told_kill(slot, event);
	} else if (strcmp(action, "die") == 0) {
		told_end(slot, event);
	} else if (strcmp(action, "destroy") == 0) {
		slot->must_look |=
			slot->state < WORKER_SLOT_REMOVING && slot->felling == WORKER_FELLING_NONE;
	} else if (strcmp(action, "start") == 0) {
		told_start(slot, event);
	} else if (strcmp(action, "pause") == 0 || strcmp(action, "unpause") == 0) {
		slot->must_look |=
			slot->state == WORKER_SLOT_RUNNING && slot->is_paused != (action[0] == 'p');
	} else if (strncmp(action, health, sizeof health - 1) == 0 &&
		   slot->state == WORKER_SLOT_RUNNING) {
		worker_slot_set_health(slot, action + sizeof health - 1);
	}
	worker_slot_touch(slot);
}

void
worker_slot_told_nothing(struct worker_slot *slot, uint64_t end_ms)
{
	slot->is_start_told = slot->is_end_told = false;
	if (end_ms > slot->told_end_ms)
		slot->told_end_ms = end_ms;
}

bool
worker_slot_end_as_told(struct worker_slot *slot)
{
	/*
	 * Its stop is answered only when the engine has tidied up, and a removal of what runs has
	 * given its ports back only then; other answers are waited for.
	 */
	bool is_asked =
		slot->is_stop_asked || (slot->felling != WORKER_FELLING_NONE && slot->n_ports == 0);

	if (!slot->is_end_told || (slot->job != NULL && !is_asked) ||
		(slot->state != WORKER_SLOT_RUNNING && slot->state != WORKER_SLOT_STOPPING))
		return false;
	slot->is_end_told = slot->is_start_told = false;
	slot->must_look = slot->is_overtaken = false;
	if (slot->felling == WORKER_FELLING_DONE) {
		slot->felling = WORKER_FELLING_NONE;
		slot->container_id[0] = '\0';
	}
	slot->pid = 0;
	slot->is_stray = false;
	slot->oom_killed = slot->was_oom;
	slot->was_oom = false;
	slot->finished_ms = slot->told_end_ms;
	if (slot->started_ms == 0 || slot->restart_count == 0)
		slot->started_ms = slot->told_start_ms; /* ours was when we heard of it */
	worker_slot_over(slot, slot->told_exit_code);
	return true;
}
