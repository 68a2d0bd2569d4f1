/* A binary heap whose members know their place, so that what is no longer due can be taken out.
 * tested by tests/unit/test_engine_mem.c */
#include <assert.h>

#include "common/base/mem.h"
#include "common/docker/engine_mem_impl.h"

static bool
before(const struct mem_due *a, const struct mem_due *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->seq < b->seq;
}

static void
put(struct mem_heap *heap, size_t slot, struct mem_due *due)
{
	heap->slots[slot] = due;
	due->slot = slot;
}

static void
settle(struct mem_heap *heap, struct mem_due *due, size_t slot)
{
	while (slot > 1 && before(due, heap->slots[slot / 2])) {
		put(heap, slot, heap->slots[slot / 2]);
		slot /= 2;
	}
	while (slot * 2 <= heap->n) {
		size_t child = slot * 2;

		if (child < heap->n && before(heap->slots[child + 1], heap->slots[child]))
			child++;
		if (!before(heap->slots[child], due))
			break;
		put(heap, slot, heap->slots[child]);
		slot = child;
	}
	put(heap, slot, due);
}

void
engine_mem_heap_drop(struct mem_heap *heap, struct mem_due *due)
{
	size_t slot = due->slot;
	struct mem_due *last;

	if (slot == 0)
		return;
	assert(heap->slots[slot] == due);
	due->slot = 0;
	last = heap->slots[heap->n--];
	if (last != due)
		settle(heap, last, slot);
}

void
engine_mem_heap_set(struct mem_heap *heap, struct mem_due *due, uint64_t at_ms)
{
	engine_mem_heap_drop(heap, due);
	if (heap->n + 2 > heap->room) {
		heap->room = heap->room == 0 ? 64 : heap->room * 2;
		heap->slots = xrealloc(heap->slots, heap->room, sizeof *heap->slots);
	}
	due->at_ms = at_ms;
	due->seq = ++heap->seq;
	heap->n++;
	settle(heap, due, heap->n);
}

struct mem_due *
engine_mem_heap_first(const struct mem_heap *heap)
{
	return heap->n == 0 ? NULL : heap->slots[1];
}

void
engine_mem_heap_fini(struct mem_heap *heap)
{
	free(heap->slots);
	*heap = (struct mem_heap){0};
}
