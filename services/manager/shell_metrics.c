#include "services/manager/shell_metrics.h"

#include "common/rpc/pubsub.h"
#include "services/manager/figures.h"

static void
begin(struct expo *expo, enum expo_kind kind, const char *name, const char *help)
{
	expo_family(expo, &(struct expo_family){kind, name, help, 0});
}

static void
put(struct expo *expo, const char *label, const char *value, double number)
{
	expo_sample(expo, &(struct expo_label){label, value}, 1, number);
}

static void
put_tasks(struct expo *expo, const struct manager_figures *figures)
{
	static const char *const states[] = {"pending", "scheduled", "running", "completed",
		"failed"};

	begin(expo, EXPO_GAUGE, "davit_tasks",
		"Tasks by state; of those that have ended, the ones that are kept.");
	for (unsigned i = 0; i < 5; i++)
		put(expo, "state", states[i], figures->tasks[i]);
	expo_single(expo, EXPO_GAUGE, "davit_tasks_desired",
		"Tasks that are wanted running: not ended and not asked to end.",
		figures->n_desired);
	expo_single(expo, EXPO_GAUGE, "davit_tasks_running", "Tasks that run.", figures->tasks[2]);
	expo_single(expo, EXPO_GAUGE, "davit_tasks_stopping",
		"Tasks that were asked to end and have not.", figures->n_stopping);
}

static void
put_nodes(struct expo *expo, const struct manager_figures *figures)
{
	static const char *const states[] = {NULL, "ready", "unknown", "down", "degraded"};

	begin(expo, EXPO_GAUGE, "davit_nodes", "Nodes by state.");
	for (unsigned i = 1; i < 5; i++)
		put(expo, "state", states[i], figures->nodes[i]);
	expo_single(expo, EXPO_GAUGE, "davit_nodes_draining", "Nodes that get nothing new.",
		figures->n_draining);
	begin(expo, EXPO_GAUGE, "davit_cpu_cores", "Processors of all nodes.");
	put(expo, "kind", "capacity", (double)figures->cpu_milli_capacity / 1000);
	put(expo, "kind", "reserved", (double)figures->cpu_milli_reserved / 1000);
	begin(expo, EXPO_GAUGE, "davit_memory_bytes", "Memory of all nodes.");
	put(expo, "kind", "capacity", (double)figures->memory_bytes_capacity);
	put(expo, "kind", "reserved", (double)figures->memory_bytes_reserved);
}

static void
put_queues(struct expo *expo, const struct manager_figures *figures)
{
	begin(expo, EXPO_GAUGE, "davit_queue_length", "What waits or is kept, by queue.");
	put(expo, "queue", "pending", (double)figures->n_pending_queue);
	put(expo, "queue", "blocked", (double)figures->n_blocked_queue);
	put(expo, "queue", "history", (double)figures->n_history);
	put(expo, "queue", "waits", (double)figures->n_waits);
	put(expo, "queue", "answers", (double)figures->n_answers);
	expo_single(expo, EXPO_GAUGE, "davit_answers_bytes",
		"Answers that are remembered for repeated calls.", (double)figures->answer_bytes);
	expo_single(expo, EXPO_COUNTER, "davit_events", "Events since the start.",
		(double)figures->last_event);
	expo_single(expo, EXPO_COUNTER, "davit_placements_disposed",
		"Proposals of the scheduler that the ledger did not accept.",
		(double)figures->n_disposed);
}

static void
put_store(struct expo *expo, struct store *store)
{
	struct store_figures figures;

	store_figures(store, &figures);
	begin(expo, EXPO_GAUGE, "davit_store_bytes", "Of the store on disk.");
	put(expo, "file", "database", (double)figures.file_bytes);
	put(expo, "file", "wal", (double)figures.wal_bytes);
	expo_single(expo, EXPO_COUNTER, "davit_store_commits", "Batches that were committed.",
		(double)figures.n_commits);
	expo_single(expo, EXPO_COUNTER, "davit_store_writes", "Records in them.",
		(double)figures.n_writes);
}

static void
put_feed(struct expo *expo, const struct feed *feed)
{
	struct feed_figures figures;

	feed_figures(feed, &figures);
	begin(expo, EXPO_GAUGE, "davit_feed_subscribers", "Connected now.");
	put(expo, "feed", "protobuf", figures.n_subscribers);
	put(expo, "feed", "json", figures.n_subscribers_json);
	begin(expo, EXPO_COUNTER, "davit_feed_drops",
		"Publications that could not be handed to the library; what it drops for a slow "
		"subscriber only the subscriber sees, by sequence numbers.");
	put(expo, "feed", "protobuf", (double)figures.n_dropped);
	put(expo, "feed", "json", (double)figures.n_dropped_json);
}

static void
collect(struct expo *expo, void *arg)
{
	const struct shell_shown *shown = arg;
	struct manager_figures figures;

	manager_figures(shown->manager, &figures);
	put_tasks(expo, &figures);
	put_nodes(expo, &figures);
	put_queues(expo, &figures);
	if (shown->store != NULL)
		put_store(expo, shown->store);
	if (shown->feed != NULL)
		put_feed(expo, shown->feed);
	if (shown->stats != NULL)
		expo_single(expo, EXPO_COUNTER, "davit_stats_drops",
			"Figures of workers that came in and were dropped.",
			(double)rpc_sub_n_dropped(shown->stats));
}

void
shell_metrics_init(struct shell_metrics *counted, struct metrics *metrics,
	const struct shell_shown *shown)
{
	static const struct metric_def defs[] = {
		{.kind = EXPO_HISTOGRAM,
			.name = "davit_commit_seconds",
			.help = "Time of one commit of the store.",
			.bounds = metric_seconds,
			.n_bounds = METRIC_SECONDS_COUNT},
		{.kind = EXPO_HISTOGRAM,
			.name = "davit_commit_writes",
			.help = "Records of one commit.",
			.bounds = metric_sizes,
			.n_bounds = METRIC_SIZES_COUNT},
		{.kind = EXPO_COUNTER,
			.name = "davit_commit_failures",
			.help = "Commits that failed: nothing of their batch was done."},
		{.kind = EXPO_HISTOGRAM,
			.name = "davit_place_seconds",
			.help = "From a question to the scheduler to its answer.",
			.bounds = metric_seconds,
			.n_bounds = METRIC_SECONDS_COUNT},
		{.kind = EXPO_COUNTER,
			.name = "davit_place_calls",
			.help = "Questions to the scheduler by how they ended.",
			.labels = {"status"}},
	};

	if (metrics == NULL)
		return;
	counted->commit_seconds = metrics_add(metrics, &defs[0]);
	counted->commit_writes = metrics_add(metrics, &defs[1]);
	counted->commit_failures = metrics_add(metrics, &defs[2]);
	counted->place_seconds = metrics_add(metrics, &defs[3]);
	counted->place_calls = metrics_add(metrics, &defs[4]);
	metrics_collect(metrics, collect, (void *)(uintptr_t)shown);
}
