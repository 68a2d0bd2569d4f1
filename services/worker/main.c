/*
 * davit-worker: runs what the manager assigns to one node. Options, adapters, loop;
 * the rest is worker_shell.c (the world) and worker.c (the decisions).
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/process.h"
#include "services/worker/settings.h"

struct program {
	uv_loop_t *loop;
	struct worker_shell *shell;
};

static void
on_left(void *arg)
{
	uv_stop(((struct program *)arg)->loop);
}

static void
on_stop(void *arg)
{
	struct program *program = arg;

	(void)process_notify("STOPPING=1");
	log_info("worker.stopping", "reason=signal containers=stay");
	worker_shell_leave(program->shell, on_left, program);
}

static void
on_reload(void *arg)
{
	struct err err;

	(void)arg;
	if (log_reopen(&err) < 0)
		log_warn("log.reopen_failed", "reason=\"%s\", going on in the old file", err.text);
}

static int
serve(const struct worker_shell_options *options, struct err *err)
{
	struct program program = {.loop = uv_default_loop()};
	struct process_signals *signals = NULL;
	int rc = worker_shell_open(program.loop, options, &program.shell, err);

	if (rc < 0)
		return rc;
	rc = process_signals_start(program.loop, on_stop, on_reload, &program, &signals, err);
	if (rc == 0) {
		log_info("worker.ready", "name=%s manager=%s state_dir=%s version=%s",
			options->name, options->manager_url, options->state_dir, DAVIT_VERSION);
		(void)process_notify("READY=1");
		(void)uv_run(program.loop, UV_RUN_DEFAULT);
	}
	process_signals_stop(signals);
	worker_shell_close(program.shell);
	(void)uv_run(program.loop, UV_RUN_DEFAULT);
	worker_shell_free(program.shell);
	return rc;
}

int
main(int argc, char **argv)
{
	struct worker_settings settings;
	struct err err = {0};
	int rc;

	process_begin();
	rc = worker_settings_parse(argc, argv, &settings, &err);
	if (rc == OPTIONS_RUN)
		rc = serve(&settings.shell, &err);
	if (rc < 0)
		(void)fprintf(stderr, "davit-worker: %s\n", err.text);
	worker_settings_fini(&settings);
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
