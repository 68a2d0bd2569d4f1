#include "services/scheduler/node_scan.h"

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

VECTORISED uint32_t
node_scan_first(const int32_t *restrict cpu, const int32_t *restrict memory,
	const int32_t *restrict disk, const struct node_scan_want *want, uint32_t from)
{
	const int32_t want_cpu = want->cpu, want_memory = want->memory, want_disk = want->disk;
	const int32_t first = (int32_t)from;
	int32_t best = NODE_SCAN_BLOCK;

	for (int32_t i = 0; i < NODE_SCAN_BLOCK; i++) {
		int32_t ok = (cpu[i] >= want_cpu) & (memory[i] >= want_memory) &
			     (disk[i] >= want_disk) & (i >= first);
		int32_t index = (i & -ok) | (NODE_SCAN_BLOCK & (ok - 1));

		best = index < best ? index : best;
	}
	return (uint32_t)best;
}

VECTORISED int32_t
node_scan_most(const int32_t *restrict column)
{
	int32_t most = -1;

	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++)
		most = column[i] > most ? column[i] : most;
	return most;
}

VECTORISED uint64_t
node_scan_best(const struct node_scan_rows *rows, const struct node_scan_want *want)
{
	const int32_t want_cpu = want->cpu, want_memory = want->memory, want_disk = want->disk;
	uint64_t measures[NODE_SCAN_BLOCK], measure = UINT64_MAX, rank = UINT64_MAX;

	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++) {
		int32_t ok = (rows->cpu[i] >= want_cpu) & (rows->memory[i] >= want_memory) &
			     (rows->disk[i] >= want_disk);

		measures[i] = rows->measure[i] | (uint64_t)(int64_t)(ok - 1);
		measure = measures[i] < measure ? measures[i] : measure;
	}
	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++) {
		uint64_t candidate = rows->rank[i] | -(uint64_t)(measures[i] != measure);

		rank = candidate < rank ? candidate : rank;
	}
	return measure == UINT64_MAX ? UINT64_MAX : rank;
}

VECTORISED uint64_t
node_scan_least(const uint64_t *column)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++)
		least = column[i] < least ? column[i] : least;
	return least;
}

VECTORISED uint32_t
node_scan_find(const uint64_t *column, uint64_t number)
{
	uint64_t at = 0;

	for (uint64_t i = 0; i < NODE_SCAN_BLOCK; i++)
		at |= i & -(uint64_t)(column[i] == number);
	return (uint32_t)at;
}

VECTORISED uint32_t
node_scan_count(const uint64_t *restrict measures, const uint64_t *restrict ranks, uint64_t measure,
	uint64_t rank)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++)
		n += (uint64_t)((measures[i] < measure) |
				((measures[i] == measure) & (ranks[i] <= rank)));
	return (uint32_t)n;
}
