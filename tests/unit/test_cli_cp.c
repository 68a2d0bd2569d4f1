/* davit cp: which side is which, and what comes of the archive. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "tests/lib/cli_channel_play.h"

static const struct cli_script script[] = {CHANNEL_PLAY, {NULL, NULL}};
static struct channel_play play;
static char root[32];

static void
begin(struct cli_world *world)
{
	channel_play_init(&play);
	(void)snprintf(root, sizeof root, "/tmp/davit-cp.XXXXXX");
	CHECK(mkdtemp(root) != NULL);
	cli_world_open(world, script);
	world->user = &play;
}

static const char *
in_root(const char *name)
{
	static char paths[4][64];
	static unsigned n;

	n = (n + 1) % 4;
	(void)snprintf(paths[n], sizeof paths[n], "%s/%s", root, name);
	return paths[n];
}

/* The command cuts its arguments: it gets copies, as from a shell. */
static char *
word(const char *text)
{
	static char words[4][64];
	static unsigned n;

	n = (n + 1) % 4;
	(void)snprintf(words[n], sizeof words[n], "%s", text);
	return words[n];
}

static void
end(struct cli_world *world, const char *left)
{
	if (left != NULL)
		CHECK_EQ(unlink(in_root(left)), 0);
	CHECK_EQ(rmdir(root), 0); /* nothing else is left */
	cli_world_close(world);
	channel_play_fini(&play);
}

/* A tar archive of one file with 3 bytes. */
static char *
archive_of(const char *name)
{
	char *archive = xcalloc(4, 512);
	unsigned sum = 0;

	(void)snprintf(archive, 100, "%s", name);
	(void)snprintf(archive + 100, 8, "%07o", 0644);
	(void)snprintf(archive + 108, 8, "%07o", (unsigned)getuid());
	(void)snprintf(archive + 116, 8, "%07o", (unsigned)getgid());
	(void)snprintf(archive + 124, 12, "%011o", 3);
	(void)snprintf(archive + 136, 12, "%011o", 0);
	memset(archive + 148, ' ', 8);
	archive[156] = '0';
	memcpy(archive + 257, "ustar\00000", 8);
	for (unsigned i = 0; i < 512; i++)
		sum += (unsigned char)archive[i];
	(void)snprintf(archive + 148, 8, "%06o", sum);
	memcpy(archive + 512, "abc", 3);
	return archive;
}

TEST(cli_cp_wants_a_task_on_just_one_side)
{
	struct cli_world world;

	begin(&world);
	CHECK_EQ(cli_world_run(&world, "cp", word("a"), NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "cp", word("/a"), word("/b"), NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "cp", word("web:/a"), word("db:/b"), NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "cp", word("./web:a"), word("/b"), NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "cp", word(":/a"), word("/b"), NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "cp", word("web:/a"), word("b"), word("c"), NULL),
		CLI_USAGE);
	CHECK_EQ(play.n_opened, 0);
	CHECK_EQ(cli_world_run(&world, "cp", in_root("nothing"), word("web:/b"), NULL),
		CLI_NOT_FOUND);
	CHECK_EQ(play.n_opened, 0);
	end(&world, NULL);
}

TEST(cli_cp_out_makes_the_file_under_its_new_name)
{
	struct cli_world world;
	char text[8] = "";
	FILE *file;

	begin(&world);
	play.archive = archive_of("hosts");
	play.archive_size = 4 * 512;
	CHECK_EQ(cli_world_run(&world, "cp", word("web:/etc/hosts"), in_root("mine"), NULL),
		CLI_OK);
	CHECK_STR(play.opened->task, "web");
	CHECK_STR(play.opened->copy_out->path, "/etc/hosts");
	file = fopen(in_root("mine"), "re");
	CHECK(file != NULL);
	CHECK_EQ(fread(text, 1, sizeof text, file), 3);
	(void)fclose(file);
	CHECK_STR(text, "abc");
	free((char *)(uintptr_t)play.archive);
	end(&world, "mine");
}

TEST(cli_cp_that_breaks_off_leaves_nothing)
{
	struct cli_world world;

	begin(&world);
	play.archive = archive_of("hosts");
	play.archive_size = 600;
	play.error = "the container of this task is gone";
	CHECK(cli_world_run(&world, "cp", word("web:/etc/hosts"), in_root("mine"), NULL) != CLI_OK);
	free((char *)(uintptr_t)play.archive);
	end(&world, NULL);
}

TEST(cli_cp_tells_the_end_of_an_input_that_ends_while_a_write_is_under_way)
{
	struct cli_world world;
	int ends[2], saved = dup(STDIN_FILENO);

	begin(&world);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	(void)close(ends[0]);
	CHECK_EQ(write(ends[1], "abc", 3), 3);
	play.input_fd = ends[1];
	play.reads = true;
	play.info.has_is_directory = play.info.has_exists = true;
	play.info.exists = play.info.is_directory = true;
	CHECK_EQ(cli_world_run(&world, "cp", word("-"), word("web:/srv"), NULL), CLI_OK);
	CHECK(play.in_ended);
	CHECK_EQ(play.n_in, 3);
	CHECK_EQ(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	(void)close(saved);
	end(&world, NULL);
}

TEST(cli_cp_in_sends_an_archive_under_the_name_that_it_shall_have)
{
	struct cli_world world;
	FILE *file;

	begin(&world);
	file = fopen(in_root("page"), "we");
	CHECK(file != NULL && fputs("abc", file) >= 0 && fclose(file) == 0);
	play.reads = true;
	play.info.has_is_directory = play.info.has_exists = true; /* a new file */
	CHECK_EQ(cli_world_run(&world, "cp", in_root("page"), word("web:/srv/index.html"), NULL),
		CLI_OK);
	CHECK_STR(play.opened->copy_in->path, "/srv/index.html");
	CHECK(play.in_ended);
	CHECK_STR((char *)play.in, "index.html");
	CHECK_EQ(memcmp(play.in + 512, "abc", 3), 0);
	/* Into a directory: under its own name. */
	play.n_in = 0;
	play.in_ended = false;
	play.info.exists = play.info.is_directory = true;
	CHECK_EQ(cli_world_run(&world, "cp", in_root("page"), word("web:/srv"), NULL), CLI_OK);
	CHECK_STR((char *)play.in, "page");
	end(&world, "page");
}
