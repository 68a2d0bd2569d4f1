#include "common/http/http_get.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/http/http_address.h"

enum { CHUNK = 4096 };

/* Until the descriptor is ready; -ETIMEDOUT at the deadline. */
static int
wait_ready(int fd, short events, uint64_t deadline_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = events};
	uint64_t now_ms = clock_mono_ms();
	int n = now_ms < deadline_ms ? poll(&poll_fd, 1, (int)(deadline_ms - now_ms)) : 0;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int
open_connection(const struct http_address *address, uint64_t deadline_ms, int *ret_fd)
{
	CLEANUP(fd_close)
	int fd = socket(address->any.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t size = sizeof(int);
	int failure = 0, rc;

	if (fd < 0)
		return -errno;
	if (connect(fd, &address->any.any, address->size) < 0) {
		if (errno != EINPROGRESS)
			return -errno;
		rc = wait_ready(fd, POLLOUT, deadline_ms);
		if (rc < 0)
			return rc;
		(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
		if (failure != 0)
			return -failure;
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* All of the answer: the server closes behind it. */
static int
read_answer(int fd, uint64_t deadline_ms, struct buf *answer)
{
	while (answer->size < HTTP_GET_BODY_MAX) {
		char chunk[CHUNK];
		ssize_t n = recv(fd, chunk, sizeof chunk, 0);
		int rc = 0;

		if (n == 0)
			return 0;
		if (n > 0)
			buf_put(answer, chunk, (size_t)n);
		else if (errno == EAGAIN)
			rc = wait_ready(fd, POLLIN, deadline_ms);
		else if (errno != EINTR)
			rc = -errno;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool
parse_answer(const char *text, int *ret_status, struct buf *ret_body)
{
	const char *body = strstr(text, "\r\n\r\n");

	if (sscanf(text, "HTTP/1.%*1d %3d ", ret_status) != 1 || body == NULL)
		return false;
	buf_puts(ret_body, body + 4);
	return true;
}

int
http_get(const char *address, const char *path, unsigned timeout_ms, int *ret_status,
	struct buf *ret_body, struct err *err)
{
	CLEANUP(buf_fini) struct buf request = {0}, answer = {0};
	CLEANUP(fd_close) int fd = -1;
	uint64_t deadline_ms = clock_mono_ms() + timeout_ms;
	struct http_address parsed;
	int rc = http_address_parse(address, &parsed, err);

	if (rc < 0)
		return rc;
	buf_printf(&request, "GET %s HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		path);
	rc = open_connection(&parsed, deadline_ms, &fd);
	/* A few bytes always fit into the buffer of a new connection. */
	if (rc == 0 && send(fd, request.data, request.size, MSG_NOSIGNAL) != (ssize_t)request.size)
		rc = -EPIPE;
	if (rc == 0)
		rc = read_answer(fd, deadline_ms, &answer);
	if (rc < 0)
		return err_set(err, rc, "nothing answers at '%s': %s", address, strerror(-rc));
	if (!parse_answer(buf_text(&answer), ret_status, ret_body))
		return err_set(err, -EPROTO, "what answers at '%s' speaks no HTTP", address);
	return 0;
}
