#include "tests/lib/test.h"

#include <assert.h>
#include <stdlib.h>

enum { TESTS_MAX = 512 };

static struct {
	const char *name;
	test_fn *fn;
} tests[TESTS_MAX];
static size_t n_tests;

void
test_add(const char *name, test_fn *fn)
{
	assert(n_tests < TESTS_MAX);
	tests[n_tests].name = name;
	tests[n_tests++].fn = fn;
}

static void
run_one(void **state)
{
	test_fn *fn;

	memcpy(&fn, *state, sizeof fn); /* a function pointer does not fit a void * in ISO C */
	fn();
}

int
main(int argc, char **argv)
{
	static struct CMUnitTest chosen[TESTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < n_tests; i++) {
		if (argc > 1 && strstr(tests[i].name, argv[1]) == NULL)
			continue;
		chosen[n++] = (struct CMUnitTest){.name = tests[i].name,
			.test_func = run_one,
			.initial_state = &tests[i].fn};
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return n > 0 && _cmocka_run_group_tests("tests", chosen, n, NULL, NULL) == 0 ? EXIT_SUCCESS
										     : EXIT_FAILURE;
}
