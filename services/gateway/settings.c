#include "services/gateway/settings.h"

#define S struct gateway_settings
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

const struct options_spec gateway_options_spec = {
	.program = "davit-gateway",
	.summary = "Answers HTTP for a Davit cluster.",
	.env_prefix = "DAVIT_",
	.defs = option_defs,
};
