/*
 * web_impl.h - what the files of the monitor's HTTP side know of each other. One thread.
 */
#pragma once

#include "common/http/http.h"
#include "services/monitor/web.h"

struct web_reader;

struct web {
	struct http_server *server;
	struct live *live;
	struct roster *roster;
	struct metrics *metrics;
	struct web_reader *readers;
	unsigned n_readers;
	uint64_t n_missed; /* messages that readers were too slow for */
	uint64_t run;      /* names this run of the monitor in the ids of events */
};

/* web_metrics.c */
void web_metrics_add(struct web *web);

/* web_targets.c: the JSON of http_sd. label is "KEY" or "KEY=VALUE", or NULL; port 0: all. */
void web_targets_print(const struct roster *roster, const char *label, unsigned port,
	struct buf *out);

/* web_streams.c */
http_handle_fn web_on_events, web_on_stats;
void web_streams_take(struct web *web, enum live_frame kind);
void web_streams_tick(struct web *web, uint64_t now_ms);
/* Forgets the readers; the server is closed already. */
void web_streams_fini(struct web *web);
