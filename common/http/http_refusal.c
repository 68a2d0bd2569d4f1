#include <dlfcn.h>
#include <errno.h>

#include "common/http/http_impl.h"
#include "common/http/http_problem.h"

/*
 * libmicrohttpd refuses by itself what it cannot read, with a page of HTML, and has no option for
 * other words. But it queues that page by its own public function, which the dynamic linker looks
 * for in the program first: so it is found here, and everything else in this folder calls the
 * real one. Where the library was linked so that it finds its own, the page is HTML again; a test
 * sees that.
 */
int
http_refusal_find(struct http_server *server, struct err *err)
{
	void *found = dlsym(RTLD_NEXT, "MHD_queue_response");

	if (found == NULL)
		return err_set(err, -ENOSYS, "the HTTP library cannot queue an answer");
	*(void **)&server->queue = found; /* as POSIX has it */
	return 0;
}

static const char *
sentence_of(unsigned status)
{
	switch (status) {
	case MHD_HTTP_CONTENT_TOO_LARGE:
		return "the body, or a chunk of it, is larger than can be";
	case MHD_HTTP_URI_TOO_LONG:
		return "the request line is longer than a head may be";
	case MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE:
		return "the head has more bytes than it may have";
	case MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED:
		return "this is not HTTP/1.0 or HTTP/1.1";
	case MHD_HTTP_INTERNAL_SERVER_ERROR:
		return "the request was not taken";
	default:
		return "this is not a request as HTTP/1.1 has it: look at its first line, its headers "
		       "(Host, Content-Length, Transfer-Encoding) and its chunks";
	}
}

/* Called by the library alone, about what it read last of that connection. */
enum MHD_Result
MHD_queue_response(struct MHD_Connection *mhd, unsigned int status, struct MHD_Response *page)
{
	const struct http_connection *connection =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	struct http_server *server = connection->server;
	struct http_request *request = connection->request;
	CLEANUP(buf_fini) struct buf body = {0};
	char made[HTTP_ID_SIZE];
	struct MHD_Response *response;
	enum MHD_Result result;

	(void)page; /* still the library's */
	http_problem_print(status, NULL, sentence_of(status), NULL, &body);
	response = MHD_create_response_from_buffer(body.size, body.data, MHD_RESPMEM_MUST_COPY);
	if (response == NULL)
		return MHD_NO;
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, HTTP_PROBLEM_TYPE);
	if (request != NULL && request->id == NULL)
		http_id_choose(request);
	if (request == NULL)
		http_id_make(server, made);
	(void)MHD_add_response_header(response, "X-Request-Id",
		request == NULL ? made : request->id);
	server->stats.n_refused++;
	if (request != NULL) {
		request->status = status;
		request->n_sent = body.size;
	}
	result = server->queue(mhd, status, response);
	MHD_destroy_response(response);
	return result;
}
