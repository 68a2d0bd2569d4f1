#include "services/cli/cli_file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "tests/lib/test.h"

/* Images of the documents that were handed over, joined, and counts. */
struct taken {
	char images[256];
	unsigned n, count, stop_at;
};

static bool
take(Davit__SubmitTasksRequest *request, void *arg)
{
	struct taken *taken = arg;

	size_t used = strlen(taken->images);

	(void)snprintf(taken->images + used, sizeof taken->images - used, "%.32s ",
		request->spec->image);
	taken->count = request->has_count ? request->count : 0;
	return ++taken->n != taken->stop_at;
}

static int
read_text(const char *text, struct taken *taken, struct err *err)
{
	*taken = (struct taken){.stop_at = taken->stop_at};
	return cli_file_each_text("f.yaml", text, take, taken, err);
}

TEST(cli_file_reads_yaml_and_json)
{
	struct taken taken = {0};
	struct err err = {0};

	CHECK_OK(read_text("image: a\n", &taken, &err), &err);
	CHECK_STR(taken.images, "a ");
	CHECK_OK(read_text("\n {\"image\": \"b\", \"cpu\": 1.5}\n", &taken, &err), &err);
	CHECK_STR(taken.images, "b ");
}

TEST(cli_file_reads_all_documents_of_a_yaml_file)
{
	struct taken taken = {0};
	struct err err = {0};

	CHECK_OK(read_text(
			 "# two\n---\nimage: a\n---  \n# nothing\n---\nimage: b\nname: x---\n---\n",
			 &taken, &err),
		&err);
	CHECK_STR(taken.images, "a b ");
}

TEST(cli_file_takes_a_whole_request_with_its_count)
{
	struct taken taken = {0};
	struct err err = {0};

	CHECK_OK(read_text("spec:\n  image: a\ncount: 7\n", &taken, &err), &err);
	CHECK_EQ(taken.count, 7);
	CHECK_OK(read_text("{\"count\": 8, \"spec\": {\"image\": \"a\"}}", &taken, &err), &err);
	CHECK_EQ(taken.count, 8);
}

TEST(cli_file_hands_over_nothing_when_one_document_is_wrong)
{
	struct taken taken = {0};
	struct err err = {0};

	CHECK_EQ(read_text("image: a\n---\nimage: b\nports: 7\n", &taken, &err), -EINVAL);
	CHECK_EQ(taken.n, 0);
	CHECK_HAS(err.text, "f.yaml, document 2: ports");
	CHECK_EQ(read_text("{\"image\": \"a\", \"imag\": 1}", &taken, &err), -EINVAL);
	CHECK_HAS(err.text, "imag");
	CHECK_EQ(read_text("# nothing\n---\n", &taken, &err), -EINVAL);
	CHECK_HAS(err.text, "there is no task in it");
	CHECK_EQ(read_text("", &taken, &err), -EINVAL);
}

TEST(cli_file_stops_when_told)
{
	struct taken taken = {.stop_at = 1};
	struct err err = {0};

	CHECK_OK(read_text("image: a\n---\nimage: b\n", &taken, &err), &err);
	CHECK_EQ(taken.n, 1);
}

TEST(cli_file_has_room_for_so_many_documents)
{
	static const char document[] = "image: a\n---\n";
	struct taken taken = {.stop_at = 1};
	struct err err = {0};
	char *text = xcalloc(CLI_DOCUMENTS_MAX + 2, sizeof document);
	char *at = text;

	for (unsigned i = 0; i < CLI_DOCUMENTS_MAX; i++) {
		memcpy(at, document, sizeof document);
		at += sizeof document - 1;
	}
	CHECK_OK(read_text(text, &taken, &err), &err);
	memcpy(at, document, sizeof document);
	CHECK_EQ(read_text(text, &taken, &err), -E2BIG);
	free(text);
}

TEST(cli_file_says_what_is_wrong_with_the_file_itself)
{
	char path[] = "/tmp/cli_file.XXXXXX";
	struct taken taken = {0};
	struct err err = {0};
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "image: a\n", 9), 9);
	CHECK_OK(cli_file_each(path, take, &taken, &err), &err);
	CHECK_EQ(taken.n, 1);
	CHECK_EQ(write(fd, "\0", 1), 1);
	CHECK_EQ(cli_file_each(path, take, &taken, &err), -EINVAL);
	CHECK_HAS(err.text, "no text");
	CHECK_EQ(ftruncate(fd, CLI_FILE_MAX + 1), 0);
	CHECK_EQ(cli_file_each(path, take, &taken, &err), -E2BIG);
	(void)close(fd);
	(void)unlink(path);
	CHECK_EQ(cli_file_each(path, take, &taken, &err), -ENOENT);
	CHECK_HAS(err.text, "cannot read");
}
