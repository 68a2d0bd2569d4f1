#include "tests/unit/roster_fixture.h"

TEST(roster_knows_what_it_heard_and_sums_it)
{
	CLEANUP(roster_free) struct roster *roster = roster_new();
	char web[] = "web", job[] = "job", shop[] = "shop", lab[] = "lab";
	struct history_point point;
	const struct roster_task *task;

	roster_hear(roster, 1, 0, 2, 0, 100);
	roster_tell(roster, 0, web, shop);
	roster_tell(roster, 1, job, lab);
	roster_hear(roster, 1, 0, 2, 1, 300);
	roster_tick(roster, ROSTER_MS(1));
	task = roster_find_task(roster, "web");
	CHECK(task != NULL);
	CHECK_EQ(task->now.of[HISTORY_CPU], 300);
	CHECK_EQ(task->now.of[HISTORY_NET_RX], 500); /* a second */
	CHECK_STR(task->node->name, "n1");
	CHECK_EQ(task->about->memory_bytes, 1 << 20);
	CHECK(roster_task_is_live(roster, task));
	(void)history_read(roster_cluster(roster), 0, ROSTER_START_MS + 1, 1, &point);
	CHECK_EQ(point.values.of[HISTORY_CPU], 600);
	CHECK_EQ(roster_find_namespace(roster, "shop")->now.of[HISTORY_CPU], 300);
	CHECK_EQ(roster_find_namespace(roster, "lab")->n_tasks, 1);
	CHECK_EQ(roster_find_node(roster, "n1")->now.of[HISTORY_CPU], 601); /* the machine's */
	CHECK_EQ(roster_find_node(roster, "n1")->now.of[HISTORY_NET_RX], 1000);
	CHECK(roster_find_task(roster, "nobody") == NULL);
	CHECK(roster_find_node(roster, "nobody") == NULL);
	CHECK(roster_find_namespace(roster, "nobody") == NULL);
}

TEST(roster_wants_the_list_while_something_is_only_known_by_its_id)
{
	CLEANUP(roster_free) struct roster *roster = roster_new();
	char web[] = "web", shop[] = "shop";

	CHECK(!roster_wants_list(roster));
	roster_hear(roster, 1, 0, 1, 0, 1);
	CHECK(roster_wants_list(roster));
	roster_listed(roster);
	roster_tell(roster, 0, web, shop);
	roster_hear(roster, 1, 0, 1, 1, 1);
	CHECK(!roster_wants_list(roster));
}

TEST(roster_counters_that_begin_anew_are_no_rate)
{
	CLEANUP(roster_free) struct roster *roster = roster_new();
	char id[ID_TEXT_SIZE];

	roster_hear(roster, 1, 0, 1, 100, 1);
	roster_hear(roster, 1, 0, 1, 101, 1);
	roster_task_id(0, id);
	CHECK_EQ(roster_find_task(roster, id)->now.of[HISTORY_NET_RX], 500);
	for (uint64_t second = 102; second < 104; second++) {
		Davit__NodeStats stats = DAVIT__NODE_STATS__INIT;
		Davit__TaskSample sample = DAVIT__TASK_SAMPLE__INIT, *samples = &sample;
		char node[] = "n1";

		sample.task_id = id;
		sample.has_net_rx_bytes = true;
		sample.net_rx_bytes = (second - 101) * 10;
		stats.node_id = node;
		stats.tasks = &samples;
		stats.n_tasks = 1;
		roster_take_stats(roster, &stats, ROSTER_MS(second));
		CHECK_EQ(roster_find_task(roster, id)->now.of[HISTORY_NET_RX],
			second == 102 ? 0 : 10);
	}
}

TEST(roster_takes_names_and_states_from_events)
{
	CLEANUP(roster_free) struct roster *roster = roster_new();
	Davit__Event event = DAVIT__EVENT__INIT;
	char id[ID_TEXT_SIZE], node[] = "n7", name[] = "web", shop[] = "shop", down[] = "down",
			       draining[] = "draining", removed[] = "removed";

	roster_task_id(3, id);
	event.has_kind = event.has_state = true;
	event.kind = DAVIT__EVENT__KIND__TASK;
	event.state = DAVIT__TASK__STATE__RUNNING;
	event.task_id = id;
	event.task_name = name;
	event.namespace_ = shop;
	roster_take_event(roster, &event);
	CHECK_STR(roster_find_task(roster, id)->about->namespace_name, "shop");
	CHECK(!roster_task_is_live(roster, roster_find_task(roster, id)));
	event = (Davit__Event)DAVIT__EVENT__INIT;
	event.has_kind = true;
	event.kind = DAVIT__EVENT__KIND__NODE;
	event.node_id = event.node_name = node;
	event.what = down;
	roster_take_event(roster, &event);
	CHECK_EQ(roster_find_node(roster, "n7")->state, DAVIT__NODE__STATE__DOWN);
	event.what = draining;
	roster_take_event(roster, &event);
	CHECK(roster_find_node(roster, "n7")->is_draining);
	roster_hear(roster, 7, 3, 1, 0, 1);
	event.what = removed;
	roster_take_event(roster, &event);
	CHECK(roster_find_node(roster, "n7") == NULL);
	CHECK(roster_find_task(roster, id)->node == NULL);
}

static void
tell_state(struct roster *roster, unsigned index, Davit__Task__State state)
{
	Davit__Event event = DAVIT__EVENT__INIT;
	char id[ID_TEXT_SIZE], name[] = "job";

	roster_task_id(index, id);
	event.has_kind = event.has_state = true;
	event.kind = DAVIT__EVENT__KIND__TASK;
	event.state = state;
	event.task_id = id;
	event.task_name = name;
	roster_take_event(roster, &event);
}

TEST(roster_forgets_what_ended_before_it_was_measured)
{
	CLEANUP(roster_free) struct roster *roster = roster_new();
	char id[ID_TEXT_SIZE];

	roster_hear(roster, 1, 0, 1, 0, 1); /* the first task, not the second */
	tell_state(roster, 0, DAVIT__TASK__STATE__RUNNING);
	tell_state(roster, 1, DAVIT__TASK__STATE__RUNNING);
	roster_task_id(1, id);
	CHECK(roster_find_task(roster, id) != NULL);
	tell_state(roster, 0, DAVIT__TASK__STATE__COMPLETED);
	tell_state(roster, 1, DAVIT__TASK__STATE__FAILED);
	CHECK(roster_find_task(roster, id) == NULL);
	roster_task_id(0, id);
	CHECK(roster_find_task(roster, id) != NULL);
}

TEST(roster_bounds_tasks_and_forgets_the_longest_silent_first)
{
	CLEANUP(roster_free) struct roster *roster = roster_new();
	struct roster_figures figures;
	char id[ID_TEXT_SIZE];

	for (unsigned node = 0; node < ROSTER_TASKS_MAX / 1000; node++)
		roster_hear(roster, node, node * 1000, 1000, 0, 1);
	roster_hear(roster, 0, 900000, 5, 0, 1);
	roster_figures(roster, &figures);
	CHECK_EQ(figures.n_tasks, ROSTER_TASKS_MAX);
	CHECK_EQ(figures.n_left_out, 5); /* all are heard */
	roster_hear(roster, 1, 1000, 1000, ROSTER_LIVE_S + 1, 1);
	roster_hear(roster, 0, 900000, 5, ROSTER_LIVE_S + 1, 1);
	roster_figures(roster, &figures);
	CHECK_EQ(figures.n_tasks, ROSTER_TASKS_MAX);
	CHECK_EQ(figures.n_left_out, 5);
	roster_task_id(0, id);
	CHECK(roster_find_task(roster, id) == NULL);
	roster_task_id(1000, id);
	CHECK(roster_find_task(roster, id) != NULL);
	roster_tick(roster, ROSTER_MS(ROSTER_LIVE_S + 2 + HISTORY_SPAN_S));
	roster_figures(roster, &figures);
	CHECK_EQ(figures.n_tasks, 0);
}

TEST(roster_bounds_nodes_and_namespaces)
{
	CLEANUP(roster_free) struct roster *roster = roster_new();
	struct roster_figures figures;
	char name[32], namespace_name[32];

	for (unsigned i = 0; i < ROSTER_NODES_MAX + 1; i++)
		roster_hear(roster, i, i % 1000, 1, 0, 1);
	for (unsigned i = 0; i < ROSTER_NAMESPACES_MAX + 10; i++) {
		(void)snprintf(name, sizeof name, "t%u", i);
		(void)snprintf(namespace_name, sizeof namespace_name, "s%u", i);
		roster_tell(roster, i, name, namespace_name);
	}
	roster_tick(roster, ROSTER_MS(1));
	roster_figures(roster, &figures);
	CHECK_EQ(figures.n_nodes, ROSTER_NODES_MAX);
	CHECK_EQ(figures.n_namespaces, ROSTER_NAMESPACES_MAX);
	CHECK(figures.n_left_out >= 1);
}

TEST(roster_cuts_texts_labels_and_ports_that_are_too_many)
{
	CLEANUP(roster_free) struct roster *roster = roster_new();
	Davit__Task task = DAVIT__TASK__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__StringEntry label = DAVIT__STRING_ENTRY__INIT, *labels[ROSTER_LABELS_MAX + 1];
	Davit__PortMapping port = DAVIT__PORT_MAPPING__INIT, *ports[ROSTER_PORTS_MAX + 1];
	char id[ID_TEXT_SIZE], text[ROSTER_TEXT_MAX + 10];
	const struct roster_about *about;

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	label.key = text;
	for (unsigned i = 0; i <= ROSTER_LABELS_MAX; i++)
		labels[i] = &label;
	for (unsigned i = 0; i <= ROSTER_PORTS_MAX; i++)
		ports[i] = &port;
	roster_task_id(0, id);
	task.id = id;
	task.name = text;
	task.spec = &spec;
	spec.labels = labels;
	spec.n_labels = ROSTER_LABELS_MAX + 1;
	task.ports = ports;
	task.n_ports = ROSTER_PORTS_MAX + 1;
	roster_take_task(roster, &task);
	about = roster_find_task(roster, id)->about;
	CHECK_EQ(strlen(about->name), ROSTER_TEXT_MAX);
	CHECK_EQ(about->n_labels, ROSTER_LABELS_MAX);
	CHECK_EQ(about->n_ports, ROSTER_PORTS_MAX);
	CHECK_STR(about->labels[ROSTER_LABELS_MAX - 1].value, "");
	task.id = NULL;
	roster_take_task(roster, &task);
}
