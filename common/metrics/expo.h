/*
 * expo.h - writes figures as Prometheus reads them: the text format and OpenMetrics.
 *
 *     struct expo expo;
 *     expo_begin(&expo, &out, expo_format_of_accept(accept));
 *     expo_family(&expo, &(struct expo_family){EXPO_GAUGE, "davit_nodes", "Nodes by state."});
 *     expo_sample(&expo, (struct expo_label[]){{"state", "ready"}}, 1, 12);
 *     expo_end(&expo);
 *
 * Families follow each other; the samples of one stand together. Of one family at
 * most series_max samples are written: what a cluster grows by does not grow in
 * whoever scrapes it without being noticed, because the rest is counted.
 */
#pragma once

#include <stdint.h>

#include "common/base/buf.h"

enum { EXPO_SERIES_MAX = 2000 }; /* of one family, unless it says otherwise */

enum expo_format { EXPO_TEXT, EXPO_OPENMETRICS };
enum expo_kind { EXPO_NONE, EXPO_COUNTER, EXPO_GAUGE, EXPO_HISTOGRAM };

struct expo_label {
	const char *name, *value; /* value NULL prints as "" */
};

/* A name is that of a counter without its "_total". */
struct expo_family {
	enum expo_kind kind;
	const char *name, *help;
	unsigned series_max; /* 0: EXPO_SERIES_MAX */
};

struct expo {
	struct buf *out; /* borrowed */
	enum expo_format format;
	struct expo_family family; /* that is being written; its texts are borrowed */
	unsigned n_series;
	uint64_t n_dropped; /* samples beyond series_max, of all families so far */
};

void expo_begin(struct expo *expo, struct buf *out, enum expo_format format);

/* What follows is of this family. Its texts are borrowed until the next one. */
void expo_family(struct expo *expo, const struct expo_family *family);

/* A counter's or gauge's value. Values are escaped; what is not UTF-8 becomes '?'. */
void expo_sample(struct expo *expo, const struct expo_label *labels, unsigned n_labels,
	double value);

/* counts are of each bucket alone, one more than bounds: the last has no bound. */
struct expo_buckets {
	const double *bounds;
	const uint64_t *counts;
	unsigned n_bounds;
	double sum;
};
void expo_histogram(struct expo *expo, const struct expo_label *labels, unsigned n_labels,
	const struct expo_buckets *buckets);

/* A family of one sample without labels. */
void expo_single(struct expo *expo, enum expo_kind kind, const char *name, const char *help,
	double value);

/* The last line of OpenMetrics. */
void expo_end(struct expo *expo);

/* What an Accept header asks for; NULL and everything unknown is the text format. */
enum expo_format expo_format_of_accept(const char *accept);
const char *expo_content_type(enum expo_format format);
