/*
 * socket.h - what every nng socket of ours needs.
 *
 * Private to common/rpc. Only what nng 1.5.2 and 1.10 both have is used. Any
 * thread, but see each module for which of nng's threads calls what.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <nng/nng.h>

#include "common/base/err.h"

enum {
	RPC_RECONNECT_MIN_MS = 50, /* nng waits a random part of a time that doubles from here … */
	RPC_RECONNECT_MAX_MS = 1000, /* … to here */
	RPC_LISTEN_QUEUE = 8192,     /* connections not accepted yet; net.core.somaxconn is less */
};

/* What is left behind then is a leak to a sanitizer, and with one all is slow: its builds say more.
 */
#ifndef RPC_CLOSE_MAX_MS
#define RPC_CLOSE_MAX_MS 500
#endif

/* Records what nng says of a URL as -errno with words. */
int rpc_socket_fail(struct err *err, int nng_code, const char *what, const char *url);

/* The largest message that is received; a larger one closes its connection. */
int rpc_socket_limit(nng_socket socket, size_t max_bytes);

/* Starts listening. ret_url (free it) is the URL with the port that was bound. */
int rpc_socket_listen(nng_socket socket, const char *url, char **ret_url, struct err *err);

/* Starts dialing in the background, and again after every loss. */
int rpc_socket_dial(nng_socket socket, const char *url, nng_dialer *ret_dialer, struct err *err);

/*
 * Closes a socket whose aios are stopped. True: nng is done with it. False: it is
 * not after RPC_CLOSE_MAX_MS; a thread goes on trying and nng may still call the
 * pipe callbacks, so what they use must be left alone, which is a leak. That
 * happens because nng 1.5.2 can wait for ever for a TCP connection that is closed
 * at the moment in which a message arrives on it (docs/decisions/0003).
 */
bool rpc_socket_close(nng_socket socket);

/* A message with these bytes; like all our memory, it is there or the process ends. */
nng_msg *rpc_socket_msg(const void *data, size_t size);
