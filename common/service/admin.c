#include "common/service/admin.h"

#include "common/base/mem.h"
#include "common/http/http.h"
#include "common/http/http_metrics.h"

enum { ADMIN_CONNECTIONS_MAX = 32 };

struct admin {
	struct http_server *server;
	const struct service *service;
	void *state;
	struct metrics *metrics;
};

static void
on_metrics(struct http_request *request, void *arg)
{
	struct admin *admin = arg;

	http_reply_metrics(request, admin->metrics);
}

static void
on_health(struct http_request *request, void *arg)
{
	(void)arg;
	http_reply(request, 200, "text/plain", "ok\n", 3);
}

static void
on_ready(struct http_request *request, void *arg)
{
	const struct admin *admin = arg;
	const char *why = "not ready";

	if (admin->service->ready != NULL && !admin->service->ready(admin->state, &why))
		http_refuse(request, 503, "%s", why);
	else
		http_reply(request, 200, "text/plain", "ok\n", 3);
}

static const struct http_route routes[] = {
	{"GET", "/metrics", on_metrics},
	{"GET", "/health", on_health},
	{"GET", "/ready", on_ready},
	{NULL, NULL, NULL},
};

int
admin_open(uv_loop_t *loop, const char *address, const struct service *service, void *state,
	struct metrics *metrics, struct admin **ret_admin, struct err *err)
{
	struct admin *admin = xcalloc(1, sizeof *admin);
	struct http_options options = {.listen = address,
		.routes = routes,
		.arg = admin,
		.limits = {.n_connections = ADMIN_CONNECTIONS_MAX}};
	int rc = http_open(loop, &options, &admin->server, err);

	if (rc < 0) {
		free(admin);
		return err_wrap(err, "--admin");
	}
	admin->service = service;
	admin->state = state;
	admin->metrics = metrics;
	*ret_admin = admin;
	return 0;
}

const char *
admin_url(const struct admin *admin)
{
	return http_url(admin->server);
}

void
admin_close(struct admin *admin)
{
	if (admin == NULL)
		return;
	http_close(admin->server);
	free(admin);
}
