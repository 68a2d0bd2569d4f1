#include "common/metrics/metrics.h"

#include <assert.h>

#include <uthash.h>
#include <utlist.h>

#include "common/base/mem.h"

const double metric_seconds[METRIC_SECONDS_COUNT] = {0.0001, 0.00025, 0.001, 0.0025, 0.005, 0.01,
	0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};
const double metric_sizes[METRIC_SIZES_COUNT] = {1, 4, 16, 64, 256, 1024, 4096};

struct series {
	UT_hash_handle hh;
	char *values[METRIC_LABELS_MAX]; /* within key */
	double value;                    /* of a histogram: the sum */
	uint64_t *counts;                /* of a histogram's buckets */
	size_t size;
	char key[]; /* the values, each with its NUL */
};

struct metric {
	const struct metric_def *def;
	unsigned n_labels;
	struct series *series, *last; /* last: that was found last, or NULL */
	struct buf key;               /* room for one that is looked for */
	uint64_t n_dropped;
	struct metric *next, *prev;
};

struct collector {
	metrics_collect_fn *fn;
	void *arg;
	struct collector *next, *prev;
};

struct metrics {
	struct metric *families;
	struct collector *collectors;
	uint64_t n_left_out; /* samples of collectors */
};

struct metrics *
metrics_new(void)
{
	return xcalloc(1, sizeof(struct metrics));
}

static void
family_free(struct metric *metric)
{
	struct series *series, *next;

	HASH_ITER(hh, metric->series, series, next)
	{
		HASH_DEL(metric->series, series);
		free(series->counts);
		free(series);
	}
	buf_fini(&metric->key);
	free(metric);
}

void
metrics_free(struct metrics *metrics)
{
	struct metric *metric, *next_metric;
	struct collector *collector, *next;

	if (metrics == NULL)
		return;
	DL_FOREACH_SAFE (metrics->families, metric, next_metric)
		family_free(metric);
	DL_FOREACH_SAFE (metrics->collectors, collector, next)
		free(collector);
	free(metrics);
}

struct metric *
metrics_add(struct metrics *metrics, const struct metric_def *def)
{
	struct metric *metric = xcalloc(1, sizeof *metric);

	assert(def->kind != EXPO_NONE && (def->kind == EXPO_HISTOGRAM) == (def->n_bounds > 0));
	metric->def = def;
	while (metric->n_labels < METRIC_LABELS_MAX && def->labels[metric->n_labels] != NULL)
		metric->n_labels++;
	DL_APPEND(metrics->families, metric);
	return metric;
}

void
metrics_collect(struct metrics *metrics, metrics_collect_fn *fn, void *arg)
{
	struct collector *collector = xcalloc(1, sizeof *collector);

	collector->fn = fn;
	collector->arg = arg;
	DL_APPEND(metrics->collectors, collector);
}

static struct series *
series_add(struct metric *metric, const char *key, size_t size)
{
	struct series *series = xcalloc(1, sizeof *series + size + 1);
	char *at = memcpy(series->key, key, size);

	series->size = size;
	for (unsigned i = 0; i < metric->n_labels; i++) {
		series->values[i] = at;
		at += strlen(at) + 1;
	}
	if (metric->def->kind == EXPO_HISTOGRAM)
		series->counts = xcalloc(metric->def->n_bounds + 1, sizeof *series->counts);
	HASH_ADD(hh, metric->series, key, (unsigned)size, series);
	return series;
}

static void
make_key(struct metric *metric, const char *const *values)
{
	buf_reset(&metric->key);
	for (unsigned i = 0; i < metric->n_labels; i++) {
		const char *value = values == NULL ? "other" : values[i];

		if (value == NULL)
			value = "";
		buf_put(&metric->key, value, strlen(value) + 1);
	}
	if (metric->key.size == 0)
		buf_put(&metric->key, "", 1);
}

/* What was counted last is often counted again. */
static struct series *
find(struct metric *metric)
{
	const struct buf *key = &metric->key;
	struct series *series = metric->last;

	if (series != NULL && series->size == key->size &&
		memcmp(series->key, key->data, key->size) == 0)
		return series;
	HASH_FIND(hh, metric->series, key->data, (unsigned)key->size, series);
	return series;
}

static struct series *
series_of(struct metric *metric, const char *const *values)
{
	unsigned max = metric->def->series_max > 0 ? metric->def->series_max : METRIC_SERIES_MAX;
	struct series *series;

	assert(values != NULL || metric->n_labels == 0);
	make_key(metric, values);
	series = find(metric);
	if (series == NULL && HASH_COUNT(metric->series) >= max) {
		metric->n_dropped++;
		make_key(metric, NULL);
		series = find(metric);
	}
	if (series == NULL)
		series = series_add(metric, (const char *)metric->key.data, metric->key.size);
	metric->last = series;
	return series;
}

void
metric_inc(struct metric *metric, const char *const *values, double amount)
{
	if (metric != NULL)
		series_of(metric, values)->value += amount;
}

void
metric_set(struct metric *metric, const char *const *values, double value)
{
	if (metric != NULL)
		series_of(metric, values)->value = value;
}

void
metric_observe(struct metric *metric, const char *const *values, double value)
{
	struct series *series;
	unsigned i = 0;

	if (metric == NULL)
		return;
	assert(metric->def->kind == EXPO_HISTOGRAM);
	series = series_of(metric, values);
	while (i < metric->def->n_bounds && value > metric->def->bounds[i])
		i++;
	series->counts[i]++;
	series->value += value;
}

static void
print_series(const struct metric *metric, const struct series *series, struct expo *expo)
{
	const struct metric_def *def = metric->def;
	struct expo_label labels[METRIC_LABELS_MAX];

	for (unsigned i = 0; i < metric->n_labels; i++)
		labels[i] = (struct expo_label){def->labels[i], series->values[i]};
	if (def->kind == EXPO_HISTOGRAM)
		expo_histogram(expo, labels, metric->n_labels,
			&(struct expo_buckets){def->bounds, series->counts, def->n_bounds,
				series->value});
	else
		expo_sample(expo, labels, metric->n_labels, series->value);
}

static void
print_dropped(struct metrics *metrics, struct expo *expo)
{
	static const struct expo_family family = {.kind = EXPO_COUNTER,
		.name = "davit_metrics_series_dropped",
		.help = "Samples counted in the series \"other\" or left out, because their family "
			"is full."};
	const struct metric *metric;

	expo_family(expo, &family);
	DL_FOREACH (metrics->families, metric) {
		struct expo_label label = {"family", metric->def->name};

		if (metric->n_dropped > 0)
			expo_sample(expo, &label, 1, (double)metric->n_dropped);
	}
	metrics->n_left_out += expo->n_dropped;
	expo_sample(expo, &(struct expo_label){"family", "collected"}, 1,
		(double)metrics->n_left_out);
}

void
metrics_print(struct metrics *metrics, enum expo_format format, struct buf *out)
{
	struct collector *collector;
	struct metric *metric;
	struct expo expo;

	expo_begin(&expo, out, format);
	DL_FOREACH (metrics->families, metric) {
		/* The series "other" is one more than the limit. */
		struct expo_family family = {metric->def->kind, metric->def->name,
			metric->def->help, UINT32_MAX};
		struct series *series, *next;

		expo_family(&expo, &family);
		HASH_ITER(hh, metric->series, series, next)
		{
			print_series(metric, series, &expo);
		}
	}
	DL_FOREACH (metrics->collectors, collector)
		collector->fn(&expo, collector->arg);
	print_dropped(metrics, &expo);
	expo_end(&expo);
}
