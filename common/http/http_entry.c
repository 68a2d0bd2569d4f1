#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/http/http_impl.h"

/* Visible characters, and none that would need quotes in a log. */
static bool
is_decent(const char *id)
{
	size_t n = strlen(id);

	for (size_t i = 0; i < n; i++)
		if (id[i] <= ' ' || id[i] > '~' || id[i] == '"' || id[i] == '\\')
			return false;
	return n >= 1 && n <= HTTP_ID_MAX;
}

void
http_id_make(struct http_server *server, char ret_id[HTTP_ID_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	uint64_t id = server->next_id++;

	for (unsigned i = HTTP_ID_SIZE - 1; i-- > 0; id >>= 4)
		ret_id[i] = digits[id & 0xf];
	ret_id[HTTP_ID_SIZE - 1] = '\0';
}

void
http_id_choose(struct http_request *request)
{
	const char *given = http_header(request, "X-Request-Id");

	request->id = given;
	if (given == NULL || !is_decent(given)) {
		http_id_make(request->server, request->made_id);
		request->id = request->made_id;
	}
}

static char *
peer_of(const struct http_request *request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info == NULL ? NULL : info->client_addr;
	char text[INET6_ADDRSTRLEN] = "unix";

	if (address != NULL && address->sa_family == AF_INET)
		(void)inet_ntop(AF_INET,
			&((const struct sockaddr_in *)(const void *)address)->sin_addr, text,
			sizeof text);
	else if (address != NULL && address->sa_family == AF_INET6)
		(void)inet_ntop(AF_INET6,
			&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, text,
			sizeof text);
	return xstrdup(text);
}

void
http_entry_tell(const struct http_request *request)
{
	const struct http_server *server = request->server;
	struct http_connection *connection = request->connection;
	struct http_entry entry = {.target = request->target};

	if (server->log == NULL)
		return;
	if (connection->peer == NULL)
		connection->peer = peer_of(request);
	entry.peer = connection->peer;
	entry.method = request->method == NULL ? "" : request->method;
	entry.id = request->id == NULL ? "" : request->id;
	entry.version = request->version == NULL ? "HTTP/1.1" : request->version;
	entry.agent = http_header(request, "User-Agent");
	entry.route = request->match.route;
	entry.status = request->status;
	entry.n_bytes = request->n_sent;
	entry.seconds = (double)(uv_hrtime() - request->start_ns) / 1e9;
	entry.is_stream = request->is_stream;
	server->log(&entry, server->log_arg);
}
