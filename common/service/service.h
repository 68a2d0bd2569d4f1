/*
 * service.h - the frame of every service: from its options to its end.
 *
 *     static const struct service service = {.name = "manager", .options = &options_spec,
 *             .settings_size = sizeof(struct settings), .open = open_manager, ...};
 *
 *     int
 *     main(int argc, char **argv)
 *     {
 *             return service_main(&service, argc, argv);
 *     }
 *
 * service_main prepares the process, reads the options, sets up the log, opens the
 * service, tells the supervisor that it is ready, and runs the loop until TERM or
 * INT; HUP opens the log file anew. One thread, the main one. With --probe it asks the one
 * that runs instead: for the health checks of containers, which have no curl.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "common/base/err.h"
#include "common/base/options.h"
#include "common/metrics/metrics.h"

/* What every service can be told. It is the first member, `common`, of its settings. */
struct service_settings {
	char *log_level, *log_file, *admin;
	bool is_probe;
	/* Where the service counts; never NULL. Made by service_main before open. */
	struct metrics *metrics;
};

/* The rows of the above in a table of options for the settings S. */
#define SERVICE_OPTIONS(S)                                                                  \
	OPTION_STRING("log-level", 0, "LEVEL", S, common.log_level, "info",                 \
		"error, warn, info or debug"),                                              \
		OPTION_STRING("log-file", 0, "FILE", S, common.log_file, NULL,              \
			"instead of standard error"),                                       \
		OPTION_STRING("admin", 0, "ADDRESS", S, common.admin, NULL,                 \
			"where to serve /metrics, /health and /ready: http://HOST:PORT or " \
			"unix:///PATH; default: nowhere"),                                  \
		OPTION_FLAG("probe", 0, S, common.is_probe,                                 \
			"ask the one that runs, at --admin, whether it is ready: exit 0, or 1 and why")

struct service {
	const char *name; /* "manager": in the log */
	const struct options_spec *options;
	size_t settings_size;
	bool spares_memory; /* process_spare_memory */
	/*
	 * Makes it serve, and logs that it does. settings stay until the end. On an error
	 * *ret_state may be set or not: close and free are called if it is not NULL.
	 */
	int (*open)(uv_loop_t *loop, void *settings, void **ret_state, struct err *err);
	/* Says goodbye and calls uv_stop on the loop after that. NULL: the loop stops at once. */
	void (*stop)(void *state);
	/* Begins to close everything; the loop runs until nothing is left on it, then free. */
	void (*close)(void *state);
	void (*free)(void *state);
	/* Whether it can do its work, else why not (borrowed). NULL: as soon as it is open. */
	bool (*ready)(void *state, const char **ret_why);
};

/* The exit status. What went wrong has been said on standard error and in the log. */
int service_main(const struct service *service, int argc, char **argv);
