/*
 * chaos.h - faults that are made on purpose: orders to workers, and what they say of them.
 *
 * The worker is the one who knows (services/worker/chaos.h): what is kept here is for
 * people to see, and to carry the wish that a fault be healed. Nothing is stored; after
 * a restart of the manager it comes back with the worker's next CheckFaults.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "proto/chaos.pb-c.h"

struct manager;
struct node;
struct rpc_call;

/* Of one node, one of each kind. Kinds begin with 1; what ends at once is not among them. */
enum { NODE_FAULT_KINDS = DAVIT__FAULT__KIND__SLOW + 1 };
struct node_faults {
	Davit__Fault *by_kind[NODE_FAULT_KINDS];  /* unpacked copies; NULL: none */
	uint64_t until_mono_ms[NODE_FAULT_KINDS]; /* by this machine's clock */
	uint64_t now_mono_ms;                     /* of the last tick */
};

/* NULL is fine. */
void node_faults_free(struct node_faults *faults);
/* For Node.faults and ListFaults. NULL is fine. */
Davit__Fault **node_faults_view(const struct node_faults *faults, size_t *ret_n,
	struct arena *arena);

struct manager_chaos {
	size_t n; /* faults in force */
};

/* Calls of davit.Manager. */
void manager_chaos_inject(struct manager *manager, struct rpc_call *call);
void manager_chaos_heal(struct manager *manager, struct rpc_call *call);
void manager_chaos_list(struct manager *manager, struct rpc_call *call);
/* Of davit.Workers. */
void manager_chaos_check(struct manager *manager, struct rpc_call *call);

/* Faults of workers that are not heard are over when their time is. */
void manager_chaos_tick(struct manager *manager);
/* The node is about to be removed. */
void manager_chaos_forget(struct manager *manager, struct node *node);
