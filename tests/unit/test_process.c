#include "common/base/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "tests/lib/test.h"

/* Runs body in a child, so that this process keeps its own settings; its exit status or -signal. */
static int
in_child(int (*body)(void))
{
	pid_t pid = fork();
	int status = 0;

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(body());
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int
begin_then_look(void)
{
	struct rlimit limit, small = {.rlim_cur = 64, .rlim_max = 256};
	struct sigaction action;
	int pair[2];

	(void)setrlimit(RLIMIT_NOFILE, &small);
	(void)close(STDIN_FILENO);
	process_begin();
	if (pipe(pair) < 0 || pair[0] <= STDERR_FILENO)
		return 1;
	(void)close(pair[0]);
	if (write(pair[1], "x", 1) >= 0 || errno != EPIPE)
		return 2;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur != 256)
		return 3;
	if (sigaction(SIGPIPE, NULL, &action) < 0 || action.sa_handler != SIG_IGN)
		return 4;
	if (umask(0) != 0027)
		return 5;
	return 0;
}

TEST(process_begin_survives_a_broken_pipe_and_lifts_the_file_limit)
{
	CHECK_EQ(in_child(begin_then_look), 0);
}

/* The same program begins again in the same process, once: there this test looks around. */
static int
begin_again(void)
{
	char *argv[] = {(char *)"again", (char *)"process_spares_memory", NULL};

	(void)unsetenv("GLIBC_TUNABLES");
	(void)setenv("DAVIT_TEST_AGAIN", "yes", 1);
	if (freopen("/dev/null", "w", stdout) == NULL)
		return 98;
	process_spare_memory(argv);
	return 99;
}

TEST(process_spares_memory_by_beginning_again_once)
{
	const char *said = getenv("GLIBC_TUNABLES");

	if (getenv("DAVIT_TEST_AGAIN") == NULL) {
		CHECK_EQ(in_child(begin_again), 0);
		return;
	}
	CHECK_HAS(said, "glibc.malloc.tcache_count=0");
	process_spare_memory(NULL); /* comes back: it was said already */
}

/* A supervisor's end of the notify socket; name begins with '@' for an abstract one. */
static int
listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = 60};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	CHECK_EQ(bind(fd, (struct sockaddr *)&address,
			 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
		0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	(void)setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void
check_is_told(int fd, const char *state)
{
	char text[64] = {0};

	CHECK_EQ(process_notify(state), 0);
	CHECK_EQ(recv(fd, text, sizeof text - 1, 0), strlen(state));
	CHECK_STR(text, state);
	(void)close(fd);
	(void)unsetenv("NOTIFY_SOCKET");
}

static size_t
resident_kib(void)
{
	FILE *in = fopen("/proc/self/status", "re");
	char line[256];
	size_t kib = 0;

	while (in != NULL && fgets(line, sizeof line, in) != NULL)
		(void)sscanf(line, "RssAnon: %zu", &kib);
	if (in != NULL)
		(void)fclose(in);
	return kib;
}

TEST(process_trim_gives_back_what_is_free_below_what_is_not)
{
	enum { BLOCKS = 256, BLOCK = 64 << 10 };
	static char *blocks[BLOCKS];
	char *last;
	size_t full;

	process_begin();
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = xmalloc(BLOCK);
		memset(blocks[i], 1, BLOCK);
	}
	last = xmalloc(BLOCK); /* keeps the top of the heap where it is */
	memset(last, 1, BLOCK);
	full = resident_kib();
	for (size_t i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	process_trim_memory();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	(void)full; /* their heaps keep what is freed */
#else
	CHECK(resident_kib() + BLOCKS * BLOCK / 2048 < full); /* half of it at least */
#endif
	free(last);
}

TEST(process_notify_tells_a_supervisor_behind_a_path)
{
	char folder[] = "/tmp/davit-test-notify.XXXXXX", path[64];
	int fd;

	CHECK(mkdtemp(folder) != NULL);
	(void)snprintf(path, sizeof path, "%s/socket", folder);
	fd = listen_at(path);
	check_is_told(fd, "READY=1");
	(void)unlink(path);
	(void)rmdir(folder);
}

TEST(process_notify_tells_a_supervisor_behind_an_abstract_name)
{
	char name[64];

	(void)snprintf(name, sizeof name, "@davit-test-notify-%d", (int)getpid());
	check_is_told(listen_at(name), "STOPPING=1\nSTATUS=bye");
}

TEST(process_notify_is_silent_where_nobody_listens)
{
	char longer[200] = "/tmp/";

	(void)unsetenv("NOTIFY_SOCKET");
	CHECK_EQ(process_notify("READY=1"), 0);
	(void)setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	CHECK_EQ(process_notify("READY=1"), -ENOENT);
	(void)setenv("NOTIFY_SOCKET", "relative", 1);
	CHECK_EQ(process_notify("READY=1"), -EINVAL);
	memset(longer + 5, 'x', sizeof longer - 6);
	(void)setenv("NOTIFY_SOCKET", longer, 1);
	CHECK_EQ(process_notify("READY=1"), -EINVAL);
	(void)unsetenv("NOTIFY_SOCKET");
}

struct seen {
	unsigned n_stops, n_reloads;
	struct process_signals *signals;
	uv_prepare_t work; /* keeps the loop running until stopped */
};

static void
on_stop(void *arg)
{
	struct seen *seen = arg;

	seen->n_stops++;
	uv_close((uv_handle_t *)&seen->work, NULL);
}

static void
on_reload(void *arg)
{
	struct seen *seen = arg;

	seen->n_reloads++;
	(void)kill(getpid(), SIGTERM); /* the reload was seen: now the end */
}

static void
on_work(uv_prepare_t *work)
{
	(void)work;
}

static int
reload_then_stop(void)
{
	struct seen seen = {0};
	struct err err;
	uv_loop_t loop;

	(void)uv_loop_init(&loop);
	(void)uv_prepare_init(&loop, &seen.work);
	(void)uv_prepare_start(&seen.work, on_work);
	if (process_signals_start(&loop, on_stop, on_reload, &seen, &seen.signals, &err) < 0)
		return 1;
	(void)kill(getpid(), SIGHUP);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	if (seen.n_stops != 1 || seen.n_reloads != 1)
		return 2;
	process_signals_stop(seen.signals);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop) == 0 ? 0 : 3; /* it is not when a handle was left behind */
}

TEST(process_signals_reload_on_hup_and_stop_on_term)
{
	CHECK_EQ(in_child(reload_then_stop), 0);
}

static int
stop_twice(void)
{
	struct seen seen = {0};
	struct err err;
	uv_loop_t loop;

	(void)uv_loop_init(&loop);
	(void)uv_prepare_init(&loop, &seen.work);
	(void)uv_prepare_start(&seen.work, on_work);
	if (process_signals_start(&loop, on_stop, NULL, &seen, &seen.signals, &err) < 0)
		return 1;
	(void)kill(getpid(), SIGHUP); /* is ignored */
	(void)kill(getpid(), SIGINT);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	if (seen.n_stops != 1)
		return 2;
	(void)kill(getpid(), SIGTERM);
	return 3;
}

TEST(process_signals_end_the_process_when_asked_twice)
{
	CHECK_EQ(in_child(stop_twice), -SIGTERM);
}
