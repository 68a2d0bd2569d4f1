#include "services/worker/container_spec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "services/worker/backoff.h"
#include "services/worker/limits.h"

enum { NS_PER_MS = 1000000, NANO_CPUS_PER_MILLI = 1000000, LOG_FILES = 2 };

/*
 * Texts go in unchecked (_nocheck) and are checked once, by json_dumps: jansson's
 * checking functions would leave a text that is not UTF-8 out in silence.
 */
CLEANUP_DEFINE(json_t *, json_decref)

const char *
worker_container_name(const char *task_id, char ret_name[WORKER_CONTAINER_NAME_SIZE])
{
	(void)snprintf(ret_name, WORKER_CONTAINER_NAME_SIZE, "davit-%s", task_id);
	return ret_name;
}

bool
worker_network_is_made(const Davit__NetworkAttachment *network)
{
	static const char *const builtin[] = {"bridge", "host", "none", "default"};

	for (size_t i = 0; i < sizeof builtin / sizeof builtin[0]; i++) {
		if (strcmp(network->name, builtin[i]) == 0)
			return false;
	}
	return !network->external;
}

const char *
worker_network_name(const Davit__TaskSpec *spec, size_t i, const char *node_id,
	char ret_name[WORKER_NETWORK_NAME_SIZE])
{
	const Davit__NetworkAttachment *network = spec->networks[i];
	const char *namespace = spec->namespace_ == NULL ? "default" : spec->namespace_;

	/* Neither a namespace nor a node's id holds a dot, so no two are written alike. */
	if (worker_network_is_made(network))
		(void)snprintf(ret_name, WORKER_NETWORK_NAME_SIZE, "davit.%s.%s.%s", namespace,
			network->name, node_id);
	else
		(void)snprintf(ret_name, WORKER_NETWORK_NAME_SIZE, "%s", network->name);
	return ret_name;
}

size_t
worker_network_aliases(const Davit__TaskSpec *spec, size_t i, const char *task_name,
	const char **ret_aliases)
{
	const Davit__NetworkAttachment *network = spec->networks[i];
	size_t n = 0;

	for (; n < network->n_aliases; n++)
		ret_aliases[n] = network->aliases[n];
	if (task_name != NULL && worker_network_is_made(network))
		ret_aliases[n++] = task_name;
	return n;
}

static json_t *
text_list(char *const *items, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, json_string_nocheck(items[i]));
	return list;
}

static void
put_text(json_t *object, const char *key, const char *text)
{
	if (text != NULL && *text != '\0')
		(void)json_object_set_new_nocheck(object, key, json_string_nocheck(text));
}

static void
put_list(json_t *object, const char *key, char *const *items, size_t n)
{
	if (n > 0)
		(void)json_object_set_new_nocheck(object, key, text_list(items, n));
}

static void
put_number(json_t *object, const char *key, uint64_t number)
{
	uint64_t most = INT64_MAX;

	if (number > 0)
		(void)json_object_set_new_nocheck(object, key,
			json_integer((json_int_t)(number < most ? number : most)));
}

static void
put_true(json_t *object, const char *key, bool value)
{
	if (value)
		(void)json_object_set_new_nocheck(object, key, json_true());
}

static json_t *
entries(Davit__StringEntry *const *items, size_t n)
{
	json_t *object = json_object();

	for (size_t i = 0; i < n; i++)
		(void)json_object_set_new_nocheck(object, items[i]->key,
			json_string_nocheck(items[i]->value == NULL ? "" : items[i]->value));
	return object;
}

static json_t *
labels(const struct worker_container_spec *in)
{
	json_t *object = entries(in->spec->labels, in->spec->n_labels);
	char text[WORKER_RESTART_TEXT_SIZE];
	struct worker_restart restart;
	const Davit__Disconnect *disconnect = in->spec->disconnect;

	put_text(object, WORKER_LABEL_CLUSTER, in->cluster);
	put_text(object, WORKER_LABEL_NODE, in->node_id);
	put_text(object, WORKER_LABEL_TASK, in->task_id);
	put_text(object, WORKER_LABEL_NAME, in->task_name);
	(void)snprintf(text, sizeof text, "%" PRIu32, in->attempt);
	put_text(object, WORKER_LABEL_ATTEMPT, text);
	worker_restart_fill(in->spec->restart, &restart);
	put_text(object, WORKER_LABEL_RESTART, worker_restart_format(&restart, text));
	if (disconnect != NULL && disconnect->mode == DAVIT__DISCONNECT__MODE__STOP_AFTER) {
		(void)snprintf(text, sizeof text, "%" PRIu64, disconnect->stop_after_ms);
		put_text(object, WORKER_LABEL_STOP_AFTER, text);
	}
	return object;
}

static void
add_variable(json_t *list, const char *key, const char *value)
{
	char *text = NULL;

	if (asprintf(&text, "%s=%s", key, value == NULL ? "" : value) >= 0)
		(void)json_array_append_new(list, json_string_nocheck(text));
	free(text);
}

/* DAVIT_… is ours: a promise to the program inside, so the spec cannot overwrite it. */
static json_t *
environment(const struct worker_container_spec *in)
{
	json_t *list = json_array();
	char key[32], value[16];

	for (size_t i = 0; i < in->spec->n_env; i++) {
		if (strncmp(in->spec->env[i]->key, "DAVIT_", 6) != 0)
			add_variable(list, in->spec->env[i]->key, in->spec->env[i]->value);
	}
	add_variable(list, "DAVIT_TASK_ID", in->task_id);
	add_variable(list, "DAVIT_TASK_NAME", in->task_name);
	add_variable(list, "DAVIT_NODE_NAME", in->node_name);
	for (size_t i = 0; i < in->n_ports; i++) {
		(void)snprintf(key, sizeof key, "DAVIT_PORT_%" PRIu32,
			in->ports[i]->container_port);
		(void)snprintf(value, sizeof value, "%" PRIu32, in->ports[i]->host_port);
		add_variable(list, key, value);
	}
	return list;
}

static json_t *
healthcheck(const Davit__Healthcheck *check)
{
	static const char *const words[] = {"CMD", "CMD-SHELL", "NONE"};
	json_t *object = json_object(), *test = json_array();
	bool has_word = false;

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		has_word |= strcmp(check->command[0], words[i]) == 0;
	if (!has_word)
		(void)json_array_append_new(test, json_string_nocheck("CMD"));
	for (size_t i = 0; i < check->n_command; i++)
		(void)json_array_append_new(test, json_string_nocheck(check->command[i]));
	(void)json_object_set_new_nocheck(object, "Test", test);
	put_number(object, "Interval", check->interval_ms * NS_PER_MS);
	put_number(object, "Timeout", check->timeout_ms * NS_PER_MS);
	put_number(object, "Retries", check->retries);
	put_number(object, "StartPeriod", check->start_period_ms * NS_PER_MS);
	return object;
}

static bool
shares_host_network(const Davit__TaskSpec *spec)
{
	return spec->n_networks > 0 && strcmp(spec->networks[0]->name, "host") == 0;
}

/* Ports in the two shapes that the engine wants: exposed ({"80/tcp": {}}) and bound. */
static void
put_ports(const struct worker_container_spec *in, json_t *body, json_t *host)
{
	static const char *const protocol[] = {
		[DAVIT__PORT__PROTOCOL__TCP] = "tcp",
		[DAVIT__PORT__PROTOCOL__UDP] = "udp",
		[DAVIT__PORT__PROTOCOL__SCTP] = "sctp",
	};
	json_t *exposed, *bound;

	if (in->n_ports == 0 || shares_host_network(in->spec))
		return;
	exposed = json_object();
	bound = json_object();
	for (size_t i = 0; i < in->n_ports; i++) {
		const Davit__PortMapping *port = in->ports[i];
		unsigned which = (unsigned)port->protocol < 3 ? (unsigned)port->protocol : 0;
		char key[24], number[16];
		json_t *list, *binding;

		(void)snprintf(key, sizeof key, "%" PRIu32 "/%s", port->container_port,
			protocol[which]);
		(void)snprintf(number, sizeof number, "%" PRIu32, port->host_port);
		(void)json_object_set_new_nocheck(exposed, key, json_object());
		list = json_object_get(bound, key);
		if (list == NULL) {
			list = json_array();
			(void)json_object_set_new_nocheck(bound, key, list);
		}
		binding = json_object();
		put_text(binding, "HostIp", port->host_address);
		put_text(binding, "HostPort", port->host_port == 0 ? NULL : number);
		(void)json_array_append_new(list, binding);
	}
	(void)json_object_set_new_nocheck(body, "ExposedPorts", exposed);
	(void)json_object_set_new_nocheck(host, "PortBindings", bound);
}

/* Labels for a named volume, which stays; an anonymous one goes with its container. */
static void
put_volume(const struct worker_container_spec *in, const Davit__Mount *mount, json_t *options)
{
	json_t *driver;

	if (mount->source != NULL && *mount->source != '\0')
		(void)json_object_set_new_nocheck(options, "Labels",
			json_pack("{s:s?, s:s?}", WORKER_LABEL_CLUSTER, in->cluster,
				WORKER_LABEL_NODE, in->node_id));
	if (mount->driver == NULL && mount->n_driver_options == 0)
		return;
	driver = json_object();
	put_text(driver, "Name", mount->driver == NULL ? "local" : mount->driver);
	if (mount->n_driver_options > 0)
		(void)json_object_set_new_nocheck(driver, "Options",
			entries(mount->driver_options, mount->n_driver_options));
	(void)json_object_set_new_nocheck(options, "DriverConfig", driver);
}

static json_t *
mount(const struct worker_container_spec *in, const Davit__Mount *mount, const char *source)
{
	static const char *const type_name[] = {
		[DAVIT__MOUNT__TYPE__VOLUME] = "volume",
		[DAVIT__MOUNT__TYPE__BIND] = "bind",
		[DAVIT__MOUNT__TYPE__TMPFS] = "tmpfs",
	};
	unsigned type = (unsigned)mount->type < 3 ? (unsigned)mount->type : 0;
	json_t *object = json_object(), *options;

	put_text(object, "Type", type_name[type]);
	put_text(object, "Target", mount->target);
	if (type != DAVIT__MOUNT__TYPE__TMPFS)
		put_text(object, "Source", source == NULL ? mount->source : source);
	put_true(object, "ReadOnly", mount->read_only);
	options = json_object();
	if (type == DAVIT__MOUNT__TYPE__VOLUME) {
		put_volume(in, mount, options);
		if (json_object_size(options) > 0)
			(void)json_object_set_nocheck(object, "VolumeOptions", options);
	} else if (type == DAVIT__MOUNT__TYPE__TMPFS && mount->tmpfs_size_bytes > 0) {
		put_number(options, "SizeBytes", mount->tmpfs_size_bytes);
		(void)json_object_set_nocheck(object, "TmpfsOptions", options);
	}
	json_decref(options);
	return object;
}

static void
put_mounts(const struct worker_container_spec *in, json_t *host)
{
	json_t *list;

	if (in->spec->n_mounts == 0)
		return;
	list = json_array();
	for (size_t i = 0; i < in->spec->n_mounts; i++)
		(void)json_array_append_new(list,
			mount(in, in->spec->mounts[i],
				in->bind_sources == NULL ? NULL : in->bind_sources[i]));
	(void)json_object_set_new_nocheck(host, "Mounts", list);
}

static void
put_ulimits(const Davit__TaskSpec *spec, json_t *host)
{
	json_t *list;

	if (spec->n_ulimits == 0)
		return;
	list = json_array();
	for (size_t i = 0; i < spec->n_ulimits; i++) {
		const Davit__Ulimit *limit = spec->ulimits[i];
		int64_t soft = limit->has_soft ? limit->soft : limit->hard;
		json_t *object = json_object();

		put_text(object, "Name", limit->name);
		(void)json_object_set_new_nocheck(object, "Soft", json_integer(soft));
		(void)json_object_set_new_nocheck(object, "Hard",
			json_integer(limit->has_hard ? limit->hard : soft));
		(void)json_array_append_new(list, object);
	}
	(void)json_object_set_new_nocheck(host, "Ulimits", list);
}

static void
put_devices(const Davit__TaskSpec *spec, json_t *host)
{
	json_t *list;

	if (spec->n_devices == 0)
		return;
	list = json_array();
	for (size_t i = 0; i < spec->n_devices; i++) {
		const Davit__Device *device = spec->devices[i];
		json_t *object = json_object();
		bool has_path = device->container_path != NULL;
		bool has_permissions = device->permissions != NULL;

		put_text(object, "PathOnHost", device->host_path);
		put_text(object, "PathInContainer",
			has_path ? device->container_path : device->host_path);
		put_text(object, "CgroupPermissions",
			has_permissions ? device->permissions : "rwm");
		(void)json_array_append_new(list, object);
	}
	(void)json_object_set_new_nocheck(host, "Devices", list);
}

/*
 * A node may declare more CPUs than its machine has (several workers on one
 * engine); the engine refuses a limit above the machine, so it is cut to it.
 */
static void
put_resources(const struct worker_container_spec *in, json_t *host)
{
	const Davit__TaskSpec *spec = in->spec;
	uint64_t cpu_milli = spec->cpu_milli;

	if (in->machine_cpu_milli > 0 && cpu_milli > in->machine_cpu_milli)
		cpu_milli = in->machine_cpu_milli;
	if (cpu_milli > 0 && cpu_milli < 10)
		cpu_milli = 10; /* the engine's least */
	put_number(host, "NanoCpus", cpu_milli * NANO_CPUS_PER_MILLI);
	put_number(host, "Memory", spec->memory_bytes);
	put_number(host, "MemorySwap", spec->memory_bytes); /* the same: no swap */
	put_number(host, "PidsLimit", spec->pids_limit);
	put_number(host, "ShmSize", spec->shm_size_bytes);
	if (in->limits_disk && spec->disk_bytes > 0) {
		char size[32];

		(void)snprintf(size, sizeof size, "%" PRIu64, spec->disk_bytes);
		(void)json_object_set_new_nocheck(host, "StorageOpt",
			json_pack("{s:s}", "size", size));
	}
	if (spec->gpus > 0)
		(void)json_object_set_new_nocheck(host, "DeviceRequests",
			json_pack("[{s:i, s:[[s]]}]", "Count", (int)spec->gpus, "Capabilities",
				"gpu"));
}

/* A log without an end would fill the disk of the node: drivers that can are told to turn it. */
static void
put_log(const struct worker_container_spec *in, json_t *host)
{
	const Davit__LogConfig *log = in->spec->log_config;
	bool has_driver = log != NULL && log->driver != NULL;
	size_t n_options = log == NULL ? 0 : log->n_options;
	json_t *object, *options;
	char size[32];

	if (log == NULL && in->log_max_bytes == 0)
		return;
	options = entries(log == NULL ? NULL : log->options, n_options);
	if (in->log_max_bytes > 0 && (!has_driver || strcmp(log->driver, "json-file") == 0) &&
		json_object_get(options, "max-size") == NULL) {
		(void)snprintf(size, sizeof size, "%" PRIu64, in->log_max_bytes / LOG_FILES);
		put_text(options, "max-size", size);
		if (json_object_get(options, "max-file") == NULL)
			put_text(options, "max-file", "2");
	}
	object = json_object();
	put_text(object, "Type", has_driver ? log->driver : "json-file");
	(void)json_object_set_new_nocheck(object, "Config", options);
	(void)json_object_set_new_nocheck(host, "LogConfig", object);
}

static void
put_security(const Davit__TaskSpec *spec, json_t *host)
{
	put_list(host, "CapAdd", spec->cap_add, spec->n_cap_add);
	put_list(host, "CapDrop", spec->cap_drop, spec->n_cap_drop);
	put_true(host, "ReadonlyRootfs", spec->read_only);
	put_true(host, "Privileged", spec->privileged);
	if (spec->n_security_opt > 0 || spec->no_new_privileges) {
		json_t *list = text_list(spec->security_opt, spec->n_security_opt);

		if (spec->no_new_privileges)
			(void)json_array_append_new(list, json_string_nocheck("no-new-privileges"));
		(void)json_object_set_new_nocheck(host, "SecurityOpt", list);
	}
	if (spec->has_init)
		(void)json_object_set_new_nocheck(host, "Init", json_boolean(spec->init));
	if (spec->n_sysctls > 0)
		(void)json_object_set_new_nocheck(host, "Sysctls",
			entries(spec->sysctls, spec->n_sysctls));
}

static json_t *
host_config(const struct worker_container_spec *in)
{
	const Davit__TaskSpec *spec = in->spec;
	char network[WORKER_NETWORK_NAME_SIZE];
	json_t *host = json_object();

	(void)json_object_set_new_nocheck(host, "RestartPolicy", json_pack("{s:s}", "Name", "no"));
	put_resources(in, host);
	put_ulimits(spec, host);
	put_devices(spec, host);
	put_mounts(in, host);
	put_security(spec, host);
	put_log(in, host);
	if (spec->n_networks > 0)
		put_text(host, "NetworkMode", worker_network_name(spec, 0, in->node_id, network));
	put_list(host, "ExtraHosts", spec->extra_hosts, spec->n_extra_hosts);
	put_list(host, "Dns", spec->dns, spec->n_dns);
	put_list(host, "DnsSearch", spec->dns_search, spec->n_dns_search);
	put_text(host, "Runtime", spec->runtime);
	return host;
}

/* Of the first network; engines before API 1.44 take no more than one at a create. */
static void
put_aliases(const struct worker_container_spec *in, json_t *body)
{
	const Davit__TaskSpec *spec = in->spec;
	char name[WORKER_NETWORK_NAME_SIZE];
	const char **aliases;
	json_t *list = json_array(), *endpoints = json_object();
	size_t n = 0;

	if (spec->n_networks > 0) {
		aliases = xcalloc(spec->networks[0]->n_aliases + 1, sizeof *aliases);
		n = worker_network_aliases(spec, 0, in->task_name, aliases);
		for (size_t i = 0; i < n; i++)
			(void)json_array_append_new(list, json_string_nocheck(aliases[i]));
		free(aliases);
		(void)json_object_set_new_nocheck(endpoints,
			worker_network_name(spec, 0, in->node_id, name),
			json_pack("{s:O}", "Aliases", list));
	}
	if (n > 0)
		(void)json_object_set_new_nocheck(body, "NetworkingConfig",
			json_pack("{s:O}", "EndpointsConfig", endpoints));
	json_decref(list);
	json_decref(endpoints);
}

static void
put_process(const Davit__TaskSpec *spec, json_t *body)
{
	uint64_t stop_ms = spec->has_stop_timeout_ms ? spec->stop_timeout_ms : WORKER_STOP_MS;

	put_text(body, "Image", spec->image);
	put_list(body, "Entrypoint", spec->entrypoint, spec->n_entrypoint);
	put_list(body, "Cmd", spec->command, spec->n_command);
	put_text(body, "WorkingDir", spec->working_dir);
	put_text(body, "User", spec->user);
	put_text(body, "Hostname", spec->hostname);
	put_text(body, "StopSignal", spec->stop_signal);
	(void)json_object_set_new_nocheck(body, "StopTimeout",
		json_integer((json_int_t)((stop_ms + 999) / 1000)));
	put_true(body, "Tty", spec->tty);
	put_true(body, "OpenStdin", spec->stdin);
	if (spec->healthcheck != NULL && spec->healthcheck->n_command > 0)
		(void)json_object_set_new_nocheck(body, "Healthcheck",
			healthcheck(spec->healthcheck));
}

int
worker_container_body(const struct worker_container_spec *in, char **ret_body, struct err *err)
{
	CLEANUP(json_decref) json_t *body = json_object();
	json_t *host;
	char *text;

	put_process(in->spec, body);
	(void)json_object_set_new_nocheck(body, "Labels", labels(in));
	(void)json_object_set_new_nocheck(body, "Env", environment(in));
	host = host_config(in);
	put_ports(in, body, host);
	(void)json_object_set_new_nocheck(body, "HostConfig", host);
	put_aliases(in, body);
	text = json_dumps(body, JSON_COMPACT);
	if (text == NULL)
		return err_set(err, -EINVAL, "the spec holds a text that is not UTF-8");
	*ret_body = text;
	return 0;
}
