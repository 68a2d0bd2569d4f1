/*
 * Whatever comes over a connection to the gateway: its own API and the contracts of others, in
 * front of a manager that is never there. Several connections are cut by lines of "--".
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/log.h"
#include "services/gateway/contracts/contracts.h"
#include "services/gateway/site.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/host.h"

enum {
	TURNS = 4,        /* of the loop for a request, whatever it waits for */
	LINGER_MAX = 100, /* connections that were left by their clients */
	WAITS_MAX = 10000,
	CLIENTS_MAX = 4,
};

static struct {
	uv_loop_t loop;
	struct upstream *upstream;
	struct site *site;
	struct http_server *server;
	char folder[40];
	struct sockaddr_un address;
} gateway;

static void
clean(void)
{
	(void)unlink(gateway.address.sun_path);
	(void)rmdir(gateway.folder);
}

/* Once: opening it costs more than an input. */
static void
begin(void)
{
	struct http_options options = {.arg = NULL};
	struct contracts contracts;
	char url[sizeof gateway.address.sun_path + 8];
	struct err err = {0};

	if (gateway.server != NULL)
		return;
	log_open("fuzz", LOG_LVL_ERROR);
	(void)snprintf(gateway.folder, sizeof gateway.folder, "/tmp/davit-fuzz.XXXXXX");
	if (mkdtemp(gateway.folder) == NULL || uv_loop_init(&gateway.loop) != 0)
		abort();
	(void)snprintf(gateway.address.sun_path, sizeof gateway.address.sun_path, "%s/http",
		gateway.folder);
	gateway.address.sun_family = AF_UNIX;
	(void)snprintf(url, sizeof url, "unix://%s", gateway.address.sun_path);
	if (upstream_open(&gateway.loop, "inproc://nobody", &gateway.upstream, &err) < 0)
		abort();
	if (contracts_choose(&(struct option_list){0}, &contracts, &err) < 0)
		abort();
	gateway.site = site_new(&(struct site_options){.loop = &gateway.loop,
		.manager = gateway.upstream,
		.monitor = gateway.upstream,
		.tables = contracts.tables});
	options.listen = url;
	options.routes = gateway.site->routes;
	options.arg = gateway.site;
	if (http_open(&gateway.loop, &options, &gateway.server, &err) < 0)
		abort();
	(void)atexit(clean);
}

static void
turn(int n)
{
	while (n-- > 0)
		(void)uv_run(&gateway.loop, UV_RUN_NOWAIT);
}

static int
ask(const char *text, size_t size)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 ||
		connect(fd, (const struct sockaddr *)&gateway.address, sizeof gateway.address) < 0)
		abort();
	if (size > 0)
		(void)send(fd, text, size, MSG_NOSIGNAL);
	turn(TURNS);
	return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_stats stats = {0};
	int fds[CLIENTS_MAX], n_fds = 0;
	const char *part;
	size_t at = 0, n;

	begin();
	while (n_fds < CLIENTS_MAX && host_part(data, size, &at, &part, &n))
		fds[n_fds++] = ask(part, n);
	while (n_fds > 0)
		(void)close(fds[--n_fds]);
	turn(TURNS);
	http_stats(gateway.server, &stats);
	/*
	 * One that waits for its answer is noticed at the server's next look at its connections.
	 * That takes a moment, so they are waited for when there are some.
	 */
	if (stats.n_connections <= LINGER_MAX)
		return 0;
	for (int i = 0; i < WAITS_MAX && stats.n_connections > 0; i++) {
		(void)uv_run(&gateway.loop, UV_RUN_ONCE);
		http_stats(gateway.server, &stats);
	}
	assert(stats.n_connections == 0);
	return 0;
}
