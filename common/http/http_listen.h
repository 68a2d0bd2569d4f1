/*
 * http_listen.h - the socket that a server accepts on, by its address.
 *
 * Private to common/http, main thread.
 */
#pragma once

#include "common/base/err.h"

/*
 * A listening, non-blocking, CLOEXEC descriptor for an address of http_address.h (a dead unix
 * socket there is replaced; the new one is for owner and group). ret_url (free it) has the port
 * that was bound.
 * -EINVAL, -EADDRINUSE and what the system says, with words.
 */
int http_listen(const char *address, int *ret_fd, char **ret_url, struct err *err);
