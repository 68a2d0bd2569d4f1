/*
 * What it costs to watch a cluster: 1,000 real worker cores with 20 tasks each send their figures
 * every second over real sockets, through the manager, to the monitor. Then the monitor's
 * memory when it has heard an hour of such a cluster, fed as fast as it takes it.
 *
 * BENCH_WORKERS, BENCH_TASKS (of one worker), BENCH_SECONDS change the amounts.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/process.h"
#include "proto/manager.pb-c.h"
#include "services/monitor/live.h"
#include "services/monitor/roster.h"
#include "services/worker/worker_shell.h"
#include "tests/lib/bench.h"
#include "tests/lib/bench_cluster.h"

enum {
	WORKERS = 1000,
	TASKS = 20, /* of each worker */
	SECONDS = 20,
	PLAYERS = 2, /* processes that play the workers */
	READY_MAX_MS = 120000,
	SETTLE_MS = 5000,
	HOUR_S = 3600,
	NAME_SIZE = 80,
	PAGE_SIZE = 16 << 20, /* of /metrics */
};

/* ---- the child that plays workers ---- */

static void
on_stop(void *arg)
{
	uv_stop(arg);
}

static int
play_workers(char **argv)
{
	unsigned first = (unsigned)strtoul(argv[5], NULL, 10);
	unsigned n = (unsigned)strtoul(argv[6], NULL, 10);
	struct process_signals *signals;
	uv_loop_t *loop = uv_default_loop();
	struct err err;

	log_open("worker", LOG_LVL_ERROR);
	for (unsigned i = first; i < first + n; i++) {
		char name[NAME_SIZE], folder[BENCH_PATH_SIZE + NAME_SIZE];
		struct worker_shell_options options = {.name = name,
			.manager_url = argv[2],
			.stats_url = argv[3],
			.docker_host = "mem://",
			.state_dir = folder,
			.cpu_milli = 20000,
			.memory_bytes = UINT64_C(64) << 30,
			.disk_bytes = UINT64_C(64) << 30,
			.stats_interval_ms = 1000};
		struct worker_shell *shell;

		(void)snprintf(name, sizeof name, "bench-%u", i);
		(void)snprintf(folder, sizeof folder, "%s/%s", argv[4], name);
		if (worker_shell_open(loop, &options, &shell, &err) < 0)
			bench_die(name, err.text);
	}
	if (process_signals_start(loop, on_stop, NULL, loop, &signals, &err) < 0)
		bench_die("signals", err.text);
	(void)uv_run(loop, UV_RUN_DEFAULT);
	_exit(EXIT_SUCCESS);
}

static void
start_workers(struct bench_cluster *cluster, struct bench_child workers[PLAYERS], uint32_t n)
{
	for (uint32_t i = 0; i < PLAYERS; i++) {
		char first[16], count[16];
		const char *const args[] = {"workers", cluster->manager_url, cluster->stats_url,
			cluster->folder, first, count, NULL};

		(void)snprintf(first, sizeof first, "%u", n * i / PLAYERS);
		(void)snprintf(count, sizeof count, "%u", n * (i + 1) / PLAYERS - n * i / PLAYERS);
		(void)snprintf(workers[i].name, sizeof workers[i].name, "workers-%u", i);
		bench_child_start(&workers[i], cluster->folder, "self", false, args);
	}
	bench_cluster_wait_nodes(cluster, n, READY_MAX_MS);
}

static void
run_tasks(struct bench_cluster *cluster, uint32_t n)
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	uint64_t begin_ns = bench_now_ns();
	struct bench_counts counts;

	spec.image = (char *)(uintptr_t) "watched";
	spec.has_cpu_milli = true;
	spec.cpu_milli = 1000; /* exactly so many fit on each node */
	request.spec = &spec;
	request.has_count = true;
	request.count = n;
	protobuf_c_message_free_unpacked(bench_call(cluster, "SubmitTasks", &request.base, false),
		NULL);
	do {
		bench_cluster_idle(cluster, 200);
		counts = bench_cluster_counts(cluster);
		if (bench_now_ns() - begin_ns > READY_MAX_MS * UINT64_C(1000000))
			bench_die("tasks", "do not run in time");
	} while (counts.running < n);
}

/* ---- what the monitor says ---- */

static char *
get_metrics(unsigned port)
{
	static const char request[] = "GET /metrics HTTP/1.0\r\n\r\n";
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *page = xcalloc(1, PAGE_SIZE);
	size_t size = 0;
	ssize_t n;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
		write(fd, request, sizeof request - 1) < 0)
		bench_die("monitor", "does not serve /metrics");
	while (size < PAGE_SIZE - 1 && (n = read(fd, page + size, PAGE_SIZE - 1 - size)) > 0)
		size += (size_t)n;
	(void)close(fd);
	return page;
}

static double
value_of(const char *page, const char *series)
{
	char line[128];
	const char *at;

	(void)snprintf(line, sizeof line, "\n%s ", series);
	at = strstr(page, line);
	if (at == NULL)
		bench_die(series, "is not in /metrics");
	return strtod(at + strlen(line), NULL);
}

/* The share of messages that took at most so long, of those between two looks. */
static double
share_within(const char *before, const char *after, const char *bound)
{
	char series[80];
	double n = value_of(after, "davit_feed_delay_seconds_count") -
		   value_of(before, "davit_feed_delay_seconds_count");

	(void)snprintf(series, sizeof series, "davit_feed_delay_seconds_bucket{le=\"%s\"}", bound);
	return (value_of(after, series) - value_of(before, series)) * 100 / n;
}

static unsigned
free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		bench_die("port", "none is free");
	(void)close(fd);
	return ntohs(address.sin_port);
}

static void
measure(struct bench_cluster *cluster, const struct bench_child *monitor, unsigned port)
{
	double seconds = bench_setting("BENCH_SECONDS", SECONDS);
	CLEANUP(free) char *before = get_metrics(port), *after = NULL;
	double manager_us = bench_child_cpu_us(&cluster->manager);
	double monitor_us = bench_child_cpu_us(monitor);
	uint64_t begin_ns = bench_now_ns();
	double s, messages;

	bench_cluster_idle(cluster, (uint64_t)(seconds * 1000));
	s = (double)(bench_now_ns() - begin_ns) / 1e9;
	manager_us = bench_child_cpu_us(&cluster->manager) - manager_us;
	monitor_us = bench_child_cpu_us(monitor) - monitor_us;
	after = get_metrics(port);
	messages = value_of(after, "davit_feed_messages_total") -
		   value_of(before, "davit_feed_messages_total");
	bench_print("monitor.feed.messages", messages / s, "1/s");
	bench_print("monitor.feed.cpu.manager", manager_us / 1e4 / s, "% of a core");
	bench_print("monitor.feed.cpu.monitor", monitor_us / 1e4 / s, "% of a core");
	bench_print("monitor.feed.delay.within_100ms", share_within(before, after, "0.1"), "%");
	bench_print("monitor.feed.delay.within_250ms", share_within(before, after, "0.25"), "%");
	bench_print("monitor.feed.lost",
		value_of(after, "davit_feed_lost_total") -
			value_of(before, "davit_feed_lost_total"),
		"messages");
	bench_print("monitor.feed.dropped",
		value_of(after, "davit_feed_dropped_total") -
			value_of(before, "davit_feed_dropped_total"),
		"messages");
	bench_print("monitor.feed.rss_anon", bench_child_rss_anon_kib(monitor) / 1024, "MiB");
}

static void
run_feed(uint32_t n_workers, uint32_t n_tasks)
{
	struct bench_child workers[PLAYERS] = {0}, monitor = {.name = "monitor"};
	struct bench_cluster cluster;
	unsigned port = free_port();
	char http[48];
	const char *args[] = {"--listen", "tcp://127.0.0.1:0", "--feed", NULL, "--manager", NULL,
		"--http", http, "--log-level", "warn", NULL};

	(void)snprintf(http, sizeof http, "http://127.0.0.1:%u", port);
	bench_cluster_start(&cluster, false, true);
	args[3] = cluster.feed_url;
	args[5] = cluster.manager_url;
	bench_child_start(&monitor, cluster.folder, "davit-monitor", false, args);
	start_workers(&cluster, workers, n_workers);
	run_tasks(&cluster, n_workers * n_tasks);
	bench_cluster_idle(&cluster, SETTLE_MS);
	measure(&cluster, &monitor, port);
	bench_child_stop(&monitor);
	for (unsigned i = 0; i < PLAYERS; i++)
		bench_child_stop(&workers[i]);
	bench_cluster_stop(&cluster);
}

/* ---- an hour in memory ---- */

struct played {
	Davit__NodeStats stats;
	Davit__NodeSample machine;
	Davit__TaskSample *samples, **list;
	char (*ids)[ID_TEXT_SIZE], name[16];
};

static void
played_init(struct played *node, struct roster *roster, uint32_t number, uint32_t n_tasks)
{
	davit__node_stats__init(&node->stats);
	davit__node_sample__init(&node->machine);
	node->samples = xcalloc(n_tasks, sizeof *node->samples);
	node->list = xcalloc(n_tasks, sizeof *node->list);
	node->ids = xcalloc(n_tasks, sizeof *node->ids);
	(void)snprintf(node->name, sizeof node->name, "node-%u", number);
	for (uint32_t i = 0; i < n_tasks; i++) {
		struct id id = {0x0190000000007000, ((uint64_t)1 << 63) + number * n_tasks + i};
		Davit__Task task = DAVIT__TASK__INIT;

		davit__task_sample__init(&node->samples[i]);
		id_format(id, node->ids[i]);
		node->samples[i].task_id = node->ids[i];
		node->list[i] = &node->samples[i];
		task.id = task.name = node->ids[i];
		task.namespace_ = (char *)(uintptr_t) "default";
		task.array_id = node->ids[0];
		roster_take_task(roster, &task);
	}
	node->stats.node_id = node->stats.node_name = node->name;
	node->stats.node = &node->machine;
	node->stats.tasks = node->list;
	node->stats.n_tasks = n_tasks;
}

static void
play_second(struct played *node, uint64_t second)
{
	for (size_t i = 0; i < node->stats.n_tasks; i++) {
		Davit__TaskSample *sample = &node->samples[i];

		sample->has_cpu_milli = sample->has_memory_bytes = sample->has_net_rx_bytes = true;
		sample->cpu_milli = (second * 7 + i) % 1000;
		sample->memory_bytes = (second + i) << 20;
		sample->net_rx_bytes += i * 100;
	}
	node->stats.seq = second;
	node->stats.has_seq = true;
}

static void
run_hour(uint32_t n_nodes, uint32_t n_tasks)
{
	CLEANUP(live_free) struct live *live = live_new();
	CLEANUP(roster_free) struct roster *roster = roster_new();
	struct played *nodes = xcalloc(n_nodes, sizeof *nodes);
	double before_kib, cpu_us;

	for (uint32_t i = 0; i < n_nodes; i++)
		played_init(&nodes[i], roster, i, n_tasks);
	roster_free(TAKE(roster)); /* what is played is not what is measured */
	before_kib = bench_rss_anon_kib();
	roster = roster_new();
	cpu_us = bench_cpu_us();
	for (uint64_t second = 1; second <= HOUR_S; second++) {
		for (uint32_t i = 0; i < n_nodes; i++) {
			play_second(&nodes[i], second);
			roster_take_stats(roster, &nodes[i].stats, second * 1000);
		}
		roster_tick(roster, second * 1000);
	}
	cpu_us = bench_cpu_us() - cpu_us;
	for (uint32_t i = 0; i < n_nodes; i++) {
		size_t size = davit__node_stats__get_packed_size(&nodes[i].stats);
		CLEANUP(free) char *bytes = xmalloc(size);

		(void)davit__node_stats__pack(&nodes[i].stats, (uint8_t *)bytes);
		(void)live_take_frame(live, 0, "stats.node.x", bytes, size, 0);
	}
	bench_print("monitor.hour.rss_anon", (bench_rss_anon_kib() - before_kib) / 1024, "MiB");
	bench_print("monitor.hour.cpu_per_sample", cpu_us * 1000 / HOUR_S / n_nodes / n_tasks,
		"ns");
	free(nodes);
}

int
main(int argc, char **argv)
{
	uint32_t n_workers, n_tasks;

	process_begin();
	if (argc == 7 && strcmp(argv[1], "workers") == 0)
		return play_workers(argv);
	n_workers = bench_setting("BENCH_WORKERS", WORKERS);
	n_tasks = bench_setting("BENCH_TASKS", TASKS);
	run_hour(n_workers, n_tasks);
	run_feed(n_workers, n_tasks);
	return EXIT_SUCCESS;
}
