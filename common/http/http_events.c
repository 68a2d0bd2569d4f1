#include "common/http/http_events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"

enum { LOST_SIZE = 64 };

bool
http_events_are_wanted(const struct http_request *request)
{
	const char *accept = http_header(request, "Accept");

	return accept != NULL && strstr(accept, HTTP_EVENTS_TYPE) != NULL;
}

static bool
put(struct http_events *events, const void *data, size_t size)
{
	if (http_stream_write(events->stream, data, size) < 0)
		return false;
	events->wrote_ms = clock_mono_ms();
	return true;
}

void
http_events_begin(struct http_events *events, struct http_request *request, http_gone_fn *on_gone,
	void *arg)
{
	static const char hello[] = "retry: 1000\n\n"; /* the client sees that it is heard */

	http_reply_header(request, "Cache-Control", "no-store");
	http_reply_header(request, "X-Accel-Buffering", "no");
	events->stream = http_stream(request, 200, HTTP_EVENTS_TYPE, on_gone, arg);
	(void)put(events, hello, strlen(hello));
}

void
http_events_print(const char *id, const char *name, const char *json, size_t size, struct buf *out)
{
	if (id != NULL)
		buf_printf(out, "id: %s\n", id);
	if (name != NULL)
		buf_printf(out, "event: %s\n", name);
	buf_puts(out, "data: ");
	buf_put(out, json, size);
	buf_puts(out, "\n\n");
}

void
http_events_miss(struct http_events *events, uint64_t n)
{
	events->has_gap = true;
	events->n_lost += n;
}

static bool
tell_lost(struct http_events *events)
{
	char text[LOST_SIZE];

	if (!events->has_gap)
		return true;
	(void)snprintf(text, sizeof text, "event: lost\ndata: {\"lost\":%" PRIu64 "}\n\n",
		events->n_lost);
	if (!put(events, text, strlen(text)))
		return false;
	events->has_gap = false;
	events->n_lost = 0;
	return true;
}

bool
http_events_write(struct http_events *events, const void *data, size_t size)
{
	return tell_lost(events) && put(events, data, size);
}

void
http_events_settle(struct http_events *events)
{
	(void)tell_lost(events);
}

void
http_events_tick(struct http_events *events, uint64_t now_ms)
{
	if (now_ms - events->wrote_ms >= HTTP_EVENTS_IDLE_MS)
		(void)put(events, ":\n\n", 3);
}
