/*
 * What each process holds for itself (RssAnon: libraries and file cache are shared) when it
 * has been up for some seconds and has nothing to do. The worker once with the machine's
 * engine, where there is one, and once with an engine in memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/process.h"
#include "tests/lib/bench.h"
#include "tests/lib/bench_cluster.h"

enum { SETTLE_MS = 5000, READY_MAX_MS = 20000 };
#define ENGINE "/var/run/docker.sock"

static void
start_worker(struct bench_cluster *cluster, struct bench_child *child, const char *engine)
{
	char state[BENCH_PATH_SIZE + 32];
	const char *const args[] = {"--name", child->name, "--manager", cluster->manager_url,
		"--stats", cluster->stats_url, "--docker-host", engine, "--state-dir", state,
		"--log-level", "warn", NULL};

	(void)snprintf(state, sizeof state, "%s/%s", cluster->folder, child->name);
	bench_child_start(child, cluster->folder, "davit-worker", false, args);
}

static void
start_monitor(struct bench_cluster *cluster, struct bench_child *child)
{
	const char *const args[] = {"--listen", "tcp://127.0.0.1:0", "--feed", cluster->feed_url,
		"--manager", cluster->manager_url, "--http", "http://127.0.0.1:0", "--log-level",
		"warn", NULL};

	bench_child_start(child, cluster->folder, "davit-monitor", false, args);
}

static void
say(const char *name, const struct bench_child *child)
{
	if (child->pid > 0)
		bench_print(name, bench_child_rss_anon_kib(child), "KiB");
}

int
main(void)
{
	struct bench_child mem = {.name = "worker-mem"}, real = {.name = "worker-engine"};
	struct bench_child monitor = {0};
	struct bench_cluster cluster;
	uint32_t n_workers = 1;

	process_begin();
	bench_cluster_start(&cluster, false, true);
	start_worker(&cluster, &mem, "mem://");
	if (access(ENGINE, R_OK | W_OK) == 0) {
		start_worker(&cluster, &real, "unix://" ENGINE);
		n_workers++;
	}
	start_monitor(&cluster, &monitor);
	bench_cluster_wait_nodes(&cluster, n_workers, READY_MAX_MS);
	bench_cluster_idle(&cluster, SETTLE_MS);
	say("idle.manager", &cluster.manager);
	say("idle.scheduler", &cluster.scheduler);
	say("idle.worker.engine", &real);
	say("idle.worker.mem", &mem);
	say("idle.monitor", &monitor);
	bench_child_stop(&monitor);
	bench_child_stop(&real);
	bench_child_stop(&mem);
	bench_cluster_stop(&cluster);
	return EXIT_SUCCESS;
}
