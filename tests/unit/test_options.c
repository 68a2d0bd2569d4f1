#include "common/base/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "tests/lib/test.h"

enum { ARGV_MAX = 16, LINE_MAX_BYTES = 256 };

struct settings {
	char *listen, *name;
	uint64_t poll_ms, mem_bytes, cpu_milli, workers;
	struct option_list labels;
	bool debug, quiet;
};

static const struct option_def defs[] = {
	OPTION_STRING("listen", 'l', "URL", struct settings, listen, "tcp://127.0.0.1:7070",
		"where to accept calls"),
	OPTION_STRING("name", 'n', "NAME", struct settings, name, NULL, "what to be called"),
	OPTION_DURATION("poll-time", 0, struct settings, poll_ms, "1s", "time between polls"),
	OPTION_BYTES("memory", 'm', struct settings, mem_bytes, "512MiB", "how much to use"),
	OPTION_CPU("cpus", 'c', struct settings, cpu_milli, "1.5", "how many to use"),
	OPTION_NUMBER("workers", 'w', "COUNT", struct settings, workers, "4", 1, 64, "threads"),
	OPTION_LIST("label", 0, "KEY=VALUE", struct settings, labels, "what it is"),
	OPTION_FLAG("debug", 'd', struct settings, debug, "say more"),
	OPTION_FLAG("quiet", 'q', struct settings, quiet, "say less"),
	OPTION_END,
};

/* Everything a test needs, so that one call parses and one frees. */
struct run {
	struct options_spec spec;
	struct settings settings;
	char line[LINE_MAX_BYTES]; /* argv points in here */
	char *argv[ARGV_MAX];
	int argc, first, rc;
	struct err err;
};

static struct run *
run_new(void)
{
	struct run *run = xcalloc(1, sizeof *run);

	run->spec = (struct options_spec){
		.program = "davit-test",
		.summary = "Tests options.",
		.arguments = "[ARGUMENT…]",
		.env_prefix = "TESTOPT_",
		.defs = defs,
	};
	return run;
}

static void
run_free(struct run *run)
{
	options_free(defs, &run->settings);
	options_free(defs, &run->settings); /* twice is harmless */
	free(run);
}
CLEANUP_DEFINE(struct run *, run_free)

/* Parses a command line of words without spaces. */
static int
run_parse(struct run *run, const char *line)
{
	options_free(defs, &run->settings);
	run->settings = (struct settings){0};
	run->argc = 0;
	run->argv[run->argc++] = (char *)(uintptr_t) "davit-test";
	(void)snprintf(run->line, sizeof run->line, "%s", line);
	for (char *word = strtok(run->line, " "); word != NULL; word = strtok(NULL, " "))
		run->argv[run->argc++] = word;
	run->rc = options_parse(&run->spec, run->argc, run->argv, &run->settings, &run->first,
		&run->err);
	return run->rc;
}

/* What a call prints on stdout, at most size bytes of it. */
static void
capture(struct run *run, const char *line, char *ret_text, size_t size)
{
	char path[] = "/tmp/davit-test-options.XXXXXX";
	int fd = mkstemp(path), saved = dup(STDOUT_FILENO);
	ssize_t n;

	CHECK(fd >= 0 && saved >= 0);
	(void)unlink(path);
	(void)fflush(stdout);
	(void)dup2(fd, STDOUT_FILENO);
	(void)run_parse(run, line);
	(void)fflush(stdout);
	(void)dup2(saved, STDOUT_FILENO);
	(void)close(saved);
	n = pread(fd, ret_text, size - 1, 0);
	(void)close(fd);
	CHECK(n >= 0);
	ret_text[n] = '\0';
}

/* Writes a configuration file and returns its name, to be unlinked. */
static void
write_config(const char *text, char path[64])
{
	int fd;

	(void)snprintf(path, 64, "/tmp/davit-test-config.XXXXXX");
	fd = mkstemp(path);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

static int
parse_with_config(struct run *run, const char *text, const char *more)
{
	char path[64], line[256];

	write_config(text, path);
	(void)snprintf(line, sizeof line, "--config %s %s", path, more);
	(void)run_parse(run, line);
	(void)unlink(path);
	return run->rc;
}

TEST(options_start_with_their_defaults)
{
	CLEANUP(run_free) struct run *run = run_new();

	CHECK_OK(run_parse(run, ""), &run->err);
	CHECK_EQ(run->rc, OPTIONS_RUN);
	CHECK_STR(run->settings.listen, "tcp://127.0.0.1:7070");
	CHECK(run->settings.name == NULL);
	CHECK_EQ(run->settings.poll_ms, 1000);
	CHECK_EQ(run->settings.mem_bytes, 512 << 20);
	CHECK_EQ(run->settings.cpu_milli, 1500);
	CHECK_EQ(run->settings.workers, 4);
	CHECK_EQ(run->settings.labels.n, 0);
	CHECK(!run->settings.debug);
	CHECK_EQ(run->first, run->argc);
}

TEST(options_take_a_value_next_after_a_sign_or_glued)
{
	CLEANUP(run_free) struct run *run = run_new();

	CHECK_OK(run_parse(run, "--listen a --poll-time=2m -m64MiB -n n1 -w 8"), &run->err);
	CHECK_STR(run->settings.listen, "a");
	CHECK_EQ(run->settings.poll_ms, 120000);
	CHECK_EQ(run->settings.mem_bytes, 64 << 20);
	CHECK_STR(run->settings.name, "n1");
	CHECK_EQ(run->settings.workers, 8);
	CHECK_OK(run_parse(run, "--name= --name -x"), &run->err);
	CHECK_STR(run->settings.name, "-x");
}

TEST(options_bundle_short_flags_and_the_last_may_take_a_value)
{
	CLEANUP(run_free) struct run *run = run_new();

	CHECK_OK(run_parse(run, "-dqnweb"), &run->err);
	CHECK(run->settings.debug && run->settings.quiet);
	CHECK_STR(run->settings.name, "web");
	CHECK_OK(run_parse(run, "-dn web"), &run->err);
	CHECK_STR(run->settings.name, "web");
}

TEST(options_flags_can_be_denied)
{
	CLEANUP(run_free) struct run *run = run_new();

	CHECK_OK(run_parse(run, "--debug --no-debug --quiet=yes"), &run->err);
	CHECK(!run->settings.debug);
	CHECK(run->settings.quiet);
	CHECK_EQ(run_parse(run, "--quiet=maybe"), -EINVAL);
	CHECK_STR(run->err.text, "--quiet: 'maybe' is neither true nor false");
	CHECK_EQ(run_parse(run, "--no-listen"), -EINVAL);
}

TEST(options_arguments_come_last_in_order)
{
	CLEANUP(run_free) struct run *run = run_new();

	CHECK_OK(run_parse(run, "one -d two --name x three - -- --quiet -z"), &run->err);
	CHECK(run->settings.debug && !run->settings.quiet);
	CHECK_EQ(run->argc - run->first, 6);
	CHECK_STR(run->argv[run->first], "one");
	CHECK_STR(run->argv[run->first + 1], "two");
	CHECK_STR(run->argv[run->first + 2], "three");
	CHECK_STR(run->argv[run->first + 3], "-");
	CHECK_STR(run->argv[run->first + 4], "--quiet");
	CHECK_STR(run->argv[run->first + 5], "-z");
}

TEST(options_stop_at_the_first_argument_when_told_to)
{
	CLEANUP(run_free) struct run *run = run_new();

	run->spec.stop_at_argument = true;
	CHECK_OK(run_parse(run, "-d run -q --unknown"), &run->err);
	CHECK(run->settings.debug && !run->settings.quiet);
	CHECK_EQ(run->first, 2);
	CHECK_STR(run->argv[run->first], "run");
	CHECK_OK(run_parse(run, "-d -- -q"), &run->err);
	CHECK_STR(run->argv[run->first], "-q");
}

TEST(options_refuse_arguments_where_there_are_none)
{
	CLEANUP(run_free) struct run *run = run_new();

	run->spec.arguments = NULL;
	CHECK_EQ(run_parse(run, "-d stray"), -EINVAL);
	CHECK_STR(run->err.text, "'stray' is too much: davit-test takes options only");
}

TEST(options_lists_are_repeated_flags)
{
	CLEANUP(run_free) struct run *run = run_new();

	CHECK_OK(run_parse(run, "--label a=1,2 --label=b"), &run->err);
	CHECK_EQ(run->settings.labels.n, 2);
	CHECK_STR(run->settings.labels.items[0], "a=1,2");
	CHECK_STR(run->settings.labels.items[1], "b");
}

TEST(options_name_what_is_unknown_and_what_is_near)
{
	CLEANUP(run_free) struct run *run = run_new();

	CHECK_EQ(run_parse(run, "--lisen=x"), -EINVAL);
	CHECK_STR(run->err.text, "unknown option '--lisen', did you mean '--listen'?");
	CHECK_EQ(run_parse(run, "--frobnicate"), -EINVAL);
	CHECK_STR(run->err.text, "unknown option '--frobnicate', see 'davit-test --help'");
	CHECK_EQ(run_parse(run, "-dz"), -EINVAL);
	CHECK_STR(run->err.text, "unknown option '-z', see 'davit-test --help'");
}

TEST(options_say_which_value_is_wrong_and_what_would_be_right)
{
	CLEANUP(run_free) struct run *run = run_new();

	CHECK_EQ(run_parse(run, "--memory lots"), -EINVAL);
	CHECK_HAS(run->err.text, "--memory: 'lots' is not understood, want bytes such as");
	CHECK_EQ(run_parse(run, "--cpus=x"), -EINVAL);
	CHECK_HAS(run->err.text, "cores such as");
	CHECK_EQ(run_parse(run, "--poll-time 10"), -EINVAL);
	CHECK_HAS(run->err.text, "duration with its unit");
	CHECK_EQ(run_parse(run, "-w 65"), -EINVAL);
	CHECK_HAS(run->err.text, "-w: '65' is not a whole number from 1 to 64");
	CHECK_EQ(run_parse(run, "--memory 99999999999TiB"), -EINVAL);
	CHECK_EQ(run_parse(run, "-d --name"), -EINVAL);
	CHECK_STR(run->err.text, "--name needs a value: --name NAME");
	CHECK_EQ(run_parse(run, "-dn"), -EINVAL);
	CHECK_STR(run->err.text, "-n needs a value: -n NAME");
}

TEST(options_keep_quantities_within_their_range)
{
	static const struct option_def narrow[] = {
		OPTION_("ttl", 0, DURATION, "TIME", struct settings, poll_ms, "5s", "life", 1000,
			60000),
		OPTION_END,
	};
	CLEANUP(run_free) struct run *run = run_new();

	run->spec.defs = narrow;
	CHECK_OK(run_parse(run, "--ttl 1m"), &run->err);
	CHECK_EQ(run_parse(run, "--ttl 61s"), -EINVAL);
	CHECK_HAS(run->err.text, "--ttl: '61s' is out of range");
	CHECK_EQ(run_parse(run, "--ttl 999ms"), -EINVAL);
}

TEST(options_are_variables_too_and_a_flag_wins)
{
	CLEANUP(run_free) struct run *run = run_new();

	(void)setenv("TESTOPT_POLL_TIME", "3s", 1);
	(void)setenv("TESTOPT_LABEL", "a=1, b=2,,c ", 1);
	(void)setenv("TESTOPT_DEBUG", "on", 1);
	(void)setenv("TESTOPT_NAME", "", 1);
	CHECK_OK(run_parse(run, ""), &run->err);
	CHECK_EQ(run->settings.poll_ms, 3000);
	CHECK_EQ(run->settings.labels.n, 3);
	CHECK_STR(run->settings.labels.items[1], "b=2");
	CHECK_STR(run->settings.labels.items[2], "c");
	CHECK(run->settings.debug);
	CHECK(run->settings.name == NULL);
	CHECK_OK(run_parse(run, "--poll-time 4s --label z --no-debug"), &run->err);
	CHECK_EQ(run->settings.poll_ms, 4000);
	CHECK_EQ(run->settings.labels.n, 1);
	CHECK(!run->settings.debug);
	(void)setenv("TESTOPT_POLL_TIME", "never", 1);
	CHECK_EQ(run_parse(run, ""), -EINVAL);
	CHECK_HAS(run->err.text, "TESTOPT_POLL_TIME: 'never'");
	run->spec.env_prefix = NULL;
	CHECK_OK(run_parse(run, ""), &run->err);
	(void)unsetenv("TESTOPT_POLL_TIME");
	(void)unsetenv("TESTOPT_LABEL");
	(void)unsetenv("TESTOPT_DEBUG");
	(void)unsetenv("TESTOPT_NAME");
}

TEST(options_come_from_a_file_below_the_environment)
{
	static const char text[] = "# a comment\n\n  listen: tcp://file:1  # why\n"
				   "poll_time: 7s\nlabel: a, b\nlabel: c\nname: \"has # in it\"\n"
				   "memory:1GiB\ndebug: true\r\n";
	CLEANUP(run_free) struct run *run = run_new();

	(void)setenv("TESTOPT_LISTEN", "tcp://env:1", 1);
	(void)parse_with_config(run, text, "-w9");
	(void)unsetenv("TESTOPT_LISTEN");
	CHECK_OK(run->rc, &run->err);
	CHECK_STR(run->settings.listen, "tcp://env:1");
	CHECK_EQ(run->settings.poll_ms, 7000);
	CHECK_EQ(run->settings.labels.n, 3);
	CHECK_STR(run->settings.name, "has # in it");
	CHECK_EQ(run->settings.mem_bytes, 1 << 30);
	CHECK(run->settings.debug);
	CHECK_EQ(run->settings.workers, 9);
}

TEST(options_name_the_line_of_a_bad_file)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"\npoll-time: soon\n", ":2: poll-time: 'soon' is not understood"},
		{"pol-time: 1s\n", ":1: unknown option 'pol-time', did you mean 'poll-time'?"},
		{"listen tcp://x\n", ":1: want 'name: value'"},
		{": x\n", ":1: want 'name: value'"},
		{"name: a\nname: b\n", ":2: 'name' was already set at "},
		{"config: other\n", ":1: 'config' cannot be set in a file"},
	};
	CLEANUP(run_free) struct run *run = run_new();

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CHECK_EQ(parse_with_config(run, cases[i].text, ""), -EINVAL);
		CHECK_HAS(run->err.text, cases[i].says);
	}
	CHECK_EQ(run_parse(run, "--config /nonexistent/x"), -EINVAL);
	CHECK_HAS(run->err.text, "cannot read configuration file '/nonexistent/x': No such file");
	CHECK_EQ(run_parse(run, "--config /tmp"), -EINVAL);
	(void)setenv("TESTOPT_CONFIG", "/nonexistent/y", 1);
	CHECK_EQ(run_parse(run, ""), -EINVAL);
	(void)unsetenv("TESTOPT_CONFIG");
	CHECK_HAS(run->err.text, "/nonexistent/y");
}

TEST(options_help_shows_the_table_and_wins_over_what_follows)
{
	CLEANUP(run_free) struct run *run = run_new();
	char text[4096];

	capture(run, "-d --help --unknown", text, sizeof text);
	CHECK_EQ(run->rc, OPTIONS_DONE);
	CHECK_HAS(text, "Usage: davit-test [OPTIONS] [ARGUMENT…]\n");
	CHECK_HAS(text, "  -l, --listen URL       where to accept calls (default tcp://127");
	CHECK_HAS(text, "      --label KEY=VALUE  what it is (may be repeated)");
	CHECK_HAS(text, "  -h, --help ");
	CHECK_HAS(text, "TESTOPT_NAME");
}

TEST(options_of_the_table_hide_the_built_in_ones)
{
	static const struct option_def host[] = {
		OPTION_STRING("hostname", 'h', "NAME", struct settings, name, NULL, "its name"),
		OPTION_END,
	};
	CLEANUP(run_free) struct run *run = run_new();
	char text[4096];

	run->spec.defs = host;
	CHECK_OK(run_parse(run, "-h box"), &run->err);
	CHECK_EQ(run->rc, OPTIONS_RUN);
	CHECK_STR(run->settings.name, "box");
	capture(run, "--help", text, sizeof text);
	CHECK_HAS(text, "      --help ");
}

TEST(options_man_is_a_page_of_the_same_table)
{
	CLEANUP(run_free) struct run *run = run_new();
	char text[8192];

	run->spec.program = "davit try";
	run->spec.more_title = "Examples";
	run->spec.more = "  davit try a\\b\n.hidden\n";
	capture(run, "--man --unknown", text, sizeof text);
	CHECK_EQ(run->rc, OPTIONS_DONE);
	CHECK_HAS(text, ".TH DAVIT\\-TRY 1 \"\" \"Davit " DAVIT_VERSION "\"");
	CHECK_HAS(text, ".SH NAME\ndavit\\-try \\- Tests options\n");
	CHECK_HAS(text, "\\fBdavit try\\fR [\\fIOPTIONS\\fR] [ARGUMENT…]\n");
	CHECK_HAS(text,
		"\\fB\\-l\\fR, \\fB\\-\\-listen\\fR \\fIURL\\fR\nwhere to accept calls (default tcp");
	CHECK_HAS(text, "what it is (may be repeated).\n");
	CHECK_HAS(text, "(\\fBTESTOPT_\\fINAME\\fR");
	CHECK_HAS(text, ".SH \"EXAMPLES\"\n.nf\n  davit try a\\eb\n\\&.hidden\n.fi\n");
	run->spec.arguments = NULL;
	capture(run, "--man", text, sizeof text);
	CHECK_HAS(text, ".TH DAVIT\\-TRY 8 ");
}

TEST(options_print_the_version)
{
	CLEANUP(run_free) struct run *run = run_new();
	char text[256];

	capture(run, "--version", text, sizeof text);
	CHECK_EQ(run->rc, OPTIONS_DONE);
	CHECK_STR(text, "davit-test " DAVIT_VERSION "\n");
}

TEST(options_print_config_is_a_file_that_says_the_same)
{
	CLEANUP(run_free) struct run *run = run_new();
	char text[4096], again[4096], path[64], line[128];

	(void)setenv("TESTOPT_CPUS", "2", 1);
	capture(run, "--print-config -d --label a --label b#c --poll-time 90s", text, sizeof text);
	(void)unsetenv("TESTOPT_CPUS");
	CHECK_EQ(run->rc, OPTIONS_DONE);
	CHECK_HAS(text, "listen: tcp://127.0.0.1:7070  # default\n");
	CHECK_HAS(text, "# name:  # not set\n");
	CHECK_HAS(text, "poll-time: 90s  # flag --poll-time\n");
	CHECK_HAS(text, "cpus: 2  # environment TESTOPT_CPUS\n");
	CHECK_HAS(text, "label: \"a,b#c\"  # flag --label\n");
	CHECK_HAS(text, "debug: true  # flag -d\n");
	CHECK_HAS(text, "quiet: false  # default\n");
	write_config(text, path);
	(void)snprintf(line, sizeof line, "--print-config --config=%s", path);
	capture(run, line, again, sizeof again);
	(void)unlink(path);
	CHECK_HAS(again, "label: \"a,b#c\"  # file /tmp/");
	CHECK_EQ(run->settings.cpu_milli, 2000);
	CHECK_EQ(run->settings.labels.n, 2);
	CHECK(run->settings.debug);
}
