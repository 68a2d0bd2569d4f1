#include "common/http/http_impl.h"

/* A body that nobody wants is read to its end so that the answer can be told, if it is not longer.
 */
enum { OVER_FACTOR = 4 };

bool
http_body_is_sent(const struct http_request *request)
{
	const char *size = http_header(request, "Content-Length");

	return http_header(request, "Transfer-Encoding") != NULL ||
	       (size != NULL && strtoull(size, NULL, 10) > 0);
}

void
http_body_read(struct http_request *request, http_body_fn *fn, void *arg)
{
	request->on_body = fn;
	request->on_body_arg = arg;
	http_body_more(request);
}

void
http_body_more(struct http_request *request)
{
	http_connection_give(request->connection, request->server->limits.body_ms);
	http_request_resume(request);
}

void
http_body_drop(struct http_request *request)
{
	request->on_body = NULL;
	http_body_more(request);
}

static enum MHD_Result
pass_over(struct http_request *request, size_t n)
{
	request->n_over += n;
	return request->n_over > OVER_FACTOR * request->server->limits.body_bytes ? MHD_NO
										  : MHD_YES;
}

enum MHD_Result
http_body_take(struct http_request *request, const char *data, size_t *size)
{
	size_t max = request->server->limits.body_bytes, n = *size;

	if (request->on_body != NULL) {
		n = request->on_body(data, *size, request->on_body_arg);
		*size -= n;
		if (*size > 0 && request->on_body != NULL) {
			http_connection_give(request->connection, 0);
			http_request_suspend(request);
		} else {
			http_connection_give(request->connection, request->server->limits.body_ms);
		}
		return MHD_YES;
	}
	*size = 0;
	if (request->stage != HTTP_STAGE_BODY || request->n_over > 0 ||
		n > max - request->body.size)
		return pass_over(request, n);
	buf_put(&request->body, data, n);
	return MHD_YES;
}

void
http_body_end(struct http_request *request)
{
	http_body_fn *on_body = request->on_body;

	request->on_body = NULL;
	if (on_body == NULL)
		return;
	http_connection_give(request->connection, 0);
	(void)on_body(NULL, 0, request->on_body_arg);
}
