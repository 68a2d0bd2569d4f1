/* The cluster, its nodes and its tasks, for Prometheus. */
#include "common/base/clock.h"
#include "services/monitor/limits.h"
#include "services/monitor/web_impl.h"

#define CORES(milli) ((double)(milli) / 1000)

static void
put_of(struct expo *expo, const char *name, const char *value, double number)
{
	expo_sample(expo, &(struct expo_label){name, value}, 1, number);
}

static void
begin(struct expo *expo, enum expo_kind kind, const char *name, const char *help, unsigned max)
{
	expo_family(expo, &(struct expo_family){kind, name, help, max});
}

/* ---- the cluster ---- */

static void
put_tasks_by_state(struct expo *expo, const Davit__ClusterStats *cluster)
{
	begin(expo, EXPO_GAUGE, "davit_cluster_tasks",
		"Tasks by state; of those that have ended, the ones that are kept.", 0);
	put_of(expo, "state", "pending", cluster->tasks_pending);
	put_of(expo, "state", "scheduled", cluster->tasks_scheduled);
	put_of(expo, "state", "running", cluster->tasks_running);
	put_of(expo, "state", "completed", cluster->tasks_completed);
	put_of(expo, "state", "failed", cluster->tasks_failed);
}

static void
put_cluster(struct expo *expo, const Davit__ClusterStats *cluster)
{
	static const Davit__Resources none = DAVIT__RESOURCES__INIT;
	const Davit__Resources *capacity = cluster->capacity == NULL ? &none : cluster->capacity;
	const Davit__Resources *reserved = cluster->reserved == NULL ? &none : cluster->reserved;

	put_tasks_by_state(expo, cluster);
	begin(expo, EXPO_GAUGE, "davit_cluster_cpu_cores", "Processors of the cluster.", 0);
	put_of(expo, "kind", "capacity", CORES(capacity->cpu_milli));
	put_of(expo, "kind", "reserved", CORES(reserved->cpu_milli));
	put_of(expo, "kind", "used", CORES(cluster->cpu_milli));
	begin(expo, EXPO_GAUGE, "davit_cluster_memory_bytes", "Memory of the cluster.", 0);
	put_of(expo, "kind", "capacity", (double)capacity->memory_bytes);
	put_of(expo, "kind", "reserved", (double)reserved->memory_bytes);
	put_of(expo, "kind", "used", (double)cluster->memory_bytes);
}

static void
put_namespaces(struct expo *expo, const struct roster *roster)
{
	const struct roster_namespace *first = roster_namespaces(roster), *sum;

	begin(expo, EXPO_GAUGE, "davit_namespace_tasks_running", "Tasks whose figures come.", 0);
	for (sum = first; sum != NULL; sum = sum->hh.next)
		put_of(expo, "namespace", sum->name, sum->n_tasks);
	begin(expo, EXPO_GAUGE, "davit_namespace_cpu_cores", "Processors used by its tasks.", 0);
	for (sum = first; sum != NULL; sum = sum->hh.next)
		put_of(expo, "namespace", sum->name, CORES(sum->now.of[HISTORY_CPU]));
	begin(expo, EXPO_GAUGE, "davit_namespace_memory_bytes", "Memory used by its tasks.", 0);
	for (sum = first; sum != NULL; sum = sum->hh.next)
		put_of(expo, "namespace", sum->name, (double)sum->now.of[HISTORY_MEMORY]);
}

/* ---- nodes ---- */

static const char *
state_of(const struct roster_node *node)
{
	switch (node->state) {
	case DAVIT__NODE__STATE__UNKNOWN:
		return "unknown";
	case DAVIT__NODE__STATE__DOWN:
		return "down";
	case DAVIT__NODE__STATE__DEGRADED:
		return "degraded";
	default:
		return "ready"; /* what sends figures is there */
	}
}

static void
put_node_states(struct expo *expo, const struct roster *roster)
{
	static const char *const states[] = {"ready", "unknown", "down", "degraded"};
	const struct roster_node *node;

	begin(expo, EXPO_GAUGE, "davit_node_state", "1 for the state that the node is in.",
		4 * ROSTER_NODES_MAX);
	for (node = roster_nodes(roster); node != NULL; node = node->hh.next) {
		for (unsigned i = 0; i < 4; i++) {
			struct expo_label labels[] = {{"node", node->name}, {"state", states[i]}};

			expo_sample(expo, labels, 2, strcmp(state_of(node), states[i]) == 0);
		}
	}
	begin(expo, EXPO_GAUGE, "davit_node_draining", "1 while nothing new is placed there.",
		ROSTER_NODES_MAX);
	for (node = roster_nodes(roster); node != NULL; node = node->hh.next)
		put_of(expo, "node", node->name, node->is_draining);
	begin(expo, EXPO_GAUGE, "davit_node_stats_age_seconds", "Since its last figures.",
		ROSTER_NODES_MAX);
	for (node = roster_nodes(roster); node != NULL; node = node->hh.next) {
		if (node->heard_s > 0)
			put_of(expo, "node", node->name,
				(double)(clock_wall_ms() / 1000) - (double)node->heard_s);
	}
}

struct node_family {
	const char *name, *help;
	double (*value)(const struct roster_node *node);
};

#define NODE_VALUE(name, expression)                       \
	static double name(const struct roster_node *node) \
	{                                                  \
		return (expression);                       \
	}
NODE_VALUE(node_tasks, node->n_tasks)
NODE_VALUE(node_cpu, CORES(node->machine.cpu_milli))
NODE_VALUE(node_cpu_capacity, CORES(node->machine.cpu_milli_total))
NODE_VALUE(node_memory, (double)node->machine.memory_bytes)
NODE_VALUE(node_memory_capacity, (double)node->machine.memory_bytes_total)
NODE_VALUE(node_disk, (double)node->machine.disk_bytes)
NODE_VALUE(node_disk_capacity, (double)node->machine.disk_bytes_total)
NODE_VALUE(node_load, CORES(node->machine.load1_milli))

static void
put_nodes(struct expo *expo, const struct roster *roster)
{
	static const struct node_family families[] = {
		{"davit_node_tasks", "Tasks whose figures it sends.", node_tasks},
		{"davit_node_cpu_cores", "Processors in use on the machine.", node_cpu},
		{"davit_node_cpu_capacity_cores", "Processors of the machine.", node_cpu_capacity},
		{"davit_node_memory_bytes", "Memory in use on the machine.", node_memory},
		{"davit_node_memory_capacity_bytes", "Memory of the machine.",
			node_memory_capacity},
		{"davit_node_disk_bytes", "Disk in use where the engine keeps its data.",
			node_disk},
		{"davit_node_disk_capacity_bytes", "Size of that disk.", node_disk_capacity},
		{"davit_node_load1", "Load average of a minute.", node_load},
	};

	for (unsigned i = 0; i < sizeof families / sizeof *families; i++) {
		begin(expo, EXPO_GAUGE, families[i].name, families[i].help, ROSTER_NODES_MAX);
		for (const struct roster_node *node = roster_nodes(roster); node != NULL;
			node = node->hh.next) {
			if (node->heard_s > 0)
				put_of(expo, "node", node->name, families[i].value(node));
		}
	}
}

/* ---- tasks ---- */

struct task_family {
	enum expo_kind kind;
	const char *name, *help;
	double (*value)(const struct roster_task *task);
};

#define TASK_VALUE(name, expression)                       \
	static double name(const struct roster_task *task) \
	{                                                  \
		return (expression);                       \
	}
TASK_VALUE(task_cpu, CORES(task->now.of[HISTORY_CPU]))
TASK_VALUE(task_memory, (double)task->now.of[HISTORY_MEMORY])
TASK_VALUE(task_memory_limit, task->about == NULL ? 0 : (double)task->about->memory_bytes)
TASK_VALUE(task_net_rx, (double)task->counters[0])
TASK_VALUE(task_net_tx, (double)task->counters[1])
TASK_VALUE(task_io_read, (double)task->counters[2])
TASK_VALUE(task_io_write, (double)task->counters[3])
TASK_VALUE(task_pids, (double)task->n_pids)

static void
put_task(struct expo *expo, const struct roster_task *task, double value)
{
	char id[ID_TEXT_SIZE];
	const struct expo_label labels[] = {{"task", id},
		{"name", task->about == NULL ? "" : task->about->name},
		{"namespace", task->about == NULL ? "" : task->about->namespace_name},
		{"node", task->node->name}};

	id_format(task->id, id);
	expo_sample(expo, labels, sizeof labels / sizeof *labels, value);
}

static void
put_tasks(struct expo *expo, const struct roster *roster)
{
	static const struct task_family families[] = {
		{EXPO_GAUGE, "davit_task_cpu_cores", "Processors that it uses.", task_cpu},
		{EXPO_GAUGE, "davit_task_memory_bytes", "Memory without the page cache.",
			task_memory},
		{EXPO_GAUGE, "davit_task_memory_limit_bytes", "0: none.", task_memory_limit},
		{EXPO_COUNTER, "davit_task_network_receive_bytes", "Received.", task_net_rx},
		{EXPO_COUNTER, "davit_task_network_transmit_bytes", "Sent.", task_net_tx},
		{EXPO_COUNTER, "davit_task_io_read_bytes", "Read from disks.", task_io_read},
		{EXPO_COUNTER, "davit_task_io_write_bytes", "Written to disks.", task_io_write},
		{EXPO_GAUGE, "davit_task_pids", "Processes and threads.", task_pids},
	};

	for (unsigned i = 0; i < sizeof families / sizeof *families; i++) {
		begin(expo, families[i].kind, families[i].name, families[i].help,
			MONITOR_TASK_SERIES_MAX);
		for (const struct roster_task *task = roster_tasks(roster); task != NULL;
			task = task->hh.next) {
			if (roster_task_is_live(roster, task))
				put_task(expo, task, families[i].value(task));
		}
	}
}

/* ---- the monitor itself ---- */

static void
put_monitor(struct expo *expo, const struct web *web)
{
	struct live_figures figures;
	struct roster_figures known;
	struct http_stats http;

	live_figures(web->live, 0, &figures);
	roster_figures(web->roster, &known);
	http_stats(web->server, &http);
	expo_single(expo, EXPO_COUNTER, "davit_feed_messages", "Taken from the feeds.",
		(double)figures.n_frames);
	expo_single(expo, EXPO_COUNTER, "davit_feed_lost",
		"Missed on the way, by their sequence numbers.", (double)figures.n_lost);
	expo_single(expo, EXPO_COUNTER, "davit_feed_bad", "That were no messages.",
		(double)figures.n_bad);
	expo_single(expo, EXPO_COUNTER, "davit_feed_full", "Not kept: a limit was reached.",
		(double)figures.n_full);
	expo_single(expo, EXPO_COUNTER, "davit_monitor_samples_left_out",
		"Of tasks or nodes for whose history there is no place.", (double)known.n_left_out);
	expo_single(expo, EXPO_GAUGE, "davit_monitor_tasks_known", "Tasks with a history.",
		known.n_tasks);
	expo_single(expo, EXPO_GAUGE, "davit_monitor_readers", "Of server-sent events.",
		web->n_readers);
	expo_single(expo, EXPO_COUNTER, "davit_monitor_readers_missed",
		"Messages that readers were too slow for.", (double)web->n_missed);
	expo_single(expo, EXPO_COUNTER, "davit_http_requests", "Over HTTP.",
		(double)http.n_requests);
	expo_single(expo, EXPO_COUNTER, "davit_http_refused",
		"No such path or method, or beyond a limit.", (double)http.n_refused);
	expo_single(expo, EXPO_COUNTER, "davit_http_timed_out",
		"Connections cut off because they were too slow.", (double)http.n_timed_out);
	expo_single(expo, EXPO_GAUGE, "davit_http_connections", "Open now.", http.n_connections);
}

static void
collect(struct expo *expo, void *arg)
{
	struct web *web = arg;
	const Davit__ClusterStats *cluster = live_cluster(web->live);

	if (cluster != NULL)
		put_cluster(expo, cluster);
	put_namespaces(expo, web->roster);
	put_node_states(expo, web->roster);
	put_nodes(expo, web->roster);
	put_tasks(expo, web->roster);
	put_monitor(expo, web);
}

void
web_metrics_add(struct web *web)
{
	metrics_collect(web->metrics, collect, web);
}
