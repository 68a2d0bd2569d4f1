#include "services/scheduler/refusal.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/base/mem.h"
#include "common/base/units.h"

enum {
	NAME_SHOWN = 64,        /* characters of a node's name in the sentence */
	CONSTRAINT_SHOWN = 100, /* characters of a constraint */
};

struct telling {
	const struct seek *seek;
	struct refusal *refusal;
	uint32_t by_state[8]; /* not ready, by Node.State */
	double least_lack;
	size_t length; /* of the message */
	unsigned n_parts;
};

static void say(struct telling *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One more part of the sentence; what does not fit is cut. */
static void
say(struct telling *t, const char *fmt, ...)
{
	char *message = t->refusal->message;
	va_list args;
	int n;

	if (t->n_parts++ > 0 && t->length + 2 < PLACE_MESSAGE_MAX) {
		memcpy(message + t->length, ", ", 3);
		t->length += 2;
	}
	va_start(args, fmt);
	n = vsnprintf(message + t->length, PLACE_MESSAGE_MAX - t->length, fmt, args);
	va_end(args);
	t->length += n < 0 ? 0 : (size_t)n;
	if (t->length >= PLACE_MESSAGE_MAX)
		t->length = PLACE_MESSAGE_MAX - 1;
}

void
refusal_count(struct refusal *refusal, enum filter_reason reason, const char *detail)
{
	struct refusal_count *count = refusal->counts;

	if (detail == NULL)
		detail = "";
	for (uint32_t i = 0; i < refusal->n_counts; i++, count++) {
		if (count->reason == reason &&
			strncmp(count->detail, detail, REFUSAL_DETAIL_MAX - 1) == 0) {
			count->n++;
			return;
		}
	}
	if (refusal->n_counts == REFUSAL_COUNTS_MAX)
		return;
	refusal->n_counts++;
	*count = (struct refusal_count){.reason = reason, .n = 1};
	(void)snprintf(count->detail, sizeof count->detail, "%s", detail);
}

const char *
refusal_detail(const struct seek *seek, enum filter_reason reason, uint32_t detail,
	char room[WISH_NAME_MAX])
{
	if (reason == FILTER_CONSTRAINT)
		return seek->demand->spec->constraints[detail];
	if (reason == FILTER_AFFINITY)
		return wish_name_text(&seek->demand->limits[detail].name, room);
	return NULL;
}

static void
look_at_row(struct telling *t, const struct judge *judge, uint32_t row)
{
	const struct want *want = &t->seek->demand->want;
	struct refusal *refusal = t->refusal;
	uint32_t detail = 0;
	enum filter_reason reason = judge_row(judge, row, &detail);
	char room[WISH_NAME_MAX];
	struct lack lack;

	if (reason == FILTER_STATE)
		t->by_state[t->seek->table->nodes[row].state % 8]++;
	if (reason == FILTER_TAINT)
		refusal_count(refusal, reason, judge_taints(judge, row).first);
	else if (reason != FILTER_NONE)
		refusal_count(refusal, reason, refusal_detail(t->seek, reason, detail, room));
	if (reason != FILTER_NONE || !judge_sizes(judge, row, &lack))
		return;
	for (unsigned i = FILTER_CPU; i < FILTER_COUNT; i++)
		if (lack.is_short[i] && i != FILTER_DEVICE)
			refusal_count(refusal, (enum filter_reason)i, NULL);
	for (uint32_t i = 0; i < want->n_devices; i++)
		if (lack.devices[i] > 0)
			refusal_count(refusal, FILTER_DEVICE, want->devices[i].kind);
	if (refusal->nearest == NODE_ROW_NONE || lack.greatest < t->least_lack) {
		t->least_lack = lack.greatest;
		refusal->nearest = row;
		refusal->lacking = lack;
	}
}

static uint32_t
count_of(const struct refusal *refusal, enum filter_reason reason, const char *detail)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < refusal->n_counts; i++)
		if (refusal->counts[i].reason == reason &&
			(detail == NULL || strcmp(refusal->counts[i].detail, detail) == 0))
			n += refusal->counts[i].n;
	return n;
}

static const char *
plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

/* What of something is wanted, and what the nearest node has. */
struct shortage {
	const char *name;
	uint32_t n; /* nodes that are short */
	const char *wants, *has;
	bool is_lacking; /* on the nearest, too */
};

/* "cpu short on 2 of 3 nodes (wants 4, nearest n2 has 1.5 free)" */
static void
say_short(struct telling *t, const struct shortage *shortage)
{
	const struct node_table *table = t->seek->table;

	if (shortage->n == 0)
		return;
	if (shortage->is_lacking)
		say(t, "%s short on %u of %u node%s (wants %s, nearest %.*s has %s free)",
			shortage->name, shortage->n, table->n, plural(table->n), shortage->wants,
			NAME_SHOWN, table->nodes[t->refusal->nearest].name, shortage->has);
	else
		say(t, "%s short on %u of %u node%s (wants %s)", shortage->name, shortage->n,
			table->n, plural(table->n), shortage->wants);
}

/* Written out only when it is short: most are not. */
static void
say_amount(struct telling *t, const char *name, enum filter_reason reason, const int64_t sizes[3])
{
	const char *(*write)(uint64_t, char[UNITS_TEXT_SIZE]) =
		reason == FILTER_CPU ? units_format_cpu : units_format_bytes;
	struct shortage shortage = {.name = name, .n = count_of(t->refusal, reason, NULL)};
	char wants[UNITS_TEXT_SIZE], has[UNITS_TEXT_SIZE];

	if (shortage.n == 0)
		return;
	shortage.wants = write((uint64_t)sizes[0], wants);
	shortage.has = write((uint64_t)sizes[1], has);
	shortage.is_lacking = sizes[2] > 0;
	say_short(t, &shortage);
}

static void
say_amounts(struct telling *t, const struct node *node)
{
	const struct amounts *want = &t->seek->demand->want.amounts, *has = &node->free;
	const struct amounts *lacking = &t->refusal->lacking.amounts;

	say_amount(t, "cpu", FILTER_CPU,
		(const int64_t[]){want->cpu_milli, has->cpu_milli, lacking->cpu_milli});
	say_amount(t, "memory", FILTER_MEMORY,
		(const int64_t[]){want->memory_bytes, has->memory_bytes, lacking->memory_bytes});
	say_amount(t, "disk", FILTER_DISK,
		(const int64_t[]){want->disk_bytes, has->disk_bytes, lacking->disk_bytes});
}

static void
say_counted(struct telling *t, const struct node *node)
{
	const struct refusal *refusal = t->refusal;
	const struct want *want = &t->seek->demand->want;
	char wants[UNITS_TEXT_SIZE], has[UNITS_TEXT_SIZE];

	for (uint32_t i = 0; i < want->n_devices; i++) {
		const struct node_device *device = node_table_device(node, want->devices[i].number);

		(void)snprintf(wants, sizeof wants, "%u", want->devices[i].n);
		(void)snprintf(has, sizeof has, "%u", device != NULL ? device->free : 0);
		say_short(t, &(const struct shortage){.name = want->devices[i].kind,
				     .n = count_of(refusal, FILTER_DEVICE, want->devices[i].kind),
				     .wants = wants,
				     .has = has,
				     .is_lacking = refusal->lacking.devices[i] > 0});
	}
	(void)snprintf(wants, sizeof wants, "%u", want->n_dynamic_ports);
	(void)snprintf(has, sizeof has, "%u", node->n_ports_free);
	say_short(t, &(const struct shortage){.name = "dynamic port",
			     .n = count_of(refusal, FILTER_DYNAMIC_PORTS, NULL),
			     .wants = wants,
			     .has = has,
			     .is_lacking = refusal->lacking.n_dynamic_ports > 0});
}

/* Of the wanted ports the first that is taken somewhere. */
static void
say_ports(struct telling *t)
{
	const struct node_table *table = t->seek->table;
	const struct want *want = &t->seek->demand->want;
	uint32_t n = count_of(t->refusal, FILTER_PORT, NULL);

	for (uint32_t row = 0; n > 0 && row < table->n; row++) {
		for (uint32_t i = 0; i < want->n_ports; i++) {
			if (!engines_port_is_taken(table->engines, table->nodes[row].engine,
				    want->ports[i]))
				continue;
			say(t, "host port %u taken on %u of %u node%s", want->ports[i], n, table->n,
				plural(table->n));
			return;
		}
	}
}

/* Filters that say which of several they are. */
static void
say_named(struct telling *t)
{
	uint32_t n = t->seek->table->n;

	for (uint32_t i = 0; i < t->refusal->n_counts; i++) {
		const struct refusal_count *count = &t->refusal->counts[i];

		if (count->reason == FILTER_PLATFORM)
			say(t, "platform '%.*s' excludes %u of %u node%s", NAME_SHOWN,
				t->seek->demand->spec->platform, count->n, n, plural(n));
		if (count->reason == FILTER_CONSTRAINT)
			say(t, "constraint '%.*s' excludes %u of %u node%s", CONSTRAINT_SHOWN,
				count->detail, count->n, n, plural(n));
		if (count->reason == FILTER_TAINT)
			say(t, "taint '%.*s' keeps it off %u of %u node%s", NAME_SHOWN,
				count->detail, count->n, n, plural(n));
		if (count->reason == FILTER_AFFINITY)
			say(t, "%.*s excludes %u of %u node%s", CONSTRAINT_SHOWN, count->detail,
				count->n, n, plural(n));
		if (count->reason == FILTER_MAX_PER_NODE)
			say(t, "%u of %u node%s with %u of its tasks already", count->n, n,
				plural(n), t->seek->demand->spec->max_per_node);
	}
}

static void
say_ruled_out(struct telling *t)
{
	static const char *const states[8] = {
		[DAVIT__NODE__STATE__NONE] = "not ready",
		[DAVIT__NODE__STATE__UNKNOWN] = "silent",
		[DAVIT__NODE__STATE__DOWN] = "down",
		[DAVIT__NODE__STATE__DEGRADED] = "without an engine that answers",
	};
	const struct refusal *refusal = t->refusal;
	uint32_t n_slots = count_of(refusal, FILTER_SLOTS, NULL);
	uint32_t n_avoided = count_of(refusal, FILTER_AVOIDED, NULL);
	uint32_t n_draining = count_of(refusal, FILTER_DRAINING, NULL);

	say_named(t);
	if (n_slots > 0)
		say(t, "%u at the limit of %u tasks", n_slots, t->seek->table->tasks_per_node_max);
	if (n_avoided > 0)
		say(t, "%u tried before", n_avoided);
	if (n_draining > 0)
		say(t, "%u draining", n_draining);
	for (unsigned i = 0; i < 8; i++)
		if (t->by_state[i] > 0)
			say(t, "%u %s", t->by_state[i],
				states[i] != NULL ? states[i] : "not ready");
}

void
refusal_explain(const struct seek *seek, struct cluster *cluster, struct refusal *ret_refusal)
{
	static const struct node no_node;
	struct telling t = {.seek = seek, .refusal = ret_refusal};
	const struct node *nearest = &no_node;
	struct judge judge;

	ret_refusal->n_counts = 0;
	ret_refusal->nearest = NODE_ROW_NONE;
	ret_refusal->lacking = (struct lack){0};
	ret_refusal->want = &seek->demand->want;
	ret_refusal->message[0] = '\0';
	if (seek->table->n == 0) {
		say(&t, "no node has registered yet: start a davit-worker");
		return;
	}
	judge_init(&judge, seek, cluster);
	for (uint32_t row = 0; row < seek->table->n; row++)
		look_at_row(&t, &judge, row);
	judge_fini(&judge);
	if (ret_refusal->nearest != NODE_ROW_NONE)
		nearest = &seek->table->nodes[ret_refusal->nearest];
	say(&t, "no node fits: ");
	t.n_parts = 0;
	say_amounts(&t, nearest);
	say_counted(&t, nearest);
	say_ports(&t);
	say_ruled_out(&t);
}
