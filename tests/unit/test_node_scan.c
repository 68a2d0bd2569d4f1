#include "services/scheduler/node_scan.h"

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

TEST(node_scan_finds_nothing_where_there_is_nothing)
{
	int32_t none[NODE_SCAN_BLOCK];

	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++)
		none[i] = -1;
	CHECK_EQ(node_scan_first(none, none, none, &(const struct node_scan_want){0}, 0),
		NODE_SCAN_BLOCK);
	CHECK_EQ(node_scan_most(none), -1);
}
