/*
 * http_address.h - where to listen or whom to ask, as operators write it.
 *
 * Private to common/http.
 */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/base/err.h"

union http_socket {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

struct http_address {
	union http_socket any;
	socklen_t size; /* of the one that it is */
};

/*
 * "http://HOST:PORT" (HOST is an IPv4 address, an IPv6 one in brackets or "localhost") or
 * "unix:///PATH". -EINVAL with words.
 */
int http_address_parse(const char *text, struct http_address *ret_address, struct err *err);
