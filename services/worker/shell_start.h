/*
 * shell_start.h - what a worker begins with: its folder, its labels, what this machine has.
 *
 * Private to the shell. One thread.
 */
#pragma once

#include "services/worker/worker_shell.h"

/* Makes the folder with all above it. -errno with words. */
int worker_start_folder(const char *path, struct err *err);
/* "key=value" into labels, room for all of which is there; what they point to is the caller's to
 * free, also after a failure. -EINVAL with words. */
int worker_start_labels(const struct option_list *list, Davit__StringEntry *ret_labels,
	struct err *err);
void worker_start_fallback(Davit__Resources *fallback);
void worker_start_capacity(Davit__Resources *capacity, const struct worker_shell_options *options);
/* Containers to start at one time, at first. */
unsigned worker_start_lanes(void);
