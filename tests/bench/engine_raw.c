/*
 * engine_raw.c - a bare client of the Engine API, told what to do line by line: what engine.sh
 * holds the worker against. It asks for one thing after the other without looking back, a given
 * number of containers at a time, and polls nothing.
 *
 *   engine_raw HOST IMAGE FEED, then on its input, each answered by a line of seconds:
 *
 *   start N WIDTH     creates and starts N containers that wait for TERM; they stay
 *   stop WIDTH        asks them to end, until the engine tells that they have
 *   remove WIDTH      removes them
 *   jobs N WIDTH      N short lives: create, start, wait for the end, remove
 *   one               creates, starts and removes one more: until it was started
 *   mark LABEL        from now on events count: the engine's of containers with that label, and
 *                     those of tasks in the manager's feed
 *   await WORD N      from the mark to the N-th 'start', 'die' or 'destroy' of the engine, or
 *                     'running', 'completed' or 'removed' of the feed
 *   kill ID           kills a container; from its death to the next start of one with the label.
 *                     One of its own it starts again itself, as soon as the engine says so
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/docker/engine.h"
#include "common/rpc/pubsub.h"
#include "tests/lib/bench.h"

enum { N_MAX = 10000, WORDS = 6, WAIT_MS = 300000 };
#define LABEL "davit.bench"

enum stage { CREATE, START, RUN, STOP, GONE };

struct item {
	struct raw *raw;
	char id[ENGINE_ID_MAX + 1];
	enum stage stage;
	bool died;
};

struct count {
	const char *word;
	unsigned n;
	uint64_t last_ns;
};

struct raw {
	uv_loop_t loop;
	uv_poll_t input;
	struct engine *engine;
	const char *image;
	bool is_job;
	struct item items[N_MAX];
	unsigned n, n_begun, n_ended, serial;
	struct err err; /* the first */

	/* Of others: */
	char label[128];
	bool revives;
	uint64_t mark_ns;
	struct count counts[WORDS];
};

/* Asks the engine for the next thing of this one. */
typedef void step_fn(struct item *item);

static void
fail(struct raw *raw, const struct err *err)
{
	if (raw->err.code == 0)
		raw->err = *err;
}

static void
on_done(const struct err *err, void *arg)
{
	struct item *item = arg;

	if (err->code != 0)
		fail(item->raw, err);
	else
		item->raw->n_ended++;
}

static void
step_remove(struct item *item)
{
	item->stage = GONE;
	engine_container_remove(item->raw->engine, item->id, on_done, item);
}

/* Its end is what the engine tells, for everybody: the answer comes when it has tidied up, too. */
static void
on_stopped(const struct err *err, void *arg)
{
	struct item *item = arg;

	if (err->code != 0 && item->stage == STOP)
		fail(item->raw, err);
}

static void
step_stop(struct item *item)
{
	item->stage = STOP;
	engine_container_stop(item->raw->engine, item->id, 10000, on_stopped, item);
}

static void
on_started(const struct err *err, void *arg)
{
	struct item *item = arg;

	item->stage = RUN;
	if (err->code != 0 || !item->raw->is_job)
		on_done(err, arg);
	else if (item->died) /* its event may overtake the answer */
		step_remove(item);
}

static void
on_created(const struct err *err, const char *id, void *arg)
{
	struct item *item = arg;

	if (err->code != 0) {
		fail(item->raw, err);
		return;
	}
	(void)snprintf(item->id, sizeof item->id, "%s", id);
	item->stage = START;
	engine_container_start(item->raw->engine, id, on_started, item);
}

static void
step_create(struct item *item)
{
	struct raw *raw = item->raw;
	char body[512], name[64];

	item->stage = CREATE;
	item->died = false;
	(void)snprintf(name, sizeof name, "davit-bench-%u", raw->serial++);
	(void)snprintf(body, sizeof body,
		"{\"Image\":\"%s\",\"Cmd\":%s,\"Labels\":{\"" LABEL "\":\"raw\"}}", raw->image,
		raw->is_job ? "[\"true\"]"
			    : "[\"sh\",\"-c\",\"mkfifo /f; trap 'exit 0' TERM; "
			      "read x <>/f\"]");
	engine_container_create(raw->engine, &(struct engine_creation){.name = name, .body = body},
		on_created, item);
}

/* All n, width at a time; seconds. */
static double
run(struct raw *raw, step_fn *step, unsigned first, unsigned n, unsigned width)
{
	uint64_t began_ns = bench_now_ns();

	raw->n_begun = raw->n_ended = 0;
	while (raw->n_ended < n && raw->err.code == 0) {
		for (; raw->n_begun < n && raw->n_begun < raw->n_ended + width; raw->n_begun++) {
			raw->items[first + raw->n_begun].raw = raw;
			step(&raw->items[first + raw->n_begun]);
		}
		(void)uv_run(&raw->loop, UV_RUN_ONCE);
	}
	return (double)(bench_now_ns() - began_ns) / 1e9;
}

/* ---- events ---- */

static const char *
attribute(const struct engine_event *event, const char *key)
{
	for (size_t i = 0; i < event->n_attributes; i++) {
		if (strcmp(event->attributes[i].key, key) == 0)
			return event->attributes[i].value;
	}
	return NULL;
}

static uint64_t
wall_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct count *
counted(struct raw *raw, const char *word)
{
	for (unsigned i = 0; i < WORDS; i++) {
		if (raw->counts[i].word != NULL && strcmp(raw->counts[i].word, word) == 0)
			return &raw->counts[i];
	}
	return NULL;
}

static void
count(struct raw *raw, const char *word, uint64_t time_ns)
{
	struct count *count = counted(raw, word);

	if (count == NULL || time_ns < raw->mark_ns)
		return;
	count->n++;
	count->last_ns = time_ns;
}

static void
on_frame(const char *topic, const void *payload, size_t size, void *arg)
{
	char word[32] = "";

	(void)payload;
	(void)size;
	if (sscanf(topic, "event.task.%31[a-z]", word) == 1)
		count(arg, word, wall_ns());
}

static void
on_revived(const struct err *err, void *arg)
{
	if (err->code != 0)
		fail(arg, err);
}

static void
item_died(struct raw *raw, const char *id)
{
	for (unsigned i = 0; i < raw->n_begun; i++) {
		struct item *item = &raw->items[i];

		if (strcmp(item->id, id) != 0)
			continue;
		item->died = true;
		if (item->stage == STOP) {
			item->stage = GONE;
			raw->n_ended++;
		} else if (item->stage == RUN && raw->is_job) {
			step_remove(item);
		}
		return;
	}
}

static void
on_event(const struct engine_event *event, void *arg)
{
	struct raw *raw = arg;
	bool is_own_death = attribute(event, LABEL) != NULL && strcmp(event->action, "die") == 0;

	if (raw->label[0] != '\0' && attribute(event, raw->label) != NULL)
		count(raw, event->action, event->time_ns);
	if (is_own_death && raw->revives)
		engine_container_start(raw->engine, event->id, on_revived, raw);
	if (is_own_death)
		item_died(raw, event->id);
}

static void
on_events_end(const struct err *err, void *arg)
{
	if (err->code != -ECANCELED)
		fail(arg, err);
}

static void
mark(struct raw *raw, const char *label)
{
	static const char *const words[WORDS] = {"start", "die", "destroy", "running", "completed",
		"removed"};

	(void)snprintf(raw->label, sizeof raw->label, "%s", label);
	raw->mark_ns = wall_ns();
	for (unsigned i = 0; i < WORDS; i++)
		raw->counts[i] = (struct count){.word = words[i]};
}

/* When the n-th of these happened. */
static uint64_t
await(struct raw *raw, const char *word, unsigned n)
{
	uint64_t began_ns = bench_now_ns();
	const struct count *count = counted(raw, word);

	while (count != NULL && count->n < n && raw->err.code == 0 &&
		bench_now_ns() - began_ns < (uint64_t)WAIT_MS * 1000000)
		(void)uv_run(&raw->loop, UV_RUN_ONCE);
	if (count != NULL && count->n >= n)
		return count->last_ns;
	(void)err_set(&raw->err, -ETIMEDOUT, "waited in vain for %u times '%s' of '%s'", n, word,
		raw->label);
	return raw->mark_ns;
}

/* Our own items have no part in this. */
static void
on_killed(const struct err *err, void *arg)
{
	if (err->code != 0)
		fail(arg, err);
}

static double
time_restart(struct raw *raw, const char *id)
{
	char label[sizeof raw->label];
	uint64_t death_ns;
	double seconds;

	(void)snprintf(label, sizeof label, "%s", raw->label);
	mark(raw, label);
	raw->revives = strcmp(label, LABEL) == 0;
	engine_container_kill(raw->engine, id, "KILL", on_killed, raw);
	death_ns = await(raw, "die", 1);
	seconds = (double)(await(raw, "start", 1) - death_ns) / 1e9;
	raw->revives = false;
	return seconds;
}

/* ---- commands ---- */

static double
time_one(struct raw *raw)
{
	double seconds;

	raw->is_job = false;
	seconds = run(raw, step_create, raw->n, 1, 1);
	(void)run(raw, step_remove, raw->n, 1, 1);
	return seconds;
}

static double
obey(struct raw *raw, const char *line)
{
	char word[32] = "", text[ENGINE_ID_MAX + 1] = "";
	unsigned a = 0, b = 0;

	(void)sscanf(line, "%31s %64s", word, text);
	(void)sscanf(line, "%*s %u %u", &a, &b);
	if (strcmp(word, "start") == 0 && a > 0 && a < N_MAX && b > 0) {
		raw->is_job = false;
		raw->n = a;
		return run(raw, step_create, 0, a, b);
	}
	if (strcmp(word, "stop") == 0 && a > 0)
		return run(raw, step_stop, 0, raw->n, a);
	if (strcmp(word, "remove") == 0 && a > 0)
		return run(raw, step_remove, 0, raw->n, a);
	if (strcmp(word, "jobs") == 0 && a > 0 && a < N_MAX && b > 0) {
		raw->is_job = true;
		return run(raw, step_create, 0, a, b);
	}
	if (strcmp(word, "one") == 0)
		return time_one(raw);
	if (strcmp(word, "kill") == 0)
		return time_restart(raw, text);
	if (strcmp(word, "mark") == 0) {
		mark(raw, text);
		return 0;
	}
	if (strcmp(word, "await") == 0 && sscanf(line, "%*s %*s %u", &a) == 1)
		return (double)(await(raw, text, a) - raw->mark_ns) / 1e9;
	(void)err_set(&raw->err, -EINVAL, "what is '%.60s'?", line);
	return 0;
}

static void
on_input(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	*(bool *)poll->data = true;
}

/* Events are read also while nobody commands anything: the engine does not wait for readers. */
static bool
next_line(struct raw *raw, char line[256])
{
	bool is_there = false;

	raw->input.data = &is_there;
	(void)uv_poll_start(&raw->input, UV_READABLE, on_input);
	while (!is_there && raw->err.code == 0)
		(void)uv_run(&raw->loop, UV_RUN_ONCE);
	(void)uv_poll_stop(&raw->input);
	return raw->err.code == 0 && fgets(line, 256, stdin) != NULL;
}

static void
serve(struct raw *raw)
{
	char line[256];

	while (next_line(raw, line)) {
		double seconds = obey(raw, line);

		if (raw->err.code == 0)
			printf("%.4f\n", seconds);
	}
}

int
main(int argc, char **argv)
{
	static const char *const topics[] = {"event.task.", NULL};
	struct raw *raw = xcalloc(1, sizeof *raw);
	struct rpc_sub *feed = NULL;
	int rc;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: engine_raw HOST IMAGE FEED\n");
		return 2;
	}
	raw->image = argv[2];
	(void)setvbuf(stdin, NULL, _IONBF, 0); /* what is read ahead cannot be polled for */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)uv_loop_init(&raw->loop);
	(void)uv_poll_init(&raw->loop, &raw->input, STDIN_FILENO);
	rc = engine_open_http(&raw->loop, &(struct engine_http_options){.host = argv[1]},
		&raw->engine, &raw->err);
	if (rc == 0)
		rc = rpc_sub_open(&raw->loop, argv[3], RPC_DIAL, topics, on_frame, raw, &feed,
			&raw->err);
	if (rc == 0) {
		engine_events(raw->engine, NULL, 0, on_event, on_events_end, raw);
		serve(raw);
	}
	if (raw->err.code != 0)
		(void)fprintf(stderr, "engine_raw: %s\n", raw->err.text);
	rc = raw->err.code;
	uv_close((uv_handle_t *)&raw->input, NULL);
	engine_close(raw->engine);
	rpc_sub_close(feed);
	(void)uv_run(&raw->loop, UV_RUN_DEFAULT);
	free(raw);
	return rc == 0 ? 0 : 1;
}
