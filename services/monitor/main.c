/*
 * davit-monitor: what a subscriber of the feed sees, for whoever asks. Options and
 * loop; the rest is monitor.c (sockets) and live.c (the view).
 */
#include <stdio.h>

#include "common/base/log.h"
#include "common/service/service.h"
#include "services/monitor/monitor.h"

struct settings {
	struct service_settings common;
	struct option_list feeds, managers;
	char *listen, *http;
	bool print;
};

#define S struct settings
static const struct option_def option_defs[] = {
	OPTION_STRING("listen", 0, "URL", S, listen, "tcp://127.0.0.1:7075",
		"where to accept calls"),
	OPTION_LIST("feed", 0, "URL", S, feeds,
		"a manager's feed in protobuf, may be given more than once; none given: "
		"tcp://127.0.0.1:7071"),
	OPTION_LIST("manager", 0, "URL", S, managers,
		"whom to ask for what was before, in the order of the feeds, \"\" for nobody; none "
		"given: tcp://127.0.0.1:7070"),
	OPTION_STRING("http", 0, "URL", S, http, "http://127.0.0.1:7080",
		"where to serve /metrics and server-sent events, or unix:///PATH; empty: nowhere"),
	OPTION_FLAG("print", 0, S, print, "print events and summaries on standard output"),
	SERVICE_OPTIONS(S),
	OPTION_END,
};
#undef S

static const struct options_spec options_spec = {
	.program = "davit-monitor",
	.summary = "Follows a Davit cluster's events and statistics and shows them.",
	.env_prefix = "DAVIT_",
	.defs = option_defs,
};

static int
open_monitor(uv_loop_t *loop, void *arg, void **ret_state, struct err *err)
{
	static char default_feed[] = "tcp://127.0.0.1:7071";
	static char *const default_feeds[] = {default_feed};
	static char default_manager[] = "tcp://127.0.0.1:7070";
	static char *const default_managers[] = {default_manager};
	const struct settings *settings = arg;
	const bool has_feeds = settings->feeds.n > 0, has_managers = settings->managers.n > 0;
	const struct monitor_options options = {
		.listen = settings->listen,
		.feeds = has_feeds ? settings->feeds.items : default_feeds,
		.n_feeds = has_feeds ? settings->feeds.n : 1,
		.managers = has_managers ? settings->managers.items : default_managers,
		.n_managers = has_managers ? settings->managers.n : 1,
		.http = settings->http,
		.metrics = settings->common.metrics,
		.print = settings->print ? stdout : NULL,
	};
	struct monitor *monitor = NULL;
	int rc = monitor_open(loop, &options, &monitor, err);

	*ret_state = monitor;
	if (rc == 0)
		log_info("monitor.ready", "listen=%s http=%s feed=%s version=%s",
			monitor_url(monitor), monitor_http_url(monitor), options.feeds[0],
			DAVIT_VERSION);
	return rc;
}

static void
close_monitor(void *state)
{
	log_info("monitor.stopping", "reason=signal");
	monitor_close(state);
}

static void
free_monitor(void *state)
{
	monitor_free(state);
}

static const struct service service = {
	.name = "monitor",
	.options = &options_spec,
	.settings_size = sizeof(struct settings),
	.open = open_monitor,
	.close = close_monitor,
	.free = free_monitor,
};

int
main(int argc, char **argv)
{
	return service_main(&service, argc, argv);
}
