/*
 * task_calls.h - the calls of davit.Manager about tasks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/id.h"
#include "proto/manager.pb-c.h"
#include "proto/types.pb-c.h"

struct arena;
struct manager;
struct task;
struct rpc_call;

void task_submit(struct manager *manager, struct rpc_call *call);
void task_submit_many(struct manager *manager, struct rpc_call *call);
void task_get(struct manager *manager, struct rpc_call *call);
void task_get_many(struct manager *manager, struct rpc_call *call);
void task_list(struct manager *manager, struct rpc_call *call);
void task_wait(struct manager *manager, struct rpc_call *call);
void task_stop(struct manager *manager, struct rpc_call *call);
void task_start(struct manager *manager, struct rpc_call *call);
void task_pause(struct manager *manager, struct rpc_call *call);
void task_remove(struct manager *manager, struct rpc_call *call);

/* Answers the WaitTask calls that have what they wait for: once per batch, for a changed task. */
void task_waits_check(struct manager *manager, struct task *task);
/* The task is removed: whoever waits is told. */
void task_waits_end(struct manager *manager, struct task *task);

/* The task that a call names in its field, or NULL and the call was refused. */
struct task *task_resolve(struct manager *manager, struct rpc_call *call, const char *namespace,
	const char *text, const char *field);

/* The ids of n tasks, the first of which is first; in the arena. */
void task_list_ids(Davit__SubmitTasksReply *reply, struct id first, uint32_t n,
	struct arena *arena);

extern const char task_default_namespace[];

/* True if the call was refused: such tasks would not be accepted. Fields are told behind prefix. */
bool task_refuse_spec(struct manager *manager, struct rpc_call *call, const Davit__TaskSpec *spec,
	uint32_t count, const char *prefix);
