#include "common/docker/docker_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "tests/lib/test.h"

/* Feeds the text in pieces of so many bytes. */
static int
feed(struct docker_list *list, const char *text, size_t cut)
{
	CLEANUP(buf_fini) struct buf in = {0};
	size_t size = strlen(text);
	struct err err = {0};
	int rc = 0;

	for (size_t at = 0; at < size && rc == 0; at += cut) {
		buf_put(&in, text + at, size - at < cut ? size - at : cut);
		rc = docker_list_feed(list, &in, &err);
	}
	return rc < 0 ? rc : docker_list_end(list, &err);
}

TEST(docker_list_reads_every_status_however_it_is_cut)
{
	static const char json[] =
		" [{\"Id\":\"1\",\"State\":\"created\",\"Names\":[\"/one\",\"/x\"]},\n"
		"{\"Id\":\"2\",\"State\":\"running\",\"Labels\":{\"a\":\"]}\\\"{[\\\\\"}},"
		"{\"Id\":\"3\",\"State\":\"paused\",\"Labels\":null},"
		"{\"Id\":\"4\",\"State\":\"restarting\"},"
		"{\"Id\":\"5\",\"State\":\"exited\",\"Labels\":{\"c\":\"d\",\"e\":7}},"
		"{\"Id\":\"6\",\"State\":\"dead\"},{\"Id\":\"7\",\"State\":\"new\"}] \n";
	static const int want[] = {ENGINE_CREATED, ENGINE_RUNNING, ENGINE_PAUSED, ENGINE_RESTARTING,
		ENGINE_EXITED, ENGINE_DEAD, ENGINE_DEAD};

	for (size_t cut = 1; cut <= sizeof json; cut += cut < 20 ? 1 : 50) {
		CLEANUP(docker_list_fini) struct docker_list list = {0};

		CHECK_EQ(feed(&list, json, cut), 0);
		CHECK_EQ(list.n, 7);
		for (size_t i = 0; i < 7; i++) {
			CHECK_EQ(list.containers[i].status, want[i]);
			CHECK_EQ(list.containers[i].id[0], '1' + (int)i);
		}
		CHECK_STR(list.containers[0].name, "one");
		CHECK_STR(list.containers[1].name, "");
		CHECK_STR(list.containers[1].labels[0].value, "]}\"{[\\");
		CHECK_EQ(list.containers[2].n_labels, 0);
		CHECK_STR(list.containers[4].labels[0].key, "c");
		CHECK_STR(list.containers[4].labels[1].value, "");
	}
}

TEST(docker_list_may_be_empty_but_not_anything_else)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{"[]", 0},
		{" [ ] ", 0},
		{"", -EIO},
		{"[", -EIO},
		{"[{\"Id\":\"1\"}", -EIO},
		{"[{\"Id\":\"1\"}]x", -EIO},
		{"[{\"Id\":\"1\"}][]", -EIO},
		{"{\"Id\":\"1\"}", -EIO},
		{"[1]", -EIO},
		{"[\"a\"]", -EIO},
		{"[{\"Id\":\"x y\"}]", -EIO},
		{"[{}]", -EIO},
		{"[{\"Id\":\"1\"]]", -EIO},
		{"[{\"Id\":1}]", -EIO},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (size_t cut = 1; cut < 20; cut += 18) {
			CLEANUP(docker_list_fini) struct docker_list list = {0};

			if (feed(&list, cases[i].text, cut) != cases[i].code)
				fail_msg("%s", cases[i].text);
		}
}

TEST(docker_list_refuses_an_item_without_end)
{
	CLEANUP(docker_list_fini) struct docker_list list = {0};
	char *text = xmalloc(ENGINE_LINE_MAX + 100);

	memset(text, ' ', ENGINE_LINE_MAX + 99);
	memcpy(text, "[{\"Id\":", 7);
	text[ENGINE_LINE_MAX + 99] = '\0';
	CHECK_EQ(feed(&list, text, 4096), -EIO);
	free(text);
}
