/*
 * api.h - the native API: /v1/… for everything that the calls can do.
 *
 * One table says which call each path is (api_methods.c); the rest is generic: fields
 * come from path, query and body (transcode.h), the answer is the response in JSON, or the
 * one field of it that matters. A call that changes something has the request id that the
 * header Idempotency-Key gives, or a random one. The loop's thread.
 */
#pragma once

#include "common/http/http.h"
#include "services/gateway/upstream.h"

enum { API_WAIT_DEFAULT_MS = 30000 }; /* of a call that waits and does not say how long */

struct api_method {
	const char *method, *path; /* of HTTP; "{field}" is a field of the request */
	const char *rpc;    /* of Manager or Monitor, whose methods all have different names */
	unsigned status;    /* when it worked */
	const char *unwrap; /* field of the response that is the answer; NULL: all of it */
	const char *fixed;  /* "field=value" that the path stands for; NULL: none */
};

/* All of them; the one with method NULL ends the table. */
extern const struct api_method api_methods[];

/* Handles the route with the index of its method; arg is a struct site. */
void api_handle(struct http_request *request, void *arg);

/* Answers with JSON, or 304 to who has it already. version may be NULL. */
void api_reply_json(struct http_request *request, unsigned status, const struct buf *json,
	const uint64_t *version);

/* Answers with a problem of the status of a call. field may be NULL. */
void api_refuse(struct http_request *request, Davit__Reply__Status status, const char *message,
	const char *field);
