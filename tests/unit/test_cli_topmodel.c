#include "services/cli/cli_topmodel.h"

#include "services/cli/cli_pb.h"
#include "services/cli/cli_toppage.h"
#include "tests/lib/test.h"

enum { TASKS = 4 };

static const struct cli_top_view plain = {.filter = ""};

/* Tasks t0 to t3 in two namespaces and on two nodes; t<i> uses i cores and i times 1,000 bytes a
 * second. */
static void
take_stats(struct cli_topmodel *model, unsigned n, uint64_t second)
{
	Davit__GetStatsReply reply = DAVIT__GET_STATS_REPLY__INIT;
	Davit__Task tasks[TASKS], *list[TASKS];
	Davit__TaskUsage usages[TASKS];
	Davit__TaskSample samples[TASKS];
	Davit__Node node = DAVIT__NODE__INIT, *nodes = &node;
	char ids[TASKS][16], spaces[2][4] = {"lab", "web"}, names[2][4] = {"n1", "n2"},
			     node_id[] = "node-1";

	for (unsigned i = 0; i < n; i++) {
		davit__task__init(&tasks[i]);
		davit__task_usage__init(&usages[i]);
		davit__task_sample__init(&samples[i]);
		(void)snprintf(ids[i], sizeof ids[i], "t%u", i);
		tasks[i].id = tasks[i].name = ids[i];
		tasks[i].namespace_ = spaces[i % 2];
		tasks[i].node_name = names[i / 2];
		tasks[i].usage = &usages[i];
		usages[i].last = &samples[i];
		CLI_PB_SET(&samples[i], cpu_milli, i * 1000);
		CLI_PB_SET(&samples[i], memory_bytes, (TASKS - i) * 1000);
		CLI_PB_SET(&samples[i], net_rx_bytes, i * 1000 * second);
		CLI_PB_SET(&samples[i], ts_ms, second * 1000);
		list[i] = &tasks[i];
	}
	node.id = node_id;
	node.name = names[0];
	CLI_PB_SET(&node, state, DAVIT__NODE__STATE__UNKNOWN);
	reply.nodes = &nodes;
	reply.n_nodes = 1;
	reply.tasks = list;
	reply.n_tasks = n;
	cli_topmodel_take_stats(model, &reply, second * 1000);
}

static const char *
name_at(struct cli_topmodel *model, const struct cli_top_view *view, size_t i)
{
	size_t n;
	const struct cli_top_line *lines = cli_topmodel_arrange(model, view, &n);

	CHECK(i < n);
	return lines[i].item != NULL ? lines[i].item->name : lines[i].title;
}

TEST(cli_topmodel_sorts_with_the_greatest_first)
{
	CLEANUP(cli_topmodel_free) struct cli_topmodel *model = cli_topmodel_new();
	struct cli_top_view view = plain;

	take_stats(model, TASKS, 1);
	take_stats(model, TASKS, 2);
	CHECK_STR(name_at(model, &view, 0), "t3");
	view.order = CLI_TOP_BY_MEMORY;
	CHECK_STR(name_at(model, &view, 0), "t0");
	view.order = CLI_TOP_BY_NET;
	CHECK_STR(name_at(model, &view, 0), "t3");
	view.order = CLI_TOP_BY_NAME;
	CHECK_STR(name_at(model, &view, 3), "t3");
}

TEST(cli_topmodel_makes_rates_and_curves_of_one_answer_after_another)
{
	CLEANUP(cli_topmodel_free) struct cli_topmodel *model = cli_topmodel_new();
	const struct cli_top_line *lines;
	size_t n;

	take_stats(model, TASKS, 1);
	take_stats(model, TASKS, 3);
	take_stats(model, TASKS, 3); /* the same figures again */
	lines = cli_topmodel_arrange(model, &plain, &n);
	CHECK_EQ(n, TASKS);
	CHECK_EQ(lines[0].item->rates[0], 3000);
	CHECK_EQ(lines[0].item->cpu_points[CLI_TOP_POINTS - 3], 3000);
	CHECK_EQ(lines[0].item->cpu_points[CLI_TOP_POINTS - 4], -1);
}

TEST(cli_topmodel_forgets_what_is_gone)
{
	CLEANUP(cli_topmodel_free) struct cli_topmodel *model = cli_topmodel_new();
	size_t n;

	take_stats(model, TASKS, 1);
	take_stats(model, 1, 2);
	(void)cli_topmodel_arrange(model, &plain, &n);
	CHECK_EQ(n, 1);
}

TEST(cli_topmodel_groups_have_heads_with_sums)
{
	CLEANUP(cli_topmodel_free) struct cli_topmodel *model = cli_topmodel_new();
	struct cli_top_view view = plain;
	const struct cli_top_line *lines;
	size_t n;

	take_stats(model, TASKS, 1);
	view.group = CLI_TOP_BY_NAMESPACE;
	lines = cli_topmodel_arrange(model, &view, &n);
	CHECK_EQ(n, TASKS + 2);
	CHECK_STR(lines[0].title, "lab");
	CHECK_EQ(lines[0].n, 2);
	CHECK_EQ(lines[0].cpu_milli, 0 + 2000);
	CHECK_STR(lines[1].item->name, "t2");
	CHECK_STR(lines[3].title, "web");
	view.group = CLI_TOP_BY_NODE;
	CHECK_STR(name_at(model, &view, 0), "n1");
}

TEST(cli_topmodel_filters_by_name_node_and_namespace)
{
	CLEANUP(cli_topmodel_free) struct cli_topmodel *model = cli_topmodel_new();
	static const struct {
		const char *filter;
		size_t n;
	} cases[] = {{"t1", 1}, {"n2", 2}, {"web", 2}, {"nothing", 0}, {"", 4}};
	size_t n;

	take_stats(model, TASKS, 1);
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct cli_top_view view = {.filter = cases[i].filter};

		(void)cli_topmodel_arrange(model, &view, &n);
		CHECK_EQ(n, cases[i].n);
	}
}

TEST(cli_topmodel_takes_what_the_monitor_says)
{
	CLEANUP(cli_topmodel_free) struct cli_topmodel *model = cli_topmodel_new();
	Davit__GetTopReply reply = DAVIT__GET_TOP_REPLY__INIT;
	Davit__TopTask task = DAVIT__TOP_TASK__INIT, *tasks = &task;
	Davit__TopNode node = DAVIT__TOP_NODE__INIT, *nodes = &node;
	char id[] = "0190", name[] = "a\x1b[31mb", node_id[] = "x", node_name[] = "n1";
	struct cli_top_view view = plain;
	const struct cli_top_line *lines;
	int64_t points[] = {5, -1, 7};
	size_t n;

	task.task_id = id;
	task.name = name;
	CLI_PB_SET(&task, cpu_milli, 7);
	CLI_PB_SET(&task, net_tx_rate, 9);
	task.cpu_points = points;
	task.n_cpu_points = 3;
	node.node_id = node_id;
	node.name = node_name;
	CLI_PB_SET(&node, silent, true);
	reply.tasks = &tasks;
	reply.nodes = &nodes;
	reply.n_tasks = reply.n_nodes = 1;
	cli_topmodel_take_top(model, &reply);
	lines = cli_topmodel_arrange(model, &view, &n);
	CHECK_EQ(n, 1);
	CHECK(strchr(lines[0].item->name, '\x1b') == NULL);
	CHECK_EQ(lines[0].item->rates[1], 9);
	CHECK_EQ(lines[0].item->cpu_points[CLI_TOP_POINTS - 1], 7);
	CHECK_EQ(lines[0].item->cpu_points[CLI_TOP_POINTS - 2], -1);
	view.shows_nodes = true;
	lines = cli_topmodel_arrange(model, &view, &n);
	CHECK_STR(lines[0].item->state, "ready, silent");
	CHECK(!lines[0].item->is_well);
}

TEST(cli_toppage_sparks_are_curves_with_or_without_utf8)
{
	CLEANUP(buf_fini) struct buf out = {0};
	int64_t points[CLI_TOP_POINTS];

	for (unsigned i = 0; i < CLI_TOP_POINTS; i++)
		points[i] = -1;
	points[CLI_TOP_POINTS - 1] = 7;
	points[CLI_TOP_POINTS - 2] = 0;
	cli_toppage_spark(points, 3, 0, false, &out);
	CHECK_STR(buf_text(&out), " _#");
	buf_reset(&out);
	cli_toppage_spark(points, 2, 14, true, &out);
	CHECK_STR(buf_text(&out), "▁▅");
}

TEST(cli_toppage_list_fills_the_screen_and_marks_the_selected_line)
{
	CLEANUP(cli_topmodel_free) struct cli_topmodel *model = cli_topmodel_new();
	CLEANUP(buf_fini) struct buf out = {0};
	struct cli_toppage page = {.rows = 10,
		.columns = 100,
		.time = "12:00:00",
		.source = "manager",
		.message = "",
		.selected = 1,
		.view = plain};
	const struct cli_top_line *lines;
	unsigned n_lines = 1;
	size_t n;

	take_stats(model, TASKS, 1);
	lines = cli_topmodel_arrange(model, &page.view, &n);
	cli_toppage_list(&page, model, lines, n, &out);
	for (const char *at = buf_text(&out); *at != '\0'; at++)
		n_lines += *at == '\n';
	CHECK_EQ(n_lines, 10);
	CHECK_HAS(buf_text(&out), "> t2 ");
	CHECK_HAS(buf_text(&out), "*CPU");
	CHECK_HAS(buf_text(&out), "q quit");
	buf_reset(&out);
	cli_toppage_details(&page, lines[0].item, &out);
	CHECK_HAS(buf_text(&out), "task t3");
	CHECK_HAS(buf_text(&out), "namespace     web");
}
