#include "common/metrics/metrics.h"

#include <unistd.h>

#include "common/metrics/metrics_process.h"
#include "tests/lib/test.h"

static const struct metric_def calls_def = {.kind = EXPO_COUNTER,
	.name = "test_calls",
	.help = "Calls\nanswered.",
	.labels = {"method", "status"},
	.series_max = 2};
static const struct metric_def depth_def = {.kind = EXPO_GAUGE,
	.name = "test_depth",
	.help = "Depth."};
static const double bounds[] = {0.5, 1, 10};
static const struct metric_def wait_def = {.kind = EXPO_HISTOGRAM,
	.name = "test_wait_seconds",
	.help = "Wait.",
	.bounds = bounds,
	.n_bounds = 3};

static const char *
print(struct metrics *metrics, enum expo_format format, struct buf *out)
{
	buf_reset(out);
	metrics_print(metrics, format, out);
	return buf_text(out);
}

TEST(metrics_counters_end_in_total_in_both_formats)
{
	CLEANUP(metrics_free) struct metrics *metrics = metrics_new();
	CLEANUP(buf_fini) struct buf out = {0};
	struct metric *calls = metrics_add(metrics, &calls_def);
	const char *text;

	metric_inc(calls, METRIC_LABELS("GetTask", "OK"), 1);
	metric_inc(calls, METRIC_LABELS("GetTask", "OK"), 2);
	text = print(metrics, EXPO_TEXT, &out);
	CHECK_HAS(text, "# HELP test_calls_total Calls\\nanswered.\n"
			"# TYPE test_calls_total counter\n"
			"test_calls_total{method=\"GetTask\",status=\"OK\"} 3\n");
	CHECK(strstr(text, "# EOF") == NULL);
	text = print(metrics, EXPO_OPENMETRICS, &out);
	CHECK_HAS(text, "# TYPE test_calls counter\n"
			"test_calls_total{method=\"GetTask\",status=\"OK\"} 3\n");
	CHECK_STR(text + strlen(text) - 6, "# EOF\n");
}

TEST(metrics_histograms_count_up_to_each_bound)
{
	CLEANUP(metrics_free) struct metrics *metrics = metrics_new();
	CLEANUP(buf_fini) struct buf out = {0};
	struct metric *wait = metrics_add(metrics, &wait_def);

	metric_observe(wait, NULL, 0.5); /* a bound belongs to its bucket */
	metric_observe(wait, NULL, 0.75);
	metric_observe(wait, NULL, 100);
	CHECK_HAS(print(metrics, EXPO_TEXT, &out), "test_wait_seconds_bucket{le=\"0.5\"} 1\n"
						   "test_wait_seconds_bucket{le=\"1.0\"} 2\n"
						   "test_wait_seconds_bucket{le=\"10.0\"} 2\n"
						   "test_wait_seconds_bucket{le=\"+Inf\"} 3\n"
						   "test_wait_seconds_sum 101.25\n"
						   "test_wait_seconds_count 3\n");
}

TEST(metrics_gauges_are_the_last_value)
{
	CLEANUP(metrics_free) struct metrics *metrics = metrics_new();
	CLEANUP(buf_fini) struct buf out = {0};
	struct metric *depth = metrics_add(metrics, &depth_def);

	metric_set(depth, NULL, 4);
	metric_set(depth, NULL, -2.5);
	CHECK_HAS(print(metrics, EXPO_TEXT, &out), "test_depth -2.5\n");
	metric_set(NULL, NULL, 1);
	metric_inc(NULL, NULL, 1);
	metric_observe(NULL, NULL, 1);
}

TEST(metrics_beyond_the_limit_are_counted_as_other_and_that_is_counted)
{
	CLEANUP(metrics_free) struct metrics *metrics = metrics_new();
	CLEANUP(buf_fini) struct buf out = {0};
	struct metric *calls = metrics_add(metrics, &calls_def);
	const char *text;

	for (int i = 0; i < 10; i++) {
		char method[16];

		(void)snprintf(method, sizeof method, "m%d", i);
		metric_inc(calls, METRIC_LABELS(method, "OK"), 1);
	}
	text = print(metrics, EXPO_TEXT, &out);
	CHECK_HAS(text, "test_calls_total{method=\"m1\",status=\"OK\"} 1\n");
	CHECK(strstr(text, "\"m2\"") == NULL);
	CHECK_HAS(text, "test_calls_total{method=\"other\",status=\"other\"} 8\n");
	CHECK_HAS(text, "davit_metrics_series_dropped_total{family=\"test_calls\"} 8\n");
}

TEST(metrics_label_values_cannot_leave_their_quotes)
{
	CLEANUP(metrics_free) struct metrics *metrics = metrics_new();
	CLEANUP(buf_fini) struct buf out = {0};
	struct metric *calls = metrics_add(metrics, &calls_def);

	metric_inc(calls, METRIC_LABELS("a\"b\\c\nd", "\xff"), 1);
	CHECK_HAS(print(metrics, EXPO_TEXT, &out), "{method=\"a\\\"b\\\\c\\nd\",status=\"?\"} 1\n");
}

static void
collect_many(struct expo *expo, void *arg)
{
	const struct expo_family family = {.kind = EXPO_GAUGE,
		.name = "test_tasks",
		.help = "Tasks.",
		.series_max = 3};
	const unsigned *n = arg;

	expo_family(expo, &family);
	for (unsigned i = 0; i < *n; i++) {
		char id[16];

		(void)snprintf(id, sizeof id, "t%u", i);
		expo_sample(expo, &(struct expo_label){"task", id}, 1, i);
	}
}

TEST(metrics_of_collectors_are_bounded_too)
{
	CLEANUP(metrics_free) struct metrics *metrics = metrics_new();
	CLEANUP(buf_fini) struct buf out = {0};
	unsigned n = 5;
	const char *text;

	metrics_collect(metrics, collect_many, &n);
	(void)print(metrics, EXPO_TEXT, &out);
	text = print(metrics, EXPO_TEXT, &out);
	CHECK_HAS(text, "test_tasks{task=\"t2\"} 2\n");
	CHECK(strstr(text, "\"t3\"") == NULL);
	CHECK_HAS(text, "davit_metrics_series_dropped_total{family=\"collected\"} 4\n");
}

TEST(metrics_accept_headers_choose_the_format)
{
	CHECK_EQ(expo_format_of_accept(NULL), EXPO_TEXT);
	CHECK_EQ(expo_format_of_accept("*/*"), EXPO_TEXT);
	CHECK_EQ(
		expo_format_of_accept("application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1"),
		EXPO_OPENMETRICS);
	CHECK_HAS(expo_content_type(EXPO_TEXT), "0.0.4");
	CHECK_HAS(expo_content_type(EXPO_OPENMETRICS), "openmetrics");
}

TEST(metrics_of_the_process_are_those_of_this_one)
{
	CLEANUP(metrics_free) struct metrics *metrics = metrics_new();
	CLEANUP(buf_fini) struct buf out = {0};
	const char *text, *rss;

	metrics_process_add(metrics, "test");
	text = print(metrics, EXPO_TEXT, &out);
	CHECK_HAS(text, "davit_build_info{service=\"test\",version=\"" DAVIT_VERSION "\"} 1\n");
	CHECK_HAS(text, "process_cpu_seconds_total ");
	CHECK_HAS(text, "process_threads 1\n");
	CHECK_HAS(text, "process_open_fds ");
	CHECK_HAS(text, "process_anonymous_memory_bytes ");
	rss = strstr(text, "\nprocess_resident_memory_bytes ");
	CHECK(rss != NULL && strtod(rss + 31, NULL) > 100000);
}
