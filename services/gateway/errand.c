#include "services/gateway/errand.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "proto/manager.pb-c.h"

enum { TEXT_MAX = 2048 };

struct errand {
	struct site *site;
	struct http_request *request;
	struct upstream_call *call; /* under way, or NULL */
	errand_step_fn *next;
	void *arg;
	struct arena arena;
	json_t *kept;
	struct errand_end {
		errand_end_fn *fn;
		void *arg;
		struct errand_end *next;
	} * ends;
};

static void
end(struct errand *errand)
{
	if (errand->call != NULL)
		upstream_drop(errand->call);
	for (struct errand_end *at = errand->ends; at != NULL; at = at->next)
		at->fn(errand, at->arg);
	arena_fini(&errand->arena);
	json_decref(errand->kept);
	free(errand);
}

static void
on_gone(void *arg)
{
	end(arg);
}

struct errand *
errand_begin(struct http_request *request, struct site *site)
{
	struct errand *errand = xcalloc(1, sizeof *errand);

	errand->site = site;
	errand->request = request;
	http_on_gone(request, on_gone, errand);
	return errand;
}

struct http_request *
errand_request(const struct errand *errand)
{
	return errand->request;
}

struct arena *
errand_arena(struct errand *errand)
{
	return &errand->arena;
}

json_t *
errand_keep(struct errand *errand, json_t *json)
{
	json_decref(errand->kept);
	errand->kept = json;
	return json;
}

static void
on_done(const struct rpc_result *result, void *arg)
{
	struct errand *errand = arg;

	errand->call = NULL;
	errand->next(errand, result, errand->arg);
}

static bool
changes(const char *rpc)
{
	return strncmp(rpc, "Get", 3) != 0 && strncmp(rpc, "List", 4) != 0 &&
	       strncmp(rpc, "Wait", 4) != 0 && strncmp(rpc, "Read", 4) != 0;
}

void
errand_ask(struct errand *errand, const char *rpc, const ProtobufCMessage *request,
	uint64_t wait_ms, errand_step_fn *next, void *arg)
{
	char id[RPC_REQUEST_ID_SIZE];

	rpc_request_id_make(id);
	errand->next = next;
	errand->arg = arg;
	errand->call =
		upstream_call(errand->site->manager, rpc_method(&davit__manager__descriptor, rpc),
			request, changes(rpc) ? id : NULL, wait_ms, on_done, errand);
}

void
errand_tell(struct errand *errand, const char *rpc, const ProtobufCMessage *request)
{
	char id[RPC_REQUEST_ID_SIZE];

	rpc_request_id_make(id);
	(void)upstream_call(errand->site->manager, rpc_method(&davit__manager__descriptor, rpc),
		request, id, 0, NULL, NULL);
}

void
errand_at_end(struct errand *errand, errand_end_fn *fn, void *arg)
{
	struct errand_end *ending = arena_alloc(&errand->arena, sizeof *ending);

	*ending = (struct errand_end){fn, arg, errand->ends};
	errand->ends = ending;
}

void
errand_reply(struct errand *errand, unsigned status, const char *type, const void *data,
	size_t size)
{
	http_reply(errand->request, status, type, data, size);
	end(errand);
}

void
errand_reply_json(struct errand *errand, unsigned status, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	CLEANUP(buf_fini) struct buf body = {0};

	buf_printf(&body, "%s\n", text == NULL ? "null" : text);
	free(text);
	json_decref(json);
	errand_reply(errand, status, "application/json", body.data, body.size);
}

void
errand_reply_text(struct errand *errand, unsigned status, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof text - 1, fmt, args);
	va_end(args);
	n = n < (int)sizeof text - 1 ? n : (int)sizeof text - 2;
	text[n++] = '\n';
	http_reply_header(errand->request, "X-Content-Type-Options", "nosniff");
	errand_reply(errand, status, "text/plain; charset=utf-8", text, (size_t)n);
}
