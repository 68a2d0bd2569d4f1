/*
 * http_fixture.h - a server with a few routes, and one client of it, for the tests of common/http.
 */
#pragma once

#include <unistd.h>

#include "common/http/http_events.h"
#include "tests/lib/http_client.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

struct fixture {
	uv_loop_t loop;
	struct http_server *server;
	struct http_client client;
	struct http_events events;
	struct http_request *kept;
	struct http_entry entry; /* the last that was logged; its texts are below */
	char target[256], id[256], method[16];
	unsigned n_entries, n_gone;
	const char *cors_origin;
};

static inline void
fixture_gone(void *arg)
{
	((struct fixture *)arg)->n_gone++;
	((struct fixture *)arg)->kept = NULL;
}

static inline void
fixture_events(struct http_request *request, void *arg)
{
	struct fixture *fixture = arg;

	CHECK(http_events_are_wanted(request));
	if (http_refuse_stream(request))
		return;
	fixture->events = (struct http_events){0};
	http_events_begin(&fixture->events, request, fixture_gone, fixture);
}

static inline void
fixture_big(struct http_request *request, void *arg)
{
	char text[4096];

	(void)arg;
	memset(text, 'a', sizeof text);
	http_reply_header(request, "ETag", "\"1\"");
	http_reply(request, 200, "application/json", text, sizeof text);
}

static inline void
fixture_small(struct http_request *request, void *arg)
{
	(void)arg;
	http_reply(request, 200, "text/plain", http_id(request), strlen(http_id(request)));
}

static inline void
fixture_keep(struct http_request *request, void *arg)
{
	struct fixture *fixture = arg;

	fixture->kept = request;
	http_on_gone(request, fixture_gone, fixture);
}

static inline void
fixture_log(const struct http_entry *entry, void *arg)
{
	struct fixture *fixture = arg;

	fixture->entry = *entry;
	(void)snprintf(fixture->target, sizeof fixture->target, "%s", entry->target);
	(void)snprintf(fixture->id, sizeof fixture->id, "%s", entry->id);
	(void)snprintf(fixture->method, sizeof fixture->method, "%s", entry->method);
	fixture->n_entries++;
}

static inline void
fixture_open(struct fixture *fixture, const struct http_limits *limits)
{
	static const struct http_route routes[] = {{"GET", "/events", fixture_events},
		{"GET", "/big", fixture_big}, {"GET", "/small", fixture_small},
		{"POST", "/small", fixture_small}, {"GET", "/keep", fixture_keep},
		{NULL, NULL, NULL}};
	const char *cors_origin = fixture->cors_origin;
	struct http_options options = {.listen = "http://127.0.0.1:0",
		.routes = routes,
		.arg = fixture,
		.log = fixture_log,
		.log_arg = fixture};
	struct err err = {0};

	if (limits != NULL) {
		options.limits = *limits;
		cors_origin = NULL;
	}
	options.cors_origin = cors_origin;
	*fixture = (struct fixture){.client.fd = -1};
	(void)uv_loop_init(&fixture->loop);
	CHECK_OK(http_open(&fixture->loop, &options, &fixture->server, &err), &err);
}

static inline void
fixture_ask(struct fixture *fixture, const char *request)
{
	if (fixture->client.fd >= 0)
		(void)close(fixture->client.fd);
	http_client_open(&fixture->client, &fixture->loop, http_url(fixture->server), request);
}

static inline void
fixture_close(struct fixture *fixture)
{
	if (fixture->client.fd >= 0)
		(void)close(fixture->client.fd);
	http_close(fixture->server);
	turn_end(&fixture->loop);
}
