#include "services/gateway/site.h"

#include "common/base/mem.h"
#include "proto/manager.pb-c.h"
#include "proto/monitor.pb-c.h"
#include "services/gateway/api.h"
#include "services/gateway/pages.h"

static size_t
count(const struct http_route *table)
{
	size_t n = 0;

	while (table[n].method != NULL)
		n++;
	return n;
}

static size_t
append(struct http_route *routes, size_t n, const struct http_route *table)
{
	for (; table->method != NULL; table++)
		routes[n++] = *table;
	return n;
}

struct site *
site_new(const struct site_options *options)
{
	const struct http_route *const *tables = options->tables;
	struct site *site = xcalloc(1, sizeof *site);
	size_t n = 0;

	while (api_methods[n].method != NULL)
		n++;
	n += count(pages);
	for (size_t i = 0; tables[i] != NULL; i++)
		n += count(tables[i]);
	site->manager = options->manager;
	site->monitor = options->monitor;
	site->events = event_hub_new(options->loop, options->manager);
	site->stats = stats_hub_new(options->loop, options->manager);
	site->gets = task_gets_new(options->loop, options->manager);
	site->routes = xcalloc(n + 1, sizeof *site->routes);
	/* First, so that a route of the API has the index of its method. */
	for (n = 0; api_methods[n].method != NULL; n++)
		site->routes[n] =
			(struct http_route){api_methods[n].method, api_methods[n].path, api_handle};
	n = append(site->routes, n, pages);
	for (size_t i = 0; tables[i] != NULL; i++)
		n = append(site->routes, n, tables[i]);
	return site;
}

struct upstream *
site_method(const struct site *site, const char *rpc, const ProtobufCMethodDescriptor **ret_method)
{
	*ret_method =
		protobuf_c_service_descriptor_get_method_by_name(&davit__manager__descriptor, rpc);
	if (*ret_method != NULL)
		return site->manager;
	*ret_method = rpc_method(&davit__monitor__descriptor, rpc);
	return site->monitor;
}

void
site_free(struct site *site)
{
	if (site == NULL)
		return;
	event_hub_free(site->events);
	task_gets_free(site->gets);
	stats_hub_free(site->stats);
	free(site->routes);
	free(site);
}
