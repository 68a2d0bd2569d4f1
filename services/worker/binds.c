/*
 * What tasks may bind of this node; tested by tests/unit/test_worker_binds.c.
 *
 * A path is judged where it really leads: symbolic links are followed first, and the
 * engine is given the path without them. Whoever may rename directories inside an
 * allowed one can still change what is behind the path between this look and the
 * engine's mount, as with any path that is not opened; so only trusted people should
 * own directories there.
 */
#include "services/worker/binds.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"

void
worker_binds_free(char **sources, size_t n)
{
	for (size_t i = 0; sources != NULL && i < n; i++)
		free(sources[i]);
	free(sources);
}

/* By the texts, which hold no "..": the spec's rules see to that. */
static bool
is_in(const char *path, const char *dir)
{
	size_t size = strlen(dir);

	while (size > 0 && dir[size - 1] == '/')
		size--;
	return strncmp(path, dir, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

static bool
is_allowed(const struct worker_binds *binds, const char *path)
{
	for (size_t i = 0; i < binds->n_dirs; i++) {
		char *real = NULL;
		bool is_there = binds->real_path != NULL &&
				binds->real_path(binds->arg, binds->dirs[i], &real) == 0;
		bool is_inside = is_in(path, is_there ? real : binds->dirs[i]);

		free(real);
		if (is_inside)
			return true;
	}
	return false;
}

static int
refuse(const char *source, struct err *err)
{
	return err_set(err, -EACCES,
		"'%.128s' may not be bound on this node: it is in no directory that its worker was "
		"started with (--allow-bind)",
		source);
}

static int
judge(const struct worker_binds *binds, const char *source, char **ret_real, struct err *err)
{
	CLEANUP(free) char *real = NULL;
	int rc;

	if (binds->real_path == NULL) {
		if (!is_allowed(binds, source))
			return refuse(source, err);
		*ret_real = xstrdup(source);
		return 0;
	}
	rc = binds->real_path(binds->arg, source, &real);
	/* What is not there is told apart only where it would be allowed. */
	if (rc < 0 && is_allowed(binds, source))
		return err_set(err, rc, "'%.128s' cannot be bound: %s", source, strerror(-rc));
	if (rc < 0 || !is_allowed(binds, real))
		return refuse(source, err);
	*ret_real = TAKE(real);
	return 0;
}

int
worker_binds_check(const struct worker_binds *binds, const Davit__TaskSpec *spec,
	char ***ret_sources, struct err *err)
{
	char **sources = xcalloc(spec->n_mounts + 1, sizeof *sources);

	for (size_t i = 0; i < spec->n_mounts && binds->n_dirs > 0; i++) {
		const Davit__Mount *mount = spec->mounts[i];

		if (mount->type != DAVIT__MOUNT__TYPE__BIND || mount->source == NULL)
			continue;
		if (judge(binds, mount->source, &sources[i], err) < 0) {
			worker_binds_free(sources, i);
			return err->code;
		}
	}
	*ret_sources = sources;
	return 0;
}
