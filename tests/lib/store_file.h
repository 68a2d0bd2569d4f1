/*
 * store_file.h - a store's file as tests handle it: opened, or copied while it is in use.
 */
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "common/store/store.h"
#include "tests/lib/test.h"

/* Opens or makes the store, or fails the test with what it says. */
static inline struct store *
store_file_open(const char *path)
{
	struct store *store = NULL;
	struct err err = {0};

	CHECK_OK(store_open_sqlite(path, &store, &err), &err);
	return store;
}

/* What a kill would leave: a copy is made of the bytes as they are. No file: an empty one. */
static inline void
store_file_copy(const char *from, const char *to)
{
	char bytes[4096];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;

	CHECK(out >= 0);
	while (in >= 0 && (n = read(in, bytes, sizeof bytes)) > 0)
		CHECK_EQ(write(out, bytes, (size_t)n), n);
	if (in >= 0)
		(void)close(in);
	(void)close(out);
}
