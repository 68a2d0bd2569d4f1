#include "services/scheduler/node_scan.h"

NODE_SCAN_VECTORISED uint32_t
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

NODE_SCAN_VECTORISED int32_t
node_scan_most(const int32_t *restrict column)
{
	int32_t most = -1;

	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++)
		most = column[i] > most ? column[i] : most;
	return most;
}

NODE_SCAN_VECTORISED void
node_scan_room(const struct node_scan_rows *restrict rows, const struct node_scan_want *want,
	uint32_t *restrict ret_has_room)
{
	const int32_t want_cpu = want->cpu, want_memory = want->memory, want_disk = want->disk;

	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++) {
		int32_t ok = (rows->cpu[i] >= want_cpu) & (rows->memory[i] >= want_memory) &
			     (rows->disk[i] >= want_disk);

		ret_has_room[i] = (uint32_t)-ok;
	}
}

NODE_SCAN_VECTORISED uint64_t
node_scan_pick(const uint64_t *restrict measures, const uint64_t *restrict ranks)
{
	uint64_t measure = UINT64_MAX, rank = UINT64_MAX;

	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++)
		measure = measures[i] < measure ? measures[i] : measure;
	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++) {
		uint64_t candidate = ranks[i] | -(uint64_t)(measures[i] != measure);

		rank = candidate < rank ? candidate : rank;
	}
	return measure == UINT64_MAX ? UINT64_MAX : rank;
}

NODE_SCAN_VECTORISED uint64_t
node_scan_best(const struct node_scan_rows *rows, const struct node_scan_want *want)
{
	const int32_t want_cpu = want->cpu, want_memory = want->memory, want_disk = want->disk;
	uint64_t measures[NODE_SCAN_BLOCK];

	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++) {
		int32_t ok = (rows->cpu[i] >= want_cpu) & (rows->memory[i] >= want_memory) &
			     (rows->disk[i] >= want_disk);

		measures[i] = rows->measure[i] | (uint64_t)(int64_t)(ok - 1);
	}
	return node_scan_pick(measures, rows->rank);
}

NODE_SCAN_VECTORISED void
node_scan_keys(const double *restrict points, const double *restrict wishes,
	const uint32_t *restrict has_room, uint64_t *restrict ret_keys)
{
	const uint64_t sign = (uint64_t)1 << 63;

	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++) {
		double sum = points[i] + wishes[i];
		uint64_t bits;

		__builtin_memcpy(&bits, &sum, sizeof bits);
		/* Bits of numbers below zero are ordered the other way round. */
		bits ^= -(bits >> 63) | sign;
		ret_keys[i] = bits | ~(uint64_t)(int64_t)(int32_t)has_room[i];
	}
}

NODE_SCAN_VECTORISED uint64_t
node_scan_least(const uint64_t *column)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++)
		least = column[i] < least ? column[i] : least;
	return least;
}

NODE_SCAN_VECTORISED uint32_t
node_scan_find(const uint64_t *column, uint64_t number)
{
	uint64_t at = 0;

	for (uint64_t i = 0; i < NODE_SCAN_BLOCK; i++)
		at |= i & -(uint64_t)(column[i] == number);
	return (uint32_t)at;
}

NODE_SCAN_VECTORISED uint32_t
node_scan_count(const uint64_t *restrict measures, const uint64_t *restrict ranks, uint64_t measure,
	uint64_t rank)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++)
		n += (uint64_t)((measures[i] < measure) |
				((measures[i] == measure) & (ranks[i] <= rank)));
	return (uint32_t)n;
}
