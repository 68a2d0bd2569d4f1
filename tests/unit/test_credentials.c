/* Which entry of a config.json is for which image. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "services/worker/credentials.h"
#include "tests/lib/test.h"

static char path[64];
static struct err err;

static void
write_config(const char *text)
{
	FILE *out;
	int fd;

	(void)snprintf(path, sizeof path, "/tmp/davit-test-config.XXXXXX");
	fd = mkstemp(path);
	CHECK(fd >= 0);
	out = fdopen(fd, "w");
	(void)fputs(text, out);
	(void)fclose(out);
}

static void
check_auth(const char *name, const char *image, const char *want)
{
	char *auth;

	CHECK_OK(credentials_find(path, name, image, &auth, &err), &err);
	if (want == NULL)
		CHECK(auth == NULL);
	else
		CHECK_STR(auth, want);
	free(auth);
}

TEST(credentials_are_found_by_the_images_registry_or_by_name)
{
	/* {"username":"u","password":"p:q","identitytoken":"","serveraddress":"reg:5000"} */
	static const char reg[] =
		"eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InA6cSIsImlkZW50aXR5dG9rZW4iOiIiLCJzZXJ2ZXJhZG"
		"RyZXNzIjoicmVnOjUwMDAifQ==";

	write_config("{\"auths\":{\"reg:5000\":{\"auth\":\"dTpwOnE=\"},"
		     "\"https://old.example/v1/\":{\"username\":\"a\",\"password\":\"b\"}}}");
	check_auth(NULL, "reg:5000/team/web:1", reg);
	check_auth("reg:5000", "reg:5000/team/web:1", reg);
	check_auth(NULL, "other:5000/web", NULL);
	check_auth(NULL, "web", NULL);
	check_auth(NULL, "team/web", NULL);
	{
		char *auth;

		CHECK_OK(credentials_find(path, NULL, "old.example/x", &auth, &err), &err);
		CHECK(auth != NULL);
		free(auth);
		CHECK_EQ(credentials_find(path, "nobody", "reg:5000/x", &auth, &err), -ENOENT);
		CHECK_HAS(err.text, "nobody");
		CHECK_EQ(credentials_find(NULL, "x", "reg:5000/x", &auth, &err), -ENOENT);
		CHECK_HAS(err.text, "--registry-config");
		CHECK_OK(credentials_find(NULL, NULL, "reg:5000/x", &auth, &err), &err);
		CHECK(auth == NULL);
	}
	CHECK_EQ(unlink(path), 0);
}

TEST(credentials_file_that_cannot_be_used_is_said)
{
	char *auth;

	write_config("{\"auths\":");
	CHECK_EQ(credentials_find(path, NULL, "reg:5000/x", &auth, &err), -EINVAL);
	CHECK_HAS(err.text, "no JSON");
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(credentials_find(path, NULL, "reg:5000/x", &auth, &err), -EINVAL);
	CHECK_HAS(err.text, "cannot read");
	write_config("{\"credsStore\":\"pass\"}");
	CHECK_EQ(credentials_find(path, NULL, "reg:5000/x", &auth, &err), -EINVAL);
	CHECK_HAS(err.text, "auths");
	CHECK_EQ(unlink(path), 0);
	write_config("[1]");
	CHECK_EQ(credentials_find(path, NULL, "reg:5000/x", &auth, &err), -EINVAL);
	CHECK_EQ(unlink(path), 0);
}

TEST(credentials_file_above_its_limit_is_not_read)
{
	char *auth;

	write_config("");
	CHECK_EQ(truncate(path, CREDENTIALS_FILE_MAX + 1), 0);
	CHECK_EQ(credentials_find(path, NULL, "reg:5000/x", &auth, &err), -EINVAL);
	CHECK_HAS(err.text, "larger than");
	CHECK_EQ(unlink(path), 0);
}
