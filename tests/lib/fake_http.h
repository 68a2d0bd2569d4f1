/*
 * fake_http.h - an HTTP server with canned answers, whole or broken, on the
 * client's own loop: nothing happens but in the client's turns.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

enum fake_then {
	FAKE_KEEP,  /* wait for the next request */
	FAKE_CLOSE, /* break the connection */
	FAKE_HANG,  /* and say no more */
};

struct fake_answer {
	const char *path;   /* part of the request's first line; "" fits all */
	const char *status; /* "200 OK": a head is made, bytes are the body; NULL: bytes are all */
	const char *bytes;
	size_t size;     /* 0: strlen(bytes) */
	size_t cut;      /* sent in pieces of so many bytes; 0: at once */
	unsigned repeat; /* the bytes are sent so many times more */
	enum fake_then then;
};

struct fake_http {
	uv_loop_t *loop;
	union {
		uv_stream_t stream;
		uv_pipe_t pipe;
		uv_tcp_t tcp;
	} server;
	const struct fake_answer *answers; /* the first that fits; borrowed */
	size_t n_answers;
	char dir[64];  /* temporary, of the socket */
	char host[96]; /* "unix:///…/docker.sock", "tcp://127.0.0.1:port" */
	unsigned n_connections, n_requests;
	char request[65536]; /* the last one, whole */
	struct fake_peer *peers;
	unsigned n_open;
};

/* Listens on a unix socket, or on TCP at a free port of 127.0.0.1. */
void fake_http_open(struct fake_http *fake, uv_loop_t *loop, bool tcp,
	const struct fake_answer *answers, size_t n_answers);
/* Breaks all connections and goes away; the loop must run after that. */
void fake_http_close(struct fake_http *fake);
