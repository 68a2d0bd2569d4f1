/*
 * web.h - what the monitor shows over HTTP.
 *
 *     GET /metrics             Prometheus's text format or OpenMetrics, by Accept
 *     GET /v1/sd/prometheus    http_sd: targets of running tasks (?label=KEY[=VALUE]&port=N)
 *     GET /v1/events           server-sent events, from Last-Event-ID on (?kind=, ?namespace=)
 *     GET /v1/stats            server-sent events, as they come (?task=ID, ?node=NAME)
 *     GET /health, /ready      whether it runs; whether it has heard of a cluster
 *
 * A reader of events that is slow reads on where it was as long as that is kept
 * (LIVE_EVENTS_MAX), and is told how many it missed. A reader of stats that is slow misses
 * some, and is told. Nobody waits for either. One thread.
 */
#pragma once

#include <uv.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/metrics/metrics.h"
#include "services/monitor/live.h"
#include "services/monitor/roster.h"

struct web;

/* All borrowed for its life. */
struct web_options {
	const char *listen; /* http.h has what is an address */
	struct live *live;
	struct roster *roster;
	struct metrics *metrics; /* collectors for the above are added to it */
};

int web_open(uv_loop_t *loop, const struct web_options *options, struct web **ret_web,
	struct err *err);

/* The address with the port that was bound. */
const char *web_url(const struct web *web);

/* The view took a frame of that kind. */
void web_take_frame(struct web *web, enum live_frame kind);

/* A few times a second; times are monotonic. */
void web_tick(struct web *web, uint64_t now_ms);

/* The loop must turn once more. */
void web_close(struct web *web);
CLEANUP_DEFINE(struct web *, web_close)
