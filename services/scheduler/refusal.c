#include "services/scheduler/refusal.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/base/mem.h"
#include "common/base/units.h"

enum {
	NAME_SHOWN = 64,        /* characters of a node's name in the sentence */
	CONSTRAINT_SHOWN = 100, /* characters of a constraint */
};

struct explanation {
	const struct node_table *table;
	const struct demand *demand;
	struct refusal *refusal;
	uint32_t by_state[8]; /* not ready, by Node.State */
	struct rule *rules;
	uint32_t *by_rule; /* nodes that a constraint was the first to rule out */
	uint16_t port;     /* a wanted host port that is taken somewhere */
	double least_lack;
	size_t length; /* of the message */
	unsigned n_parts;
};

static void say(struct explanation *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One more part of the sentence; what does not fit is cut. */
static void
say(struct explanation *e, const char *fmt, ...)
{
	char *message = e->refusal->message;
	va_list args;
	int n;

	if (e->n_parts++ > 0 && e->length + 2 < PLACE_MESSAGE_MAX) {
		memcpy(message + e->length, ", ", 3);
		e->length += 2;
	}
	va_start(args, fmt);
	n = vsnprintf(message + e->length, PLACE_MESSAGE_MAX - e->length, fmt, args);
	va_end(args);
	e->length += n < 0 ? 0 : (size_t)n;
	if (e->length >= PLACE_MESSAGE_MAX)
		e->length = PLACE_MESSAGE_MAX - 1;
}

static bool
is_avoided(const char *id, char *const *avoid, size_t n_avoid)
{
	for (size_t i = 0; i < n_avoid; i++) {
		if (strcmp(avoid[i], id) == 0)
			return true;
	}
	return false;
}

/* What rules the node out whatever its size, or FILTER_NONE. */
static enum filter_reason
ruled_out(struct explanation *e, uint32_t row)
{
	const struct node *node = &e->table->nodes[row];
	const Davit__TaskSpec *spec = e->demand->spec;

	if (!node->is_schedulable && node->state != DAVIT__NODE__STATE__READY) {
		e->by_state[(unsigned)node->state % 8]++;
		return FILTER_STATE;
	}
	if (!node->is_schedulable)
		return FILTER_DRAINING;
	if (spec->platform != NULL && !rule_platform_admits(spec->platform, e->table, row))
		return FILTER_PLATFORM;
	for (size_t i = 0; i < spec->n_constraints; i++) {
		if (!rule_admits(&e->rules[i], e->table, row)) {
			e->by_rule[i]++;
			return FILTER_CONSTRAINT;
		}
	}
	return node->n_tasks >= e->table->tasks_per_node_max ? FILTER_SLOTS : FILTER_NONE;
}

/* How much is missing, and that as a part of what is wanted. */
static int64_t
lack(int64_t wanted, int64_t has, uint32_t *count, double *greatest)
{
	double part;

	if (wanted <= has)
		return 0;
	(*count)++;
	part = (double)(wanted - has) / (double)wanted;
	if (part > *greatest)
		*greatest = part;
	return wanted - has;
}

static void
look_at_sizes(struct explanation *e, uint32_t row)
{
	const struct node *node = &e->table->nodes[row];
	const struct want *want = &e->demand->want;
	uint32_t *counts = e->refusal->counts;
	double greatest = 0;
	struct want lacking = {
		.cpu_milli = lack(want->cpu_milli, node->cpu_milli, &counts[FILTER_CPU], &greatest),
		.memory_bytes = lack(want->memory_bytes, node->memory_bytes, &counts[FILTER_MEMORY],
			&greatest),
		.disk_bytes =
			lack(want->disk_bytes, node->disk_bytes, &counts[FILTER_DISK], &greatest),
		.gpus = (uint32_t)lack(want->gpus, node->gpus, &counts[FILTER_GPU], &greatest),
		.n_dynamic_ports = (uint32_t)lack(want->n_dynamic_ports, node->n_ports_free,
			&counts[FILTER_DYNAMIC_PORTS], &greatest),
	};
	bool is_port_taken = false;

	for (uint32_t i = 0; i < want->n_ports && !is_port_taken; i++) {
		is_port_taken =
			engines_port_is_taken(e->table->engines, node->engine, want->ports[i]);
		if (is_port_taken && e->port == 0)
			e->port = want->ports[i];
	}
	counts[FILTER_PORT] += is_port_taken;
	if (is_port_taken)
		greatest += 1; /* a node with the port free is nearer, however small */
	if (greatest > 0 && (e->refusal->nearest == NODE_ROW_NONE || greatest < e->least_lack)) {
		e->least_lack = greatest;
		e->refusal->nearest = row;
		e->refusal->lacking = lacking;
	}
}

static const char *
plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

/* "cpu short on 2 of 3 nodes (wants 4, nearest n2 has 1.5 free)" */
static void
say_short(struct explanation *e, enum filter_reason reason, const char *wants, const char *has,
	bool is_lacking)
{
	const struct refusal *refusal = e->refusal;
	uint32_t n = e->table->n;

	if (refusal->counts[reason] == 0)
		return;
	if (is_lacking)
		say(e, "%s short on %u of %u node%s (wants %s, nearest %.*s has %s free)",
			filter_name(reason), refusal->counts[reason], n, plural(n), wants,
			NAME_SHOWN, e->table->nodes[refusal->nearest].name, has);
	else
		say(e, "%s short on %u of %u node%s (wants %s)", filter_name(reason),
			refusal->counts[reason], n, plural(n), wants);
}

static void
say_sizes(struct explanation *e)
{
	static const struct node no_node;
	const struct refusal *refusal = e->refusal;
	const struct node *node =
		refusal->nearest == NODE_ROW_NONE ? &no_node : &e->table->nodes[refusal->nearest];
	const struct want *want = &e->demand->want, *lacking = &refusal->lacking;
	char wants[UNITS_TEXT_SIZE], has[UNITS_TEXT_SIZE];

	say_short(e, FILTER_CPU, units_format_cpu((uint64_t)want->cpu_milli, wants),
		units_format_cpu((uint64_t)node->cpu_milli, has), lacking->cpu_milli > 0);
	say_short(e, FILTER_MEMORY, units_format_bytes((uint64_t)want->memory_bytes, wants),
		units_format_bytes((uint64_t)node->memory_bytes, has), lacking->memory_bytes > 0);
	say_short(e, FILTER_DISK, units_format_bytes((uint64_t)want->disk_bytes, wants),
		units_format_bytes((uint64_t)node->disk_bytes, has), lacking->disk_bytes > 0);
	(void)snprintf(wants, sizeof wants, "%u", want->gpus);
	(void)snprintf(has, sizeof has, "%u", node->gpus);
	say_short(e, FILTER_GPU, wants, has, lacking->gpus > 0);
	(void)snprintf(wants, sizeof wants, "%u", want->n_dynamic_ports);
	(void)snprintf(has, sizeof has, "%u", node->n_ports_free);
	say_short(e, FILTER_DYNAMIC_PORTS, wants, has, lacking->n_dynamic_ports > 0);
	if (refusal->counts[FILTER_PORT] > 0)
		say(e, "host port %u taken on %u of %u node%s", e->port,
			refusal->counts[FILTER_PORT], e->table->n, plural(e->table->n));
}

static void
say_ruled_out(struct explanation *e)
{
	static const char *const states[8] = {
		[DAVIT__NODE__STATE__NONE] = "not ready",
		[DAVIT__NODE__STATE__UNKNOWN] = "silent",
		[DAVIT__NODE__STATE__DOWN] = "down",
		[DAVIT__NODE__STATE__DEGRADED] = "without an engine that answers",
	};
	const Davit__TaskSpec *spec = e->demand->spec;
	const uint32_t *counts = e->refusal->counts;
	uint32_t n = e->table->n;

	if (counts[FILTER_PLATFORM] > 0)
		say(e, "platform '%.*s' excludes %u of %u node%s", NAME_SHOWN, spec->platform,
			counts[FILTER_PLATFORM], n, plural(n));
	for (size_t i = 0; i < spec->n_constraints; i++) {
		if (e->by_rule[i] > 0)
			say(e, "constraint '%.*s' excludes %u of %u node%s", CONSTRAINT_SHOWN,
				spec->constraints[i], e->by_rule[i], n, plural(n));
	}
	if (counts[FILTER_SLOTS] > 0)
		say(e, "%u at the limit of %u tasks", counts[FILTER_SLOTS],
			e->table->tasks_per_node_max);
	if (counts[FILTER_AVOIDED] > 0)
		say(e, "%u tried before", counts[FILTER_AVOIDED]);
	if (counts[FILTER_DRAINING] > 0)
		say(e, "%u draining", counts[FILTER_DRAINING]);
	for (unsigned i = 0; i < 8; i++) {
		if (e->by_state[i] > 0)
			say(e, "%u %s", e->by_state[i],
				states[i] != NULL ? states[i] : "not ready");
	}
}

static void
rules_init(struct explanation *e)
{
	const Davit__TaskSpec *spec = e->demand->spec;
	struct err err;

	e->rules = xcalloc(spec->n_constraints + 1, sizeof e->rules[0]);
	e->by_rule = xcalloc(spec->n_constraints + 1, sizeof e->by_rule[0]);
	for (size_t i = 0; i < spec->n_constraints; i++)
		(void)rule_init(&e->rules[i], e->table, spec->constraints[i], &err);
}

static void
rules_fini(struct explanation *e)
{
	for (size_t i = 0; i < e->demand->spec->n_constraints; i++)
		rule_fini(&e->rules[i]);
	free(e->rules);
	free(e->by_rule);
}

void
refusal_explain(const struct node_table *table, const struct demand *demand, char *const *avoid,
	size_t n_avoid, struct refusal *ret_refusal)
{
	struct explanation e = {.table = table, .demand = demand, .refusal = ret_refusal};

	*ret_refusal = (struct refusal){.nearest = NODE_ROW_NONE};
	if (table->n == 0) {
		say(&e, "no node has registered yet: start a davit-worker");
		return;
	}
	rules_init(&e);
	for (uint32_t row = 0; row < table->n; row++) {
		enum filter_reason reason = ruled_out(&e, row);

		if (reason != FILTER_STATE && reason != FILTER_DRAINING &&
			is_avoided(table->nodes[row].id, avoid, n_avoid))
			reason = FILTER_AVOIDED;
		if (reason == FILTER_NONE)
			look_at_sizes(&e, row);
		else
			ret_refusal->counts[reason]++;
	}
	ret_refusal->counts[FILTER_NONE] = 0;
	say(&e, "no node fits: ");
	e.n_parts = 0;
	say_sizes(&e);
	say_ruled_out(&e);
	rules_fini(&e);
}
