/* A file with credentials as docker writes it; the first line is the image, the second the name. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "services/worker/credentials.h"
#include "tests/fuzz/fuzz.h"

static void
ask(const char *path, const char *name, const char *image)
{
	CLEANUP(free) char *auth = NULL;
	struct err err = {0};

	if (credentials_find(path, name, image, &auth, &err) < 0)
		assert(err.text[0] != '\0' && auth == NULL);
	else if (auth != NULL)
		assert(strspn(auth,
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=") ==
			strlen(auth));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1), *image = text, *name, *rest, path[40];
	int fd = memfd_create("credentials", MFD_CLOEXEC);

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	name = strchr(image, '\n');
	rest = name == NULL ? NULL : strchr(name + 1, '\n');
	if (fd < 0)
		abort();
	if (rest != NULL) {
		*name++ = '\0';
		*rest++ = '\0';
		if (write(fd, rest, size - (size_t)(rest - text)) < 0)
			abort();
		(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		ask(path, NULL, image);
		ask(path, name, image);
	}
	(void)close(fd);
	free(text);
	return 0;
}
