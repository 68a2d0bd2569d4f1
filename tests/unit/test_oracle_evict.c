/*
 * Evictions, claims and gangs against brute force: random clusters, and for each task an oracle
 * that looks at every node and at every set of tasks that could go from there. Its rules are
 * written down here a second time, from docs/SCHEDULER.md and not from the code.
 */
#include <stdlib.h>

#include "tests/unit/place_fixture.h"

enum { NODES_MOST = 12, GROUPS = 8, TASKS_MOST = 24, GANG_MOST = 5, N_EACH_MOST = 3 };

static uint64_t chance;

static uint32_t
roll(uint32_t below)
{
	chance = chance * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)((chance >> 33) % below);
}

/* Tasks that run already; all of a group are alike. */
struct low {
	int64_t cpu, memory;
	uint32_t priority;
	uint64_t created_ms;
	bool is_stranger; /* of another namespace */
};

struct place {
	int64_t cpu, memory, cpu_all, memory_all;
	unsigned n_tasks; /* who is to go is still there */
	unsigned n_of[GROUPS];
	bool is_open;
};

struct wanted {
	int64_t cpu, memory;
	uint32_t priority;
	bool may_preempt, may_claim;
};

static struct low lows[GROUPS];
static struct place places[NODES_MOST];
static unsigned n_places;

/* ---- the oracle ---- */

struct harm {
	bool is_there;
	unsigned place;
	uint32_t n, highest, sum;
	uint64_t age;
	unsigned of[GROUPS];
};

static int
compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Fewest, then lowest, then youngest; then the node with the fewest tasks, then the first. */
static bool
is_less(const struct harm *a, const struct harm *b)
{
	int order = compare(a->n, b->n);

	if (!b->is_there)
		return true;
	if (order == 0)
		order = compare(a->highest, b->highest);
	if (order == 0)
		order = compare(a->sum, b->sum);
	if (order == 0)
		order = compare(a->age, b->age);
	if (order == 0)
		order = compare(places[a->place].n_tasks, places[b->place].n_tasks);
	return order == 0 ? a->place < b->place : order < 0;
}

static struct harm
harm_of(unsigned place, const unsigned of[GROUPS])
{
	struct harm harm = {.is_there = true, .place = place};

	for (unsigned g = 0; g < GROUPS; g++) {
		harm.n += of[g];
		harm.sum += of[g] * lows[g].priority;
		if (of[g] > 0 && lows[g].priority > harm.highest)
			harm.highest = lows[g].priority;
		harm.age += of[g] * (((uint64_t)1 << 48) - lows[g].created_ms);
		harm.of[g] = of[g];
	}
	return harm;
}

static bool
is_enough(unsigned place, const unsigned of[GROUPS], const struct wanted *wanted)
{
	int64_t cpu = places[place].cpu, memory = places[place].memory;

	for (unsigned g = 0; g < GROUPS; g++) {
		cpu += of[g] * lows[g].cpu;
		memory += of[g] * lows[g].memory;
	}
	return cpu >= wanted->cpu && memory >= wanted->memory;
}

/* Every set of what may go from the place, group by group. */
static void
each_set(unsigned place, unsigned group, unsigned of[GROUPS], const struct wanted *wanted,
	struct harm *best)
{
	struct harm harm;
	bool may_go;

	if (group == GROUPS) {
		harm = harm_of(place, of);
		if (harm.n > 0 && is_enough(place, of, wanted) && is_less(&harm, best))
			*best = harm;
		return;
	}
	may_go = lows[group].priority < wanted->priority && !lows[group].is_stranger;
	for (unsigned n = 0; n <= (may_go ? places[place].n_of[group] : 0); n++) {
		of[group] = n;
		each_set(place, group + 1, of, wanted, best);
	}
	of[group] = 0;
}

static struct harm
oracle_evict(const struct wanted *wanted)
{
	struct harm best = {.is_there = false};
	unsigned of[GROUPS] = {0};

	for (unsigned i = 0; i < n_places; i++)
		if (places[i].is_open)
			each_set(i, 0, of, wanted, &best);
	return best;
}

/* With the spread strategy: fewest tasks, then the first. */
static unsigned
oracle_place(const struct wanted *wanted)
{
	unsigned best = n_places;

	for (unsigned i = 0; i < n_places; i++)
		if (places[i].is_open && places[i].cpu >= wanted->cpu &&
			places[i].memory >= wanted->memory &&
			(best == n_places || places[i].n_tasks < places[best].n_tasks))
			best = i;
	return best;
}

static double
part(int64_t lack, int64_t wanted)
{
	return lack > 0 ? (double)lack / (double)wanted : 0;
}

/* Large enough for n, and lacking least. */
static unsigned
oracle_claim(const struct wanted *wanted, const unsigned kept[NODES_MOST], bool may_fit)
{
	unsigned best = n_places;
	double least = 0;

	for (unsigned i = 0; i < n_places; i++) {
		const struct place *place = &places[i];
		double cpu = part(wanted->cpu - place->cpu, wanted->cpu);
		double memory = part(wanted->memory - place->memory, wanted->memory);
		double lack = cpu > memory ? cpu : memory;

		if (!place->is_open || place->cpu_all < wanted->cpu * (kept[i] + 1) ||
			place->memory_all < wanted->memory * (kept[i] + 1) ||
			(lack <= 0 && !may_fit))
			continue;
		if (best < n_places &&
			(lack > least ||
				(lack >= least && places[i].n_tasks >= places[best].n_tasks)))
			continue;
		best = i;
		least = lack;
	}
	return best;
}

/* ---- the same in both ---- */

static const Davit__Placement *
find(const Davit__PlaceReply *reply, const char *task)
{
	for (size_t i = 0; i < reply->n_placements; i++)
		if (strcmp(reply->placements[i]->task_id, task) == 0)
			return reply->placements[i];
	return NULL;
}

static void
check_node(const Davit__Placement *placement, const char *task, unsigned place, const char *what)
{
	char want[16] = "-";

	if (place < n_places)
		(void)snprintf(want, sizeof want, "n%02u", place);
	if (strcmp(placement == NULL ? "-" : placement->node_id, want) != 0)
		fail_msg("task %s is on %s, the oracle %s on %s", task,
			placement == NULL ? "-" : placement->node_id, what, want);
}

/* The placement's set does exactly the least harm, though it may be another of the same. */
static void
check_harm(const Davit__Placement *placement, const struct harm *least)
{
	unsigned of[GROUPS] = {0};
	struct harm harm;

	for (size_t i = 0; i < placement->n_evictions; i++) {
		unsigned g = (unsigned)(placement->evictions[i]->group_id[1] - '0');

		CHECK(g < GROUPS && of[g] == 0);
		of[g] = placement->evictions[i]->n;
		CHECK(of[g] <= places[least->place].n_of[g]);
	}
	harm = harm_of(least->place, of);
	if (is_less(&harm, least) || is_less(least, &harm))
		fail_msg("%s on %s: ends %u tasks up to priority %u (%u, %" PRIu64
			 "), the oracle %u up to %u (%u, %" PRIu64 ")",
			placement->task_id, placement->node_id, harm.n, harm.highest, harm.sum,
			harm.age, least->n, least->highest, least->sum, least->age);
	for (unsigned g = 0; g < GROUPS; g++) {
		places[least->place].n_of[g] -= of[g];
		places[least->place].cpu += of[g] * lows[g].cpu;
		places[least->place].memory += of[g] * lows[g].memory;
	}
}

static void
take(unsigned place, const struct wanted *wanted)
{
	int64_t cpu = wanted->cpu, memory = wanted->memory;

	/* Of what is only kept, as much as there is. */
	places[place].cpu -= cpu < places[place].cpu ? cpu : places[place].cpu;
	places[place].memory -= memory < places[place].memory ? memory : places[place].memory;
	places[place].n_tasks++;
}

static unsigned n_seen_placed, n_seen_evicting, n_seen_claiming, n_seen_refused;
static unsigned n_seen_gangs_evicting, n_seen_gangs_claiming;

/* The first task has its node, alone or in a gang. False: nowhere. */
static bool
compare_one(const Davit__Placement *placement, const char *task, const struct wanted *wanted)
{
	unsigned place = oracle_place(wanted);
	struct harm harm;

	if (place < n_places) {
		check_node(placement, task, place, "has it");
		CHECK(placement->n_evictions == 0 && !placement->claim);
		take(place, wanted);
		return true;
	}
	harm = wanted->may_preempt ? oracle_evict(wanted) : (struct harm){.is_there = false};
	if (!harm.is_there)
		return false;
	check_node(placement, task, harm.place, "evicts for it");
	CHECK(!placement->claim);
	check_harm(placement, &harm);
	take(harm.place, wanted);
	return true;
}

static bool
compare_claim(const Davit__Placement *placement, const char *task, const struct wanted *wanted,
	unsigned kept[NODES_MOST], bool may_fit)
{
	unsigned place = wanted->may_claim ? oracle_claim(wanted, kept, may_fit) : n_places;

	if (place == n_places)
		return false;
	check_node(placement, task, place, "keeps room for it");
	CHECK(placement->claim && placement->n_evictions == 0);
	take(place, wanted);
	kept[place]++;
	return true;
}

static void
compare_single(const Davit__PlaceReply *reply, const char *task, const struct wanted *wanted)
{
	const Davit__Placement *placement = find(reply, task);
	unsigned kept[NODES_MOST] = {0};

	if (placement != NULL && placement->n_evictions > 0)
		n_seen_evicting++;
	else if (placement != NULL && placement->claim)
		n_seen_claiming++;
	else if (placement != NULL)
		n_seen_placed++;
	if (compare_one(placement, task, wanted) ||
		compare_claim(placement, task, wanted, kept, false))
		return;
	check_node(placement, task, n_places, "refuses it");
	n_seen_refused++;
}

/* Whether all of the gang find a place, without and with room that is only kept. */
static bool
oracle_gang(const struct wanted *wanted, unsigned n, bool by_claim)
{
	unsigned kept[NODES_MOST] = {0}, of[GROUPS];
	struct place before[NODES_MOST];
	bool is_good = true;

	memcpy(before, places, sizeof before);
	for (unsigned i = 0; i < n && is_good; i++) {
		unsigned place = by_claim ? oracle_claim(wanted, kept, true) : oracle_place(wanted);
		struct harm harm = {.is_there = false};

		if (place == n_places && !by_claim && wanted->may_preempt)
			harm = oracle_evict(wanted);
		if (harm.is_there)
			place = harm.place;
		is_good = place < n_places;
		if (!is_good)
			break;
		memcpy(of, harm.of, sizeof of);
		for (unsigned g = 0; harm.is_there && g < GROUPS; g++) {
			places[place].n_of[g] -= of[g];
			places[place].cpu += of[g] * lows[g].cpu;
			places[place].memory += of[g] * lows[g].memory;
		}
		take(place, wanted);
		kept[place]++;
	}
	memcpy(places, before, sizeof places);
	return is_good;
}

static void
compare_gang(const Davit__PlaceReply *reply, unsigned first, unsigned n,
	const struct wanted *wanted)
{
	bool fits = oracle_gang(wanted, n, false), is_evicting = false;
	bool claims = !fits && wanted->may_claim && oracle_gang(wanted, n, true);
	unsigned kept[NODES_MOST] = {0};

	for (unsigned i = 0; i < n; i++) {
		char task[16];
		const Davit__Placement *placement;

		(void)snprintf(task, sizeof task, "t%u", first + i);
		placement = find(reply, task);
		is_evicting |= placement != NULL && placement->n_evictions > 0;
		if (fits)
			CHECK(compare_one(placement, task, wanted));
		else if (claims)
			CHECK(compare_claim(placement, task, wanted, kept, true));
		else
			check_node(placement, task, n_places, "refuses its gang");
	}
	n_seen_gangs_evicting += is_evicting;
	n_seen_gangs_claiming += claims;
}

/* ---- random clusters ---- */

static void
random_lows(struct fixture *fixture)
{
	fixture->request.groups = fixture_block(fixture, GROUPS * sizeof(Davit__PlaceGroup *));
	fixture->request.has_has_groups = fixture->request.has_groups = true;
	for (unsigned g = 0; g < GROUPS; g++) {
		Davit__PlaceGroup *group = fixture_block(fixture, sizeof *group);

		lows[g] = (struct low){.cpu = 250 * (1 + roll(4)),
			.memory = (int64_t)(256 * MIB * (1 + roll(4))),
			.priority = 10 * roll(8),
			.created_ms = 1000 + roll(4),
			.is_stranger = roll(6) == 0};
		davit__place_group__init(group);
		group->id = fixture_text(fixture, "g%u", g);
		group->namespace_ = lows[g].is_stranger ? fixture_text(fixture, "strange") : NULL;
		group->has_priority = true;
		group->priority = lows[g].priority;
		group->created_ms = lows[g].created_ms;
		group->resources = fixture_block(fixture, sizeof *group->resources);
		davit__resources__init(group->resources);
		group->resources->cpu_milli = (uint64_t)lows[g].cpu;
		group->resources->memory_bytes = (uint64_t)lows[g].memory;
		fixture->request.groups[fixture->request.n_groups++] = group;
	}
}

static void
add_running(struct fixture *fixture, Davit__PlaceNode *node, unsigned group, unsigned n)
{
	Davit__PlaceCount *count = fixture_block(fixture, sizeof *count);

	davit__place_count__init(count);
	count->group_id = fixture_text(fixture, "g%u", group);
	count->n = n;
	node->running[node->n_running++] = count;
}

static void
random_place(struct fixture *fixture, unsigned i)
{
	struct place *place = &places[i];
	Davit__PlaceNode *node;

	*place = (struct place){.is_open = roll(8) > 0};
	node = fixture_node(fixture, fixture_text(fixture, "n%02u", i), 0, 0);
	node->running = fixture_block(fixture, GROUPS * sizeof(Davit__PlaceCount *));
	for (unsigned g = 0; g < GROUPS; g++) {
		place->n_of[g] = roll(2) > 0 ? roll(N_EACH_MOST + 1) : 0;
		if (place->n_of[g] > 0)
			add_running(fixture, node, g, place->n_of[g]);
		place->n_tasks += place->n_of[g];
		place->cpu_all += place->n_of[g] * lows[g].cpu;
		place->memory_all += place->n_of[g] * lows[g].memory;
	}
	node->reserved->cpu_milli = (uint64_t)place->cpu_all;
	node->reserved->memory_bytes = (uint64_t)place->memory_all;
	place->cpu = 250 * roll(8);
	place->memory = (int64_t)(256 * MIB * roll(8));
	place->cpu_all += place->cpu;
	place->memory_all += place->memory;
	node->capacity->cpu_milli = (uint64_t)place->cpu_all;
	node->capacity->memory_bytes = (uint64_t)place->memory_all;
	node->schedulable = place->is_open;
	node->n_tasks = place->n_tasks;
}

static struct wanted
random_wanted(void)
{
	return (struct wanted){.cpu = 250 * (1 + roll(12)),
		.memory = (int64_t)(256 * MIB * (1 + roll(12))),
		.priority = 10 * roll(9),
		.may_preempt = roll(3) > 0,
		.may_claim = roll(2) > 0};
}

/* n tasks alike, as a gang when there are several. */
static void
add_tasks(struct fixture *fixture, unsigned first, unsigned n, const struct wanted *wanted)
{
	char *spec_id = fixture_text(fixture, "t%u", first);
	Davit__TaskSpec *spec =
		fixture_task(fixture, spec_id, (uint64_t)wanted->cpu, (uint64_t)wanted->memory);

	spec->has_priority = spec->has_strategy = true;
	spec->priority = wanted->priority;
	spec->strategy = DAVIT__TASK_SPEC__STRATEGY__SPREAD;
	for (unsigned i = 1; i < n; i++)
		fixture_again(fixture, fixture_text(fixture, "t%u", first + i), spec_id);
	for (unsigned i = first; i < first + n; i++) {
		fixture->tasks[i]->group_id = spec_id;
		fixture->tasks[i]->gang = n > 1;
		fixture->tasks[i]->may_preempt = wanted->may_preempt;
		fixture->tasks[i]->may_claim = wanted->may_claim;
	}
}

static void
compare_round(unsigned gang_most)
{
	CLEANUP(placer_free) struct placer *placer = placer_new(&(const struct placer_options){0});
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	struct wanted wanted[TASKS_MOST];
	unsigned sizes[TASKS_MOST] = {0}, n_tasks = 0;
	const Davit__PlaceReply *reply;
	struct place_fault fault = {0};

	n_places = 1 + roll(NODES_MOST);
	random_lows(fixture);
	for (unsigned i = 0; i < n_places; i++)
		random_place(fixture, i);
	while (n_tasks + gang_most <= TASKS_MOST) {
		wanted[n_tasks] = random_wanted();
		sizes[n_tasks] = 1 + roll(gang_most);
		add_tasks(fixture, n_tasks, sizes[n_tasks], &wanted[n_tasks]);
		n_tasks += sizes[n_tasks];
	}
	CHECK_OK(placer_place(placer, &fixture->request, &reply, &fault), &fault.err);
	for (unsigned i = 0; i < n_tasks; i += sizes[i]) {
		char task[16];

		(void)snprintf(task, sizeof task, "t%u", i);
		if (sizes[i] == 1)
			compare_single(reply, task, &wanted[i]);
		else
			compare_gang(reply, i, sizes[i], &wanted[i]);
	}
}

TEST(oracle_and_placer_evict_and_claim_the_same)
{
	chance = 11;
	for (unsigned i = 0; i < 300; i++)
		compare_round(1);
	CHECK(n_seen_placed > 50 && n_seen_evicting > 50 && n_seen_claiming > 50 &&
		n_seen_refused > 50);
}

TEST(oracle_and_placer_place_gangs_the_same)
{
	chance = 12;
	for (unsigned i = 0; i < 300; i++)
		compare_round(GANG_MOST);
	CHECK(n_seen_gangs_evicting > 20 && n_seen_gangs_claiming > 20);
}
