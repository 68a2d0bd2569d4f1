#include "services/scheduler/filters.h"

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "services/scheduler/limits.h"
#include "services/scheduler/rule.h"
#include "services/scheduler/taints.h"

enum { PREFERENCE_WEIGHT = 50 };

struct filters {
	struct cluster *cluster;
	struct filter *by_key; /* oldest first */
	unsigned n_computed;
};

char *
filter_key(const Davit__TaskSpec *spec)
{
	struct buf key = {0};

	buf_puts(&key, spec->platform != NULL ? spec->platform : "");
	for (size_t i = 0; i < spec->n_constraints; i++)
		buf_printf(&key, "\n%s", spec->constraints[i]);
	for (size_t i = 0; i < spec->n_preferences; i++)
		buf_printf(&key, "\n%d %s",
			spec->preferences[i]->has_weight ? spec->preferences[i]->weight
							 : PREFERENCE_WEIGHT,
			spec->preferences[i]->constraint);
	for (size_t i = 0; i < spec->n_tolerations; i++)
		buf_printf(&key, "\n~%d%s=%s", (int)spec->tolerations[i]->effect,
			spec->tolerations[i]->key,
			spec->tolerations[i]->value != NULL ? spec->tolerations[i]->value : "\t");
	(void)buf_text(&key);
	return buf_take(&key, &(size_t){0});
}

struct filters *
filters_new(struct cluster *cluster)
{
	struct filters *filters = xcalloc(1, sizeof *filters);

	filters->cluster = cluster;
	return filters;
}

static void
filter_free(struct filter *filter)
{
	for (uint32_t i = 0; i < filter->n_parts; i++)
		part_fini(&filter->parts[i]);
	free(filter->parts);
	free(filter->bits);
	free(filter->key);
	free(filter);
}
CLEANUP_DEFINE(struct filter *, filter_free)

void
filters_reset(struct filters *filters)
{
	struct filter *filter, *next;

	HASH_ITER(hh, filters->by_key, filter, next)
	{
		HASH_DEL(filters->by_key, filter);
		filter_free(filter);
	}
	filters->n_computed = 0;
}

void
filters_free(struct filters *filters)
{
	if (filters == NULL)
		return;
	filters_reset(filters);
	free(filters);
}

/* Nobody is ruled out so far. */
static void
bits_make(struct filter *filter, uint32_t n)
{
	if (filter->bits != NULL)
		return;
	filter->bits = xcalloc((size_t)n / 64 + 1, sizeof filter->bits[0]);
	memset(filter->bits, 0xff, ((size_t)n / 64 + 1) * sizeof filter->bits[0]);
}

/* Clears bits without a branch: half of the rows go, in no order. */
static void
bits_clear_unless(struct filter *filter, const bool *holds, const uint32_t *values, uint32_t n)
{
	for (uint32_t row = 0; row < n; row++)
		filter->bits[row / 64] &= ~((uint64_t)!holds[values[row]] << (row % 64));
}

static void
bit_clear(struct filter *filter, uint32_t row)
{
	filter->bits[row / 64] &= ~((uint64_t)1 << (row % 64));
}

static int
apply_constraint(struct filter *filter, struct cluster *cluster, const char *text, struct err *err)
{
	const struct node_table *table = &cluster->table;
	struct rule rule;
	int rc = rule_init(&rule, table, cluster->facets, text, err);

	if (rc < 0)
		return err_wrap(err, "constraint '%.100s'", text);
	bits_make(filter, table->n);
	if (rule.facet != NULL)
		bits_clear_unless(filter, rule.holds, rule.facet->values, table->n);
	else
		for (uint32_t row = 0; row < table->n; row++)
			if (!rule_admits(&rule, row))
				bit_clear(filter, row);
	rule_fini(&rule);
	return 0;
}

static void
apply_platform(struct filter *filter, const struct node_table *table, const char *platform)
{
	bits_make(filter, table->n);
	for (uint32_t row = 0; row < table->n; row++)
		if (!rule_platform_admits(platform, table, row))
			bit_clear(filter, row);
}

/* Once per set of taints that nodes have. */
static void
apply_taints(struct filter *filter, struct cluster *cluster, const Davit__TaskSpec *spec)
{
	const struct node_table *table = &cluster->table;
	const struct facet *facet = facets_get(cluster->facets, FACET_TAINTS, "", 0);
	bool *is_welcome, is_kept_off = false, is_disliked = false;
	double *points;

	if (facet->n_values == 1)
		return;
	is_welcome = xcalloc(facet->n_values, sizeof is_welcome[0]);
	points = xcalloc(facet->n_values, sizeof points[0]);
	for (uint32_t value = 0; value < facet->n_values; value++) {
		struct taints_verdict verdict = taints_judge(facet_text(facet, table, value), spec);

		is_welcome[value] = !verdict.is_kept_off;
		points[value] = verdict.n_disliked;
		is_kept_off |= verdict.is_kept_off;
		is_disliked |= verdict.n_disliked > 0;
	}
	if (is_kept_off) {
		bits_make(filter, table->n);
		bits_clear_unless(filter, is_welcome, facet->values, table->n);
	}
	if (is_disliked)
		filter->parts[filter->n_parts++] = (struct part){.kind = PART_TABLE,
			.weight = 1,
			.values = facet->values,
			.table = TAKE(points),
			.name = {.what = "taints"}};
	free(points);
	free(is_welcome);
}

static int
apply_preference(struct filter *filter, struct cluster *cluster,
	const Davit__Preference *preference, struct err *err)
{
	const struct node_table *table = &cluster->table;
	int weight = preference->has_weight ? preference->weight : PREFERENCE_WEIGHT;
	struct part *part = &filter->parts[filter->n_parts];
	struct rule rule;
	uint32_t n;
	int rc = rule_init(&rule, table, cluster->facets, preference->constraint, err);

	if (rc < 0)
		return err_wrap(err, "preference '%.100s'", preference->constraint);
	n = rule.facet != NULL ? rule.facet->n_values : table->n;
	*part = (struct part){.kind = PART_TABLE,
		.weight = 1,
		.values = rule.facet != NULL ? rule.facet->values : NULL,
		.table = xcalloc((size_t)n + 1, sizeof part->table[0]),
		.least = weight > 0 ? -weight / 100.0 : 0,
		.name = {.what = "preference", .about = preference->constraint}};
	for (uint32_t i = 0; i < n; i++) {
		bool holds = rule.facet != NULL ? rule.holds[i] : rule_admits(&rule, i);

		part->table[i] = holds ? -weight / 100.0 : 0;
	}
	filter->n_parts++;
	rule_fini(&rule);
	return 0;
}

static int
filter_new(struct filters *filters, const Davit__TaskSpec *spec, struct filter **ret_filter,
	struct err *err)
{
	struct cluster *cluster = filters->cluster;
	CLEANUP(filter_free) struct filter *filter = xcalloc(1, sizeof *filter);
	int rc = 0;

	filter->parts = xcalloc(spec->n_preferences + 1, sizeof filter->parts[0]);
	for (size_t i = 0; rc == 0 && i < spec->n_constraints; i++)
		rc = apply_constraint(filter, cluster, spec->constraints[i], err);
	for (size_t i = 0; rc == 0 && i < spec->n_preferences; i++)
		rc = apply_preference(filter, cluster, spec->preferences[i], err);
	if (rc < 0)
		return rc;
	if (spec->platform != NULL)
		apply_platform(filter, &cluster->table, spec->platform);
	apply_taints(filter, cluster, spec);
	for (uint32_t row = 0; row < cluster->table.n; row++)
		filter->n_admitted += filter_admits(filter, row);
	filters->n_computed++;
	*ret_filter = TAKE(filter);
	return 0;
}

int
filters_get(struct filters *filters, const Davit__TaskSpec *spec, const char *key,
	const struct filter **ret_filter, struct err *err)
{
	struct filter *filter;
	int rc;

	HASH_FIND_STR(filters->by_key, key, filter);
	if (filter == NULL) {
		rc = filter_new(filters, spec, &filter, err);
		if (rc < 0)
			return rc;
		filter->key = xstrdup(key);
		if (HASH_COUNT(filters->by_key) >= PLACE_CLASSES_MAX) {
			struct filter *oldest = filters->by_key;

			HASH_DEL(filters->by_key, oldest);
			filter_free(oldest);
		}
		HASH_ADD_KEYPTR(hh, filters->by_key, filter->key, (unsigned)strlen(filter->key),
			filter);
	}
	*ret_filter = filter;
	return 0;
}

unsigned
filters_n_kept(const struct filters *filters)
{
	return HASH_COUNT(filters->by_key);
}

unsigned
filters_n_computed(const struct filters *filters)
{
	return filters->n_computed;
}
