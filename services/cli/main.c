#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <uv.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "services/cli/cli.h"

/* A file of the user's own counts unless another one was named. */
static void
find_config(void)
{
	const char *home = getenv("XDG_CONFIG_HOME"), *below = "davit/config";
	char path[4096];

	if (getenv("DAVIT_CONFIG") != NULL)
		return;
	if (home == NULL || home[0] == '\0') {
		home = getenv("HOME");
		below = ".config/davit/config";
	}
	if (home == NULL)
		return;
	(void)snprintf(path, sizeof path, "%s/%s", home, below);
	if (access(path, R_OK) == 0)
		(void)setenv("DAVIT_CONFIG", path, 0);
}

static size_t
terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

int
main(int argc, char **argv)
{
	uv_loop_t loop;
	struct cli cli = {
		.loop = &loop,
		.out = stdout,
		.err = stderr,
		.now_ms = clock_wall_ms,
		.is_out_terminal = isatty(STDOUT_FILENO) == 1,
		.is_err_terminal = isatty(STDERR_FILENO) == 1,
	};
	int code;

	log_open("davit", LOG_LVL_ERROR);
	if (cli.is_out_terminal)
		cli.width = terminal_width();
	find_config();
	if (uv_loop_init(&loop) < 0)
		return cli_fail(&cli, CLI_FAILED, "cannot make an event loop");
	code = cli_main(&cli, argc, argv);
	cli_fini(&cli);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop);
	return code;
}
