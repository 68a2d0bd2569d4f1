#include "services/worker/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"

static int
write_whole(int fd, const char *text, bool sync)
{
	size_t size = strlen(text);

	while (size > 0) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		size -= (size_t)n;
	}
	return sync && fsync(fd) < 0 ? -errno : 0;
}

int
worker_state_save(const char *path, const char *text, bool sync)
{
	CLEANUP(free) char *fresh = NULL;
	int fd, rc;

	if (asprintf(&fresh, "%s.new", path) < 0)
		return -ENOMEM;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	rc = write_whole(fd, text, sync);
	(void)close(fd);
	if (rc == 0 && rename(fresh, path) < 0)
		rc = -errno;
	if (rc < 0)
		(void)unlink(fresh);
	return rc;
}

char *
worker_state_load(const char *path)
{
	FILE *in = fopen(path, "re");
	struct stat info;
	char *text = NULL;
	size_t n;

	if (in != NULL && fstat(fileno(in), &info) == 0 && info.st_size <= WORKER_STATE_FILE_MAX) {
		text = xcalloc((size_t)info.st_size + 1, 1);
		n = fread(text, 1, (size_t)info.st_size, in);
		text[n] = '\0';
	}
	if (in != NULL)
		(void)fclose(in);
	return text;
}
