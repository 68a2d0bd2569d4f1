/* Frames of the feed, as a subscriber hears them: cut into topic and payload, kept, shown. */
#include <assert.h>
#include <string.h>

#include "common/pbjson/pbjson.h"
#include "common/rpc/pubsub.h"
#include "services/monitor/live.h"
#include "services/monitor/live_print.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/host.h"

static void
show(struct live *live)
{
	CLEANUP(buf_fini) struct buf text = {0};
	const Davit__GetViewReply *view = live_view(live, 1000, 2000);
	struct live_figures figures;

	live_figures(live, 1000, &figures);
	if (live_last_event(live) != NULL)
		live_print_event(live_last_event(live), &text);
	if (live_cluster(live) != NULL)
		live_print_summary(live_cluster(live), &figures, 2000, &text);
	for (size_t i = 0; i < text.size; i++)
		assert((unsigned char)text.data[i] >= ' ' || text.data[i] == '\n');
	pbjson_print(&view->base, PBJSON_COMPACT, &text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(live_free) struct live *live = live_new();
	const char *part;
	size_t at = 0, n;
	uint64_t now_ms = 1;

	while (host_part(data, size, &at, &part, &n)) {
		char topic[RPC_TOPIC_MAX + 1];
		const void *payload;
		size_t payload_size;

		if (rpc_frame_split(part, n, topic, &payload, &payload_size) < 0)
			continue;
		assert(topic[0] != '\0' && strlen(topic) + 1 + payload_size == n);
		(void)live_take_frame(live, 0, topic, payload, payload_size, now_ms);
		now_ms += 500;
		live_tick(live, now_ms);
	}
	show(live);
	return 0;
}
