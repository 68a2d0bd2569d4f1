/* Flags that are lists of parts: ports, mounts; tested by tests/unit/test_cli_flag.c. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/units.h"
#include "services/cli/cli_flag.h"
#include "services/cli/cli_pb.h"

enum { PORT_MAX = 65535 };

struct ports {
	uint64_t first, last;
};

/* "80" or "80-90". */
static int
parse_ports(const char *text, size_t n, struct ports *ret, struct err *err)
{
	CLEANUP(free) char *part = cli_pb_text(text, n);
	char *dash = strchr(part, '-');

	if (dash != NULL)
		*dash++ = '\0';
	if (units_parse_number(part, 1, PORT_MAX, &ret->first, err) < 0)
		return err_set(err, -EINVAL, "'%.20s' is no port: want 1 to 65535", part);
	ret->last = ret->first;
	if (dash != NULL &&
		(units_parse_number(dash, 1, PORT_MAX, &ret->last, err) < 0 ||
			ret->last < ret->first || ret->last - ret->first >= CLI_PORT_RANGE_MAX))
		return err_set(err, -EINVAL, "'%.20s-%.20s' is no range of at most %d ports", part,
			dash, CLI_PORT_RANGE_MAX);
	return 0;
}

struct publish {
	char *address; /* NULL: all */
	struct ports host, inside;
	bool has_host;
	Davit__Port__Protocol protocol;
};

/* Takes "[address]:" and "hostport:" off the front. */
static int
parse_host_side(const char **text, struct publish *publish, struct err *err)
{
	const char *end, *colon;

	if (**text == '[') {
		end = strchr(*text, ']');
		if (end == NULL || end[1] != ':')
			return err_set(err, -EINVAL, "'%.60s': want [ADDRESS]:HOSTPORT:PORT",
				*text);
		publish->address = cli_pb_text(*text + 1, (size_t)(end - *text - 1));
		*text = end + 2;
	} else if ((colon = strchr(*text, ':')) != NULL && strchr(colon + 1, ':') != NULL) {
		publish->address = cli_pb_text(*text, (size_t)(colon - *text));
		*text = colon + 1;
	}
	colon = strchr(*text, ':');
	if (colon == NULL)
		return 0;
	if (colon > *text) {
		if (parse_ports(*text, (size_t)(colon - *text), &publish->host, err) < 0)
			return err->code;
		publish->has_host = true;
	}
	*text = colon + 1;
	return 0;
}

static int
parse_publish(const char *text, struct publish *publish, struct err *err)
{
	size_t n;
	int protocol;

	if (parse_host_side(&text, publish, err) < 0)
		return err->code;
	n = strcspn(text, "/");
	if (parse_ports(text, n, &publish->inside, err) < 0)
		return err->code;
	if (text[n] == '/') {
		if (cli_pb_enum(&davit__port__protocol__descriptor, text + n + 1, &protocol, err) <
			0)
			return err->code;
		publish->protocol = (Davit__Port__Protocol)protocol;
	}
	if (publish->has_host && publish->host.last - publish->host.first !=
					 publish->inside.last - publish->inside.first)
		return err_set(err, -EINVAL, "the two ranges are not of the same size");
	return 0;
}

int
cli_flag_publish(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	struct publish publish = {.protocol = DAVIT__PORT__PROTOCOL__TCP};
	int rc = parse_publish(text, &publish, err);

	for (uint64_t i = 0; rc == 0 && i <= publish.inside.last - publish.inside.first; i++) {
		Davit__Port *port = CLI_PB_NEW(davit__port, Davit__Port);

		port->container_port = (uint32_t)(publish.inside.first + i);
		if (publish.has_host)
			CLI_PB_SET(port, host_port, (uint32_t)(publish.host.first + i));
		if (publish.protocol != DAVIT__PORT__PROTOCOL__TCP)
			CLI_PB_SET(port, protocol, publish.protocol);
		port->host_address = xstrdup(publish.address);
		CLI_PB_ADD(spec, ports, port);
	}
	free(publish.address);
	return rc;
}

static Davit__Mount *
add_mount(Davit__TaskSpec *spec, Davit__Mount__Type type)
{
	Davit__Mount *mount = CLI_PB_NEW(davit__mount, Davit__Mount);

	CLI_PB_SET(mount, type, type);
	mount->target = xstrdup(""); /* a required field: never NULL */
	CLI_PB_ADD(spec, mounts, mount);
	return mount;
}

static void
set_text(char **field, const char *text, size_t n)
{
	free(*field);
	*field = cli_pb_text(text, n);
}

int
cli_flag_volume(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	const char *colon = strchr(text, ':'), *target = text, *options = NULL;
	Davit__Mount *mount;

	if (colon != NULL) {
		target = colon + 1;
		options = strchr(target, ':');
	}
	if (target[0] != '/')
		return err_set(err, -EINVAL,
			"'%.60s': want NAME:/PATH[:ro], /HOST:/PATH[:ro] or /PATH", text);
	if (colon != NULL && text[0] == '.')
		return err_set(err, -EINVAL,
			"'%.60s': a host path must be absolute, for it is on another machine",
			text);
	mount = add_mount(spec, colon != NULL && text[0] == '/' ? DAVIT__MOUNT__TYPE__BIND
								: DAVIT__MOUNT__TYPE__VOLUME);
	if (colon != NULL)
		set_text(&mount->source, text, (size_t)(colon - text));
	set_text(&mount->target, target,
		options == NULL ? strlen(target) : (size_t)(options - target));
	if (options == NULL || strcmp(options, ":rw") == 0)
		return 0;
	if (strcmp(options, ":ro") != 0)
		return err_set(err, -EINVAL, "'%.40s': want ro or rw", options + 1);
	CLI_PB_SET(mount, read_only, 1);
	return 0;
}

/* One "key=value" or "key" of a list with commas. value is "" when there is none. */
typedef int part_fn(void *target, const char *key, const char *value, struct err *err);

/* Cuts the next part off the rest; NULL: there is none. One in quotes may have commas. */
static char *
next_part(char **rest)
{
	char *part = *rest + strspn(*rest, ","), *end;

	if (*part == '\0')
		return NULL;
	end = *part == '"' ? strchr(++part, '"') : NULL;
	if (end != NULL)
		*end++ = '\0';
	else
		end = part;
	end += strcspn(end, ",");
	*rest = *end == '\0' ? end : end + 1;
	*end = '\0';
	return part;
}

static int
each_part(const char *text, part_fn *take, void *target, struct err *err)
{
	CLEANUP(free) char *copy = xstrdup(text);
	char *rest = copy, *part;

	while ((part = next_part(&rest)) != NULL) {
		char *value = strchr(part, '=');
		int rc;

		if (value != NULL)
			*value++ = '\0';
		rc = take(target, part, value == NULL ? "" : value, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool
is_one_of(const char *text, const char *a, const char *b, const char *c)
{
	return strcmp(text, a) == 0 || strcmp(text, b) == 0 || (c != NULL && strcmp(text, c) == 0);
}

/* "key=value" of the volume's driver. */
static int
add_volume_option(Davit__Mount *mount, const char *text, struct err *err)
{
	size_t n = strcspn(text, "=");
	Davit__StringEntry *entry;

	if (n == 0)
		return err_set(err, -EINVAL,
			"'volume-opt=%.40s' has no name: want volume-opt=NAME=VALUE", text);
	entry = CLI_PB_NEW(davit__string_entry, Davit__StringEntry);
	entry->key = cli_pb_text(text, n);
	entry->value = xstrdup(text[n] == '=' ? text + n + 1 : "");
	CLI_PB_ADD(mount, driver_options, entry);
	return 0;
}

static int
take_mount_part(void *target, const char *key, const char *value, struct err *err)
{
	Davit__Mount *mount = target;
	int type;

	if (strcmp(key, "type") == 0) {
		if (cli_pb_enum(&davit__mount__type__descriptor, value, &type, err) < 0)
			return err->code;
		mount->type = (Davit__Mount__Type)type;
		return 0;
	}
	if (is_one_of(key, "source", "src", NULL)) {
		set_text(&mount->source, value, strlen(value));
		return 0;
	}
	if (is_one_of(key, "target", "destination", "dst")) {
		set_text(&mount->target, value, strlen(value));
		return 0;
	}
	if (is_one_of(key, "readonly", "ro", NULL)) {
		CLI_PB_SET(mount, read_only,
			strcmp(value, "false") != 0 && strcmp(value, "0") != 0);
		return 0;
	}
	if (strcmp(key, "tmpfs-size") == 0) {
		mount->has_tmpfs_size_bytes = 1;
		return units_parse_bytes(value, &mount->tmpfs_size_bytes, err);
	}
	if (strcmp(key, "volume-driver") == 0) {
		set_text(&mount->driver, value, strlen(value));
		return 0;
	}
	if (strcmp(key, "volume-opt") == 0)
		return add_volume_option(mount, value, err);
	return err_set(err, -EINVAL,
		"'%.40s' is not understood: want type, source, target, readonly, tmpfs-size, "
		"volume-driver or volume-opt",
		key);
}

int
cli_flag_mount(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	Davit__Mount *mount = add_mount(spec, DAVIT__MOUNT__TYPE__VOLUME);

	if (each_part(text, take_mount_part, mount, err) < 0)
		return err->code;
	if (mount->target[0] != '/')
		return err_set(err, -EINVAL, "'%.60s': target=/PATH is missing", text);
	return 0;
}

static int
take_tmpfs_part(void *target, const char *key, const char *value, struct err *err)
{
	Davit__Mount *mount = target;

	if (strcmp(key, "ro") == 0) {
		CLI_PB_SET(mount, read_only, 1);
		return 0;
	}
	if (strcmp(key, "size") != 0)
		return err_set(err, -EINVAL, "'%.40s' is not understood: want size=BYTES or ro",
			key);
	mount->has_tmpfs_size_bytes = 1;
	return units_parse_bytes(value, &mount->tmpfs_size_bytes, err);
}

int
cli_flag_tmpfs(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	Davit__Mount *mount;
	size_t n = strcspn(text, ":");

	if (text[0] != '/')
		return err_set(err, -EINVAL, "'%.60s': want /PATH[:size=BYTES]", text);
	mount = add_mount(spec, DAVIT__MOUNT__TYPE__TMPFS);
	set_text(&mount->target, text, n);
	return text[n] == '\0' ? 0 : each_part(text + n + 1, take_tmpfs_part, mount, err);
}

static int
take_network_part(void *target, const char *key, const char *value, struct err *err)
{
	Davit__NetworkAttachment *network = target;

	if (strcmp(key, "name") == 0)
		set_text(&network->name, value, strlen(value));
	else if (strcmp(key, "alias") == 0)
		CLI_PB_ADD(network, aliases, xstrdup(value));
	else
		return err_set(err, -EINVAL, "'%.40s' is not understood: want name or alias", key);
	return 0;
}

int
cli_flag_network(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	Davit__NetworkAttachment *network =
		CLI_PB_NEW(davit__network_attachment, Davit__NetworkAttachment);

	network->name = xstrdup(strchr(text, '=') == NULL ? text : "");
	CLI_PB_ADD(spec, networks, network);
	if (strchr(text, '=') != NULL && each_part(text, take_network_part, network, err) < 0)
		return err->code;
	if (network->name[0] == '\0')
		return err_set(err, -EINVAL, "'%.60s' names no network", text);
	return 0;
}

static int
parse_weight(const char *value, uint32_t *ret, struct err *err)
{
	uint64_t weight;

	if (units_parse_number(value, 0, INT32_MAX, &weight, err) < 0)
		return err_wrap(err, "weight");
	*ret = (uint32_t)weight;
	return 0;
}

static int
take_affinity_part(void *target, const char *key, const char *value, struct err *err)
{
	Davit__Affinity *affinity = target;
	uint32_t weight = 0;

	if (strcmp(key, "topology") == 0) {
		set_text(&affinity->topology, value, strlen(value));
		return 0;
	}
	if (strcmp(key, "weight") != 0)
		return err_set(err, -EINVAL, "'%.40s' is not understood: want topology or weight",
			key);
	if (parse_weight(value, &weight, err) < 0)
		return err->code;
	CLI_PB_SET(affinity, weight, (int32_t)weight);
	return 0;
}

static int
add_affinity(Davit__TaskSpec *spec, const char *text, bool is_anti, struct err *err)
{
	Davit__Affinity *affinity = CLI_PB_NEW(davit__affinity, Davit__Affinity);
	size_t n = strcspn(text, ",");

	affinity->label = cli_pb_text(text, n);
	if (is_anti)
		CLI_PB_SET(affinity, anti, 1);
	CLI_PB_ADD(spec, affinities, affinity);
	if (strchr(affinity->label, '=') == NULL)
		return err_set(err, -EINVAL, "'%.60s': want LABEL=VALUE[,topology=KEY][,weight=N]",
			text);
	return text[n] == '\0' ? 0 : each_part(text + n + 1, take_affinity_part, affinity, err);
}

int
cli_flag_affinity(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	return add_affinity(spec, text, false, err);
}

int
cli_flag_anti_affinity(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	return add_affinity(spec, text, true, err);
}

/* "value:per cent" */
static int
add_target(Davit__Spread *spread, const char *text, struct err *err)
{
	const char *colon = strrchr(text, ':');
	Davit__StringEntry *entry;

	if (colon == NULL || colon == text || colon[1] == '\0')
		return err_set(err, -EINVAL, "'%.60s': want target=VALUE:PERCENT", text);
	entry = CLI_PB_NEW(davit__string_entry, Davit__StringEntry);
	entry->key = cli_pb_text(text, (size_t)(colon - text));
	entry->value = xstrdup(colon + 1);
	CLI_PB_ADD(spread, targets, entry);
	return 0;
}

static int
take_spread_part(void *target, const char *key, const char *value, struct err *err)
{
	Davit__Spread *spread = target;

	if (strcmp(key, "target") == 0)
		return add_target(spread, value, err);
	if (strcmp(key, "weight") != 0)
		return err_set(err, -EINVAL, "'%.40s' is not understood: want weight or target",
			key);
	spread->has_weight = 1;
	return parse_weight(value, &spread->weight, err);
}

int
cli_flag_spread(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	Davit__Spread *spread = CLI_PB_NEW(davit__spread, Davit__Spread);
	size_t n = strcspn(text, ",");

	spread->topology = cli_pb_text(text, n);
	CLI_PB_ADD(spec, spreads, spread);
	if (n == 0)
		return err_set(err, -EINVAL, "want the key of a node label, such as zone");
	return text[n] == '\0' ? 0 : each_part(text + n + 1, take_spread_part, spread, err);
}

/* The constraint may have commas of its own: only the last part can be the weight. */
int
cli_flag_prefer(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	static const char weight_is[] = ",weight=";
	Davit__Preference *preference = CLI_PB_NEW(davit__preference, Davit__Preference);
	const char *weight = strstr(text, weight_is);
	char *end;
	long value;

	preference->constraint =
		cli_pb_text(text, weight != NULL ? (size_t)(weight - text) : strlen(text));
	CLI_PB_ADD(spec, preferences, preference);
	if (weight == NULL)
		return 0;
	errno = 0;
	value = strtol(weight + strlen(weight_is), &end, 10);
	if (errno != 0 || *end != '\0' || value < -100 || value > 100 || value == 0)
		return err_set(err, -EINVAL, "'%.60s': want a weight from -100 to 100, not 0",
			weight + 1);
	CLI_PB_SET(preference, weight, (int32_t)value);
	return 0;
}

int
cli_flag_reserve_device(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	Davit__DeviceCount *request = CLI_PB_NEW(davit__device_count, Davit__DeviceCount);
	size_t n = strcspn(text, "=");
	uint64_t count = 1;

	request->kind = cli_pb_text(text, n);
	CLI_PB_ADD(spec, device_requests, request);
	if (n == 0)
		return err_set(err, -EINVAL, "'%.60s': want KIND[=N], such as fpga=2", text);
	if (text[n] == '=' && units_parse_number(text + n + 1, 1, UINT32_MAX, &count, err) < 0)
		return err->code;
	CLI_PB_SET(request, count, (uint32_t)count);
	return 0;
}
