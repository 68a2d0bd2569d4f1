#include "services/scheduler/filters.h"

#include <assert.h>

#include <uthash.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "services/scheduler/limits.h"

struct filter {
	UT_hash_handle hh;
	char *key;
	char *platform; /* NULL: any */
	struct rule *rules;
	size_t n_rules;
	struct want want; /* only devices and ports */
	uint16_t *ports;  /* behind want.ports */
	int32_t *allow;
};

struct filters {
	struct node_table *table;
	struct filter *by_key; /* oldest first */
	unsigned n_computed;
};

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
		[FILTER_SLOTS] = "slots",
		[FILTER_CPU] = "cpu",
		[FILTER_MEMORY] = "memory",
		[FILTER_DISK] = "disk",
		[FILTER_GPU] = "gpu",
		[FILTER_PORT] = "port",
		[FILTER_DYNAMIC_PORTS] = "dynamic port",
	};

	return names[reason];
}

static int64_t
clamp(uint64_t wanted, uint64_t max)
{
	return (int64_t)(wanted > max ? max + 1 : wanted);
}

static int
port_compare(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static void
demand_ports(struct demand *demand)
{
	const Davit__TaskSpec *spec = demand->spec;
	uint32_t n = 0, n_once = 0;

	demand->ports = xcalloc(spec->n_ports + 1, sizeof demand->ports[0]);
	for (size_t i = 0; i < spec->n_ports; i++) {
		if (spec->ports[i]->host_port == 0)
			demand->want.n_dynamic_ports++;
		else
			demand->ports[n++] = (uint16_t)spec->ports[i]->host_port;
	}
	qsort(demand->ports, n, sizeof demand->ports[0], port_compare);
	for (uint32_t i = 0; i < n; i++) {
		if (n_once == 0 || demand->ports[n_once - 1] != demand->ports[i])
			demand->ports[n_once++] = demand->ports[i];
	}
	demand->want.ports = demand->ports;
	demand->want.n_ports = n_once;
}

/* Everything that filter_fits looks at, as a text. */
static char *
demand_key(const struct demand *demand)
{
	const Davit__TaskSpec *spec = demand->spec;
	const struct want *want = &demand->want;
	struct buf key = {0};

	buf_printf(&key, "%u %u", want->gpus, want->n_dynamic_ports);
	for (uint32_t i = 0; i < want->n_ports; i++)
		buf_printf(&key, " %u", want->ports[i]);
	buf_printf(&key, "\n%s", spec->platform != NULL ? spec->platform : "");
	for (size_t i = 0; i < spec->n_constraints; i++)
		buf_printf(&key, "\n%s", spec->constraints[i]);
	buf_put(&key, "", 1);
	return buf_take(&key, &(size_t){0});
}

void
demand_init(struct demand *demand, const Davit__TaskSpec *spec)
{
	*demand = (struct demand){
		.spec = spec,
		.want = {.cpu_milli = clamp(spec->cpu_milli, PLACE_CPU_MILLI_MAX),
			.memory_bytes = clamp(spec->memory_bytes, PLACE_MEMORY_BYTES_MAX),
			.disk_bytes = clamp(spec->disk_bytes, PLACE_DISK_BYTES_MAX),
			.gpus = spec->gpus},
	};
	if (spec->n_ports > 0)
		demand_ports(demand);
	if (spec->n_ports > 0 || spec->gpus > 0 || spec->n_constraints > 0 ||
		spec->platform != NULL)
		demand->key = demand_key(demand);
}

void
demand_fini(struct demand *demand)
{
	free(demand->ports);
	free(demand->key);
}

struct filters *
filters_new(struct node_table *table)
{
	struct filters *filters = xcalloc(1, sizeof *filters);

	filters->table = table;
	return filters;
}

static void
filter_free(struct filter *filter)
{
	for (size_t i = 0; i < filter->n_rules; i++)
		rule_fini(&filter->rules[i]);
	free(filter->rules);
	free(filter->platform);
	free(filter->ports);
	free(filter->allow);
	free(filter->key);
	free(filter);
}

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

static bool
filter_admits(const struct filter *filter, const struct node_table *table, uint32_t row)
{
	if (filter->platform != NULL && !rule_platform_admits(filter->platform, table, row))
		return false;
	for (size_t i = 0; i < filter->n_rules; i++) {
		if (!rule_admits(&filter->rules[i], table, row))
			return false;
	}
	return node_table_fits(table, row, &filter->want);
}

static int
filter_new(struct filters *filters, const struct demand *demand, struct filter **ret_filter,
	struct err *err)
{
	const Davit__TaskSpec *spec = demand->spec;
	const struct want *want = &demand->want;
	struct filter *filter = xcalloc(1, sizeof *filter);

	filter->rules = xcalloc(spec->n_constraints + 1, sizeof filter->rules[0]);
	for (size_t i = 0; i < spec->n_constraints; i++) {
		int rc = rule_init(&filter->rules[i], filters->table, spec->constraints[i], err);

		if (rc < 0) {
			filter_free(filter);
			return err_wrap(err, "constraint '%.100s'", spec->constraints[i]);
		}
		filter->n_rules++;
	}
	filter->key = xstrdup(demand->key);
	filter->platform = xstrdup(spec->platform);
	filter->ports = xmemdup(want->ports, want->n_ports * sizeof want->ports[0]);
	filter->want = (struct want){.gpus = want->gpus,
		.n_dynamic_ports = want->n_dynamic_ports,
		.ports = filter->ports,
		.n_ports = want->n_ports};
	filter->allow = xcalloc(filters->table->room, sizeof filter->allow[0]);
	for (uint32_t row = 0; row < filters->table->n; row++)
		filter->allow[row] = filter_admits(filter, filters->table, row);
	filters->n_computed++;
	*ret_filter = filter;
	return 0;
}

int
filters_get(struct filters *filters, const struct demand *demand, const int32_t **ret_allow,
	struct err *err)
{
	struct filter *filter;
	int rc;

	if (demand->key == NULL) {
		*ret_allow = NULL;
		return 0;
	}
	HASH_FIND_STR(filters->by_key, demand->key, filter);
	if (filter == NULL) {
		rc = filter_new(filters, demand, &filter, err);
		if (rc < 0)
			return rc;
		if (HASH_COUNT(filters->by_key) >= PLACE_CLASSES_MAX) {
			struct filter *oldest = filters->by_key;

			HASH_DEL(filters->by_key, oldest);
			filter_free(oldest);
		}
		HASH_ADD_KEYPTR(hh, filters->by_key, filter->key, (unsigned)strlen(filter->key),
			filter);
	}
	*ret_allow = filter->allow;
	return 0;
}

static bool
wants_any_port(const struct filter *filter, const struct want *taken)
{
	uint32_t a = 0, b = 0;

	while (a < filter->want.n_ports && b < taken->n_ports) {
		if (filter->want.ports[a] == taken->ports[b])
			return true;
		if (filter->want.ports[a] < taken->ports[b])
			a++;
		else
			b++;
	}
	return false;
}

void
filters_taken(struct filters *filters, uint32_t row, const struct want *want)
{
	const struct node_table *table = filters->table;
	const struct node *nodes = table->nodes;
	struct filter *filter, *next;

	HASH_ITER(hh, filters->by_key, filter, next)
	{
		if (filter->want.gpus == 0 && filter->want.n_dynamic_ports == 0 &&
			filter->want.n_ports == 0)
			continue; /* it looks at nothing that a placement changes */
		if (filter->allow[row] != 0)
			filter->allow[row] = filter_admits(filter, table, row);
		if (!wants_any_port(filter, want))
			continue;
		for (uint32_t other = 0; other < table->n; other++) {
			if (nodes[other].engine == nodes[row].engine)
				filter->allow[other] = 0;
		}
	}
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
