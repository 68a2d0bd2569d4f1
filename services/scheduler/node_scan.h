/*
 * node_scan.h - the loop that looks for room, made for vector code.
 *
 * It compares columns of 32-bit numbers, 64 of each, without branches, so that the
 * compiler makes vector code of it: tests/unit/test_node_scan.c looks at what it
 * made. A row that passes may still be short by less than a MiB. Pure.
 */
#pragma once

#include <stdint.h>

enum { NODE_SCAN_BLOCK = 64 };

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

/* The greatest of NODE_SCAN_BLOCK numbers. */
int32_t node_scan_most(const int32_t *column);
