/*
 * monitor.h - the shell of davit-monitor: sockets and timers around live.h.
 *
 * Subscribes to every feed, asks the manager once for what was before (and again
 * after a gap), answers GetView, prints lines where that is wished. Runs on one
 * libuv loop, in its thread.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <uv.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"

struct metrics;
struct monitor;

/* Texts and lists are borrowed for the monitor's life. */
struct monitor_options {
	const char *listen;
	char *const *feeds;
	size_t n_feeds;
	char *const *managers; /* whom to ask, in the order of the feeds; "": nobody */
	size_t n_managers;
	const char *http;        /* where to serve HTTP; NULL or "": nowhere */
	struct metrics *metrics; /* where it counts */
	FILE *print;             /* lines go here; NULL: nowhere */
};

/* -E2BIG for more than MONITOR_FEEDS_MAX feeds; else as the sockets say. */
int monitor_open(uv_loop_t *loop, const struct monitor_options *options,
	struct monitor **ret_monitor, struct err *err);

/* Where it answers, with the port that was bound. */
const char *monitor_url(const struct monitor *monitor);
/* "": nowhere */
const char *monitor_http_url(const struct monitor *monitor);

/* The loop has to run until it is empty, and then monitor_free. */
void monitor_close(struct monitor *monitor);
void monitor_free(struct monitor *monitor);
