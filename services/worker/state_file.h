/*
 * state_file.h - small files that a worker keeps over its restarts.
 *
 * Written rarely, whole or not at all: beside the old one first, then in its place.
 * Any thread. For the journal, which is written at every start, see journal_file.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { WORKER_STATE_FILE_MAX = 4 << 20 };

/*
 * 0, or -errno: then the old one is still there. sync: it survives a power cut, for which
 * the caller waits; without, the old one, the new one or none does.
 */
int worker_state_save(const char *path, const char *text, bool sync);

/* What it holds, for the caller to free; NULL: there is none, or it is longer than the limit. */
char *worker_state_load(const char *path);
