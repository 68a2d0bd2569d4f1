#include "services/scheduler/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/units.h"

enum { SHOWN = 64 };

static void remedy(struct explanation *explanation, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void
remedy(struct explanation *explanation, const char *fmt, ...)
{
	va_list args;

	if (explanation->n_remedies == EXPLAIN_REMEDIES_MAX)
		return;
	if (explanation->n_remedies == 0 && strncmp(fmt, "or ", 3) == 0)
		fmt += 3;
	va_start(args, fmt);
	(void)vsnprintf(explanation->remedies[explanation->n_remedies++], EXPLAIN_TEXT_MAX, fmt,
		args);
	va_end(args);
}

static void
add_best(struct explanation *explanation, const struct seek *seek, struct explain_best new)
{
	uint64_t rank = node_table_rank(seek->table, new.row);
	uint32_t at = explanation->n_best;

	while (at > 0) {
		const struct explain_best *other = &explanation->best[at - 1];

		if (other->score < new.score ||
			(other->score ==
				new.score &&node_table_rank(seek->table, other->row) < rank))
			break;
		at--;
	}
	if (at == PLACE_BEST_MAX)
		return;
	if (explanation->n_best < PLACE_BEST_MAX)
		explanation->n_best++;
	memmove(&explanation->best[at + 1], &explanation->best[at],
		(explanation->n_best - at - 1) * sizeof new);
	explanation->best[at] = new;
}

/* Counts the row by the first filter that removes it; FILTER_NONE: it is feasible. */
static enum filter_reason
count_row(struct explanation *explanation, const struct judge *judge, uint32_t row)
{
	const struct seek *seek = judge->seek;
	struct refusal *refusal = &explanation->refusal;
	const char *detail_text;
	char room[WISH_NAME_MAX];
	uint32_t detail = 0;
	enum filter_reason reason = judge_row(judge, row, &detail);
	struct lack lack;

	detail_text = refusal_detail(seek, reason, detail, room);
	if (reason == FILTER_NONE && judge_sizes(judge, row, &lack)) {
		reason = lack_reason(&lack);
		for (uint32_t i = 0; reason == FILTER_DEVICE && i < seek->demand->want.n_devices;
			i++)
			if (lack.devices[i] > 0 && detail_text == NULL)
				detail_text = seek->demand->want.devices[i].kind;
		if (refusal->nearest == NODE_ROW_NONE ||
			lack.greatest < refusal->lacking.greatest) {
			refusal->nearest = row;
			refusal->lacking = lack;
		}
	}
	if (reason == FILTER_TAINT)
		refusal_count(refusal, reason, judge_taints(judge, row).first);
	else if (reason != FILTER_NONE)
		refusal_count(refusal, reason, detail_text);
	return reason;
}

/* "1.5 CPU, 2GiB of memory and 1 gpu" */
static void
amounts_text(const struct amounts *amounts, const struct want *want, const uint32_t *devices,
	char *text)
{
	char number[UNITS_TEXT_SIZE];
	size_t at = 0;

	text[0] = '\0';
#define MORE(...)                                                                             \
	(at += (size_t)snprintf(text + at, at < EXPLAIN_TEXT_MAX ? EXPLAIN_TEXT_MAX - at : 0, \
		 __VA_ARGS__))
	if (amounts->cpu_milli > 0)
		MORE("%s CPU", units_format_cpu((uint64_t)amounts->cpu_milli, number));
	if (amounts->memory_bytes > 0)
		MORE("%s%s of memory", at > 0 ? ", " : "",
			units_format_bytes((uint64_t)amounts->memory_bytes, number));
	if (amounts->disk_bytes > 0)
		MORE("%s%s of disk", at > 0 ? ", " : "",
			units_format_bytes((uint64_t)amounts->disk_bytes, number));
	for (uint32_t i = 0; i < want->n_devices; i++)
		if (devices[i] > 0 && at < EXPLAIN_TEXT_MAX)
			MORE("%s%u %.*s", at > 0 ? ", " : "", devices[i], SHOWN,
				want->devices[i].kind);
#undef MORE
}

/* What would have to come free on the nearest node. */
static void
remedy_nearest(struct explanation *explanation, const struct seek *seek)
{
	const struct refusal *refusal = &explanation->refusal;
	const struct lack *lack = &refusal->lacking;
	char text[EXPLAIN_TEXT_MAX];
	const char *name;

	if (refusal->nearest == NODE_ROW_NONE)
		return;
	name = seek->table->nodes[refusal->nearest].name;
	amounts_text(&lack->amounts, &seek->demand->want, lack->devices, text);
	if (text[0] != '\0')
		remedy(explanation, "%.150s would have to come free on %.*s", text, SHOWN, name);
	if (lack->port != 0)
		remedy(explanation, "host port %u would have to come free on %.*s", lack->port,
			SHOWN, name);
	if (lack->n_dynamic_ports > 0)
		remedy(explanation, "%u dynamic ports would have to come free on %.*s",
			lack->n_dynamic_ports, SHOWN, name);
}

/* Tasks of the nearest node of which one alone holds what is missing. */
static void
remedy_tasks(struct explanation *explanation, const struct seek *seek)
{
	const struct refusal *refusal = &explanation->refusal;
	const struct amounts *lack = &refusal->lacking.amounts;
	const struct node *node;

	if (refusal->nearest == NODE_ROW_NONE || refusal->lacking.greatest == 0)
		return;
	node = &seek->table->nodes[refusal->nearest];
	for (uint32_t i = 0; i < node->n_running; i++) {
		const struct group *group = node->running[i].group;
		const struct amounts *each = &group->want.amounts;

		if (group->is_passing || each->cpu_milli < lack->cpu_milli ||
			each->memory_bytes < lack->memory_bytes ||
			each->disk_bytes < lack->disk_bytes ||
			lack_reason(&refusal->lacking) >= FILTER_DEVICE)
			continue;
		remedy(explanation,
			"or one task of '%.*s' (namespace %.*s) would have to end there", SHOWN,
			group->name != NULL ? group->name : group->id, SHOWN, group->namespace);
		return;
	}
}

/* What a node that joins would have to be. */
static void
remedy_join(struct explanation *explanation, const struct seek *seek)
{
	const struct want *want = &seek->demand->want;
	const Davit__TaskSpec *spec = seek->demand->spec;
	uint32_t devices[PLACE_KINDS_MAX + 1] = {0};
	char text[EXPLAIN_TEXT_MAX];

	for (uint32_t i = 0; i < want->n_devices; i++)
		devices[i] = want->devices[i].n;
	amounts_text(&want->amounts, want, devices, text);
	if (spec->n_constraints > 0)
		remedy(explanation, "or a node with '%.100s'%s would have to join%s%.80s",
			spec->constraints[0], spec->n_constraints > 1 ? " and the others" : "",
			text[0] != '\0' ? ", with " : "", text);
	else
		remedy(explanation, "or a node%s%.150s would have to join",
			text[0] != '\0' ? " with " : "", text);
}

static const char *
plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

/* Filters that alone keep nodes away on which the task would fit. */
static void
remedy_filters(struct explanation *explanation, const struct judge *judge, const uint32_t *n_alone)
{
	const Davit__TaskSpec *spec = judge->seek->demand->spec;
	uint32_t n_near = n_alone[FILTER_AFFINITY] + n_alone[FILTER_MAX_PER_NODE];

	if (n_alone[FILTER_DRAINING] > 0)
		remedy(explanation, "%u draining node%s would do", n_alone[FILTER_DRAINING],
			plural(n_alone[FILTER_DRAINING]));
	if (n_alone[FILTER_STATE] > 0)
		remedy(explanation, "%u node%s that cannot be reached would do",
			n_alone[FILTER_STATE], plural(n_alone[FILTER_STATE]));
	if (n_alone[FILTER_CONSTRAINT] > 0)
		remedy(explanation, "without '%.100s' it would fit on %u more node%s",
			spec->n_constraints == 1 ? spec->constraints[0] : "its constraints",
			n_alone[FILTER_CONSTRAINT], plural(n_alone[FILTER_CONSTRAINT]));
	if (n_alone[FILTER_TAINT] > 0)
		remedy(explanation, "with a toleration it would fit on %u more node%s",
			n_alone[FILTER_TAINT], plural(n_alone[FILTER_TAINT]));
	if (n_near > 0)
		remedy(explanation,
			"without its affinities and max_per_node it would fit on %u more node%s",
			n_near, plural(n_near));
}

/* Whether the row would do if it were not for that one filter. */
static bool
is_alone(const struct judge *judge, uint32_t row, enum filter_reason reason)
{
	const struct seek *seek = judge->seek;
	bool is_near = reason == FILTER_AFFINITY || reason == FILTER_MAX_PER_NODE ||
		       demand_limit_at(seek->demand, seek->table, row) == NULL;
	struct lack lack;

	if (reason >= FILTER_SLOTS || !is_near || judge_sizes(judge, row, &lack))
		return false;
	if (reason == FILTER_CONSTRAINT)
		return !judge_taints(judge, row).is_kept_off;
	return reason >= FILTER_TAINT || filter_admits(seek->filter, row);
}

static void
add_feasible(struct explanation *explanation, const struct seek *seek,
	const struct strategies *strategies, uint32_t row)
{
	struct explain_best best = {.row = row,
		.fit = strategies_fit(strategies, explanation->strategy, seek, row)};

	best.score = seek_has_wishes(seek) ? best.fit + seek_wishes_at(seek, row) : best.fit;
	explanation->n_feasible++;
	add_best(explanation, seek, best);
}

void
explain_decision(const struct seek *seek, struct cluster *cluster,
	const struct strategies *strategies, Davit__TaskSpec__Strategy strategy,
	struct explanation *ret_explanation)
{
	struct explanation *explanation = ret_explanation;
	uint32_t n_alone[FILTER_COUNT] = {0};
	struct judge judge;

	*explanation = (struct explanation){.strategy = strategy, .n_nodes = seek->table->n};
	explanation->refusal.nearest = NODE_ROW_NONE;
	explanation->refusal.want = &seek->demand->want;
	judge_init(&judge, seek, cluster);
	for (uint32_t row = 0; row < seek->table->n; row++) {
		enum filter_reason reason = count_row(explanation, &judge, row);

		if (reason == FILTER_NONE)
			add_feasible(explanation, seek, strategies, row);
		else
			n_alone[reason] += is_alone(&judge, row, reason);
	}
	if (explanation->n_feasible == 0) {
		remedy_nearest(explanation, seek);
		remedy_tasks(explanation, seek);
		remedy_filters(explanation, &judge, n_alone);
		remedy_join(explanation, seek);
	}
	judge_fini(&judge);
}
