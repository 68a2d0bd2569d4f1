/*
 * site.h - what every handler of the gateway has at hand: the arg of its routes.
 */
#pragma once

#include "common/http/http.h"
#include "services/gateway/event_hub.h"
#include "services/gateway/upstream.h"

struct site {
	struct upstream *manager; /* borrowed */
	struct event_hub *events;
	struct http_route *routes;
};

/*
 * The native API and the tables (each ends with method NULL; the list with NULL) behind it.
 * It is freed after upstream and server are closed; the loop must turn once more.
 */
struct site *site_new(uv_loop_t *loop, struct upstream *manager,
	const struct http_route *const *tables);
void site_free(struct site *site);
CLEANUP_DEFINE(struct site *, site_free)
