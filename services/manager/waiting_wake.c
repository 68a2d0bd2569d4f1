#include <assert.h>
#include <string.h>

#include "common/model/limits.h"
#include "services/manager/limits.h"
#include "services/manager/placing.h"
#include "services/manager/waiting_impl.h"

/* ---- what a refusal says ---- */

unsigned
waiting_causes(const Davit__Refusal *refusal)
{
	static const struct {
		const char *filter;
		unsigned cause;
	} words[] = {
		{"cpu", WAITING_ROOM},
		{"memory", WAITING_ROOM},
		{"disk", WAITING_ROOM},
		{"device", WAITING_ROOM},
		{"slots", WAITING_ROOM},
		{"port", WAITING_PORT},
		{"dynamic-ports", WAITING_PORT},
		{"affinity", WAITING_NEIGHBOUR},
		{"max-per-node", WAITING_NEIGHBOUR},
		{"state", WAITING_NODE},
		{"draining", WAITING_NODE},
		{"avoided", WAITING_NODE},
		{"platform", WAITING_NODE},
		{"constraint", WAITING_NODE},
		{"taint", WAITING_NODE},
	};
	unsigned causes = 0;

	for (size_t i = 0; i < refusal->n_filters; i++) {
		const char *filter = refusal->filters[i]->filter;
		unsigned cause = WAITING_ANYTHING & ~(unsigned)WAITING_AGAIN;

		for (size_t k = 0; filter != NULL && k < sizeof words / sizeof words[0]; k++) {
			if (strcmp(words[k].filter, filter) == 0)
				cause = words[k].cause;
		}
		causes |= cause;
	}
	return causes != 0 ? causes : WAITING_ANYTHING & ~(unsigned)WAITING_AGAIN;
}

/* ---- news ---- */

static void
freshen(struct waiting *waiting, struct node *node, bool has_changed)
{
	node->has_changed |= has_changed;
	waiting->generation++;
	waiting->is_stirred = true;
	if (node->is_fresh)
		return;
	node->is_fresh = true;
	node->fresh_next = waiting->fresh;
	waiting->fresh = node;
	waiting->n_fresh++;
}

void
waiting_node_changed(struct manager *manager, struct node *node)
{
	freshen(&manager->waiting, node, true);
}

void
waiting_node_roomier(struct manager *manager, struct node *node)
{
	freshen(&manager->waiting, node, false);
}

void
waiting_forget_node(struct manager *manager, struct node *node)
{
	struct waiting *waiting = &manager->waiting;
	struct node **link = &waiting->fresh;

	if (!node->is_fresh)
		return;
	while (*link != node)
		link = &(*link)->fresh_next;
	*link = node->fresh_next;
	node->is_fresh = node->has_changed = false;
	waiting->n_fresh--;
}

void
waiting_ports_free(struct manager *manager, uint32_t n)
{
	if (n == 0)
		return;
	manager->waiting.n_ports = n > UINT32_MAX - manager->waiting.n_ports
					   ? UINT32_MAX
					   : manager->waiting.n_ports + n;
	manager->waiting.is_stirred = true;
}

void
waiting_sweep(struct manager *manager)
{
	manager->waiting.sweeps = manager->waiting.is_stirred = true;
}

void
waiting_repeat(struct manager *manager)
{
	if (manager->waiting.n_again > 0)
		manager->waiting.repeats = manager->waiting.is_stirred = true;
}

static bool
is_of_namespace(const struct bucket *bucket, const struct task *task)
{
	return strcmp(bucket->tasks.first->group->spec->spec->namespace_,
		       task->group->spec->spec->namespace_) == 0;
}

static void
help_neighbours(struct waiting *waiting, const struct task *task, uint32_t n)
{
	struct bucket *bucket;

	DL_FOREACH2(waiting->neighbours, bucket, n_next)
	{
		if (!is_of_namespace(bucket, task))
			continue;
		bucket->n_helped =
			n > UINT32_MAX - bucket->n_helped ? UINT32_MAX : bucket->n_helped + n;
		waiting->is_stirred = true;
	}
}

/* Where one fitted another may: the more were placed, the more are tried. */
static void
help_likes(struct manager *manager, const struct task *task)
{
	struct bucket *bucket = waiting_find_bucket(manager, task);

	if (bucket == NULL || bucket->key.line->is_gang)
		return;
	if (bucket->n_helped <= UINT32_MAX / 4)
		bucket->n_helped = 2 * bucket->n_helped + 1;
	manager->waiting.is_stirred = true;
}

/* Who wants to be near it may fit now, however many they are. */
void
waiting_placed(struct manager *manager, struct task *task)
{
	struct waiting *waiting = &manager->waiting;
	struct line *line = waiting_find_line(waiting, task);
	struct rest *rest = model_rest(task->group);

	if (rest != NULL)
		rest->n_lucky++;
	line->served = line->key.share->served = ++waiting->n_served;
	waiting->n_moves++;
	if (waiting->n_blocked > 0)
		help_likes(manager, task);
	if (waiting->neighbours != NULL)
		help_neighbours(waiting, task, UINT32_MAX);
}

/* Who may not be near it may fit now: one in its place. */
void
waiting_released(struct manager *manager, const struct task *task, struct node *node)
{
	struct waiting *waiting = &manager->waiting;

	waiting->n_moves++;
	freshen(waiting, node, false);
	if (task->host_ports != NULL)
		waiting_ports_free(manager, (uint32_t)task->group->spec->spec->n_ports);
	if (waiting->neighbours != NULL)
		help_neighbours(waiting, task, 1);
}

/* A refusal that was thought out before so many others moved may be wrong by now. */
void
waiting_block_at(struct manager *manager, struct task *task, unsigned causes, uint64_t n_moves)
{
	waiting_block(manager, task, causes);
	if ((causes & WAITING_NEIGHBOUR) == 0 || manager->waiting.n_moves == n_moves)
		return;
	waiting_find_bucket(manager, task)->n_helped = UINT32_MAX;
	manager->waiting.is_stirred = true;
}

/* ---- who is woken ---- */

enum {
	FRESH_MAX = 64, /* with more news than that every bucket is tried */
	/* Each fresh node is offered to so many times what fits on it: not everybody whom it has
	 * room for may go there. */
	OFFERS = 4,
};

struct fresh {
	struct resources room; /* real */
	struct resources offer, capacity;
	bool has_changed;
};

struct look {
	struct manager *manager;
	struct fresh nodes[FRESH_MAX]; /* of which n_nodes are filled */
	size_t n_nodes;
	bool is_all;   /* too much news to tell them apart */
	bool is_short; /* some were not woken only because enough others were */
};

static void
look_begin(struct look *look, struct manager *manager)
{
	struct waiting *waiting = &manager->waiting;

	/* Its nodes one by one: they are many, and mostly few are fresh. */
	look->manager = manager;
	look->n_nodes = 0;
	look->is_all = waiting->n_fresh > FRESH_MAX;
	look->is_short = false;
	for (struct node *node = waiting->fresh; node != NULL && !look->is_all;
		node = node->fresh_next) {
		struct fresh *fresh = &look->nodes[look->n_nodes];

		if (node->state != DAVIT__NODE__STATE__READY || node->draining)
			continue;
		*fresh = (struct fresh){.room = ledger_free(&node->account),
			.capacity = node->account.capacity,
			.has_changed = node->has_changed};
		for (int i = 0; i < OFFERS; i++)
			resources_add(&fresh->offer, &fresh->room);
		look->n_nodes++;
	}
}

/* How many of the bucket the fresh nodes have room for, taken off what they offer. */
static uint32_t
offered(struct look *look, const struct bucket *bucket, uint32_t n_max)
{
	uint32_t n = 0;

	for (size_t i = 0; i < look->n_nodes && n < n_max; i++) {
		uint32_t real, now;

		if (!look->nodes[i].has_changed && (bucket->causes & WAITING_ROOM) == 0)
			continue;
		real = resources_fit(&look->nodes[i].room, &bucket->want, n_max - n);
		now = resources_fit(&look->nodes[i].offer, &bucket->want, real);
		look->is_short |= now == 0 && real > 0;
		for (uint32_t k = 0; k < now; k++)
			resources_subtract(&look->nodes[i].offer, &bucket->want);
		n += now;
	}
	return n;
}

/* Who has waited long may have room kept for it on a node that joined, be it full. */
static bool
may_claim_there(const struct look *look, const struct bucket *bucket)
{
	const struct task *oldest = bucket->tasks.first;

	for (size_t i = 0; i < look->n_nodes; i++) {
		if (look->nodes[i].has_changed &&
			resources_fit(&look->nodes[i].capacity, &bucket->want, 1) == 1)
			return placing_may_claim(look->manager, oldest,
				bucket->key.line->is_gang ? bucket->tasks.n : 1);
	}
	return false;
}

static uint32_t
count_woken(struct look *look, struct bucket *bucket)
{
	struct waiting *waiting = &look->manager->waiting;
	uint32_t n_max = bucket->tasks.n < UINT32_MAX ? (uint32_t)bucket->tasks.n : UINT32_MAX;
	uint32_t n = bucket->n_helped < n_max ? bucket->n_helped : n_max;

	if (look->is_all || (waiting->repeats && (bucket->causes & WAITING_AGAIN) != 0))
		return n_max;
	if (bucket->generation != waiting->generation)
		n += offered(look, bucket, n_max - n);
	if ((bucket->causes & WAITING_PORT) != 0)
		n = waiting->n_ports > n_max - n ? n_max : n + waiting->n_ports;
	if (n == 0 && (waiting->sweeps || may_claim_there(look, bucket)))
		n = 1;
	return n > 0 && bucket->key.line->is_gang ? n_max : n;
}

static void
wake_level(struct look *look, struct level *level)
{
	struct waiting *waiting = &look->manager->waiting;
	struct bucket *last = level->buckets == NULL ? NULL : level->buckets->prev;
	struct bucket *bucket, *next;
	bool is_last = last == NULL;

	for (bucket = level->buckets; !is_last; bucket = next) {
		uint32_t n = count_woken(look, bucket);

		next = bucket->next;
		is_last = bucket == last;
		bucket->n_helped = 0;
		if (n == 0)
			continue;
		bucket->generation = waiting->generation;
		DL_DELETE(level->buckets, bucket);
		DL_APPEND(level->buckets, bucket);
		waiting_unblock(look->manager, bucket, n);
	}
}

void
waiting_wake(struct manager *manager)
{
	struct waiting *waiting = &manager->waiting;
	struct look look;

	if (!waiting->is_stirred)
		return;
	look_begin(&look, manager);
	for (size_t i = SPEC_PRIORITY_MAX + 1; i-- > 0;)
		wake_level(&look, &waiting->levels[i]);
	waiting->sweeps = waiting->repeats = false;
	waiting->n_ports = 0;
	/* What was not offered to everybody is looked at again after the answer. */
	waiting->is_stirred = look.is_short;
	while (!look.is_short && waiting->fresh != NULL)
		waiting_forget_node(manager, waiting->fresh);
}
