#include "services/gateway/site.h"

#include "services/gateway/api.h"
#include "services/gateway/pages.h"
#include "tests/lib/gateway_stage.h"
#include "tests/lib/test.h"

static void
on_mine(struct http_request *request, void *arg)
{
	(void)arg;
	http_reply(request, 200, "text/plain", "mine\n", 5);
}

static const struct http_route mine[] = {{"GET", "/mine/{x}", on_mine}, {NULL, NULL, NULL}};

TEST(site_has_the_api_and_the_tables_behind_it)
{
	static const struct http_route *const tables[] = {mine, mine, NULL};
	struct gateway_stage stage;
	size_t n = 0, n_methods = 0, n_pages = 0;

	gateway_stage_open(&stage, tables);
	while (api_methods[n_methods].method != NULL)
		n_methods++;
	while (pages[n_pages].method != NULL)
		n_pages++;
	while (stage.site->routes[n].method != NULL)
		n++;
	CHECK_EQ(n, n_methods + n_pages + 2);
	gateway_stage_ask(&stage, "GET /mine/1", "");
	http_client_wait(&stage.client, "mine\n");
	gateway_stage_ask(&stage, "POST /mine/1", "");
	http_client_wait(&stage.client, "405 ");
	gateway_stage_close(&stage);
}
