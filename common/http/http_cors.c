#include <string.h>

#include "common/base/buf.h"
#include "common/http/http_impl.h"

/* One of "a, b, c". */
static bool
is_listed(const char *list, const char *origin)
{
	size_t size = strlen(origin);

	while (*list != '\0') {
		size_t n;

		list += strspn(list, ", ");
		n = strcspn(list, ", ");
		if (n == size && memcmp(list, origin, n) == 0)
			return true;
		list += n;
	}
	return false;
}

void
http_cors_allow(struct http_request *request)
{
	const char *allowed = request->server->cors_origin;
	const char *origin = http_header(request, "Origin");

	if (allowed == NULL)
		return;
	if (strcmp(allowed, "*") == 0) {
		http_reply_header(request, "Access-Control-Allow-Origin", "*");
	} else {
		http_reply_header(request, "Vary", "Origin");
		if (origin == NULL || !is_listed(allowed, origin))
			return;
		http_reply_header(request, "Access-Control-Allow-Origin", origin);
	}
	http_reply_header(request, "Access-Control-Expose-Headers",
		"ETag, Retry-After, X-Request-Id, Davit-Note, Davit-Exit-Code");
}

void
http_options_answer(struct http_request *request)
{
	const char *wanted = http_header(request, "Access-Control-Request-Headers");
	CLEANUP(buf_fini) struct buf allow = {0};

	if (request->match.allow[0] != '\0')
		buf_printf(&allow, "%s, OPTIONS", request->match.allow);
	else
		buf_puts(&allow, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
	http_reply_header(request, "Allow", buf_text(&allow));
	if (request->server->cors_origin != NULL &&
		http_header(request, "Access-Control-Request-Method") != NULL) {
		http_reply_header(request, "Access-Control-Allow-Methods", buf_text(&allow));
		if (wanted != NULL)
			http_reply_header(request, "Access-Control-Allow-Headers", wanted);
		http_reply_header(request, "Access-Control-Max-Age", "600");
	}
	http_reply(request, MHD_HTTP_NO_CONTENT, NULL, NULL, 0);
}
