#include "services/scheduler/evict.h"

#include "common/base/mem.h"

/* Less is better, from the first to the last. */
struct harm {
	uint32_t n_tasks;
	uint32_t highest, sum; /* priorities */
	uint64_t age;          /* the later they were created, the less */
	uint64_t rank;
};

static bool
is_less_harm(const struct harm *a, const struct harm *b)
{
	if (a->n_tasks != b->n_tasks)
		return a->n_tasks < b->n_tasks;
	if (a->highest != b->highest)
		return a->highest < b->highest;
	if (a->sum != b->sum)
		return a->sum < b->sum;
	return a->age != b->age ? a->age < b->age : a->rank < b->rank;
}

/* A row, and the groups on it of which tasks may go. */
struct site {
	const struct seek *seek;
	uint32_t row;
	struct lack lack;
	struct node_running *candidates; /* room for as many as run on any node */
	uint32_t n_candidates;
};

/* Devices of a kind that go with these tasks. */
static uint64_t
devices_gained(const struct evictions *evictions, const char *kind)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < evictions->n_groups; i++) {
		const struct want *each = &evictions->of[i].group->want;

		for (uint32_t k = 0; k < each->n_devices; k++)
			if (strcmp(each->devices[k].kind, kind) == 0)
				n += (uint64_t)each->devices[k].n * evictions->of[i].n;
	}
	return n;
}

static bool
is_port_freed(const struct site *site, const struct evictions *evictions, uint16_t port)
{
	const struct node_table *table = site->seek->table;

	if (!engines_port_is_taken(table->engines, table->nodes[site->row].engine, port))
		return true;
	for (uint32_t i = 0; i < evictions->n_groups; i++) {
		const struct want *each = &evictions->of[i].group->want;

		for (uint32_t k = 0; evictions->of[i].n > 0 && k < each->n_ports; k++)
			if (each->ports[k] == port)
				return true;
	}
	return false;
}

/* Whether the row has enough once these tasks are gone. */
static bool
is_enough(const struct site *site, const struct evictions *evictions)
{
	const struct want *want = &site->seek->demand->want;
	struct amounts gained = {0};

	for (uint32_t i = 0; i < evictions->n_groups; i++) {
		const struct amounts *each = &evictions->of[i].group->want.amounts;

		gained.cpu_milli += each->cpu_milli * evictions->of[i].n;
		gained.memory_bytes += each->memory_bytes * evictions->of[i].n;
		gained.disk_bytes += each->disk_bytes * evictions->of[i].n;
	}
	if (evictions->n_tasks == 0 || gained.cpu_milli < site->lack.amounts.cpu_milli ||
		gained.memory_bytes < site->lack.amounts.memory_bytes ||
		gained.disk_bytes < site->lack.amounts.disk_bytes)
		return false;
	for (uint32_t k = 0; k < want->n_devices; k++)
		if (devices_gained(evictions, want->devices[k].kind) < site->lack.devices[k])
			return false;
	for (uint32_t k = 0; k < want->n_ports; k++)
		if (!is_port_freed(site, evictions, want->ports[k]))
			return false;
	return true;
}

static struct harm
harm_of(const struct site *site, const struct evictions *evictions)
{
	struct harm harm = {.rank = node_table_rank(site->seek->table, site->row)};

	for (uint32_t i = 0; i < evictions->n_groups; i++) {
		const struct group *group = evictions->of[i].group;

		harm.n_tasks += evictions->of[i].n;
		harm.sum += group->priority * evictions->of[i].n;
		harm.highest = group->priority > harm.highest ? group->priority : harm.highest;
		/* Moments are below 2^48, so the sum of some thousands stays exact. */
		harm.age +=
			(((uint64_t)1 << 48) - (group->created_ms & (((uint64_t)1 << 48) - 1))) *
			evictions->of[i].n;
	}
	return harm;
}

static void
add_one(struct evictions *evictions, struct group *group)
{
	evictions->n_tasks++;
	for (uint32_t i = 0; i < evictions->n_groups; i++) {
		if (evictions->of[i].group == group) {
			evictions->of[i].n++;
			return;
		}
	}
	evictions->of[evictions->n_groups].group = group;
	evictions->of[evictions->n_groups++].n = 1;
}

struct contest {
	struct evictions best;
	struct harm harm;
	bool has_best;
	uint32_t n_tries; /* sets looked at, and parts of sets */
};

static void
offer(struct contest *contest, const struct site *site, const struct evictions *evictions)
{
	struct harm harm = harm_of(site, evictions);

	if (contest->has_best && !is_less_harm(&harm, &contest->harm))
		return;
	contest->best = *evictions;
	contest->harm = harm;
	contest->has_best = true;
}

static bool
has_room_for(const struct evictions *evictions, const struct group *group)
{
	for (uint32_t i = 0; i < evictions->n_groups; i++)
		if (evictions->of[i].group == group)
			return true;
	return evictions->n_groups < EVICT_GROUPS_MAX;
}

/*
 * All sets with so many tasks more, of the candidates from that one on, of which so many are
 * in it already. True when any was enough.
 */
static bool
try_sets(struct contest *contest, const struct site *site, const struct evictions *set,
	uint32_t n_more, uint32_t from, uint32_t n_used)
{
	bool found = false;

	contest->n_tries++;
	if (n_more == 0) {
		found = is_enough(site, set);
		if (found)
			offer(contest, site, set);
		return found;
	}
	for (uint32_t i = from; i < site->n_candidates && contest->n_tries < EVICT_TRIES_MAX; i++) {
		uint32_t n_of_it = i == from ? n_used : 0;
		struct evictions larger;

		if (n_of_it == site->candidates[i].n ||
			!has_room_for(set, site->candidates[i].group))
			continue;
		larger = *set;
		add_one(&larger, site->candidates[i].group);
		found |= try_sets(contest, site, &larger, n_more - 1, i, n_of_it + 1);
	}
	return found;
}

static uint32_t
fewest_of(int64_t lack, int64_t most_each)
{
	return lack <= 0 || most_each <= 0 ? 1 : (uint32_t)((lack + most_each - 1) / most_each);
}

/* Fewer tasks than that are never enough. */
static uint32_t
least_tasks(const struct site *site)
{
	const struct amounts *lack = &site->lack.amounts;
	struct amounts most = {0};
	uint32_t n;

	for (uint32_t i = 0; i < site->n_candidates; i++) {
		const struct amounts *each = &site->candidates[i].group->want.amounts;

		most.cpu_milli =
			each->cpu_milli > most.cpu_milli ? each->cpu_milli : most.cpu_milli;
		most.memory_bytes = each->memory_bytes > most.memory_bytes ? each->memory_bytes
									   : most.memory_bytes;
		most.disk_bytes =
			each->disk_bytes > most.disk_bytes ? each->disk_bytes : most.disk_bytes;
	}
	n = fewest_of(lack->cpu_milli, most.cpu_milli);
	if (fewest_of(lack->memory_bytes, most.memory_bytes) > n)
		n = fewest_of(lack->memory_bytes, most.memory_bytes);
	if (fewest_of(lack->disk_bytes, most.disk_bytes) > n)
		n = fewest_of(lack->disk_bytes, most.disk_bytes);
	return n;
}

/* How much of what is missing goes with one more task: the sum of the parts of each amount. */
static double
help_of(const struct site *site, const struct group *group)
{
	const struct amounts *lack = &site->lack.amounts, *each = &group->want.amounts;
	const int64_t missing[] = {lack->cpu_milli, lack->memory_bytes, lack->disk_bytes};
	const int64_t gained[] = {each->cpu_milli, each->memory_bytes, each->disk_bytes};
	double help = 0;

	for (unsigned i = 0; i < sizeof missing / sizeof missing[0]; i++)
		if (missing[i] > 0)
			help += gained[i] >= missing[i] ? 1
							: (double)gained[i] / (double)missing[i];
	return help + (double)(group->want.n_devices + group->want.n_ports) / 100;
}

/* Takes tasks away while the rest is still enough: the highest priorities first. */
static void
let_go(const struct site *site, struct evictions *evictions)
{
	for (uint32_t priority = UINT8_MAX; priority-- > 0;) {
		for (uint32_t i = 0; i < evictions->n_groups; i++) {
			while (evictions->of[i].group->priority == priority &&
				evictions->of[i].n > 0) {
				evictions->of[i].n--;
				evictions->n_tasks--;
				if (is_enough(site, evictions))
					continue;
				evictions->of[i].n++;
				evictions->n_tasks++;
				break;
			}
		}
	}
	for (uint32_t i = 0; i < evictions->n_groups; i++)
		if (evictions->of[i].n == 0)
			evictions->of[i--] = evictions->of[--evictions->n_groups];
}

static void
try_many(struct contest *contest, const struct site *site)
{
	struct evictions many = {.row = site->row};

	while (!is_enough(site, &many)) {
		struct node_running *most = NULL;
		double help = 0;

		for (uint32_t i = 0; i < site->n_candidates; i++) {
			double here = help_of(site, site->candidates[i].group);

			if (site->candidates[i].n == 0 || (most != NULL && here <= help))
				continue;
			most = &site->candidates[i];
			help = here;
		}
		if (most == NULL || many.n_groups == EVICT_GROUPS_MAX)
			return;
		most->n--;
		add_one(&many, most->group);
	}
	let_go(site, &many);
	offer(contest, site, &many);
}

/* The fewest first; what is no better than another row's is not looked at. */
static void
search(struct contest *contest, const struct site *site)
{
	const struct evictions none = {.row = site->row};
	uint32_t n_all = 0;

	for (uint32_t i = 0; i < site->n_candidates; i++)
		n_all += site->candidates[i].n;
	for (uint32_t n = least_tasks(site); n <= n_all; n++) {
		if (contest->has_best && contest->harm.n_tasks < n)
			return;
		if (n > EVICT_EXACT_MAX || contest->n_tries >= EVICT_TRIES_MAX) {
			try_many(contest, site);
			return;
		}
		if (try_sets(contest, site, &none, n, 0, 0))
			return;
	}
}

static uint32_t
at_most(uint32_t n, int64_t each, int64_t capacity)
{
	return each > 0 && (int64_t)n > capacity / each ? (uint32_t)(capacity / each) : n;
}

/* So many of them at most hold room there, whatever is told: sums stay within 64 bits. */
static struct node_running
believable(const struct node *node, const struct node_running *running)
{
	const struct amounts *each = &running->group->want.amounts, *capacity = &node->capacity;
	uint32_t n = at_most(running->n, each->cpu_milli, capacity->cpu_milli);

	n = at_most(n, each->memory_bytes, capacity->memory_bytes);
	return (struct node_running){.group = running->group,
		.n = at_most(n, each->disk_bytes, capacity->disk_bytes)};
}

/* Lower priority, same namespace, and the manager knows of it. */
static void
find_candidates(struct site *site)
{
	const Davit__TaskSpec *spec = site->seek->demand->spec;
	const struct node *node = &site->seek->table->nodes[site->row];
	uint32_t priority = spec->has_priority ? spec->priority : PLACE_PRIORITY_DEFAULT;

	site->n_candidates = 0;
	for (uint32_t i = 0; i < node->n_running && i < EVICT_CANDIDATES_MAX; i++) {
		const struct group *group = node->running[i].group;

		if (group->priority >= priority || group->is_passing ||
			strcmp(group->namespace, spec_namespace(spec)) != 0)
			continue;
		site->candidates[site->n_candidates] = believable(node, &node->running[i]);
		site->n_candidates += site->candidates[site->n_candidates].n > 0;
	}
}

/* Whether all that may go would do. */
static bool
is_hopeful(struct site *site)
{
	struct amounts gained = {0};

	for (uint32_t i = 0; i < site->n_candidates; i++) {
		const struct amounts *each = &site->candidates[i].group->want.amounts;

		gained.cpu_milli += each->cpu_milli * site->candidates[i].n;
		gained.memory_bytes += each->memory_bytes * site->candidates[i].n;
		gained.disk_bytes += each->disk_bytes * site->candidates[i].n;
	}
	return site->n_candidates > 0 && gained.cpu_milli >= site->lack.amounts.cpu_milli &&
	       gained.memory_bytes >= site->lack.amounts.memory_bytes &&
	       gained.disk_bytes >= site->lack.amounts.disk_bytes;
}

bool
evict_choose(const struct seek *seek, struct cluster *cluster, struct evictions *ret_evictions)
{
	const struct node_table *table = seek->table;
	struct contest contest = {.has_best = false};
	struct site site = {.seek = seek};
	uint32_t n_most = 1;
	struct judge judge;

	for (uint32_t row = 0; row < table->n; row++)
		n_most =
			table->nodes[row].n_running > n_most ? table->nodes[row].n_running : n_most;
	site.candidates = xcalloc(n_most, sizeof site.candidates[0]);
	judge_init(&judge, seek, cluster);
	for (site.row = 0; site.row < table->n; site.row++) {
		enum filter_reason reason = judge_row(&judge, site.row, NULL);

		if (reason != FILTER_NONE && reason != FILTER_SLOTS)
			continue;
		(void)judge_sizes(&judge, site.row, &site.lack);
		if (site.lack.n_dynamic_ports > 0)
			continue;
		find_candidates(&site);
		if (is_hopeful(&site))
			search(&contest, &site);
	}
	judge_fini(&judge);
	free(site.candidates);
	*ret_evictions = contest.best;
	return contest.has_best;
}

static bool
is_large_enough(const struct node *node, const struct want *want, uint32_t n)
{
	for (uint32_t i = 0; i < want->n_devices; i++) {
		const struct node_device *device = node_table_device(node, want->devices[i].number);

		if (device == NULL || device->capacity < (uint64_t)want->devices[i].n * n)
			return false;
	}
	return at_most(n, want->amounts.cpu_milli, node->capacity.cpu_milli) == n &&
	       at_most(n, want->amounts.memory_bytes, node->capacity.memory_bytes) == n &&
	       at_most(n, want->amounts.disk_bytes, node->capacity.disk_bytes) == n;
}

uint32_t
claim_choose(const struct seek *seek, struct cluster *cluster, const uint32_t *kept)
{
	uint32_t best = NODE_ROW_NONE;
	double least = 0;
	struct judge judge;

	judge_init(&judge, seek, cluster);
	for (uint32_t row = 0; row < seek->table->n; row++) {
		struct lack lack;

		if (judge_row(&judge, row, NULL) != FILTER_NONE ||
			!is_large_enough(&seek->table->nodes[row], &seek->demand->want,
				kept != NULL ? kept[row] + 1 : 1))
			continue;
		if (!judge_sizes(&judge, row, &lack) && kept == NULL)
			continue; /* it fits, and was not taken: another has a reason */
		if (best != NODE_ROW_NONE &&
			(lack.greatest > least ||
				(lack.greatest == least &&
					node_table_rank(seek->table, row) >
						node_table_rank(seek->table, best))))
			continue;
		best = row;
		least = lack.greatest;
	}
	judge_fini(&judge);
	return best;
}
