/*
 * http_metrics.h - figures over HTTP: those of a process, and those of a server itself.
 *
 * The loop's thread.
 */
#pragma once

#include "common/http/http.h"
#include "common/metrics/metrics.h"

/* Answers a GET /metrics, in the format that it accepts. */
void http_reply_metrics(struct http_request *request, struct metrics *metrics);

/* Connections, streams, refusals of a server, in the exposition of that moment. */
void http_metrics_collect(struct expo *expo, const struct http_server *server);
