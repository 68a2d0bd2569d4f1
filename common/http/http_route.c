#include "common/http/http_route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"

static void
forget_params(struct http_match *match)
{
	for (unsigned i = 0; i < HTTP_PARAMS_MAX; i++) {
		free(match->params[i]);
		match->params[i] = NULL;
	}
}

/* "{name*}" */
static bool
is_rest(const char *pattern, size_t size)
{
	return size >= 3 && pattern[0] == '{' && pattern[size - 2] == '*';
}

/* Segment by segment; what "{…}" stands for goes to the match. */
static bool
fits(const char *pattern, const char *path, struct http_match *match)
{
	unsigned n_params = 0;

	while (*pattern == '/' && *path == '/') {
		size_t want = strcspn(++pattern, "/"), have = strcspn(++path, "/");

		if (is_rest(pattern, want))
			have = strlen(path);
		if (*pattern == '{') {
			if ((have == 0 && !is_rest(pattern, want)) || n_params == HTTP_PARAMS_MAX)
				return false;
			match->params[n_params] = xcalloc(have + 1, 1);
			memcpy(match->params[n_params++], path, have);
		} else if (want != have || memcmp(pattern, path, want) != 0) {
			return false;
		}
		pattern += want;
		path += have;
	}
	return *pattern == '\0' && *path == '\0';
}

static void
allow(struct http_match *match, const char *method)
{
	size_t used = strlen(match->allow);

	if (strstr(match->allow, method) != NULL)
		return;
	(void)snprintf(match->allow + used, sizeof match->allow - used, "%s%s%s",
		used > 0 ? ", " : "", method, strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

void
http_route_find(const struct http_route *routes, const char *method, const char *path,
	struct http_match *ret_match)
{
	const char *as = strcmp(method, "HEAD") == 0 ? "GET" : method;

	*ret_match = (struct http_match){0};
	for (const struct http_route *route = routes; route->method != NULL; route++) {
		forget_params(ret_match);
		if (!fits(route->path, path, ret_match))
			continue;
		if (strcmp(route->method, as) == 0 || strcmp(route->method, "*") == 0) {
			ret_match->route = route;
			return;
		}
		allow(ret_match, route->method);
	}
	forget_params(ret_match);
}

void
http_match_fini(struct http_match *match)
{
	forget_params(match);
}
