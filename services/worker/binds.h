/*
 * binds.h - which paths of the node tasks may bind into their containers.
 *
 * On the worker's thread, before a container is created.
 */
#pragma once

#include <stddef.h>

#include "common/base/err.h"
#include "proto/types.pb-c.h"

/* Where a path really leads, for the caller to free. -errno. */
typedef int worker_real_path_fn(void *arg, const char *path, char **ret_real);

struct worker_binds {
	char *const *dirs; /* what may be bound is in one of these; none: anything */
	size_t n_dirs;
	worker_real_path_fn *real_path; /* NULL: the engine is elsewhere, texts have to do */
	void *arg;
};

/*
 * For each mount of the spec the path to bind instead of its source, or NULL: as it
 * says. -EACCES for one that is not allowed, -ENOENT and the like where that cannot
 * be seen, with words.
 */
int worker_binds_check(const struct worker_binds *binds, const Davit__TaskSpec *spec,
	char ***ret_sources, struct err *err);

void worker_binds_free(char **sources, size_t n);
