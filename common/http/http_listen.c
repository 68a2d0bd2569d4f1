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

enum {
	BACKLOG = 256,
	HOST_SIZE = 64,
	URL_SIZE = 128,
};

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

static int
open_at(const union address *address, socklen_t size, const char *text, int *ret_fd,
	struct err *err)
{
	int on = 1;
	CLEANUP(fd_close)
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", text, strerror(errno));
	if (address->any.sa_family != AF_UNIX)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, &address->any, size) < 0 || listen(fd, BACKLOG) < 0)
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

static int
listen_unix(const char *path, const char *text, int *ret_fd, char **ret_url, struct err *err)
{
	union address address = {.un.sun_family = AF_UNIX};
	int rc;

	if (path[0] != '/' || strlen(path) >= sizeof address.un.sun_path)
		return err_set(err, -EINVAL, "'%s': want unix:///PATH, at most %zu characters",
			text, sizeof address.un.sun_path - 1);
	memcpy(address.un.sun_path, path, strlen(path));
	remove_dead(&address.un, sizeof address.un);
	rc = open_at(&address, sizeof address.un, text, ret_fd, err);
	if (rc < 0)
		return rc;
	*ret_url = xstrdup(text);
	return 0;
}

/* "127.0.0.1:80", "[::1]:80" */
static bool
parse_host(const char *text, union address *ret_address, socklen_t *ret_size)
{
	const char *colon = strrchr(text, ':');
	char host[HOST_SIZE];
	unsigned port;
	int used = 0;
	size_t n;

	if (colon == NULL || sscanf(colon + 1, "%5u%n", &port, &used) != 1 ||
		colon[1 + used] != '\0' || port > UINT16_MAX)
		return false;
	n = (size_t)(colon - text);
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
		ret_address->any.sa_family = AF_INET6;
	} else {
		ret_address->any.sa_family = AF_INET;
	}
	if (n >= sizeof host)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	if (strcmp(host, "localhost") == 0)
		(void)snprintf(host, sizeof host, "127.0.0.1");
	if (ret_address->any.sa_family == AF_INET6) {
		ret_address->in6.sin6_port = htons((uint16_t)port);
		*ret_size = sizeof ret_address->in6;
		return inet_pton(AF_INET6, host, &ret_address->in6.sin6_addr) == 1;
	}
	ret_address->in.sin_port = htons((uint16_t)port);
	*ret_size = sizeof ret_address->in;
	return inet_pton(AF_INET, host, &ret_address->in.sin_addr) == 1;
}

static char *
url_of(int fd)
{
	char host[HOST_SIZE] = "", url[URL_SIZE];
	union address bound = {0};
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
http_listen(const char *address, int *ret_fd, char **ret_url, struct err *err)
{
	static const char http[] = "http://", unix_[] = "unix://";
	union address parsed = {0};
	socklen_t size = 0;
	int rc;

	if (strncmp(address, unix_, strlen(unix_)) == 0)
		return listen_unix(address + strlen(unix_), address, ret_fd, ret_url, err);
	if (strncmp(address, http, strlen(http)) != 0 ||
		!parse_host(address + strlen(http), &parsed, &size))
		return err_set(err, -EINVAL, "'%.100s': want http://ADDRESS:PORT or unix:///PATH",
			address);
	rc = open_at(&parsed, size, address, ret_fd, err);
	if (rc == 0)
		*ret_url = url_of(*ret_fd);
	return rc;
}
