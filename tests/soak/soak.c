/*
 * The client of `make soak`: submits TASKS tasks that end at once, in calls of one, ten and a
 * hundred, and writes down as they end how much memory each process has and how large the
 * database is. soak.sh starts the processes, judges and draws.
 *
 *     soak MANAGER-URL TASKS WINDOW DATABASE NAME=PID...
 *
 * At most WINDOW tasks are under way. Prints a line of names, then SAMPLES lines:
 * lives, seconds, KiB of the database with its log, KiB of each process.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/process.h"
#include "common/rpc/client.h"
#include "proto/manager.pb-c.h"

enum {
	SAMPLES = 200,
	WATCHED_MAX = 16,
	LOOK_MS = 10,          /* between two looks at how many have ended */
	CALL_MAX_MS = 300000,  /* a call that takes longer is a failure; machines are busy */
	STALL_MAX_MS = 600000, /* and so is so long without an end of any task */
	LINE_SIZE = 256,
};

struct soak {
	uv_loop_t loop;
	uv_timer_t timer;
	struct rpc_client *client;
	const char *database;
	const char *names[WATCHED_MAX];
	const char *pids[WATCHED_MAX];
	int n_watched;
	Davit__TaskSpec spec;
	uint64_t n_tasks, window;
	uint64_t n_asked, n_taken, n_ended, n_calls; /* tasks asked for, accepted, ended */
	uint64_t n_samples, begun_ms, moved_ms;
	unsigned n_on_wire;
	bool is_looking;
};

static _Noreturn void
die(const char *what, const char *why)
{
	(void)fprintf(stderr, "soak: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

/* ---- what is measured ---- */

static uint64_t
rss_kib(const char *name, const char *pid)
{
	char path[LINE_SIZE], line[LINE_SIZE];
	uint64_t kib = 0;
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/%s/status", pid);
	file = fopen(path, "re");
	if (file == NULL)
		die(name, "has ended: see its log");
	while (kib == 0 && fgets(line, sizeof line, file) != NULL)
		(void)sscanf(line, "VmRSS: %" SCNu64, &kib);
	(void)fclose(file);
	return kib;
}

static uint64_t
database_kib(const struct soak *soak)
{
	static const char *const endings[] = {"", "-wal"};
	char path[LINE_SIZE];
	struct stat st;
	uint64_t bytes = 0;

	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		(void)snprintf(path, sizeof path, "%.200s%s", soak->database, endings[i]);
		bytes += stat(path, &st) < 0 ? 0 : (uint64_t)st.st_size;
	}
	return bytes / 1024;
}

static void
print_names(const struct soak *soak)
{
	(void)printf("lives seconds database");
	for (int i = 0; i < soak->n_watched; i++)
		(void)printf(" %s", soak->names[i]);
	(void)printf("\n");
}

static void
sample(struct soak *soak)
{
	if (soak->n_ended * SAMPLES < soak->n_tasks * (soak->n_samples + 1))
		return;
	soak->n_samples = soak->n_ended * SAMPLES / soak->n_tasks;
	(void)printf("%" PRIu64 " %.1f %" PRIu64, soak->n_ended,
		(double)(clock_mono_ms() - soak->begun_ms) / 1000, database_kib(soak));
	for (int i = 0; i < soak->n_watched; i++)
		(void)printf(" %" PRIu64, rss_kib(soak->names[i], soak->pids[i]));
	(void)printf("\n");
	(void)fflush(stdout);
}

/* ---- what is asked ---- */

static void submit_more(struct soak *soak);

/* One submission; it knows by how many tasks the count grows when it is answered. */
struct submission {
	struct soak *soak;
	uint32_t count;
};

static void
on_submitted(const struct rpc_result *result, void *arg)
{
	struct submission *submission = arg;
	struct soak *soak = submission->soak;

	if (result->status != DAVIT__REPLY__STATUS__OK)
		die("SubmitTasks", result->message);
	soak->n_taken += submission->count;
	soak->n_on_wire--;
	free(submission);
	submit_more(soak);
}

/* A third of the tasks come one a call, a third in tens, a third in hundreds. */
static uint32_t
next_count(const struct soak *soak)
{
	uint64_t turn = soak->n_calls % 111, left = soak->n_tasks - soak->n_asked;
	uint32_t count = turn == 0 ? 100 : turn <= 10 ? 10 : 1;

	return count < left ? count : (uint32_t)left;
}

static void
submit_one(struct soak *soak)
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	struct submission *submission = malloc(sizeof *submission);
	char id[RPC_REQUEST_ID_SIZE];

	if (submission == NULL)
		die("memory", "there is none");
	*submission = (struct submission){soak, next_count(soak)};
	request.spec = &soak->spec;
	request.has_count = true;
	request.count = submission->count;
	soak->n_calls++;
	soak->n_asked += submission->count;
	soak->n_on_wire++;
	rpc_request_id_make(id);
	(void)rpc_client_call(soak->client, rpc_method(&davit__manager__descriptor, "SubmitTasks"),
		&request.base,
		&(struct rpc_call_options){.timeout_ms = CALL_MAX_MS, .request_id = id},
		on_submitted, submission);
}

static void
submit_more(struct soak *soak)
{
	while (soak->n_on_wire < RPC_CLIENT_CALLS_MAX - 1 && soak->n_asked < soak->n_tasks &&
		soak->n_asked - soak->n_ended < soak->window)
		submit_one(soak);
}

/* ---- how far it is ---- */

/* What was accepted before the question and is not live has ended. */
struct look {
	struct soak *soak;
	uint64_t n_taken;
};

static void
on_counts(const struct rpc_result *result, void *arg)
{
	struct look *look = arg;
	struct soak *soak = look->soak;
	const Davit__ClusterStats *stats;
	uint64_t n_live, n_ended;

	if (result->status != DAVIT__REPLY__STATUS__OK)
		die("GetCluster", result->message);
	stats = ((const Davit__GetClusterReply *)result->response)->stats;
	if (stats->tasks_failed > 0)
		die("tasks", "have failed");
	n_live = (uint64_t)stats->tasks_pending + stats->tasks_scheduled + stats->tasks_running;
	n_ended = look->n_taken > n_live ? look->n_taken - n_live : 0;
	if (n_ended > soak->n_ended) {
		soak->n_ended = n_ended;
		soak->moved_ms = clock_mono_ms();
	}
	soak->is_looking = false;
	free(look);
	sample(soak);
	if (soak->n_ended == soak->n_tasks)
		uv_stop(&soak->loop);
	else
		submit_more(soak);
}

static void
on_timer(uv_timer_t *timer)
{
	struct soak *soak = timer->data;
	Davit__GetClusterRequest request = DAVIT__GET_CLUSTER_REQUEST__INIT;
	struct look *look;

	if (clock_mono_ms() > soak->moved_ms + STALL_MAX_MS)
		die("tasks", "do not end");
	if (soak->is_looking)
		return;
	look = malloc(sizeof *look);
	if (look == NULL)
		die("memory", "there is none");
	*look = (struct look){soak, soak->n_taken};
	soak->is_looking = true;
	(void)rpc_client_call(soak->client, rpc_method(&davit__manager__descriptor, "GetCluster"),
		&request.base, &(struct rpc_call_options){.timeout_ms = CALL_MAX_MS}, on_counts,
		look);
}

/* ---- beginning and end ---- */

static void
read_arguments(struct soak *soak, int argc, char **argv)
{
	static char own_pid[16];

	soak->n_tasks = strtoull(argv[2], NULL, 10);
	soak->window = strtoull(argv[3], NULL, 10);
	soak->database = argv[4];
	if (soak->n_tasks == 0 || soak->window == 0 || argc - 5 >= WATCHED_MAX)
		die("arguments", "want MANAGER-URL TASKS WINDOW DATABASE NAME=PID...");
	for (int i = 5; i < argc; i++) {
		char *equals = strchr(argv[i], '=');

		if (equals == NULL)
			die(argv[i], "want NAME=PID");
		*equals = '\0';
		soak->names[soak->n_watched] = argv[i];
		soak->pids[soak->n_watched++] = equals + 1;
	}
	(void)snprintf(own_pid, sizeof own_pid, "%d", (int)getpid());
	soak->names[soak->n_watched] = "client";
	soak->pids[soak->n_watched++] = own_pid;
}

static void
spec_init(Davit__TaskSpec *spec)
{
	davit__task_spec__init(spec);
	spec->image = (char *)(uintptr_t) "exit:0/after:0";
	spec->has_cpu_milli = spec->has_memory_bytes = spec->has_strategy = true;
	spec->cpu_milli = 50;
	spec->memory_bytes = 16 << 20;
	spec->strategy = DAVIT__TASK_SPEC__STRATEGY__SPREAD;
}

int
main(int argc, char **argv)
{
	struct soak soak = {0};
	struct err err;

	process_begin();
	log_open("soak", LOG_LVL_WARN);
	if (argc < 6)
		die("arguments", "want MANAGER-URL TASKS WINDOW DATABASE NAME=PID...");
	read_arguments(&soak, argc, argv);
	spec_init(&soak.spec);
	(void)uv_loop_init(&soak.loop);
	if (rpc_client_open(&soak.loop, argv[1], &soak.client, &err) < 0)
		die(argv[1], err.text);
	soak.begun_ms = soak.moved_ms = clock_mono_ms();
	(void)uv_timer_init(&soak.loop, &soak.timer);
	soak.timer.data = &soak;
	(void)uv_timer_start(&soak.timer, on_timer, 0, LOOK_MS);
	print_names(&soak);
	submit_more(&soak);
	(void)uv_run(&soak.loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&soak.timer, NULL);
	rpc_client_close(soak.client);
	(void)uv_run(&soak.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&soak.loop);
	return EXIT_SUCCESS;
}
