#include "common/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/mem.h"

enum {
	MALLOC_TRIM_BYTES = 128 << 10, /* free memory at the top beyond this goes back */
	MALLOC_TOP_BYTES = 16 << 10,   /* the heap grows by this much at least */
	MALLOC_MMAP_BYTES = 128 << 10, /* blocks from here on live outside the heap */
	UMASK_OWNER_AND_GROUP = 0027,
};

static void
open_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR); /* inherited by children like any stdio */
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_cur >= PROCESS_FILES_MAX)
		return;
	limit.rlim_cur = limit.rlim_max < PROCESS_FILES_MAX ? limit.rlim_max : PROCESS_FILES_MAX;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

void
process_begin(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	open_standard_descriptors();
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)umask(UMASK_OWNER_AND_GROUP);
	raise_file_limit();
	/* Setting a threshold also stops malloc from raising it by itself. */
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_TRIM_THRESHOLD, MALLOC_TRIM_BYTES);
	(void)mallopt(M_TOP_PAD, MALLOC_TOP_BYTES);
	(void)mallopt(M_MMAP_THRESHOLD, MALLOC_MMAP_BYTES);
}

void
process_spare_memory(char **argv)
{
	static const char name[] = "GLIBC_TUNABLES";
	char path[PATH_MAX];
	ssize_t size;

	if (getenv(name) != NULL || setenv(name, "glibc.malloc.tcache_count=0", 1) < 0)
		return;
	/* By its own path: that is where its name in `ps` comes from. */
	size = readlink("/proc/self/exe", path, sizeof path - 1);
	if (size <= 0)
		return;
	path[size] = '\0';
	(void)execv(path, argv); /* it has been replaced on disk, say: then it goes on as it is */
}

void
process_trim_memory(void)
{
	(void)malloc_trim(0);
}

int
process_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size;
	int fd, rc = 0;

	if (path == NULL || *path == '\0')
		return 0;
	if ((*path != '/' && *path != '@') || strlen(path) >= sizeof address.sun_path)
		return -EINVAL;
	memcpy(address.sun_path, path, strlen(path));
	if (*path == '@')
		address.sun_path[0] = '\0'; /* an abstract one: no file, no NUL at its end */
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0)
		rc = -errno;
	(void)close(fd);
	return rc;
}

enum { WATCH_TERM, WATCH_INT, WATCH_HUP, WATCH_COUNT };

static const int watched[WATCH_COUNT] =
	{[WATCH_TERM] = SIGTERM, [WATCH_INT] = SIGINT, [WATCH_HUP] = SIGHUP};

struct process_signals {
	uv_signal_t handles[WATCH_COUNT];
	unsigned n_open;
	process_signal_fn *on_stop, *on_reload;
	void *arg;
};

static void
on_signal(uv_signal_t *handle, int number)
{
	struct process_signals *signals = handle->data;

	if (number == SIGHUP) {
		if (signals->on_reload != NULL)
			signals->on_reload(signals->arg);
		return;
	}
	/* The default action again: whoever asks twice does not want to wait. */
	(void)uv_signal_stop(&signals->handles[WATCH_TERM]);
	(void)uv_signal_stop(&signals->handles[WATCH_INT]);
	signals->on_stop(signals->arg);
}

static void
on_closed(uv_handle_t *handle)
{
	struct process_signals *signals = handle->data;

	if (--signals->n_open == 0)
		free(signals);
}

int
process_signals_start(uv_loop_t *loop, process_signal_fn *on_stop, process_signal_fn *on_reload,
	void *arg, struct process_signals **ret_signals, struct err *err)
{
	struct process_signals *signals = xcalloc(1, sizeof *signals);
	int rc = 0;

	signals->on_stop = on_stop;
	signals->on_reload = on_reload;
	signals->arg = arg;
	for (unsigned i = 0; i < WATCH_COUNT && rc == 0; i++) {
		uv_signal_t *handle = &signals->handles[i];

		rc = uv_signal_init(loop, handle);
		if (rc < 0)
			break;
		handle->data = signals;
		signals->n_open++;
		uv_unref((uv_handle_t *)handle);
		rc = uv_signal_start(handle, on_signal, watched[i]);
	}
	if (rc < 0) {
		process_signals_stop(signals);
		return err_set(err, rc, "watch for signals: %s", uv_strerror(rc));
	}
	*ret_signals = signals;
	return 0;
}

void
process_signals_stop(struct process_signals *signals)
{
	unsigned n;

	if (signals == NULL)
		return;
	n = signals->n_open;
	if (n == 0)
		free(signals);
	for (unsigned i = 0; i < n; i++)
		uv_close((uv_handle_t *)&signals->handles[i], on_closed);
}
