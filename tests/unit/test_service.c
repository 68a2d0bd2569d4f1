#include "common/service/service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/test.h"

/* A service that signals itself, and writes down what is done with it. */
struct settings {
	struct service_settings common;
	char *word;
	bool fails, says_goodbye;
};

#define S struct settings
static const struct option_def defs[] = {
	OPTION_STRING("word", 0, "WORD", S, word, "none", "to be told"),
	OPTION_FLAG("fails", 0, S, fails, "cannot be opened"),
	OPTION_FLAG("says-goodbye", 0, S, says_goodbye, "stops later"),
	SERVICE_OPTIONS(S),
	OPTION_END,
};
#undef S

static const struct options_spec spec = {.program = "davit-test",
	.summary = "For a test.",
	.defs = defs};

struct state {
	uv_loop_t *loop;
	uv_timer_t goodbye;
	bool is_open;
};

static void
note(const char *what)
{
	(void)printf("%s\n", what);
	(void)fflush(stdout);
}

static void
on_never(uv_timer_t *timer)
{
	note("the signal was not seen");
	uv_stop(timer->loop);
}

static int
open_test(uv_loop_t *loop, void *arg, void **ret_state, struct err *err)
{
	const struct settings *settings = arg;
	struct state *state = *ret_state = calloc(1, sizeof *state);

	note(settings->word);
	state->loop = loop;
	if (settings->fails)
		return err_set(err, -EACCES, "not allowed");
	(void)uv_timer_init(loop, &state->goodbye);
	(void)uv_timer_start(&state->goodbye, on_never, 60000, 0); /* something to run for */
	state->is_open = true;
	return raise(SIGTERM); /* seen when the loop runs */
}

static void
on_goodbye(uv_timer_t *timer)
{
	note("goodbye");
	uv_stop(timer->loop);
}

static void
stop_test(void *arg)
{
	struct state *state = arg;

	note("stop");
	(void)uv_timer_start(&state->goodbye, on_goodbye, 1, 0);
}

static void
close_test(void *arg)
{
	struct state *state = arg;

	note("close");
	if (state->is_open)
		uv_close((uv_handle_t *)&state->goodbye, NULL);
}

static void
free_test(void *arg)
{
	note("free");
	free(arg);
}

static char output[4096];

/* Runs the service in a child with these arguments; its exit status. Its words are in output. */
static int
run(const struct service *service, char **argv)
{
	int pair[2], status = 0, argc = 0;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	while (argv[argc] != NULL)
		argc++;
	CHECK_EQ(pipe(pair), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		(void)dup2(pair[1], STDOUT_FILENO);
		(void)dup2(pair[1], STDERR_FILENO);
		(void)close(pair[0]);
		status = service_main(service, argc, argv);
		(void)fflush(stdout);
		_exit(status);
	}
	(void)close(pair[1]);
	while ((n = read(pair[0], output + used, sizeof output - 1 - used)) > 0)
		used += (size_t)n;
	output[used] = '\0';
	(void)close(pair[0]);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static const struct service service = {.name = "test",
	.options = &spec,
	.settings_size = sizeof(struct settings),
	.open = open_test,
	.close = close_test,
	.free = free_test};

#define ARGS(...) ((char *[]){(char *)"davit-test", __VA_ARGS__, NULL})

TEST(service_runs_until_it_is_told_to_end)
{
	CHECK_EQ(run(&service, ARGS((char *)"--word", (char *)"hello")), 0);
	CHECK_STR(output, "hello\nclose\nfree\n");
}

TEST(service_may_say_goodbye_first)
{
	struct service polite = service;

	polite.stop = stop_test;
	CHECK_EQ(run(&polite, ARGS((char *)"--word=x")), 0);
	CHECK_STR(output, "x\nstop\ngoodbye\nclose\nfree\n");
}

TEST(service_that_cannot_open_is_cleaned_up_and_says_why)
{
	CHECK_EQ(run(&service, ARGS((char *)"--fails")), EXIT_FAILURE);
	CHECK_HAS(output, "close\nfree\n");
	CHECK_HAS(output, "svc=test ev=service.failed reason=\"not allowed\"");
}

TEST(service_refuses_what_it_does_not_know_before_it_opens)
{
	CHECK_EQ(run(&service, ARGS((char *)"--nonsense")), EXIT_FAILURE);
	CHECK_HAS(output, "davit-test: ");
	CHECK(strstr(output, "close") == NULL);
	CHECK_EQ(run(&service, ARGS((char *)"extra")), EXIT_FAILURE);
	CHECK_HAS(output, "'extra' is too much");
	CHECK_EQ(run(&service, ARGS((char *)"--log-level=loud")), EXIT_FAILURE);
	CHECK_HAS(output, "loud");
	CHECK_EQ(run(&service, ARGS((char *)"--help")), EXIT_SUCCESS);
	CHECK_HAS(output, "--log-level");
}

TEST(service_logs_where_it_is_told)
{
	char path[] = "/tmp/test_service.XXXXXX", line[512] = "";
	FILE *file;

	CHECK(close(mkstemp(path)) == 0);
	CHECK_EQ(run(&service, ARGS((char *)"--fails", (char *)"--log-file", path)), EXIT_FAILURE);
	CHECK(strstr(output, "ev=") == NULL);
	file = fopen(path, "r");
	CHECK(file != NULL && fgets(line, sizeof line, file) != NULL);
	CHECK_HAS(line, "ev=service.failed");
	(void)fclose(file);
	(void)unlink(path);
	CHECK_EQ(run(&service, ARGS((char *)"--log-file=/nonexistent/x")), EXIT_FAILURE);
}
