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
#include "services/worker/chaos_shell.h"
#include "services/worker/credentials.h"
#include "services/worker/declared.h"
#include "services/worker/journal_file.h"
#include "services/worker/limits.h"
#include "services/worker/machine.h"
#include "services/worker/probe.h"
#include "services/worker/shell_metrics.h"
#include "services/worker/shell_start.h"
#include "services/worker/state_file.h"
#include "services/worker/worker.h"

enum {
	MEM_ENGINE_STARTS = 1024,
	LEAVE_MAX_MS = 1800,
	LABELS_MAX = 256,
	TRIM_MS = 10000,
};

struct worker_shell {
	struct worker_shell_options options; /* what it points to is borrowed */
	struct worker_declared declared;
	uv_loop_t *loop;
	uv_prepare_t prepare;
	uv_timer_t due_timer, stats_timer, leave_timer, trim_timer;
	struct rpc_client *client;
	struct rpc_pub *pub;
	struct engine *engine;
	struct worker_journal_file *journal;
	struct worker *worker;     /* NULL: killed on purpose, or closed */
	unsigned n_lives;          /* of the core: an answer to an earlier one is nobody's */
	struct chaos_shell *chaos; /* NULL: not allowed */
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
	unsigned life;
};

static void
on_answer(const struct rpc_result *result, void *arg)
{
	struct pending *pending = arg;

	if (pending->shell->worker != NULL && pending->shell->n_lives == pending->life)
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

	*pending = (struct pending){shell, ticket, shell->n_lives};
	if (shell->chaos != NULL) {
		chaos_shell_call(shell->chaos, method, request, timeout_ms, on_answer, pending);
		return;
	}
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
port_end_orphans(void *arg, const char *container_id, struct err *err)
{
	(void)arg;
	return worker_machine_end_container("/proc", container_id, err);
}

static int
port_disk_usage(void *arg, const char *path, uint64_t *ret_used, uint64_t *ret_total)
{
	(void)arg;
	return worker_machine_disk_usage(path, ret_used, ret_total);
}

static int
port_chaos(void *arg, const Davit__ChaosQuery *query, Davit__Fault *ret_fault, struct err *err)
{
	return chaos_shell_order(((struct worker_shell *)arg)->chaos, query, ret_fault, err);
}

static int
port_memory_kills(void *arg, uint64_t *ret_n)
{
	(void)arg;
	return worker_machine_memory_kills("/proc", ret_n);
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
	struct worker_shell *shell = arg;

	if (shell->chaos == NULL || !chaos_shell_loses_stats(shell->chaos))
		rpc_pub_send(shell->pub, topic, data, size);
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
	uint64_t now = clock_mono_ms(), due = UINT64_MAX, own;

	if (shell->chaos != NULL)
		due = chaos_shell_tick(shell->chaos, now, clock_wall_ms());
	if (shell->worker != NULL)
		worker_tick(shell->worker, now, clock_wall_ms());
	if (shell->is_leaving && (shell->worker == NULL || worker_has_left(shell->worker))) {
		shell->is_leaving = false;
		shell->on_left(shell->on_left_arg);
	}
	own = shell->worker == NULL ? UINT64_MAX : worker_due_ms(shell->worker);
	due = own < due ? own : due;
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

	if (shell->stats != NULL && rpc_pub_n_subscribers(shell->pub) > 0)
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
	if (shell->worker != NULL)
		worker_leave(shell->worker);
	(void)uv_timer_start(&shell->leave_timer, on_leave_late, LEAVE_MAX_MS, 0);
}

/* ---- opening ---- */

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
		.end_orphans = port_end_orphans,
		.disk_usage = port_disk_usage,
		.chaos = shell->chaos != NULL ? port_chaos : NULL,
		.memory_kills = port_memory_kills,
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
		.start_width = worker_start_lanes()};
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
	rc = worker_start_labels(&options->labels, labels, err);
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
		worker_start_capacity(&core.capacity, options);
		worker_start_fallback(&core.fallback);
		shell->n_lives++;
		shell->worker = worker_new(&core,
			shell->chaos != NULL ? chaos_shell_engine(shell->chaos) : shell->engine,
			&ports);
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
open_stats(struct worker_shell *shell, const struct worker_shell_options *options)
{
	shell->stats =
		worker_stats_new(&(struct worker_stats_options){.node_name = options->name,
					 .source = is_mem_engine(options) ? WORKER_STATS_ENGINE
									  : options->stats_source,
					 .publish = publish,
					 .arg = shell},
			shell->worker, shell->engine);
}

/* ---- faults on purpose ---- */

static const char *
node_id_of(void *arg)
{
	const struct worker_shell *shell = arg;

	return shell->worker == NULL ? "" : worker_node_id(shell->worker);
}

static void
close_core(struct worker_shell *shell)
{
	struct worker *worker = TAKE(shell->worker);

	worker_stats_free(TAKE(shell->stats));
	worker_journal_file_close(TAKE(shell->journal));
	worker_free(worker);
	worker_declared_fini(&shell->declared);
}

static void
die(void *arg)
{
	close_core(arg);
}

static void
revive(void *arg)
{
	struct worker_shell *shell = arg;
	struct err err;

	if (open_core(shell, &shell->options, &err) < 0) {
		log_error("worker.revive", "error=\"%s\", ending", err.text);
		uv_stop(shell->loop);
		return;
	}
	open_stats(shell, &shell->options);
}

static int
open_chaos(struct worker_shell *shell, const struct worker_shell_options *options, struct err *err)
{
	if (!options->allows_chaos)
		return 0;
	return chaos_shell_open(&(struct chaos_shell_options){.loop = shell->loop,
					.manager_url = options->manager_url,
					.client = shell->client,
					.engine = shell->engine,
					.arg = shell,
					.random = port_random,
					.node_id = node_id_of,
					.die = die,
					.revive = revive},
		&shell->chaos, err);
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
	shell->options = *options;
	shell->probes = probes_new(loop);
	shell->registry_config = options->registry_config;
	if (getrandom(&shell->random_state, sizeof shell->random_state, 0) < 0 ||
		shell->random_state == 0)
		shell->random_state = (uint32_t)clock_mono_ms() | 1;
	shell->node_id_path = join(options->state_dir, "node_id");
	shell->pulled_path = join(options->state_dir, "images");
	rc = options->labels.n > LABELS_MAX ? err_set(err, -EINVAL, "at most %d labels", LABELS_MAX)
					    : worker_start_folder(options->state_dir, err);
	if (rc == 0)
		rc = open_engine(shell, options, err);
	if (rc == 0)
		rc = rpc_client_open(loop, options->manager_url, &shell->client, err);
	if (rc == 0)
		rc = rpc_pub_open(options->stats_url, RPC_DIAL, &shell->pub, err);
	if (rc == 0)
		rc = open_chaos(shell, options, err);
	if (rc == 0)
		rc = open_core(shell, options, err);
	open_loop(shell, options);
	if (rc < 0) {
		worker_shell_close(shell);
		(void)uv_run(loop, UV_RUN_DEFAULT);
		worker_shell_free(shell);
		return rc;
	}
	open_stats(shell, options);
	shell->counted = worker_metrics_new(options->metrics, shell->engine, &shell->worker);
	*ret_shell = shell;
	return 0;
}

bool
worker_shell_is_ready(const struct worker_shell *shell, const char **ret_why)
{
	const char *trouble = shell->worker == NULL ? "killed on purpose for a while"
						    : worker_engine_trouble(shell->worker);

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

	close_core(shell);
	probes_free(shell->probes);
	rpc_client_close(shell->client);
	chaos_shell_close(shell->chaos);
	rpc_pub_close(shell->pub);
	engine_close(shell->engine);
	for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++)
		uv_close(handles[i], NULL);
}

void
worker_shell_free(struct worker_shell *shell)
{
	worker_metrics_free(shell->counted);
	chaos_shell_free(shell->chaos);
	free(shell->node_id_path);
	free(shell->pulled_path);
	free(shell);
}
