#include "services/gateway/observe.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/http/http_metrics.h"
#include "common/pbjson/pbjson.h"

enum { TIME_SIZE = 64 };

struct observe {
	enum observe_form form;
	FILE *file;
	struct metric *requests, *seconds;
	const struct http_server *server; /* NULL: not open yet */
};

static const struct metric_def requests_def = {.kind = EXPO_COUNTER,
	.name = "davit_http_requests",
	.help = "Requests that are over; code 0: the client went away before its answer.",
	.labels = {"method", "code", "route"},
	.series_max = 1024};
static const struct metric_def seconds_def = {.kind = EXPO_HISTOGRAM,
	.name = "davit_http_request_seconds",
	.help = "From the first line of a request to the last byte of its answer, without streams.",
	.bounds = metric_seconds,
	.n_bounds = METRIC_SECONDS_COUNT};

int
observe_parse(const char *text, enum observe_form *ret_form, struct err *err)
{
	static const char *const names[OBSERVE_COUNT] = {"off", "common", "json"};

	for (unsigned i = 0; i < OBSERVE_COUNT; i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret_form = (enum observe_form)i;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "--access-log=%.40s: want off, common or json", text);
}

static void
collect(struct expo *expo, void *arg)
{
	const struct observe *observe = arg;

	if (observe->server != NULL)
		http_metrics_collect(expo, observe->server);
}

struct observe *
observe_new(enum observe_form form, FILE *file, struct metrics *metrics)
{
	struct observe *observe = xcalloc(1, sizeof *observe);

	observe->form = file == NULL ? OBSERVE_NONE : form;
	observe->file = file;
	if (metrics != NULL) {
		observe->requests = metrics_add(metrics, &requests_def);
		observe->seconds = metrics_add(metrics, &seconds_def);
		metrics_collect(metrics, collect, observe);
	}
	return observe;
}

void
observe_free(struct observe *observe)
{
	free(observe);
}

void
observe_server(struct observe *observe, const struct http_server *server)
{
	observe->server = server;
}

/* What libmicrohttpd could not read as HTTP it answered by itself. */
static unsigned
status_of(const struct http_entry *entry)
{
	return entry->method[0] == '\0' && entry->status == 0 ? 400 : entry->status;
}

/* ---- lines ---- */

/* A quoted text can hold neither quotes nor what moves the cursor. */
static void
put_quoted(const char *text, struct buf *out)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\' || c < 0x20 || c >= 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_put(out, text, 1);
	}
}

static void
print_common(const struct http_entry *entry, uint64_t wall_ms, struct buf *out)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char text[TIME_SIZE];
	struct tm parts;

	(void)gmtime_r(&seconds, &parts);
	(void)strftime(text, sizeof text, "%d/%b/%Y:%H:%M:%S +0000", &parts);
	buf_printf(out, "%s - - [%s] \"", entry->peer, text);
	put_quoted(entry->method[0] == '\0' ? "-" : entry->method, out);
	buf_puts(out, " ");
	put_quoted(entry->target, out);
	buf_printf(out, " %s\" %03u %" PRIu64 " %.6f %s\n", entry->version, status_of(entry),
		entry->n_bytes, entry->seconds, entry->id[0] == '\0' ? "-" : entry->id);
}

static void
put_text(const char *name, const char *value, struct buf *out)
{
	if (value == NULL || value[0] == '\0')
		return;
	buf_printf(out, ",\"%s\":", name);
	pbjson_print_text(value, strlen(value), out);
}

static void
print_json(const struct http_entry *entry, uint64_t wall_ms, struct buf *out)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char text[TIME_SIZE];
	struct tm parts;

	(void)gmtime_r(&seconds, &parts);
	(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
	buf_printf(out, "{\"ts\":\"%s.%03uZ\",\"status\":%u,\"bytes\":%" PRIu64 ",\"seconds\":%.6f",
		text, (unsigned)(wall_ms % 1000), status_of(entry), entry->n_bytes, entry->seconds);
	put_text("peer", entry->peer, out);
	put_text("method", entry->method, out);
	put_text("target", entry->target, out);
	put_text("version", entry->version, out);
	put_text("request_id", entry->id, out);
	put_text("user_agent", entry->agent, out);
	buf_puts(out, "}\n");
}

void
observe_print(enum observe_form form, const struct http_entry *entry, uint64_t wall_ms,
	struct buf *out)
{
	if (form == OBSERVE_COMMON)
		print_common(entry, wall_ms, out);
	else if (form == OBSERVE_JSON)
		print_json(entry, wall_ms, out);
}

/* ---- each request ---- */

static void
count(struct observe *observe, const struct http_entry *entry)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE",
		"OPTIONS"};
	const char *method = "other";
	unsigned status = status_of(entry) % 1000;
	/* Each of them is: this is on the way of every request. */
	char code[4] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10),
		(char)('0' + status % 10), '\0'};

	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (strcmp(methods[i], entry->method) == 0)
			method = methods[i];
	metric_inc(observe->requests,
		METRIC_LABELS(method, status == 0 ? "0" : code,
			entry->route == NULL ? "none" : entry->route->path),
		1);
	if (!entry->is_stream)
		metric_observe(observe->seconds, NULL, entry->seconds);
}

void
observe_entry(const struct http_entry *entry, void *arg)
{
	struct observe *observe = arg;
	CLEANUP(buf_fini) struct buf line = {0};

	if (observe->requests != NULL)
		count(observe, entry);
	if (observe->form == OBSERVE_NONE)
		return;
	observe_print(observe->form, entry, clock_wall_ms(), &line);
	(void)fwrite(line.data, 1, line.size, observe->file);
	(void)fflush(observe->file);
}
