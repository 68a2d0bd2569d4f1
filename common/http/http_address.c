#include "common/http/http_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { HOST_SIZE = 64 };

/* "127.0.0.1:80", "[::1]:80" */
static bool
parse_host(const char *text, struct http_address *ret_address)
{
	union http_socket *address = &ret_address->any;
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
		address->any.sa_family = AF_INET6;
	} else {
		address->any.sa_family = AF_INET;
	}
	if (n >= sizeof host)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	if (strcmp(host, "localhost") == 0)
		(void)snprintf(host, sizeof host, "127.0.0.1");
	if (address->any.sa_family == AF_INET6) {
		address->in6.sin6_port = htons((uint16_t)port);
		ret_address->size = sizeof address->in6;
		return inet_pton(AF_INET6, host, &address->in6.sin6_addr) == 1;
	}
	address->in.sin_port = htons((uint16_t)port);
	ret_address->size = sizeof address->in;
	return inet_pton(AF_INET, host, &address->in.sin_addr) == 1;
}

static int
parse_path(const char *path, const char *text, struct http_address *ret_address, struct err *err)
{
	struct sockaddr_un *un = &ret_address->any.un;

	if (path[0] != '/' || strlen(path) >= sizeof un->sun_path)
		return err_set(err, -EINVAL, "'%s': want unix:///PATH, at most %zu characters",
			text, sizeof un->sun_path - 1);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path));
	ret_address->size = sizeof *un;
	return 0;
}

int
http_address_parse(const char *text, struct http_address *ret_address, struct err *err)
{
	static const char http[] = "http://", unix_[] = "unix://";

	memset(ret_address, 0, sizeof *ret_address);
	if (strncmp(text, unix_, strlen(unix_)) == 0)
		return parse_path(text + strlen(unix_), text, ret_address, err);
	if (strncmp(text, http, strlen(http)) != 0 || !parse_host(text + strlen(http), ret_address))
		return err_set(err, -EINVAL, "'%.100s': want http://ADDRESS:PORT or unix:///PATH",
			text);
	return 0;
}
