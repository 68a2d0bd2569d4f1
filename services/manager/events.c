#include "services/manager/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/manager/core.h"
#include "services/manager/limits.h"

enum {
	EVENTS_READ_DEFAULT = 1000, /* events of one answer */
	CURSOR_SIZE = 48,
	NAME_SIZE = 256,
	SPARE_SIZE = 32,
	EVENT_TEXTS = 7,
};

void
events_init(struct events *events, uint64_t ring_id)
{
	*events = (struct events){.ring_id = ring_id, .first_seq = 1};
	events->ring = xcalloc(MANAGER_EVENTS_MAX, sizeof(Davit__Event *));
	events->rooms = xcalloc(MANAGER_EVENTS_MAX, sizeof *events->rooms);
}

void
events_fini(struct events *events)
{
	for (size_t i = 0; i < MANAGER_EVENTS_MAX && i < events->last_seq + 1; i++)
		free(events->ring[i]);
	free(events->ring);
	free(events->rooms);
}

static Davit__Event **
slot(struct events *events, uint64_t seq)
{
	return &events->ring[seq % MANAGER_EVENTS_MAX];
}

static char **
text_of(Davit__Event *event, size_t i)
{
	char **const texts[EVENT_TEXTS] = {&event->what, &event->task_id, &event->task_name,
		&event->namespace_, &event->node_id, &event->node_name, &event->message};

	return texts[i];
}

/* The block of the event that is forgotten now is used again: most are of a size. */
static Davit__Event *
room_for(struct events *events, uint64_t seq, size_t size)
{
	Davit__Event **kept = slot(events, seq);
	uint32_t *room = &events->rooms[seq % MANAGER_EVENTS_MAX];

	if (*kept == NULL || *room < size || *room > 4 * size) {
		free(*kept);
		*room = (uint32_t)(size + SPARE_SIZE);
		*kept = xmalloc(*room);
	}
	return *kept;
}

/* Stores a copy in one block, texts behind the struct, so that one free is enough. */
static void
add(struct manager *manager, Davit__Event *event)
{
	struct events *events = &manager->events;
	size_t sizes[EVENT_TEXTS], size = sizeof *event;
	Davit__Event *kept;
	char *at;

	event->has_seq = event->has_ts_ms = event->has_kind = true;
	event->seq = events->last_seq + 1;
	event->ts_ms = manager->now.wall_ms;
	for (size_t i = 0; i < EVENT_TEXTS; i++) {
		char **text = text_of(event, i);

		if (*text != NULL && (*text)[0] == '\0')
			*text = NULL;
		sizes[i] = *text == NULL ? 0 : strlen(*text) + 1;
		size += sizes[i];
	}
	kept = room_for(events, ++events->last_seq, size);
	if (events->last_seq - events->first_seq == MANAGER_EVENTS_MAX)
		events->first_seq++; /* its slot was taken */
	*kept = *event;
	at = (char *)(kept + 1);
	for (size_t i = 0; i < EVENT_TEXTS; i++) {
		if (sizes[i] == 0)
			continue;
		*text_of(kept, i) = memcpy(at, *text_of(event, i), sizes[i]);
		at += sizes[i];
	}
}

/* The states' names, in lower case. */
static const char *
word_of(enum task_state state)
{
	static const char *const words[TASK_STATE_COUNT] = {
		[TASK_PENDING] = "pending",
		[TASK_SCHEDULED] = "scheduled",
		[TASK_RUNNING] = "running",
		[TASK_COMPLETED] = "completed",
		[TASK_FAILED] = "failed",
	};

	return words[state];
}

void
events_task(struct manager *manager, const struct task *task, const char *what)
{
	Davit__Event event = DAVIT__EVENT__INIT;
	char id[ID_TEXT_SIZE], name[NAME_SIZE];

	id_format(task->id, id);
	model_task_name(task, name, sizeof name);
	event.kind = DAVIT__EVENT__KIND__TASK;
	event.what = (char *)(uintptr_t)(what != NULL ? what : word_of(task->state));
	event.task_id = id;
	event.task_name = name;
	event.namespace_ = task->group->spec->spec->namespace_;
	event.has_state = event.has_phase = event.has_attempt = true;
	event.state = (Davit__Task__State)task->state;
	event.phase = task->phase;
	event.attempt = task->attempt;
	event.has_exit_code = task->has_exit_code;
	event.exit_code = task->exit_code;
	event.message = task->message;
	if (task->node != NULL) {
		event.node_id = task->node->id_text;
		event.node_name = task->node->name;
	}
	add(manager, &event);
}

void
events_node(struct manager *manager, const struct node *node, const char *what)
{
	events_node_says(manager, node, what, node->message);
}

void
events_node_says(struct manager *manager, const struct node *node, const char *what,
	const char *message)
{
	Davit__Event event = DAVIT__EVENT__INIT;

	event.kind = DAVIT__EVENT__KIND__NODE;
	event.what = (char *)(uintptr_t)what;
	event.node_id = (char *)(uintptr_t)node->id_text;
	event.node_name = node->name;
	event.message = (char *)(uintptr_t)message;
	add(manager, &event);
}

static void
publish(struct manager *manager, const Davit__Event *event)
{
	char topic[RPC_METHOD_MAX];

	if (event->kind == DAVIT__EVENT__KIND__TASK)
		(void)snprintf(topic, sizeof topic, "event.task.%s.%s", event->what,
			event->task_id);
	else
		(void)snprintf(topic, sizeof topic, "event.node.%s.%s", event->what,
			event->node_id);
	manager->ports.publish(manager->ports.arg, topic, &event->base);
}

/* Encodes what is shown after cursor. */
static void
fill(struct manager *manager, struct rpc_call *call, uint64_t cursor)
{
	const Davit__ReadEventsRequest *request = (const Davit__ReadEventsRequest *)call->request;
	struct events *events = &manager->events;
	Davit__ReadEventsReply reply = DAVIT__READ_EVENTS_REPLY__INIT;
	struct arena *arena = &manager->batch.arena;
	uint64_t first = cursor + 1, oldest = events->first_seq;
	size_t limit =
		request->has_limit && request->limit > 0 ? request->limit : EVENTS_READ_DEFAULT;

	if (first < oldest) {
		reply.has_lost = true;
		reply.lost = oldest - first;
		first = oldest;
	}
	limit = limit < EVENTS_READ_DEFAULT ? limit : EVENTS_READ_DEFAULT;
	reply.events = arena_array(arena, limit, sizeof *reply.events);
	for (; first <= events->shown_seq && reply.n_events < limit; first++)
		reply.events[reply.n_events++] = *slot(events, first);
	reply.cursor = arena_printf(arena, "%" PRIx64 ".%" PRIu64, events->ring_id, first - 1);
	rpc_call_answer(call, &reply.base);
}

/* What is shown is in the store; but whoever asks late has, perhaps, waited for it. */
static void
answer(struct manager *manager, struct rpc_call *call, uint64_t cursor)
{
	fill(manager, call, cursor);
	batch_keep(manager, call);
}

void
events_seal(struct events *events)
{
	events->sealed_seq = events->last_seq;
}

void
events_show(struct manager *manager)
{
	struct events *events = &manager->events;
	struct wait *wait;

	if (events->shown_seq == events->sealed_seq)
		return;
	if (events->shown_seq + 1 < events->first_seq)
		events->shown_seq = events->first_seq - 1;
	while (events->shown_seq < events->sealed_seq)
		publish(manager, *slot(events, ++events->shown_seq));
	while ((wait = events->waits) != NULL) {
		uint64_t cursor = wait->cursor;
		struct rpc_call *call;

		events->waits = wait->next;
		call = waits_end(manager, wait);
		fill(manager, call, cursor);
		rpc_call_send(call);
	}
}

void
events_drop_unshown(struct events *events)
{
	for (; events->last_seq > events->shown_seq; events->last_seq--) {
		free(*slot(events, events->last_seq));
		*slot(events, events->last_seq) = NULL;
	}
	events->sealed_seq = events->shown_seq;
	if (events->first_seq > events->last_seq + 1)
		events->first_seq = events->last_seq + 1;
	events->waits = NULL;
}

void
events_read_expire(struct manager *manager, struct wait *wait)
{
	uint64_t cursor = wait->cursor;

	waits_unlink(&manager->events.waits, wait);
	answer(manager, waits_end(manager, wait), cursor);
}

/* -1: malformed. A cursor of another ring (the manager was restarted) begins with the oldest. */
static int
parse_cursor(const struct events *events, const char *text, uint64_t *ret_seq)
{
	uint64_t ring_id, seq;
	int used = 0;

	if (strlen(text) >= CURSOR_SIZE ||
		sscanf(text, "%" SCNx64 ".%" SCNu64 "%n", &ring_id, &seq, &used) != 2 ||
		text[used] != '\0')
		return -1;
	*ret_seq = ring_id != events->ring_id || seq > events->last_seq ? 0 : seq;
	return 0;
}

void
events_read(struct manager *manager, struct rpc_call *call)
{
	const Davit__ReadEventsRequest *request = (const Davit__ReadEventsRequest *)call->request;
	struct events *events = &manager->events;
	uint64_t cursor = request->history ? 0 : events->shown_seq;
	struct wait *wait;

	if (request->cursor != NULL && parse_cursor(events, request->cursor, &cursor) < 0) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "cursor",
			"'%.40s' is no cursor: give the one of the reply before, or none",
			request->cursor);
		return;
	}
	if (cursor < events->shown_seq || request->wait_ms == 0) {
		answer(manager, call, cursor);
		return;
	}
	wait = waits_add(manager, call, request->wait_ms, events_read_expire, NULL);
	if (wait == NULL)
		return;
	wait->cursor = cursor;
	wait->next = events->waits;
	events->waits = wait;
}
