/*
 * live_fixture.h - frames of the feed, made shortly. Tests only.
 */
#pragma once

#include <stdbool.h>

#include "common/base/mem.h"
#include "services/monitor/limits.h"
#include "services/monitor/live.h"
#include "tests/lib/test.h"

static inline enum live_frame
live_send(struct live *live, unsigned feed, const char *topic, const ProtobufCMessage *message,
	uint64_t now_ms)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	CLEANUP(free) char *bytes = xmalloc(size);

	(void)protobuf_c_message_pack(message, (uint8_t *)bytes);
	return live_take_frame(live, feed, topic, bytes, size, now_ms);
}

static inline enum live_frame
live_send_event(struct live *live, uint64_t seq, const char *what)
{
	Davit__Event event = DAVIT__EVENT__INIT;
	char text[64], id[] = "t1";

	(void)snprintf(text, sizeof text, "%s", what);
	event.has_seq = true;
	event.seq = seq;
	event.has_kind = true;
	event.kind = DAVIT__EVENT__KIND__TASK;
	event.what = text;
	event.task_id = id;
	return live_send(live, 0, "event.task.running.t1", &event.base, 0);
}

static inline enum live_frame
live_send_node(struct live *live, const char *id, uint64_t session, uint64_t seq, uint64_t now_ms)
{
	Davit__NodeStats stats = DAVIT__NODE_STATS__INIT;
	char text[LIVE_ID_MAX + 64];

	(void)snprintf(text, sizeof text, "%s", id);
	stats.node_id = text;
	stats.has_seq = stats.has_session = true;
	stats.seq = seq;
	stats.session = session;
	return live_send(live, 0, "stats.node.n", &stats.base, now_ms);
}
