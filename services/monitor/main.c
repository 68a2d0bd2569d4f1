/*
 * davit-monitor: what a subscriber of the feed sees, for whoever asks. Options and
 * loop; the rest is monitor.c (sockets) and live.c (the view).
 */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/options.h"
#include "common/base/process.h"
#include "services/monitor/monitor.h"

struct settings {
	struct option_list feeds;
	char *listen, *manager, *log_level, *log_file;
	bool print;
};

#define S struct settings
static const struct option_def option_defs[] = {
	OPTION_STRING("listen", 0, "URL", S, listen, "tcp://127.0.0.1:7075",
		"where to accept calls"),
	OPTION_LIST("feed", 0, "URL", S, feeds,
		"a manager's feed in protobuf, may be given more than once; none given: "
		"tcp://127.0.0.1:7071"),
	OPTION_STRING("manager", 0, "URL", S, manager, "tcp://127.0.0.1:7070",
		"whom to ask for what was before; empty: nobody"),
	OPTION_FLAG("print", 0, S, print, "print events and summaries on standard output"),
	OPTION_STRING("log-level", 0, "LEVEL", S, log_level, "info", "error, warn, info or debug"),
	OPTION_STRING("log-file", 0, "FILE", S, log_file, NULL, "instead of standard error"),
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
set_up_log(const struct settings *settings, struct err *err)
{
	enum log_level level;
	int rc = log_level_parse(settings->log_level, &level, err);

	if (rc < 0)
		return rc;
	log_open("monitor", level);
	return settings->log_file == NULL ? 0 : log_to_file(settings->log_file, err);
}

static void
on_stop(void *arg)
{
	(void)process_notify("STOPPING=1");
	uv_stop(arg);
}

static void
on_reload(void *arg)
{
	struct err err;

	(void)arg;
	if (log_reopen(&err) < 0)
		log_warn("log.reopen_failed", "reason=\"%s\", going on in the old file", err.text);
}

static int
serve(const struct settings *settings, struct err *err)
{
	static char default_feed[] = "tcp://127.0.0.1:7071";
	static char *const default_feeds[] = {default_feed};
	const bool has_feeds = settings->feeds.n > 0;
	const struct monitor_options options = {
		.listen = settings->listen,
		.feeds = has_feeds ? settings->feeds.items : default_feeds,
		.n_feeds = has_feeds ? settings->feeds.n : 1,
		.manager = settings->manager,
		.print = settings->print ? stdout : NULL,
	};
	struct process_signals *signals = NULL;
	struct monitor *monitor = NULL;
	uv_loop_t *loop = uv_default_loop();
	int rc = set_up_log(settings, err);

	if (rc == 0)
		rc = monitor_open(loop, &options, &monitor, err);
	if (rc == 0)
		rc = process_signals_start(loop, on_stop, on_reload, loop, &signals, err);
	if (rc == 0) {
		log_info("monitor.ready", "listen=%s feed=%s version=%s", monitor_url(monitor),
			options.feeds[0], DAVIT_VERSION);
		(void)process_notify("READY=1");
		(void)uv_run(loop, UV_RUN_DEFAULT);
		log_info("monitor.stopped", "reason=signal");
	}
	process_signals_stop(signals);
	if (monitor != NULL) {
		monitor_close(monitor);
		(void)uv_run(loop, UV_RUN_DEFAULT);
		monitor_free(monitor);
	}
	return rc;
}

int
main(int argc, char **argv)
{
	struct settings settings = {0};
	struct err err = {0};
	int first, rc;

	process_begin();
	log_open("monitor", LOG_LVL_INFO);
	rc = options_parse(&options_spec, argc, argv, &settings, &first, &err);
	if (rc == OPTIONS_RUN && first < argc)
		rc = err_set(&err, -1, "'%.60s': takes no arguments, see --help", argv[first]);
	if (rc == OPTIONS_RUN)
		rc = serve(&settings, &err);
	else if (rc == OPTIONS_DONE)
		rc = 0;
	if (rc < 0)
		log_error("monitor.failed", "reason=\"%s\"", err.text);
	options_free(option_defs, &settings);
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
