#include "services/scheduler/placer.h"

#include <errno.h>
#include <stdio.h>

#include <uthash.h>

#include "common/base/mem.h"
#include "services/scheduler/evict.h"
#include "services/scheduler/explain.h"
#include "services/scheduler/limits.h"
#include "services/scheduler/place_reply.h"
#include "services/scheduler/strategies.h"
#include "services/scheduler/taking.h"

/* A spec of the present call. */
struct spec_entry {
	UT_hash_handle hh;
	const char *id;
	struct demand demand;
	Davit__TaskSpec__Strategy strategy;
	struct place_refusal *refusal; /* of the last task without a place; NULL: none yet */
	uint64_t refusal_epoch;
};

struct placer {
	struct placer_options options;
	struct cluster cluster;
	struct strategies *strategies;
	struct filters *filters;
	struct place_reply reply;
	struct placer_counts counts;

	/* During one call. */
	const Davit__PlaceRequest *request;
	struct strategies *chooser; /* the above, or a copy for a question */
	struct spec_entry *specs;   /* by id */
	struct spec_entry *spec_room;
	struct spec_entry **by_task;
	struct takings takings;
	uint64_t n_rows_looked; /* slowly, to explain or to evict */
	uint64_t epoch;         /* grows when room comes free during the call */
};

enum outcome { OUTCOME_PLACED, OUTCOME_REFUSED, OUTCOME_UNANSWERED };

/* One task, and what is found out about it. */
struct attempt {
	const Davit__PlaceTask *task;
	struct spec_entry *entry;
	struct seek seek;
	uint32_t avoid[PLACE_AVOID_MAX];
	struct place_refusal *refusal;
	Davit__Explanation *explanation; /* NULL: nobody asked */
};

struct placer *
placer_new(const struct placer_options *options)
{
	struct placer *placer = xcalloc(1, sizeof *placer);

	placer->options = *options;
	if (placer->options.strategy == DAVIT__TASK_SPEC__STRATEGY__CLUSTER)
		placer->options.strategy = DAVIT__TASK_SPEC__STRATEGY__BEST_FIT;
	if (placer->options.tasks_per_node_max == 0)
		placer->options.tasks_per_node_max = PLACE_TASKS_PER_NODE_MAX;
	cluster_init(&placer->cluster, placer->options.tasks_per_node_max);
	placer->strategies = strategies_new(options->seed);
	placer->filters = filters_new(&placer->cluster);
	return placer;
}

void
placer_free(struct placer *placer)
{
	if (placer == NULL)
		return;
	place_reply_fini(&placer->reply);
	filters_free(placer->filters);
	strategies_free(placer->strategies);
	cluster_fini(&placer->cluster);
	free(placer);
}

void
placer_reply_done(struct placer *placer)
{
	place_reply_fini(&placer->reply);
}

uint64_t
placer_version(const struct placer *placer)
{
	return placer->cluster.version;
}

uint32_t
placer_n_nodes(const struct placer *placer)
{
	return placer->cluster.table.n;
}

static Davit__TaskSpec__Strategy
strategy_of(const struct placer_options *options, const Davit__TaskSpec *spec)
{
	return spec->strategy != DAVIT__TASK_SPEC__STRATEGY__CLUSTER ? spec->strategy
								     : options->strategy;
}

static void
specs_fini(struct placer *placer, size_t n)
{
	HASH_CLEAR(hh, placer->specs);
	for (size_t i = 0; i < n; i++)
		if (placer->spec_room[i].id != NULL)
			demand_fini(&placer->spec_room[i].demand, &placer->cluster);
	free(placer->spec_room);
	free(placer->by_task);
	placer->spec_room = NULL;
	placer->by_task = NULL;
}

/* Most tasks come behind another of their spec, or in the order of the specs. */
static struct spec_entry *
spec_find(const struct placer *placer, const Davit__PlaceRequest *request, const char *id,
	size_t guess)
{
	struct spec_entry *entry;

	if (guess < request->n_specs && strcmp(placer->spec_room[guess].id, id) == 0)
		return &placer->spec_room[guess];
	HASH_FIND_STR(placer->specs, id, entry);
	return entry;
}

static int
specs_index(struct placer *placer, const Davit__PlaceRequest *request, struct place_fault *fault)
{
	size_t guess = 0;

	placer->spec_room = xcalloc(request->n_specs + 1, sizeof placer->spec_room[0]);
	placer->by_task = xcalloc(request->n_tasks + 1, sizeof placer->by_task[0]);
	for (size_t i = 0; i < request->n_specs; i++) {
		const Davit__PlaceSpec *spec = request->specs[i];
		unsigned size = (unsigned)strlen(spec->id);
		struct spec_entry *entry;

		HASH_FIND(hh, placer->specs, spec->id, size, entry);
		if (entry != NULL)
			return place_fault_set(fault, -EINVAL, "specs", "hold '%.100s' twice",
				spec->id);
		entry = &placer->spec_room[i];
		entry->id = spec->id;
		entry->demand.spec = spec->spec;
		entry->strategy = strategy_of(&placer->options, spec->spec);
		HASH_ADD_KEYPTR(hh, placer->specs, entry->id, size, entry);
	}
	for (size_t i = 0; i < request->n_tasks; i++) {
		const char *id = request->tasks[i]->spec_id;
		char field[PLACE_FIELD_MAX];

		placer->by_task[i] = spec_find(placer, request, id, guess);
		if (placer->by_task[i] == NULL) {
			(void)snprintf(field, sizeof field, "tasks[%zu].spec_id", i);
			return place_fault_set(fault, -EINVAL, field,
				"'%.100s' is not among the specs", id);
		}
		guess = (size_t)(placer->by_task[i] - placer->spec_room);
		if (i + 1 < request->n_tasks && strcmp(request->tasks[i + 1]->spec_id, id) != 0)
			guess++;
	}
	return 0;
}

static struct place_refusal *
words(struct placer *placer, const char *text)
{
	return place_reply_make_words(&placer->reply, text);
}

/* Room only shrinks during a call: what fitted nowhere once need not be tried again. */
static bool
is_refused_before(const struct placer *placer, const struct attempt *attempt)
{
	const struct spec_entry *entry = attempt->entry;

	return entry->refusal != NULL && entry->refusal_epoch == placer->epoch &&
	       attempt->seek.n_avoid == 0 && !demand_may_change_its_mind(&entry->demand);
}

/* Whether every row may be looked at slowly once more in this call. */
static bool
may_look(struct placer *placer)
{
	if (placer->n_rows_looked > PLACE_EXPLAIN_ROWS_MAX)
		return false;
	placer->n_rows_looked += placer->cluster.table.n;
	return true;
}

static enum outcome
refuse(struct placer *placer, struct attempt *attempt)
{
	struct spec_entry *entry = attempt->entry;
	struct refusal refusal;

	if (is_refused_before(placer, attempt)) {
		attempt->refusal = entry->refusal;
		return OUTCOME_REFUSED;
	}
	if (!may_look(placer)) {
		attempt->refusal = words(placer,
			"no node fits (too many tasks were refused at once to say why for each)");
		return OUTCOME_REFUSED;
	}
	refusal_explain(&attempt->seek, &placer->cluster, &refusal);
	attempt->refusal =
		place_reply_make_refusal(&placer->reply, &placer->cluster.table, &refusal);
	if (attempt->seek.n_avoid == 0) {
		entry->refusal = attempt->refusal;
		entry->refusal_epoch = placer->epoch;
	}
	return OUTCOME_REFUSED;
}

static int
row_compare(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static void
read_avoided(struct placer *placer, struct attempt *attempt)
{
	const Davit__PlaceTask *task = attempt->task;
	uint32_t n = 0;

	for (size_t i = 0; i < task->n_avoid_nodes; i++) {
		uint32_t row = node_table_find(&placer->cluster.table, task->avoid_nodes[i]);

		if (row != NODE_ROW_NONE)
			attempt->avoid[n++] = row;
	}
	if (n > 1)
		qsort(attempt->avoid, n, sizeof attempt->avoid[0], row_compare);
	attempt->seek.avoid = attempt->avoid;
	attempt->seek.n_avoid = n;
}

/* What is asked for is read. PLACED: go on. */
static enum outcome
prepare(struct placer *placer, struct attempt *attempt)
{
	struct demand *demand = &attempt->entry->demand;
	struct cluster *cluster = &placer->cluster;
	struct err err;

	if (strategy_name(attempt->entry->strategy) == NULL) {
		attempt->refusal =
			words(placer, "this scheduler does not know the task's strategy");
		return OUTCOME_REFUSED;
	}
	if (filters_get(placer->filters, demand->spec,
		    demand->filter_key != NULL ? demand->filter_key : "", &attempt->seek.filter,
		    &err) < 0) {
		attempt->refusal = words(placer, err.text);
		return OUTCOME_REFUSED;
	}
	if (cluster->has_groups)
		demand_wish(demand, cluster, attempt->task);
	else if (demand_needs_groups(demand))
		return OUTCOME_UNANSWERED;
	attempt->seek.table = &cluster->table;
	attempt->seek.demand = demand;
	read_avoided(placer, attempt);
	return OUTCOME_PLACED;
}

static void
explain(struct placer *placer, struct attempt *attempt)
{
	struct explanation *explanation;

	if (!placer->request->explain || !may_look(placer))
		return;
	explanation = xcalloc(1, sizeof *explanation);
	explain_decision(&attempt->seek, &placer->cluster, placer->chooser,
		attempt->entry->strategy, explanation);
	attempt->explanation = place_reply_add_explanation(&placer->reply, attempt->task->task_id,
		&attempt->seek, explanation);
	free(explanation);
}

static Davit__Placement *
propose(struct placer *placer, const struct attempt *attempt, uint32_t row, double score)
{
	return place_reply_add_placement(&placer->reply, attempt->task->task_id,
		placer->cluster.table.nodes[row].id, score);
}

/* It fits nowhere: others may go for it. */
static bool
evict(struct placer *placer, struct attempt *attempt)
{
	struct evictions evictions;

	if (!may_look(placer) || !evict_choose(&attempt->seek, &placer->cluster, &evictions))
		return false;
	place_reply_evict(&placer->reply, propose(placer, attempt, evictions.row, 0), &evictions);
	if (attempt->explanation != NULL)
		place_reply_explain_evictions(&placer->reply, attempt->explanation, &attempt->seek,
			&evictions);
	takings_place(&placer->takings, &placer->cluster, &attempt->seek, evictions.row,
		attempt->task, &evictions);
	placer->epoch++;
	return true;
}

/* Room is kept for it. kept: see claim_choose. */
static bool
claim(struct placer *placer, struct attempt *attempt, uint32_t *kept)
{
	Davit__Placement *placement;
	uint32_t row = NODE_ROW_NONE;

	if (may_look(placer))
		row = claim_choose(&attempt->seek, &placer->cluster, kept);
	if (row == NODE_ROW_NONE)
		return false;
	placement = propose(placer, attempt, row, 0);
	placement->has_claim = placement->claim = true;
	takings_claim(&placer->takings, &placer->cluster, &attempt->seek, row, attempt->task);
	if (kept != NULL)
		kept[row]++;
	return true;
}

static enum outcome
place_one(struct placer *placer, struct attempt *attempt)
{
	const Davit__PlaceTask *task = attempt->task;
	enum outcome outcome = prepare(placer, attempt);
	struct choice choice;
	bool may_more = task->may_preempt || task->may_claim;

	if (outcome != OUTCOME_PLACED)
		return outcome;
	explain(placer, attempt);
	if (is_refused_before(placer, attempt) && !may_more)
		return refuse(placer, attempt);
	if (!is_refused_before(placer, attempt) &&
		strategies_choose(placer->chooser, attempt->entry->strategy, &attempt->seek,
			&choice)) {
		(void)propose(placer, attempt, choice.row, choice.score);
		takings_place(&placer->takings, &placer->cluster, &attempt->seek, choice.row, task,
			NULL);
		return OUTCOME_PLACED;
	}
	/* Whose place it takes, or who would have to end. */
	if ((task->may_preempt || placer->request->explain) && !placer->cluster.has_groups)
		return OUTCOME_UNANSWERED;
	if (task->may_preempt && evict(placer, attempt))
		return OUTCOME_PLACED;
	if (task->may_claim && !task->gang && claim(placer, attempt, NULL))
		return OUTCOME_PLACED;
	return refuse(placer, attempt);
}

static void
answer(struct placer *placer, const struct attempt *attempt, enum outcome outcome)
{
	if (outcome == OUTCOME_REFUSED)
		place_reply_add_refusal(&placer->reply, attempt->task->task_id, attempt->refusal);
	if (outcome == OUTCOME_UNANSWERED)
		place_reply_want_groups(&placer->reply);
}

static const char *
group_of(const Davit__PlaceTask *task)
{
	return task->group_id != NULL ? task->group_id : task->task_id;
}

/* How many tasks from the first on are one gang; 0: the first is in none. */
static size_t
gang_size(const Davit__PlaceRequest *request, size_t first)
{
	size_t n = 0;

	while (first + n < request->n_tasks && request->tasks[first + n]->gang &&
		strcmp(group_of(request->tasks[first + n]), group_of(request->tasks[first])) == 0)
		n++;
	return n;
}

/* What a gang took and what was said of it so far is undone. */
struct gang_start {
	size_t n_takings, n_placements;
};

static void
undo_gang(struct placer *placer, const struct gang_start *start)
{
	takings_undo(&placer->takings, &placer->cluster, start->n_takings);
	place_reply_cut_placements(&placer->reply, start->n_placements);
	placer->epoch++;
}

/* Room is kept for each of them, wherever there is enough of it already. */
static bool
claim_gang(struct placer *placer, size_t first, size_t n)
{
	uint32_t *kept = xcalloc((size_t)placer->cluster.table.n + 1, sizeof *kept);
	bool is_good = true;

	for (size_t i = first; i < first + n && is_good; i++) {
		struct attempt attempt = {.task = placer->request->tasks[i],
			.entry = placer->by_task[i]};

		is_good = prepare(placer, &attempt) == OUTCOME_PLACED &&
			  claim(placer, &attempt, kept);
	}
	free(kept);
	return is_good;
}

/* All of them, or none: what the first took goes back when the last has no place. */
static void
place_gang(struct placer *placer, size_t first, size_t n)
{
	const Davit__PlaceRequest *request = placer->request;
	struct gang_start start = {placer->takings.n, placer->reply.message.n_placements};
	enum outcome outcome = OUTCOME_PLACED;
	char text[PLACE_MESSAGE_MAX];
	struct attempt attempt;
	size_t i;

	for (i = 0; i < n && outcome == OUTCOME_PLACED; i++) {
		attempt = (struct attempt){.task = request->tasks[first + i],
			.entry = placer->by_task[first + i]};
		outcome = place_one(placer, &attempt);
	}
	if (outcome == OUTCOME_PLACED)
		return;
	undo_gang(placer, &start);
	if (outcome == OUTCOME_UNANSWERED) {
		place_reply_want_groups(&placer->reply);
		return;
	}
	if (request->tasks[first]->may_claim) {
		if (claim_gang(placer, first, n))
			return;
		undo_gang(placer, &start);
	}
	(void)snprintf(text, sizeof text, "all or none of %zu: only %zu fit now; %.400s", n, i - 1,
		place_refusal_words(attempt.refusal));
	attempt.refusal = place_reply_make_like(&placer->reply, attempt.refusal, text);
	for (i = 0; i < n; i++) {
		attempt.task = request->tasks[first + i];
		answer(placer, &attempt, OUTCOME_REFUSED);
	}
}

static void
place_all(struct placer *placer)
{
	const Davit__PlaceRequest *request = placer->request;
	struct strategies *copy = NULL;

	if (request->dry_run)
		copy = strategies_copy(placer->strategies);
	placer->chooser = copy != NULL ? copy : placer->strategies;
	placer->n_rows_looked = 0;
	filters_reset(placer->filters);
	for (size_t i = 0; i < request->n_tasks;) {
		size_t n = gang_size(request, i);
		struct attempt attempt;

		if (n > 0) {
			place_gang(placer, i, n);
			i += n;
			continue;
		}
		/* The room for avoided rows need not be cleared each time. */
		attempt.task = request->tasks[i];
		attempt.entry = placer->by_task[i];
		attempt.seek = (struct seek){0};
		attempt.refusal = NULL;
		attempt.explanation = NULL;
		answer(placer, &attempt, place_one(placer, &attempt));
		i++;
	}
	takings_undo(&placer->takings, &placer->cluster, 0);
	takings_fini(&placer->takings);
	if (placer->cluster.has_groups)
		groups_end(placer->cluster.groups);
	filters_reset(placer->filters);
	strategies_free(copy);
	placer->chooser = NULL;
}

int
placer_place(struct placer *placer, const Davit__PlaceRequest *request,
	const Davit__PlaceReply **ret_reply, struct place_fault *fault)
{
	int rc = place_check(request, fault);

	if (rc < 0)
		return rc;
	rc = specs_index(placer, request, fault);
	if (rc == 0)
		rc = cluster_apply(&placer->cluster, request, fault);
	placer->counts.n_stale += rc == -ESTALE;
	if (rc < 0) {
		specs_fini(placer, 0);
		return rc;
	}
	for (size_t i = 0; i < request->n_specs; i++)
		demand_init(&placer->spec_room[i].demand, &placer->cluster.table,
			request->specs[i]->spec);
	place_reply_reset(&placer->reply, request->n_tasks, placer->cluster.version);
	placer->request = request;
	place_all(placer);
	placer->request = NULL;
	specs_fini(placer, request->n_specs);
	*ret_reply = place_reply_message(&placer->reply);
	placer->counts.n_calls++;
	placer->counts.n_placed += (*ret_reply)->n_placements;
	placer->counts.n_refused += (*ret_reply)->n_refusals;
	return 0;
}

void
placer_counts(const struct placer *placer, struct placer_counts *ret_counts)
{
	*ret_counts = placer->counts;
}
