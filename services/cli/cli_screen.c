#include "services/cli/cli_screen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "services/cli/cli_text.h"

static const char enter[] = "\x1b[?1049h\x1b[?25l"; /* alternate screen, no cursor */
static const char leave[] = "\x1b[?25h\x1b[?1049l";

enum { SIGNAL_COUNT = 3 };

struct cli_screen {
	int in_fd;  /* opened anew: the loop makes it non-blocking, and what is ours is the shell's,
		       too */
	int out_fd; /* borrowed */
	struct termios before;
	uv_poll_t input;
	uv_signal_t signals[SIGNAL_COUNT];
	unsigned n_handles; /* that are not closed yet */
	bool is_over;
	cli_screen_fn *on_key;
	void *arg;
};

static void
write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			text += n;
			size -= (size_t)n;
		}
	}
}

/* One line, without its end. */
static void
render_line(const char *text, size_t size, unsigned columns, bool has_colours, struct buf *out)
{
	static const char *const styles[] = {"", "1", "7", "1;36", "7;1", "32", "33", "31"};
	CLEANUP(free) char *line = NULL;
	unsigned style = 0;
	size_t fits;

	if (size > 0 && text[0] > 0 && (size_t)text[0] < sizeof styles / sizeof *styles) {
		style = (unsigned)text[0];
		text++;
		size--;
	}
	line = xcalloc(size + 1, 1);
	memcpy(line, text, size);
	fits = columns == 0 ? size : cli_text_fit(line, columns);
	if (style > 0 && has_colours)
		buf_printf(out, "\x1b[%sm", styles[style]);
	buf_put(out, line, fits);
	if (style > 0 && has_colours)
		buf_puts(out, "\x1b[0m");
	buf_puts(out, "\x1b[K");
}

void
cli_screen_render(const char *text, unsigned rows, unsigned columns, bool has_colours,
	struct buf *out)
{
	unsigned row = 0;

	buf_puts(out, "\x1b[H");
	while (*text != '\0' && (rows == 0 || row < rows)) {
		size_t n = strcspn(text, "\n");

		buf_puts(out, row == 0 ? "" : "\r\n");
		render_line(text, n, columns, has_colours, out);
		row++;
		text += n + (text[n] == '\n');
	}
	buf_puts(out, "\x1b[J");
}

size_t
cli_screen_key(const char *text, size_t size, int *ret_key)
{
	static const struct {
		const char *text;
		int key;
	} keys[] = {{"\x1b[A", CLI_KEY_UP}, {"\x1bOA", CLI_KEY_UP}, {"\x1b[B", CLI_KEY_DOWN},
		{"\x1bOB", CLI_KEY_DOWN}, {"\x1b[5~", CLI_KEY_PAGE_UP},
		{"\x1b[6~", CLI_KEY_PAGE_DOWN}, {"\x1b[H", CLI_KEY_HOME}, {"\x1b[1~", CLI_KEY_HOME},
		{"\x1b[F", CLI_KEY_END}, {"\x1b[4~", CLI_KEY_END}};

	if (size == 0)
		return 0;
	*ret_key = (unsigned char)text[0];
	if (text[0] != '\x1b' || size == 1)
		return 1;
	for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
		size_t n = strlen(keys[i].text);

		if (n <= size && memcmp(text, keys[i].text, n) == 0) {
			*ret_key = keys[i].key;
			return n;
		}
	}
	*ret_key = 0;
	return size; /* another function key */
}

static void
tell(struct cli_screen *screen, int key)
{
	if (screen->on_key != NULL)
		screen->on_key(key, screen->arg);
}

static void
on_input(uv_poll_t *poll, int status, int events)
{
	struct cli_screen *screen = poll->data;
	char keys[64];
	ssize_t n = read(screen->in_fd, keys, sizeof keys);

	(void)events;
	if (status < 0 || n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		screen->is_over = true;
		(void)uv_poll_stop(poll);
		tell(screen, 0);
	}
	for (size_t at = 0, used; n > 0 && at < (size_t)n; at += used) {
		int key = 0;

		used = cli_screen_key(keys + at, (size_t)n - at, &key);
		if (key != 0)
			tell(screen, key);
	}
}

static void
on_signal(uv_signal_t *signal, int number)
{
	struct cli_screen *screen = signal->data;

	if (number != SIGWINCH)
		screen->is_over = true;
	tell(screen, 0);
}

static void
watch(uv_loop_t *loop, struct cli_screen *screen)
{
	static const int numbers[SIGNAL_COUNT] = {SIGWINCH, SIGTERM, SIGHUP};

	for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
		(void)uv_signal_init(loop, &screen->signals[i]);
		screen->signals[i].data = screen;
		(void)uv_signal_start(&screen->signals[i], on_signal, numbers[i]);
		screen->n_handles++;
	}
	if (uv_poll_init(loop, &screen->input, screen->in_fd) == 0) {
		screen->input.data = screen;
		(void)uv_poll_start(&screen->input, UV_READABLE, on_input);
		screen->n_handles++;
	}
}

int
cli_screen_open(uv_loop_t *loop, int in_fd, int out_fd, struct cli_screen **ret_screen,
	struct err *err)
{
	struct cli_screen *screen;
	struct termios raw;
	char name[64];
	int own_fd;

	if (tcgetattr(in_fd, &raw) < 0 || ttyname_r(in_fd, name, sizeof name) != 0)
		return err_set(err, -ENOTTY, "this is no terminal");
	own_fd = open(name, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (own_fd < 0)
		return err_set(err, -errno, "cannot open %s: %s", name, strerror(errno));
	screen = xcalloc(1, sizeof *screen);
	screen->in_fd = own_fd;
	screen->out_fd = out_fd;
	screen->before = raw;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* ISIG stays: ^C works as ever */
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	(void)tcsetattr(own_fd, TCSADRAIN, &raw);
	watch(loop, screen);
	write_all(out_fd, enter, sizeof enter - 1);
	*ret_screen = screen;
	return 0;
}

void
cli_screen_listen(struct cli_screen *screen, cli_screen_fn *on_key, void *arg)
{
	screen->on_key = on_key;
	screen->arg = arg;
}

bool
cli_screen_is_over(const struct cli_screen *screen)
{
	return screen->is_over;
}

void
cli_screen_size(const struct cli_screen *screen, unsigned *ret_rows, unsigned *ret_columns)
{
	struct winsize size = {0};

	(void)ioctl(screen->out_fd, TIOCGWINSZ, &size);
	*ret_rows = size.ws_row > 0 ? size.ws_row : 24;
	*ret_columns = size.ws_col > 0 ? size.ws_col : 80;
}

void
cli_screen_draw(struct cli_screen *screen, const char *text, bool has_colours)
{
	CLEANUP(buf_fini) struct buf out = {0};
	unsigned rows, columns;

	cli_screen_size(screen, &rows, &columns);
	cli_screen_render(text, rows, columns, has_colours, &out);
	write_all(screen->out_fd, (const char *)out.data, out.size);
}

static void
on_closed(uv_handle_t *handle)
{
	struct cli_screen *screen = handle->data;

	if (--screen->n_handles > 0)
		return;
	(void)close(screen->in_fd);
	free(screen);
}

void
cli_screen_close(struct cli_screen *screen)
{
	if (screen == NULL)
		return;
	write_all(screen->out_fd, leave, sizeof leave - 1);
	(void)tcsetattr(screen->in_fd, TCSADRAIN, &screen->before);
	screen->on_key = NULL;
	if (screen->n_handles > SIGNAL_COUNT)
		uv_close((uv_handle_t *)&screen->input, on_closed);
	for (unsigned i = 0; i < SIGNAL_COUNT; i++)
		uv_close((uv_handle_t *)&screen->signals[i], on_closed);
}
