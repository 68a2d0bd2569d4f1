/*
 * process.h - what every service does at its start and at its end.
 *
 *     int
 *     main(int argc, char **argv)
 *     {
 *             process_begin();                        // first thing
 *             ... options, log_open, open adapters ...
 *             rc = process_signals_start(loop, on_stop, on_reload, service, &signals, &err);
 *             process_notify("READY=1");              // it answers from now on
 *             uv_run(loop, UV_RUN_DEFAULT);
 *             ...
 *     }
 *
 * All of it belongs to the main thread; process_begin before any other thread exists.
 */
#pragma once

#include <uv.h>

#include "common/base/err.h"

enum { PROCESS_FILES_MAX = 1 << 17 }; /* descriptors: two per worker, and room */

/*
 * Ignores SIGPIPE (a write tells), makes descriptors 0 to 2 exist (so that no
 * socket becomes stderr), lifts the soft limit of descriptors to the hard one
 * (at most PROCESS_FILES_MAX), files are made for the owner and group only, and
 * malloc gives memory back early: one arena, since one thread does the work, and
 * a small top. Whatever the system refuses stays as it was.
 */
void process_begin(void);

/*
 * Before anything else, where little memory counts for more than quick malloc: its threads keep no
 * freed blocks of their own. Scattered over the heap these would hold most of its pages for ever.
 * Only the environment can say so, and only from the start: begins the program again with it,
 * as the same process. Whoever has set GLIBC_TUNABLES, even to nothing, knows better.
 */
void process_spare_memory(char **argv);

/* Free pages in the middle of the heap go back, too. Takes some ten microseconds for each MiB. */
void process_trim_memory(void);

/*
 * Tells the supervisor (sd_notify's protocol): "READY=1", "STOPPING=1", "RELOADING=1"
 * or "STATUS=words"; more than one, separated by newlines. 0 where nobody asked
 * to be told ($NOTIFY_SOCKET is not set), -errno when it cannot be told, which is
 * no reason to stop.
 */
int process_notify(const char *state);

struct process_signals;
typedef void process_signal_fn(void *arg);

/*
 * From now on TERM and INT call on_stop, once, on the loop; a second one ends the
 * process at once, as if nobody had caught it. HUP calls on_reload (NULL: HUP is
 * ignored). These handles do not keep the loop running. -errno when the system
 * refuses.
 */
int process_signals_start(uv_loop_t *loop, process_signal_fn *on_stop, process_signal_fn *on_reload,
	void *arg, struct process_signals **ret_signals, struct err *err);

/* The loop has to run once more, to free it. NULL is fine. */
void process_signals_stop(struct process_signals *signals);
