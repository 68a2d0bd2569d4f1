/*
 * scratch.h - a folder of its own for a test, in memory where there is such a place.
 *
 * In memory a sync costs nothing: tests that sync thousands of times stay quick,
 * and what survives a kill or a simulated power cut is the same.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SCRATCH_PATH_SIZE = 64 };

/* Makes it; NULL when the system refuses. The caller empties it and calls rmdir. */
static inline char *
scratch_make(char ret_path[SCRATCH_PATH_SIZE])
{
	const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	(void)snprintf(ret_path, SCRATCH_PATH_SIZE, "%s/davit-test.XXXXXX", parent);
	return mkdtemp(ret_path);
}
