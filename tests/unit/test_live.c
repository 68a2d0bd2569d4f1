#include "services/monitor/live.h"

#include "tests/unit/live_fixture.h"

static uint64_t
n_lost(const struct live *live)
{
	struct live_figures figures;

	live_figures(live, 0, &figures);
	return figures.n_lost;
}

TEST(live_shows_nothing_before_it_heard_anything)
{
	CLEANUP(live_free) struct live *live = live_new();

	CHECK_EQ(live_version(live), 0);
	CHECK(live_last_event(live) == NULL);
	CHECK(live_cluster(live) == NULL);
	CHECK_EQ(live_view(live, 0, 7)->ts_ms, 7);
}

TEST(live_keeps_the_latest_of_every_node)
{
	CLEANUP(live_free) struct live *live = live_new();
	const Davit__GetViewReply *view;

	CHECK_EQ(live_send_node(live, "b", 1, 1, 0), LIVE_FRAME_NODE);
	CHECK_EQ(live_send_node(live, "a", 1, 1, 0), LIVE_FRAME_NODE);
	CHECK_EQ(live_send_node(live, "b", 1, 2, 0), LIVE_FRAME_NODE);
	view = live_view(live, 0, 0);
	CHECK_EQ(view->n_nodes, 2);
	CHECK_STR(view->nodes[0]->node_id, "a");
	CHECK_STR(view->nodes[1]->node_id, "b");
	CHECK_EQ(view->nodes[1]->seq, 2);
	CHECK_EQ(view->version, 3);
}

TEST(live_counts_gaps_but_not_beginnings)
{
	CLEANUP(live_free) struct live *live = live_new();

	(void)live_send_event(live, 100, "running"); /* joined late: nothing was lost */
	(void)live_send_event(live, 101, "running");
	CHECK_EQ(n_lost(live), 0);
	CHECK(!live_has_gap(live));
	(void)live_send_event(live, 105, "running");
	CHECK_EQ(n_lost(live), 3);
	CHECK(live_has_gap(live));
	live_gap_done(live);
	CHECK(!live_has_gap(live));
	(void)live_send_event(live, 1, "running"); /* the manager started anew */
	(void)live_send_event(live, 2, "running");
	CHECK_EQ(n_lost(live), 3);
	(void)live_send_node(live, "a", 1, 10, 0);
	(void)live_send_node(live, "a", 1, 12, 0);
	CHECK_EQ(n_lost(live), 4);
	(void)live_send_node(live, "a", 2, 40, 0); /* another session counts anew */
	CHECK_EQ(n_lost(live), 4);
}

TEST(live_counts_each_feed_for_itself)
{
	CLEANUP(live_free) struct live *live = live_new();
	Davit__ClusterStats stats = DAVIT__CLUSTER_STATS__INIT;

	stats.has_seq = stats.has_tasks_running = true;
	for (unsigned i = 0; i < 4; i++) {
		stats.tasks_running = i;
		stats.seq = 10 + i / 2 + i % 2 * 500;
		CHECK_EQ(live_send(live, i % 2, "stats.cluster", &stats.base, 0),
			LIVE_FRAME_CLUSTER);
	}
	CHECK_EQ(n_lost(live), 0);
	CHECK_EQ(live_cluster(live)->tasks_running, 2 + 3); /* and shows their sums */
}

TEST(live_shows_silent_nodes_as_stale_and_then_not_at_all)
{
	CLEANUP(live_free) struct live *live = live_new();
	const Davit__GetViewReply *view;
	struct live_figures figures;
	uint64_t version;

	(void)live_send_node(live, "a", 1, 1, 1000);
	(void)live_send_node(live, "b", 1, 1, 1000);
	(void)live_send_node(live, "b", 1, 2, 2000);
	view = live_view(live, 1000 + LIVE_STALE_MS - 1, 0);
	CHECK_EQ(view->n_stale_nodes, 0);
	view = live_view(live, 1000 + LIVE_STALE_MS, 0);
	CHECK_EQ(view->n_stale_nodes, 1);
	CHECK_STR(view->stale_nodes[0], "a");
	live_figures(live, 1000 + LIVE_STALE_MS, &figures);
	CHECK_EQ(figures.n_stale, 1);
	version = live_version(live);
	live_tick(live, 1000 + LIVE_DROP_MS - 1);
	CHECK_EQ(live_version(live), version);
	live_tick(live, 1000 + LIVE_DROP_MS);
	CHECK(live_version(live) > version);
	view = live_view(live, 1000 + LIVE_DROP_MS, 0);
	CHECK_EQ(view->n_nodes, 1);
	CHECK_STR(view->nodes[0]->node_id, "b");
}

TEST(live_forgets_a_node_that_was_removed)
{
	CLEANUP(live_free) struct live *live = live_new();
	Davit__Event event = DAVIT__EVENT__INIT;
	char what[] = "removed", id[] = "a";

	(void)live_send_node(live, "a", 1, 1, 0);
	event.has_kind = true;
	event.kind = DAVIT__EVENT__KIND__NODE;
	event.what = what;
	event.node_id = id;
	CHECK_EQ(live_send(live, 0, "event.node.removed.a", &event.base, 0), LIVE_FRAME_EVENT);
	CHECK_EQ(live_view(live, 0, 0)->n_nodes, 0);
}

TEST(live_keeps_the_last_events_oldest_first)
{
	CLEANUP(live_free) struct live *live = live_new();
	const Davit__GetViewReply *view;

	for (uint64_t i = 1; i <= LIVE_EVENTS_MAX + 10; i++)
		CHECK_EQ(live_send_event(live, i, "running"), LIVE_FRAME_EVENT);
	view = live_view(live, 0, 0);
	CHECK_EQ(view->n_events, LIVE_EVENTS_MAX);
	CHECK_EQ(view->events[0]->seq, 11);
	CHECK_EQ(view->events[LIVE_EVENTS_MAX - 1]->seq, LIVE_EVENTS_MAX + 10);
	CHECK_EQ(live_last_event(live)->seq, LIVE_EVENTS_MAX + 10);
}

TEST(live_counts_what_it_cannot_read)
{
	CLEANUP(live_free) struct live *live = live_new();
	struct live_figures figures;
	char long_id[LIVE_ID_MAX + 2];

	CHECK_EQ(live_take_frame(live, 0, "event.task.x.y", "\xff\xff", 2, 0), LIVE_FRAME_BAD);
	CHECK_EQ(live_send_node(live, "", 1, 1, 0), LIVE_FRAME_BAD);
	(void)memset(long_id, 'x', sizeof long_id);
	long_id[LIVE_ID_MAX + 1] = '\0';
	CHECK_EQ(live_send_node(live, long_id, 1, 1, 0), LIVE_FRAME_BAD);
	long_id[LIVE_ID_MAX] = '\0';
	CHECK_EQ(live_send_node(live, long_id, 1, 1, 0), LIVE_FRAME_NODE);
	CHECK_EQ(live_take_frame(live, 0, "weather.today", "", 0, 0), LIVE_FRAME_NONE);
	live_figures(live, 0, &figures);
	CHECK_EQ(figures.n_bad, 3);
	CHECK_EQ(figures.n_frames, 4);
	CHECK_EQ(live_version(live), 1);
}

static enum live_frame
send_heavy_node(struct live *live, const char *id, size_t size)
{
	Davit__NodeStats stats = DAVIT__NODE_STATS__INIT;
	CLEANUP(free) char *name = xcalloc(1, size + 1);
	char text[32];

	(void)memset(name, 'n', size);
	(void)snprintf(text, sizeof text, "%s", id);
	stats.node_id = text;
	stats.node_name = name;
	return live_send(live, 0, "stats.node.n", &stats.base, 0);
}

TEST(live_bounds_the_bytes_of_all_nodes)
{
	CLEANUP(live_free) struct live *live = live_new();
	const size_t heavy = 1000000;
	struct live_figures figures;
	char id[32];

	for (unsigned i = 0; i < LIVE_NODE_BYTES_MAX / heavy; i++) {
		(void)snprintf(id, sizeof id, "n%u", i);
		CHECK_EQ(send_heavy_node(live, id, heavy), LIVE_FRAME_NODE);
	}
	CHECK_EQ(send_heavy_node(live, "more", heavy), LIVE_FRAME_FULL);
	CHECK_EQ(send_heavy_node(live, "n0", 10), LIVE_FRAME_NODE); /* one grows small: room */
	CHECK_EQ(send_heavy_node(live, "more", heavy), LIVE_FRAME_NODE);
	live_figures(live, 0, &figures);
	CHECK_EQ(figures.n_full, 1);
}

TEST(live_bounds_nodes_events_and_namespaces)
{
	CLEANUP(live_free) struct live *live = live_new();
	CLEANUP(free) char *text = xcalloc(1, LIVE_CLUSTER_BYTES_MAX + 1);
	Davit__Event event = DAVIT__EVENT__INIT;
	Davit__NamespaceStats space = DAVIT__NAMESPACE_STATS__INIT, *spaces = &space;
	Davit__ClusterStats cluster = DAVIT__CLUSTER_STATS__INIT;
	char id[32];

	for (unsigned i = 0; i < LIVE_NODES_MAX; i++) {
		(void)snprintf(id, sizeof id, "n%u", i);
		CHECK_EQ(live_send_node(live, id, 1, 1, 0), LIVE_FRAME_NODE);
	}
	CHECK_EQ(live_send_node(live, "more", 1, 1, 0), LIVE_FRAME_FULL);
	(void)memset(text, 'x', LIVE_CLUSTER_BYTES_MAX);
	space.name = text;
	cluster.namespaces = &spaces;
	cluster.n_namespaces = 1;
	CHECK_EQ(live_send(live, 0, "stats.cluster", &cluster.base, 0), LIVE_FRAME_FULL);
	text[LIVE_EVENT_BYTES_MAX] = '\0';
	event.message = text;
	CHECK_EQ(live_send(live, 0, "event.task.x.y", &event.base, 0), LIVE_FRAME_FULL);
}

TEST(live_joins_late_with_what_the_manager_knows)
{
	CLEANUP(live_free) struct live *live = live_new();
	Davit__GetStatsReply reply = DAVIT__GET_STATS_REPLY__INIT;
	Davit__ClusterStats cluster = DAVIT__CLUSTER_STATS__INIT;
	Davit__Node nodes[3] = {DAVIT__NODE__INIT, DAVIT__NODE__INIT, DAVIT__NODE__INIT};
	Davit__Node *list[3] = {&nodes[0], &nodes[1], &nodes[2]};
	Davit__NodeSample usage = DAVIT__NODE_SAMPLE__INIT;
	char ids[3][3] = {"n0", "n1", "n2"}, name[] = "zebra";
	const Davit__GetViewReply *view;

	(void)live_send_node(live, "n0", 1, 5, 0);
	cluster.has_tasks_running = true;
	cluster.tasks_running = 3;
	usage.has_cpu_milli = true;
	usage.cpu_milli = 250;
	for (unsigned i = 0; i < 3; i++) {
		nodes[i].id = ids[i];
		nodes[i].usage = &usage;
		nodes[i].has_state = true;
		nodes[i].state = i < 2 ? DAVIT__NODE__STATE__READY : DAVIT__NODE__STATE__DOWN;
	}
	nodes[1].name = name;
	reply.cluster = &cluster;
	reply.nodes = list;
	reply.n_nodes = 3;
	live_take_stats(live, 0, &reply, 0);
	view = live_view(live, 0, 0);
	CHECK_EQ(view->cluster->tasks_running, 3);
	CHECK_EQ(view->n_nodes, 2);       /* n2 is down */
	CHECK_EQ(view->nodes[0]->seq, 5); /* what was heard is newer than what was asked */
	CHECK_STR(view->nodes[1]->node_name, "zebra");
	CHECK_EQ(view->nodes[1]->node->cpu_milli, 250);
	(void)live_send_node(live, "n1", 9, 77, 0);
	CHECK_EQ(n_lost(live), 0);
}

TEST(live_events_are_found_by_number_while_they_are_kept)
{
	CLEANUP(live_free) struct live *live = live_new();
	char what[32];

	CHECK(live_event(live, 0) == NULL);
	CHECK(live_event(live, 1) == NULL);
	for (unsigned i = 1; i <= LIVE_EVENTS_MAX + 5; i++) {
		(void)snprintf(what, sizeof what, "w%u", i);
		(void)live_send_event(live, i, what);
	}
	CHECK_EQ(live_n_events(live), LIVE_EVENTS_MAX + 5);
	CHECK(live_event(live, 5) == NULL);
	CHECK_STR(live_event(live, 6)->what, "w6");
	CHECK_STR(live_event(live, LIVE_EVENTS_MAX + 5)->what, "w1005");
	CHECK(live_event(live, LIVE_EVENTS_MAX + 6) == NULL);
}
