/*
 * bench_cluster.h - the real programs as children of a benchmark, and what they cost.
 *
 * Everything is on loopback with ports that were free, and on the disk under one
 * temporary folder (in $BENCH_DIR, else /var/tmp), removed at the end. Children die with
 * their parent. Whatever cannot be begun ends the program with a sentence. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <uv.h>

#include "common/rpc/client.h"

enum { BENCH_PATH_SIZE = 160, BENCH_URL_SIZE = 48, BENCH_ARGS_MAX = 24 };

/* Says it and ends the program. */
_Noreturn void bench_die(const char *what, const char *why);

struct bench_child {
	char name[24]; /* set it before the start where a program is started more than once */
	pid_t pid;
	uint64_t *syncs; /* shared with the child: how many, and ns; NULL: not counted */
};

/*
 * Starts a program of the same build, or this one again for "self"; args ends with NULL.
 * With counts_syncs the child's fsync and fdatasync are counted. Its stderr goes into
 * "<folder>/<name>.log".
 */
void bench_child_start(struct bench_child *child, const char *folder, const char *program,
	bool counts_syncs, const char *const *args);
/* TERM, and KILL when that takes too long. A child that was not started is fine. */
void bench_child_stop(struct bench_child *child);
/* KILL, and waits for the end. */
void bench_child_kill(struct bench_child *child);

double bench_child_cpu_us(const struct bench_child *child);
double bench_child_rss_anon_kib(const struct bench_child *child);
double bench_child_syncs(const struct bench_child *child);
double bench_child_sync_us(const struct bench_child *child);

struct bench_cluster {
	char folder[BENCH_PATH_SIZE];
	char manager_url[BENCH_URL_SIZE], feed_url[BENCH_URL_SIZE], feed_json_url[BENCH_URL_SIZE],
		stats_url[BENCH_URL_SIZE], scheduler_url[BENCH_URL_SIZE];
	struct bench_child manager, scheduler;
	uv_loop_t loop;
	struct rpc_client *client; /* of the manager */
};

/* Manager, ready to be called, and scheduler where one is wanted. */
void bench_cluster_start(struct bench_cluster *cluster, bool counts_syncs, bool has_scheduler);
void bench_cluster_stop(struct bench_cluster *cluster);
/* Kills the manager, waits for its end and starts it again on its store; does not wait for more. */
void bench_cluster_restart_manager(struct bench_cluster *cluster);

/*
 * One call, and its answer: NULL when it was refused and may_fail; else the program ends.
 * Free it with protobuf_c_message_free_unpacked.
 */
ProtobufCMessage *bench_call(struct bench_cluster *cluster, const char *method,
	const ProtobufCMessage *request, bool may_fail);

/* The counts of tasks and nodes as the manager has them. */
struct bench_counts {
	uint32_t nodes_ready, pending, scheduled, running, completed, failed;
};
struct bench_counts bench_cluster_counts(struct bench_cluster *cluster);

/* Turns the loop until so many nodes are ready; the program ends when that takes too long. */
void bench_cluster_wait_nodes(struct bench_cluster *cluster, uint32_t n, uint64_t max_ms);

/* Turns the loop for so long. */
void bench_cluster_idle(struct bench_cluster *cluster, uint64_t ms);

/* Bytes of the store on disk, log included. */
double bench_cluster_store_bytes(const struct bench_cluster *cluster);

/* A number from the environment, or the default. */
uint32_t bench_setting(const char *name, uint32_t standard);
