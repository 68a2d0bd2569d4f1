/*
 * errand.h - one HTTP request that takes several calls, one after the other.
 *
 *     struct errand *errand = errand_begin(request, site);
 *     errand_ask(errand, "GetTask", &ask.base, 0, on_task, mine);
 *     ... on_task: errand_ask again, or errand_reply, which ends it
 *
 * When the client goes away the errand ends where it is; nothing is undone. The loop's thread.
 */
#pragma once

#include <jansson.h>

#include "common/base/arena.h"
#include "services/gateway/site.h"

struct errand;
/* A step is told how its call ended; result is borrowed. */
typedef void errand_step_fn(struct errand *errand, const struct rpc_result *result, void *arg);

/* The request is the errand's from here on. */
struct errand *errand_begin(struct http_request *request, struct site *site);

struct http_request *errand_request(const struct errand *errand);
/* What is allocated here lives as long as the errand. */
struct arena *errand_arena(struct errand *errand);

/* Keeps JSON for as long as the errand lives (one at a time), and gives it back, borrowed. */
json_t *errand_keep(struct errand *errand, json_t *json);

/* Asks the manager; a call that changes something (not Get…, List…) has a random request id. */
void errand_ask(struct errand *errand, const char *rpc, const ProtobufCMessage *request,
	uint64_t wait_ms, errand_step_fn *next, void *arg);

/* Tells the manager something whose answer nobody waits for. */
void errand_tell(struct errand *errand, const char *rpc, const ProtobufCMessage *request);

/*
 * Calls fn when the errand ends, also because the client has gone; the last one asked for comes
 * first. It may only tell.
 */
typedef void errand_end_fn(struct errand *errand, void *arg);
void errand_at_end(struct errand *errand, errand_end_fn *fn, void *arg);

/* Each answers and ends the errand. */
void errand_reply(struct errand *errand, unsigned status, const char *type, const void *data,
	size_t size);
/* Takes the JSON; a newline is put behind it. */
void errand_reply_json(struct errand *errand, unsigned status, json_t *json);
void errand_reply_text(struct errand *errand, unsigned status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
