#include "services/scheduler/node_scan.h"

#include "tests/unit/place_fixture.h"

enum { N_NODES = 200 };

static void
fill(struct node_table *table)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	char id[16];

	for (unsigned i = 0; i < N_NODES; i++) {
		(void)snprintf(id, sizeof id, "n%03u", i);
		fixture_node(fixture, id, 1000 + i * 37 % 101 * 10, (1 + i % 7) * GIB)->n_tasks =
			(i * 13) % 50;
	}
	node_table_init(table, 1000);
	node_table_update(table, fixture->request.nodes, N_NODES, NULL, 0);
}

TEST(node_scan_finds_the_least_key_of_every_block)
{
	CLEANUP(node_table_fini) struct node_table table;
	int32_t least[N_NODES / NODE_BLOCK + 1], allow[N_NODES + NODE_BLOCK] = {0};
	struct node_scan scan;

	fill(&table);
	scan = (struct node_scan){.columns = &table.columns,
		.n_blocks = table.room / NODE_BLOCK,
		.cpu = 1500,
		.memory = 3 << 10,
		.block_least = least};
	CHECK_EQ(scan.n_blocks, 4);
	for (unsigned round = 0; round < 2; round++) {
		int32_t all = node_scan_column(&scan, table.columns.n_tasks);
		int32_t want_all = NODE_SCAN_NOTHING;

		for (uint32_t block = 0; block < scan.n_blocks; block++) {
			int32_t want = NODE_SCAN_NOTHING;

			for (uint32_t row = block * 64; row < block * 64 + 64; row++) {
				if (node_scan_passes(&scan, row) &&
					table.columns.n_tasks[row] < want)
					want = table.columns.n_tasks[row];
			}
			CHECK_EQ(least[block], want);
			want_all = want < want_all ? want : want_all;
		}
		CHECK_EQ(all, want_all);
		for (unsigned row = 0; row < N_NODES; row += 3)
			allow[row] = 1;
		scan.allow = allow;
	}
}

TEST(node_scan_says_when_no_row_passes)
{
	CLEANUP(node_table_fini) struct node_table table;
	int32_t least[N_NODES / NODE_BLOCK + 1];
	struct node_scan scan;

	fill(&table);
	scan = (struct node_scan){.columns = &table.columns,
		.n_blocks = table.room / NODE_BLOCK,
		.cpu = 1 << 20,
		.block_least = least};
	CHECK_EQ(node_scan_column(&scan, table.columns.left), NODE_SCAN_NOTHING);
	CHECK_EQ(least[0], NODE_SCAN_NOTHING);
}

TEST(node_scan_never_lets_the_padding_through)
{
	CLEANUP(node_table_fini) struct node_table table;
	int32_t least[N_NODES / NODE_BLOCK + 1];
	struct node_scan scan;
	unsigned n = 0;

	fill(&table);
	scan = (struct node_scan){.columns = &table.columns,
		.n_blocks = table.room / NODE_BLOCK,
		.block_least = least};
	for (uint32_t row = 0; row < table.room; row++)
		n += node_scan_passes(&scan, row);
	CHECK_EQ(n, N_NODES);
}

TEST(node_scan_share_is_within_its_slack)
{
	CLEANUP(node_table_fini) struct node_table table;
	int32_t least[N_NODES / NODE_BLOCK + 1], keys[N_NODES + NODE_BLOCK];
	struct node_scan scan;

	fill(&table);
	scan = (struct node_scan){.columns = &table.columns,
		.n_blocks = table.room / NODE_BLOCK,
		.cpu = 777,
		.cpu_wanted = 777,
		.memory = 512,
		.memory_wanted = 512.0F * (1 << 20),
		.keys = keys,
		.block_least = least};
	(void)node_scan_share(&scan);
	for (uint32_t row = 0; row < table.n; row++) {
		const struct node *node = &table.nodes[row];
		double cpu = 777.0 / (double)node->cpu_milli;
		double memory = 512.0 * (1 << 20) / (double)node->memory_bytes;
		float exact = (float)(cpu > memory ? cpu : memory);
		int32_t bits;

		memcpy(&bits, &exact, sizeof bits);
		CHECK(keys[row] >= bits - NODE_SCAN_SHARE_SLACK / 2);
		CHECK(keys[row] <= bits + NODE_SCAN_SHARE_SLACK / 2);
	}
}
