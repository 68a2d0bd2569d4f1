/*
 * The placer against brute force: random clusters, random tasks with everything that they may
 * say, and for each an oracle that looks at every node with no cleverness at all. Its rules
 * are written down here a second time, from docs/SCHEDULER.md and not from the code.
 */
#include <math.h>

#include "tests/unit/place_fixture.h"

enum {
	NODES_MOST = 200,
	TASKS_MOST = 60,
	GROUPS_MOST = 8,
	ZONES = 4,
	SLOTS = 12,
	PORT = 80,
};

static uint64_t chance;

static uint32_t
roll(uint32_t below)
{
	chance = chance * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)((chance >> 33) % below);
}

/* What the oracle knows of a node. zone 0: no such label. */
struct place {
	int64_t cpu, memory, disk, gpus;
	unsigned zone, rack, n_tasks, n_of[GROUPS_MOST];
	bool is_open, is_tainted, is_disliked, is_port_taken, is_avoided;
};

/* A group: all tasks of it are alike but for their size. */
struct wish {
	bool is_labelled;        /* app=web */
	bool wants_zone, is_not; /* constraint on zone 1 */
	bool tolerates;
	int preference;           /* for rack 1; 0: none */
	int near, far;            /* weight of soft ones to app=web in zone / on node; 0: none */
	bool must_near, must_far; /* in zone / in rack */
	int spread_zone, spread_node;
	bool has_targets; /* zone 1 70, * 10 */
	unsigned max_per_node;
	bool wants_port;
	Davit__TaskSpec__Strategy strategy;
};

static struct place places[NODES_MOST];
static struct wish wishes[GROUPS_MOST];
static unsigned n_places;

static unsigned
value_of(const struct place *place, unsigned topology)
{
	return topology == 0   ? place->zone
	       : topology == 1 ? place->rack
			       : (unsigned)(place - places) + 1;
}

/* Tasks of the groups that a test picks, near the place. topology 0 zone, 1 rack, 2 node. */
static unsigned
count_near(const struct place *place, unsigned topology, bool (*picks)(unsigned group, unsigned of),
	unsigned of)
{
	unsigned n = 0;

	if (value_of(place, topology) == 0)
		return 0;
	for (unsigned i = 0; i < n_places; i++)
		for (unsigned g = 0; g < GROUPS_MOST; g++)
			if (value_of(&places[i], topology) == value_of(place, topology) &&
				picks(g, of))
				n += places[i].n_of[g];
	return n;
}

static bool
is_web(unsigned group, unsigned of)
{
	(void)of;
	return wishes[group].is_labelled;
}

static bool
is_same(unsigned group, unsigned of)
{
	return group == of;
}

static bool
repels_web(unsigned group, unsigned of)
{
	(void)of;
	return wishes[group].must_far;
}

static unsigned
total_of(bool (*picks)(unsigned group, unsigned of), unsigned of)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_places; i++)
		for (unsigned g = 0; g < GROUPS_MOST; g++)
			if (picks(g, of))
				n += places[i].n_of[g];
	return n;
}

static bool
is_allowed(const struct place *place, unsigned group)
{
	const struct wish *wish = &wishes[group];

	if (!place->is_open || place->n_tasks >= SLOTS || place->is_avoided)
		return false;
	if (wish->wants_zone && (place->zone == 1) == wish->is_not)
		return false;
	if (place->is_tainted && !wish->tolerates)
		return false;
	if (wish->must_near && total_of(is_web, 0) == 0 && wish->is_labelled) {
		if (place->zone == 0)
			return false;
	} else if (wish->must_near && count_near(place, 0, is_web, 0) == 0) {
		return false;
	}
	if (wish->must_far && count_near(place, 1, is_web, 0) > 0)
		return false;
	if (wish->is_labelled && count_near(place, 1, repels_web, 0) > 0)
		return false;
	if (wish->max_per_node > 0 && place->n_of[group] >= wish->max_per_node)
		return false;
	return !wish->wants_port || !place->is_port_taken;
}

static unsigned
most_of(unsigned topology, unsigned group)
{
	unsigned most = 0;

	for (unsigned i = 0; i < n_places; i++) {
		unsigned n = count_near(&places[i], topology, is_same, group);

		most = n > most ? n : most;
	}
	return most;
}

static double
spread_part(const struct place *place, unsigned topology, unsigned group, int weight, bool targets)
{
	double w = weight / 100.0, share = targets ? (place->zone == 1 ? 0.7 : 0.1) : 0;

	if (value_of(place, topology) == 0)
		return w * (most_of(topology, group) + 1);
	return w * (count_near(place, topology, is_same, group) -
			   share * (total_of(is_same, group) + 1.0));
}

/* In the order in which the parts are summed. */
static double
parts_of(const struct place *place, unsigned group, bool *ret_any)
{
	const struct wish *wish = &wishes[group];
	double filter = 0, sum;
	bool is_any_disliked = false;

	for (unsigned i = 0; i < n_places; i++)
		is_any_disliked |= places[i].is_disliked;
	*ret_any = wish->preference != 0 || (is_any_disliked && !wish->tolerates) ||
		   wish->near > 0 || wish->far > 0 || wish->spread_zone > 0 ||
		   wish->spread_node > 0;
	if (wish->preference != 0)
		filter += place->rack == 1 ? -wish->preference / 100.0 : 0;
	if (!wish->tolerates)
		filter += place->is_disliked;
	sum = filter;
	if (wish->near > 0)
		sum += count_near(place, 0, is_web, 0) > 0 ? -(wish->near / 100.0) : 0;
	if (wish->far > 0)
		sum += wish->far / 100.0 * count_near(place, 2, is_web, 0);
	if (wish->spread_zone > 0)
		sum += spread_part(place, 0, group, wish->spread_zone, wish->has_targets);
	if (wish->spread_node > 0)
		sum += spread_part(place, 2, group, wish->spread_node, false);
	return sum;
}

struct size {
	int64_t cpu, memory, disk, gpus;
};

/* What the strategy says: a number that orders, and its points. */
static double
fit_of(const struct place *place, const struct size *size, Davit__TaskSpec__Strategy strategy,
	bool as_points)
{
	bool has_size = size->cpu > 0 || size->memory > 0;
	const double unit = 1000.0 * (double)GIB;
	double left;

	if (strategy == DAVIT__TASK_SPEC__STRATEGY__RESOURCE_AWARE && (has_size || size->gpus > 0))
		return fmax(size->cpu > 0 ? (double)size->cpu / (double)place->cpu : 0,
			size->memory > 0 ? (double)size->memory / (double)place->memory : 0);
	if (strategy != DAVIT__TASK_SPEC__STRATEGY__BEST_FIT || (!has_size && size->gpus == 0))
		return as_points ? 1.0 - 1.0 / (1.0 + place->n_tasks) : place->n_tasks;
	left = (double)(((place->cpu - size->cpu) << 30) + (place->memory - size->memory) * 1000 +
			(place->gpus - size->gpus) * ((int64_t)8000 << 30));
	return as_points ? 1.0 - unit / (unit + left) : left / unit;
}

/* The place, or n_places for none. */
static unsigned
oracle(unsigned group, const struct size *size)
{
	unsigned best = n_places;
	double best_score = 0;

	for (unsigned i = 0; i < n_places; i++) {
		const struct place *place = &places[i];
		double score, parts;
		bool any;

		if (size->cpu > place->cpu || size->memory > place->memory ||
			size->disk > place->disk || size->gpus > place->gpus ||
			!is_allowed(place, group))
			continue;
		parts = parts_of(place, group, &any);
		score = fit_of(place, size, wishes[group].strategy, any);
		score = any ? score + parts : score;
		if (best < n_places &&
			(score > best_score ||
				(score == best_score && place->n_tasks >= places[best].n_tasks)))
			continue;
		best = i;
		best_score = score;
	}
	return best;
}

/* ---- the same cluster and tasks as a request ---- */

static void
add_affinity(struct fixture *fixture, Davit__TaskSpec *spec, const char *topology, bool anti,
	int weight)
{
	Davit__Affinity *affinity = fixture_block(fixture, sizeof *affinity);

	davit__affinity__init(affinity);
	affinity->label = fixture_text(fixture, anti && topology == NULL ? "app" : "app=web");
	affinity->topology = topology == NULL ? NULL : fixture_text(fixture, "%s", topology);
	affinity->anti = anti;
	affinity->has_weight = weight > 0;
	affinity->weight = weight;
	if (spec->affinities == NULL)
		spec->affinities = fixture_block(fixture, 8 * sizeof(Davit__Affinity *));
	spec->affinities[spec->n_affinities++] = affinity;
}

static void
add_spread(struct fixture *fixture, Davit__TaskSpec *spec, const char *topology, int weight,
	bool targets)
{
	static Davit__StringEntry entries[2];
	static Davit__StringEntry *list[2] = {&entries[0], &entries[1]};
	static char key[] = "z1", share[] = "70", star[] = "*", rest[] = "10";
	Davit__Spread *spread = fixture_block(fixture, sizeof *spread);

	davit__spread__init(spread);
	davit__string_entry__init(&entries[0]);
	davit__string_entry__init(&entries[1]);
	entries[0].key = key;
	entries[0].value = share;
	entries[1].key = star;
	entries[1].value = rest;
	spread->topology = fixture_text(fixture, "%s", topology);
	spread->has_weight = true;
	spread->weight = (uint32_t)weight;
	spread->targets = list;
	spread->n_targets = targets ? 2 : 0;
	if (spec->spreads == NULL)
		spec->spreads = fixture_block(fixture, 8 * sizeof(Davit__Spread *));
	spec->spreads[spec->n_spreads++] = spread;
}

static void
add_preference(struct fixture *fixture, Davit__TaskSpec *spec, int weight)
{
	Davit__Preference *preference = fixture_block(fixture, sizeof *preference);

	davit__preference__init(preference);
	preference->constraint = fixture_text(fixture, "node.labels.rack == r1");
	preference->has_weight = true;
	preference->weight = weight;
	spec->preferences = fixture_block(fixture, sizeof(Davit__Preference *));
	spec->preferences[spec->n_preferences++] = preference;
}

static void
add_toleration(struct fixture *fixture, Davit__TaskSpec *spec)
{
	Davit__Toleration *toleration = fixture_block(fixture, sizeof *toleration);

	davit__toleration__init(toleration);
	toleration->key = fixture_text(fixture, "%s", roll(2) > 0 ? "*" : "dedicated");
	spec->tolerations = fixture_block(fixture, sizeof(Davit__Toleration *));
	spec->tolerations[spec->n_tolerations++] = toleration;
}

static void
write_wish(struct fixture *fixture, Davit__TaskSpec *spec, const struct wish *wish)
{
	if (wish->is_labelled) {
		Davit__StringEntry *label = fixture_block(fixture, sizeof *label);

		davit__string_entry__init(label);
		label->key = fixture_text(fixture, "app");
		label->value = fixture_text(fixture, "web");
		spec->labels = fixture_block(fixture, sizeof(Davit__StringEntry *));
		spec->labels[spec->n_labels++] = label;
	}
	if (wish->wants_zone)
		fixture_constraint(fixture, spec,
			wish->is_not ? "node.labels.zone != z1" : "node.labels.zone == z1");
	if (wish->tolerates)
		add_toleration(fixture, spec);
	if (wish->preference != 0)
		add_preference(fixture, spec, wish->preference);
	if (wish->near > 0)
		add_affinity(fixture, spec, "zone", false, wish->near);
	if (wish->far > 0)
		add_affinity(fixture, spec, NULL, true, wish->far);
	if (wish->must_near)
		add_affinity(fixture, spec, "zone", false, 0);
	if (wish->must_far)
		add_affinity(fixture, spec, "rack", true, 0);
	if (wish->spread_zone > 0)
		add_spread(fixture, spec, "zone", wish->spread_zone, wish->has_targets);
	if (wish->spread_node > 0)
		add_spread(fixture, spec, "node", wish->spread_node, false);
	if (wish->wants_port)
		fixture_port(fixture, spec, PORT);
	spec->max_per_node = wish->max_per_node;
	spec->has_strategy = true;
	spec->strategy = wish->strategy;
}

static void
random_wish(struct wish *wish, uint32_t rarity)
{
	static const Davit__TaskSpec__Strategy strategies[] = {DAVIT__TASK_SPEC__STRATEGY__BEST_FIT,
		DAVIT__TASK_SPEC__STRATEGY__BEST_FIT, DAVIT__TASK_SPEC__STRATEGY__SPREAD,
		DAVIT__TASK_SPEC__STRATEGY__RESOURCE_AWARE};

	*wish = (struct wish){
		.is_labelled = roll(2) > 0,
		.wants_zone = roll(rarity) == 0,
		.is_not = roll(2) > 0,
		.tolerates = roll(3) == 0,
		.preference = roll(rarity) == 0 ? (int)roll(201) - 100 : 0,
		.near = roll(rarity) == 0 ? 1 + (int)roll(100) : 0,
		.far = roll(rarity) == 0 ? 1 + (int)roll(100) : 0,
		.must_near = roll(2 * rarity) == 0,
		.must_far = roll(2 * rarity) == 0,
		.spread_zone = roll(rarity) == 0 ? 1 + (int)roll(100) : 0,
		.spread_node = roll(rarity) == 0 ? 1 + (int)roll(100) : 0,
		.has_targets = roll(2) > 0,
		.max_per_node = roll(rarity) == 0 ? 1 + roll(2) : 0,
		.wants_port = roll(2 * rarity) == 0,
		.strategy = strategies[roll(4)],
	};
}

static void
add_taint(struct fixture *fixture, Davit__PlaceNode *node, Davit__Taint__Effect effect)
{
	Davit__Taint *taint = fixture_block(fixture, sizeof *taint);

	davit__taint__init(taint);
	taint->key = fixture_text(fixture, "dedicated");
	taint->has_effect = true;
	taint->effect = effect;
	if (node->taints == NULL)
		node->taints = fixture_block(fixture, 2 * sizeof(Davit__Taint *));
	node->taints[node->n_taints++] = taint;
}

static void
random_place(struct fixture *fixture, unsigned i)
{
	struct place *place = &places[i];
	Davit__PlaceNode *node;
	char id[16];

	/* Few sizes, so that there are ties; odd bytes, so that rounding is put to the test. */
	*place = (struct place){.cpu = 1000 * (1 + roll(4)),
		.memory = (int64_t)((1 + roll(4)) * GIB + (roll(3) == 0 ? roll(4096) : 0)),
		.disk = (int64_t)(4 * GIB),
		.gpus = roll(5) == 0 ? 1 + roll(2) : 0,
		.zone = roll(ZONES),
		.rack = roll(6),
		.n_tasks = roll(3),
		.is_open = roll(10) > 0,
		.is_tainted = roll(8) == 0,
		.is_disliked = roll(8) == 0,
		.is_port_taken = roll(4) == 0};
	(void)snprintf(id, sizeof id, "n%03u", i);
	node = fixture_node(fixture, id, (uint64_t)place->cpu, (uint64_t)place->memory);
	node->capacity->disk_bytes = (uint64_t)place->disk;
	node->capacity->gpus = (uint32_t)place->gpus;
	node->schedulable = place->is_open;
	node->n_tasks = place->n_tasks;
	if (place->zone > 0)
		fixture_label(fixture, node, "zone", fixture_text(fixture, "z%u", place->zone));
	if (place->rack > 0)
		fixture_label(fixture, node, "rack", fixture_text(fixture, "r%u", place->rack));
	if (place->is_tainted)
		add_taint(fixture, node, DAVIT__TAINT__EFFECT__NO_SCHEDULE);
	if (place->is_disliked)
		add_taint(fixture, node, DAVIT__TAINT__EFFECT__PREFER_NO_SCHEDULE);
	if (place->is_port_taken)
		fixture_taken_port(fixture, node, PORT);
}

static struct size
random_size(void)
{
	return (struct size){.cpu = 250 * roll(5),
		.memory = (int64_t)(roll(4) * 256 * MIB + (roll(4) == 0 ? roll(4096) : 0)),
		.disk = roll(4) == 0 ? (int64_t)(roll(3) * GIB) : 0,
		.gpus = roll(12) == 0};
}

static void
compare_task(const Davit__PlaceReply *reply, unsigned i, unsigned group, const struct size *size)
{
	unsigned right = oracle(group, size);
	char task[16], want[16] = "-";

	(void)snprintf(task, sizeof task, "t%u", i);
	if (right < n_places)
		(void)snprintf(want, sizeof want, "n%03u", right);
	if (strcmp(placed_on(reply, task), want) != 0)
		fail_msg("task %u of group %u: on %s, the oracle says %s (%s)", i, group,
			placed_on(reply, task), want, refused_with(reply, task));
	if (right == n_places)
		return;
	places[right].cpu -= size->cpu;
	places[right].memory -= size->memory;
	places[right].disk -= size->disk;
	places[right].gpus -= size->gpus;
	places[right].is_port_taken |= wishes[group].wants_port;
	places[right].n_tasks++;
	places[right].n_of[group]++;
}

static void
compare_round(uint32_t rarity, unsigned n_most, unsigned *n_placed, unsigned *n_refused)
{
	CLEANUP(placer_free)
	struct placer *placer =
		placer_new(&(const struct placer_options){.tasks_per_node_max = SLOTS});
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	unsigned groups[TASKS_MOST], n_tasks = 1 + roll(TASKS_MOST);
	struct size sizes[TASKS_MOST];
	const Davit__PlaceReply *reply;
	struct place_fault fault = {0};

	n_places = 1 + roll(n_most);
	for (unsigned i = 0; i < n_places; i++)
		random_place(fixture, i);
	for (unsigned g = 0; g < GROUPS_MOST; g++)
		random_wish(&wishes[g], rarity);
	fixture->request.has_has_groups = fixture->request.has_groups = true;
	for (unsigned i = 0; i < n_tasks; i++) {
		Davit__TaskSpec *spec;

		groups[i] = roll(GROUPS_MOST);
		sizes[i] = random_size();
		spec = fixture_task(fixture, fixture_text(fixture, "t%u", i),
			(uint64_t)sizes[i].cpu, (uint64_t)sizes[i].memory);
		spec->disk_bytes = (uint64_t)sizes[i].disk;
		spec->gpus = (uint32_t)sizes[i].gpus;
		write_wish(fixture, spec, &wishes[groups[i]]);
		fixture->tasks[i]->group_id = fixture_text(fixture, "g%u", groups[i]);
	}
	CHECK_OK(placer_place(placer, &fixture->request, &reply, &fault), &fault.err);
	*n_placed += (unsigned)reply->n_placements;
	*n_refused += (unsigned)reply->n_refusals;
	for (unsigned i = 0; i < n_tasks; i++)
		compare_task(reply, i, groups[i], &sizes[i]);
}

static void
compare_rounds(uint64_t seed, uint32_t rarity, unsigned n_rounds, unsigned n_most)
{
	unsigned n_placed = 0, n_refused = 0;

	chance = seed;
	for (unsigned i = 0; i < n_rounds; i++)
		compare_round(rarity, n_most, &n_placed, &n_refused);
	CHECK(n_placed > 1000 && n_refused > 20);
}

TEST(oracle_and_placer_choose_the_same_with_many_wishes)
{
	compare_rounds(1, 3, 150, 40);
}

TEST(oracle_and_placer_choose_the_same_with_some_wishes)
{
	compare_rounds(2, 8, 150, 50);
}

TEST(oracle_and_placer_choose_the_same_with_few_wishes)
{
	compare_rounds(3, 40, 60, NODES_MOST);
}
