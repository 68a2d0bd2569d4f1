/* tested by tests/unit/test_server.c, test_client.c and test_pubsub.c */
#include "common/rpc/socket.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"

int
rpc_socket_fail(struct err *err, int nng_code, const char *what, const char *url)
{
	int code;

	switch (nng_code) {
	case NNG_EADDRINUSE:
		code = -EADDRINUSE;
		break;
	case NNG_EADDRINVAL:
	case NNG_EINVAL:
	case NNG_ENOTSUP:
		return err_set(err, -EINVAL,
			"cannot %s '%s': not a URL such as tcp://127.0.0.1:7070 or "
			"ipc:///run/davit.sock",
			what, url);
	case NNG_EPERM:
		code = -EACCES;
		break;
	default:
		code = -EIO;
	}
	return err_set(err, code, "cannot %s %s: %s", what, url, nng_strerror(nng_code));
}

int
rpc_socket_limit(nng_socket socket, size_t max_bytes)
{
	return nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, max_bytes);
}

/* "tcp://host:0" with the port that the kernel chose; other URLs as they are. */
static char *
bound_url(nng_listener listener, const char *url)
{
	char text[NNG_MAXADDRLEN + 16];
	size_t n = strlen(url);
	int port;

	if (n < 2 || strcmp(url + n - 2, ":0") != 0 ||
		nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port) != 0)
		return xstrdup(url);
	(void)snprintf(text, sizeof text, "%.*s:%d", (int)(n - 2), url, port);
	return xstrdup(text);
}

int
rpc_socket_listen(nng_socket socket, const char *url, char **ret_url, struct err *err)
{
	nng_listener listener;
	int rv;

	rv = nng_listener_create(&listener, socket, url);
	if (rv != 0)
		return rpc_socket_fail(err, rv, "listen on", url);
	/* Transports that are not TCP refuse these, which is fine. */
	(void)nng_listener_set_bool(listener, NNG_OPT_TCP_NODELAY, true);
	(void)nng_listener_set_bool(listener, NNG_OPT_TCP_KEEPALIVE, true);
	rv = nng_listener_start(listener, 0);
	if (rv != 0) {
		(void)nng_listener_close(listener);
		return rpc_socket_fail(err, rv, "listen on", url);
	}
	if (ret_url != NULL)
		*ret_url = bound_url(listener, url);
	return 0;
}

int
rpc_socket_dial(nng_socket socket, const char *url, nng_dialer *ret_dialer, struct err *err)
{
	nng_dialer dialer;
	int rv;

	rv = nng_dialer_create(&dialer, socket, url);
	if (rv != 0)
		return rpc_socket_fail(err, rv, "dial", url);
	(void)nng_dialer_set_bool(dialer, NNG_OPT_TCP_NODELAY, true);
	(void)nng_dialer_set_bool(dialer, NNG_OPT_TCP_KEEPALIVE, true);
	(void)nng_dialer_set_ms(dialer, NNG_OPT_RECONNMINT, RPC_RECONNECT_MIN_MS);
	(void)nng_dialer_set_ms(dialer, NNG_OPT_RECONNMAXT, RPC_RECONNECT_MAX_MS);
	rv = nng_dialer_start(dialer, NNG_FLAG_NONBLOCK);
	if (rv != 0) {
		(void)nng_dialer_close(dialer);
		return rpc_socket_fail(err, rv, "dial", url);
	}
	*ret_dialer = dialer;
	return 0;
}

nng_msg *
rpc_socket_msg(const void *data, size_t size)
{
	nng_msg *msg;
	int rv = nng_msg_alloc(&msg, 0);

	if (rv == 0)
		rv = nng_msg_append(msg, data, size);
	assert(rv == 0);
	return msg;
}
