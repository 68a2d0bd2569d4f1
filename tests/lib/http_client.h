/*
 * http_client.h - a client that writes what a test gives it, byte by byte if need be.
 *
 * It shares the loop with the server, so waiting turns the loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

struct http_client {
	uv_loop_t *loop;
	int fd;             /* the test's to write to and to close */
	char text[1 << 18]; /* what was answered so far, NUL behind it */
	size_t size;
	bool is_over;
	const char *want;
};

/* Connects to "http://127.0.0.1:PORT" and writes the request. */
void http_client_open(struct http_client *client, uv_loop_t *loop, const char *url,
	const char *request);

/* Turns the loop until the answer has these words; NULL: until the connection is over. */
void http_client_wait(struct http_client *client, const char *want);

/* Takes in what is there; true: http_client_wait would end. A turn_fn. */
bool http_client_step(void *arg);

/* GET of a path, to the end of the answer; the connection is closed. */
void http_client_get(struct http_client *client, uv_loop_t *loop, const char *url,
	const char *path);
