#include "common/model/taint.h"

#include <errno.h>

#include "tests/lib/test.h"

static void
check_taint(const char *text, const char *key, const char *value, Davit__Taint__Effect effect)
{
	Davit__Taint *taint;
	struct err err;

	CHECK_OK(taint_parse(text, &taint, &err), &err);
	CHECK_STR(taint->key, key);
	if (value == NULL)
		CHECK(taint->value == NULL);
	else
		CHECK_STR(taint->value, value);
	CHECK_EQ(taint->effect, effect);
	davit__taint__free_unpacked(taint, NULL);
}

TEST(taint_reads_key_value_and_effect)
{
	check_taint("gpu:no-schedule", "gpu", NULL, DAVIT__TAINT__EFFECT__NO_SCHEDULE);
	check_taint("a=b=c:no-execute", "a", "b=c", DAVIT__TAINT__EFFECT__NO_EXECUTE);
	check_taint("a=:prefer-no-schedule", "a", "", DAVIT__TAINT__EFFECT__PREFER_NO_SCHEDULE);
}

TEST(taint_refuses_what_is_none)
{
	static const char *const bad[] = {"", "gpu", "gpu:", ":no-schedule", "=b:no-schedule",
		"a:sometimes", "a b:no-schedule"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		Davit__Taint *taint = NULL;
		struct err err = {0};

		CHECK_EQ(taint_parse(bad[i], &taint, &err), -EINVAL);
		CHECK_HAS(err.text, "want KEY");
	}
}

TEST(taint_is_tolerated_by_key_value_and_effect_where_given)
{
	Davit__Taint taint = DAVIT__TAINT__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__Toleration toleration = DAVIT__TOLERATION__INIT, *tolerations[] = {&toleration};

	taint.key = "gpu";
	taint.value = "a100";
	taint.effect = DAVIT__TAINT__EFFECT__NO_EXECUTE;
	CHECK(!taint_is_tolerated(&taint, &spec));
	spec.tolerations = tolerations;
	spec.n_tolerations = 1;
	toleration.key = "gpu";
	CHECK(taint_is_tolerated(&taint, &spec));
	toleration.value = "v100";
	CHECK(!taint_is_tolerated(&taint, &spec));
	toleration.value = "a100";
	toleration.has_effect = true;
	toleration.effect = DAVIT__TAINT__EFFECT__NO_SCHEDULE;
	CHECK(!taint_is_tolerated(&taint, &spec));
	toleration.key = "*";
	toleration.effect = DAVIT__TAINT__EFFECT__EFFECT_NONE;
	CHECK(taint_is_tolerated(&taint, &spec));
}
