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
	(void)snprintf(ret_id, HTTP_ID_SIZE, "%016" PRIx64, server->next_id++);
}

void
http_id_choose(struct http_request *request)
{
	const char *given = http_header(request, "X-Request-Id");

	char made[HTTP_ID_SIZE];

	http_id_make(request->server, made);
	request->id = xstrdup(given != NULL && is_decent(given) ? given : made);
}

static const char *
peer_of(const struct http_request *request, char ret_text[INET6_ADDRSTRLEN])
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const void *address = info == NULL ? NULL : info->client_addr;

	if (address == NULL)
		return "unix";
	if (info->client_addr->sa_family == AF_INET)
		return inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr,
			ret_text, INET6_ADDRSTRLEN);
	if (info->client_addr->sa_family == AF_INET6)
		return inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr,
			ret_text, INET6_ADDRSTRLEN);
	return "unix";
}

void
http_entry_tell(const struct http_request *request)
{
	const struct http_server *server = request->server;
	char peer[INET6_ADDRSTRLEN];
	struct http_entry entry = {.target = request->target};

	if (server->log == NULL)
		return;
	entry.peer = peer_of(request, peer);
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
