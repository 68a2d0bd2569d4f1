/*
 * call.h - one incoming call, whatever brought it.
 *
 * A transport (server.h over nng, rpc_mem.h in memory) decodes the envelope with
 * rpc_call_parse and hands the call to the service; the service answers it now or
 * much later (a long poll is a call that is kept). Answering and sending are two
 * steps: the manager decides the answer, commits, and only then lets it out.
 *
 * A call belongs to whoever holds the pointer until rpc_call_send or
 * rpc_call_drop. One thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "proto/rpc.pb-c.h"

enum {
	RPC_MESSAGE_MAX = 16 << 20, /* bytes of an envelope in either direction */
	RPC_METHOD_MAX = 128,       /* characters of a method's name */
	RPC_REQUEST_ID_MAX = 64,    /* characters */
	RPC_WAIT_MAX_MS = 60000,    /* longest long poll */
	RPC_TOKEN_MAX = 4096,       /* characters */
	RPC_DEADLINE_MAX_MS = 24 * 3600 * 1000,
	RPC_SENTENCE_MAX = 1024, /* bytes of a refusal's sentence, cut at a whole character */
};

struct rpc_call;

/* What a transport does for its calls. */
struct rpc_transport {
	/* Sends an encoded Reply. The call is freed by the caller afterwards. */
	void (*send)(struct rpc_call *call, const void *data, size_t size);
	/* Releases the transport's part; called once, after send or instead of it. */
	void (*release)(struct rpc_call *call);
};

struct rpc_call {
	const ProtobufCServiceDescriptor *service;
	unsigned method;                 /* index in service->methods */
	const ProtobufCMessage *request; /* decoded, of the method's input type; texts are UTF-8 and
					    enums are known values: unpack.h */
	const char *request_id;          /* NULL: none was given */
	uint32_t connection;             /* that it came by: equal for calls of one */
	uint64_t deadline_ms;            /* relative; 0: none */
	uint64_t request_hash;           /* of method and request, the same in both encodings; 0
					    without a request_id */
	bool is_json;
	bool is_answered;
	Davit__Reply__Status status; /* of the answer */
	void *user;                  /* the service's own */

	/* Private to call.c and the transport. */
	const struct rpc_transport *transport;
	void *transport_data;
	char *note;
	struct buf reply;
	struct arena arena; /* a large request lies in it */
};

/*
 * Decodes an envelope for one of the services (the list ends with NULL). On
 * success *ret_call is the caller's. On failure an encoded Reply that says why is
 * in ret_reply, in the caller's own encoding, and -errno is returned: the
 * transport sends it. Every limit above is checked here.
 */
int rpc_call_parse(const ProtobufCServiceDescriptor *const *services, const void *data, size_t size,
	struct rpc_call **ret_call, struct buf *ret_reply);

/* Short name of the call's method. */
const char *rpc_call_method(const struct rpc_call *call);

/*
 * Encodes the answer; it is kept, not sent. response is of the method's output
 * type and borrowed. Answering again replaces the answer before. An answer over
 * RPC_MESSAGE_MAX becomes RESOURCE_EXHAUSTED.
 */
void rpc_call_answer(struct rpc_call *call, const ProtobufCMessage *response);

/*
 * Goes with answers encoded from now on: something that the caller should know
 * although the call succeeded. Copied; NULL takes it back.
 */
void rpc_call_set_note(struct rpc_call *call, const char *note);

/* Encodes a refusal. field may be NULL. */
void rpc_call_refuse(struct rpc_call *call, Davit__Reply__Status status, const char *field,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Sends what was answered (INTERNAL if nothing was) and frees the call. */
void rpc_call_send(struct rpc_call *call);

/* Frees the call without an answer: the process ends. NULL is fine. */
void rpc_call_drop(struct rpc_call *call);
CLEANUP_DEFINE(struct rpc_call *, rpc_call_drop)

/* gRPC's name of a status ("NOT_FOUND"), and the status for a negative errno (0: OK). */
const char *rpc_status_name(Davit__Reply__Status status);
Davit__Reply__Status rpc_status_of_errno(int code);
