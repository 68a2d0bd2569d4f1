/*
 * http_route.h - which handler a path belongs to. Pure.
 */
#pragma once

#include "common/http/http.h"

struct http_match {
	const struct http_route *route; /* NULL: none */
	char *params[HTTP_PARAMS_MAX];  /* each on the heap */
	char allow[64];                 /* methods that the path has; "" : no such path */
};

/* Finds the first route that fits; HEAD fits where GET does. http_match_fini. */
void http_route_find(const struct http_route *routes, const char *method, const char *path,
	struct http_match *ret_match);
void http_match_fini(struct http_match *match);
