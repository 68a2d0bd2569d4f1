#include "services/cli/cli_input.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/mem.h"

enum { SIGNAL_COUNT = 3 };

struct cli_input {
	int fd;
	cli_input_fn *on_news;
	void *arg;
	uv_poll_t poll;
	uv_signal_t signals[SIGNAL_COUNT];
	struct termios before;
	bool is_polled; /* else: always ready */
	bool is_raw, is_over, has_ended;
	unsigned n_handles;
};

static void
tell(struct cli_input *input)
{
	if (input->on_news != NULL)
		input->on_news(input->arg);
}

/* Somebody has to read now; until then nothing more is told. */
static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct cli_input *input = poll->data;

	(void)events;
	input->has_ended |= status < 0;
	(void)uv_poll_stop(poll);
	tell(input);
}

static void
on_signal(uv_signal_t *signal, int number)
{
	struct cli_input *input = signal->data;

	if (number != SIGWINCH)
		input->is_over = true;
	tell(input);
}

static void
make_raw(struct cli_input *input)
{
	struct termios raw;

	if (tcgetattr(input->fd, &input->before) < 0) {
		input->is_raw = false;
		return;
	}
	raw = input->before;
	cfmakeraw(&raw);
	(void)tcsetattr(input->fd, TCSADRAIN, &raw);
}

struct cli_input *
cli_input_open(uv_loop_t *loop, int fd, bool is_raw, cli_input_fn *on_news, void *arg)
{
	static const int numbers[SIGNAL_COUNT] = {SIGWINCH, SIGTERM, SIGHUP};
	struct cli_input *input = xcalloc(1, sizeof *input);
	char path[32];

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	input->fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (input->fd < 0)
		input->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	input->on_news = on_news;
	input->arg = arg;
	input->is_raw = is_raw;
	input->has_ended = input->fd < 0;
	if (is_raw)
		make_raw(input);
	for (unsigned i = 0; i < SIGNAL_COUNT && input->is_raw; i++) {
		(void)uv_signal_init(loop, &input->signals[i]);
		input->signals[i].data = input;
		(void)uv_signal_start(&input->signals[i], on_signal, numbers[i]);
		input->n_handles++;
	}
	if (input->fd >= 0 && uv_poll_init(loop, &input->poll, input->fd) == 0) {
		input->poll.data = input;
		input->is_polled = true;
		input->n_handles++;
	}
	return input;
}

ssize_t
cli_input_read(struct cli_input *input, void *data, size_t size)
{
	ssize_t n;

	if (input->has_ended)
		return -1;
	do
		n = read(input->fd, data, size);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if (n < 0 && errno == EAGAIN && input->is_polled) {
		(void)uv_poll_start(&input->poll, UV_READABLE, on_readable);
		return 0;
	}
	input->has_ended = true;
	return -1;
}

bool
cli_input_size(const struct cli_input *input, uint32_t *ret_rows, uint32_t *ret_columns)
{
	struct winsize size;

	if (ioctl(input->fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
		return false;
	*ret_rows = size.ws_row;
	*ret_columns = size.ws_col;
	return true;
}

bool
cli_input_is_over(const struct cli_input *input)
{
	return input->is_over;
}

static void
let_go(struct cli_input *input)
{
	if (input->fd >= 0)
		(void)close(input->fd);
	free(input);
}

static void
on_closed(uv_handle_t *handle)
{
	struct cli_input *input = handle->data;

	if (--input->n_handles == 0)
		let_go(input);
}

void
cli_input_close(struct cli_input *input)
{
	if (input == NULL)
		return;
	if (input->is_raw)
		(void)tcsetattr(input->fd, TCSADRAIN, &input->before);
	input->on_news = NULL;
	for (unsigned i = 0; i < SIGNAL_COUNT && input->is_raw; i++)
		uv_close((uv_handle_t *)&input->signals[i], on_closed);
	if (input->is_polled)
		uv_close((uv_handle_t *)&input->poll, on_closed);
	else if (!input->is_raw)
		let_go(input);
}
