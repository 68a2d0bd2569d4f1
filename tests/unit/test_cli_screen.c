#include "services/cli/cli_screen.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

TEST(cli_screen_render_fits_the_terminal)
{
	CLEANUP(buf_fini) struct buf buf = {0};

	cli_screen_render("one\ntwo and more\nthree\n", 2, 5, false, &buf);
	CHECK_STR(buf_text(&buf), "\x1b[Hone\x1b[K\r\ntwo a\x1b[K\x1b[J");
	buf_reset(&buf);
	cli_screen_render("a\n\nb", 0, 0, false, &buf);
	CHECK_STR(buf_text(&buf), "\x1b[Ha\x1b[K\r\n\x1b[K\r\nb\x1b[K\x1b[J");
}

TEST(cli_screen_styles_are_colours_or_nothing)
{
	CLEANUP(buf_fini) struct buf buf = {0};

	cli_screen_render("\x07"
			  "bad\x07\nx",
		0, 3, true, &buf);
	CHECK_STR(buf_text(&buf), "\x1b[H\x1b[31mbad\x1b[0m\x1b[K\r\nx\x1b[K\x1b[J");
	buf_reset(&buf);
	cli_screen_render("\x07"
			  "bad\n",
		0, 3, false, &buf);
	CHECK_STR(buf_text(&buf), "\x1b[Hbad\x1b[K\x1b[J");
}

TEST(cli_screen_keys_are_characters_and_arrows)
{
	static const char text[] = "a\x1b[Bb\x1b[6~\x1b[99z";
	static const int want[] = {'a', CLI_KEY_DOWN, 'b', CLI_KEY_PAGE_DOWN, 0};
	size_t at = 0;
	int key;

	for (unsigned i = 0; i < sizeof want / sizeof *want; i++) {
		at += cli_screen_key(text + at, sizeof text - 1 - at, &key);
		CHECK_EQ(key, want[i]);
	}
	CHECK_EQ(at, sizeof text - 1);
	CHECK_EQ(cli_screen_key("\x1b", 1, &key), 1);
	CHECK_EQ(key, CLI_KEY_ESCAPE);
	CHECK_EQ(cli_screen_key("", 0, &key), 0);
}

struct keys {
	int last;
	unsigned n;
};

static void
on_key(int key, void *arg)
{
	struct keys *keys = arg;

	keys->last = key;
	keys->n++;
}

static bool
has_key(void *arg)
{
	return ((struct keys *)arg)->n > 0;
}

/* A pseudo terminal: what is written to *ret_person is typed there. */
static int
open_terminal(int *ret_person)
{
	int person = posix_openpt(O_RDWR | O_NOCTTY), terminal;

	CHECK(person >= 0);
	CHECK_EQ(grantpt(person), 0);
	CHECK_EQ(unlockpt(person), 0);
	terminal = open(ptsname(person), O_RDWR | O_NOCTTY);
	CHECK(terminal >= 0);
	*ret_person = person;
	return terminal;
}

TEST(cli_screen_takes_keys_and_gives_the_terminal_back)
{
	struct cli_screen *screen;
	struct termios before, during, after;
	struct keys keys = {0};
	struct err err = {0};
	int person, terminal = open_terminal(&person);
	char text[512];
	size_t size = 0;
	uv_loop_t loop;
	ssize_t n;

	CHECK_EQ(uv_loop_init(&loop), 0);
	CHECK_EQ(tcgetattr(terminal, &before), 0);
	CHECK_OK(cli_screen_open(&loop, terminal, terminal, &screen, &err), &err);
	cli_screen_listen(screen, on_key, &keys);
	CHECK_EQ(tcgetattr(terminal, &during), 0);
	CHECK((during.c_lflag & (tcflag_t)(ICANON | ECHO)) == 0);
	CHECK_EQ(write(person, "m", 1), 1);
	turn_until(&loop, has_key, &keys, "a key");
	CHECK_EQ(keys.last, 'm');
	CHECK(!cli_screen_is_over(screen));
	cli_screen_draw(screen, "hello\n", true);
	cli_screen_close(screen);
	CHECK_EQ(tcgetattr(terminal, &after), 0);
	CHECK_EQ(after.c_lflag, before.c_lflag);
	turn_end(&loop);
	(void)close(terminal);
	while (size < sizeof text - 1 &&
		(n = read(person, text + size, sizeof text - 1 - size)) > 0)
		size += (size_t)n;
	text[size] = '\0';
	CHECK_HAS(text, "\x1b[?1049h");
	CHECK_HAS(text, "hello");
	CHECK_HAS(text, "\x1b[?1049l");
	(void)close(person);
}

TEST(cli_screen_ends_when_the_process_is_asked_to)
{
	struct cli_screen *screen;
	struct keys keys = {0};
	struct err err = {0};
	int person, terminal = open_terminal(&person);
	uv_loop_t loop;

	CHECK_EQ(uv_loop_init(&loop), 0);
	CHECK_OK(cli_screen_open(&loop, terminal, terminal, &screen, &err), &err);
	cli_screen_listen(screen, on_key, &keys);
	CHECK_EQ(raise(SIGTERM), 0);
	turn_until(&loop, has_key, &keys, "the signal");
	CHECK(cli_screen_is_over(screen));
	cli_screen_close(screen);
	turn_end(&loop);
	(void)close(terminal);
	(void)close(person);
}

TEST(cli_screen_wants_a_terminal)
{
	struct cli_screen *screen;
	struct err err = {0};
	uv_loop_t loop;
	int ends[2];

	CHECK_EQ(uv_loop_init(&loop), 0);
	CHECK_EQ(pipe(ends), 0);
	CHECK(cli_screen_open(&loop, ends[0], ends[1], &screen, &err) < 0);
	CHECK_HAS(err.text, "no terminal");
	turn_end(&loop);
	(void)close(ends[0]);
	(void)close(ends[1]);
}
