/*
 * cli_file.h - tasks in files: YAML with one or more documents, or JSON.
 *
 * A document is a TaskSpec, or {spec: …, count: N}.
 */
#pragma once

#include <stdbool.h>

#include "common/base/err.h"
#include "proto/manager.pb-c.h"

enum {
	CLI_FILE_MAX = 16 << 20,   /* bytes */
	CLI_DOCUMENTS_MAX = 10000, /* in one file */
};

/* Given each document in turn, borrowed; false ends the reading. */
typedef bool cli_file_fn(Davit__SubmitTasksRequest *request, void *arg);

/*
 * Reads all documents of the file ("-": standard input) before the first is handed
 * over, so that a mistake in the last one submits nothing. -ENOENT for a file that
 * is not there, -EINVAL, -E2BIG, with file, document and field.
 */
int cli_file_each(const char *path, cli_file_fn *take, void *arg, struct err *err);

/* The same from text; name is for sentences. */
int cli_file_each_text(const char *name, const char *text, cli_file_fn *take, void *arg,
	struct err *err);
