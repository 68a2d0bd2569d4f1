#include "services/worker/shell_metrics.h"

#include "common/base/mem.h"

struct worker_metrics {
	struct worker *const *worker;
	struct metric *calls, *seconds;
};

static void
on_ended(const char *kind, int code, uint64_t ms, void *arg)
{
	struct worker_metrics *counted = arg;

	metric_inc(counted->calls, METRIC_LABELS(kind, code == 0 ? "ok" : "error"), 1);
	metric_observe(counted->seconds, METRIC_LABELS(kind), (double)ms / 1000);
}

static void
count_running(const struct worker_running *running, void *arg)
{
	(void)running;
	++*(unsigned *)arg;
}

static void
collect(struct expo *expo, void *arg)
{
	const struct worker_metrics *counted = arg;
	const struct worker *worker = *counted->worker;
	unsigned n_running = 0;

	if (worker == NULL)
		return;
	worker_each_running(worker, count_running, &n_running);
	expo_single(expo, EXPO_GAUGE, "davit_worker_attempts",
		"Attempts of tasks that the worker looks after.", (double)worker_n_slots(worker));
	expo_single(expo, EXPO_GAUGE, "davit_worker_containers_running", "Containers that run.",
		n_running);
	expo_single(expo, EXPO_GAUGE, "davit_worker_pulls", "Images being pulled.",
		worker_n_pulls(worker));
	expo_single(expo, EXPO_GAUGE, "davit_worker_start_width",
		"Containers that may be started at one time.", worker_start_width(worker));
	expo_single(expo, EXPO_GAUGE, "davit_worker_registered",
		"1 while the manager knows this session.", worker_is_registered(worker));
	expo_single(expo, EXPO_GAUGE, "davit_worker_engine_up", "1 while the engine answers.",
		worker_engine_trouble(worker) == NULL);
}

struct worker_metrics *
worker_metrics_new(struct metrics *metrics, struct engine *engine, struct worker *const *worker)
{
	static const struct metric_def calls = {.kind = EXPO_COUNTER,
		.name = "davit_engine_calls",
		.help = "Calls of the engine that have ended; long ones (events, stats) once.",
		.labels = {"kind", "outcome"}};
	static const struct metric_def seconds = {.kind = EXPO_HISTOGRAM,
		.name = "davit_engine_seconds",
		.help = "How long the engine took.",
		.labels = {"kind"},
		.bounds = metric_seconds,
		.n_bounds = METRIC_SECONDS_COUNT};
	struct worker_metrics *counted;

	if (metrics == NULL)
		return NULL;
	counted = xcalloc(1, sizeof *counted);
	counted->worker = worker;
	counted->calls = metrics_add(metrics, &calls);
	counted->seconds = metrics_add(metrics, &seconds);
	metrics_collect(metrics, collect, counted);
	engine_observe(engine, on_ended, counted);
	return counted;
}

void
worker_metrics_free(struct worker_metrics *counted)
{
	free(counted);
}
