#include "services/gateway/pages.h"

#include <stddef.h>
#include <string.h>

#include "services/gateway/api.h"
#include "services/gateway/site.h"

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

const struct http_route pages[] = {
	{"GET", "/v1/health", on_health},
	{"GET", "/v1/ready", on_ready},
	{"GET", "/v1/version", on_version},
	{NULL, NULL, NULL},
};
