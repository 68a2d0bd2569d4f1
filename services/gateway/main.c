/*
 * davit-gateway: HTTP on the one side, calls on the other. Options are in settings.c.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/service/service.h"
#include "services/gateway/channel_stream.h"
#include "services/gateway/contracts/contracts.h"
#include "services/gateway/contracts/vms.h"
#include "services/gateway/observe.h"
#include "services/gateway/settings.h"
#include "services/gateway/site.h"

struct gateway {
	struct upstream *manager, *monitor;
	struct site *site;
	struct http_server *server;
	struct vms *vms;
	struct observe *observe;
};

static int
open_gateway(uv_loop_t *loop, void *arg, void **ret_state, struct err *err)
{
	struct gateway *gateway = *ret_state = xcalloc(1, sizeof *gateway);
	struct gateway_settings *settings = arg;
	enum observe_form form = OBSERVE_NONE;
	struct contracts contracts;
	int rc = contracts_choose(&settings->contracts, &contracts, err);

	if (rc == 0)
		rc = observe_parse(settings->access_log, &form, err);
	if (rc == 0 && settings->listen == NULL)
		rc = contracts_listen(&settings->listen, err);
	if (rc == 0)
		rc = upstream_open(loop, settings->manager, &gateway->manager, err);
	if (rc == 0 && strcmp(settings->monitor, "none") != 0)
		rc = upstream_open(loop, settings->monitor, &gateway->monitor, err);
	if (rc < 0)
		return rc;
	gateway->site = site_new(&(struct site_options){.loop = loop,
		.manager = gateway->manager,
		.monitor = gateway->monitor,
		.tables = contracts.tables});
	gateway->observe = observe_new(form, stdout, settings->common.metrics);
	rc = http_open(loop,
		&(struct http_options){.listen = settings->listen,
			.routes = gateway->site->routes,
			.readers = channel_stream_readers,
			.arg = gateway->site,
			.limits = {.n_connections = (unsigned)settings->connections_max,
				.n_requests = (unsigned)settings->requests_max,
				.n_streams = (unsigned)settings->streams_max},
			.cors_origin = settings->cors_origin,
			.log = observe_entry,
			.log_arg = gateway->observe},
		&gateway->server, err);
	if (rc == 0 && contracts.has_vms)
		rc = vms_open(loop, gateway->site,
			&(struct vms_options){.listen = settings->vms_listen,
				.servers = &settings->vms_servers,
				.image = settings->vm_image,
				.password = settings->vm_password,
				.is_optional = !contracts.is_vms_named},
			&gateway->vms, err);
	if (rc == 0) {
		observe_server(gateway->observe, gateway->server);
		log_info("gateway.ready", "listen=%s manager=%s version=%s",
			http_url(gateway->server), settings->manager, DAVIT_VERSION);
	}
	return rc;
}

static void
close_gateway(void *state)
{
	struct gateway *gateway = state;

	log_info("gateway.stopping", "reason=signal");
	/* First: their calls end, and requests are answered. */
	upstream_close(gateway->manager);
	upstream_close(gateway->monitor);
	vms_close(gateway->vms);
	http_close(gateway->server);
	site_free(gateway->site);
}

static void
free_gateway(void *state)
{
	observe_free(((struct gateway *)state)->observe);
	free(state);
}

static bool
is_ready(void *state, const char **ret_why)
{
	*ret_why = "there is no connection to the manager";
	return upstream_is_connected(((const struct gateway *)state)->manager);
}

static const struct service service = {
	.name = "gateway",
	.options = &gateway_options_spec,
	.settings_size = sizeof(struct gateway_settings),
	.open = open_gateway,
	.close = close_gateway,
	.free = free_gateway,
	.ready = is_ready,
};

int
main(int argc, char **argv)
{
	return service_main(&service, argc, argv);
}
