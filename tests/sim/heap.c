/*
 * A heap for one thread: blocks of a size are kept in a list of that size and never joined.
 *
 * A simulated cluster packs and unpacks messages all the time, and spent a sixth of its time in the
 * C library's heap, which serves threads and gives memory back. Nobody includes this: it takes the
 * place of malloc and its kin in the program. Sanitizers bring their own.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

enum {
	ALIGN = 16,
	SMALL_MAX = 1024,                /* a list for each multiple of ALIGN up to that, … */
	N_SMALL = SMALL_MAX / ALIGN + 1, /* … */
	N_LARGE = 40,                    /* … and one for each power of two beyond */
	SLAB_SIZE = 4 << 20,             /* what is asked of the system at once */
};

/* In front of what the caller gets. */
struct head {
	size_t room; /* bytes that follow */
	union {
		struct head *next; /* while it is free */
		void *aligned;     /* of a block within another: where that begins */
	};
};

_Static_assert(sizeof(struct head) == ALIGN, "what follows is aligned, too");

static struct head *small[N_SMALL], *large[N_LARGE];
static char *slab, *slab_end;

static struct head *
carve(size_t room)
{
	size_t size = sizeof(struct head) + room, slab_size = size > SLAB_SIZE ? size : SLAB_SIZE;
	struct head *head;

	if ((size_t)(slab_end - slab) < size) {
		slab = mmap(NULL, slab_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
		if (slab == MAP_FAILED) {
			slab = slab_end = NULL;
			return NULL;
		}
		slab_end = slab + slab_size;
		(void)madvise(slab, slab_size, MADV_HUGEPAGE); /* fewer misses of the TLB */
	}
	head = (struct head *)(void *)slab;
	slab += size;
	head->room = room;
	return head;
}

static unsigned
power(size_t size)
{
	return 64 - (unsigned)__builtin_clzll(size - 1);
}

static struct head **
list_of(size_t room)
{
	return room <= SMALL_MAX ? &small[room / ALIGN] : &large[power(room)];
}

/* Not malloc by name: a compiler makes calloc of that and memset, and calloc is what is written
 * here. */
static void *
take(size_t size)
{
	struct head **list, *head;
	size_t room;

	if (size > (size_t)1 << (N_LARGE - 2)) {
		errno = ENOMEM;
		return NULL;
	}
	if (size <= SMALL_MAX)
		room = size == 0 ? ALIGN : (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	else
		room = (size_t)1 << power(size);
	list = list_of(room);
	head = *list;
	if (head != NULL)
		*list = head->next;
	else
		head = carve(room);
	if (head == NULL)
		return NULL;
	head->aligned = NULL;
	return head + 1;
}

void *
malloc(size_t size)
{
	return take(size);
}

void
free(void *block)
{
	struct head *head, **list;

	if (block == NULL)
		return;
	head = (struct head *)block - 1;
	if (head->aligned != NULL)
		head = (struct head *)head->aligned - 1;
	list = list_of(head->room);
	head->next = *list;
	*list = head;
}

void *
calloc(size_t n, size_t size)
{
	size_t total;
	void *block;

	if (__builtin_mul_overflow(n, size, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	block = take(total);
	return block == NULL ? NULL : memset(block, 0, total);
}

size_t
malloc_usable_size(void *block)
{
	return block == NULL ? 0 : ((struct head *)block - 1)->room;
}

void *
realloc(void *old, size_t size)
{
	size_t room = malloc_usable_size(old);
	void *block;

	if (old != NULL && size <= room)
		return old;
	block = take(size);
	if (block == NULL || old == NULL)
		return block;
	memcpy(block, old, room);
	free(old);
	return block;
}

void *
aligned_alloc(size_t align, size_t size)
{
	char *outer = take(size + align + sizeof(struct head));
	struct head *head;
	uintptr_t at;

	if (outer == NULL || align <= ALIGN)
		return outer;
	at = ((uintptr_t)outer + sizeof(struct head) + align - 1) & ~(uintptr_t)(align - 1);
	head = (struct head *)at - 1;
	head->room = size;
	head->aligned = outer;
	return head + 1;
}

void *
memalign(size_t align, size_t size)
{
	return aligned_alloc(align, size);
}

int
posix_memalign(void **ret_block, size_t align, size_t size)
{
	*ret_block = aligned_alloc(align, size);
	return *ret_block == NULL ? ENOMEM : 0;
}

#endif
