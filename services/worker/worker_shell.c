/* Tested by tests/unit/test_worker_shell.c. */
#include "services/worker/worker_shell.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/process.h"
#include "common/docker/engine_mem.h"
#include "common/rpc/client.h"
#include "common/rpc/pubsub.h"
#include "services/worker/credentials.h"
#include "services/worker/declared.h"
#include "services/worker/journal_file.h"
#include "services/worker/limits.h"
#include "services/worker/machine.h"
#include "services/worker/probe.h"
#include "services/worker/shell_metrics.h"
#include "services/worker/state_file.h"
#include "services/worker/worker.h"

enum {
	STARTS_PER_CPU = 4,
	MEM_ENGINE_STARTS = 1024,
	LEAVE_MAX_MS = 1800,
	LABELS_MAX = 256,
	TRIM_MS = 10000,
};

struct worker_shell {
	struct worker_declared declared;
	uv_loop_t *loop;
	uv_prepare_t prepare;
	uv_timer_t due_timer, stats_timer, leave_timer, trim_timer;
	struct rpc_client *client;
	struct rpc_pub *pub;
	struct engine *engine;
	struct worker_journal_file *journal;
	struct worker *worker;
	struct worker_stats *stats;
	struct worker_metrics *counted; /* NULL: nothing is counted */
	struct probes *probes;
	const char *registry_config; /* the options' */
	char *node_id_path, *pulled_path;
	uint32_t random_state;
	void (*on_left)(void *arg);
	void *on_left_arg;
	bool is_leaving;
};

/* ---- ports ---- */

struct pending {
	struct worker_shell *shell;
	uint64_t ticket;
};

static void
on_answer(const struct rpc_result *result, void *arg)
{
	struct pending *pending = arg;

	if (pending->shell->worker != NULL)
		worker_answered(pending->shell->worker, pending->ticket, result->status,
			result->message, result->response);
	free(pending);
}

static void
port_call(void *arg, uint64_t ticket, const char *method, const ProtobufCMessage *request,
	uint64_t timeout_ms)
{
	struct worker_shell *shell = arg;
	struct pending *pending = xmalloc(sizeof *pending);

	*pending = (struct pending){shell, ticket};
	(void)rpc_client_call(shell->client, rpc_method(&davit__workers__descriptor, method),
		request, &(struct rpc_call_options){.timeout_ms = timeout_ms}, on_answer, pending);
}

static void
port_redial(void *arg)
{
	rpc_client_redial(((struct worker_shell *)arg)->client);
}

static void
port_journal_add(void *arg, const struct worker_journal_entry *entries, size_t n)
{
	worker_journal_file_add(((struct worker_shell *)arg)->journal, entries, n);
}

static void
port_journal_drop(void *arg, const struct worker_journal_entry *entry)
{
	worker_journal_file_drop(((struct worker_shell *)arg)->journal, entry);
}

static int
port_log_read(void *arg, const char *path, struct worker_log_place *place, worker_log_line_fn *fn,
	void *fn_arg)
{
	(void)arg;
	return worker_log_file_read(path, place, fn, fn_arg);
}

static int
port_log_tail(void *arg, const char *path, uint32_t n, struct worker_log_place *ret_place)
{
	(void)arg;
	return worker_log_file_tail(path, n, ret_place);
}

static void
port_probe(void *arg, const struct worker_probe *probe, worker_probed_fn *done, void *done_arg)
{
	probes_begin(((struct worker_shell *)arg)->probes, probe, done, done_arg);
}

static int
port_registry_auth(void *arg, const char *name, const char *image, char **ret_auth, struct err *err)
{
	return credentials_find(((struct worker_shell *)arg)->registry_config, name, image,
		ret_auth, err);
}

static void
on_journaled(const struct err *err, void *arg)
{
	worker_journaled(((struct worker_shell *)arg)->worker, err);
}

/* xorshift: only waits are varied with it. */
static uint32_t
port_random(void *arg)
{
	struct worker_shell *shell = arg;
	uint32_t x = shell->random_state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	shell->random_state = x;
	return x;
}

static void
port_save_node_id(void *arg, const char *node_id)
{
	struct worker_shell *shell = arg;
	int rc = worker_state_save(shell->node_id_path, node_id, true);

	if (rc < 0)
		log_warn("worker.node_id",
			"path=%s error=\"%s\", the node gets a new id at the next start",
			shell->node_id_path, strerror(-rc));
}

static void
port_save_pulled(void *arg, const char *text)
{
	struct worker_shell *shell = arg;
	/* Not worth waiting for the disk: what is forgotten stays on the engine, no more. */
	int rc = worker_state_save(shell->pulled_path, text, false);

	if (rc < 0)
		log_warn("image.forgotten",
			"path=%s error=\"%s\", images pulled since the last start stay on the engine",
			shell->pulled_path, strerror(-rc));
}

static int
port_real_path(void *arg, const char *path, char **ret_real)
{
	(void)arg;
	*ret_real = realpath(path, NULL);
	return *ret_real == NULL ? -errno : 0;
}

static int
port_disk_usage(void *arg, const char *path, uint64_t *ret_used, uint64_t *ret_total)
{
	(void)arg;
	return worker_machine_disk_usage(path, ret_used, ret_total);
}

static uint32_t
port_count_gpus(void *arg)
{
	(void)arg;
	return worker_machine_gpus("/dev");
}

static void
publish(void *arg, const char *topic, const void *data, size_t size)
{
	rpc_pub_send(((struct worker_shell *)arg)->pub, topic, data, size);
}

/* ---- the loop ---- */

static void
on_due(uv_timer_t *timer)
{
	(void)timer; /* it only wakes the loop: on_prepare does the work */
}

static void
on_prepare(uv_prepare_t *prepare)
{
	struct worker_shell *shell = prepare->data;
	uint64_t now = clock_mono_ms(), due;

	worker_tick(shell->worker, now, clock_wall_ms());
	if (shell->is_leaving && worker_has_left(shell->worker)) {
		shell->is_leaving = false;
		shell->on_left(shell->on_left_arg);
	}
	due = worker_due_ms(shell->worker);
	uv_update_time(shell->loop);
	if (due == UINT64_MAX)
		(void)uv_timer_stop(&shell->due_timer);
	else
		(void)uv_timer_start(&shell->due_timer, on_due, due > now ? due - now : 0, 0);
}

static void
on_stats(uv_timer_t *timer)
{
	struct worker_shell *shell = timer->data;

	if (rpc_pub_n_subscribers(shell->pub) > 0)
		worker_stats_tick(shell->stats, clock_wall_ms());
}

/* What a burst of containers needed is not kept for the next one. */
static void
on_trim(uv_timer_t *timer)
{
	(void)timer;
	process_trim_memory();
}

static void
on_leave_late(uv_timer_t *timer)
{
	struct worker_shell *shell = timer->data;

	if (shell->is_leaving) {
		shell->is_leaving = false;
		shell->on_left(shell->on_left_arg);
	}
}

void
worker_shell_leave(struct worker_shell *shell, void (*on_left)(void *arg), void *arg)
{
	shell->on_left = on_left;
	shell->on_left_arg = arg;
	shell->is_leaving = true;
	worker_leave(shell->worker);
	(void)uv_timer_start(&shell->leave_timer, on_leave_late, LEAVE_MAX_MS, 0);
}

/* ---- opening ---- */

static int
make_folder(const char *path, struct err *err)
{
	CLEANUP(free) char *part = xstrdup(path);

	for (char *p = part + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		(void)mkdir(part, 0750); /* the last one tells */
		*p = '/';
	}
	if (mkdir(part, 0750) < 0 && errno != EEXIST)
		return err_set(err, -errno, "cannot make state directory '%s': %s", path,
			strerror(errno));
	return 0;
}

static char *
join(const char *folder, const char *name)
{
	char *path = NULL;

	int n = asprintf(&path, "%s/%s", folder, name);

	assert(n > 0);
	return path;
}

/* Its containers are in memory, and so are their figures. */
static bool
is_mem_engine(const struct worker_shell_options *options)
{
	return options->docker_host != NULL && strcmp(options->docker_host, "mem://") == 0;
}

static int
open_engine(struct worker_shell *shell, const struct worker_shell_options *options, struct err *err)
{
	if (is_mem_engine(options)) {
		shell->engine = engine_mem_open_on_loop(
			&(struct engine_mem_options){.seed = shell->random_state,
				.now_ms = clock_wall_ms(),
				.cpu_milli = options->cpu_milli,
				.memory_bytes = options->memory_bytes},
			shell->loop);
		return 0;
	}
	return engine_open_http(shell->loop,
		&(struct engine_http_options){.host = options->docker_host}, &shell->engine, err);
}

static int
parse_labels(const struct option_list *list, Davit__StringEntry *ret_labels, struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		char *equals = strchr(list->items[i], '=');

		if (equals == NULL || equals == list->items[i])
			return err_set(err, -EINVAL, "--label '%.60s': want KEY=VALUE",
				list->items[i]);
		davit__string_entry__init(&ret_labels[i]);
		*equals = '\0'; /* undone by the caller's copy: the list is ours to read */
		ret_labels[i].key = xstrdup(list->items[i]);
		ret_labels[i].value = xstrdup(equals + 1);
		*equals = '=';
	}
	return 0;
}

/* An engine that is away at the start has most likely the CPUs and the memory that we see. */
static void
fill_fallback(Davit__Resources *fallback)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN), n_pages = sysconf(_SC_PHYS_PAGES);

	davit__resources__init(fallback);
	fallback->cpu_milli = (uint64_t)(n_cpus > 0 ? n_cpus : 1) * 1000;
	fallback->memory_bytes =
		(uint64_t)(n_pages > 0 ? n_pages : 0) * (uint64_t)sysconf(_SC_PAGESIZE);
	fallback->disk_bytes = worker_machine_disk_bytes("/");
}

static void
fill_capacity(Davit__Resources *capacity, const struct worker_shell_options *options)
{
	davit__resources__init(capacity);
	capacity->has_cpu_milli = options->cpu_milli > 0;
	capacity->cpu_milli = options->cpu_milli;
	capacity->has_memory_bytes = options->memory_bytes > 0;
	capacity->memory_bytes = options->memory_bytes;
	capacity->has_disk_bytes = options->disk_bytes > 0;
	capacity->disk_bytes = options->disk_bytes;
}

static unsigned
start_width(void)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return (unsigned)(n_cpus > 1 ? n_cpus : 1) * STARTS_PER_CPU;
}

/* What the core wants from the world. */
static struct worker_ports
ports_of(struct worker_shell *shell)
{
	return (struct worker_ports){.arg = shell,
		.call = port_call,
		.redial = port_redial,
		.journal_add = port_journal_add,
		.journal_drop = port_journal_drop,
		.log_read = port_log_read,
		.log_tail = port_log_tail,
		.save_node_id = port_save_node_id,
		.probe = port_probe,
		.registry_auth = port_registry_auth,
		.real_path = port_real_path,
		.disk_usage = port_disk_usage,
		.count_gpus = port_count_gpus,
		.save_pulled = port_save_pulled,
		.random = port_random};
}

static int
open_core(struct worker_shell *shell, const struct worker_shell_options *options, struct err *err)
{
	CLEANUP(free) char *journal_path = join(options->state_dir, "journal");
	struct worker_journal_entry *started = NULL;
	Davit__StringEntry *labels;
	const struct worker_ports ports = ports_of(shell);
	struct worker_options core = {.name = options->name,
		.start_limit = options->start_limit == 0 && is_mem_engine(options)
				       ? MEM_ENGINE_STARTS
				       : options->start_limit,
		.start_width = start_width()};
	CLEANUP(free) char *node_id = worker_state_load(shell->node_id_path);
	CLEANUP(free) char *pulled = worker_state_load(shell->pulled_path);
	char instance[RPC_REQUEST_ID_SIZE];
	char address[WORKER_MACHINE_ADDRESS_SIZE];
	CLEANUP(free) char *engine_host = engine_host_name(options->docker_host);
	int rc = worker_journal_file_open(shell->loop, journal_path, on_journaled, shell,
		&shell->journal, &started, &core.n_started, err);

	if (rc < 0)
		return rc;
	labels = xcalloc(options->labels.n + 1, sizeof *labels);
	rc = parse_labels(&options->labels, labels, err);
	shell->declared =
		(struct worker_declared){.node_class = options->node_class, .gpus = options->gpus};
	if (rc == 0)
		rc = worker_declared_read(&shell->declared, &options->taints, &options->devices,
			err);
	if (rc == 0) {
		core.declared = &shell->declared;
		if (node_id != NULL)
			node_id[strcspn(node_id, "\r\n")] = '\0';
		rpc_request_id_make(instance);
		core.node_id = node_id;
		core.pulled = pulled;
		core.instance = instance;
		core.engine_address = engine_host;
		worker_machine_address(address);
		core.address = options->address != NULL ? options->address
			       : engine_host != NULL    ? engine_host
							: address;
		core.policy = options->policy;
		core.labels = labels;
		core.n_labels = options->labels.n;
		core.started = started;
		fill_capacity(&core.capacity, options);
		fill_fallback(&core.fallback);
		shell->worker = worker_new(&core, shell->engine, &ports);
	}
	for (size_t i = 0; i < options->labels.n; i++) {
		free(labels[i].key);
		free(labels[i].value);
	}
	free(labels);
	free(started);
	return rc;
}

static void
open_loop(struct worker_shell *shell, const struct worker_shell_options *options)
{
	(void)uv_prepare_init(shell->loop, &shell->prepare);
	(void)uv_timer_init(shell->loop, &shell->due_timer);
	(void)uv_timer_init(shell->loop, &shell->stats_timer);
	(void)uv_timer_init(shell->loop, &shell->leave_timer);
	(void)uv_timer_init(shell->loop, &shell->trim_timer);
	(void)uv_timer_start(&shell->trim_timer, on_trim, TRIM_MS, TRIM_MS);
	shell->prepare.data = shell->due_timer.data = shell;
	shell->stats_timer.data = shell->leave_timer.data = shell;
	(void)uv_prepare_start(&shell->prepare, on_prepare);
	if (options->stats_interval_ms > 0)
		(void)uv_timer_start(&shell->stats_timer, on_stats, options->stats_interval_ms,
			options->stats_interval_ms);
}

int
worker_shell_open(uv_loop_t *loop, const struct worker_shell_options *options,
	struct worker_shell **ret_shell, struct err *err)
{
	struct worker_shell *shell = xcalloc(1, sizeof *shell);
	int rc;

	shell->loop = loop;
	shell->probes = probes_new(loop);
	shell->registry_config = options->registry_config;
	if (getrandom(&shell->random_state, sizeof shell->random_state, 0) < 0 ||
		shell->random_state == 0)
		shell->random_state = (uint32_t)clock_mono_ms() | 1;
	shell->node_id_path = join(options->state_dir, "node_id");
	shell->pulled_path = join(options->state_dir, "images");
	rc = options->labels.n > LABELS_MAX ? err_set(err, -EINVAL, "at most %d labels", LABELS_MAX)
					    : make_folder(options->state_dir, err);
	if (rc == 0)
		rc = open_engine(shell, options, err);
	if (rc == 0)
		rc = rpc_client_open(loop, options->manager_url, &shell->client, err);
	if (rc == 0)
		rc = rpc_pub_open(options->stats_url, RPC_DIAL, &shell->pub, err);
	if (rc == 0)
		rc = open_core(shell, options, err);
	open_loop(shell, options);
	if (rc < 0) {
		worker_shell_close(shell);
		(void)uv_run(loop, UV_RUN_DEFAULT);
		worker_shell_free(shell);
		return rc;
	}
	shell->stats =
		worker_stats_new(&(struct worker_stats_options){.node_name = options->name,
					 .source = is_mem_engine(options) ? WORKER_STATS_ENGINE
									  : options->stats_source,
					 .publish = publish,
					 .arg = shell},
			shell->worker, shell->engine);
	shell->counted = worker_metrics_new(options->metrics, shell->engine, &shell->worker);
	*ret_shell = shell;
	return 0;
}

bool
worker_shell_is_ready(const struct worker_shell *shell, const char **ret_why)
{
	const char *trouble = worker_engine_trouble(shell->worker);

	if (trouble == NULL && worker_is_registered(shell->worker))
		return true;
	*ret_why = trouble != NULL ? trouble : "not registered with the manager";
	return false;
}

/* The core goes before what it borrows; what still answers finds no worker and is left alone. */
void
worker_shell_close(struct worker_shell *shell)
{
	uv_handle_t *const handles[] = {(uv_handle_t *)&shell->prepare,
		(uv_handle_t *)&shell->due_timer, (uv_handle_t *)&shell->stats_timer,
		(uv_handle_t *)&shell->leave_timer, (uv_handle_t *)&shell->trim_timer};
	struct worker *worker = TAKE(shell->worker);

	worker_stats_free(shell->stats);
	worker_journal_file_close(shell->journal);
	worker_free(worker);
	probes_free(shell->probes);
	worker_declared_fini(&shell->declared);
	rpc_client_close(shell->client);
	rpc_pub_close(shell->pub);
	engine_close(shell->engine);
	for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++)
		uv_close(handles[i], NULL);
}

void
worker_shell_free(struct worker_shell *shell)
{
	worker_metrics_free(shell->counted);
	free(shell->node_id_path);
	free(shell->pulled_path);
	free(shell);
}
