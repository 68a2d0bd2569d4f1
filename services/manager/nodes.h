/*
 * nodes.h - who belongs to the cluster: registration, sessions, drain, removal.
 */
#pragma once

#include "common/base/id.h"
#include "proto/store.pb-c.h"
#include "proto/worker.pb-c.h"

struct manager;
struct node;
struct rpc_call;

/* From its record; it is UNKNOWN until it is heard. */
void nodes_restore(struct manager *manager, struct id id, const Davit__NodeRecord *record);

/* Calls of davit.Workers. */
void nodes_register(struct manager *manager, struct rpc_call *call);
/* Its worker lives, though its reports cannot be remembered now. */
void nodes_heard(struct manager *manager, const Davit__PollRequest *poll);
void nodes_poll(struct manager *manager, struct rpc_call *call);
void nodes_answer(struct manager *manager, struct rpc_call *call);
void nodes_leave(struct manager *manager, struct rpc_call *call);

/* Calls of davit.Manager. */
void nodes_list(struct manager *manager, struct rpc_call *call);
void nodes_get(struct manager *manager, struct rpc_call *call);
void nodes_declare(struct manager *manager, struct rpc_call *call);
void nodes_update(struct manager *manager, struct rpc_call *call);
void nodes_remove(struct manager *manager, struct rpc_call *call);

/* The node that a call names, or NULL and the call was refused. */
struct node *nodes_resolve(struct manager *manager, struct rpc_call *call, const char *text);

/* True if the call was refused: if_version is not NULL, and not the node's version. */
bool nodes_refuse_version(struct manager *manager, struct rpc_call *call, const struct node *node,
	const uint64_t *if_version);

/* What does not tolerate a NO_EXECUTE taint of its node is stopped and runs elsewhere. */
void nodes_execute_taints(struct manager *manager, struct node *node);
