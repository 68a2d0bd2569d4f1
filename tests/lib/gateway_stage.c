#include "tests/lib/gateway_stage.h"

#include "services/gateway/channel_stream.h"

#include <unistd.h>

#include "tests/lib/test.h"
#include "tests/lib/turn.h"

static bool
is_connected(void *arg)
{
	return upstream_is_connected(arg);
}

void
gateway_stage_open(struct gateway_stage *stage, const struct http_route *const *tables)
{
	struct http_options options = {.listen = "http://127.0.0.1:0",
		.readers = channel_stream_readers};
	struct err err = {0};

	peer_open(&stage->peer, NULL);
	stage->peer.keeps_gets = true;
	CHECK_OK(upstream_open(&stage->peer.loop, rpc_server_url(stage->peer.server),
			 &stage->upstream, &err),
		&err);
	turn_until(&stage->peer.loop, is_connected, stage->upstream, "connections");
	stage->site = site_new(&(struct site_options){.loop = &stage->peer.loop,
		.manager = stage->upstream,
		.tables = tables});
	stage->client.fd = -1;
	options.routes = stage->site->routes;
	options.arg = stage->site;
	CHECK_OK(http_open(&stage->peer.loop, &options, &stage->server, &err), &err);
}

void
gateway_stage_close(struct gateway_stage *stage)
{
	if (stage->client.fd >= 0)
		(void)close(stage->client.fd);
	upstream_close(stage->upstream);
	http_close(stage->server);
	site_free(stage->site);
	peer_close(&stage->peer);
}

void
gateway_stage_ask(struct gateway_stage *stage, const char *line, const char *body)
{
	char request[4096];

	if (stage->client.fd >= 0)
		(void)close(stage->client.fd);
	(void)snprintf(request, sizeof request,
		"%s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s", line, strlen(body),
		body);
	http_client_open(&stage->client, &stage->peer.loop, http_url(stage->server), request);
}

struct rpc_call *
gateway_stage_call(struct gateway_stage *stage, const char *method)
{
	struct rpc_call *call;

	peer_wait_calls(&stage->peer, 1);
	CHECK_EQ(stage->peer.n_calls, 1);
	call = stage->peer.calls[0];
	stage->peer.n_calls = 0;
	CHECK_STR(rpc_call_method(call), method);
	return call;
}

void
gateway_stage_answer(struct rpc_call *call, const ProtobufCMessage *response)
{
	rpc_call_answer(call, response);
	rpc_call_send(call);
}
