/*
 * davit-gateway: HTTP on the one side, calls on the other. Options and loop; the rest is
 * api.c (paths to calls) and upstream.c (connections).
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
#include "services/gateway/site.h"

struct settings {
	struct service_settings common;
	char *listen, *manager, *monitor, *access_log, *cors_origin;
	char *vms_listen, *vm_image, *vm_password;
	struct option_list contracts, vms_servers;
	uint64_t connections_max, requests_max, streams_max;
};

#define S struct settings
static const struct option_def option_defs[] = {
	OPTION_STRING("listen", 0, "URL", S, listen, NULL,
		"where to accept requests; default: http://127.0.0.1:8080, or as "
		"ORCHESTRATION_HOST, ORCHESTRATION_PORT and PORT say"),
	OPTION_STRING("manager", 0, "URL", S, manager, "tcp://127.0.0.1:7070", "whom to ask"),
	OPTION_STRING("monitor", 0, "URL", S, monitor, "tcp://127.0.0.1:7075",
		"whom to ask for /v1/top, /v1/history and /v1/view; none: nobody"),
	OPTION_LIST("contracts", 0, "NAME", S, contracts,
		"of other systems: all (the default), none, or some of provision, vms, pods, "
		"tasks, containers"),
	OPTION_STRING("vms-listen", 0, "URL", S, vms_listen, "http://127.0.0.1:8000",
		"the load balancer of the contract vms"),
	OPTION_LIST("vms-server", 0, "URL[=NODE]", S, vms_servers,
		"its server nodes, one for each worker; default: http://127.0.0.1:5000 and "
		"http://127.0.0.1:5001"),
	OPTION_STRING("vm-image", 0, "IMAGE", S, vm_image, NULL,
		"of virtual machines; default: davit-vm, which deploy/images/vm makes"),
	OPTION_STRING("vm-password", 0, "TEXT", S, vm_password, NULL,
		"of root in all of them; default: a random one for each, told once"),
	OPTION_NUMBER("connections-max", 0, "N", S, connections_max, "12000", 1, 1000000,
		"clients at one time; more wait to be accepted"),
	OPTION_NUMBER("requests-max", 0, "N", S, requests_max, "4096", 1, 1000000,
		"requests that are not answered yet; one more is answered 503"),
	OPTION_NUMBER("streams-max", 0, "N", S, streams_max, "10000", 1, 1000000,
		"streams that are read (events, logs, …); one more is answered 503"),
	OPTION_STRING("access-log", 0, "FORM", S, access_log, "off",
		"of each request a line on standard output: off, common or json"),
	OPTION_STRING("cors-origin", 0, "ORIGINS", S, cors_origin, NULL,
		"whose pages may read answers: *, or a list with commas; default: nobody's"),
	SERVICE_OPTIONS(S),
	OPTION_END,
};
#undef S

static const struct options_spec options_spec = {
	.program = "davit-gateway",
	.summary = "Answers HTTP for a Davit cluster.",
	.env_prefix = "DAVIT_",
	.defs = option_defs,
};

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
	struct settings *settings = arg;
	struct gateway *gateway = *ret_state = xcalloc(1, sizeof *gateway);
	struct http_options options = {
		.limits = {.n_connections = (unsigned)settings->connections_max,
			.n_requests = (unsigned)settings->requests_max,
			.n_streams = (unsigned)settings->streams_max},
		.cors_origin = settings->cors_origin,
		.log = observe_entry};
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
	options.log_arg = gateway->observe = observe_new(form, stdout, settings->common.metrics);
	options.listen = settings->listen;
	options.routes = gateway->site->routes;
	options.readers = channel_stream_readers;
	options.arg = gateway->site;
	rc = http_open(loop, &options, &gateway->server, err);
	if (rc == 0 && contracts.has_vms)
		rc = vms_open(loop, gateway->site,
			&(struct vms_options){.listen = settings->vms_listen,
				.servers = &settings->vms_servers,
				.image = settings->vm_image,
				.password = settings->vm_password,
				.is_optional = !contracts.is_vms_named},
			&gateway->vms, err);
	if (rc < 0)
		return rc;
	observe_server(gateway->observe, gateway->server);
	log_info("gateway.ready", "listen=%s manager=%s version=%s", http_url(gateway->server),
		settings->manager, DAVIT_VERSION);
	return 0;
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
	struct gateway *gateway = state;

	observe_free(gateway->observe);
	free(gateway);
}

static bool
is_ready(void *state, const char **ret_why)
{
	const struct gateway *gateway = state;

	*ret_why = "there is no connection to the manager";
	return upstream_is_connected(gateway->manager);
}

static const struct service service = {
	.name = "gateway",
	.options = &options_spec,
	.settings_size = sizeof(struct settings),
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
