#include "common/metrics/expo.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/utf8.h"

#define INTEGERS_MAX 9007199254740992.0 /* up to here a double is exact */

void
expo_begin(struct expo *expo, struct buf *out, enum expo_format format)
{
	*expo = (struct expo){.out = out, .format = format};
}

static void
put_escaped(struct buf *out, const char *text, bool is_label)
{
	size_t size = text == NULL ? 0 : strlen(text);
	bool is_utf8 = size == 0 || utf8_is_text(text, size);

	for (size_t i = 0; i < size; i++) {
		char c = text[i];

		if (c == '\n')
			buf_puts(out, "\\n");
		else if (c == '\\')
			buf_puts(out, "\\\\");
		else if (c == '"' && is_label)
			buf_puts(out, "\\\"");
		else if (!is_utf8 && (unsigned char)c >= 0x80)
			buf_puts(out, "?");
		else
			buf_put(out, &c, 1);
	}
}

void
expo_family(struct expo *expo, const struct expo_family *family)
{
	static const char *const kinds[] = {[EXPO_NONE] = "untyped",
		[EXPO_COUNTER] = "counter",
		[EXPO_GAUGE] = "gauge",
		[EXPO_HISTOGRAM] = "histogram"};
	/* OpenMetrics names a counter's family without the ending of its sample. */
	const char *ending =
		family->kind == EXPO_COUNTER && expo->format == EXPO_TEXT ? "_total" : "";

	expo->family = *family;
	if (expo->family.series_max == 0)
		expo->family.series_max = EXPO_SERIES_MAX;
	expo->n_series = 0;
	buf_printf(expo->out, "# HELP %s%s ", family->name, ending);
	put_escaped(expo->out, family->help, false);
	buf_printf(expo->out, "\n# TYPE %s%s %s\n", family->name, ending, kinds[family->kind]);
}

static void
put_value(struct buf *out, double value)
{
	if (isnan(value))
		buf_puts(out, "NaN");
	else if (isinf(value))
		buf_puts(out, value > 0 ? "+Inf" : "-Inf");
	else if (floor(value) == value && fabs(value) < INTEGERS_MAX)
		buf_printf(out, "%.0f", value);
	else
		buf_printf(out, "%.12g", value);
}

static void
put_series(struct expo *expo, const char *ending, const struct expo_label *labels,
	unsigned n_labels, const char *le)
{
	const char *before = "{";

	buf_printf(expo->out, "%s%s", expo->family.name, ending);
	for (unsigned i = 0; i < n_labels; i++, before = ",") {
		buf_printf(expo->out, "%s%s=\"", before, labels[i].name);
		put_escaped(expo->out, labels[i].value, true);
		buf_puts(expo->out, "\"");
	}
	if (le != NULL)
		buf_printf(expo->out, "%sle=\"%s\"", before, le);
	buf_puts(expo->out, n_labels > 0 || le != NULL ? "} " : " ");
}

/* False: one too many, counted and left out. */
static bool
has_room(struct expo *expo)
{
	if (expo->n_series >= expo->family.series_max) {
		expo->n_dropped++;
		return false;
	}
	expo->n_series++;
	return true;
}

void
expo_sample(struct expo *expo, const struct expo_label *labels, unsigned n_labels, double value)
{
	if (!has_room(expo))
		return;
	put_series(expo, expo->family.kind == EXPO_COUNTER ? "_total" : "", labels, n_labels, NULL);
	put_value(expo->out, value);
	buf_puts(expo->out, "\n");
}

/* "1.0", "0.005": OpenMetrics wants the point. */
static void
print_bound(double bound, char *text, size_t size)
{
	(void)snprintf(text, size, "%.12g", bound);
	if (strpbrk(text, ".e") == NULL)
		(void)snprintf(text, size, "%.1f", bound);
}

void
expo_histogram(struct expo *expo, const struct expo_label *labels, unsigned n_labels,
	const struct expo_buckets *buckets)
{
	uint64_t count = 0;
	char le[32];

	if (!has_room(expo))
		return;
	for (unsigned i = 0; i < buckets->n_bounds; i++) {
		count += buckets->counts[i];
		print_bound(buckets->bounds[i], le, sizeof le);
		put_series(expo, "_bucket", labels, n_labels, le);
		buf_printf(expo->out, "%llu\n", (unsigned long long)count);
	}
	count += buckets->counts[buckets->n_bounds];
	put_series(expo, "_bucket", labels, n_labels, "+Inf");
	buf_printf(expo->out, "%llu\n", (unsigned long long)count);
	put_series(expo, "_sum", labels, n_labels, NULL);
	put_value(expo->out, buckets->sum);
	buf_puts(expo->out, "\n");
	put_series(expo, "_count", labels, n_labels, NULL);
	buf_printf(expo->out, "%llu\n", (unsigned long long)count);
}

void
expo_single(struct expo *expo, enum expo_kind kind, const char *name, const char *help,
	double value)
{
	expo_family(expo, &(struct expo_family){.kind = kind, .name = name, .help = help});
	expo_sample(expo, NULL, 0, value);
}

void
expo_end(struct expo *expo)
{
	if (expo->format == EXPO_OPENMETRICS)
		buf_puts(expo->out, "# EOF\n");
}

enum expo_format
expo_format_of_accept(const char *accept)
{
	return accept != NULL && strstr(accept, "application/openmetrics-text") != NULL
		       ? EXPO_OPENMETRICS
		       : EXPO_TEXT;
}

const char *
expo_content_type(enum expo_format format)
{
	return format == EXPO_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}
