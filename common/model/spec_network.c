/* How a task is connected; tested by tests/unit/test_spec.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/model/rules.h"
#include "common/model/spec_rules.h"

enum { PORT_MAX = 65535 };

/* No address, and the two of all zeros, mean every address of the host. */
static bool
is_any_address(const char *address)
{
	return address == NULL || strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

static bool
addresses_meet(const char *a, const char *b)
{
	return is_any_address(a) || is_any_address(b) || strcmp(a, b) == 0;
}

static uint32_t
host_port(const Davit__Port *port)
{
	return port->has_host_port ? port->host_port : 0;
}

static Davit__Port__Protocol
protocol(const Davit__Port *port)
{
	return port->has_protocol ? port->protocol : DAVIT__PORT__PROTOCOL__TCP;
}

/* Against the ports before it: no static port twice, no name twice, nothing said twice. */
static int
check_port_twice(const struct spec_check *check, size_t i)
{
	const Davit__Port *port = check->spec->ports[i];

	for (size_t k = 0; k < i; k++) {
		const Davit__Port *other = check->spec->ports[k];

		if (port->name != NULL && other->name != NULL &&
			strcmp(port->name, other->name) == 0)
			return err_set(spec_at(check, "ports[%zu].name", i), -EINVAL,
				"'%s' is the name of ports[%zu] already", port->name, k);
		if (protocol(port) != protocol(other) || host_port(port) != host_port(other) ||
			!addresses_meet(port->host_address, other->host_address))
			continue;
		if (host_port(port) != 0)
			return err_set(spec_at(check, "ports[%zu].host_port", i), -EINVAL,
				"%u is taken by ports[%zu] already", port->host_port, k);
		if (port->container_port == other->container_port)
			return err_set(spec_at(check, "ports[%zu].container_port", i), -EINVAL,
				"%u is published by ports[%zu] already", port->container_port, k);
	}
	return 0;
}

static int
check_port(const struct spec_check *check, size_t i)
{
	const Davit__Port *port = check->spec->ports[i];
	char field[SPEC_FIELD_MAX];
	int rc;

	if (port->container_port < 1 || port->container_port > PORT_MAX)
		return err_set(spec_at(check, "ports[%zu].container_port", i), -EINVAL,
			"%u is no port, want 1 to %d", port->container_port, PORT_MAX);
	(void)snprintf(field, sizeof field, "ports[%zu].protocol", i);
	rc = spec_check_enum(check, field, &davit__port__protocol__descriptor, (int)protocol(port));
	if (rc < 0)
		return rc;
	if (host_port(port) > PORT_MAX)
		return err_set(spec_at(check, "ports[%zu].host_port", i), -EINVAL,
			"%u is no port, want 1 to %d, or 0 to have one chosen", port->host_port,
			PORT_MAX);
	if (port->host_address != NULL && !rule_is_address(port->host_address))
		return err_set(spec_at(check, "ports[%zu].host_address", i), -EINVAL,
			"'%.64s' is no address; want such as 127.0.0.1 or ::1", port->host_address);
	if (port->name != NULL && !rule_is_namespace(port->name))
		return err_set(spec_at(check, "ports[%zu].name", i), -EINVAL,
			"'%.64s' is no name of a port; want 1 to %d of [a-z0-9-]", port->name,
			SPEC_NAMESPACE_MAX);
	return check_port_twice(check, i);
}

static bool
is_builtin(const char *network)
{
	return strcmp(network, "bridge") == 0 || strcmp(network, "default") == 0 ||
	       strcmp(network, "host") == 0 || strcmp(network, "none") == 0;
}

static int
check_network(const struct spec_check *check, size_t i)
{
	const Davit__NetworkAttachment *network = check->spec->networks[i];
	char field[SPEC_FIELD_MAX];
	int rc;

	if (!rule_is_name(network->name))
		return err_set(spec_at(check, "networks[%zu].name", i), -EINVAL,
			"'%.64s' is no network; want bridge, host, none or one that you made",
			network->name);
	if (strcmp(network->name, "container") == 0)
		return err_set(spec_at(check, "networks[%zu].name", i), -EINVAL,
			"a task cannot share the network of another container");
	for (size_t k = 0; k < i; k++)
		if (strcmp(check->spec->networks[k]->name, network->name) == 0)
			return err_set(spec_at(check, "networks[%zu].name", i), -EINVAL,
				"'%s' is given twice", network->name);
	if (check->spec->n_networks > 1 && is_builtin(network->name))
		return err_set(spec_at(check, "networks[%zu].name", i), -EINVAL,
			"'%s' cannot be combined with other networks", network->name);
	(void)snprintf(field, sizeof field, "networks[%zu].aliases", i);
	rc = spec_check_count(check, field, network->n_aliases, SPEC_LIST_MAX);
	if (rc < 0)
		return rc;
	if (network->n_aliases > 0 && is_builtin(network->name))
		return err_set(spec_at(check, "%s", field), -EINVAL,
			"aliases work only in networks that you made, not in '%s'", network->name);
	for (size_t k = 0; k < network->n_aliases; k++)
		if (!rule_is_hostname(network->aliases[k], SPEC_DOMAIN_MAX))
			return err_set(spec_at(check, "%s[%zu]", field, k), -EINVAL,
				"'%.64s' is no host name", network->aliases[k]);
	return 0;
}

static int
check_no_ports(const struct spec_check *check)
{
	const Davit__TaskSpec *spec = check->spec;

	if (spec->n_networks == 0 || spec->n_ports == 0)
		return 0;
	if (strcmp(spec->networks[0]->name, "host") == 0 ||
		strcmp(spec->networks[0]->name, "none") == 0)
		return err_set(spec_at(check, "ports"), -EINVAL,
			"with the network '%s' no port can be published; leave out one of the two",
			spec->networks[0]->name);
	return 0;
}

/* "name:address"; the name host-gateway stands for the host's own address. */
static bool
is_extra_host(const char *text)
{
	const char *colon = strchr(text, ':');
	char name[SPEC_DOMAIN_MAX + 1];

	if (colon == NULL || (size_t)(colon - text) >= sizeof name)
		return false;
	memcpy(name, text, (size_t)(colon - text));
	name[colon - text] = '\0';
	return rule_is_hostname(name, SPEC_DOMAIN_MAX) &&
	       (rule_is_address(colon + 1) || strcmp(colon + 1, "host-gateway") == 0);
}

static bool
is_search_domain(const char *text)
{
	return strcmp(text, ".") == 0 || rule_is_hostname(text, SPEC_DOMAIN_MAX);
}

static int
check_names(const struct spec_check *check)
{
	const Davit__TaskSpec *spec = check->spec;
	const struct {
		const char *field;
		char **texts;
		size_t n;
		bool (*is_right)(const char *text);
		const char *want;
	} lists[] = {
		{"extra_hosts", spec->extra_hosts, spec->n_extra_hosts, is_extra_host,
			"name:address such as db:10.0.0.5"},
		{"dns", spec->dns, spec->n_dns, rule_is_address, "an address such as 9.9.9.9"},
		{"dns_search", spec->dns_search, spec->n_dns_search, is_search_domain,
			"a domain such as example.com"},
	};

	for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
		int rc = spec_check_count(check, lists[l].field, lists[l].n, SPEC_LIST_MAX);

		if (rc < 0)
			return rc;
		for (size_t i = 0; i < lists[l].n; i++)
			if (!lists[l].is_right(lists[l].texts[i]))
				return err_set(spec_at(check, "%s[%zu]", lists[l].field, i),
					-EINVAL, "'%.64s' is not understood; want %s",
					lists[l].texts[i], lists[l].want);
	}
	return 0;
}

int
spec_check_network(const struct spec_check *check)
{
	const Davit__TaskSpec *spec = check->spec;
	int rc = spec_check_count(check, "ports", spec->n_ports, SPEC_PORTS_MAX);

	for (size_t i = 0; rc == 0 && i < spec->n_ports; i++)
		rc = check_port(check, i);
	if (rc == 0)
		rc = spec_check_count(check, "networks", spec->n_networks, SPEC_LIST_MAX);
	for (size_t i = 0; rc == 0 && i < spec->n_networks; i++)
		rc = check_network(check, i);
	if (rc == 0)
		rc = check_no_ports(check);
	if (rc == 0)
		rc = check_names(check);
	return rc;
}
