/* Tested by tests/unit/test_placer.c. */
#include "services/scheduler/taking.h"

#include "common/base/mem.h"

static struct taking *
taking_add(struct takings *takings)
{
	if (takings->n == takings->room) {
		takings->room = takings->room * 2 + 64;
		takings->list = xrealloc(takings->list, takings->room, sizeof takings->list[0]);
	}
	return &takings->list[takings->n++];
}

static int64_t
least_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What placing takes on balance: with the evicted gone a node has no more than its capacity. */
static int64_t
on_balance(int64_t free, int64_t capacity, int64_t gained, int64_t wanted)
{
	int64_t most = capacity > free ? capacity : free;
	int64_t then = least_of(most, free + least_of(gained, most)) - wanted;

	return free - (then < 0 ? 0 : then);
}

/* Ports of the evicted stay taken for this call: the manager's ledger knows better. */
static void
balance(struct want *want, const struct node *node, const struct evictions *evictions)
{
	struct amounts gained = {0};

	for (uint32_t i = 0; i < evictions->n_groups; i++) {
		const struct amounts *each = &evictions->of[i].group->want.amounts;

		gained.cpu_milli += each->cpu_milli * evictions->of[i].n;
		gained.memory_bytes += each->memory_bytes * evictions->of[i].n;
		gained.disk_bytes += each->disk_bytes * evictions->of[i].n;
	}
	want->amounts.cpu_milli = on_balance(node->free.cpu_milli, node->capacity.cpu_milli,
		gained.cpu_milli, want->amounts.cpu_milli);
	want->amounts.memory_bytes = on_balance(node->free.memory_bytes,
		node->capacity.memory_bytes, gained.memory_bytes, want->amounts.memory_bytes);
	want->amounts.disk_bytes = on_balance(node->free.disk_bytes, node->capacity.disk_bytes,
		gained.disk_bytes, want->amounts.disk_bytes);
	want->n_devices = want->n_ports = 0;
}

/* The row has less, and one task more. */
static void
take(struct taking *taking, struct cluster *cluster, const struct seek *seek,
	const Davit__PlaceTask *task)
{
	node_table_take(&cluster->table, taking->row, &taking->want);
	if (!cluster->has_groups)
		return;
	taking->group = groups_of_task(cluster->groups, task, seek->demand->spec);
	groups_run(cluster->groups, taking->row, taking->group, 1);
}

void
takings_place(struct takings *takings, struct cluster *cluster, const struct seek *seek,
	uint32_t row, const Davit__PlaceTask *task, const struct evictions *evictions)
{
	struct taking *taking = taking_add(takings);

	*taking = (struct taking){.row = row, .want = seek->demand->want};
	if (evictions != NULL) {
		taking->evictions = xmemdup(evictions, sizeof *evictions);
		balance(&taking->want, &cluster->table.nodes[row], evictions);
		for (uint32_t i = 0; i < evictions->n_groups; i++)
			groups_run(cluster->groups, row, evictions->of[i].group,
				-(int32_t)evictions->of[i].n);
	}
	take(taking, cluster, seek, task);
}

void
takings_claim(struct takings *takings, struct cluster *cluster, const struct seek *seek,
	uint32_t row, const Davit__PlaceTask *task)
{
	const struct amounts *free = &cluster->table.nodes[row].free;
	const struct amounts *wanted = &seek->demand->want.amounts;
	struct taking *taking = taking_add(takings);

	*taking = (struct taking){.row = row};
	taking->want.amounts.cpu_milli = least_of(free->cpu_milli, wanted->cpu_milli);
	taking->want.amounts.memory_bytes = least_of(free->memory_bytes, wanted->memory_bytes);
	taking->want.amounts.disk_bytes = least_of(free->disk_bytes, wanted->disk_bytes);
	take(taking, cluster, seek, task);
}

void
takings_undo(struct takings *takings, struct cluster *cluster, size_t n_left)
{
	while (takings->n > n_left) {
		struct taking *taking = &takings->list[--takings->n];
		const struct evictions *evictions = taking->evictions;

		node_table_give(&cluster->table, taking->row, &taking->want);
		if (taking->group != NULL)
			groups_run(cluster->groups, taking->row, taking->group, -1);
		for (uint32_t i = 0; evictions != NULL && i < evictions->n_groups; i++)
			groups_run(cluster->groups, taking->row, evictions->of[i].group,
				(int32_t)evictions->of[i].n);
		free(taking->evictions);
	}
}

void
takings_fini(struct takings *takings)
{
	free(takings->list);
	*takings = (struct takings){0};
}
