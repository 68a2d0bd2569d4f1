#include "common/model/skew.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define DIGITS "0123456789"

struct version {
	unsigned major, minor;
};

/* Reads a number and, but for the last, the dot behind it. */
static bool
take_number(const char **text, bool is_last, unsigned *ret_number)
{
	size_t n = strspn(*text, DIGITS);
	unsigned number = 0;

	if (n == 0 || n > 9)
		return false;
	for (size_t i = 0; i < n; i++)
		number = number * 10 + (unsigned)((*text)[i] - '0');
	*text += n;
	if (number > SKEW_NUMBER_MAX || (!is_last && *(*text)++ != '.'))
		return false;
	*ret_number = number;
	return true;
}

/* MAJOR.MINOR.PATCH, and what a packager put behind it: -rc1, +git.1, ~bpo12. */
static bool
read_version(const char *text, struct version *version)
{
	unsigned patch;

	if (strnlen(text, SKEW_VERSION_MAX + 1) > SKEW_VERSION_MAX)
		return false;
	if (!take_number(&text, false, &version->major) ||
		!take_number(&text, false, &version->minor) || !take_number(&text, true, &patch))
		return false;
	if (text[0] == '\0')
		return true;
	return strchr("-+~", text[0]) != NULL &&
	       text[strspn(text, DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"-+~.")] == '\0';
}

static bool
is_before(const struct version *a, const struct version *b)
{
	return a->major != b->major ? a->major < b->major : a->minor < b->minor;
}

int
skew_check_worker(const char *worker, const char *manager, const char *previous, struct err *err)
{
	struct version theirs, mine, oldest;
	bool is_ours_good = read_version(manager, &mine) && read_version(previous, &oldest);

	assert(is_ours_good);
	(void)is_ours_good;
	if (!read_version(worker, &theirs))
		return err_set(err, -EINVAL,
			"a version is MAJOR.MINOR.PATCH, each at most %d, and at most %d bytes",
			SKEW_NUMBER_MAX, SKEW_VERSION_MAX);
	if (is_before(&theirs, &oldest))
		return err_set(err, -ENOTSUP,
			"a worker of version %s is too old for this manager, %s, which works with "
			"%u.%u and later: upgrade the worker",
			worker, manager, oldest.major, oldest.minor);
	if (is_before(&mine, &theirs))
		return err_set(err, -ENOTSUP,
			"a worker of version %s is too new for this manager, %s: upgrade the "
			"manager first",
			worker, manager);
	return 0;
}
