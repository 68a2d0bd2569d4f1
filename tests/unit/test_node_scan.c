#include "services/scheduler/node_scan.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "tests/lib/test.h"

static uint32_t
slow_first(const int32_t *cpu, const int32_t *memory, const int32_t *disk,
	const struct node_scan_want *want, uint32_t from)
{
	for (uint32_t i = from; i < NODE_SCAN_BLOCK; i++)
		if (cpu[i] >= want->cpu && memory[i] >= want->memory && disk[i] >= want->disk)
			return i;
	return NODE_SCAN_BLOCK;
}

TEST(node_scan_finds_what_a_plain_loop_finds)
{
	int32_t cpu[NODE_SCAN_BLOCK], memory[NODE_SCAN_BLOCK], disk[NODE_SCAN_BLOCK];
	uint32_t state = 1;

	for (unsigned round = 0; round < 2000; round++) {
		struct node_scan_want want = {.cpu = (int32_t)(round % 10),
			.memory = (int32_t)(round / 10 % 10),
			.disk = (int32_t)(round / 100 % 10)};
		int32_t most = -1;

		for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++) {
			state = state * 1664525 + 1013904223;
			cpu[i] = (int32_t)(state >> 16 & 15) - 1;
			memory[i] = (int32_t)(state >> 20 & 15) - 1;
			disk[i] = (int32_t)(state >> 24 & 15) - 1;
			most = cpu[i] > most ? cpu[i] : most;
		}
		CHECK_EQ(node_scan_most(cpu), most);
		CHECK_EQ(node_scan_first(cpu, memory, disk, &want, round % 65),
			slow_first(cpu, memory, disk, &want, round % 65));
	}
}

static uint64_t
slow_best(const struct node_scan_rows *rows, const struct node_scan_want *want)
{
	uint64_t measure = UINT64_MAX, rank = UINT64_MAX;

	for (uint32_t i = 0; i < NODE_SCAN_BLOCK; i++) {
		if (rows->cpu[i] < want->cpu || rows->memory[i] < want->memory ||
			rows->disk[i] < want->disk || rows->measure[i] > measure ||
			(rows->measure[i] == measure && rows->rank[i] > rank))
			continue;
		measure = rows->measure[i];
		rank = rows->rank[i];
	}
	return rank;
}

/* The order of the keys is the order of the sums, and without room there is no order. */
static void
check_keys(const struct node_scan_rows *rows, const struct node_scan_want *want)
{
	double points[NODE_SCAN_BLOCK], wishes[NODE_SCAN_BLOCK];
	uint32_t has_room[NODE_SCAN_BLOCK], best = NODE_SCAN_BLOCK;
	uint64_t keys[NODE_SCAN_BLOCK];

	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++) {
		points[i] = (double)(rows->measure[i] % 16) / 16;
		wishes[i] = (double)rows->cpu[i] - 8; /* below zero, too */
	}
	node_scan_room(rows, want, has_room);
	node_scan_keys(points, wishes, has_room, keys);
	for (uint32_t i = 0; i < NODE_SCAN_BLOCK; i++) {
		bool ok = rows->cpu[i] >= want->cpu && rows->memory[i] >= want->memory &&
			  rows->disk[i] >= want->disk;
		double sum = points[i] + wishes[i];

		CHECK(has_room[i] == (ok ? UINT32_MAX : 0) && ok == (keys[i] != UINT64_MAX));
		if (ok && (best == NODE_SCAN_BLOCK || sum < points[best] + wishes[best] ||
				  (sum == points[best] + wishes[best] &&
					  rows->rank[i] < rows->rank[best])))
			best = i;
	}
	CHECK(node_scan_pick(keys, rows->rank) ==
		(best == NODE_SCAN_BLOCK ? UINT64_MAX : rows->rank[best]));
}

TEST(node_scan_finds_the_key_that_a_plain_loop_finds)
{
	struct node_scan_rows rows;
	uint32_t state = 1;

	for (unsigned round = 0; round < 2000; round++) {
		struct node_scan_want want = {.cpu = (int32_t)(round % 13), .memory = 3, .disk = 3};
		uint64_t measure = round % 9, least = UINT64_MAX;
		uint32_t n = 0;

		for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++) {
			state = state * 1664525 + 1013904223;
			rows.cpu[i] = (int32_t)(state >> 16 & 15) - 1;
			rows.memory[i] = (int32_t)(state >> 20 & 15) - 1;
			rows.disk[i] = (int32_t)(state >> 24 & 15) - 1;
			/* Beyond what is positive as a signed number, too. */
			rows.measure[i] = (state >> 28) + (round % 2 == 0 ? 0 : (uint64_t)7 << 61);
			rows.rank[i] =
				(uint64_t)(state >> 26 & 7) << 32 | (i * 7 % NODE_SCAN_BLOCK);
			least = rows.rank[i] < least ? rows.rank[i] : least;
			n += rows.measure[i] < measure ||
			     (rows.measure[i] == measure && rows.rank[i] <= rows.rank[0]);
		}
		CHECK(node_scan_best(&rows, &want) == slow_best(&rows, &want));
		check_keys(&rows, &want);
		CHECK(node_scan_least(rows.rank) == least);
		CHECK_EQ(node_scan_find(rows.rank, rows.rank[round % NODE_SCAN_BLOCK]),
			round % NODE_SCAN_BLOCK);
		CHECK_EQ(node_scan_count(rows.measure, rows.rank, measure, rows.rank[0]), n);
	}
}

TEST(node_scan_finds_nothing_where_there_is_nothing)
{
	int32_t none[NODE_SCAN_BLOCK];

	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++)
		none[i] = -1;
	CHECK_EQ(node_scan_first(none, none, none, &(const struct node_scan_want){0}, 0),
		NODE_SCAN_BLOCK);
	CHECK_EQ(node_scan_most(none), -1);
}

/* "vpmaxsd …%ymm" between a function's name and the next one: the compiler made vectors of its
 * loop. */
static bool
is_vector_code(const char *assembly, const char *function, const char *sign)
{
	const char *begin = strstr(assembly, function), *end, *found;

	if (begin == NULL)
		return false;
	end = strstr(begin, ".cfi_endproc");
	found = strstr(begin, sign);
	return found != NULL && end != NULL && found < end;
}

/* As it is compiled for release: optimised, and without the instruments of this test's mode. */
TEST(node_scan_is_vector_code_in_release)
{
#ifdef __x86_64__
	static const char command[] = "gcc -I. -std=c11 -O2 -S -o - services/scheduler/node_scan.c";
	static const struct {
		const char *name;
		bool is_narrow; /* the oldest machines compare vectors of 32 bits, not of 64 */
	} functions[] = {
		{"node_scan_first", true},
		{"node_scan_most", true},
		{"node_scan_room", true},
		{"node_scan_best", false},
		{"node_scan_pick", false},
		{"node_scan_keys", false},
		{"node_scan_least", false},
		{"node_scan_find", false},
		{"node_scan_count", false},
	};
	CLEANUP(buf_fini) struct buf assembly = {0};
	FILE *pipe = popen(command, "r");
	size_t n;

	CHECK(pipe != NULL);
	do {
		n = fread(buf_reserve(&assembly, 4096), 1, 4096, pipe);
		assembly.size += n;
	} while (n > 0);
	CHECK_EQ(pclose(pipe), 0);
	for (unsigned i = 0; i < sizeof functions / sizeof functions[0]; i++) {
		char name[64];

		(void)snprintf(name, sizeof name, "\n%s.arch_x86_64_v4", functions[i].name);
		CHECK(is_vector_code(buf_text(&assembly), name, "%zmm") ||
			is_vector_code(buf_text(&assembly), name, "%ymm"));
		(void)snprintf(name, sizeof name, "\n%s.avx2", functions[i].name);
		CHECK(is_vector_code(buf_text(&assembly), name, "%ymm"));
		(void)snprintf(name, sizeof name, "\n%s.default", functions[i].name);
		CHECK(!functions[i].is_narrow ||
			is_vector_code(buf_text(&assembly), name, "pcmpgtd"));
	}
#endif
}
