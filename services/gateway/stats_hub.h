/*
 * stats_hub.h - the cluster's figures to any number of HTTP clients, as server-sent events.
 *
 *     id: 19aa.42
 *     event: stats
 *     data: {"cluster":{…},"nodes":[…],"tasks":[…],"cursor":"19aa.42"}
 *
 * One long poll at the manager feeds all of them, while there are any: new figures every
 * second, printed once. A reader that is too slow misses some, and is told. The loop's thread.
 */
#pragma once

#include "common/http/http.h"
#include "services/gateway/upstream.h"

struct stats_hub;

struct stats_hub *stats_hub_new(uv_loop_t *loop, struct upstream *manager);
/* Its streams belong to the server, which is closed before. The loop must turn once more. */
void stats_hub_free(struct stats_hub *hub);
CLEANUP_DEFINE(struct stats_hub *, stats_hub_free)

/* Answers with a stream. */
void stats_hub_follow(struct stats_hub *hub, struct http_request *request);
