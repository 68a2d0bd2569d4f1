/*
 * davit-worker: runs what the manager assigns to one node. Options, adapters, loop;
 * the rest is worker_shell.c (the world) and worker.c (the decisions).
 */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "services/worker/settings.h"

struct node {
	uv_loop_t *loop;
	struct worker_shell *shell;
	struct worker_settings *settings;
};

static int
open_worker(uv_loop_t *loop, void *settings, void **ret_state, struct err *err)
{
	struct worker_shell_options options;
	struct node *node = *ret_state = xcalloc(1, sizeof *node);
	int rc = worker_settings_read(settings, &options, err);

	node->loop = loop;
	node->settings = settings;
	if (rc == 0)
		rc = worker_shell_open(loop, &options, &node->shell, err);
	if (rc == 0)
		log_info("worker.ready", "name=%s manager=%s state_dir=%s version=%s", options.name,
			options.manager_url, options.state_dir, DAVIT_VERSION);
	return rc;
}

static void
on_left(void *arg)
{
	uv_stop(((struct node *)arg)->loop);
}

static void
stop_worker(void *state)
{
	struct node *node = state;

	log_info("worker.stopping", "reason=signal containers=stay");
	if (node->shell == NULL)
		uv_stop(node->loop);
	else
		worker_shell_leave(node->shell, on_left, node);
}

static void
close_worker(void *state)
{
	struct node *node = state;

	if (node->shell != NULL)
		worker_shell_close(node->shell);
}

static void
free_worker(void *state)
{
	struct node *node = state;

	if (node->shell != NULL)
		worker_shell_free(node->shell);
	worker_settings_fini(node->settings);
	free(node);
}

static bool
is_ready(void *state, const char **ret_why)
{
	return worker_shell_is_ready(((struct node *)state)->shell, ret_why);
}

static const struct service service = {
	.name = "worker",
	.options = &worker_options_spec,
	.settings_size = sizeof(struct worker_settings),
	.spares_memory = true,
	.open = open_worker,
	.stop = stop_worker,
	.close = close_worker,
	.free = free_worker,
	.ready = is_ready,
};

int
main(int argc, char **argv)
{
	return service_main(&service, argc, argv);
}
