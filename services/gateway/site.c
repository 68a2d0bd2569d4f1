#include "services/gateway/site.h"

#include "common/base/mem.h"
#include "services/gateway/api.h"

static size_t
count(const struct http_route *table)
{
	size_t n = 0;

	while (table[n].method != NULL)
		n++;
	return n;
}

struct site *
site_new(uv_loop_t *loop, struct upstream *manager, const struct http_route *const *tables)
{
	struct site *site = xcalloc(1, sizeof *site);
	size_t n = 0;

	while (api_methods[n].method != NULL)
		n++;
	for (size_t i = 0; tables[i] != NULL; i++)
		n += count(tables[i]);
	site->manager = manager;
	site->events = event_hub_new(loop, manager);
	site->routes = xcalloc(n + 1, sizeof *site->routes);
	/* First, so that a route of the API has the index of its method. */
	for (n = 0; api_methods[n].method != NULL; n++)
		site->routes[n] =
			(struct http_route){api_methods[n].method, api_methods[n].path, api_handle};
	for (size_t i = 0; tables[i] != NULL; i++)
		for (size_t j = 0; tables[i][j].method != NULL; j++)
			site->routes[n++] = tables[i][j];
	return site;
}

void
site_free(struct site *site)
{
	if (site == NULL)
		return;
	event_hub_free(site->events);
	free(site->routes);
	free(site);
}
