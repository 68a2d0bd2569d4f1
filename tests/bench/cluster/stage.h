/*
 * stage.h - a whole cluster for a profile: manager, scheduler, crowds of workers, and submissions.
 *
 * One thread.
 */
#pragma once

#include "proto/manager.pb-c.h"
#include "tests/bench/cluster/crowd.h"
#include "tests/bench/cluster/watch.h"

struct stage {
	struct bench_cluster cluster;
	struct bench_child crowds[WATCH_CHILDREN_MAX];
	unsigned n_crowds;
	uint32_t n_nodes;
};

/* n_nodes in n_crowds processes, all ready. Nodes have 40 processors and 128 GiB. */
void stage_open(struct stage *stage, uint32_t n_nodes, unsigned n_crowds);
void stage_close(struct stage *stage);

/* What a submission asks for; image as quick_engine.h reads it. */
struct stage_tasks {
	Davit__TaskSpec spec;
	Davit__RestartPolicy restart;
	Davit__SubmitTasksRequest request;
};
/* An array of count tasks of 0.1 processors and 256 MiB. */
void stage_tasks_init(struct stage_tasks *tasks, const char *image, uint32_t count);

/*
 * Submissions on their way: at most in_flight at one time over one connection. A refused one
 * ends the program.
 */
struct stage_load {
	struct rpc_client *client;
	const struct stage_tasks *tasks;
	uint32_t n_calls, in_flight; /* n_calls may grow while it runs */
	uint32_t n_begun, n_done;
	struct bench_series *took; /* how long each call was under way; NULL: not of interest */
};
/* Begins as many as there may be; call it again when n_calls has grown. */
void stage_load_go(struct stage_load *load);
/* Goes and waits until n_calls are done, with looks of the watch meanwhile. */
void stage_load_run(struct stage_load *load, struct watch *watch);

/* So many arrays, each of what tasks says, over the cluster's own connection. */
void stage_submit(struct watch *watch, const struct stage_tasks *tasks, uint32_t n_arrays);
/* Until n more tasks than in the watch's first row have passed the stage; none may fail. */
void stage_await(struct watch *watch, enum watch_stage passed, double n);
