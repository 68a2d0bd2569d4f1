/*
 * site.h - what every handler of the gateway has at hand: the arg of its routes.
 */
#pragma once

#include "common/http/http.h"
#include "services/gateway/event_hub.h"
#include "services/gateway/stats_hub.h"
#include "services/gateway/task_gets.h"
#include "services/gateway/upstream.h"

struct site {
	struct upstream *manager; /* borrowed */
	struct upstream *monitor; /* borrowed; NULL: there is none */
	struct event_hub *events;
	struct task_gets *gets;
	struct stats_hub *stats;
	struct http_route *routes;
};

struct site_options {
	uv_loop_t *loop;
	struct upstream *manager; /* borrowed for its life, as is the next */
	struct upstream *monitor; /* may be NULL */
	/* Routes behind the native API's: each table ends with method NULL, the list with NULL. */
	const struct http_route *const *tables;
};

/* Freed after upstreams and server are closed; the loop must turn once more. */
struct site *site_new(const struct site_options *options);
void site_free(struct site *site);
CLEANUP_DEFINE(struct site *, site_free)

/* Who answers calls of that name (NULL: nobody here), and the method: the name is a literal. */
struct upstream *site_method(const struct site *site, const char *rpc,
	const ProtobufCMethodDescriptor **ret_method);
