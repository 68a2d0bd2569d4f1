#include "services/scheduler/node_scan.h"

#include <string.h>

/*
 * The loops are vectorised for the machine that runs them: one clone per
 * instruction set, chosen at load time. Sanitizers cannot instrument that choice.
 */
#if defined(__OPTIMIZE__) && defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define VECTORISED \
	__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"), optimize("O3")))
#else
#define VECTORISED
#endif

static inline int32_t
least(int32_t a, int32_t b)
{
	return a < b ? a : b;
}

/* The key where ok is 1, NOTHING where it is 0. A branch would keep the loops from being vectors.
 */
static inline int32_t
key_if(int32_t ok, int32_t key)
{
	return (key & -ok) | (NODE_SCAN_NOTHING & (ok - 1));
}

/* Positive floats are ordered as their bits are. */
static inline int32_t
float_bits(float value)
{
	int32_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits;
}

static inline int32_t
greater_share(float cpu_inverse, float cpu_wanted, float memory_inverse, float memory_wanted)
{
	int32_t cpu = float_bits(cpu_inverse * cpu_wanted);
	int32_t memory = float_bits(memory_inverse * memory_wanted);

	return cpu > memory ? cpu : memory;
}

VECTORISED static int32_t
column_all(const struct node_scan *scan, const int32_t *restrict key)
{
	const int32_t *restrict cpu = scan->columns->cpu;
	const int32_t *restrict memory = scan->columns->memory;
	const int32_t *restrict disk = scan->columns->disk;
	const int32_t want_cpu = scan->cpu, want_memory = scan->memory, want_disk = scan->disk;
	int32_t *restrict block_least = scan->block_least;
	int32_t all = NODE_SCAN_NOTHING;

	for (uint32_t block = 0; block < scan->n_blocks; block++) {
		int32_t best = NODE_SCAN_NOTHING;

		for (unsigned i = 0; i < NODE_BLOCK; i++) {
			int32_t ok = (cpu[i] >= want_cpu) & (memory[i] >= want_memory) &
				     (disk[i] >= want_disk);

			best = least(best, key_if(ok, key[i]));
		}
		block_least[block] = best;
		all = least(all, best);
		cpu += NODE_BLOCK, memory += NODE_BLOCK, disk += NODE_BLOCK, key += NODE_BLOCK;
	}
	return all;
}

VECTORISED static int32_t
column_allowed(const struct node_scan *scan, const int32_t *restrict key)
{
	const int32_t *restrict cpu = scan->columns->cpu;
	const int32_t *restrict memory = scan->columns->memory;
	const int32_t *restrict disk = scan->columns->disk;
	const int32_t *restrict allow = scan->allow;
	const int32_t want_cpu = scan->cpu, want_memory = scan->memory, want_disk = scan->disk;
	int32_t *restrict block_least = scan->block_least;
	int32_t all = NODE_SCAN_NOTHING;

	for (uint32_t block = 0; block < scan->n_blocks; block++) {
		int32_t best = NODE_SCAN_NOTHING;

		for (unsigned i = 0; i < NODE_BLOCK; i++) {
			int32_t ok = (cpu[i] >= want_cpu) & (memory[i] >= want_memory) &
				     (disk[i] >= want_disk) & allow[i];

			best = least(best, key_if(ok, key[i]));
		}
		block_least[block] = best;
		all = least(all, best);
		cpu += NODE_BLOCK, memory += NODE_BLOCK, disk += NODE_BLOCK, key += NODE_BLOCK;
		allow += NODE_BLOCK;
	}
	return all;
}

int32_t
node_scan_column(const struct node_scan *scan, const int32_t *key)
{
	return scan->allow == NULL ? column_all(scan, key) : column_allowed(scan, key);
}

VECTORISED static void
share_keys(const struct node_scan *scan, int32_t *restrict keys)
{
	const float *restrict cpu_inverse = scan->columns->cpu_inverse;
	const float *restrict memory_inverse = scan->columns->memory_inverse;
	const float cpu_wanted = scan->cpu_wanted, memory_wanted = scan->memory_wanted;

	for (uint32_t i = 0; i < scan->n_blocks * NODE_BLOCK; i++)
		keys[i] =
			greater_share(cpu_inverse[i], cpu_wanted, memory_inverse[i], memory_wanted);
}

int32_t
node_scan_share(const struct node_scan *scan)
{
	share_keys(scan, scan->keys);
	return node_scan_column(scan, scan->keys);
}
