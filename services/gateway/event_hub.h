/*
 * event_hub.h - the cluster's events to any number of HTTP clients, as server-sent events.
 *
 *     id: 19aa.42
 *     event: task
 *     data: {"seq":42,"kind":"TASK","what":"running",…}
 *
 * One long poll at the manager feeds all of them, while there are any. The newest events
 * are kept here, in bounded memory: a client that is slow, or comes back with
 * Last-Event-ID, goes on where it was; what is kept no more is told as `event: lost`. An id
 * is the manager's cursor, so it holds at any gateway. https://html.spec.whatwg.org/multipage/
 * server-sent-events.html. The loop's thread.
 */
#pragma once

#include "common/http/http.h"
#include "services/gateway/upstream.h"

enum {
	EVENT_HUB_EVENTS_MAX = 4096,   /* kept */
	EVENT_HUB_BYTES_MAX = 1 << 20, /* kept, of their texts */
	EVENT_HUB_READ_MAX = 250,      /* asked for at a time */
};

struct event_hub;

struct event_hub *event_hub_new(uv_loop_t *loop, struct upstream *manager);
/* Its streams belong to the server, which is closed before. The loop must turn once more. */
void event_hub_free(struct event_hub *hub);
CLEANUP_DEFINE(struct event_hub *, event_hub_free)

/*
 * Answers with a stream. Query: kind=task|node, namespace, task and node (ids or names), cursor
 * (or the header Last-Event-ID); without one, only what comes.
 */
void event_hub_follow(struct event_hub *hub, struct http_request *request);

unsigned event_hub_n_readers(const struct event_hub *hub);
