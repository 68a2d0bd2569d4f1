/*
 * cluster_calls.h - the calls of davit.Manager about the cluster as a whole.
 */
#pragma once

struct manager;
struct rpc_call;

void cluster_get(struct manager *manager, struct rpc_call *call);
void cluster_stats(struct manager *manager, struct rpc_call *call);
/* There are new figures: answers those who wait for them. */
void cluster_stats_show(struct manager *manager);
