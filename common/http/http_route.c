#include "common/http/http_route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"

/* A part of a path. */
struct span {
	const char *text;
	size_t size;
};

static char *
copy(const struct span *span)
{
	char *text = xmalloc(span->size + 1);

	memcpy(text, span->text, span->size);
	text[span->size] = '\0';
	return text;
}

/* "{name*}" */
static bool
is_rest(const char *pattern, size_t size)
{
	return size >= 3 && pattern[0] == '{' && pattern[size - 2] == '*';
}

/* What most routes differ in already, without a look at segments. */
static bool
begins_alike(const char *pattern, const char *path)
{
	while (*pattern == *path && *pattern != '\0') {
		pattern++;
		path++;
	}
	return *pattern == '{' || *pattern == *path;
}

/* Segment by segment; ret_params says where in path what "{…}" stands for is. */
static bool
fits(const char *pattern, const char *path, struct span ret_params[HTTP_PARAMS_MAX])
{
	unsigned n_params = 0;

	while (*pattern == '/' && *path == '/') {
		size_t want = strcspn(++pattern, "/"), have = strcspn(++path, "/");

		if (is_rest(pattern, want))
			have = strlen(path);
		if (*pattern == '{') {
			if ((have == 0 && !is_rest(pattern, want)) || n_params == HTTP_PARAMS_MAX)
				return false;
			ret_params[n_params++] = (struct span){path, have};
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
		struct span params[HTTP_PARAMS_MAX] = {{NULL, 0}};

		if (!begins_alike(route->path, path) || !fits(route->path, path, params))
			continue;
		if (strcmp(route->method, as) != 0 && strcmp(route->method, "*") != 0) {
			allow(ret_match, route->method);
			continue;
		}
		ret_match->route = route;
		for (unsigned i = 0; i < HTTP_PARAMS_MAX && params[i].text != NULL; i++)
			ret_match->params[i] = copy(&params[i]);
		return;
	}
}

void
http_match_fini(struct http_match *match)
{
	for (unsigned i = 0; i < HTTP_PARAMS_MAX; i++) {
		free(match->params[i]);
		match->params[i] = NULL;
	}
}
