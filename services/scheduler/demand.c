#include "services/scheduler/demand.h"

#include "common/base/mem.h"
#include "services/scheduler/filters.h"
#include "services/scheduler/limits.h"

enum { SPREAD_WEIGHT = 50, GROWTH = 4 };

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

void
demand_read_ports(struct demand *demand, const uint32_t *ports, size_t n)
{
	uint32_t n_once = 0;

	if (n == 0)
		return;
	demand->ports = xcalloc(n, sizeof demand->ports[0]);
	for (size_t i = 0; i < n; i++)
		demand->ports[i] = (uint16_t)ports[i];
	qsort(demand->ports, n, sizeof demand->ports[0], port_compare);
	for (size_t i = 0; i < n; i++) {
		if (n_once == 0 || demand->ports[n_once - 1] != demand->ports[i])
			demand->ports[n_once++] = demand->ports[i];
	}
	demand->want.ports = demand->ports;
	demand->want.n_ports = n_once;
}

static void
read_spec_ports(struct demand *demand)
{
	const Davit__TaskSpec *spec = demand->spec;
	uint32_t ports[PLACE_SPEC_PORTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < spec->n_ports && i < PLACE_SPEC_PORTS_MAX; i++) {
		if (spec->ports[i]->host_port == 0)
			demand->want.n_dynamic_ports++;
		else
			ports[n++] = spec->ports[i]->host_port;
	}
	demand_read_ports(demand, ports, n);
}

static void
add_device(struct demand *demand, const struct node_table *table, const char *kind, uint32_t n)
{
	if (n == 0)
		return;
	for (uint32_t i = 0; i < demand->want.n_devices; i++) {
		if (strcmp(demand->devices[i].kind, kind) == 0) {
			demand->devices[i].n += n;
			return;
		}
	}
	demand->devices[demand->want.n_devices++] = (struct want_device){.kind = kind,
		.number = intern_find(table->intern, kind),
		.n = n};
}

static void
read_devices(struct demand *demand, const struct node_table *table, uint32_t gpus,
	Davit__DeviceCount *const *devices, size_t n)
{
	if (gpus == 0 && n == 0)
		return;
	demand->devices = xcalloc(n + 1, sizeof demand->devices[0]);
	add_device(demand, table, "gpu", gpus);
	for (size_t i = 0; i < n; i++)
		add_device(demand, table, devices[i]->kind,
			devices[i]->has_count ? devices[i]->count : 1);
	demand->want.devices = demand->devices;
}

void
demand_read_resources(struct demand *demand, const struct node_table *table,
	const Davit__Resources *resources)
{
	demand->want.amounts =
		(struct amounts){.cpu_milli = clamp(resources->cpu_milli, PLACE_CPU_MILLI_MAX),
			.memory_bytes = clamp(resources->memory_bytes, PLACE_MEMORY_BYTES_MAX),
			.disk_bytes = clamp(resources->disk_bytes, PLACE_DISK_BYTES_MAX)};
	read_devices(demand, table, resources->gpus, resources->devices, resources->n_devices);
}

void
demand_init(struct demand *demand, const struct node_table *table, const Davit__TaskSpec *spec)
{
	*demand = (struct demand){.spec = spec};
	demand->want.amounts =
		(struct amounts){.cpu_milli = clamp(spec->cpu_milli, PLACE_CPU_MILLI_MAX),
			.memory_bytes = clamp(spec->memory_bytes, PLACE_MEMORY_BYTES_MAX),
			.disk_bytes = clamp(spec->disk_bytes, PLACE_DISK_BYTES_MAX)};
	read_devices(demand, table, spec->gpus, spec->device_requests, spec->n_device_requests);
	if (spec->n_ports > 0)
		read_spec_ports(demand);
	if (spec->platform != NULL || spec->n_constraints > 0 || spec->n_preferences > 0 ||
		spec->n_tolerations > 0)
		demand->filter_key = filter_key(spec);
}

static void
wishes_fini(struct demand *demand, struct cluster *cluster)
{
	for (uint32_t i = 0; i < demand->n_parts; i++)
		part_fini(&demand->parts[i]);
	free(demand->parts);
	free(demand->limits);
	groups_peers_unref(cluster->groups, demand->peers);
	demand->parts = NULL;
	demand->limits = NULL;
	demand->peers = NULL;
	demand->n_parts = demand->n_limits = 0;
}

void
demand_fini(struct demand *demand, struct cluster *cluster)
{
	wishes_fini(demand, cluster);
	free(demand->ports);
	free(demand->devices);
	free(demand->filter_key);
}

bool
demand_needs_groups(const struct demand *demand)
{
	const Davit__TaskSpec *spec = demand->spec;

	return spec->n_affinities > 0 || spec->n_spreads > 0 || spec->max_per_node > 0;
}

/* One more of them; room grows by some at a time. */
static struct part *
part_add(struct demand *demand)
{
	if (demand->n_parts % GROWTH == 0)
		demand->parts = xrealloc(demand->parts, (size_t)demand->n_parts + GROWTH,
			sizeof demand->parts[0]);
	return &demand->parts[demand->n_parts++];
}

static struct limit *
limit_add(struct demand *demand)
{
	if (demand->n_limits % GROWTH == 0)
		demand->limits = xrealloc(demand->limits, (size_t)demand->n_limits + GROWTH,
			sizeof demand->limits[0]);
	return &demand->limits[demand->n_limits++];
}

static void
wish_affinity(struct demand *demand, struct cluster *cluster, const Davit__Affinity *affinity)
{
	const struct counter *counter =
		counters_get(cluster->counters, &(const struct counter_wish){.kind = COUNTER_MATCH,
							.namespace = spec_namespace(demand->spec),
							.label = affinity->label,
							.topology = affinity->topology});
	struct wish_name name = {.what = affinity->anti ? "anti-affinity" : "affinity",
		.about = affinity->label,
		.topology = affinity->topology};

	if (affinity->has_weight)
		*part_add(demand) = (struct part){.kind = affinity->anti ? PART_FAR : PART_NEAR,
			.weight = affinity->weight / 100.0,
			.counter = counter,
			.name = name};
	else
		*limit_add(demand) = (struct limit){.kind = affinity->anti ? LIMIT_FAR : LIMIT_NEAR,
			.counter = counter,
			.may_be_first =
				!affinity->anti &&
				selector_admits_spec(&counter->repel.selector, demand->spec),
			.name = name};
}

static double
percent_of(const char *text)
{
	return text != NULL ? (double)strtoul(text, NULL, 10) / 100.0 : 0;
}

/* What each value of the topology should have of all; "*" is each one that is not named. */
static double *
shares_of(const Davit__Spread *spread, const struct counter *counter,
	const struct node_table *table)
{
	double *shares, other = 0;

	if (spread->n_targets == 0)
		return NULL;
	shares = xcalloc((size_t)counter->n_counts + 1, sizeof shares[0]);
	for (size_t k = 0; k < spread->n_targets; k++)
		if (strcmp(spread->targets[k]->key, "*") == 0)
			other = percent_of(spread->targets[k]->value);
	for (uint32_t i = counter->facet != NULL; i < counter->n_counts; i++) {
		const char *value = counter->facet != NULL ? facet_text(counter->facet, table, i)
							   : table->nodes[i].name;

		shares[i] = other;
		for (size_t k = 0; k < spread->n_targets; k++)
			if (strcmp(spread->targets[k]->key, value) == 0)
				shares[i] = percent_of(spread->targets[k]->value);
	}
	return shares;
}

static void
wish_spread(struct demand *demand, struct cluster *cluster, const Davit__Spread *spread)
{
	const struct counter *counter =
		counters_get(cluster->counters, &(const struct counter_wish){.kind = COUNTER_PEERS,
							.peers = demand->peers,
							.topology = spread->topology});

	*part_add(demand) = (struct part){.kind = PART_SPREAD,
		.weight = (spread->has_weight ? spread->weight : SPREAD_WEIGHT) / 100.0,
		.counter = counter,
		.table = shares_of(spread, counter, &cluster->table),
		.name = {.what = "spread", .about = spread->topology}};
}

static void
wish_repelled(struct demand *demand, struct cluster *cluster, const struct repel_kind *kind)
{
	for (; kind != NULL; kind = kind->next)
		*limit_add(demand) = (struct limit){.kind = LIMIT_FAR,
			.counter = counters_get(cluster->counters,
				&(const struct counter_wish){.kind = COUNTER_REPEL,
					.namespace = spec_namespace(demand->spec),
					.label = kind->label,
					.topology = kind->topology}),
			.name = {.what = "anti-affinity of others to",
				.about = kind->label,
				.topology = kind->topology}};
}

/* Hard anti-affinities of others that mean this task. */
static void
wish_repels(struct demand *demand, struct cluster *cluster, struct repels *repels)
{
	const Davit__TaskSpec *spec = demand->spec;
	const char *namespace = spec_namespace(spec);

	for (size_t i = 0; repels->by_key != NULL && i < spec->n_labels; i++) {
		const char *key = spec->labels[i]->key, *value = spec->labels[i]->value;

		wish_repelled(demand, cluster,
			repels_find(repels, namespace, key, value != NULL ? value : ""));
		wish_repelled(demand, cluster, repels_find(repels, namespace, key, NULL));
	}
}

void
demand_wish(struct demand *demand, struct cluster *cluster, const Davit__PlaceTask *task)
{
	const Davit__TaskSpec *spec = demand->spec;
	struct repels *repels = groups_repels(cluster->groups);

	if (demand->is_wished && demand->repels_epoch == repels->epoch)
		return;
	wishes_fini(demand, cluster);
	demand->is_wished = true;
	demand->repels_epoch = repels->epoch;
	if (spec->n_spreads > 0 || spec->max_per_node > 0)
		demand->peers = groups_peers_of(cluster->groups, task, spec);
	for (size_t i = 0; i < spec->n_affinities; i++)
		wish_affinity(demand, cluster, spec->affinities[i]);
	wish_repels(demand, cluster, repels);
	if (spec->max_per_node > 0)
		*limit_add(demand) = (struct limit){.kind = LIMIT_MOST,
			.peers = demand->peers,
			.most = spec->max_per_node,
			.name = {.what = "max-per-node"}};
	for (size_t i = 0; i < spec->n_spreads; i++)
		wish_spread(demand, cluster, spec->spreads[i]);
}

static bool
is_within(const struct limit *limit, const struct node_table *table, uint32_t row)
{
	switch (limit->kind) {
	case LIMIT_NEAR:
		if (limit->counter->total == 0 && limit->may_be_first)
			return counter_has_value(limit->counter, row);
		return counter_at(limit->counter, row) > 0;
	case LIMIT_FAR:
		return counter_at(limit->counter, row) == 0;
	case LIMIT_MOST:
		return limit->peers->n_running == 0 ||
		       groups_peers_on(&table->nodes[row], limit->peers) < limit->most;
	}
	return true;
}

const struct limit *
demand_limit_at(const struct demand *demand, const struct node_table *table, uint32_t row)
{
	for (uint32_t i = 0; i < demand->n_limits; i++)
		if (!is_within(&demand->limits[i], table, row))
			return &demand->limits[i];
	return NULL;
}

bool
demand_may_change_its_mind(const struct demand *demand)
{
	for (uint32_t i = 0; i < demand->n_limits; i++)
		if (demand->limits[i].kind == LIMIT_NEAR)
			return true;
	return false;
}
