/*
 * chaos_shell.h - what a fault does to the world of a worker.
 *
 * Between the worker's shell and its engine (engine_gate.h), its way to the manager
 * (chaos_line.h), and its life: kill-node takes the core away, as the end of the process would,
 * kills what runs in the node's name, again and again, and gives the core back at the end. Orders
 * and times are chaos.h's. A worker that does not allow chaos has none of this.
 *
 * On the loop's thread.
 */
#pragma once

#include <uv.h>

#include "common/docker/engine.h"
#include "common/rpc/client.h"
#include "proto/worker.pb-c.h"

struct chaos_shell;

/* Everything is borrowed for the chaos_shell's life. */
struct chaos_shell_options {
	uv_loop_t *loop;
	const char *manager_url; /* for a line of its own, which no fault touches */
	struct rpc_client *client;
	struct engine *engine; /* the real one */
	void *arg;             /* of the functions below */
	uint32_t (*random)(void *arg);
	const char *(*node_id)(void *arg); /* "" while it is not known, or the core is away */
	/* The core ends without a word; and is born again. */
	void (*die)(void *arg);
	void (*revive)(void *arg);
};

/* The errors of rpc_client_open. */
int chaos_shell_open(const struct chaos_shell_options *options, struct chaos_shell **ret_chaos,
	struct err *err);

/* The engine as the core is to see it. */
struct engine *chaos_shell_engine(struct chaos_shell *chaos);

/* A call of the Workers service. */
void chaos_shell_call(struct chaos_shell *chaos, const char *method,
	const ProtobufCMessage *request, uint64_t timeout_ms, rpc_done_fn *done, void *arg);

/* True: the measurement is lost. */
bool chaos_shell_loses_stats(struct chaos_shell *chaos);

/* As the port of worker.h. */
int chaos_shell_order(struct chaos_shell *chaos, const Davit__ChaosQuery *query,
	Davit__Fault *ret_fault, struct err *err);

/* Returns when it is to be called again, on the first clock. */
uint64_t chaos_shell_tick(struct chaos_shell *chaos, uint64_t mono_ms, uint64_t wall_ms);

/* After the core and the client, before the engine; the loop must run once more before it is freed.
 * NULL is fine. */
void chaos_shell_close(struct chaos_shell *chaos);
void chaos_shell_free(struct chaos_shell *chaos);
