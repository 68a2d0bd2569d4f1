#include "services/gateway/contracts/ports.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/units.h"

static int
read_port(const char *text, const json_t *host, Davit__Port *port, struct err *err)
{
	static const char *const protocols[] = {"/tcp", "/udp", "/sctp"};
	size_t n = strcspn(text, "/"), i = 0;
	char number[8] = "";
	uint64_t value;

	if (n == 0 || n >= sizeof number)
		return err_set(err, -EINVAL, "'%.40s' is no port; want 80/tcp", text);
	memcpy(number, text, n);
	if (units_parse_number(number, 1, UINT16_MAX, &value, err) < 0)
		return err->code;
	port->container_port = (uint32_t)value;
	while (i < 3 && text[n] != '\0' && strcmp(text + n, protocols[i]) != 0)
		i++;
	if (i == 3)
		return err_set(err, -EINVAL, "'%.40s': want /tcp, /udp or /sctp", text);
	port->has_protocol = true;
	port->protocol = (Davit__Port__Protocol)i;
	if (!json_is_string(host) || json_string_length(host) == 0)
		return 0;
	if (units_parse_number(json_string_value(host), 1, UINT16_MAX, &value, err) < 0)
		return err->code;
	port->has_host_port = true;
	port->host_port = (uint32_t)value;
	return 0;
}

/* The port of the spec that is this one, or NULL. */
static Davit__Port *
find_port(const Davit__TaskSpec *spec, const Davit__Port *wanted)
{
	for (size_t i = 0; i < spec->n_ports; i++)
		if (spec->ports[i]->container_port == wanted->container_port &&
			spec->ports[i]->protocol == wanted->protocol)
			return spec->ports[i];
	return NULL;
}

int
contract_ports_add(const json_t *object, Davit__TaskSpec *spec, struct arena *arena,
	struct err *err)
{
	json_t *all = (json_t *)(uintptr_t)object, *value;
	Davit__Port **ports =
		arena_array(arena, spec->n_ports + json_object_size(object), sizeof *ports);
	const char *key;

	if (spec->n_ports > 0)
		memcpy(ports, spec->ports, spec->n_ports * sizeof *ports);
	spec->ports = ports;
	json_object_foreach(all, key, value)
	{
		Davit__Port *port = arena_alloc(arena, sizeof *port), *known;

		davit__port__init(port);
		if (read_port(key, value, port, err) < 0)
			return err->code;
		known = find_port(spec, port);
		if (known == NULL)
			spec->ports[spec->n_ports++] = port;
		else if (port->has_host_port)
			*known = *port;
	}
	return 0;
}

int
contract_restart_set(const char *name, Davit__TaskSpec *spec, struct arena *arena, struct err *err)
{
	static const char *const names[] = {
		[DAVIT__RESTART_POLICY__CONDITION__NO] = "no",
		[DAVIT__RESTART_POLICY__CONDITION__ON_FAILURE] = "on-failure",
		[DAVIT__RESTART_POLICY__CONDITION__ALWAYS] = "always",
		[DAVIT__RESTART_POLICY__CONDITION__UNLESS_STOPPED] = "unless-stopped",
	};

	if (name[0] == '\0')
		return 0;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		spec->restart = arena_alloc(arena, sizeof *spec->restart);
		davit__restart_policy__init(spec->restart);
		spec->restart->has_condition = true;
		spec->restart->condition = (Davit__RestartPolicy__Condition)i;
		return 0;
	}
	return err_set(err, -EINVAL,
		"restart policy '%.40s': want no, on-failure, always or "
		"unless-stopped",
		name);
}
