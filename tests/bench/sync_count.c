/*
 * Preloaded into a measured program: counts how often it waits for the disk, and for how
 * long, in a file that the benchmark has mapped, too.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct counter {
	_Atomic uint64_t n, ns;
};

static struct counter *counter;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("SYNC_COUNT_FILE");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *page = MAP_FAILED;

	if (fd >= 0) {
		page = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		(void)close(fd);
	}
	counter = page == MAP_FAILED ? NULL : page;
}

static int
sync_with(const char *name, int fd)
{
	int (*real)(int) = (int (*)(int))(uintptr_t)dlsym(RTLD_NEXT, name);
	struct timespec from, to;
	int rc;

	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	rc = real(fd);
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	if (counter != NULL) {
		atomic_fetch_add(&counter->n, 1);
		atomic_fetch_add(&counter->ns, (uint64_t)((to.tv_sec - from.tv_sec) * 1000000000 +
							  to.tv_nsec - from.tv_nsec));
	}
	return rc;
}

int
fsync(int fd)
{
	return sync_with("fsync", fd);
}

int
fdatasync(int fd)
{
	return sync_with("fdatasync", fd);
}
