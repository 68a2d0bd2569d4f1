/*
 * What the Docker Engine of this machine does at best: create and start (wait, remove) by this
 * client alone, without a worker, at several widths. The worker's own figures are ratios to these.
 *
 *   DAVIT_BENCH_N=24         containers per figure
 *   DAVIT_BENCH_WIDTHS=1,4,8 how many at once
 *   DAVIT_BENCH_NETWORKS=bridge,none,host
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/docker/engine.h"
#include "tests/lib/bench.h"

enum { N_MAX = 10000 };

/* Static busybox out of nothing, as the tests make it: no registry is needed. */
static const char make_image[] =
	"docker image inspect davit-test-busybox:engine >/dev/null 2>&1 && exit 0; set -e; "
	"d=$(mktemp -d); mkdir $d/bin; cp /bin/busybox $d/bin/; "
	"for l in sh echo sleep true false cat httpd nc; do ln -s busybox $d/bin/$l; done; "
	"tar -C $d -c . | docker import --change 'LABEL davit.test=engine' - "
	"davit-test-busybox:engine >/dev/null; rm -rf $d";

enum stage { CREATE, START, RUN, REMOVE, DONE };

struct item {
	struct bench *bench;
	char id[ENGINE_ID_MAX + 1];
	enum stage stage;
	bool died;
	uint64_t began_ns;
};

struct bench {
	uv_loop_t loop;
	struct engine *engine;
	const char *network, *command;
	enum stage until; /* START: leave them running; DONE: each is a short job */
	struct item items[N_MAX];
	unsigned n, n_begun, n_ended;
	struct bench_series latency;
	struct err err; /* the first */
};

static void advance(struct item *item);

static void
fail(struct bench *bench, const struct err *err)
{
	if (bench->err.code == 0)
		bench->err = *err;
	uv_stop(&bench->loop);
}

static void
on_step(const struct err *err, void *arg)
{
	struct item *item = arg;

	if (err->code != 0) {
		fail(item->bench, err);
		return;
	}
	item->stage++;
	if (item->stage == RUN && item->died)
		item->stage = REMOVE;
	advance(item);
}

static void
on_created(const struct err *err, const char *id, void *arg)
{
	struct item *item = arg;

	if (err->code == 0)
		(void)snprintf(item->id, sizeof item->id, "%s", id);
	on_step(err, arg);
}

static void
create(struct item *item)
{
	struct bench *bench = item->bench;
	char body[512], name[64];

	(void)snprintf(name, sizeof name, "davit-bench-%ld-%u", (long)getpid(),
		(unsigned)(item - bench->items));
	(void)snprintf(body, sizeof body,
		"{\"Image\":\"davit-test-busybox:engine\",\"Cmd\":%s,\"Labels\":{\"davit.bench\":"
		"\"%ld\"},\"HostConfig\":{\"NetworkMode\":\"%s\"}}",
		bench->command, (long)getpid(), bench->network);
	item->began_ns = bench_now_ns();
	engine_container_create(bench->engine,
		&(struct engine_creation){.name = name, .body = body}, on_created, item);
}

static void
begin_next(struct bench *bench)
{
	if (bench->n_begun < bench->n) {
		struct item *item = &bench->items[bench->n_begun++];

		*item = (struct item){.bench = bench, .stage = CREATE};
		create(item);
	}
}

static void
advance(struct item *item)
{
	struct bench *bench = item->bench;

	if (item->stage == START) {
		engine_container_start(bench->engine, item->id, on_step, item);
	} else if (item->stage == REMOVE) {
		engine_container_remove(bench->engine, item->id, on_step, item);
	} else if (item->stage == DONE || bench->until == START) {
		bench_series_add(&bench->latency, bench_now_ns() - item->began_ns);
		if (++bench->n_ended == bench->n)
			uv_stop(&bench->loop);
		begin_next(bench);
	}
	/* RUN of a short job: its event will tell. */
}

static void
on_event(const struct engine_event *event, void *arg)
{
	struct bench *bench = arg;

	if (strcmp(event->action, "die") != 0 || bench->until != DONE)
		return;
	for (unsigned i = 0; i < bench->n_begun; i++) {
		struct item *item = &bench->items[i];

		if (strcmp(item->id, event->id) != 0)
			continue;
		item->died = true; /* this may overtake the answer to the start */
		if (item->stage == RUN) {
			item->stage = REMOVE;
			advance(item);
		}
		return;
	}
}

static void
on_events_end(const struct err *err, void *arg)
{
	if (err->code != -125 /* ECANCELED */)
		fail(arg, err);
}

static void
on_about(const struct err *err, const struct engine_about *about, void *arg)
{
	struct bench *bench = arg;

	if (err->code != 0)
		fail(bench, err);
	else
		printf("# engine %s, API %s, %s\n", about->version, about->api_version,
			about->kernel);
	uv_stop(&bench->loop);
}

/* Runs n containers, width at a time; containers per second. */
static double
run(struct bench *bench, unsigned width)
{
	uint64_t began_ns = bench_now_ns();

	bench->n_begun = bench->n_ended = 0;
	bench_series_fini(&bench->latency);
	bench->latency = (struct bench_series){0};
	while (bench->n_begun < width && bench->n_begun < bench->n)
		begin_next(bench);
	while (bench->n_ended < bench->n && bench->err.code == 0)
		(void)uv_run(&bench->loop, UV_RUN_DEFAULT);
	return bench->n * 1e9 / (double)(bench_now_ns() - began_ns);
}

/* Removes them all by force, width at a time. */
static double
clear(struct bench *bench, unsigned width)
{
	uint64_t began_ns = bench_now_ns();
	unsigned next = 0;

	bench->n_ended = 0;
	bench->until = DONE;
	bench->n_begun = bench->n; /* so that nothing new begins */
	for (; next < width && next < bench->n; next++) {
		bench->items[next].stage = REMOVE;
		advance(&bench->items[next]);
	}
	while (bench->n_ended < bench->n && bench->err.code == 0) {
		(void)uv_run(&bench->loop, UV_RUN_ONCE);
		for (; next < bench->n_ended + width && next < bench->n; next++) {
			bench->items[next].stage = REMOVE;
			advance(&bench->items[next]);
		}
	}
	return bench->n * 1e9 / (double)(bench_now_ns() - began_ns);
}

static void
figure(const char *what, const char *network, unsigned width, double rate)
{
	char name[96];

	(void)snprintf(name, sizeof name, "engine.%s.%s.%u", what, network, width);
	bench_print(name, rate, "/s");
}

static void
measure(struct bench *bench, const char *network, unsigned width)
{
	char name[96];

	bench->network = network;
	bench->command = "[\"sleep\",\"1000\"]";
	bench->until = START;
	figure("start", network, width, run(bench, width));
	(void)snprintf(name, sizeof name, "engine.start.%s.%u", network, width);
	bench_print_series(name, &bench->latency);
	figure("remove", network, width, clear(bench, width));
	bench->command = "[\"true\"]";
	bench->until = DONE;
	figure("job", network, width, run(bench, width));
}

static const char *
setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value == NULL || value[0] == '\0' ? otherwise : value;
}

static int
prepare(struct bench *bench)
{
	FILE *pipe = popen(make_image, "r");
	char label[64];
	struct err err = {0};

	if (pipe == NULL || pclose(pipe) != 0) {
		printf("# no Docker Engine, or it cannot make an image: nothing is measured\n");
		return -1;
	}
	(void)uv_loop_init(&bench->loop);
	if (engine_open_http(&bench->loop, &(struct engine_http_options){0}, &bench->engine, &err) <
		0) {
		printf("# %s\n", err.text);
		return -1;
	}
	(void)snprintf(label, sizeof label, "davit.bench=%ld", (long)getpid());
	engine_events(bench->engine, label, 0, on_event, on_events_end, bench);
	engine_about(bench->engine, on_about, bench);
	(void)uv_run(&bench->loop, UV_RUN_DEFAULT);
	return bench->err.code;
}

int
main(void)
{
	struct bench *bench = xcalloc(1, sizeof *bench);
	char *networks = xstrdup(setting("DAVIT_BENCH_NETWORKS", "bridge,none,host")),
	     *rest = networks;
	const char *network;

	bench->n = (unsigned)strtoul(setting("DAVIT_BENCH_N", "24"), NULL, 10);
	if (bench->n < 1 || bench->n > N_MAX)
		bench->n = N_MAX;
	if (prepare(bench) == 0)
		while ((network = strsep(&rest, ",")) != NULL) {
			const char *at = setting("DAVIT_BENCH_WIDTHS", "1,4,8");

			while (bench->err.code == 0 && *at != '\0') {
				char *end;
				unsigned width = (unsigned)strtoul(at, &end, 10);

				measure(bench, network, width > 0 ? width : 1);
				at = *end == ',' ? end + 1 : "";
			}
		}
	if (bench->err.code != 0)
		printf("# stopped: %s\n", bench->err.text);
	engine_close(bench->engine);
	if (bench->engine != NULL)
		(void)uv_run(&bench->loop, UV_RUN_DEFAULT);
	bench_series_fini(&bench->latency);
	free(networks);
	free(bench);
	return 0;
}
