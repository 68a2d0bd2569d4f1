#include "common/docker/docker_parse.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "common/base/mem.h"

enum {
	NS_PER_MS = 1000000,
	YEAR_MAX = 2500, /* beyond it nanoseconds do not fit */
};

void
docker_answer_fini(struct docker_answer *answer)
{
	json_decref(answer->root);
	free(answer->labels);
	*answer = (struct docker_answer){0};
}

/* ---- access that survives anything ---- */

static json_t *
load(const char *json, size_t size, struct err *err)
{
	json_error_t error;
	json_t *root = json_loadb(json, size, JSON_ALLOW_NUL, &error);

	/* Go writes unsigned 64-bit numbers, which do not fit jansson's: then less exactly. */
	if (root == NULL && json_error_code(&error) == json_error_numeric_overflow)
		root = json_loadb(json, size, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
	if (root == NULL)
		(void)err_set(err, -EIO, "the engine's answer is not JSON: %s at byte %d",
			error.text, error.position);
	return root;
}

static json_t *
load_object(const char *json, size_t size, struct err *err)
{
	json_t *root = load(json, size, err);

	if (root == NULL || json_is_object(root))
		return root;
	json_decref(root);
	(void)err_set(err, -EIO, "the engine's answer is not a JSON object");
	return NULL;
}

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

static uint64_t
number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	double real;

	if (json_is_integer(value))
		return json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
	real = json_real_value(value);
	if (!(real > 0))
		return 0;
	return real < 18446744073709549568.0 ? (uint64_t)real : UINT64_MAX;
}

static bool
flag_of(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* Fills labels from an object of strings; returns how many. */
static size_t
labels_of(const json_t *object, struct engine_label *labels)
{
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach((json_t *)object, key, value)
	{
		const char *text = json_string_value(value);

		labels[n++] = (struct engine_label){.key = key, .value = text == NULL ? "" : text};
	}
	return n;
}

/* ---- time ---- */

static bool
digits(const char **at, unsigned n, int *ret)
{
	*ret = 0;
	for (; n > 0; n--, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		*ret = *ret * 10 + (**at - '0');
	}
	return true;
}

static bool
mark(const char **at, char wanted)
{
	return *(*at)++ == wanted;
}

/* Seconds east of Greenwich: "Z", "+02:00", "-07:30". */
static bool
zone(const char *at, long *ret_seconds)
{
	int hours, minutes, sign = *at == '-' ? -1 : 1;

	*ret_seconds = 0;
	if (strcmp(at, "Z") == 0)
		return true;
	if (*at != '+' && *at != '-')
		return false;
	at++;
	if (!digits(&at, 2, &hours) || *at++ != ':' || !digits(&at, 2, &minutes) || *at != '\0')
		return false;
	*ret_seconds = sign * (hours * 3600L + minutes * 60L);
	return hours < 24 && minutes < 60;
}

uint64_t
docker_parse_time(const char *text)
{
	uint64_t ns = 0, unit = 100000000;
	struct tm tm = {0};
	long east;
	time_t seconds;

	if (!digits(&text, 4, &tm.tm_year) || !mark(&text, '-') || !digits(&text, 2, &tm.tm_mon) ||
		!mark(&text, '-') || !digits(&text, 2, &tm.tm_mday) || !mark(&text, 'T') ||
		!digits(&text, 2, &tm.tm_hour) || !mark(&text, ':') ||
		!digits(&text, 2, &tm.tm_min) || !mark(&text, ':') || !digits(&text, 2, &tm.tm_sec))
		return 0;
	if (tm.tm_year < 1970 || tm.tm_year > YEAR_MAX || tm.tm_mon < 1 || tm.tm_mon > 12 ||
		tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
		tm.tm_sec > 60)
		return 0;
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
			ns += (uint64_t)(*text - '0') * unit;
	if (!zone(text, &east))
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	seconds = timegm(&tm) - east;
	return seconds < 0 ? 0 : (uint64_t)seconds * 1000 * NS_PER_MS + ns;
}

static uint64_t
ms_of(const json_t *object, const char *key)
{
	return docker_parse_time(text_of(object, key)) / NS_PER_MS;
}

/* ---- the engine itself ---- */

/* The minor number of "1.41"; -1 for what is none of the 1.x versions. */
static int
minor_of(const char *version)
{
	int minor = 0;

	if (strncmp(version, "1.", 2) != 0 || version[2] == '\0' || strlen(version) > 5)
		return -1;
	for (version += 2; *version != '\0'; version++) {
		if (*version < '0' || *version > '9')
			return -1;
		minor = minor * 10 + (*version - '0');
	}
	return minor;
}

int
docker_parse_version(const char *json, size_t size, char ret_version[DOCKER_VERSION_MAX],
	struct err *err)
{
	CLEANUP(docker_answer_fini) struct docker_answer answer = {0};
	const char *newest, *oldest;
	int most, least;

	answer.root = load_object(json, size, err);
	if (answer.root == NULL)
		return err->code;
	newest = text_of(answer.root, "ApiVersion");
	oldest = text_of(answer.root, "MinAPIVersion");
	most = minor_of(newest);
	least = oldest[0] == '\0' ? 0 : minor_of(oldest);
	if (most < 0 || least < 0)
		return err_set(err, -EIO, "the engine does not say which API it speaks");
	if (most < DOCKER_API_MIN || least > DOCKER_API_MAX)
		return err_set(err, -ENOTSUP,
			"the engine speaks API %s to %s, this program 1.%d to 1.%d", oldest, newest,
			DOCKER_API_MIN, DOCKER_API_MAX);
	(void)snprintf(ret_version, DOCKER_VERSION_MAX, "1.%d",
		most < DOCKER_API_MAX ? most : DOCKER_API_MAX);
	return 0;
}

/* A line of the storage driver's own: [["Backing Filesystem", "extfs"], …]. */
static const char *
storage_status(const json_t *root, const char *key)
{
	const json_t *lines = json_object_get(root, "DriverStatus");

	for (size_t i = 0; i < json_array_size(lines); i++) {
		const json_t *line = json_array_get(lines, i);
		const char *name = json_string_value(json_array_get(line, 0));
		const char *value = json_string_value(json_array_get(line, 1));

		if (name != NULL && value != NULL && strcmp(name, key) == 0)
			return value;
	}
	return "";
}

int
docker_parse_about(const char *json, size_t size, struct docker_answer *answer,
	struct engine_about *ret_about, struct err *err)
{
	const json_t *root = answer->root = load_object(json, size, err);
	uint64_t cpus;

	if (root == NULL)
		return err->code;
	cpus = number_of(root, "NCPU");
	*ret_about = (struct engine_about){
		.id = text_of(root, "ID"),
		.version = text_of(root, "ServerVersion"),
		.os = text_of(root, "OSType"),
		.arch = text_of(root, "Architecture"),
		.kernel = text_of(root, "KernelVersion"),
		.root_dir = text_of(root, "DockerRootDir"),
		.cgroup_driver = text_of(root, "CgroupDriver"),
		.cgroup_version = text_of(root, "CgroupVersion"),
		.storage_driver = text_of(root, "Driver"),
		.backing_fs = storage_status(root, "Backing Filesystem"),
		.has_gpu_runtime =
			json_object_get(json_object_get(root, "Runtimes"), "nvidia") != NULL,
		.cpu_milli = cpus > UINT32_MAX ? UINT32_MAX : cpus * 1000,
		.memory_bytes = number_of(root, "MemTotal"),
	};
	if (ret_about->cgroup_version[0] == '\0')
		ret_about->cgroup_version = "1"; /* engines that know of no other do not say */
	return 0;
}

/* ---- containers ---- */

static bool
is_id(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");

	return n > 0 && n <= ENGINE_ID_MAX && text[n] == '\0';
}

int
docker_parse_id(const char *json, size_t size, char ret_id[ENGINE_ID_MAX + 1], struct err *err)
{
	CLEANUP(docker_answer_fini) struct docker_answer answer = {0};
	const char *id;

	answer.root = load_object(json, size, err);
	if (answer.root == NULL)
		return err->code;
	id = text_of(answer.root, "Id");
	if (!is_id(id))
		return err_set(err, -EIO, "the engine gave no container id");
	memcpy(ret_id, id, strlen(id) + 1);
	return 0;
}

static enum engine_container_status
status_of(const char *text)
{
	static const struct {
		const char *text;
		enum engine_container_status status;
	} words[] = {
		{"created", ENGINE_CREATED},
		{"running", ENGINE_RUNNING},
		{"paused", ENGINE_PAUSED},
		{"restarting", ENGINE_RESTARTING},
		{"exited", ENGINE_EXITED},
		{"removing", ENGINE_DEAD},
		{"dead", ENGINE_DEAD},
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(text, words[i].text) == 0)
			return words[i].status;
	return ENGINE_DEAD;
}

static const char *
without_slash(const char *name)
{
	return name[0] == '/' ? name + 1 : name;
}

static int
exit_code_of(const json_t *state)
{
	json_int_t code = json_integer_value(json_object_get(state, "ExitCode"));

	return code < INT32_MIN || code > INT32_MAX ? -1 : (int)code;
}

static const char *
address_of(const json_t *settings)
{
	const char *name, *address = text_of(settings, "IPAddress");
	json_t *networks = json_object_get(settings, "Networks"), *network;

	json_object_foreach(networks, name, network)
	{
		if (address[0] == '\0')
			address = text_of(network, "IPAddress");
		if (address[0] == '\0')
			address = text_of(network, "GlobalIPv6Address");
	}
	return address;
}

int
docker_parse_container(const char *json, size_t size, struct docker_answer *answer,
	struct engine_container *ret_container, struct err *err)
{
	const json_t *root = answer->root = load_object(json, size, err);
	const json_t *state, *labels;

	if (root == NULL)
		return err->code;
	if (!is_id(text_of(root, "Id")))
		return err_set(err, -EIO, "the engine's container has no id");
	state = json_object_get(root, "State");
	labels = json_object_get(json_object_get(root, "Config"), "Labels");
	answer->labels = xcalloc(json_object_size(labels) + 1, sizeof *answer->labels);
	*ret_container = (struct engine_container){
		.id = text_of(root, "Id"),
		.name = without_slash(text_of(root, "Name")),
		.status = status_of(text_of(state, "Status")),
		.labels = answer->labels,
		.n_labels = labels_of(labels, answer->labels),
		.exit_code = exit_code_of(state),
		.oom_killed = flag_of(state, "OOMKilled"),
		.error = text_of(state, "Error"),
		.restart_count = (uint32_t)number_of(root, "RestartCount"),
		.created_ms = ms_of(root, "Created"),
		.started_ms = ms_of(state, "StartedAt"),
		.finished_ms = ms_of(state, "FinishedAt"),
		.pid = (int64_t)(number_of(state, "Pid") & INT32_MAX),
		.health = text_of(json_object_get(state, "Health"), "Status"),
		.written_bytes = number_of(root, "SizeRw"),
		.log_path = text_of(root, "LogPath"),
		.address = address_of(json_object_get(root, "NetworkSettings")),
		.has_host_network =
			strcmp(text_of(json_object_get(root, "HostConfig"), "NetworkMode"),
				"host") == 0,
	};
	if (strcmp(ret_container->health, "none") == 0)
		ret_container->health = "";
	return 0;
}

int
docker_parse_item(const char *json, size_t size, struct docker_answer *answer,
	struct engine_container *ret_container, struct err *err)
{
	const json_t *root = answer->root = load_object(json, size, err);
	const json_t *labels;
	const char *name;

	if (root == NULL)
		return err->code;
	if (!is_id(text_of(root, "Id")))
		return err_set(err, -EIO, "a container in the engine's list has no id");
	labels = json_object_get(root, "Labels");
	name = json_string_value(json_array_get(json_object_get(root, "Names"), 0));
	answer->labels = xcalloc(json_object_size(labels) + 1, sizeof *answer->labels);
	*ret_container = (struct engine_container){
		.id = text_of(root, "Id"),
		.name = name == NULL ? "" : without_slash(name),
		.status = status_of(text_of(root, "State")),
		.labels = answer->labels,
		.n_labels = labels_of(labels, answer->labels),
		.error = "",
		.health = "",
		.log_path = "",
		.address = "",
	};
	return 0;
}

int
docker_parse_event(const char *json, size_t size, struct docker_answer *answer,
	struct engine_event *ret_event, struct err *err)
{
	const json_t *root = answer->root = load_object(json, size, err);
	const json_t *actor, *attributes;

	if (root == NULL)
		return err->code;
	actor = json_object_get(root, "Actor");
	attributes = json_object_get(actor, "Attributes");
	answer->labels = xcalloc(json_object_size(attributes) + 1, sizeof *answer->labels);
	*ret_event = (struct engine_event){
		.type = text_of(root, "Type"),
		.action = text_of(root, "Action"),
		.id = text_of(actor, "ID"),
		.attributes = answer->labels,
		.n_attributes = labels_of(attributes, answer->labels),
		.time_ns = number_of(root, "timeNano"),
	};
	if (ret_event->action[0] == '\0' || ret_event->id[0] == '\0')
		return err_set(err, -EIO, "the engine's event names no action or no object");
	return 0;
}

/* ---- statistics ---- */

static uint64_t
sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* As `docker stats` counts: page cache that nobody uses is not the container's. */
static void
memory_of(const json_t *root, struct engine_sample *sample)
{
	const json_t *memory = json_object_get(root, "memory_stats");
	const json_t *stats = json_object_get(memory, "stats");
	uint64_t usage = number_of(memory, "usage"), idle;

	if (json_object_get(stats, "total_inactive_file") != NULL)
		idle = number_of(stats, "total_inactive_file");
	else if (json_object_get(stats, "inactive_file") != NULL)
		idle = number_of(stats, "inactive_file");
	else
		idle = number_of(stats, "cache");
	sample->memory_bytes = idle < usage ? usage - idle : usage;
	sample->memory_bytes_with_cache = usage;
}

static void
networks_of(const json_t *root, struct engine_sample *sample)
{
	json_t *networks = json_object_get(root, "networks"), *network;
	const char *name;

	json_object_foreach(networks, name, network)
	{
		sample->net_rx_bytes = sum(sample->net_rx_bytes, number_of(network, "rx_bytes"));
		sample->net_tx_bytes = sum(sample->net_tx_bytes, number_of(network, "tx_bytes"));
	}
}

static void
disks_of(const json_t *root, struct engine_sample *sample)
{
	const json_t *blkio = json_object_get(root, "blkio_stats");
	const json_t *list = json_object_get(blkio, "io_service_bytes_recursive");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		const char *op = text_of(item, "op");
		uint64_t bytes = number_of(item, "value");

		/* cgroup v1 says Read, v2 says read. */
		if (op[0] == 'r' || op[0] == 'R')
			sample->io_read_bytes = sum(sample->io_read_bytes, bytes);
		else if (op[0] == 'w' || op[0] == 'W')
			sample->io_write_bytes = sum(sample->io_write_bytes, bytes);
	}
}

int
docker_parse_sample(const char *json, size_t size, struct engine_sample *ret_sample,
	bool *ret_ended, struct err *err)
{
	CLEANUP(docker_answer_fini) struct docker_answer answer = {0};
	const json_t *root = answer.root = load_object(json, size, err);
	const json_t *cpu;

	if (root == NULL)
		return err->code;
	cpu = json_object_get(json_object_get(root, "cpu_stats"), "cpu_usage");
	*ret_sample = (struct engine_sample){
		.ts_ms = ms_of(root, "read"),
		.cpu_ns_total = number_of(cpu, "total_usage"),
		.pids = number_of(json_object_get(root, "pids_stats"), "current"),
	};
	memory_of(root, ret_sample);
	networks_of(root, ret_sample);
	disks_of(root, ret_sample);
	/* Of a container that does not run the engine sends a sample of nothing: year 1, no CPU. */
	*ret_ended = ret_sample->ts_ms == 0 ||
		     (ret_sample->cpu_ns_total == 0 && ret_sample->memory_bytes == 0 &&
			     ret_sample->pids == 0);
	return 0;
}
