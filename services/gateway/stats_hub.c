#include "services/gateway/stats_hub.h"

#include <utlist.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/http/http_events.h"
#include "common/pbjson/pbjson.h"
#include "proto/manager.pb-c.h"

enum { TICK_MS = 1000, WAIT_MS = 30000 };

struct stats_reader {
	struct stats_hub *hub;
	struct http_events events;
	struct stats_reader *prev, *next;
};

struct stats_hub {
	struct upstream *manager;
	struct upstream_call *call; /* under way, or NULL */
	uv_timer_t *timer;          /* runs while there are readers */
	struct stats_reader *readers;
	char *cursor;     /* of what they have; NULL: nothing yet */
	struct buf frame; /* the latest, while there are readers */
};

static void ask_stats(struct stats_hub *hub);

static void
send_frame(struct stats_reader *reader)
{
	const struct buf *frame = &reader->hub->frame;

	if (frame->size > 0 && !http_events_write(&reader->events, frame->data, frame->size))
		http_events_miss(&reader->events, 1);
}

static void
on_stats(const struct rpc_result *result, void *arg)
{
	struct stats_hub *hub = arg;
	const Davit__GetStatsReply *reply = (const void *)result->response;
	CLEANUP(buf_fini) struct buf json = {0};
	struct stats_reader *reader;

	hub->call = NULL;
	if (result->status != DAVIT__REPLY__STATUS__OK)
		return; /* the tick asks again */
	if (hub->readers == NULL)
		return; /* all have gone: who comes later wants what is then */
	free(hub->cursor);
	hub->cursor = xstrdup(reply->cursor);
	pbjson_print(result->response, PBJSON_LISTS, &json);
	buf_reset(&hub->frame);
	http_events_print(hub->cursor, "stats", (const char *)json.data, json.size, &hub->frame);
	DL_FOREACH (hub->readers, reader)
		send_frame(reader);
	ask_stats(hub);
}

static void
ask_stats(struct stats_hub *hub)
{
	Davit__GetStatsRequest request = DAVIT__GET_STATS_REQUEST__INIT;

	if (hub->call != NULL || hub->readers == NULL)
		return;
	request.cursor = hub->cursor;
	request.has_wait_ms = true;
	request.wait_ms = WAIT_MS;
	hub->call = upstream_call(hub->manager, rpc_method(&davit__manager__descriptor, "GetStats"),
		&request.base, NULL, WAIT_MS, on_stats, hub);
}

static void
on_tick(uv_timer_t *timer)
{
	struct stats_hub *hub = timer->data;
	uint64_t now_ms = clock_mono_ms();
	struct stats_reader *reader;

	DL_FOREACH (hub->readers, reader)
		http_events_tick(&reader->events, now_ms);
	ask_stats(hub);
}

static void
on_gone(void *arg)
{
	struct stats_reader *reader = arg;
	struct stats_hub *hub = reader->hub;

	DL_DELETE(hub->readers, reader);
	free(reader);
	if (hub->readers != NULL)
		return;
	(void)uv_timer_stop(hub->timer);
	buf_fini(&hub->frame);
	free(hub->cursor);
	hub->cursor = NULL;
}

void
stats_hub_follow(struct stats_hub *hub, struct http_request *request)
{
	struct stats_reader *reader;

	if (http_refuse_stream(request))
		return;
	reader = xcalloc(1, sizeof *reader);
	reader->hub = hub;
	DL_APPEND(hub->readers, reader);
	http_events_begin(&reader->events, request, on_gone, reader);
	send_frame(reader);
	if (!uv_is_active((uv_handle_t *)hub->timer))
		(void)uv_timer_start(hub->timer, on_tick, TICK_MS, TICK_MS);
	ask_stats(hub);
}

struct stats_hub *
stats_hub_new(uv_loop_t *loop, struct upstream *manager)
{
	struct stats_hub *hub = xcalloc(1, sizeof *hub);

	hub->manager = manager;
	hub->timer = xcalloc(1, sizeof *hub->timer);
	(void)uv_timer_init(loop, hub->timer);
	hub->timer->data = hub;
	return hub;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle);
}

void
stats_hub_free(struct stats_hub *hub)
{
	if (hub == NULL)
		return;
	while (hub->readers != NULL)
		on_gone(hub->readers);
	(void)uv_timer_stop(hub->timer);
	uv_close((uv_handle_t *)hub->timer, on_closed);
	free(hub);
}
