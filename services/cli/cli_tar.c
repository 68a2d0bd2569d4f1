#include "services/cli/cli_tar.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/buf.h"

extern char **environ;

/* Starts tar; its fd `theirs` (0 or 1) is the other end of ret_tar->fd. */
static int
start(char *const argv[], int theirs, struct cli_tar *ret_tar, struct err *err)
{
	posix_spawn_file_actions_t actions;
	int ends[2], rc, ours = theirs == STDIN_FILENO ? 1 : 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, ends[1 - ours], theirs);
	rc = posix_spawnp(&ret_tar->pid, "tar", &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(ends[1 - ours]);
	if (rc != 0) {
		(void)close(ends[ours]);
		return err_set(err, -rc, "cannot run tar: %s", strerror(rc));
	}
	ret_tar->fd = ends[ours];
	return 0;
}

static char *
word(const char *text)
{
	return (char *)(uintptr_t)text;
}

int
cli_tar_unpack(const char *directory, struct cli_tar *ret_tar, struct err *err)
{
	char *const argv[] = {word("tar"), word("-x"), word("-f"), word("-"),
		word("--no-same-owner"), word("-C"), word(directory), NULL};

	return start(argv, STDIN_FILENO, ret_tar, err);
}

static void
put_escaped(struct buf *out, const char *text, const char *special)
{
	for (; *text != '\0'; text++) {
		if (strchr(special, *text) != NULL)
			buf_puts(out, "\\");
		buf_put(out, text, 1);
	}
}

char *
cli_tar_rename(const char *name, const char *new_name)
{
	struct buf out = {0};

	/* Names of members and what hard links lead to, but not what symbolic ones do. */
	buf_puts(&out, "flags=rSh;s,^");
	put_escaped(&out, name, "\\.[]*^$,");
	buf_puts(&out, ",");
	put_escaped(&out, new_name, "\\&,");
	buf_puts(&out, ",");
	return buf_take(&out, NULL);
}

int
cli_tar_pack(const char *directory, const char *name, const char *new_name, struct cli_tar *ret_tar,
	struct err *err)
{
	char *transform = cli_tar_rename(name, new_name);
	char *const argv[] = {word("tar"), word("-c"), word("-f"), word("-"), word("--owner=0"),
		word("--group=0"), word("--numeric-owner"), word("-C"), word(directory),
		word("--transform"), transform, word("--"), word(name), NULL};
	int rc = start(argv, STDOUT_FILENO, ret_tar, err);

	free(transform);
	return rc;
}

void
cli_tar_kill(struct cli_tar *tar)
{
	if (tar->pid != 0)
		(void)kill(tar->pid, SIGKILL);
}

int
cli_tar_close(struct cli_tar *tar, struct err *err)
{
	int status = 0;

	if (tar->pid == 0)
		return 0;
	(void)close(tar->fd);
	while (waitpid(tar->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	tar->pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, -EIO, "tar has failed");
	return 0;
}

static int
remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
	(void)info;
	(void)kind;
	(void)at;
	(void)remove(path);
	return 0;
}

void
cli_tar_remove(const char *directory)
{
	(void)nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
