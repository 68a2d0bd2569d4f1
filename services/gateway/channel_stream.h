/*
 * channel_stream.h - bytes between an HTTP client and a node: logs, exec, archives, pulls.
 *
 *     GET  /v1/tasks/{task}/logs      Accept: text/plain or text/event-stream, or ?follow=true
 *     POST /v1/tasks/{task}/exec      ?command=sh&command=-c&command=…; the body is its input
 *     GET  /v1/tasks/{task}/archive   ?path=…: a tar archive
 *     PUT  /v1/tasks/{task}/archive   ?path=…: the body is one, and is unpacked there
 *     POST /v1/images/pull            ?image=…&node=…: what happens, line by line
 *
 * Output is sent as it comes: plain bytes; frames as the Docker Engine makes them, for who accepts
 * application/vnd.docker.multiplexed-stream; or events (stdout, stderr, end). The exit code of a
 * command is in the trailer Davit-Exit-Code and in the event `end`. What the client does not read
 * is not asked for; when it goes the channel is closed. The loop's thread.
 */
#pragma once

#include "common/http/http.h"

/* Whether a request for logs wants them as a stream, not as one answer in JSON. */
bool channel_stream_wants_logs(const struct http_request *request);

/* Each answers; arg is a struct site. The task (or nothing) is the path's only parameter. */
void channel_stream_logs(struct http_request *request, void *arg);
void channel_stream_exec(struct http_request *request, void *arg);
void channel_stream_copy_out(struct http_request *request, void *arg);
void channel_stream_copy_in(struct http_request *request, void *arg);
void channel_stream_pull(struct http_request *request, void *arg);

/* Those of them that read a body bit by bit: for http_options.readers. */
extern http_handle_fn *const channel_stream_readers[];
