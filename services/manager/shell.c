#include "services/manager/shell.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/rpc/client.h"
#include "common/rpc/pubsub.h"
#include "common/rpc/server.h"
#include "common/rpc/unpack.h"
#include "services/manager/feed.h"
#include "services/manager/limits.h"
#include "services/manager/outage.h"
#include "services/manager/shell_metrics.h"

enum {
	PLACE_TIMEOUT_MS = 10000,
	PLACE_TIMEOUT_AWAY_MS = 500, /* while there is no connection */
	PLACE_RECONNECT_MS = 250,
	PATH_SIZE = 4096,

	/* How long calls are handed over before the loop looks whether the batch on its way is on
	   the disk; short for as long as somebody reads. */
	TURN_US = 10000,
	TURN_BESIDE_READS_US = 2000,
	READS_LAST_MS = 1000,
	/* So long after a batch was sealed only reads are handed over then: what they see is in it,
	   and they are answered with it, not with the next. */
	READS_FIRST_MS = 1,

	/* A commit of at most so many writes is made on the loop, if nobody else waits: to hand it
	   over and back would take longer. */
	LONE_WRITES = 32,

	UNTIDIED_MAX = 5, /* ticks */
};

/* A scheduler that is back is asked within a second: it is dialled, and a call is due. */
_Static_assert(PLACE_RECONNECT_MS + MANAGER_PLACE_RETRY_MS + MANAGER_TICK_MS < 1000,
	"a scheduler that is back waits for its first question too long");

struct shell {
	uv_loop_t *loop;
	uv_timer_t tick, reads_first;
	uv_check_t turn_end;
	uv_async_t committed;
	struct manager *manager;
	struct store *store;
	struct rpc_server *server;
	struct rpc_client *scheduler;
	struct feed *feed;
	struct rpc_sub *stats;
	struct shell_metrics counted;
	struct shell_shown shown;
	struct outage outage;
	bool owes_answer; /* of the scheduler: it came while nothing could be written */
	/* The sealed batch is with the store's thread. */
	bool is_committing, reads_go_first;
	unsigned n_untidied; /* ticks since the store was tidied */
	size_t n_writes;
	uint64_t began_ns, began_ms;
	uint64_t ended_ns;       /* the thread's, until is_committing is over */
	uint64_t read_mono_ms;   /* when a read came last */
	uint64_t placed_ns;      /* when the scheduler was asked */
	uint64_t reload_mono_ms; /* when to try again to load the model; 0: it is loaded */
};

static struct manager_now
now(void)
{
	return (struct manager_now){clock_mono_ms(), clock_wall_ms()};
}

/* ---- ports of the core ---- */

static void
port_random(void *arg, void *data, size_t size)
{
	uint8_t *at = data;

	(void)arg;
	while (size > 0) {
		ssize_t n = getrandom(at, size, 0);

		if (n < 0)
			continue; /* EINTR: nothing else can happen */
		at += n;
		size -= (size_t)n;
	}
}

static void
on_placed(const struct rpc_result *result, void *arg)
{
	struct shell *shell = arg;

	if (result->status == DAVIT__REPLY__STATUS__CANCELLED)
		return; /* closing */
	metric_observe(shell->counted.place_seconds, NULL,
		(double)(uv_hrtime() - shell->placed_ns) / 1e9);
	metric_inc(shell->counted.place_calls, METRIC_LABELS(rpc_status_name(result->status)), 1);
	if (outage_is_on(&shell->outage)) {
		shell->owes_answer = true;
		return;
	}
	manager_placed(shell->manager, now(), result->status, result->message,
		(const Davit__PlaceReply *)result->response);
}

static void
port_place(void *arg, const Davit__PlaceRequest *request)
{
	struct shell *shell = arg;
	struct rpc_call_options options = {.timeout_ms = rpc_client_is_connected(shell->scheduler)
								 ? PLACE_TIMEOUT_MS
								 : PLACE_TIMEOUT_AWAY_MS};

	shell->placed_ns = uv_hrtime();
	(void)rpc_client_call(shell->scheduler, rpc_method(&davit__scheduler__descriptor, "Place"),
		&request->base, &options, on_placed, shell);
}

static void
port_publish(void *arg, const char *topic, const ProtobufCMessage *message)
{
	struct shell *shell = arg;

	feed_publish(shell->feed, topic, message);
}

/* Waits for a commit under way: some milliseconds at worst, for what few ask for. */
static int
port_read(void *arg, const char *key, struct buf *ret_value, struct err *err)
{
	struct shell *shell = arg;

	return store_get(shell->store, key, ret_value, err);
}

/* ---- one turn of the loop ---- */

static void
recover(struct shell *shell)
{
	struct err err = {0};

	if (manager_load(shell->manager, shell->store, now(), &err) == 0) {
		shell->reload_mono_ms = 0;
		return;
	}
	log_error("store.unreadable", "reason=\"%s\", retrying in 1 s", err.text);
	manager_abort(shell->manager, err.text);
	shell->reload_mono_ms = clock_mono_ms() + 1000;
}

/* ---- writes ---- */

static void
writes_work(struct shell *shell)
{
	if (!outage_is_on(&shell->outage))
		return;
	outage_end(&shell->outage);
	log_info("store.writes_work", "reason=\"a write was taken\"");
	manager_set_store_trouble(shell->manager, "");
	if (!shell->owes_answer)
		return;
	shell->owes_answer = false;
	manager_placed(shell->manager, now(), DAVIT__REPLY__STATUS__UNAVAILABLE,
		"the store could not be written", NULL);
}

static void
writes_fail(struct shell *shell, uint64_t began_ms, const char *reason)
{
	uint64_t now_ms = clock_mono_ms();

	outage_begin(&shell->outage, now_ms, now_ms - began_ms);
	metric_inc(shell->counted.commit_failures, NULL, 1);
	log_error("store.commit_failed",
		"reason=\"%s\", nothing of this batch was done, retrying in %llu ms", reason,
		(unsigned long long)shell->outage.delay_ms);
	manager_set_store_trouble(shell->manager, reason);
}

/* The sealed batch is in the store, or is not. */
static void
conclude(struct shell *shell, int rc, const char *reason)
{
	if (shell->n_writes > 0) {
		metric_observe(shell->counted.commit_seconds, NULL,
			(double)(shell->ended_ns - shell->began_ns) / 1e9);
		metric_observe(shell->counted.commit_writes, NULL, (double)shell->n_writes);
	}
	if (rc == 0) {
		manager_release(shell->manager);
		if (shell->n_writes > 0)
			writes_work(shell);
		return;
	}
	manager_abort(shell->manager, reason);
	recover(shell);
	writes_fail(shell, shell->began_ms, reason);
}

/* The store's thread. */
static void
on_done(void *arg)
{
	struct shell *shell = arg;

	shell->ended_ns = uv_hrtime();
	(void)uv_async_send(&shell->committed);
}

static void
on_committed(uv_async_t *handle)
{
	struct shell *shell = handle->data;
	struct err err = {0};
	int rc;

	if (!shell->is_committing)
		return;
	shell->is_committing = false;
	rc = store_commit_finish(shell->store, &err);
	conclude(shell, rc, err.text);
}

static bool
has_readers(const struct shell *shell)
{
	return shell->read_mono_ms != 0 && clock_mono_ms() - shell->read_mono_ms < READS_LAST_MS;
}

static bool
is_lone(const struct shell *shell)
{
	struct rpc_server_stats stats = {0};

	if (shell->n_writes > LONE_WRITES || store_is_busy(shell->store))
		return false;
	rpc_server_stats(shell->server, &stats);
	return stats.n_waiting == 0;
}

static void on_reads_had(uv_timer_t *handle);

static void
begin(struct shell *shell, const struct store_batch *writes)
{
	shell->is_committing = true;
	store_commit_begin(shell->store, writes, on_done, shell);
	shell->reads_go_first = has_readers(shell);
	if (!shell->reads_go_first)
		return;
	uv_update_time(shell->loop); /* the turn may have been long */
	(void)uv_timer_start(&shell->reads_first, on_reads_had, READS_FIRST_MS, 0);
}

static void
commit_sealed(struct shell *shell, const struct store_batch *writes)
{
	struct err err = {0};
	int rc;

	shell->n_writes = store_batch_count(writes);
	shell->began_ns = uv_hrtime();
	shell->began_ms = clock_mono_ms();
	if (shell->n_writes > 0 && !is_lone(shell)) {
		begin(shell, writes);
		return;
	}
	rc = store_commit(shell->store, writes, &err);
	shell->ended_ns = uv_hrtime();
	conclude(shell, rc, err.text);
}

/*
 * The scheduler's question can wait until the batch is on its way, or a lone one is through: to
 * make and send it takes a third of the time of a sync.
 */
static void
commit(struct shell *shell)
{
	commit_sealed(shell, manager_seal(shell->manager));
	if (shell->reload_mono_ms == 0)
		manager_ask(shell->manager);
}

/* Writes what is there already, to see whether writes work again. */
static void
probe(struct shell *shell)
{
	static const char key[] = "cluster";
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	CLEANUP(buf_fini) struct buf value = {0};
	uint64_t began_ms = clock_mono_ms();
	struct err err = {0};
	int rc = store_get(shell->store, key, &value, &err);

	if (rc == 0) {
		store_batch_put(batch, key, value.data, value.size);
		rc = store_commit(shell->store, batch, &err);
	}
	if (rc == 0)
		writes_work(shell);
	else
		writes_fail(shell, began_ms, err.text);
}

/* What may be decided while the sealed batch is on its way. */
static void
limit_turns(struct shell *shell)
{
	bool holds =
		shell->is_committing && (shell->reads_go_first || manager_is_ahead(shell->manager));

	if (shell->server == NULL)
		return;
	rpc_server_limit_turns(shell->server, manager_method_reads,
		has_readers(shell) ? TURN_BESIDE_READS_US : TURN_US);
	rpc_server_hold(shell->server, holds);
}

static void
on_reads_had(uv_timer_t *handle)
{
	struct shell *shell = handle->data;

	shell->reads_go_first = false;
	limit_turns(shell);
}

static void
on_turn_end(uv_check_t *handle)
{
	struct shell *shell = handle->data;

	while (!shell->is_committing && shell->reload_mono_ms == 0 &&
		manager_has_work(shell->manager)) {
		if (manager_has_writes(shell->manager) &&
			outage_holds(&shell->outage, clock_mono_ms()))
			break;
		commit(shell);
	}
	limit_turns(shell);
}

/* For how long what nodes say may wait: to be handed over, and for answers that they go on from. */
static uint64_t
backlog_ms(const struct shell *shell)
{
	struct rpc_server_stats stats = {0};

	if (shell->server != NULL)
		rpc_server_stats(shell->server, &stats);
	return stats.waits_ms + (shell->is_committing ? clock_mono_ms() - shell->began_ms : 0);
}

static void
on_tick(uv_timer_t *handle)
{
	struct shell *shell = handle->data;

	if (shell->reload_mono_ms != 0) {
		if (clock_mono_ms() >= shell->reload_mono_ms)
			recover(shell);
		return;
	}
	manager_set_backlog(shell->manager, backlog_ms(shell));
	manager_tick(shell->manager, now());
	if (outage_is_on(&shell->outage) && !shell->is_committing &&
		!manager_has_writes(shell->manager) &&
		!outage_holds(&shell->outage, clock_mono_ms()))
		probe(shell);
	/* While batches follow each other it can wait: the store does what is pressing itself. */
	if (!shell->is_committing || ++shell->n_untidied >= UNTIDIED_MAX) {
		shell->n_untidied = 0;
		store_tidy_begin(shell->store);
	}
}

static void
on_call(struct rpc_call *call, void *arg)
{
	struct shell *shell = arg;

	if (manager_method_reads(rpc_call_method(call)))
		shell->read_mono_ms = clock_mono_ms();
	if (shell->reload_mono_ms == 0 && outage_is_on(&shell->outage) && outage_concerns(call)) {
		manager_refuse(shell->manager, now(), call);
	} else if (shell->reload_mono_ms == 0) {
		manager_call(shell->manager, now(), call);
	} else {
		rpc_call_refuse(call, DAVIT__REPLY__STATUS__UNAVAILABLE, NULL,
			"the manager's store cannot be read: see its log");
		rpc_call_send(call);
	}
}

static void
on_stats(const char *topic, const void *payload, size_t size, void *arg)
{
	struct shell *shell = arg;
	ProtobufCMessage *stats;
	struct pbjson_err err;

	(void)topic;
	if (rpc_unpack(&davit__node_stats__descriptor, payload, size, &stats, &err) < 0)
		return;
	if (shell->reload_mono_ms == 0)
		manager_node_stats(shell->manager, now(), (const Davit__NodeStats *)stats);
	protobuf_c_message_free_unpacked(stats, NULL);
}

/* ---- beginning and end ---- */

static int
open_store(struct shell *shell, const struct shell_options *options, struct err *err)
{
	const char *state_dir = options->state_dir;
	char path[PATH_SIZE];
	int rc;

	if (mkdir(state_dir, 0750) < 0 && errno != EEXIST)
		return err_set(err, -errno, "cannot make state directory '%s': %s", state_dir,
			strerror(errno));
	(void)snprintf(path, sizeof path, "%s/manager.db", state_dir);
	rc = store_open_sqlite(path, &shell->store, err);
	if (rc < 0)
		return err_wrap(err, "open the store");
	store_limit_log(shell->store, options->store_log_bytes);
	return 0;
}

static int
open_sockets(struct shell *shell, const struct shell_options *options, struct err *err)
{
	static const ProtobufCServiceDescriptor *const services[] = {&davit__manager__descriptor,
		&davit__workers__descriptor, NULL};
	static const char *const topics[] = {"stats.node.", NULL};
	int rc = rpc_client_open(shell->loop, options->scheduler, &shell->scheduler, err);

	if (rc < 0)
		return err_wrap(err, "--scheduler");
	rpc_client_set_reconnect(shell->scheduler, PLACE_RECONNECT_MS);
	rc = feed_open(options->feed, options->feed_json, &shell->feed, err);
	if (rc < 0)
		return rc;
	rc = rpc_sub_open(shell->loop, options->stats, RPC_LISTEN, topics, on_stats, shell,
		&shell->stats, err);
	if (rc < 0)
		return err_wrap(err, "--stats");
	/* Last: whoever can connect is served. */
	rc = rpc_server_open(shell->loop, options->listen, services, on_call, shell, &shell->server,
		err);
	return rc < 0 ? err_wrap(err, "--listen") : 0;
}

static void
start_handles(struct shell *shell)
{
	(void)uv_timer_init(shell->loop, &shell->tick);
	(void)uv_timer_init(shell->loop, &shell->reads_first);
	(void)uv_check_init(shell->loop, &shell->turn_end);
	(void)uv_async_init(shell->loop, &shell->committed, on_committed);
	shell->tick.data = shell->reads_first.data = shell->turn_end.data = shell;
	shell->committed.data = shell;
	(void)uv_timer_start(&shell->tick, on_tick, MANAGER_TICK_MS, MANAGER_TICK_MS);
	(void)uv_check_start(&shell->turn_end, on_turn_end);
}

int
shell_open(uv_loop_t *loop, const struct shell_options *options, struct shell **ret_shell,
	struct err *err)
{
	struct shell *shell = xcalloc(1, sizeof *shell);
	struct manager_ports ports = {port_random, port_place, port_publish, port_read, shell};
	int rc;

	shell->loop = loop;
	start_handles(shell);
	shell->manager = manager_new(&options->config, &ports);
	rc = open_store(shell, options, err);
	if (rc == 0)
		rc = manager_load(shell->manager, shell->store, now(), err);
	if (rc == 0)
		rc = open_sockets(shell, options, err);
	if (rc < 0) {
		shell_close(shell);
		(void)uv_run(loop, UV_RUN_DEFAULT);
		shell_free(shell);
		return rc;
	}
	shell->shown =
		(struct shell_shown){shell->manager, shell->store, shell->feed, shell->stats};
	shell_metrics_init(&shell->counted, options->metrics, &shell->shown);
	if (options->metrics != NULL)
		rpc_server_measure(shell->server, options->metrics);
	*ret_shell = shell;
	return 0;
}

bool
shell_is_ready(const struct shell *shell, const char **ret_why)
{
	*ret_why = "the store cannot be read";
	return shell->reload_mono_ms == 0;
}

/* What is on its way is waited for: it has been decided, and its callers may hear of it. */
static void
end_commit(struct shell *shell)
{
	struct err err = {0};

	if (!shell->is_committing)
		return;
	shell->is_committing = false;
	if (store_commit_finish(shell->store, &err) == 0)
		manager_release(shell->manager);
}

void
shell_close(struct shell *shell)
{
	uv_close((uv_handle_t *)&shell->tick, NULL);
	uv_close((uv_handle_t *)&shell->reads_first, NULL);
	uv_close((uv_handle_t *)&shell->turn_end, NULL);
	end_commit(shell);
	uv_close((uv_handle_t *)&shell->committed, NULL);
	rpc_sub_close(TAKE(shell->stats));
	rpc_client_close(TAKE(shell->scheduler));
	if (shell->server == NULL)
		return;
	manager_abort(shell->manager, "the manager is stopping: try again");
	rpc_server_close(TAKE(shell->server));
}

void
shell_free(struct shell *shell)
{
	if (shell == NULL)
		return;
	manager_free(shell->manager);
	feed_close(shell->feed);
	store_close(shell->store);
	free(shell);
}
