#include "services/gateway/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"

struct spill {
	int fd;
	uint64_t begin, end; /* of what waits, in the file */
};

int
spill_open(struct spill **ret_spill, struct err *err)
{
	const char *folder = getenv("TMPDIR");
	int fd;

	if (folder == NULL || folder[0] == '\0')
		folder = "/var/tmp";
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, -errno, "a file in %s: %s", folder, strerror(errno));
	*ret_spill = xcalloc(1, sizeof **ret_spill);
	(*ret_spill)->fd = fd;
	return 0;
}

void
spill_close(struct spill *spill)
{
	if (spill == NULL)
		return;
	(void)close(spill->fd);
	free(spill);
}

int
spill_put(struct spill *spill, const void *data, size_t size, struct err *err)
{
	size_t done = 0;

	if (spill_size(spill) + size > SPILL_BYTES_MAX)
		return err_set(err, -ENOBUFS, "more than %d bytes wait for the end of the input",
			SPILL_BYTES_MAX);
	while (done < size) {
		ssize_t n = pwrite(spill->fd, (const char *)data + done, size - done,
			(off_t)(spill->end + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, n < 0 ? -errno : -ENOSPC, "keep what is said: %s",
				strerror(n < 0 ? errno : ENOSPC));
		done += (size_t)n;
	}
	spill->end += size;
	return 0;
}

uint64_t
spill_size(const struct spill *spill)
{
	return spill->end - spill->begin;
}

size_t
spill_take(struct spill *spill, void *data, size_t size)
{
	uint64_t left = spill_size(spill);
	ssize_t n;

	if (size > left)
		size = (size_t)left;
	do
		n = pread(spill->fd, data, size, (off_t)spill->begin);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	spill->begin += (uint64_t)n;
	if (spill->begin == spill->end && ftruncate(spill->fd, 0) == 0)
		spill->begin = spill->end = 0;
	return (size_t)n;
}
