#include "services/manager/waiting.h"

#include <assert.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/model/limits.h"
#include "common/model/spec.h"
#include "common/rpc/unpack.h"
#include "services/manager/holds.h"
#include "services/manager/placing.h"
#include "services/manager/waiting_impl.h"

void
waiting_init(struct waiting *waiting)
{
	*waiting = (struct waiting){.levels = xcalloc(SPEC_PRIORITY_MAX + 1, sizeof(struct level)),
		.asked.kind = QUEUE_ASKED,
		.claimed.kind = QUEUE_CLAIMED};
}

void
waiting_fini(struct waiting *waiting)
{
	struct bucket *bucket, *next_bucket;
	struct line *line, *next_line;
	struct share *share, *next_share;

	HASH_ITER(hh, waiting->buckets, bucket, next_bucket)
	{
		HASH_DEL(waiting->buckets, bucket);
		free(bucket);
	}
	HASH_ITER(hh, waiting->lines, line, next_line)
	{
		HASH_DEL(waiting->lines, line);
		free(line);
	}
	HASH_ITER(hh, waiting->shares, share, next_share)
	{
		HASH_DEL(waiting->shares, share);
		free(share);
	}
	free(waiting->levels);
	*waiting = (struct waiting){0};
}

static const Davit__TaskSpec *
spec_of(const struct task *task)
{
	return task->group->spec->spec;
}

/* ---- lines ---- */

static uint64_t
hash_text(const char *text)
{
	return rpc_hash_bytes(0, text, strlen(text));
}

static struct share *
find_share(const struct waiting *waiting, const struct group *group)
{
	const Davit__TaskSpec *spec = group->spec->spec;
	struct share_key key = {hash_text(spec->namespace_), spec_priority(spec)};
	struct share *share;

	HASH_FIND(hh, waiting->shares, &key, sizeof key, share);
	return share;
}

static struct line *
find_line(const struct waiting *waiting, const struct group *group)
{
	const struct rest *rest = model_rest(group);
	struct line_key key = {0};
	struct line *line;

	if (rest != NULL)
		return rest->line;
	key.share = find_share(waiting, group);
	if (key.share == NULL)
		return NULL;
	HASH_FIND(hh, waiting->lines, &key, sizeof key, line);
	return line;
}

struct line *
waiting_find_line(const struct waiting *waiting, const struct task *task)
{
	return find_line(waiting, task->group);
}

/* Who comes new is behind those that wait: as if served just now. */
static struct line *
get_line(struct waiting *waiting, const struct task *task)
{
	static const struct id none = {0};
	struct line *line = waiting_find_line(waiting, task);
	struct rest *rest = model_rest(task->group);
	struct share *share;

	if (line != NULL)
		return line;
	share = find_share(waiting, task->group);
	if (share == NULL) {
		share = xcalloc(1, sizeof *share);
		share->key = (struct share_key){hash_text(spec_of(task)->namespace_),
			spec_priority(spec_of(task))};
		share->served = waiting->n_served;
		waiting->levels[share->key.priority].n_shares++;
		HASH_ADD(hh, waiting->shares, key, sizeof share->key, share);
	}
	line = xcalloc(1, sizeof *line);
	line->key = (struct line_key){share, rest != NULL ? task->group->id : none, 0};
	line->ready.kind = QUEUE_READY;
	line->served = waiting->n_served;
	line->is_gang = task->group->count > 1 && placing_is_gang(spec_of(task));
	share->n_lines++;
	if (rest != NULL)
		rest->line = line;
	HASH_ADD(hh, waiting->lines, key, sizeof line->key, line);
	return line;
}

static struct line *
line_of_ready(struct task_queue *queue)
{
	return (struct line *)(void *)((char *)queue - offsetof(struct line, ready));
}

static struct bucket *
bucket_of(struct task_queue *queue)
{
	return (struct bucket *)(void *)((char *)queue - offsetof(struct bucket, tasks));
}

static struct line *
line_of(const struct waiting *waiting, const struct task *task)
{
	switch (task->queue->kind) {
	case QUEUE_READY:
		return line_of_ready(task->queue);
	case QUEUE_BLOCKED:
		return bucket_of(task->queue)->key.line;
	default:
		return waiting_find_line(waiting, task);
	}
}

static bool
is_older(const struct task *a, const struct task *b)
{
	if (a->group->seq != b->group->seq)
		return a->group->seq < b->group->seq;
	return a->index < b->index;
}

/* By age. Who comes back is near the front, who comes new near the end: look from both. */
static void
put_by_age(struct task *task, struct task_queue *queue)
{
	struct task *front = queue->first, *back = queue->last;

	while (back != NULL && is_older(task, back)) {
		if (is_older(task, front)) {
			back = front->queue_prev;
			break;
		}
		back = back->queue_prev;
		front = front->queue_next;
	}
	model_queue_put(task, queue, back);
}

/* ---- turns ---- */

/* Who was served longer ago is before. */
#define TURN_INSERT(head, item)                                                \
	do {                                                                   \
		__typeof__(item) last_ = (head) == NULL ? NULL : (head)->prev; \
		while (last_ != NULL && last_->served > (item)->served)        \
			last_ = last_ == (head) ? NULL : last_->prev;          \
		if (last_ != NULL)                                             \
			DL_APPEND_ELEM(head, last_, item);                     \
		else                                                           \
			DL_PREPEND(head, item);                                \
	} while (0)

static void
begin_turns(struct waiting *waiting, struct line *line)
{
	struct share *share = line->key.share;
	struct level *level = waiting_level(waiting, line);

	if (!line->is_ready)
		TURN_INSERT(share->ready, line);
	line->is_ready = true;
	if (!share->is_ready)
		TURN_INSERT(level->ready, share);
	share->is_ready = true;
}

static void
end_turns(struct waiting *waiting, struct line *line)
{
	struct share *share = line->key.share;

	if (line->is_ready)
		DL_DELETE(share->ready, line);
	line->is_ready = false;
	if (share->is_ready && share->ready == NULL) {
		DL_DELETE(waiting_level(waiting, line)->ready, share);
		share->is_ready = false;
	}
}

static void
set_causes(struct waiting *waiting, struct bucket *bucket, unsigned causes)
{
	unsigned gained = causes & ~bucket->causes, lost = bucket->causes & ~causes;

	if ((gained & WAITING_NEIGHBOUR) != 0)
		DL_APPEND2(waiting->neighbours, bucket, n_prev, n_next);
	if ((lost & WAITING_NEIGHBOUR) != 0)
		DL_DELETE2(waiting->neighbours, bucket, n_prev, n_next);
	waiting->n_again += (gained & WAITING_AGAIN) != 0;
	waiting->n_again -= (lost & WAITING_AGAIN) != 0;
	bucket->causes = causes;
}

static void
free_bucket(struct waiting *waiting, struct bucket *bucket)
{
	assert(bucket->tasks.n == 0);
	set_causes(waiting, bucket, 0);
	DL_DELETE(waiting_level(waiting, bucket->key.line)->buckets, bucket);
	HASH_DEL(waiting->buckets, bucket);
	free(bucket);
}

void
waiting_leave_queue(struct waiting *waiting, struct task *task)
{
	struct task_queue *queue = task->queue;

	if (queue == NULL)
		return;
	model_queue_leave(task);
	if (queue->kind == QUEUE_READY) {
		waiting->n_ready--;
		if (queue->n == 0)
			end_turns(waiting, line_of_ready(queue));
	} else if (queue->kind == QUEUE_BLOCKED) {
		waiting->n_blocked--;
		if (queue->n == 0)
			free_bucket(waiting, bucket_of(queue));
	}
}

void
waiting_make_ready(struct waiting *waiting, struct task *task, struct line *line)
{
	waiting_leave_queue(waiting, task);
	put_by_age(task, &line->ready);
	waiting->n_ready++;
	begin_turns(waiting, line);
}

/* ---- coming and going ---- */

void
waiting_add(struct manager *manager, struct task *task)
{
	struct waiting *waiting = &manager->waiting;
	struct line *line = get_line(waiting, task);

	line->n++;
	waiting_make_ready(waiting, task, line);
}

void
waiting_leave(struct manager *manager, struct task *task)
{
	struct waiting *waiting = &manager->waiting;
	struct line *line = line_of(waiting, task);
	struct share *share = line->key.share;

	waiting_leave_queue(waiting, task);
	waiting->is_hungry |= model_n_unmade(task->group) > 0;
	if (--line->n > 0)
		return;
	assert(!line->is_ready);
	if (model_rest(task->group) != NULL)
		model_rest(task->group)->line = NULL;
	HASH_DEL(waiting->lines, line);
	free(line);
	if (--share->n_lines > 0)
		return;
	waiting->levels[share->key.priority].n_shares--;
	HASH_DEL(waiting->shares, share);
	free(share);
}

/* ---- claimed ---- */

void
waiting_claim(struct manager *manager, struct task *task)
{
	waiting_leave_queue(&manager->waiting, task);
	model_queue_put(task, &manager->waiting.claimed, manager->waiting.claimed.last);
}

bool
waiting_is_claimed(const struct task *task)
{
	return task->queue != NULL && task->queue->kind == QUEUE_CLAIMED;
}

void
waiting_unclaim(struct manager *manager, struct task *task)
{
	waiting_make_ready(&manager->waiting, task, waiting_find_line(&manager->waiting, task));
}

/* ---- blocked ---- */

/* Equal for tasks of a line of which either all fit somewhere or none does. */
static uint64_t
shape_of(const struct task *task)
{
	const Davit__TaskSpec *spec = spec_of(task);
	Davit__TaskSpec shape = DAVIT__TASK_SPEC__INIT;

	if (task->group->count > 1)
		return 0; /* an array's line has one spec only */
	shape.has_cpu_milli = shape.has_memory_bytes = shape.has_disk_bytes = true;
	shape.cpu_milli = spec->cpu_milli;
	shape.memory_bytes = spec->memory_bytes;
	shape.disk_bytes = spec->disk_bytes;
	shape.has_gpus = shape.has_max_per_node = true;
	shape.gpus = spec->gpus;
	shape.max_per_node = spec->max_per_node;
#define COPY(field) shape.n_##field = spec->n_##field, shape.field = spec->field
	COPY(device_requests);
	COPY(ports);
	COPY(labels);
	COPY(constraints);
	COPY(affinities);
	COPY(tolerations);
#undef COPY
	shape.platform = spec->platform;
	return rpc_hash_message(spec->max_per_node > 0 ? hash_text(task->group->spec->id) : 0,
		&shape.base);
}

struct bucket *
waiting_find_bucket(struct manager *manager, const struct task *task)
{
	struct bucket_key key = {waiting_find_line(&manager->waiting, task), 0};
	struct bucket *bucket;

	key.shape = shape_of(task);
	HASH_FIND(hh, manager->waiting.buckets, &key, sizeof key, bucket);
	return bucket;
}

static struct bucket *
add_bucket(struct manager *manager, const struct task *task, struct line *line)
{
	struct waiting *waiting = &manager->waiting;
	struct bucket *bucket = xcalloc(1, sizeof *bucket);
	struct level *level = waiting_level(waiting, line);

	bucket->key = (struct bucket_key){line, shape_of(task)};
	bucket->tasks.kind = QUEUE_BLOCKED;
	(void)holds_wants(&manager->model.kinds, spec_of(task), &bucket->want);
	bucket->generation = waiting->asked_generation;
	HASH_ADD(hh, waiting->buckets, key, sizeof bucket->key, bucket);
	DL_APPEND(level->buckets, bucket);
	return bucket;
}

void
waiting_block(struct manager *manager, struct task *task, unsigned causes)
{
	struct waiting *waiting = &manager->waiting;
	struct line *line = line_of(waiting, task);
	struct bucket *bucket = waiting_find_bucket(manager, task);

	waiting_leave_queue(waiting, task);
	if (bucket == NULL)
		bucket = add_bucket(manager, task, line);
	set_causes(waiting, bucket, causes);
	put_by_age(task, &bucket->tasks);
	waiting->n_blocked++;
	if (model_rest(task->group) != NULL)
		model_rest(task->group)->n_lucky /= 2;
}

void
waiting_unblock(struct manager *manager, struct bucket *bucket, size_t n)
{
	struct line *line = bucket->key.line;
	bool is_last = n >= bucket->tasks.n;

	for (size_t left = is_last ? bucket->tasks.n : n; left > 0; left--)
		waiting_make_ready(&manager->waiting, bucket->tasks.first, line);
}

/* ---- all of them ---- */

static void
visit_queue(struct manager *manager, struct task_queue *queue, waiting_fn *visit)
{
	size_t n = queue->n; /* the queue may be gone with its last */
	struct task *task = queue->first;

	for (; n > 0; n--) {
		struct task *next = task->queue_next;

		visit(manager, task);
		task = next;
	}
}

void
waiting_each_ready(struct manager *manager, waiting_fn *visit)
{
	struct line *line, *next;

	HASH_ITER(hh, manager->waiting.lines, line, next)
	visit_queue(manager, &line->ready, visit);
}

void
waiting_each(struct manager *manager, waiting_fn *visit)
{
	struct bucket *bucket, *next;

	HASH_ITER(hh, manager->waiting.buckets, bucket, next)
	visit_queue(manager, &bucket->tasks, visit);
	waiting_each_ready(manager, visit);
	visit_queue(manager, &manager->waiting.asked, visit);
	visit_queue(manager, &manager->waiting.claimed, visit);
}

size_t
waiting_count_all(const struct waiting *waiting)
{
	return waiting->n_ready + waiting->n_blocked + waiting->asked.n + waiting->claimed.n;
}

size_t
waiting_count(const struct waiting *waiting, const struct group *array)
{
	const struct line *line = find_line(waiting, array);

	return line == NULL ? 0 : line->n;
}

static const struct task *
first_of(const struct task_queue *queue, const struct group *array)
{
	const struct task *task = queue->first;

	while (task != NULL && task->group != array)
		task = task->queue_next;
	return task;
}

const char *
waiting_says(const struct waiting *waiting, const struct group *array)
{
	struct bucket_key key = {find_line(waiting, array), 0}; /* an array has one shape */
	const struct task *task = array->last_task;
	const struct bucket *bucket;

	HASH_FIND(hh, waiting->buckets, &key, sizeof key, bucket);
	if (bucket != NULL)
		task = bucket->tasks.first;
	else if (key.line != NULL && key.line->ready.first != NULL)
		task = key.line->ready.first;
	else if (task == NULL || task->state != TASK_PENDING) /* a later one went first */
		task = first_of(&waiting->claimed, array);
	if (task == NULL)
		task = first_of(&waiting->asked, array);
	return task == NULL || task->state != TASK_PENDING ? NULL : task->message;
}
