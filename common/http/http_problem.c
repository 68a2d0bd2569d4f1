#include "common/http/http_problem.h"

#include <stddef.h>
#include <string.h>

#include "common/pbjson/pbjson.h"

static const struct {
	unsigned status;
	const char *title;
} titles[] = {
	{200, "OK"},
	{201, "Created"},
	{204, "No Content"},
	{304, "Not Modified"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{412, "Precondition Failed"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{499, "Client Closed Request"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
};

const char *
http_status_title(unsigned http_status)
{
	for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
		if (titles[i].status == http_status)
			return titles[i].title;
	return "Error";
}

static void
put_text(const char *name, const char *value, struct buf *out)
{
	if (value == NULL || value[0] == '\0')
		return;
	buf_printf(out, ",\"%s\":", name);
	pbjson_print_text(value, strlen(value), out);
}

void
http_problem_print(unsigned http_status, const char *code, const char *detail, const char *field,
	struct buf *out)
{
	buf_printf(out, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u",
		http_status_title(http_status), http_status);
	put_text("detail", detail, out);
	put_text("code", code, out);
	put_text("field", field, out);
	buf_puts(out, "}\n");
}
