#include "services/scheduler/placer.h"

#include <errno.h>
#include <stdio.h>

#include <uthash.h>

#include "common/base/mem.h"
#include "services/scheduler/filters.h"
#include "services/scheduler/limits.h"
#include "services/scheduler/place_reply.h"
#include "services/scheduler/strategies.h"

/* A spec of the present call. */
struct spec_entry {
	UT_hash_handle hh;
	const char *id;
	struct demand demand;
	Davit__TaskSpec__Strategy strategy;
	struct place_refusal *refusal; /* of the last task without a place; NULL: none yet */
};

/* What has to be given back when the call ends. */
struct taking {
	uint32_t row;
	const struct want *want;
};

struct placer {
	struct placer_options options;
	struct node_table table;
	struct strategies *strategies;
	struct filters *filters;
	bool has_nodes; /* a snapshot was seen */
	uint64_t version;
	struct place_reply reply;
	struct placer_counts counts;

	/* During one call. */
	struct spec_entry *specs; /* by id */
	struct spec_entry *spec_room;
	struct spec_entry **by_task;
	struct taking *takings;
	size_t n_takings;
	uint64_t n_rows_explained;
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
	node_table_init(&placer->table, placer->options.tasks_per_node_max);
	placer->strategies = strategies_new(options->seed);
	placer->filters = filters_new(&placer->table);
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
	node_table_fini(&placer->table);
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
	return placer->version;
}

uint32_t
placer_n_nodes(const struct placer *placer)
{
	return placer->table.n;
}

static int
node_compare(const void *a, const void *b)
{
	const Davit__PlaceNode *const *left = a, *const *right = b;

	return strcmp((*left)->id, (*right)->id);
}

static int
text_compare(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

/* The request's nodes and removed nodes in the order of their ids. The caller frees both. */
struct sorted_change {
	Davit__PlaceNode **nodes;
	const char **removed;
};

static void
sorted_change_fini_cleanup(struct sorted_change *change)
{
	free(change->nodes);
	free(change->removed);
}

static int
sort_change(const Davit__PlaceRequest *request, struct sorted_change *ret_change,
	struct place_fault *fault)
{
	size_t n = request->n_nodes;
	Davit__PlaceNode **nodes = xcalloc(n + 1, sizeof nodes[0]);
	const char **removed = xcalloc(request->n_removed_nodes + 1, sizeof removed[0]);

	*ret_change = (struct sorted_change){.nodes = nodes, .removed = removed};
	for (size_t i = 0; i < n; i++)
		nodes[i] = request->nodes[i];
	for (size_t i = 0; i < request->n_removed_nodes; i++)
		removed[i] = request->removed_nodes[i];
	qsort(nodes, n, sizeof nodes[0], node_compare);
	qsort(removed, request->n_removed_nodes, sizeof removed[0], text_compare);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(nodes[i - 1]->id, nodes[i]->id) == 0)
			return place_fault_set(fault, -EINVAL, "nodes", "hold '%.100s' twice",
				nodes[i]->id);
	}
	return 0;
}

static void
specs_fini(struct placer *placer, size_t n)
{
	HASH_CLEAR(hh, placer->specs);
	for (size_t i = 0; i < n; i++)
		demand_fini(&placer->spec_room[i].demand);
	free(placer->spec_room);
	free(placer->by_task);
	placer->spec_room = NULL;
	placer->by_task = NULL;
}

static int
specs_index(struct placer *placer, const Davit__PlaceRequest *request, struct place_fault *fault)
{
	struct spec_entry *entry;

	placer->spec_room = xcalloc(request->n_specs + 1, sizeof placer->spec_room[0]);
	placer->by_task = xcalloc(request->n_tasks + 1, sizeof placer->by_task[0]);
	for (size_t i = 0; i < request->n_specs; i++) {
		const Davit__PlaceSpec *spec = request->specs[i];
		unsigned size = (unsigned)strlen(spec->id);

		HASH_FIND(hh, placer->specs, spec->id, size, entry);
		if (entry != NULL)
			return place_fault_set(fault, -EINVAL, "specs", "hold '%.100s' twice",
				spec->id);
		entry = &placer->spec_room[i];
		entry->id = spec->id;
		entry->strategy = spec->spec->strategy == DAVIT__TASK_SPEC__STRATEGY__CLUSTER
					  ? placer->options.strategy
					  : spec->spec->strategy;
		demand_init(&entry->demand, spec->spec);
		HASH_ADD_KEYPTR(hh, placer->specs, entry->id, size, entry);
	}
	for (size_t i = 0; i < request->n_tasks; i++) {
		const char *id = request->tasks[i]->spec_id;
		char field[PLACE_FIELD_MAX];

		HASH_FIND_STR(placer->specs, id, placer->by_task[i]);
		if (placer->by_task[i] == NULL) {
			(void)snprintf(field, sizeof field, "tasks[%zu].spec_id", i);
			return place_fault_set(fault, -EINVAL, field,
				"'%.100s' is not among the specs", id);
		}
	}
	return 0;
}

/* What this scheduler does not do yet is said, not passed over. NULL: nothing. */
static const char *
unsupported(const struct spec_entry *entry)
{
	const Davit__TaskSpec *spec = entry->demand.spec;

	if (spec->n_affinities > 0)
		return "this scheduler does not know affinities";
	if (spec->n_spreads > 0)
		return "this scheduler does not know spreads";
	if (spec->gang != NULL && spec->gang->all_or_nothing)
		return "this scheduler does not know gangs";
	if (strategy_name(entry->strategy) == NULL)
		return "this scheduler does not know the task's strategy";
	return NULL;
}

static void
refuse_in_words(struct placer *placer, const Davit__PlaceTask *task, const char *words)
{
	place_reply_add_refusal(&placer->reply, task->task_id,
		place_reply_make_words(&placer->reply, words));
}

/* Room only shrinks during a call: what fitted nowhere once need not be tried again. */
static void
refuse(struct placer *placer, const Davit__PlaceTask *task, struct spec_entry *entry)
{
	struct place_refusal *made = task->n_avoid_nodes == 0 ? entry->refusal : NULL;
	struct refusal refusal;

	if (made == NULL && placer->n_rows_explained > PLACE_EXPLAIN_ROWS_MAX) {
		refuse_in_words(placer, task,
			"no node fits (too many tasks were refused at once to say why for each)");
		return;
	}
	if (made == NULL) {
		refusal_explain(&placer->table, &entry->demand, task->avoid_nodes,
			task->n_avoid_nodes, &refusal);
		placer->n_rows_explained += placer->table.n;
		made = place_reply_make_refusal(&placer->reply, &placer->table, &refusal);
	}
	if (task->n_avoid_nodes == 0)
		entry->refusal = made;
	place_reply_add_refusal(&placer->reply, task->task_id, made);
}

static void
avoided_hide(struct placer *placer, const Davit__PlaceTask *task, bool hide)
{
	for (size_t i = 0; i < task->n_avoid_nodes; i++) {
		uint32_t row = node_table_find(&placer->table, task->avoid_nodes[i]);

		if (row == NODE_ROW_NONE)
			continue;
		if (hide)
			node_table_hide(&placer->table, row);
		else
			node_table_show(&placer->table, row);
	}
}

static bool
choose(struct placer *placer, const Davit__PlaceTask *task, const struct spec_entry *entry,
	const int32_t *allow, struct choice *ret_choice)
{
	bool found;

	avoided_hide(placer, task, true);
	found = strategies_choose(placer->strategies, entry->strategy, &placer->table,
		&entry->demand.want, allow, ret_choice);
	avoided_hide(placer, task, false);
	return found;
}

static void
place_one(struct placer *placer, const Davit__PlaceTask *task, struct spec_entry *entry)
{
	const char *words = unsupported(entry);
	const struct want *want = &entry->demand.want;
	const int32_t *allow;
	struct choice choice;
	struct err err;

	if (words != NULL) {
		refuse_in_words(placer, task, words);
		return;
	}
	if (filters_get(placer->filters, &entry->demand, &allow, &err) < 0) {
		refuse_in_words(placer, task, err.text);
		return;
	}
	if ((entry->refusal != NULL && task->n_avoid_nodes == 0) ||
		!choose(placer, task, entry, allow, &choice)) {
		refuse(placer, task, entry);
		return;
	}
	node_table_take(&placer->table, choice.row, want);
	filters_taken(placer->filters, choice.row, want);
	placer->takings[placer->n_takings++] = (struct taking){.row = choice.row, .want = want};
	place_reply_add_placement(&placer->reply, task->task_id, placer->table.nodes[choice.row].id,
		choice.score);
}

static void
place_all(struct placer *placer, const Davit__PlaceRequest *request)
{
	placer->takings = xcalloc(request->n_tasks + 1, sizeof placer->takings[0]);
	placer->n_takings = 0;
	placer->n_rows_explained = 0;
	filters_reset(placer->filters);
	for (size_t i = 0; i < request->n_tasks; i++)
		place_one(placer, request->tasks[i], placer->by_task[i]);
	filters_reset(placer->filters);
	while (placer->n_takings > 0) {
		const struct taking *taking = &placer->takings[--placer->n_takings];

		node_table_give(&placer->table, taking->row, taking->want);
	}
	free(placer->takings);
	placer->takings = NULL;
}

static int
check_version(const struct placer *placer, const Davit__PlaceRequest *request,
	struct place_fault *fault)
{
	if (request->snapshot)
		return 0;
	if (!placer->has_nodes)
		return place_fault_set(fault, -ESTALE, "base_version",
			"nothing is known of the nodes yet: send a snapshot");
	if (request->base_version != placer->version)
		return place_fault_set(fault, -ESTALE, "base_version",
			"the changes start from version %llu, the cache is at %llu: send a snapshot",
			(unsigned long long)request->base_version,
			(unsigned long long)placer->version);
	return 0;
}

int
placer_place(struct placer *placer, const Davit__PlaceRequest *request,
	const Davit__PlaceReply **ret_reply, struct place_fault *fault)
{
	CLEANUP(sorted_change_fini) struct sorted_change change = {0};
	int rc = place_check(request, fault);

	if (rc == 0)
		rc = check_version(placer, request, fault);
	placer->counts.n_stale += rc == -ESTALE;
	if (rc == 0)
		rc = sort_change(request, &change, fault);
	if (rc < 0)
		return rc;
	rc = specs_index(placer, request, fault);
	if (rc < 0) {
		specs_fini(placer, request->n_specs);
		return rc;
	}
	if (request->snapshot)
		node_table_clear(&placer->table);
	node_table_update(&placer->table, change.nodes, request->n_nodes, change.removed,
		request->n_removed_nodes);
	placer->has_nodes = true;
	if (request->has_version || request->snapshot)
		placer->version = request->version;
	place_reply_reset(&placer->reply, request->n_tasks, placer->version);
	place_all(placer, request);
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
