#include "services/monitor/monitor.h"

#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/metrics/metrics.h"
#include "common/rpc/pubsub.h"
#include "common/rpc/server.h"
#include "services/monitor/asker.h"
#include "services/monitor/limits.h"
#include "services/monitor/live.h"
#include "services/monitor/live_calls.h"
#include "services/monitor/live_print.h"
#include "services/monitor/roster.h"
#include "services/monitor/roster_calls.h"
#include "services/monitor/web.h"

struct monitor;

struct feed {
	struct monitor *monitor;
	struct rpc_sub *sub;
	struct asker *asker; /* of its manager; NULL: nobody is asked */
	bool was_connected;
};

struct monitor {
	struct live *live;
	struct live_calls *calls;
	struct feed feeds[MONITOR_FEEDS_MAX];
	size_t n_feeds;
	struct rpc_server *server;
	struct roster *roster;
	struct metrics *metrics;
	struct metric *delay;
	struct web *web; /* NULL: no HTTP */
	uv_timer_t tick;
	uint64_t second; /* of the last sums */
	FILE *print;
	struct buf line;
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
take_node(struct monitor *monitor, const Davit__NodeStats *stats)
{
	uint64_t wall_ms = clock_wall_ms();

	roster_take_stats(monitor->roster, stats, wall_ms);
	if (stats->has_ts_ms && stats->ts_ms <= wall_ms)
		metric_observe(monitor->delay, NULL, (double)(wall_ms - stats->ts_ms) / 1000);
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
	if (kind == LIVE_FRAME_EVENT)
		roster_take_event(monitor->roster, live_last_event(monitor->live));
	if (kind == LIVE_FRAME_NODE)
		take_node(monitor, live_last_node(monitor->live));
	if (monitor->web != NULL)
		web_take_frame(monitor->web, kind);
	if (kind != LIVE_FRAME_EVENT || monitor->print == NULL)
		return;
	live_print_event(live_last_event(monitor->live), &monitor->line);
	print_line(monitor);
}

static void
ask_managers(struct monitor *monitor, uint64_t now_ms)
{
	bool has_gap = live_has_gap(monitor->live);

	live_gap_done(monitor->live);
	for (size_t i = 0; i < monitor->n_feeds; i++) {
		struct asker *asker = monitor->feeds[i].asker;

		if (asker == NULL)
			continue;
		if (has_gap)
			asker_want(asker);
		asker_tick(asker, now_ms);
	}
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
			if (feed->asker != NULL)
				asker_want(feed->asker); /* what was missed meanwhile */
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
	uint64_t now_ms = clock_mono_ms(), wall_ms = clock_wall_ms();

	watch_feeds(monitor);
	ask_managers(monitor, now_ms);
	live_tick(monitor->live, now_ms);
	if (wall_ms / 1000 != monitor->second) {
		monitor->second = wall_ms / 1000;
		roster_tick(monitor->roster, wall_ms);
	}
	if (monitor->web != NULL)
		web_tick(monitor->web, now_ms);
	live_calls_tick(monitor->calls, now_ms);
	print_summary(monitor, now_ms);
}

static void
on_call(struct rpc_call *call, void *arg)
{
	const struct monitor *monitor = arg;
	const char *method = rpc_call_method(call);

	if (strcmp(method, "GetView") == 0) {
		live_calls_take(monitor->calls, call, clock_mono_ms());
		return;
	}
	if (strcmp(method, "GetTop") == 0)
		roster_call_top(monitor->roster, monitor->live, call, clock_wall_ms());
	else
		roster_call_history(monitor->roster, call, clock_wall_ms());
	rpc_call_send(call);
}

static void
collect_feeds(struct expo *expo, void *arg)
{
	const struct monitor *monitor = arg;
	uint64_t n_dropped = 0;

	expo_family(expo, &(struct expo_family){EXPO_GAUGE, "davit_feed_up",
				  "1 while the feed is connected.", 0});
	for (size_t i = 0; i < monitor->n_feeds; i++) {
		struct expo_label label = {"feed", rpc_sub_url(monitor->feeds[i].sub)};

		n_dropped += rpc_sub_n_dropped(monitor->feeds[i].sub);
		expo_sample(expo, &label, 1, rpc_sub_n_publishers(monitor->feeds[i].sub) > 0);
	}
	expo_single(expo, EXPO_COUNTER, "davit_feed_dropped",
		"Came in and were dropped: the monitor was too slow, or they were no messages.",
		(double)n_dropped);
}

static void
make_metrics(struct monitor *monitor)
{
	static const struct metric_def delay = {.kind = EXPO_HISTOGRAM,
		.name = "davit_feed_delay_seconds",
		.help = "From a worker's reading of its figures to here.",
		.bounds = metric_seconds,
		.n_bounds = METRIC_SECONDS_COUNT};

	monitor->delay = metrics_add(monitor->metrics, &delay);
	metrics_collect(monitor->metrics, collect_feeds, monitor);
}

static int
open_web(struct monitor *monitor, uv_loop_t *loop, const struct monitor_options *options,
	struct err *err)
{
	const struct web_options web = {options->http, monitor->live, monitor->roster,
		monitor->metrics};

	if (options->http == NULL || options->http[0] == '\0')
		return 0;
	return web_open(loop, &web, &monitor->web, err);
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
		if (i < options->n_managers && options->managers[i][0] != '\0' &&
			asker_open(loop, options->managers[i], (unsigned)i, monitor->live,
				monitor->roster, &feed->asker, err) < 0)
			return err_wrap(err, "--manager");
	}
	if (open_web(monitor, loop, options, err) < 0)
		return err_wrap(err, "--http");
	if (rpc_server_open(loop, options->listen, services, on_call, monitor, &monitor->server,
		    err) < 0)
		return err_wrap(err, "--listen");
	rpc_server_measure(monitor->server, monitor->metrics);
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
	monitor->print_ms = clock_mono_ms() + MONITOR_SUMMARY_MS / 5;
	monitor->live = live_new();
	monitor->roster = roster_new();
	monitor->metrics = options->metrics;
	make_metrics(monitor);
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
	ask_managers(monitor, clock_mono_ms());
	*ret_monitor = monitor;
	return 0;
}

const char *
monitor_url(const struct monitor *monitor)
{
	return rpc_server_url(monitor->server);
}

const char *
monitor_http_url(const struct monitor *monitor)
{
	return monitor->web == NULL ? "" : web_url(monitor->web);
}

void
monitor_close(struct monitor *monitor)
{
	live_calls_free(monitor->calls);
	monitor->calls = NULL;
	web_close(TAKE(monitor->web));
	for (size_t i = 0; i < monitor->n_feeds; i++) {
		rpc_sub_close(monitor->feeds[i].sub);
		asker_close(monitor->feeds[i].asker);
	}
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
	roster_free(monitor->roster);
	buf_fini(&monitor->line);
	free(monitor);
}
