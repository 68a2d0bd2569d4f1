#include "services/monitor/monitor.h"

#include <errno.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/rpc/client.h"
#include "common/rpc/pubsub.h"
#include "common/rpc/server.h"
#include "services/monitor/limits.h"
#include "services/monitor/live.h"
#include "services/monitor/live_calls.h"
#include "services/monitor/live_print.h"

struct monitor;

struct feed {
	struct monitor *monitor;
	struct rpc_sub *sub;
	bool was_connected;
};

struct monitor {
	struct live *live;
	struct live_calls *calls;
	struct feed feeds[MONITOR_FEEDS_MAX];
	size_t n_feeds;
	struct rpc_server *server;
	struct rpc_client *client;
	uv_timer_t tick;
	FILE *print;
	struct buf line;
	bool wants_stats;  /* the manager is to be asked */
	bool is_asking;    /* a call is under way */
	uint64_t ask_ms;   /* not before this moment */
	uint64_t print_ms; /* of the next summary */
};

static void
print_line(struct monitor *monitor)
{
	(void)fwrite(monitor->line.data, 1, monitor->line.size, monitor->print);
	(void)fflush(monitor->print);
	buf_reset(&monitor->line);
}

static void
on_frame(const char *topic, const void *payload, size_t size, void *arg)
{
	const struct feed *feed = arg;
	struct monitor *monitor = feed->monitor;
	enum live_frame kind = live_take_frame(monitor->live, (unsigned)(feed - monitor->feeds),
		topic, payload, size, clock_mono_ms());

	if (kind == LIVE_FRAME_BAD)
		log_debug("monitor.frame_bad", "topic=%s size=%zu", topic, size);
	if (kind != LIVE_FRAME_EVENT || monitor->print == NULL)
		return;
	live_print_event(live_last_event(monitor->live), &monitor->line);
	print_line(monitor);
}

static void
on_stats(const struct rpc_result *result, void *arg)
{
	struct monitor *monitor = arg;

	monitor->is_asking = false;
	if (result->status == DAVIT__REPLY__STATUS__CANCELLED)
		return;
	if (result->status != DAVIT__REPLY__STATUS__OK) {
		monitor->wants_stats = true;
		monitor->ask_ms = clock_mono_ms() + MONITOR_ASK_AGAIN_MS;
		log_debug("monitor.ask_failed", "reason=\"%s\", asking again in %d ms",
			result->message, MONITOR_ASK_AGAIN_MS);
		return;
	}
	live_take_stats(monitor->live, (const Davit__GetStatsReply *)result->response,
		clock_mono_ms());
}

/* Tasks are left out: their figures come with the next second's messages. */
static void
ask_manager(struct monitor *monitor, uint64_t now_ms)
{
	Davit__GetStatsRequest request = DAVIT__GET_STATS_REQUEST__INIT;

	if (live_has_gap(monitor->live)) {
		live_gap_done(monitor->live);
		monitor->wants_stats = true;
	}
	if (monitor->client == NULL || !monitor->wants_stats || monitor->is_asking ||
		now_ms < monitor->ask_ms)
		return;
	monitor->wants_stats = false;
	monitor->is_asking = true;
	monitor->ask_ms = now_ms + MONITOR_ASK_AGAIN_MS;
	request.has_tasks = true;
	request.tasks = false;
	(void)rpc_client_call(monitor->client, rpc_method(&davit__manager__descriptor, "GetStats"),
		&request.base,
		&(const struct rpc_call_options){.timeout_ms = MONITOR_ASK_TIMEOUT_MS}, on_stats,
		monitor);
}

static void
watch_feeds(struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->n_feeds; i++) {
		struct feed *feed = &monitor->feeds[i];
		bool is_connected = rpc_sub_n_publishers(feed->sub) > 0;

		if (is_connected == feed->was_connected)
			continue;
		feed->was_connected = is_connected;
		if (is_connected) {
			log_info("monitor.feed_up", "feed=%s", rpc_sub_url(feed->sub));
			monitor->wants_stats = true; /* what was missed meanwhile */
		} else {
			log_warn("monitor.feed_down", "feed=%s, dialing again",
				rpc_sub_url(feed->sub));
		}
	}
}

static void
print_summary(struct monitor *monitor, uint64_t now_ms)
{
	struct live_figures figures;

	if (monitor->print == NULL || now_ms < monitor->print_ms)
		return;
	monitor->print_ms = now_ms + MONITOR_SUMMARY_MS;
	live_figures(monitor->live, now_ms, &figures);
	live_print_summary(live_cluster(monitor->live), &figures, clock_wall_ms(), &monitor->line);
	print_line(monitor);
}

static void
on_tick(uv_timer_t *timer)
{
	struct monitor *monitor = timer->data;
	uint64_t now_ms = clock_mono_ms();

	watch_feeds(monitor);
	ask_manager(monitor, now_ms);
	live_tick(monitor->live, now_ms);
	live_calls_tick(monitor->calls, now_ms);
	print_summary(monitor, now_ms);
}

static void
on_call(struct rpc_call *call, void *arg)
{
	const struct monitor *monitor = arg;

	live_calls_take(monitor->calls, call, clock_mono_ms());
}

static int
open_sockets(struct monitor *monitor, uv_loop_t *loop, const struct monitor_options *options,
	struct err *err)
{
	static const ProtobufCServiceDescriptor *const services[] = {&davit__monitor__descriptor,
		NULL};
	static const char *const topics[] = {"event.", "stats.", NULL};

	for (size_t i = 0; i < options->n_feeds; i++) {
		struct feed *feed = &monitor->feeds[i];

		feed->monitor = monitor;
		if (rpc_sub_open(loop, options->feeds[i], RPC_DIAL, topics, on_frame, feed,
			    &feed->sub, err) < 0)
			return err_wrap(err, "--feed");
		monitor->n_feeds++;
	}
	if (options->manager != NULL && options->manager[0] != '\0' &&
		rpc_client_open(loop, options->manager, &monitor->client, err) < 0)
		return err_wrap(err, "--manager");
	if (rpc_server_open(loop, options->listen, services, on_call, monitor, &monitor->server,
		    err) < 0)
		return err_wrap(err, "--listen");
	return 0;
}

int
monitor_open(uv_loop_t *loop, const struct monitor_options *options, struct monitor **ret_monitor,
	struct err *err)
{
	struct monitor *monitor;
	int rc;

	if (options->n_feeds > MONITOR_FEEDS_MAX)
		return err_set(err, -E2BIG, "%zu feeds, at most %d", options->n_feeds,
			MONITOR_FEEDS_MAX);
	monitor = xcalloc(1, sizeof *monitor);
	monitor->print = options->print;
	monitor->wants_stats = true;
	monitor->print_ms = clock_mono_ms() + MONITOR_SUMMARY_MS / 5;
	monitor->live = live_new();
	monitor->calls =
		live_calls_new(monitor->live, options->n_feeds > 0 ? options->feeds[0] : "no feed");
	(void)uv_timer_init(loop, &monitor->tick);
	monitor->tick.data = monitor;
	(void)uv_timer_start(&monitor->tick, on_tick, MONITOR_TICK_MS, MONITOR_TICK_MS);
	rc = open_sockets(monitor, loop, options, err);
	if (rc < 0) {
		monitor_close(monitor);
		(void)uv_run(loop, UV_RUN_DEFAULT);
		monitor_free(monitor);
		return rc;
	}
	ask_manager(monitor, clock_mono_ms());
	*ret_monitor = monitor;
	return 0;
}

const char *
monitor_url(const struct monitor *monitor)
{
	return rpc_server_url(monitor->server);
}

void
monitor_close(struct monitor *monitor)
{
	live_calls_free(monitor->calls);
	monitor->calls = NULL;
	for (size_t i = 0; i < monitor->n_feeds; i++)
		rpc_sub_close(monitor->feeds[i].sub);
	if (monitor->client != NULL)
		rpc_client_close(monitor->client);
	if (monitor->server != NULL)
		rpc_server_close(monitor->server);
	uv_close((uv_handle_t *)&monitor->tick, NULL);
}

void
monitor_free(struct monitor *monitor)
{
	if (monitor == NULL)
		return;
	live_free(monitor->live);
	buf_fini(&monitor->line);
	free(monitor);
}
