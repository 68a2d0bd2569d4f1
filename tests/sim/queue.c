#include "tests/sim/queue.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/mem.h"

enum {
	QUEUE_SPAN_MS = 4096, /* of the ring */
	WORD_BITS = 64,
	N_WORDS = QUEUE_SPAN_MS / WORD_BITS,
	ENTRIES_PER_BLOCK = 256,
};

struct entry {
	struct sim_event event;
	struct entry *next;
};

struct block {
	struct block *next;
	struct entry entries[ENTRIES_PER_BLOCK];
};

/* In the heap: what was added earlier at the same time comes first. */
struct distant {
	struct sim_event event;
	uint64_t seq;
};

struct queue {
	uint64_t now_ms; /* the ring is from here on; what is in the heap lies behind it */
	size_t n_near, n_distant, room;
	uint64_t next_seq;
	struct distant *heap;
	struct entry *spare;
	struct block *blocks;
	uint64_t used[N_WORDS]; /* a bit for each list that is not empty */
	struct {
		struct entry *first, *last;
	} ring[QUEUE_SPAN_MS];
};

struct queue *
queue_new(uint64_t now_ms)
{
	struct queue *queue = xcalloc(1, sizeof *queue);

	queue->now_ms = now_ms;
	return queue;
}

void
queue_free(struct queue *queue)
{
	if (queue == NULL)
		return;
	while (queue->blocks != NULL) {
		struct block *block = queue->blocks;

		queue->blocks = block->next;
		free(block);
	}
	free(queue->heap);
	free(queue);
}

/* ---- the heap ---- */

static bool
is_before(const struct distant *a, const struct distant *b)
{
	return a->event.at_ms != b->event.at_ms ? a->event.at_ms < b->event.at_ms : a->seq < b->seq;
}

static void
add_distant(struct queue *queue, struct sim_event event)
{
	struct distant distant = {event, queue->next_seq++};
	size_t i = queue->n_distant++;

	if (queue->n_distant > queue->room) {
		queue->room = queue->room == 0 ? 256 : queue->room * 2;
		queue->heap = xrealloc(queue->heap, queue->room, sizeof *queue->heap);
	}
	for (; i > 0 && is_before(&distant, &queue->heap[(i - 1) / 2]); i = (i - 1) / 2)
		queue->heap[i] = queue->heap[(i - 1) / 2];
	queue->heap[i] = distant;
}

static struct sim_event
take_distant(struct queue *queue)
{
	struct distant first = queue->heap[0], last = queue->heap[--queue->n_distant];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= queue->n_distant)
			break;
		if (child + 1 < queue->n_distant &&
			is_before(&queue->heap[child + 1], &queue->heap[child]))
			child++;
		if (!is_before(&queue->heap[child], &last))
			break;
		queue->heap[i] = queue->heap[child];
		i = child;
	}
	if (queue->n_distant > 0)
		queue->heap[i] = last;
	return first.event;
}

/* ---- the ring ---- */

static struct entry *
take_spare(struct queue *queue)
{
	struct entry *entry = queue->spare;
	struct block *block;

	if (entry == NULL) {
		block = xcalloc(1, sizeof *block);
		block->next = queue->blocks;
		queue->blocks = block;
		for (size_t i = 0; i < ENTRIES_PER_BLOCK; i++) {
			block->entries[i].next = entry;
			entry = &block->entries[i];
		}
	}
	queue->spare = entry->next;
	return entry;
}

static void
add_near(struct queue *queue, struct sim_event event)
{
	size_t at = event.at_ms % QUEUE_SPAN_MS;
	struct entry *entry = take_spare(queue);

	*entry = (struct entry){event, NULL};
	if (queue->ring[at].first == NULL) {
		queue->ring[at].first = entry;
		queue->used[at / WORD_BITS] |= UINT64_C(1) << at % WORD_BITS;
	} else {
		queue->ring[at].last->next = entry;
	}
	queue->ring[at].last = entry;
	queue->n_near++;
}

/* The first place of the ring with something, from the present on and around; there is one. */
static size_t
first_used(const struct queue *queue)
{
	size_t from = queue->now_ms % QUEUE_SPAN_MS, word = from / WORD_BITS;
	uint64_t bits = queue->used[word] & UINT64_MAX << from % WORD_BITS;

	while (bits == 0) {
		word = (word + 1) % N_WORDS;
		bits = queue->used[word];
	}
	return word * WORD_BITS + (size_t)__builtin_ctzll(bits);
}

/* Before anything is added there: so what was added first comes first. */
static void
advance(struct queue *queue, uint64_t now_ms)
{
	queue->now_ms = now_ms;
	while (queue->n_distant > 0 && queue->heap[0].event.at_ms - now_ms < QUEUE_SPAN_MS)
		add_near(queue, take_distant(queue));
}

/* ---- both ---- */

void
queue_add(struct queue *queue, struct sim_event event)
{
	if (event.at_ms < queue->now_ms)
		event.at_ms = queue->now_ms;
	if (event.at_ms - queue->now_ms < QUEUE_SPAN_MS)
		add_near(queue, event);
	else
		add_distant(queue, event);
}

bool
queue_is_empty(const struct queue *queue)
{
	return queue->n_near == 0 && queue->n_distant == 0;
}

struct sim_event
queue_take(struct queue *queue)
{
	struct sim_event event;
	struct entry *entry;
	size_t at;

	assert(!queue_is_empty(queue));
	if (queue->n_near == 0)
		advance(queue, queue->heap[0].event.at_ms);
	at = first_used(queue);
	entry = queue->ring[at].first;
	event = entry->event;
	queue->ring[at].first = entry->next;
	if (entry->next == NULL)
		queue->used[at / WORD_BITS] &= ~(UINT64_C(1) << at % WORD_BITS);
	entry->next = queue->spare;
	queue->spare = entry;
	queue->n_near--;
	if (event.at_ms != queue->now_ms)
		advance(queue, event.at_ms);
	return event;
}
