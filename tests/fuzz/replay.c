/* Runs a fuzz target without libFuzzer: files, directories of files, and mutations of them. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "tests/fuzz/fuzz.h"

enum {
	MUTATIONS = 300, /* of each file, always the same ones */
	CHANGES_MAX = 6,
};

static unsigned
chance(unsigned *seed, size_t below)
{
	*seed = *seed * 1103515245U + 12345U;
	return (unsigned)((*seed >> 8) % below);
}

/* A byte changed, some bytes gone, or some said twice. */
static void
mutate(struct buf *input, unsigned *seed)
{
	static const char pieces[] = "{}[]\",:\\-0129.eE~&*!|>%@`#'?\n \t\x7f\x80\xc3\xff";
	size_t at = chance(seed, input->size), n = 1 + chance(seed, 16);

	if (n > input->size - at)
		n = input->size - at;
	switch (chance(seed, 5)) {
	case 0:
		input->data[at] = (uint8_t)chance(seed, 256);
		break;
	case 1:
		input->data[at] = (uint8_t)pieces[chance(seed, sizeof pieces)];
		break;
	case 2:
		input->data[at] ^= (uint8_t)(1U << chance(seed, 8));
		break;
	case 3:
		memmove(input->data + at, input->data + at + n, input->size - at - n);
		input->size -= n;
		break;
	default:
		(void)buf_reserve(input, n);
		memmove(input->data + at + n, input->data + at, input->size - at);
		input->size += n;
	}
}

/* A copy of just that size, so that a sanitizer sees one byte too far. */
static void
give(const struct buf *input)
{
	uint8_t *copy = malloc(input->size > 0 ? input->size : 1);

	if (copy == NULL)
		return;
	if (input->size > 0)
		memcpy(copy, input->data, input->size);
	(void)LLVMFuzzerTestOneInput(copy, input->size);
	free(copy);
}

static int
run_file(const char *path)
{
	struct buf seed_input = {0}, input = {0};
	FILE *file = fopen(path, "rb");
	unsigned seed = 1;
	size_t n;

	if (file == NULL) {
		perror(path);
		return 1;
	}
	do {
		n = fread(buf_reserve(&seed_input, 4096), 1, 4096, file);
		seed_input.size += n;
	} while (n > 0);
	(void)fclose(file);
	give(&seed_input);
	for (int i = 0; i < MUTATIONS && seed_input.size > 0; i++) {
		buf_reset(&input);
		buf_put(&input, seed_input.data, seed_input.size);
		for (unsigned k = 1 + chance(&seed, CHANGES_MAX); k > 0 && input.size > 0; k--)
			mutate(&input, &seed);
		give(&input);
	}
	buf_fini(&seed_input);
	buf_fini(&input);
	return 0;
}

static int
run_folder(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort), failed = 0;

	if (n < 0)
		return run_file(path);
	for (int i = 0; i < n; i++) {
		struct buf file = {0};

		buf_printf(&file, "%s/%s", path, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			failed |= run_file(buf_text(&file));
		buf_fini(&file);
		free(names[i]);
	}
	free(names);
	return failed;
}

int
main(int argc, char **argv)
{
	int failed = argc < 2;

	for (int i = 1; i < argc; i++)
		failed |= run_folder(argv[i]);
	return failed;
}
