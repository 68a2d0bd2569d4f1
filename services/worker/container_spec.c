#include "services/worker/container_spec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/pbjson/pbjson_write.h"
#include "services/worker/backoff.h"
#include "services/worker/limits.h"

enum {
	NS_PER_MS = 1000000,
	NANO_CPUS_PER_MILLI = 1000000,
	LOG_FILES = 2,
	PORT_KEY_SIZE = 24,
	BODY_USUAL_BYTES = 1000,
};

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

static void
put_text(struct pbjson_writer *out, const char *key, const char *text)
{
	if (text != NULL && *text != '\0')
		pbjson_write_text(out, key, text);
}

/* Without its brackets. */
static void
put_items(struct pbjson_writer *out, char *const *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pbjson_write_text(out, NULL, items[i]);
}

static void
put_list(struct pbjson_writer *out, const char *key, char *const *items, size_t n)
{
	if (n == 0)
		return;
	pbjson_write_open(out, key, '[');
	put_items(out, items, n);
	pbjson_write_close(out, ']');
}

static void
put_number(struct pbjson_writer *out, const char *key, uint64_t number)
{
	uint64_t most = INT64_MAX;

	if (number > 0)
		pbjson_write_integer(out, key, (int64_t)(number < most ? number : most));
}

static void
put_true(struct pbjson_writer *out, const char *key, bool value)
{
	if (value)
		pbjson_write_bool(out, key, true);
}

/* Without their brackets. */
static void
put_entries(struct pbjson_writer *out, Davit__StringEntry *const *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pbjson_write_text(out, items[i]->key,
			items[i]->value == NULL ? "" : items[i]->value);
}

static void
put_labels(const struct worker_container_spec *in, struct pbjson_writer *out)
{
	char text[WORKER_RESTART_TEXT_SIZE];
	struct worker_restart restart;
	const Davit__Disconnect *disconnect = in->spec->disconnect;

	pbjson_write_open(out, "Labels", '{');
	put_entries(out, in->spec->labels, in->spec->n_labels);
	put_text(out, WORKER_LABEL_CLUSTER, in->cluster);
	put_text(out, WORKER_LABEL_NODE, in->node_id);
	put_text(out, WORKER_LABEL_TASK, in->task_id);
	put_text(out, WORKER_LABEL_NAME, in->task_name);
	(void)snprintf(text, sizeof text, "%" PRIu32, in->attempt);
	put_text(out, WORKER_LABEL_ATTEMPT, text);
	worker_restart_fill(in->spec->restart, &restart);
	put_text(out, WORKER_LABEL_RESTART, worker_restart_format(&restart, text));
	if (disconnect != NULL && disconnect->mode == DAVIT__DISCONNECT__MODE__STOP_AFTER) {
		(void)snprintf(text, sizeof text, "%" PRIu64, disconnect->stop_after_ms);
		put_text(out, WORKER_LABEL_STOP_AFTER, text);
	}
	pbjson_write_close(out, '}');
}

static void
put_variable(struct pbjson_writer *out, const char *key, const char *value)
{
	CLEANUP(buf_fini) struct buf text = {0};

	buf_puts(&text, key);
	buf_puts(&text, "=");
	buf_puts(&text, value == NULL ? "" : value);
	pbjson_write_text(out, NULL, buf_text(&text));
}

/* DAVIT_… is ours: a promise to the program inside, so the spec cannot overwrite it. */
static void
put_environment(const struct worker_container_spec *in, struct pbjson_writer *out)
{
	char key[32], value[16];

	pbjson_write_open(out, "Env", '[');
	for (size_t i = 0; i < in->spec->n_env; i++) {
		if (strncmp(in->spec->env[i]->key, "DAVIT_", 6) != 0)
			put_variable(out, in->spec->env[i]->key, in->spec->env[i]->value);
	}
	put_variable(out, "DAVIT_TASK_ID", in->task_id);
	put_variable(out, "DAVIT_TASK_NAME", in->task_name);
	put_variable(out, "DAVIT_NODE_NAME", in->node_name);
	for (size_t i = 0; i < in->n_ports; i++) {
		(void)snprintf(key, sizeof key, "DAVIT_PORT_%" PRIu32,
			in->ports[i]->container_port);
		(void)snprintf(value, sizeof value, "%" PRIu32, in->ports[i]->host_port);
		put_variable(out, key, value);
	}
	pbjson_write_close(out, ']');
}

static void
put_healthcheck(const Davit__Healthcheck *check, struct pbjson_writer *out)
{
	static const char *const words[] = {"CMD", "CMD-SHELL", "NONE"};
	bool has_word = false;

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		has_word |= strcmp(check->command[0], words[i]) == 0;
	pbjson_write_open(out, "Healthcheck", '{');
	pbjson_write_open(out, "Test", '[');
	if (!has_word)
		pbjson_write_text(out, NULL, "CMD");
	put_items(out, check->command, check->n_command);
	pbjson_write_close(out, ']');
	put_number(out, "Interval", check->interval_ms * NS_PER_MS);
	put_number(out, "Timeout", check->timeout_ms * NS_PER_MS);
	put_number(out, "Retries", check->retries);
	put_number(out, "StartPeriod", check->start_period_ms * NS_PER_MS);
	pbjson_write_close(out, '}');
}

static bool
has_own_ports(const struct worker_container_spec *in)
{
	const Davit__TaskSpec *spec = in->spec;

	return in->n_ports > 0 &&
	       !(spec->n_networks > 0 && strcmp(spec->networks[0]->name, "host") == 0);
}

/* "80/tcp" */
static const char *
port_key(const Davit__PortMapping *port, char ret_key[PORT_KEY_SIZE])
{
	static const char *const protocol[] = {
		[DAVIT__PORT__PROTOCOL__TCP] = "tcp",
		[DAVIT__PORT__PROTOCOL__UDP] = "udp",
		[DAVIT__PORT__PROTOCOL__SCTP] = "sctp",
	};
	unsigned which = (unsigned)port->protocol < 3 ? (unsigned)port->protocol : 0;

	(void)snprintf(ret_key, PORT_KEY_SIZE, "%" PRIu32 "/%s", port->container_port,
		protocol[which]);
	return ret_key;
}

static bool
is_same_port(const Davit__PortMapping *a, const Davit__PortMapping *b)
{
	return a->container_port == b->container_port && a->protocol == b->protocol;
}

static bool
is_first_of_port(const struct worker_container_spec *in, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (is_same_port(in->ports[i], in->ports[at]))
			return false;
	}
	return true;
}

/* Ports in the two shapes that the engine wants: exposed ({"80/tcp": {}}) … */
static void
put_exposed(const struct worker_container_spec *in, struct pbjson_writer *out)
{
	char key[PORT_KEY_SIZE];

	if (!has_own_ports(in))
		return;
	pbjson_write_open(out, "ExposedPorts", '{');
	for (size_t i = 0; i < in->n_ports; i++) {
		if (!is_first_of_port(in, i))
			continue;
		pbjson_write_open(out, port_key(in->ports[i], key), '{');
		pbjson_write_close(out, '}');
	}
	pbjson_write_close(out, '}');
}

static void
put_binding(const Davit__PortMapping *port, struct pbjson_writer *out)
{
	char number[16];

	(void)snprintf(number, sizeof number, "%" PRIu32, port->host_port);
	pbjson_write_open(out, NULL, '{');
	put_text(out, "HostIp", port->host_address);
	put_text(out, "HostPort", port->host_port == 0 ? NULL : number);
	pbjson_write_close(out, '}');
}

/* … and bound. */
static void
put_bindings(const struct worker_container_spec *in, struct pbjson_writer *out)
{
	char key[PORT_KEY_SIZE];

	if (!has_own_ports(in))
		return;
	pbjson_write_open(out, "PortBindings", '{');
	for (size_t i = 0; i < in->n_ports; i++) {
		if (!is_first_of_port(in, i))
			continue;
		pbjson_write_open(out, port_key(in->ports[i], key), '[');
		for (size_t k = i; k < in->n_ports; k++) {
			if (is_same_port(in->ports[i], in->ports[k]))
				put_binding(in->ports[k], out);
		}
		pbjson_write_close(out, ']');
	}
	pbjson_write_close(out, '}');
}

/* Labels for a named volume, which stays; an anonymous one goes with its container. */
static void
put_volume(const struct worker_container_spec *in, const Davit__Mount *mount,
	struct pbjson_writer *out)
{
	bool has_name = mount->source != NULL && *mount->source != '\0';
	bool has_driver = mount->driver != NULL || mount->n_driver_options > 0;

	if (!has_name && !has_driver)
		return;
	pbjson_write_open(out, "VolumeOptions", '{');
	if (has_name) {
		pbjson_write_open(out, "Labels", '{');
		put_text(out, WORKER_LABEL_CLUSTER, in->cluster);
		put_text(out, WORKER_LABEL_NODE, in->node_id);
		pbjson_write_close(out, '}');
	}
	if (has_driver) {
		pbjson_write_open(out, "DriverConfig", '{');
		put_text(out, "Name", mount->driver == NULL ? "local" : mount->driver);
		if (mount->n_driver_options > 0) {
			pbjson_write_open(out, "Options", '{');
			put_entries(out, mount->driver_options, mount->n_driver_options);
			pbjson_write_close(out, '}');
		}
		pbjson_write_close(out, '}');
	}
	pbjson_write_close(out, '}');
}

static void
put_mount(const struct worker_container_spec *in, size_t i, struct pbjson_writer *out)
{
	static const char *const type_name[] = {
		[DAVIT__MOUNT__TYPE__VOLUME] = "volume",
		[DAVIT__MOUNT__TYPE__BIND] = "bind",
		[DAVIT__MOUNT__TYPE__TMPFS] = "tmpfs",
	};
	const Davit__Mount *mount = in->spec->mounts[i];
	const char *source = in->bind_sources == NULL ? NULL : in->bind_sources[i];
	unsigned type = (unsigned)mount->type < 3 ? (unsigned)mount->type : 0;

	pbjson_write_open(out, NULL, '{');
	put_text(out, "Type", type_name[type]);
	put_text(out, "Target", mount->target);
	if (type != DAVIT__MOUNT__TYPE__TMPFS)
		put_text(out, "Source", source == NULL ? mount->source : source);
	put_true(out, "ReadOnly", mount->read_only);
	if (type == DAVIT__MOUNT__TYPE__VOLUME) {
		put_volume(in, mount, out);
	} else if (type == DAVIT__MOUNT__TYPE__TMPFS && mount->tmpfs_size_bytes > 0) {
		pbjson_write_open(out, "TmpfsOptions", '{');
		put_number(out, "SizeBytes", mount->tmpfs_size_bytes);
		pbjson_write_close(out, '}');
	}
	pbjson_write_close(out, '}');
}

static void
put_mounts(const struct worker_container_spec *in, struct pbjson_writer *out)
{
	if (in->spec->n_mounts == 0)
		return;
	pbjson_write_open(out, "Mounts", '[');
	for (size_t i = 0; i < in->spec->n_mounts; i++)
		put_mount(in, i, out);
	pbjson_write_close(out, ']');
}

static void
put_ulimits(const Davit__TaskSpec *spec, struct pbjson_writer *out)
{
	if (spec->n_ulimits == 0)
		return;
	pbjson_write_open(out, "Ulimits", '[');
	for (size_t i = 0; i < spec->n_ulimits; i++) {
		const Davit__Ulimit *limit = spec->ulimits[i];
		int64_t soft = limit->has_soft ? limit->soft : limit->hard;

		pbjson_write_open(out, NULL, '{');
		put_text(out, "Name", limit->name);
		pbjson_write_integer(out, "Soft", soft);
		pbjson_write_integer(out, "Hard", limit->has_hard ? limit->hard : soft);
		pbjson_write_close(out, '}');
	}
	pbjson_write_close(out, ']');
}

static void
put_devices(const Davit__TaskSpec *spec, struct pbjson_writer *out)
{
	if (spec->n_devices == 0)
		return;
	pbjson_write_open(out, "Devices", '[');
	for (size_t i = 0; i < spec->n_devices; i++) {
		const Davit__Device *device = spec->devices[i];
		bool has_path = device->container_path != NULL;
		bool has_permissions = device->permissions != NULL;

		pbjson_write_open(out, NULL, '{');
		put_text(out, "PathOnHost", device->host_path);
		put_text(out, "PathInContainer",
			has_path ? device->container_path : device->host_path);
		put_text(out, "CgroupPermissions", has_permissions ? device->permissions : "rwm");
		pbjson_write_close(out, '}');
	}
	pbjson_write_close(out, ']');
}

static void
put_gpus(const Davit__TaskSpec *spec, struct pbjson_writer *out)
{
	if (spec->gpus == 0)
		return;
	pbjson_write_open(out, "DeviceRequests", '[');
	pbjson_write_open(out, NULL, '{');
	pbjson_write_integer(out, "Count", spec->gpus);
	pbjson_write_open(out, "Capabilities", '[');
	pbjson_write_open(out, NULL, '[');
	pbjson_write_text(out, NULL, "gpu");
	pbjson_write_close(out, ']');
	pbjson_write_close(out, ']');
	pbjson_write_close(out, '}');
	pbjson_write_close(out, ']');
}

/*
 * A node may declare more CPUs than its machine has (several workers on one
 * engine); the engine refuses a limit above the machine, so it is cut to it.
 */
static void
put_resources(const struct worker_container_spec *in, struct pbjson_writer *out)
{
	const Davit__TaskSpec *spec = in->spec;
	uint64_t cpu_milli = spec->cpu_milli;
	char size[32];

	if (in->machine_cpu_milli > 0 && cpu_milli > in->machine_cpu_milli)
		cpu_milli = in->machine_cpu_milli;
	if (cpu_milli > 0 && cpu_milli < 10)
		cpu_milli = 10; /* the engine's least */
	put_number(out, "NanoCpus", cpu_milli * NANO_CPUS_PER_MILLI);
	put_number(out, "Memory", spec->memory_bytes);
	put_number(out, "MemorySwap", spec->memory_bytes); /* the same: no swap */
	put_number(out, "PidsLimit", spec->pids_limit);
	put_number(out, "ShmSize", spec->shm_size_bytes);
	if (in->limits_disk && spec->disk_bytes > 0) {
		(void)snprintf(size, sizeof size, "%" PRIu64, spec->disk_bytes);
		pbjson_write_open(out, "StorageOpt", '{');
		put_text(out, "size", size);
		pbjson_write_close(out, '}');
	}
	put_gpus(spec, out);
}

static bool
has_option(const Davit__LogConfig *log, const char *key)
{
	for (size_t i = 0; log != NULL && i < log->n_options; i++) {
		if (strcmp(log->options[i]->key, key) == 0)
			return true;
	}
	return false;
}

/* A log without an end would fill the disk of the node: drivers that can are told to turn it. */
static void
put_log(const struct worker_container_spec *in, struct pbjson_writer *out)
{
	const Davit__LogConfig *log = in->spec->log_config;
	bool has_driver = log != NULL && log->driver != NULL;
	char size[32];

	if (log == NULL && in->log_max_bytes == 0)
		return;
	pbjson_write_open(out, "LogConfig", '{');
	put_text(out, "Type", has_driver ? log->driver : "json-file");
	pbjson_write_open(out, "Config", '{');
	put_entries(out, log == NULL ? NULL : log->options, log == NULL ? 0 : log->n_options);
	if (in->log_max_bytes > 0 && (!has_driver || strcmp(log->driver, "json-file") == 0) &&
		!has_option(log, "max-size")) {
		(void)snprintf(size, sizeof size, "%" PRIu64, in->log_max_bytes / LOG_FILES);
		put_text(out, "max-size", size);
		if (!has_option(log, "max-file"))
			put_text(out, "max-file", "2");
	}
	pbjson_write_close(out, '}');
	pbjson_write_close(out, '}');
}

static void
put_security(const Davit__TaskSpec *spec, struct pbjson_writer *out)
{
	put_list(out, "CapAdd", spec->cap_add, spec->n_cap_add);
	put_list(out, "CapDrop", spec->cap_drop, spec->n_cap_drop);
	put_true(out, "ReadonlyRootfs", spec->read_only);
	put_true(out, "Privileged", spec->privileged);
	if (spec->n_security_opt > 0 || spec->no_new_privileges) {
		pbjson_write_open(out, "SecurityOpt", '[');
		put_items(out, spec->security_opt, spec->n_security_opt);
		if (spec->no_new_privileges)
			pbjson_write_text(out, NULL, "no-new-privileges");
		pbjson_write_close(out, ']');
	}
	if (spec->has_init)
		pbjson_write_bool(out, "Init", spec->init);
	if (spec->n_sysctls > 0) {
		pbjson_write_open(out, "Sysctls", '{');
		put_entries(out, spec->sysctls, spec->n_sysctls);
		pbjson_write_close(out, '}');
	}
}

static void
put_host(const struct worker_container_spec *in, struct pbjson_writer *out)
{
	const Davit__TaskSpec *spec = in->spec;
	char network[WORKER_NETWORK_NAME_SIZE];

	pbjson_write_open(out, "HostConfig", '{');
	pbjson_write_open(out, "RestartPolicy", '{');
	pbjson_write_text(out, "Name", "no");
	pbjson_write_close(out, '}');
	put_resources(in, out);
	put_ulimits(spec, out);
	put_devices(spec, out);
	put_mounts(in, out);
	put_security(spec, out);
	put_log(in, out);
	if (spec->n_networks > 0)
		put_text(out, "NetworkMode", worker_network_name(spec, 0, in->node_id, network));
	put_list(out, "ExtraHosts", spec->extra_hosts, spec->n_extra_hosts);
	put_list(out, "Dns", spec->dns, spec->n_dns);
	put_list(out, "DnsSearch", spec->dns_search, spec->n_dns_search);
	put_text(out, "Runtime", spec->runtime);
	put_bindings(in, out);
	pbjson_write_close(out, '}');
}

/* Of the first network; engines before API 1.44 take no more than one at a create. */
static void
put_aliases(const struct worker_container_spec *in, struct pbjson_writer *out)
{
	const Davit__TaskSpec *spec = in->spec;
	char name[WORKER_NETWORK_NAME_SIZE];
	const char **aliases;
	size_t n;

	if (spec->n_networks == 0)
		return;
	aliases = xcalloc(spec->networks[0]->n_aliases + 1, sizeof *aliases);
	n = worker_network_aliases(spec, 0, in->task_name, aliases);
	if (n > 0) {
		pbjson_write_open(out, "NetworkingConfig", '{');
		pbjson_write_open(out, "EndpointsConfig", '{');
		pbjson_write_open(out, worker_network_name(spec, 0, in->node_id, name), '{');
		pbjson_write_open(out, "Aliases", '[');
		for (size_t i = 0; i < n; i++)
			pbjson_write_text(out, NULL, aliases[i]);
		pbjson_write_close(out, ']');
		pbjson_write_close(out, '}');
		pbjson_write_close(out, '}');
		pbjson_write_close(out, '}');
	}
	free(aliases);
}

static void
put_process(const Davit__TaskSpec *spec, struct pbjson_writer *out)
{
	uint64_t stop_ms = spec->has_stop_timeout_ms ? spec->stop_timeout_ms : WORKER_STOP_MS;

	put_text(out, "Image", spec->image);
	put_list(out, "Entrypoint", spec->entrypoint, spec->n_entrypoint);
	put_list(out, "Cmd", spec->command, spec->n_command);
	put_text(out, "WorkingDir", spec->working_dir);
	put_text(out, "User", spec->user);
	put_text(out, "Hostname", spec->hostname);
	put_text(out, "StopSignal", spec->stop_signal);
	pbjson_write_integer(out, "StopTimeout", (int64_t)(stop_ms / 1000 + (stop_ms % 1000 > 0)));
	put_true(out, "Tty", spec->tty);
	put_true(out, "OpenStdin", spec->stdin);
	if (spec->healthcheck != NULL && spec->healthcheck->n_command > 0)
		put_healthcheck(spec->healthcheck, out);
}

int
worker_container_body(const struct worker_container_spec *in, char **ret_body, struct err *err)
{
	CLEANUP(buf_fini) struct buf text = {0};
	struct pbjson_writer out = {.out = &text};

	(void)buf_reserve(&text, BODY_USUAL_BYTES);
	pbjson_write_open(&out, NULL, '{');
	put_process(in->spec, &out);
	put_labels(in, &out);
	put_environment(in, &out);
	put_exposed(in, &out);
	put_host(in, &out);
	put_aliases(in, &out);
	pbjson_write_close(&out, '}');
	if (out.is_bad)
		return err_set(err, -EINVAL, "the spec holds a text that is not UTF-8");
	*ret_body = buf_take(&text, NULL);
	return 0;
}
