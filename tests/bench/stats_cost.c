/*
 * stats_cost.c - what one measurement of one container costs, by each of the two sources; for
 * bench_stats.sh, which starts the engine and the containers.
 *
 *   stats_cost HOST SECONDS PID...
 *
 * Prints the processor time of a sample: our own, and for the engine's stream that of the
 * processes PID... (dockerd, containerd, shims) beyond what they use when nobody asks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/docker/engine.h"
#include "services/worker/cgroup.h"
#include "tests/lib/bench.h"

enum { CONTAINERS_MAX = 1000, ROUNDS = 200 };

struct cost {
	uv_loop_t loop;
	struct engine *engine;
	char *const *pids;
	unsigned seconds;
	char ids[CONTAINERS_MAX][ENGINE_ID_MAX + 1];
	struct engine_op *streams[CONTAINERS_MAX];
	unsigned n, n_samples, n_open;
	struct err err;
};

/* Of the engine's processes, in µs, since they were started. */
static double
engine_cpu_us(const struct cost *cost)
{
	double ticks = 0;

	for (char *const *pid = cost->pids; *pid != NULL; pid++) {
		char path[64], text[1024] = "", *p;
		unsigned long user = 0, system = 0;
		FILE *in;

		(void)snprintf(path, sizeof path, "/proc/%s/stat", *pid);
		in = fopen(path, "re");
		if (in == NULL)
			continue;
		p = fgets(text, sizeof text, in) == NULL ? NULL : strrchr(text, ')');
		(void)fclose(in);
		if (p != NULL && sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
					 &user, &system) == 2)
			ticks += (double)(user + system);
	}
	return ticks * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

static void
on_list(const struct err *err, const struct engine_container *containers, size_t n, void *arg)
{
	struct cost *cost = arg;

	cost->err = *err;
	for (size_t i = 0; i < n && i < CONTAINERS_MAX; i++)
		(void)snprintf(cost->ids[cost->n++], sizeof cost->ids[0], "%s", containers[i].id);
	uv_stop(&cost->loop);
}

static void
on_sample(const struct engine_sample *sample, void *arg)
{
	(void)sample;
	((struct cost *)arg)->n_samples++;
}

static void
on_end(const struct err *err, void *arg)
{
	struct cost *cost = arg;

	if (err->code != -ECANCELED)
		cost->err = *err;
	cost->n_open--;
}

static void
on_time(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static void
pass(struct cost *cost)
{
	uv_timer_t timer;

	(void)uv_timer_init(&cost->loop, &timer);
	(void)uv_timer_start(&timer, on_time, (uint64_t)cost->seconds * 1000, 0);
	(void)uv_run(&cost->loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(&cost->loop, UV_RUN_NOWAIT);
}

/* µs a sample. */
static double
by_stream(struct cost *cost)
{
	double idle_us = engine_cpu_us(cost), all_us, own_us;

	pass(cost);
	idle_us = engine_cpu_us(cost) - idle_us;
	for (unsigned i = 0; i < cost->n; i++, cost->n_open++)
		cost->streams[i] =
			engine_stats(cost->engine, cost->ids[i], on_sample, on_end, cost);
	while (cost->n_samples < cost->n) /* to open them is not what is measured */
		(void)uv_run(&cost->loop, UV_RUN_ONCE);
	cost->n_samples = 0;
	all_us = engine_cpu_us(cost);
	own_us = bench_cpu_us();
	pass(cost);
	all_us = engine_cpu_us(cost) - all_us - idle_us;
	own_us = bench_cpu_us() - own_us;
	for (unsigned i = 0; i < cost->n; i++)
		engine_cancel(cost->streams[i]);
	while (cost->n_open > 0)
		(void)uv_run(&cost->loop, UV_RUN_ONCE);
	bench_print("stats.stream.samples_per_second",
		(double)cost->n_samples / (double)cost->seconds, "/s");
	bench_print("stats.stream.cpu.engine", all_us / (double)cost->n_samples, "us");
	bench_print("stats.stream.cpu.own", own_us / (double)cost->n_samples, "us");
	return (all_us + own_us) / (double)cost->n_samples;
}

static double
by_files(struct cost *cost)
{
	static struct worker_cgroup groups[CONTAINERS_MAX];
	struct engine_sample sample;
	double us;
	int rc = 0;

	for (unsigned i = 0; i < cost->n && rc == 0; i++)
		rc = worker_cgroup_open("/sys/fs/cgroup", "/proc", cost->ids[i], &groups[i],
			&cost->err);
	us = bench_cpu_us();
	for (unsigned round = 0; round < ROUNDS && rc == 0; round++) {
		for (unsigned i = 0; i < cost->n && rc == 0; i++)
			rc = worker_cgroup_read(&groups[i], &sample);
	}
	us = bench_cpu_us() - us;
	return us / ROUNDS / cost->n;
}

int
main(int argc, char **argv)
{
	static struct cost cost;
	double stream_us, files_us;

	if (argc < 4) {
		(void)fprintf(stderr, "usage: stats_cost HOST SECONDS PID...\n");
		return 2;
	}
	cost.seconds = (unsigned)strtoul(argv[2], NULL, 10);
	cost.pids = argv + 3;
	(void)uv_loop_init(&cost.loop);
	if (engine_open_http(&cost.loop, &(struct engine_http_options){.host = argv[1]},
		    &cost.engine, &cost.err) == 0) {
		engine_container_list(cost.engine, "davit.bench=stats", on_list, &cost);
		(void)uv_run(&cost.loop, UV_RUN_DEFAULT);
	}
	if (cost.err.code == 0 && cost.n > 0) {
		stream_us = by_stream(&cost);
		files_us = by_files(&cost);
		bench_print("stats.stream.cpu", stream_us, "us");
		bench_print("stats.files.cpu", files_us, "us");
		bench_print("stats.stream_over_files", stream_us / files_us, "x");
	}
	engine_close(cost.engine);
	(void)uv_run(&cost.loop, UV_RUN_DEFAULT);
	if (cost.err.code == 0 && cost.n > 0)
		return 0;
	(void)fprintf(stderr, "stats_cost: %s\n",
		cost.err.code != 0 ? cost.err.text : "no containers");
	return 1;
}
