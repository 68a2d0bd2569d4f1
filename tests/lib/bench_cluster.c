/* Manager and scheduler of a benchmark, and a client of them. */
#include "tests/lib/bench_cluster.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "proto/manager.pb-c.h"
#include "tests/lib/bench.h"

enum { CALL_MAX_MS = 120000, READY_MAX_MS = 120000, RESTART_REDIAL_MS = 20, URLS_MAX = 8 };

/* ---- places: a folder, and ports that were free a moment ago ---- */

static void
make_folder(char ret_folder[BENCH_PATH_SIZE])
{
	const char *parent = getenv("BENCH_DIR");

	(void)snprintf(ret_folder, BENCH_PATH_SIZE, "%.100s/davit-bench.XXXXXX",
		parent != NULL ? parent : "/var/tmp");
	if (mkdtemp(ret_folder) == NULL)
		bench_die(ret_folder, "cannot make a folder; set BENCH_DIR");
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

/* All of them are held until each has one, so that no two are the same. */
static void
choose_urls(char *const *urls, size_t n)
{
	int fds[URLS_MAX];

	for (size_t i = 0; i < n; i++) {
		struct sockaddr_in address = {.sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t size = sizeof address;

		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fds[i] < 0 || bind(fds[i], (struct sockaddr *)&address, size) < 0 ||
			getsockname(fds[i], (struct sockaddr *)&address, &size) < 0)
			bench_die("port", strerror(errno));
		(void)snprintf(urls[i], BENCH_URL_SIZE, "tcp://127.0.0.1:%u",
			ntohs(address.sin_port));
	}
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
}

/* ---- calls ---- */

struct waiting {
	uv_loop_t *loop;
	const char *method;
	ProtobufCMessage *answer;
	bool may_fail, is_done;
};

static void
on_answer(const struct rpc_result *result, void *arg)
{
	struct waiting *waiting = arg;
	uint8_t *data;
	size_t size;

	waiting->is_done = true;
	uv_stop(waiting->loop);
	if (result->status != DAVIT__REPLY__STATUS__OK) {
		if (!waiting->may_fail)
			bench_die(waiting->method, result->message);
		return;
	}
	size = protobuf_c_message_get_packed_size(result->response);
	data = malloc(size + 1);
	if (data == NULL)
		bench_die(waiting->method, "out of memory");
	(void)protobuf_c_message_pack(result->response, data);
	waiting->answer = protobuf_c_message_unpack(result->response->descriptor, NULL, size, data);
	free(data);
}

ProtobufCMessage *
bench_call(struct bench_cluster *cluster, const char *method, const ProtobufCMessage *request,
	bool may_fail)
{
	struct waiting waiting = {&cluster->loop, method, NULL, may_fail, false};
	char id[RPC_REQUEST_ID_SIZE];

	rpc_request_id_make(id);
	(void)rpc_client_call(cluster->client, rpc_method(&davit__manager__descriptor, method),
		request, &(struct rpc_call_options){.timeout_ms = CALL_MAX_MS, .request_id = id},
		on_answer, &waiting);
	while (!waiting.is_done)
		(void)uv_run(&cluster->loop, UV_RUN_ONCE);
	return waiting.answer;
}

struct bench_counts
bench_cluster_counts(struct bench_cluster *cluster)
{
	Davit__GetClusterRequest request = DAVIT__GET_CLUSTER_REQUEST__INIT;
	ProtobufCMessage *answer = bench_call(cluster, "GetCluster", &request.base, false);
	const Davit__ClusterStats *stats = ((Davit__GetClusterReply *)answer)->stats;
	struct bench_counts counts = {stats->nodes_ready, stats->tasks_pending,
		stats->tasks_scheduled, stats->tasks_running, stats->tasks_completed,
		stats->tasks_failed};

	protobuf_c_message_free_unpacked(answer, NULL);
	return counts;
}

/* Stops the loop, too: a timer that is late runs before the loop looks for more, and waits. */
static void
on_timer(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
	uv_stop(timer->loop);
}

static void
on_closed(uv_handle_t *handle)
{
	*(bool *)handle->data = true;
}

void
bench_cluster_idle(struct bench_cluster *cluster, uint64_t ms)
{
	uv_timer_t timer;
	bool is_over = false;

	(void)uv_timer_init(&cluster->loop, &timer);
	timer.data = &is_over;
	(void)uv_timer_start(&timer, on_timer, ms, 0);
	while (!is_over)
		(void)uv_run(&cluster->loop, UV_RUN_ONCE);
	is_over = false;
	uv_close((uv_handle_t *)&timer, on_closed);
	while (!is_over)
		(void)uv_run(&cluster->loop, UV_RUN_ONCE);
}

void
bench_cluster_wait_nodes(struct bench_cluster *cluster, uint32_t n, uint64_t max_ms)
{
	uint64_t end_ms = clock_mono_ms() + max_ms;

	while (bench_cluster_counts(cluster).nodes_ready < n) {
		if (clock_mono_ms() > end_ms)
			bench_die("workers", "not all are ready in time");
		bench_cluster_idle(cluster, 20);
	}
}

/* ---- beginning and end ---- */

static void
start_scheduler(struct bench_cluster *cluster)
{
	const char *const args[] = {"--listen", cluster->scheduler_url, "--tasks-per-node-max",
		"1000000", "--log-level", "warn", NULL};

	bench_child_start(&cluster->scheduler, cluster->folder, "davit-scheduler", false, args);
}

static void
start_manager(struct bench_cluster *cluster, bool counts_syncs)
{
	char state[BENCH_PATH_SIZE + 16];
	const char *const args[] = {"--listen", cluster->manager_url, "--feed", cluster->feed_url,
		"--feed-json", cluster->feed_json_url, "--stats", cluster->stats_url, "--scheduler",
		cluster->scheduler_url, "--state-dir", state, "--log-level", "warn", NULL};

	(void)snprintf(state, sizeof state, "%s/manager", cluster->folder);
	bench_child_start(&cluster->manager, cluster->folder, "davit-manager", counts_syncs, args);
}

void
bench_cluster_start(struct bench_cluster *cluster, bool counts_syncs, bool has_scheduler)
{
	char *const urls[] = {cluster->manager_url, cluster->feed_url, cluster->feed_json_url,
		cluster->stats_url, cluster->scheduler_url};
	uint64_t end_ms = clock_mono_ms() + READY_MAX_MS;
	struct err err;

	*cluster = (struct bench_cluster){0};
	make_folder(cluster->folder);
	choose_urls(urls, sizeof urls / sizeof urls[0]);
	if (has_scheduler)
		start_scheduler(cluster);
	start_manager(cluster, counts_syncs);
	(void)uv_loop_init(&cluster->loop);
	if (rpc_client_open(&cluster->loop, cluster->manager_url, &cluster->client, &err) < 0)
		bench_die(cluster->manager_url, err.text);
	while (!rpc_client_is_connected(cluster->client)) {
		if (clock_mono_ms() > end_ms)
			bench_die("davit-manager", "does not answer");
		bench_cluster_idle(cluster, 5);
	}
}

void
bench_cluster_restart_manager(struct bench_cluster *cluster)
{
	bool counts_syncs = cluster->manager.syncs != NULL;

	rpc_client_set_reconnect(cluster->client, RESTART_REDIAL_MS);
	bench_child_kill(&cluster->manager);
	start_manager(cluster, counts_syncs);
}

void
bench_cluster_stop(struct bench_cluster *cluster)
{
	rpc_client_close(cluster->client);
	(void)uv_run(&cluster->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&cluster->loop);
	bench_child_stop(&cluster->manager);
	bench_child_stop(&cluster->scheduler);
	if (getenv("BENCH_KEEP") == NULL)
		(void)nftw(cluster->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

double
bench_cluster_store_bytes(const struct bench_cluster *cluster)
{
	static const char *const names[] = {"manager.db", "manager.db-wal"};
	char path[BENCH_PATH_SIZE + 32];
	struct stat st;
	double bytes = 0;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		(void)snprintf(path, sizeof path, "%s/manager/%s", cluster->folder, names[i]);
		bytes += stat(path, &st) < 0 ? 0 : (double)st.st_size;
	}
	return bytes;
}
