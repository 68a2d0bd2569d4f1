/*
 * metrics.h - a process's own figures: counters, gauges and histograms by name and labels.
 *
 *     static const struct metric_def calls_def = {.kind = EXPO_COUNTER,
 *             .name = "davit_rpc_calls", .help = "Calls answered.",
 *             .labels = {"method", "status"}};
 *     calls = metrics_add(metrics, &calls_def);
 *     metric_inc(calls, METRIC_LABELS("GetTask", "OK"), 1);
 *
 * A family keeps a bounded number of series. One more than that is counted in the
 * series whose labels are all "other", and davit_metrics_series_dropped_total{family}
 * says how often that happened. What is cheap to find out when somebody asks is not kept
 * at all but written by a collector. One thread.
 */
#pragma once

#include "common/base/cleanup.h"
#include "common/metrics/expo.h"

enum {
	METRIC_LABELS_MAX = 3,
	METRIC_SERIES_MAX = 256, /* of one family, unless it says otherwise */
};

#define METRIC_LABELS(...) ((const char *const[METRIC_LABELS_MAX]){__VA_ARGS__})

struct metric_def {
	enum expo_kind kind;
	const char *name; /* a counter's without "_total" */
	const char *help;
	const char *labels[METRIC_LABELS_MAX]; /* names; NULL behind the last */
	const double *bounds;                  /* of a histogram's buckets, ascending */
	unsigned n_bounds;
	unsigned series_max; /* 0: METRIC_SERIES_MAX */
};

/* Seconds, from 100 µs to 10 s: for latencies of all kinds. */
extern const double metric_seconds[];
enum { METRIC_SECONDS_COUNT = 14 };
/* 1 to 4096 by powers of four: for sizes of batches. */
extern const double metric_sizes[];
enum { METRIC_SIZES_COUNT = 7 };

struct metrics;
struct metric;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);
CLEANUP_DEFINE(struct metrics *, metrics_free)

/* def is borrowed for the life of metrics. The metric belongs to metrics. */
struct metric *metrics_add(struct metrics *metrics, const struct metric_def *def);

/* Called at every exposition, in the order added, behind the families that are kept. */
typedef void metrics_collect_fn(struct expo *expo, void *arg);
void metrics_collect(struct metrics *metrics, metrics_collect_fn *fn, void *arg);

/*
 * values: METRIC_LABELS(…) with as many as the family has labels, copied; NULL for
 * a family without. A NULL metric is nobody's: nothing is counted.
 */
void metric_inc(struct metric *metric, const char *const *values, double amount);
void metric_set(struct metric *metric, const char *const *values, double value);
void metric_observe(struct metric *metric, const char *const *values, double value);

/* Everything, in that format. */
void metrics_print(struct metrics *metrics, enum expo_format format, struct buf *out);
