/*
 * cluster PROFILE [FOLDER]: the real manager and scheduler with thousands of real worker cores,
 * put through a profile. Figures are printed and kept in FOLDER/PROFILE.json and .tsv.
 * SCALE=0.01 for a quick look; see docs/BENCHMARKS.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/base/process.h"
#include "tests/bench/cluster/crowd.h"
#include "tests/bench/cluster/profiles.h"

/* A socket for each worker, here and in the manager, which inherits this. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int
usage(void)
{
	(void)fprintf(stderr, "cluster PROFILE [FOLDER], with SCALE=1:\n");
	for (const struct profile *profile = profiles; profile->name != NULL; profile++)
		(void)fprintf(stderr, "  %-9s %s\n", profile->name, profile->is);
	return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	const char *scale = getenv("SCALE"), *folder = argc > 2 ? argv[2] : ".";
	const struct profile *profile;
	struct result result;

	process_begin();
	raise_descriptors();
	if (argc > 1 && strcmp(argv[1], "crowd") == 0)
		return crowd_main(argc, argv);
	for (profile = profiles; profile->name != NULL; profile++)
		if (argc > 1 && strcmp(argv[1], profile->name) == 0)
			break;
	if (profile->name == NULL)
		return usage();
	result_begin(&result, profile->name, folder, scale == NULL ? 1 : strtod(scale, NULL));
	profile->run(&result);
	return EXIT_SUCCESS;
}
