/*
 * gateway_stage.h - a gateway whose manager is played by the test.
 *
 * peer.calls has the calls that came, in order (GetTask too: it is not answered by itself).
 */
#pragma once

#include "services/gateway/site.h"
#include "tests/lib/http_client.h"
#include "tests/lib/rpc_peer.h"

struct gateway_stage {
	struct peer peer;
	struct upstream *upstream;
	struct site *site;
	struct http_server *server;
	struct http_client client;
};

/* tables as for site_new. */
void gateway_stage_open(struct gateway_stage *stage, const struct http_route *const *tables);
void gateway_stage_close(struct gateway_stage *stage);

/* Opens a connection and writes this; "POST /x" with a body gets its head made. */
void gateway_stage_ask(struct gateway_stage *stage, const char *line, const char *body);

/* Turns the loop until the next call is there, checks its method, and gives it: to be answered. */
struct rpc_call *gateway_stage_call(struct gateway_stage *stage, const char *method);
void gateway_stage_answer(struct rpc_call *call, const ProtobufCMessage *response);
