#include "services/monitor/web.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/http/http_metrics.h"
#include "services/monitor/web_impl.h"

static void
on_metrics(struct http_request *request, void *arg)
{
	struct web *web = arg;

	http_reply_metrics(request, web->metrics);
}

static void
on_targets(struct http_request *request, void *arg)
{
	struct web *web = arg;
	const char *port = http_query(request, "port");
	CLEANUP(buf_fini) struct buf out = {0};
	unsigned long number = 0;
	char *end = NULL;

	if (port != NULL) {
		number = strtoul(port, &end, 10);
		if (*port == '\0' || *end != '\0' || number < 1 || number > UINT16_MAX) {
			http_refuse(request, 400, "port is a container's port, 1 to 65535");
			return;
		}
	}
	web_targets_print(web->roster, http_query(request, "label"), (unsigned)number, &out);
	http_reply(request, 200, "application/json", out.data, out.size);
}

static void
on_health(struct http_request *request, void *arg)
{
	(void)arg;
	http_reply(request, 200, "text/plain", "ok\n", 3);
}

static void
on_ready(struct http_request *request, void *arg)
{
	struct web *web = arg;

	if (live_version(web->live) == 0)
		http_refuse(request, 503, "nothing was heard yet");
	else
		http_reply(request, 200, "text/plain", "ok\n", 3);
}

static const struct http_route routes[] = {
	{"GET", "/metrics", on_metrics},
	{"GET", "/v1/sd/prometheus", on_targets},
	{"GET", "/v1/events", web_on_events},
	{"GET", "/v1/stats", web_on_stats},
	{"GET", "/health", on_health},
	{"GET", "/ready", on_ready},
	{NULL, NULL, NULL},
};

int
web_open(uv_loop_t *loop, const struct web_options *options, struct web **ret_web, struct err *err)
{
	struct web *web = xcalloc(1, sizeof *web);
	struct http_options http = {.listen = options->listen, .routes = routes, .arg = web};
	int rc;

	web->live = options->live;
	web->roster = options->roster;
	web->metrics = options->metrics;
	web->run = clock_wall_ms();
	rc = http_open(loop, &http, &web->server, err);
	if (rc < 0) {
		free(web);
		return rc;
	}
	web_metrics_add(web);
	*ret_web = web;
	return 0;
}

const char *
web_url(const struct web *web)
{
	return http_url(web->server);
}

void
web_take_frame(struct web *web, enum live_frame kind)
{
	if (web->n_readers > 0)
		web_streams_take(web, kind);
}

void
web_tick(struct web *web, uint64_t now_ms)
{
	if (web->n_readers > 0)
		web_streams_tick(web, now_ms);
}

void
web_close(struct web *web)
{
	if (web == NULL)
		return;
	http_close(web->server);
	web_streams_fini(web);
	free(web);
}
