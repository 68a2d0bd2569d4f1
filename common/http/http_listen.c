#include "common/http/http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/http/http_address.h"

enum {
	BACKLOG = 256,
	HOST_SIZE = 64,
	URL_SIZE = 128,
};

static int
open_at(const struct http_address *address, const char *text, int *ret_fd, struct err *err)
{
	int on = 1;
	CLEANUP(fd_close)
	int fd = socket(address->any.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", text, strerror(errno));
	if (address->any.any.sa_family != AF_UNIX)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, &address->any.any, address->size) < 0 || listen(fd, BACKLOG) < 0)
		return err_set(err, -errno, "cannot listen at '%s': %s", text, strerror(errno));
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* A socket that nobody listens on any more is in the way; one that answers is somebody's. */
static void
remove_dead(const struct sockaddr_un *un, socklen_t size)
{
	struct stat info;
	CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || stat(un->sun_path, &info) < 0 || !S_ISSOCK(info.st_mode))
		return;
	if (connect(fd, (const struct sockaddr *)un, size) < 0 && errno == ECONNREFUSED)
		(void)unlink(un->sun_path);
}

static char *
url_of(int fd)
{
	char host[HOST_SIZE] = "", url[URL_SIZE];
	union http_socket bound = {0};
	socklen_t size = sizeof bound;

	(void)getsockname(fd, &bound.any, &size);
	if (bound.any.sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &bound.in6.sin6_addr, host, sizeof host);
		(void)snprintf(url, sizeof url, "http://[%s]:%u", host, ntohs(bound.in6.sin6_port));
	} else {
		(void)inet_ntop(AF_INET, &bound.in.sin_addr, host, sizeof host);
		(void)snprintf(url, sizeof url, "http://%s:%u", host, ntohs(bound.in.sin_port));
	}
	return xstrdup(url);
}

int
http_listen(const char *text, int *ret_fd, char **ret_url, struct err *err)
{
	struct http_address address;
	int rc = http_address_parse(text, &address, err);

	if (rc < 0)
		return rc;
	if (address.any.any.sa_family == AF_UNIX)
		remove_dead(&address.any.un, address.size);
	rc = open_at(&address, text, ret_fd, err);
	if (rc == 0)
		*ret_url = address.any.any.sa_family == AF_UNIX ? xstrdup(text) : url_of(*ret_fd);
	return rc;
}
