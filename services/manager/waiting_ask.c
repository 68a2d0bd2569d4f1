/* Who is asked about next; tested by tests/unit/test_waiting_ask.c and test_waiting.c. */
#include "common/model/limits.h"
#include "services/manager/arrays.h"
#include "services/manager/claims.h"
#include "services/manager/waiting_impl.h"

enum {
	TURN_MAX = 16,    /* tasks of one turn */
	TURN_READY = 256, /* … at least so many times as many are ready */
};

static size_t
pull_from(struct waiting *waiting, struct line *line, struct task **ret_tasks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ret_tasks[i] = line->ready.first;
		waiting_leave_queue(waiting, ret_tasks[i]);
		model_queue_put(ret_tasks[i], &waiting->asked, waiting->asked.last);
	}
	return n;
}

/*
 * All of a gang that waits is asked about together, also when an answer spoke of some of them
 * only: else one is placed while the others wait for their claim.
 */
static void
gather_gang(struct manager *manager, struct line *line)
{
	const struct task *first = line->ready.first;
	struct bucket *bucket = line->is_gang ? waiting_find_bucket(manager, first) : NULL;

	if (bucket != NULL)
		waiting_unblock(manager, bucket, bucket->tasks.n);
	if (line->is_gang && line->ready.n < line->n)
		claims_gather(manager, first->group);
}

/* ---- records ahead of need ---- */

/*
 * How many of an array may wait with a record. Those that wait beside it share what two questions
 * take, as they share the turns: when each has its part of the next question, the part for the one
 * after it is left. More while all that was asked about found a place: then the rest is likely
 * to find one, and the others may be in no question because they were refused.
 */
static size_t
ahead_of(const struct manager *manager, const struct line *line, const struct rest *rest)
{
	const struct share *share = line->key.share;
	size_t n_max = manager->config.array_ahead, n_low = manager->config.array_ahead_low;
	size_t n_beside =
		(size_t)manager->waiting.levels[share->key.priority].n_shares * share->n_lines;
	size_t n = 2 * n_max / n_beside;

	n = n > n_low ? n : n_low;
	n = n > 2 * (size_t)rest->n_lucky ? n : 2 * (size_t)rest->n_lucky;
	return n < n_max ? n : n_max;
}

/* Not for each that goes, but when half of them have gone. */
bool
waiting_is_short(const struct manager *manager, const struct group *array)
{
	const struct rest *rest = model_rest(array);
	const struct line *line = rest->line;

	if (rest->n == 0 || line == NULL)
		return rest->n > 0;
	if (line->is_gang) /* after a restart: part of it has a record on disk */
		return true;
	return !line->is_ready && line->n <= ahead_of(manager, line, rest) / 2;
}

/* How many of its array may get a record in this question: decided at its first turn. */
static size_t
allow_records(const struct manager *manager, struct line *line)
{
	const struct rest *rest = model_rest(line->ready.first->group);

	if (rest == NULL || rest->n == 0)
		return 0;
	if (line->asked_in != manager->waiting.n_pulls) {
		size_t n = ahead_of(manager, line, rest);

		line->asked_in = manager->waiting.n_pulls;
		line->n_to_make = n > line->n ? n - line->n : 0;
	}
	return line->n_to_make < rest->n ? line->n_to_make : rest->n;
}

/* As many as the turn takes, and one that is ready for another turn. */
static void
make_for_turn(struct manager *manager, struct line *line, size_t n)
{
	struct group *group = line->ready.first->group;

	while (line->ready.n <= n && allow_records(manager, line) > 0) {
		line->n_to_make--;
		(void)arrays_make(manager, group, model_next_unmade(group, 0));
	}
}

/* ---- turns ---- */

/* How many are ready, those too that only lack a record; it stops counting at n_max. */
static size_t
count_ready(struct manager *manager, size_t n_max)
{
	size_t n = 0;

	for (size_t i = SPEC_PRIORITY_MAX + 1; i-- > 0;) {
		const struct share *share;
		struct line *line;

		DL_FOREACH (manager->waiting.levels[i].ready, share) {
			DL_FOREACH (share->ready, line) {
				n += line->ready.n;
				if (allow_records(manager, line) > 0)
					n += model_n_unmade(line->ready.first->group);
				if (n >= n_max)
					return n_max;
			}
		}
	}
	return n;
}

/*
 * While few wait, tasks of a turn: one. When very many do, who comes first matters less than
 * that neighbours stay together: in memory, and in messages that say each spec once.
 */
static size_t
turn_size(size_t n_ready)
{
	size_t n = n_ready / TURN_READY;

	return n < 1 ? 1 : n < TURN_MAX ? n : TURN_MAX;
}

/* One turn: n tasks at most, or a gang if there is room for all of it. 0: there is not. */
static size_t
take_turn(struct manager *manager, struct level *level, size_t n, struct task **ret_tasks,
	size_t n_max)
{
	struct share *share = level->ready;
	struct line *line = share->ready;

	gather_gang(manager, line);
	if (line->is_gang && line->ready.n > n_max)
		return 0;
	n = line->is_gang ? line->ready.n : n < n_max ? n : n_max;
	make_for_turn(manager, line, n);
	n = n < line->ready.n ? n : line->ready.n;
	/* Whose turn it was goes last; pulling may take both out of their rings. */
	DL_DELETE(share->ready, line);
	DL_APPEND(share->ready, line);
	DL_DELETE(level->ready, share);
	DL_APPEND(level->ready, share);
	return pull_from(&manager->waiting, line, ret_tasks, n);
}

size_t
waiting_pull(struct manager *manager, struct task **ret_tasks, size_t n_max)
{
	struct waiting *waiting = &manager->waiting;
	size_t n = 0, n_ready;

	waiting->asked_generation = waiting->generation;
	waiting->n_pulls++;
	n_ready = count_ready(manager, n_max + (size_t)TURN_MAX * TURN_READY);
	for (size_t i = SPEC_PRIORITY_MAX + 1; i-- > 0;) {
		struct level *level = &waiting->levels[i];

		while (level->ready != NULL && n < n_max) {
			size_t n_turn = turn_size(n_ready > n ? n_ready - n : 0);
			size_t n_taken =
				take_turn(manager, level, n_turn, ret_tasks + n, n_max - n);

			if (n_taken == 0)
				return n;
			n += n_taken;
		}
	}
	return n;
}

bool
waiting_is_asked(const struct task *task)
{
	return task->queue != NULL && task->queue->kind == QUEUE_ASKED;
}

void
waiting_unask(struct manager *manager)
{
	struct waiting *waiting = &manager->waiting;

	while (waiting->asked.first != NULL) {
		struct task *task = waiting->asked.first;

		waiting_make_ready(waiting, task, waiting_find_line(waiting, task));
	}
}
