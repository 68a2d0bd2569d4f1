/* tested by tests/unit/test_server.c, test_client.c and test_pubsub.c */
#include "common/rpc/socket.h"

#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

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

static bool
is_listening_on(int fd, int port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage room;
	} address = {0};
	socklen_t size = sizeof address;
	int is_listening = 0;
	socklen_t flag_size = sizeof is_listening;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &flag_size) < 0 ||
		!is_listening || getsockname(fd, &address.any, &size) < 0)
		return false;
	return (address.any.sa_family == AF_INET && ntohs(address.v4.sin_port) == port) ||
	       (address.any.sa_family == AF_INET6 && ntohs(address.v6.sin6_port) == port);
}

/*
 * nng lets 128 connections wait to be accepted. When thousands of workers come back at once the
 * kernel then drops the others' first packets, and sends them again after 1, 3 and 7 s: that was
 * most of the time of a manager's restart. A second listen(2) on the same descriptor makes the
 * queue longer; nng keeps the descriptor to itself, so it is found by its port.
 */
static void
lengthen_queue(nng_listener listener)
{
	DIR *folder;
	struct dirent *entry;
	int port;

	if (nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port) != 0)
		return; /* no TCP */
	folder = opendir("/proc/self/fd");
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		int fd = (int)strtol(entry->d_name, NULL, 10);

		if (is_listening_on(fd, port))
			(void)listen(fd, RPC_LISTEN_QUEUE);
	}
	if (folder != NULL)
		(void)closedir(folder);
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
	lengthen_queue(listener);
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

/* Shared with the closing thread; the last of the two frees it. */
struct closing {
	pthread_mutex_t lock;
	pthread_cond_t done;
	nng_socket socket;
	bool is_done, is_left;
};

static void
closing_free(struct closing *closing)
{
	(void)pthread_mutex_destroy(&closing->lock);
	(void)pthread_cond_destroy(&closing->done);
	free(closing);
}

static void *
run_close(void *arg)
{
	struct closing *closing = arg;
	bool is_left;

	(void)nng_close(closing->socket);
	(void)pthread_mutex_lock(&closing->lock);
	closing->is_done = true;
	is_left = closing->is_left;
	(void)pthread_cond_signal(&closing->done);
	(void)pthread_mutex_unlock(&closing->lock);
	if (is_left)
		closing_free(closing);
	return NULL;
}

static bool
wait_closed(struct closing *closing, pthread_t thread)
{
	struct timespec end;
	bool is_done;

	(void)clock_gettime(CLOCK_REALTIME, &end);
	end.tv_nsec += RPC_CLOSE_MAX_MS * 1000000L;
	end.tv_sec += end.tv_nsec / 1000000000L;
	end.tv_nsec %= 1000000000L;
	(void)pthread_mutex_lock(&closing->lock);
	while (!closing->is_done &&
		pthread_cond_timedwait(&closing->done, &closing->lock, &end) == 0)
		;
	is_done = closing->is_done;
	closing->is_left = !is_done;
	(void)pthread_mutex_unlock(&closing->lock);
	if (!is_done) {
		(void)pthread_detach(thread);
		return false;
	}
	(void)pthread_join(thread, NULL);
	closing_free(closing);
	return true;
}

bool
rpc_socket_close(nng_socket socket)
{
	struct closing *closing = xcalloc(1, sizeof *closing);
	pthread_t thread;

	closing->socket = socket;
	(void)pthread_mutex_init(&closing->lock, NULL);
	(void)pthread_cond_init(&closing->done, NULL);
	if (pthread_create(&thread, NULL, run_close, closing) != 0) {
		closing_free(closing);
		(void)nng_close(socket);
		return true;
	}
	return wait_closed(closing, thread);
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
