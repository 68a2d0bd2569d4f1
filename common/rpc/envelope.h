/*
 * envelope.h - the two encodings of Call and Reply.
 *
 * What begins with '{' is JSON, everything else is protobuf. Private to
 * common/rpc. Pure; any thread.
 */
#pragma once

#include <stdbool.h>

#include "common/rpc/call.h"
#include "common/rpc/client.h"
#include "common/rpc/unpack.h"

/* A Call whose request is still encoded. */
struct rpc_envelope {
	bool is_json;
	Davit__Call
		*call; /* without the request when it is JSON; else its bytes are those of data */
	const char *body; /* the request, in the same encoding; borrowed from data or call */
	size_t body_size;
	struct arena arena; /* what is not JSON lies in it */
};

/* data must outlive the envelope. -EINVAL, -E2BIG with path; fini is needed in every case. */
int rpc_envelope_parse(const void *data, size_t size, struct rpc_envelope *ret_envelope,
	struct pbjson_err *err);
void rpc_envelope_fini(struct rpc_envelope *envelope);
static inline void
rpc_envelope_fini_cleanup(struct rpc_envelope *envelope)
{
	rpc_envelope_fini(envelope);
}

/*
 * Decodes the request as a message of the type. What is not JSON lies in the arena, which must
 * be empty: rpc_body_free knows. -EINVAL, -E2BIG with path.
 */
int rpc_envelope_request(const struct rpc_envelope *envelope,
	const ProtobufCMessageDescriptor *type, struct arena *arena, ProtobufCMessage **ret_request,
	struct pbjson_err *err);

/* Frees the message, which may be NULL, and the arena that it may lie in. */
void rpc_body_free(ProtobufCMessage *message, struct arena *arena);

/* A Call on its way out. */
struct rpc_outgoing {
	const char *method;
	const ProtobufCMessage *request;
	const char *request_id; /* NULL: none */
	uint64_t deadline_ms;   /* 0: none */
	bool is_json;
};
void rpc_envelope_print(const struct rpc_outgoing *outgoing, struct buf *out);

/* Appends a Reply. result says everything; response only when OK. */
void rpc_reply_print(const struct rpc_result *result, bool is_json, struct buf *out);

/* A Reply that came in. */
struct rpc_reply {
	struct rpc_result result; /* its pointers lead into the rest */
	Davit__Reply *reply;
	ProtobufCMessage *response;
	struct arena arena; /* both lie in it, if they were not JSON */
	struct pbjson_err err;
};

/*
 * Never fails: an answer that cannot be read is the result INTERNAL. method says
 * what the response is. data must outlive the reply; fini afterwards.
 */
void rpc_reply_parse(const ProtobufCMethodDescriptor *method, const void *data, size_t size,
	struct rpc_reply *ret_reply);
void rpc_reply_fini(struct rpc_reply *reply);
