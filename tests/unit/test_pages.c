#include "services/gateway/pages.h"

#include "tests/lib/gateway_stage.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

static bool
is_disconnected(void *arg)
{
	return !upstream_is_connected(arg);
}

TEST(pages_tell_that_it_is_there_whether_it_can_work_and_which_it_is)
{
	static const struct http_route *const no_tables[] = {NULL};
	struct gateway_stage stage;

	gateway_stage_open(&stage, no_tables);
	gateway_stage_ask(&stage, "GET /v1/health", "");
	http_client_wait(&stage.client, "{\"status\":\"ok\"}\n");
	gateway_stage_ask(&stage, "GET /v1/ready", "");
	http_client_wait(&stage.client, "200 OK");
	gateway_stage_ask(&stage, "GET /v1/version", "");
	http_client_wait(&stage.client, "{\"version\":\"" DAVIT_VERSION "\"");
	rpc_server_close(stage.peer.server);
	stage.peer.server = NULL;
	turn_until(&stage.peer.loop, is_disconnected, stage.upstream, "the loss");
	gateway_stage_ask(&stage, "GET /v1/health", "");
	http_client_wait(&stage.client, "{\"status\":\"ok\"}\n");
	gateway_stage_ask(&stage, "GET /v1/ready", "");
	http_client_wait(&stage.client, "503 Service Unavailable");
	gateway_stage_close(&stage);
}
