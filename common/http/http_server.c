#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utlist.h>

#include "common/base/mem.h"
#include "common/http/http_impl.h"
#include "common/http/http_listen.h"

enum { SWEEP_MS = 250 }; /* between two looks at deadlines, while there are connections */

/* Tells of a client that goes away; a handle of its own, since it is closed later. */
struct http_watch {
	uv_poll_t poll;
	struct http_connection *connection; /* NULL: not any more */
};

/*
 * The client has closed its side while its request was not whole yet. When that came together with
 * the last bytes libmicrohttpd does not notice.
 */
static bool
has_left(const struct http_connection *connection)
{
	char byte;
	const struct http_request *request = connection->request;
	bool is_reading = request == NULL || request->stage <= HTTP_STAGE_BODY ||
			  (request->on_body != NULL && !request->is_suspended);

	return is_reading && recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void
sweep(struct http_server *server)
{
	uint64_t now_ms = uv_now(server->loop);
	struct http_connection *connection;

	DL_FOREACH (server->connections, connection) {
		bool is_late = now_ms >= connection->deadline_ms;

		/* Most are answered before: a watch for each would cost more than the answer. */
		if (connection->request != NULL && connection->request->is_suspended)
			http_connection_watch(connection);
		if (connection->deadline_ms == 0 || (!is_late && !has_left(connection)))
			continue;
		connection->deadline_ms = 0;
		server->stats.n_timed_out += is_late;
		/* libmicrohttpd reads its end, or cannot write, and closes it. */
		(void)shutdown(connection->fd, SHUT_RDWR);
	}
}

static void on_timer(uv_timer_t *timer);

static void
run(struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG wait_ms = 0;
	uint64_t now_ms = uv_now(server->loop), next_ms;
	bool is_waiting;

	/* Not each time: this is also where every single answer passes. */
	if (now_ms >= server->sweep_ms) {
		server->sweep_ms = now_ms + SWEEP_MS;
		sweep(server);
	}
	(void)MHD_run(server->daemon);
	is_waiting = MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES;
	if (server->connections == NULL && !is_waiting) {
		(void)uv_timer_stop(&server->timer);
		return;
	}
	next_ms = server->sweep_ms - now_ms;
	if (is_waiting && wait_ms < next_ms)
		next_ms = wait_ms;
	(void)uv_timer_start(&server->timer, on_timer, next_ms, 0);
}

static void
on_timer(uv_timer_t *timer)
{
	run(timer->data);
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	run(poll->data);
}

void
http_server_wake(struct http_server *server)
{
	if (!server->is_closing)
		(void)uv_timer_start(&server->timer, on_timer, 0, 0);
}

/* ---- connections ---- */

void
http_connection_give(struct http_connection *connection, uint64_t ms)
{
	connection->deadline_ms = ms == 0 ? 0 : uv_now(connection->server->loop) + ms;
}

static void
on_watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void
on_disconnect(uv_poll_t *poll, int status, int events)
{
	struct http_watch *watch = poll->data;
	struct http_connection *connection = watch->connection;

	if (connection == NULL || (status == 0 && (events & UV_DISCONNECT) == 0))
		return;
	if (connection->request != NULL) {
		connection->request->is_gone = true;
		http_request_resume(connection->request);
	}
}

void
http_connection_watch(struct http_connection *connection)
{
	struct http_watch *watch;

	if (connection->watch != NULL)
		return;
	watch = xcalloc(1, sizeof *watch);
	if (uv_poll_init(connection->server->loop, &watch->poll, connection->fd) < 0) {
		free(watch); /* then it is only noticed when something is written */
		return;
	}
	watch->poll.data = watch;
	watch->connection = connection;
	connection->watch = watch;
	(void)uv_poll_start(&watch->poll, UV_DISCONNECT, on_disconnect);
}

void
http_connection_unwatch(struct http_connection *connection)
{
	struct http_watch *watch = TAKE(connection->watch);

	if (watch == NULL)
		return;
	watch->connection = NULL;
	(void)uv_poll_stop(&watch->poll);
	uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

static void
on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
	enum MHD_ConnectionNotificationCode code)
{
	struct http_server *server = cls;
	struct http_connection *connection = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		connection = xcalloc(1, sizeof *connection);
		connection->server = server;
		connection->fd =
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		DL_APPEND(server->connections, connection);
		server->stats.n_connections++;
		http_connection_give(connection, server->limits.head_ms);
		*socket_context = connection;
		return;
	}
	http_connection_unwatch(connection);
	DL_DELETE(server->connections, connection);
	server->stats.n_connections--;
	free(connection->peer);
	free(connection);
	*socket_context = NULL;
}

/* ---- beginning and end ---- */

static void
fill_limits(struct http_limits *limits)
{
	const struct http_limits usual = {.n_connections = HTTP_CONNECTIONS_MAX,
		.n_requests = HTTP_REQUESTS_MAX,
		.body_bytes = HTTP_BODY_BYTES_MAX,
		.stream_bytes = HTTP_STREAM_BYTES_MAX,
		.head_ms = HTTP_HEAD_MS,
		.idle_ms = HTTP_IDLE_MS,
		.body_ms = HTTP_BODY_MS,
		.reply_ms = HTTP_REPLY_MS,
		.stall_ms = HTTP_STALL_MS};

#define OR_USUAL(field)         \
	if (limits->field == 0) \
	limits->field = usual.field
	OR_USUAL(n_connections);
	OR_USUAL(n_requests);
	OR_USUAL(body_bytes);
	OR_USUAL(stream_bytes);
	OR_USUAL(head_ms);
	OR_USUAL(idle_ms);
	OR_USUAL(body_ms);
	OR_USUAL(reply_ms);
	OR_USUAL(stall_ms);
#undef OR_USUAL
	if (limits->n_streams == 0)
		limits->n_streams = limits->n_connections;
}

static int
start_daemon(struct http_server *server, int fd, struct err *err)
{
	/* Times are ours: libmicrohttpd's only knows connections on which nothing moves at all. */
	server->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		http_request_step, server, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, server->limits.n_connections,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEAD_BYTES_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_URI_LOG_CALLBACK, http_request_begin, server,
		MHD_OPTION_NOTIFY_COMPLETED, http_request_done, server,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
	if (server->daemon == NULL)
		return err_set(err, -ENOMEM, "the HTTP library does not start");
	return 0;
}

static int
start_handles(struct http_server *server, struct err *err)
{
	int fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	int rc = uv_poll_init(server->loop, &server->poll, fd);

	if (rc < 0)
		return err_set(err, rc, "watch the HTTP library: %s", uv_strerror(rc));
	(void)uv_timer_init(server->loop, &server->timer);
	server->n_handles = 2;
	server->poll.data = server->timer.data = server;
	(void)uv_poll_start(&server->poll, UV_READABLE, on_readable);
	return 0;
}

int
http_open(uv_loop_t *loop, const struct http_options *options, struct http_server **ret_server,
	struct err *err)
{
	struct http_server *server = xcalloc(1, sizeof *server);
	int fd = -1, rc;

	server->loop = loop;
	server->routes = options->routes;
	server->readers = options->readers;
	server->arg = options->arg;
	server->limits = options->limits;
	server->cors_origin = options->cors_origin;
	server->log = options->log;
	server->log_arg = options->log_arg;
	if (getrandom(&server->next_id, sizeof server->next_id, GRND_NONBLOCK) < 0)
		server->next_id = uv_hrtime();
	fill_limits(&server->limits);
	rc = http_refusal_find(server, err);
	if (rc == 0)
		rc = http_listen(options->listen, &fd, &server->url, err);
	if (rc == 0)
		rc = start_daemon(server, fd, err);
	if (rc == 0) {
		fd = -1; /* libmicrohttpd's from here */
		rc = start_handles(server, err);
	}
	if (rc < 0) {
		if (fd >= 0)
			(void)close(fd);
		if (server->daemon != NULL)
			MHD_stop_daemon(server->daemon);
		free(server->url);
		free(server);
		return rc;
	}
	*ret_server = server;
	return 0;
}

const char *
http_url(const struct http_server *server)
{
	return server->url;
}

void
http_stats(const struct http_server *server, struct http_stats *ret_stats)
{
	*ret_stats = server->stats;
}

static void
on_closed(uv_handle_t *handle)
{
	struct http_server *server = handle->data;

	if (--server->n_handles > 0)
		return;
	free(server->url);
	free(server);
}

void
http_close(struct http_server *server)
{
	struct http_connection *connection;

	if (server == NULL)
		return;
	server->is_closing = true;
	DL_FOREACH (server->connections, connection) {
		if (connection->request == NULL)
			continue;
		connection->request->is_gone = true;
		http_request_resume(connection->request);
	}
	(void)uv_poll_stop(&server->poll);
	/* What was suspended has to be seen running before it may be stopped. */
	(void)MHD_run(server->daemon);
	MHD_stop_daemon(server->daemon);
	assert(server->connections == NULL);
	if (strncmp(server->url, "unix://", 7) == 0)
		(void)unlink(server->url + 7);
	uv_close((uv_handle_t *)&server->poll, on_closed);
	uv_close((uv_handle_t *)&server->timer, on_closed);
}
