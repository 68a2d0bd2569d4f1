/* davit cp; tested by tests/unit/test_cli_cp.c and tests/e2e/exec.bats. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "services/cli/cli_channel.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_tar.h"

struct settings {
	struct cli_globals globals;
};

/* "TASK:PATH": its two parts. False: a path here, or "-". "./a:b" is one, too. */
static bool
split(char *text, char **ret_task, char **ret_path)
{
	char *colon = strchr(text, ':'), *slash = strchr(text, '/');

	if (colon == NULL || colon == text || (slash != NULL && slash < colon))
		return false;
	*colon = '\0';
	*ret_task = text;
	*ret_path = colon + 1;
	return true;
}

static bool
is_directory(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* "a/b/" is "b" in "a". Both are the caller's. */
static void
cut(const char *path, char **ret_parent, char **ret_name)
{
	char *copy = xstrdup(path), *slash;
	size_t n = strlen(copy);

	while (n > 1 && copy[n - 1] == '/')
		copy[--n] = '\0';
	slash = strrchr(copy, '/');
	*ret_name = xstrdup(slash == NULL ? copy : slash + 1);
	if (slash == NULL)
		*ret_parent = xstrdup(".");
	else if (slash == copy)
		*ret_parent = xstrdup("/");
	else
		*ret_parent = (*slash = '\0', xstrdup(copy));
	free(copy);
}

/* ---- out ---- */

static int
to_pipe(bool is_err, const void *data, size_t size, void *arg)
{
	struct cli_tar *tar = arg;
	const char *at = data;

	(void)is_err;
	while (size > 0) {
		ssize_t n = write(tar->fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno; /* tar says why */
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Pumps the archive into the directory. An exit code. */
static int
unpack(struct cli_channel *channel, const char *directory)
{
	struct cli_tar tar = {0};
	struct err err = {0};
	int code;

	if (cli_tar_unpack(directory, &tar, &err) < 0)
		return cli_fail(channel->cli, CLI_FAILED, "%s", err.text);
	channel->sink = to_pipe;
	channel->arg = &tar;
	code = cli_channel_run(channel);
	if (code == CLI_OK && channel->error != NULL) {
		cli_tar_kill(&tar); /* it would complain of what is missing; this says why */
		(void)cli_tar_close(&tar, &err);
		return cli_fail(channel->cli, CLI_FAILED, "%s", channel->error);
	}
	if (cli_tar_close(&tar, &err) < 0 && (code == CLI_OK || code == CLI_FAILED))
		return cli_fail(channel->cli, CLI_FAILED, "%s", err.text);
	return code;
}

/* The only thing in the directory, or "." if there are several. The caller frees it. */
static char *
only_entry(const char *directory)
{
	DIR *list = opendir(directory);
	char *name = NULL;
	const struct dirent *entry;
	unsigned n = 0;

	while (list != NULL && (entry = readdir(list)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (n++ == 0)
			name = xstrdup(entry->d_name);
	}
	if (list != NULL)
		(void)closedir(list);
	if (n == 1)
		return name;
	free(name);
	return xstrdup(".");
}

/* Into a directory beside the target first: the target is whole or is not touched. */
static int
unpack_beside(struct cli_channel *channel, const char *target)
{
	CLEANUP(free) char *parent = NULL, *name = NULL, *entry = NULL;
	CLEANUP(buf_fini) struct buf beside = {0}, from = {0};
	char *path;
	int code;

	cut(target, &parent, &name);
	buf_printf(&beside, "%s/.davit-cp-XXXXXX", parent);
	path = (char *)(uintptr_t)buf_text(&beside);
	if (mkdtemp(path) == NULL)
		return cli_fail(channel->cli, CLI_FAILED, "cannot write to %s: %s", parent,
			strerror(errno));
	code = unpack(channel, path);
	if (code == CLI_OK) {
		entry = only_entry(path);
		buf_printf(&from, "%s/%s", path, entry);
		if (rename(strcmp(entry, ".") == 0 ? path : buf_text(&from), target) < 0)
			code = cli_fail(channel->cli, CLI_FAILED, "cannot make %s: %s", target,
				strerror(errno));
	}
	cli_tar_remove(path);
	return code;
}

static int
copy_to(struct cli_channel *channel, const char *target, const char *source)
{
	CLEANUP(free) char *parent = NULL, *name = NULL;
	CLEANUP(buf_fini) struct buf inside = {0};
	int code;

	if (!is_directory(target)) {
		if (target[strlen(target) - 1] == '/' && !channel->info->is_directory)
			return cli_fail(channel->cli, CLI_NOT_FOUND, "no such directory: %s",
				target);
		return unpack_beside(channel, target);
	}
	cut(source, &parent, &name);
	buf_printf(&inside, "%s/%s", target, name);
	if (!channel->info->is_directory && !is_directory(buf_text(&inside)))
		return unpack_beside(channel, buf_text(&inside));
	code = unpack(channel, target);
	if (code != CLI_OK)
		cli_note(channel->cli, "%s may hold a part of the copy", target);
	return code;
}

static int
copy_out(struct cli *cli, char *task, char *path, const char *target)
{
	Davit__OpenChannelRequest request = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	Davit__CopyOutOptions out = DAVIT__COPY_OUT_OPTIONS__INIT;
	struct cli_channel channel = {.sink = cli_channel_print, .arg = cli, .in_fd = -1};
	int code;

	request.task = task;
	request.namespace_ = cli->globals->namespace_name;
	request.copy_out = &out;
	out.path = path;
	code = cli_channel_open(cli, &request, &channel);
	if (code == CLI_OK && strcmp(target, "-") == 0) {
		code = cli_channel_run(&channel);
		if (code == CLI_OK && channel.error != NULL)
			code = cli_fail(cli, CLI_FAILED, "%s", channel.error);
	} else if (code == CLI_OK) {
		code = copy_to(&channel, target, path);
	}
	cli_channel_close(&channel);
	return code;
}

/* ---- in ---- */

/* What the source is called in the container, or NULL after having said what is wrong. */
static char *
name_inside(struct cli_channel *channel, const char *source, const char *name, const char *path)
{
	const Davit__OpenChannelReply *info = channel->info;
	char *parent, *last;

	if (info->is_directory)
		return xstrdup(name);
	if (info->exists && is_directory(source)) {
		(void)cli_fail(channel->cli, CLI_FAILED, "%s is a directory, %s is none", source,
			path);
		return NULL;
	}
	if (path[strlen(path) - 1] == '/' && !is_directory(source)) {
		(void)cli_fail(channel->cli, CLI_NOT_FOUND, "no such directory: %s", path);
		return NULL;
	}
	cut(path, &parent, &last);
	free(parent);
	return last;
}

static int
pump_in(struct cli_channel *channel)
{
	int code = cli_channel_run(channel);

	if (code == CLI_OK && channel->error != NULL)
		return cli_fail(channel->cli, CLI_FAILED,
			"%s: the container may hold a part of the copy", channel->error);
	return code;
}

static int
pack(struct cli_channel *channel, const char *source, const char *path)
{
	CLEANUP(free) char *parent = NULL, *name = NULL, *inside = NULL;
	struct cli_tar tar = {0};
	struct err err = {0};
	int code;

	cut(source, &parent, &name);
	inside = name_inside(channel, source, name, path);
	if (inside == NULL)
		return CLI_FAILED;
	if (cli_tar_pack(parent, name, inside, &tar, &err) < 0)
		return cli_fail(channel->cli, CLI_FAILED, "%s", err.text);
	channel->in_fd = tar.fd;
	code = pump_in(channel);
	if (cli_tar_close(&tar, &err) < 0 && code == CLI_OK)
		return cli_fail(channel->cli, CLI_FAILED,
			"%s: the container may hold a part of the copy", err.text);
	return code;
}

static int
copy_in(struct cli *cli, const char *source, char *task, char *path)
{
	Davit__OpenChannelRequest request = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	Davit__CopyInOptions in = DAVIT__COPY_IN_OPTIONS__INIT;
	struct cli_channel channel = {.sink = cli_channel_print, .arg = cli, .in_fd = -1};
	int code;

	if (strcmp(source, "-") != 0 && access(source, R_OK) < 0)
		return cli_fail(cli, CLI_NOT_FOUND, "%s: %s", source, strerror(errno));
	request.task = task;
	request.namespace_ = cli->globals->namespace_name;
	request.copy_in = &in;
	in.path = path;
	code = cli_channel_open(cli, &request, &channel);
	if (code == CLI_OK && strcmp(source, "-") != 0) {
		code = pack(&channel, source, path);
	} else if (code == CLI_OK && !channel.info->is_directory) {
		code = cli_fail(cli, CLI_FAILED,
			"an archive is unpacked in a directory; %s is none", path);
	} else if (code == CLI_OK) {
		channel.in_fd = STDIN_FILENO;
		code = pump_in(&channel);
	}
	cli_channel_close(&channel);
	return code;
}

static int
cmd_cp(struct cli *cli, void *arg, int argc, char **argv)
{
	char *task, *path;

	(void)arg;
	(void)argc;
	(void)signal(SIGPIPE, SIG_IGN); /* a tar that ends early is a failure, not our end */
	if (split(argv[0], &task, &path)) {
		char *other_task, *other_path;

		if (split(argv[1], &other_task, &other_path))
			return cli_fail(cli, CLI_USAGE,
				"one side is a task, the other a path here or -");
		return copy_out(cli, task, path, argv[1]);
	}
	if (!split(argv[1], &task, &path))
		return cli_fail(cli, CLI_USAGE, "one side has to be TASK:PATH");
	return copy_in(cli, argv[0], task, path);
}

const struct cli_command cli_cp_commands[] = {
	{
		.name = "cp",
		.summary = "Copy files between a task's container and here",
		.arguments = "TASK:PATH|PATH|- TASK:PATH|PATH|-",
		.examples = "  davit cp web:/etc/nginx/nginx.conf .\n"
			    "  davit cp site/ web:/usr/share/nginx/html\n"
			    "  davit cp web:/var/log - > logs.tar    - is a tar archive\n"
			    "  davit cp - web:/tmp < files.tar\n",
		.defs = cli_no_defs,
		.settings_size = sizeof(struct settings),
		.min_arguments = 2,
		.max_arguments = 2,
		.run = cmd_cp,
	},
	{.name = NULL},
};
