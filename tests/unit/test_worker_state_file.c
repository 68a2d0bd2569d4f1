#include "services/worker/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/test.h"

TEST(worker_state_is_kept_whole)
{
	char dir[] = "/tmp/davit-state.XXXXXX", path[64], *text;

	CHECK(mkdtemp(dir) != NULL);
	(void)snprintf(path, sizeof path, "%s/x", dir);
	CHECK(worker_state_load(path) == NULL);
	CHECK_EQ(worker_state_save(path, "first\n", true), 0);
	CHECK_EQ(worker_state_save(path, "second\n", false), 0);
	text = worker_state_load(path);
	CHECK_STR(text, "second\n");
	free(text);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(rmdir(dir), 0); /* nothing else was left beside it */
	CHECK_EQ(worker_state_save(path, "third", true), -ENOENT);
}

TEST(worker_state_that_is_too_long_is_not_read)
{
	char path[] = "/tmp/davit-state.XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, WORKER_STATE_FILE_MAX), 0);
	free(worker_state_load(path));
	CHECK_EQ(ftruncate(fd, WORKER_STATE_FILE_MAX + 1), 0);
	CHECK(worker_state_load(path) == NULL);
	(void)close(fd);
	(void)unlink(path);
}
