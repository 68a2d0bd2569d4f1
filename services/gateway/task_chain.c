#include "services/gateway/task_chain.h"

#include <string.h>

#include "proto/manager.pb-c.h"

#define ORIGIN_LABEL "davit-restart-of"

struct search {
	task_chain_fn *done;
	void *arg;
	struct task_chain chain;
	unsigned n_steps;
};

static void look(struct errand *errand, const struct rpc_result *result, const Davit__Task *task,
	void *arg);

static const char *
origin_of(const Davit__Task *task)
{
	const Davit__TaskSpec *spec = task->spec;

	for (size_t i = 0; spec != NULL && i < spec->n_labels; i++)
		if (strcmp(spec->labels[i]->key, ORIGIN_LABEL) == 0 &&
			spec->labels[i]->value != NULL)
			return spec->labels[i]->value;
	return task->id;
}

static bool
has_ended(const Davit__Task *task)
{
	return task->state == DAVIT__TASK__STATE__COMPLETED ||
	       task->state == DAVIT__TASK__STATE__FAILED;
}

static const char *
note(struct errand *errand, struct search *search, const char *id)
{
	struct task_chain *chain = &search->chain;
	char *copy;

	for (size_t i = 0; i < chain->n_ids; i++)
		if (strcmp(chain->ids[i], id) == 0)
			return chain->ids[i];
	copy = arena_strdup(errand_arena(errand), id);
	if (chain->n_ids < TASK_CHAIN_MAX)
		chain->ids[chain->n_ids++] = copy;
	return copy;
}

static void
tell(struct errand *errand, const struct rpc_result *result, const Davit__Task *latest, void *arg)
{
	struct search *search = arg;

	search->chain.latest = latest;
	search->done(errand, result, &search->chain, search->arg);
}

/* ---- those that were started again: all have one origin ---- */

struct again {
	struct search *search;
	struct errand *errand;
	const char *last; /* the one that has ended */
	const char *newest;
};

/* The walk goes from the oldest to the newest. */
static bool
add_again(const Davit__Task *task, void *arg)
{
	struct again *again = arg;

	again->newest = note(again->errand, again->search, task->id);
	return true;
}

static void
on_walked(struct errand *errand, const struct rpc_result *result, void *arg)
{
	struct again *again = arg;

	if (result->status != DAVIT__REPLY__STATUS__OK)
		tell(errand, result, NULL, again->search);
	else if (again->newest == NULL || again->newest == again->last)
		tasks_find(errand, again->last, tell, again->search);
	else
		tasks_find(errand, again->newest, look, again->search);
}

/* Goes on to the next link, if there is one. */
static void
look(struct errand *errand, const struct rpc_result *result, const Davit__Task *task, void *arg)
{
	struct search *search = arg;
	struct again *again;

	if (task == NULL) {
		tell(errand, result, NULL, search);
		return;
	}
	again = arena_alloc(errand_arena(errand), sizeof *again);
	*again = (struct again){.search = search,
		.errand = errand,
		.last = note(errand, search, task->id)};
	if (++search->n_steps > TASK_CHAIN_MAX || !has_ended(task)) {
		tell(errand, result, task, search);
	} else if (task->replaced_by != NULL) {
		tasks_find(errand, task->replaced_by, look, search);
	} else {
		struct tasks_filter same = {.label = ORIGIN_LABEL, .value = origin_of(task)};

		tasks_walk(errand, &same, add_again, on_walked, again);
	}
}

void
task_chain_find(struct errand *errand, const char *name, task_chain_fn *done, void *arg)
{
	struct search *search = arena_alloc(errand_arena(errand), sizeof *search);

	*search = (struct search){.done = done, .arg = arg};
	tasks_find(errand, name, look, search);
}

void
task_chain_start(struct errand *errand, const Davit__Task *ended, launch_done_fn *done, void *arg)
{
	struct arena *arena = errand_arena(errand);
	Davit__StringEntry origin = DAVIT__STRING_ENTRY__INIT;
	Davit__TaskSpec spec = *ended->spec;
	bool is_first = strcmp(origin_of(ended), ended->id) == 0;

	spec.name = ended->name; /* also of one that the manager named, or of an array's */
	if (is_first) {
		origin.key = (char *)(uintptr_t)ORIGIN_LABEL;
		origin.value = ended->id;
		spec.labels = arena_array(arena, spec.n_labels + 1, sizeof *spec.labels);
		for (size_t i = 0; i < spec.n_labels; i++)
			spec.labels[i] = ended->spec->labels[i];
		spec.labels[spec.n_labels++] = &origin;
	}
	launch_start(errand, &spec, done, arg);
}
