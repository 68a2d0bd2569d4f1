#include "services/gateway/pages.h"

#include <stddef.h>
#include <string.h>

#include "services/gateway/api.h"
#include "services/gateway/channel_stream.h"
#include "services/gateway/openapi.h"
#include "services/gateway/site.h"

/* services/gateway/pages/try.html */
static const unsigned char page[] = {
#include "gateway/try.html.inc"
};

static void
reply(struct http_request *request, const char *json)
{
	http_reply_header(request, "Cache-Control", "no-store");
	http_reply(request, 200, "application/json", json, strlen(json));
}

static void
on_health(struct http_request *request, void *arg)
{
	(void)arg;
	reply(request, "{\"status\":\"ok\"}\n");
}

static void
on_ready(struct http_request *request, void *arg)
{
	const struct site *site = arg;

	if (upstream_is_connected(site->manager))
		reply(request, "{\"status\":\"ok\"}\n");
	else
		api_refuse(request, DAVIT__REPLY__STATUS__UNAVAILABLE,
			"there is no connection to the manager", NULL);
}

static void
on_version(struct http_request *request, void *arg)
{
	(void)arg;
	reply(request, "{\"version\":\"" DAVIT_VERSION "\",\"api\":\"v1\"}\n");
}

static void
on_openapi(struct http_request *request, void *arg)
{
	CLEANUP(buf_fini) struct buf json = {0};

	(void)arg;
	openapi_print(&json);
	api_reply_json(request, 200, &json, NULL);
}

static void
on_page(struct http_request *request, void *arg)
{
	(void)arg;
	http_reply_header(request, "Content-Security-Policy",
		"default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; "
		"script-src 'unsafe-inline'");
	http_reply_header(request, "X-Content-Type-Options", "nosniff");
	http_reply(request, 200, "text/html; charset=utf-8", page, sizeof page);
}

const struct http_route pages[] = {
	{"GET", "/v1/health", on_health},
	{"GET", "/v1/ready", on_ready},
	{"GET", "/v1/version", on_version},
	{"GET", "/openapi.json", on_openapi},
	{"GET", "/v1", on_page},
	{"GET", "/v1/", on_page},
	{"POST", "/v1/tasks/{task}/exec", channel_stream_exec},
	{"GET", "/v1/tasks/{task}/archive", channel_stream_copy_out},
	{"PUT", "/v1/tasks/{task}/archive", channel_stream_copy_in},
	{"POST", "/v1/images/pull", channel_stream_pull},
	{NULL, NULL, NULL},
};
