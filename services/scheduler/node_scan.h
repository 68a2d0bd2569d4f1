/*
 * node_scan.h - the loops that look for room and for keys, made for vector code.
 *
 * Each goes over columns of 64 numbers without branches, so that the compiler makes vector
 * code of it: tests/unit/test_node_scan.c looks at what it made. A row that passes may
 * still be short by less than a MiB. Pure.
 */
#pragma once

#include <stdint.h>

enum { NODE_SCAN_BLOCK = 64 };

/*
 * Such loops are vectorised for the machine that runs them: one clone per instruction set,
 * chosen at load time. Sanitizers cannot instrument that choice.
 */
#if defined(__OPTIMIZE__) && defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define NODE_SCAN_VECTORISED \
	__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"), optimize("O3")))
#else
#define NODE_SCAN_VECTORISED
#endif

/* What is wanted of each column: millicores, MiB, MiB. */
struct node_scan_want {
	int32_t cpu, memory, disk;
};

/*
 * The first index from `from` on where all three columns have at least what is wanted, or
 * NODE_SCAN_BLOCK. The columns hold NODE_SCAN_BLOCK numbers each, -1 where there is nothing.
 */
uint32_t node_scan_first(const int32_t *cpu, const int32_t *memory, const int32_t *disk,
	const struct node_scan_want *want, uint32_t from);

/* The columns of rows in no order: what is free, and the two numbers that order them. */
struct node_scan_rows {
	int32_t cpu[NODE_SCAN_BLOCK], memory[NODE_SCAN_BLOCK], disk[NODE_SCAN_BLOCK];
	uint64_t measure[NODE_SCAN_BLOCK], rank[NODE_SCAN_BLOCK];
};

/* All bits of the number are set where the row has room, else none. */
void node_scan_room(const struct node_scan_rows *rows, const struct node_scan_want *want,
	uint32_t *ret_has_room);

/* The rank of the row with the least measure, then the least rank, of those with room, or
 * UINT64_MAX. */
uint64_t node_scan_best(const struct node_scan_rows *rows, const struct node_scan_want *want);

/* The least of NODE_SCAN_BLOCK pairs, by its second number; UINT64_MAX: no first one is less. */
uint64_t node_scan_pick(const uint64_t *measures, const uint64_t *ranks);

/*
 * Numbers that are ordered as the sums of two are, and UINT64_MAX where there is no room. No
 * sum is negative zero.
 */
void node_scan_keys(const double *points, const double *wishes, const uint32_t *has_room,
	uint64_t *ret_keys);

/* The greatest of NODE_SCAN_BLOCK numbers. */
int32_t node_scan_most(const int32_t *column);

/* The least of NODE_SCAN_BLOCK numbers. */
uint64_t node_scan_least(const uint64_t *column);

/* Where in the column the number is; 0 when it is nowhere. */
uint32_t node_scan_find(const uint64_t *column, uint64_t number);

/* How many of NODE_SCAN_BLOCK pairs are not greater than the one given. */
uint32_t node_scan_count(const uint64_t *measures, const uint64_t *ranks, uint64_t measure,
	uint64_t rank);
