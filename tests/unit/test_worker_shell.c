/* The shell with an engine in memory and a manager that never comes. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "services/worker/settings.h"
#include "services/worker/worker_shell.h"
#include "tests/lib/test.h"

static uv_loop_t loop;
static struct err err;
static bool has_left;

static void
on_left(void *arg)
{
	(void)arg;
	has_left = true;
	uv_stop(&loop);
}

static struct worker_shell_options
options(char *folder)
{
	CHECK(mkdtemp(folder) != NULL);
	CHECK_EQ(uv_loop_init(&loop), 0);
	return (struct worker_shell_options){.name = "t1",
		.manager_url = "inproc://davit-worker-test-nobody",
		.stats_url = "inproc://davit-worker-test-nobody-else",
		.docker_host = "mem://",
		.state_dir = folder,
		.stats_interval_ms = 10};
}

static void
remove_folder(const char *folder)
{
	char path[128];

	CHECK_EQ(uv_loop_close(&loop), 0);
	(void)snprintf(path, sizeof path, "%s/journal", folder);
	(void)unlink(path);
	CHECK_EQ(rmdir(folder), 0);
}

TEST(worker_shell_leaves_soon_although_nobody_answers)
{
	char folder[] = "/tmp/davit-worker-XXXXXX";
	struct worker_shell_options with = options(folder);
	struct worker_shell *shell;

	CHECK_OK(worker_shell_open(&loop, &with, &shell, &err), &err);
	has_left = false;
	worker_shell_leave(shell, on_left, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	CHECK(has_left);
	worker_shell_close(shell);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	worker_shell_free(shell);
	remove_folder(folder);
}

TEST(worker_shell_says_what_it_cannot_use)
{
	char folder[] = "/tmp/davit-worker-XXXXXX", bad[] = "novalue", *labels[] = {bad};
	struct worker_shell_options with = options(folder);
	struct worker_shell *shell;

	with.labels = (struct option_list){labels, 1};
	CHECK_EQ(worker_shell_open(&loop, &with, &shell, &err), -EINVAL);
	CHECK_HAS(err.text, "KEY=VALUE");
	with.labels.n = 0;
	with.docker_host = "gopher://x";
	CHECK_EQ(worker_shell_open(&loop, &with, &shell, &err), -EINVAL);
	with.docker_host = "mem://";
	with.manager_url = "nonsense";
	CHECK(worker_shell_open(&loop, &with, &shell, &err) < 0);
	with.state_dir = "/dev/null/x";
	CHECK(worker_shell_open(&loop, &with, &shell, &err) < 0);
	CHECK_HAS(err.text, "state directory");
	remove_folder(folder);
}

/* As service_main reads them: flags into settings, and then what they mean. */
static int
read_settings(int argc, char **argv, struct worker_settings *settings,
	struct worker_shell_options *ret_shell)
{
	int first, rc;

	*settings = (struct worker_settings){0};
	rc = options_parse(&worker_options_spec, argc, argv, settings, &first, &err);
	return rc < 0 ? rc : worker_settings_read(settings, ret_shell, &err);
}

static void
drop_settings(struct worker_settings *settings)
{
	worker_settings_fini(settings);
	options_free(worker_options_spec.defs, settings);
}

/* With a fault's machinery around it, and without anybody to order one. */
TEST(worker_shell_that_allows_chaos_lives_and_ends_as_any_other)
{
	char folder[] = "/tmp/davit-worker-XXXXXX";
	struct worker_shell_options with = options(folder);
	struct worker_shell *shell;

	with.allows_chaos = true;
	CHECK_OK(worker_shell_open(&loop, &with, &shell, &err), &err);
	for (unsigned i = 0; i < 20; i++)
		(void)uv_run(&loop, UV_RUN_ONCE);
	has_left = false;
	worker_shell_leave(shell, on_left, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	CHECK(has_left);
	worker_shell_close(shell);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	worker_shell_free(shell);
	remove_folder(folder);
}

TEST(worker_settings_have_defaults_made_from_the_name)
{
	char *argv[] = {(char *)"davit-worker", (char *)"--name", (char *)"n7", (char *)"--cpus",
		(char *)"1.5", (char *)"--memory", (char *)"1GiB", (char *)"--label",
		(char *)"disk=ssd", NULL};
	struct worker_settings settings;
	struct worker_shell_options shell;

	CHECK_EQ(read_settings(9, argv, &settings, &shell), 0);
	CHECK_STR(shell.name, "n7");
	CHECK_STR(shell.state_dir, "/var/lib/davit/worker-n7");
	CHECK_EQ(shell.cpu_milli, 1500);
	CHECK_EQ(shell.memory_bytes, 1 << 30);
	CHECK_EQ(shell.labels.n, 1);
	CHECK_EQ(shell.stats_interval_ms, 1000);
	drop_settings(&settings);
}

TEST(worker_settings_refuse_a_name_that_is_a_path)
{
	char *argv[] = {(char *)"davit-worker", (char *)"--name", (char *)"../x", NULL};
	struct worker_settings settings;
	struct worker_shell_options shell;

	CHECK_EQ(read_settings(3, argv, &settings, &shell), -EINVAL);
	CHECK_HAS(err.text, "--name");
	drop_settings(&settings);
}
