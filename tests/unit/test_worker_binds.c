/* Binds: only what the node allows, wherever a path really leads. */
#include "services/worker/binds.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "tests/lib/test.h"

static struct err err;
static char root[] = "/tmp/davit-binds.XXXXXX";
static char allowed[64], outside[64];

static int
real_path(void *arg, const char *path, char **ret_real)
{
	(void)arg;
	*ret_real = realpath(path, NULL);
	return *ret_real == NULL ? -errno : 0;
}

static const char *
path_of(const char *name)
{
	static char path[4][128];
	static unsigned n;

	n = (n + 1) % 4;
	(void)snprintf(path[n], sizeof path[n], "%s/%s", root, name);
	return path[n];
}

static void
begin(void)
{
	(void)snprintf(root, sizeof root, "/tmp/davit-binds.XXXXXX");
	CHECK(mkdtemp(root) != NULL);
	(void)snprintf(allowed, sizeof allowed, "%s/ok", root);
	(void)snprintf(outside, sizeof outside, "%s/no", root);
	CHECK_EQ(mkdir(allowed, 0700), 0);
	CHECK_EQ(mkdir(outside, 0700), 0);
	CHECK_EQ(mkdir(path_of("ok/data"), 0700), 0);
	CHECK_EQ(mkdir(path_of("no/secret"), 0700), 0);
}

static void
end(void)
{
	const char *const names[] = {"ok/inner", "ok/escape", "ok/deep", "ok/absolute", "alias",
		"ok/data", "no/secret", "ok", "no", ""};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		(void)remove(path_of(names[i]));
}

/* What becomes of a bind of source: the path that is bound, or "" and err. */
static const char *
bound(char *const *dirs, size_t n_dirs, worker_real_path_fn *resolve, const char *source)
{
	static char got[256];
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__Mount mount = DAVIT__MOUNT__INIT, *mounts[] = {&mount};
	char **sources;

	mount.type = DAVIT__MOUNT__TYPE__BIND;
	mount.source = (char *)(uintptr_t)source;
	mount.target = (char *)"/x";
	spec.mounts = mounts;
	spec.n_mounts = 1;
	got[0] = '\0';
	if (worker_binds_check(&(struct worker_binds){dirs, n_dirs, resolve, NULL}, &spec, &sources,
		    &err) < 0)
		return got;
	(void)snprintf(got, sizeof got, "%s", sources[0] == NULL ? "as it is" : sources[0]);
	worker_binds_free(sources, 1);
	return got;
}

TEST(worker_binds_by_text_where_the_engine_is_elsewhere)
{
	static const struct {
		const char *source;
		bool ok;
	} cases[] = {{"/srv", true}, {"/srv/data", true}, {"/srvx", false}, {"/etc", false},
		{"/data/a", true}, {"/", false}};
	char *dirs[] = {(char *)"/srv", (char *)"/data/"};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *got = bound(dirs, 2, NULL, cases[i].source);

		CHECK_STR(got, cases[i].ok ? cases[i].source : "");
		if (!cases[i].ok)
			CHECK_HAS(err.text, "--allow-bind");
	}
	CHECK_STR(bound(dirs, 0, real_path, "/etc"), "as it is");
}

TEST(worker_binds_refuses_a_link_that_leads_out)
{
	char *dirs[] = {allowed};

	begin();
	CHECK_EQ(symlink("../no/secret", path_of("ok/escape")), 0);
	CHECK_EQ(symlink(outside, path_of("ok/absolute")), 0);
	CHECK_EQ(symlink("../no", path_of("ok/deep")), 0);
	CHECK_EQ(symlink("data", path_of("ok/inner")), 0);
	CHECK_STR(bound(dirs, 1, real_path, path_of("ok/data")), path_of("ok/data"));
	CHECK_STR(bound(dirs, 1, real_path, path_of("ok/inner")), path_of("ok/data"));
	CHECK_STR(bound(dirs, 1, real_path, path_of("ok/escape")), "");
	CHECK_EQ(err.code, -EACCES);
	CHECK_STR(bound(dirs, 1, real_path, path_of("ok/absolute")), "");
	CHECK_EQ(err.code, -EACCES);
	CHECK_STR(bound(dirs, 1, real_path, path_of("ok/deep/secret")), "");
	CHECK_EQ(err.code, -EACCES);
	CHECK_HAS(err.text, "--allow-bind");
	end();
}

TEST(worker_binds_follows_a_link_to_an_allowed_directory)
{
	char alias[64], *dirs[] = {alias};

	begin();
	(void)snprintf(alias, sizeof alias, "%s/alias", root);
	CHECK_EQ(symlink("ok", alias), 0);
	CHECK_STR(bound(dirs, 1, real_path, path_of("alias/data")), path_of("ok/data"));
	CHECK_STR(bound(dirs, 1, real_path, path_of("no/secret")), "");
	end();
}

TEST(worker_binds_tells_what_is_not_there_only_where_it_is_allowed)
{
	char *dirs[] = {allowed};

	begin();
	CHECK_STR(bound(dirs, 1, real_path, path_of("ok/nothing")), "");
	CHECK_EQ(err.code, -ENOENT);
	CHECK_HAS(err.text, "No such file");
	CHECK_STR(bound(dirs, 1, real_path, path_of("no/nothing")), "");
	CHECK_EQ(err.code, -EACCES);
	end();
}
