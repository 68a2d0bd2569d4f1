/* A task spec from the wire: protobuf bytes that mean anything, then the judge of specs. */
#include <assert.h>
#include <string.h>

#include "common/model/constraint.h"
#include "common/model/spec.h"
#include "tests/fuzz/fuzz.h"

/* What was taken can be relied on. */
static void
use(const Davit__TaskSpec *spec)
{
	assert(spec->image != NULL);
	assert(spec_restart_delay_ms(spec, UINT32_MAX) <= SPEC_RESTART_DELAY_MAX_MS);
	assert(spec_disconnect(spec).mode != DAVIT__DISCONNECT__MODE__DEFAULT);
	assert(spec->stop_signal == NULL || spec_signal_number(spec->stop_signal) > 0);
	for (size_t i = 0; i < spec->n_constraints; i++) {
		struct constraint constraint;
		struct err err;

		assert(constraint_parse(spec->constraints[i], &constraint, &err) == 0);
		(void)constraint_holds(&constraint, "x");
		constraint_fini(&constraint);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Davit__TaskSpec *spec = davit__task_spec__unpack(NULL, size, data);
	char field[SPEC_FIELD_MAX] = "";
	struct err err = {0};

	if (spec == NULL)
		return 0;
	if (spec_check(spec, field, &err) == 0)
		use(spec);
	else
		assert(err.code < 0 && err.text[0] != '\0' && strlen(field) < SPEC_FIELD_MAX);
	davit__task_spec__free_unpacked(spec, NULL);
	return 0;
}
