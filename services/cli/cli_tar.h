/*
 * cli_tar.h - tar archives to and from files here, by the program `tar`.
 *
 * tar runs as a child with a pipe, so that a copy of any size needs no memory.
 * It does not unpack outside of its directory: members with "..", absolute ones
 * and links that lead out are its to refuse.
 */
#pragma once

#include <sys/types.h>

#include "common/base/err.h"

struct cli_tar {
	pid_t pid; /* 0: none runs */
	int fd;    /* of the pipe: read what is packed, or write what is to be unpacked */
};

/* What is written to fd is unpacked in the directory. -ENOENT: there is no tar. */
int cli_tar_unpack(const char *directory, struct cli_tar *ret_tar, struct err *err);

/* Reads from fd: the file or directory `name` of the directory, called new_name inside. */
int cli_tar_pack(const char *directory, const char *name, const char *new_name,
	struct cli_tar *ret_tar, struct err *err);

/* Ends it without a word of its own. It is to be closed all the same. */
void cli_tar_kill(struct cli_tar *tar);

/* Closes the pipe and waits. -EIO: tar has failed (it said why on standard error). */
int cli_tar_close(struct cli_tar *tar, struct err *err);

/* "^name" to "new_name" as tar's --transform wants it; the caller frees it. */
char *cli_tar_rename(const char *name, const char *new_name);

/* Removes a directory and all that is in it. */
void cli_tar_remove(const char *directory);
