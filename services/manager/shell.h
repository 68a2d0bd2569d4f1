/*
 * shell.h - the manager's sockets, file, clock and chance around its core.
 *
 * Owns the loop's handles: the RPC socket, the connection to the scheduler, the two
 * feeds, the workers' statistics, the store. Everything that arrived in one turn of
 * the loop, or while the batch before was on its way to the disk, is one batch: it is
 * committed with one fsync by the store's own thread while the loop goes on, and then
 * let out.
 */
#pragma once

#include <uv.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "services/manager/manager.h"

struct metrics;
struct shell;

struct shell_options {
	const char *listen, *feed, *feed_json, *stats, *scheduler; /* nng URLs */
	const char *state_dir;                                     /* made if absent */
	size_t store_log_bytes;                                    /* store_limit_log */
	struct metrics *metrics; /* where to count; NULL: nowhere */
	struct manager_config config;
};

/* Opens everything and loads the model; options are borrowed. Errors name what failed. */
int shell_open(uv_loop_t *loop, const struct shell_options *options, struct shell **ret_shell,
	struct err *err);

/* The store can be read and written, else ret_why says why not (borrowed). */
bool shell_is_ready(const struct shell *shell, const char **ret_why);

/* Closes handles; the loop has to run until they are closed, then shell_free. */
void shell_close(struct shell *shell);
void shell_free(struct shell *shell);
