#include "services/scheduler/judge.h"

#include "common/base/mem.h"

const char *
filter_name(enum filter_reason reason)
{
	static const char *const names[FILTER_COUNT] = {
		[FILTER_NONE] = "none",
		[FILTER_STATE] = "state",
		[FILTER_DRAINING] = "draining",
		[FILTER_AVOIDED] = "avoided",
		[FILTER_PLATFORM] = "platform",
		[FILTER_CONSTRAINT] = "constraint",
		[FILTER_TAINT] = "taint",
		[FILTER_AFFINITY] = "affinity",
		[FILTER_MAX_PER_NODE] = "max-per-node",
		[FILTER_SLOTS] = "slots",
		[FILTER_CPU] = "cpu",
		[FILTER_MEMORY] = "memory",
		[FILTER_DISK] = "disk",
		[FILTER_DEVICE] = "device",
		[FILTER_PORT] = "port",
		[FILTER_DYNAMIC_PORTS] = "dynamic-ports",
	};

	return names[reason];
}

void
judge_init(struct judge *judge, const struct seek *seek, struct cluster *cluster)
{
	const Davit__TaskSpec *spec = seek->demand->spec;
	struct err err;

	*judge = (struct judge){.seek = seek};
	judge->rules = xcalloc(spec->n_constraints + 1, sizeof judge->rules[0]);
	for (size_t i = 0; i < spec->n_constraints; i++)
		(void)rule_init(&judge->rules[i], &cluster->table, cluster->facets,
			spec->constraints[i], &err);
}

void
judge_fini(struct judge *judge)
{
	for (size_t i = 0; i < judge->seek->demand->spec->n_constraints; i++)
		rule_fini(&judge->rules[i]);
	free(judge->rules);
}

struct taints_verdict
judge_taints(const struct judge *judge, uint32_t row)
{
	const struct node_table *table = judge->seek->table;
	uint32_t number = table->nodes[row].attrs[NODE_ATTR_TAINTS];

	return taints_judge(number == 0 ? NULL : intern_text(table->intern, number),
		judge->seek->demand->spec);
}

enum filter_reason
judge_row(const struct judge *judge, uint32_t row, uint32_t *ret_detail)
{
	const struct seek *seek = judge->seek;
	const Davit__TaskSpec *spec = seek->demand->spec;
	const struct node *node = &seek->table->nodes[row];
	const struct limit *limit;
	uint32_t unused;

	if (ret_detail == NULL)
		ret_detail = &unused;
	if (!node->is_schedulable)
		return node->state == DAVIT__NODE__STATE__READY ? FILTER_DRAINING : FILTER_STATE;
	if (seek_is_avoided(seek, row))
		return FILTER_AVOIDED;
	if (spec->platform != NULL && !rule_platform_admits(spec->platform, seek->table, row))
		return FILTER_PLATFORM;
	for (*ret_detail = 0; *ret_detail < spec->n_constraints; ++*ret_detail)
		if (!rule_admits(&judge->rules[*ret_detail], row))
			return FILTER_CONSTRAINT;
	if (judge_taints(judge, row).is_kept_off)
		return FILTER_TAINT;
	limit = demand_limit_at(seek->demand, seek->table, row);
	if (limit != NULL) {
		*ret_detail = (uint32_t)(limit - seek->demand->limits);
		return limit->kind == LIMIT_MOST ? FILTER_MAX_PER_NODE : FILTER_AFFINITY;
	}
	return node->n_tasks >= seek->table->tasks_per_node_max ? FILTER_SLOTS : FILTER_NONE;
}

/* How much is missing; in the lack, that as a part of what is wanted. */
static int64_t
missing(struct lack *lack, enum filter_reason reason, int64_t wanted, int64_t has)
{
	double part;

	if (wanted <= has)
		return 0;
	lack->is_short[reason] = true;
	part = (double)(wanted - has) / (double)wanted;
	if (part > lack->greatest)
		lack->greatest = part;
	return wanted - has;
}

bool
judge_sizes(const struct judge *judge, uint32_t row, struct lack *ret_lack)
{
	const struct node_table *table = judge->seek->table;
	const struct want *want = &judge->seek->demand->want;
	const struct node *node = &table->nodes[row];
	struct lack *lack = ret_lack;

	*lack = (struct lack){0};
	lack->amounts.cpu_milli =
		missing(lack, FILTER_CPU, want->amounts.cpu_milli, node->free.cpu_milli);
	lack->amounts.memory_bytes =
		missing(lack, FILTER_MEMORY, want->amounts.memory_bytes, node->free.memory_bytes);
	lack->amounts.disk_bytes =
		missing(lack, FILTER_DISK, want->amounts.disk_bytes, node->free.disk_bytes);
	lack->n_dynamic_ports = (uint32_t)missing(lack, FILTER_DYNAMIC_PORTS, want->n_dynamic_ports,
		node->n_ports_free);
	for (uint32_t i = 0; i < want->n_devices; i++) {
		const struct node_device *device = node_table_device(node, want->devices[i].number);

		lack->devices[i] = (uint32_t)missing(lack, FILTER_DEVICE, want->devices[i].n,
			device != NULL ? device->free : 0);
	}
	for (uint32_t i = 0; i < want->n_ports && lack->port == 0; i++)
		if (engines_port_is_taken(table->engines, node->engine, want->ports[i]))
			lack->port = want->ports[i];
	lack->is_short[FILTER_PORT] = lack->port != 0;
	if (lack->port != 0)
		lack->greatest += 1; /* a node with the port free is nearer, however small */
	return lack->greatest > 0;
}

enum filter_reason
lack_reason(const struct lack *lack)
{
	for (unsigned i = FILTER_CPU; i < FILTER_COUNT; i++)
		if (lack->is_short[i])
			return (enum filter_reason)i;
	return FILTER_NONE;
}
