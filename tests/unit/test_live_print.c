#include "services/monitor/live_print.h"

#include "tests/unit/live_fixture.h"

TEST(live_print_tells_a_task_event_in_one_line)
{
	CLEANUP(buf_fini) struct buf out = {0};
	Davit__Event event = DAVIT__EVENT__INIT;
	char name[] = "web", what[] = "failed", node[] = "n1", message[] = "it broke\nbadly";

	event.ts_ms = 1769860800000;
	event.kind = DAVIT__EVENT__KIND__TASK;
	event.task_name = name;
	event.what = what;
	event.node_name = node;
	event.has_exit_code = true;
	event.exit_code = 3;
	event.message = message;
	live_print_event(&event, &out);
	CHECK_STR(buf_text(&out),
		"2026-01-31T12:00:00Z task web failed on n1 with exit code 3: it broke badly\n");
}

TEST(live_print_tells_a_node_event_in_one_line)
{
	CLEANUP(buf_fini) struct buf out = {0};
	Davit__Event event = DAVIT__EVENT__INIT;
	char id[] = "0193", what[] = "unknown";

	event.ts_ms = 1769860800000;
	event.kind = DAVIT__EVENT__KIND__NODE;
	event.node_id = id;
	event.what = what;
	live_print_event(&event, &out);
	CHECK_STR(buf_text(&out), "2026-01-31T12:00:00Z node 0193 unknown\n");
}

TEST(live_print_survives_what_is_absent_or_absurd)
{
	CLEANUP(buf_fini) struct buf out = {0};
	Davit__Event event = DAVIT__EVENT__INIT;
	char message[701];

	live_print_event(&event, &out);
	CHECK_STR(buf_text(&out), "1970-01-01T00:00:00Z node ? ?\n");
	buf_reset(&out);
	event.ts_ms = UINT64_MAX;
	for (unsigned i = 0; i < 700; i += 2) /* two bytes each, shifted by one */
		memcpy(message + i, i == 0 ? "ab" : "\xc3\xa4", 2);
	message[700] = '\0';
	memmove(message + 1, message + 2, 699);
	event.message = message;
	live_print_event(&event, &out);
	CHECK_HAS(buf_text(&out), "node ? ?: a\xc3\xa4");
	CHECK_EQ(strlen(strstr(buf_text(&out), ": ")), 2 + 299 + 1); /* no half character */
}

TEST(live_print_sums_up_the_cluster)
{
	CLEANUP(buf_fini) struct buf out = {0};
	Davit__ClusterStats cluster = DAVIT__CLUSTER_STATS__INIT;
	Davit__Resources capacity = DAVIT__RESOURCES__INIT;
	struct live_figures figures = {0};

	live_print_summary(NULL, &figures, 1769860800000, &out);
	CHECK_STR(buf_text(&out), "2026-01-31T12:00:00Z cluster nothing heard yet\n");
	buf_reset(&out);
	cluster.nodes_ready = 2;
	cluster.nodes_total = 3;
	cluster.tasks_pending = 1;
	cluster.tasks_running = 5;
	cluster.tasks_failed = 2;
	cluster.cpu_milli = 1250;
	cluster.memory_bytes = 120 << 20;
	capacity.cpu_milli = 12000;
	capacity.memory_bytes = (uint64_t)24 << 30;
	cluster.capacity = &capacity;
	figures.n_stale = 1;
	figures.n_lost = 7;
	live_print_summary(&cluster, &figures, 1769860800000, &out);
	CHECK_STR(buf_text(&out),
		"2026-01-31T12:00:00Z cluster 2 of 3 nodes ready, 1 pending, 0 scheduled, 5 running, "
		"0 completed, 2 failed, cpu 1.25 of 12, memory 120MiB of 24GiB, 1 silent, 7 messages "
		"lost\n");
}
