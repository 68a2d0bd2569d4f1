/*
 * settings.h - how davit-gateway is told what to be: its table of options.
 *
 * For main.c, before anything else runs.
 */
#pragma once

#include "common/service/service.h"

struct gateway_settings {
	struct service_settings common;
	char *listen, *manager, *monitor, *access_log, *cors_origin;
	char *vms_listen, *vm_image, *vm_password;
	struct option_list contracts, vms_servers;
	uint64_t connections_max, requests_max, streams_max;
};

extern const struct options_spec gateway_options_spec;
