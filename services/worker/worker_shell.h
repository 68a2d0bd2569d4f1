/*
 * worker_shell.h - the world around the core: sockets, files, clocks, the engine.
 *
 * Everything on the loop's thread, except that journal_file.h writes in a thread
 * of the loop's pool.
 */
#pragma once

#include <uv.h>

#include "common/base/err.h"
#include "common/base/options.h"
#include "services/worker/stats.h"

struct metrics;
struct worker_shell;

/* Borrowed for the shell's life. */
struct worker_shell_options {
	const char *name;
	const char *manager_url, *stats_url;
	const char
		*docker_host; /* NULL: DOCKER_HOST or the default; "mem://": an engine in memory */
	const char *state_dir;
	struct worker_policy policy;
	const char *registry_config;        /* credentials.h; NULL: none */
	struct option_list labels;          /* "key=value" */
	struct option_list taints, devices; /* declared.h */
	char *node_class;                   /* or NULL */
	const char *address;                /* of this machine, for others; NULL: found out */
	uint32_t gpus;
	uint64_t cpu_milli, memory_bytes, disk_bytes; /* 0: as the machine has */
	unsigned start_limit;                         /* 0: it is found out */
	uint64_t stats_interval_ms;                   /* 0: no statistics */
	enum worker_stats_source stats_source;
	bool allows_chaos;       /* faults may be made here on purpose */
	struct metrics *metrics; /* where to count; NULL: nowhere */
};

/*
 * Makes the state directory, opens everything and begins. Neither manager nor
 * engine need be there. -EINVAL, -EACCES, … with words for what cannot be used.
 */
int worker_shell_open(uv_loop_t *loop, const struct worker_shell_options *options,
	struct worker_shell **ret_shell, struct err *err);

/* The manager and the engine answer, else ret_why says which does not (borrowed). */
bool worker_shell_is_ready(const struct worker_shell *shell, const char **ret_why);

/* Says good-bye to the manager; on_left runs when it has heard, or after a while without answer. */
void worker_shell_leave(struct worker_shell *shell, void (*on_left)(void *arg), void *arg);

/* Gives everything up; containers go on. The loop must run once more before worker_shell_free. */
void worker_shell_close(struct worker_shell *shell);
void worker_shell_free(struct worker_shell *shell);
