/*
 * admin.h - a service's door for operators: /metrics, /health and /ready over HTTP.
 *
 * Apart from whatever else the service listens on, and off unless asked for. A unix socket
 * is for its owner and group; a TCP port is for loopback: it has no other guard. The
 * loop's thread.
 */
#pragma once

#include <uv.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/service/service.h"

struct admin;

/* Everything is borrowed for its life. -EINVAL and what the system says, with words. */
int admin_open(uv_loop_t *loop, const char *address, const struct service *service, void *state,
	struct metrics *metrics, struct admin **ret_admin, struct err *err);

/* The address with the port that was bound. */
const char *admin_url(const struct admin *admin);

/* The loop must turn once more. NULL is fine. */
void admin_close(struct admin *admin);
CLEANUP_DEFINE(struct admin *, admin_close)
