#include "services/scheduler/taints.h"

#include <stdlib.h>

#include "common/base/cleanup.h"
#include "tests/lib/test.h"

static Davit__Taint
taint_of(const char *key, const char *value, Davit__Taint__Effect effect)
{
	Davit__Taint taint = DAVIT__TAINT__INIT;

	taint.key = (char *)(uintptr_t)key;
	taint.value = (char *)(uintptr_t)value;
	taint.has_effect = true;
	taint.effect = effect;
	return taint;
}

TEST(taints_are_tolerated_by_key_value_and_effect)
{
	static const struct {
		const char *key, *value;
		Davit__Taint__Effect effect;
		bool is_kept_off;
	} cases[] = {{"*", NULL, 0, false}, {"dedicated", NULL, 0, false},
		{"dedicated", "db", 0, false}, {"dedicated", "web", 0, true},
		{"other", NULL, 0, true},
		{"dedicated", "db", DAVIT__TAINT__EFFECT__NO_SCHEDULE, false},
		{"dedicated", "db", DAVIT__TAINT__EFFECT__NO_EXECUTE, true}};
	Davit__Taint taint = taint_of("dedicated", "db", DAVIT__TAINT__EFFECT__NO_SCHEDULE);
	Davit__Taint *taints[] = {&taint};
	CLEANUP(free) char *text = taints_text(taints, 1);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
		Davit__Toleration toleration = DAVIT__TOLERATION__INIT, *list[] = {&toleration};

		toleration.key = (char *)(uintptr_t)cases[i].key;
		toleration.value = (char *)(uintptr_t)cases[i].value;
		toleration.effect = cases[i].effect;
		spec.tolerations = list;
		spec.n_tolerations = 1;
		if (taints_judge(text, &spec).is_kept_off != cases[i].is_kept_off)
			fail_msg("case %zu", i);
	}
}

TEST(taints_of_all_effects_are_told_apart)
{
	const Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__Taint a = taint_of("slow", NULL, DAVIT__TAINT__EFFECT__PREFER_NO_SCHEDULE);
	Davit__Taint b = taint_of("old", "1", DAVIT__TAINT__EFFECT__PREFER_NO_SCHEDULE);
	Davit__Taint c = taint_of("gone", NULL, DAVIT__TAINT__EFFECT__NO_EXECUTE);
	Davit__Taint *taints[] = {&a, &b, &c};
	CLEANUP(free) char *two = taints_text(taints, 2), *three = taints_text(taints, 3);

	CHECK(taints_text(NULL, 0) == NULL);
	CHECK(!taints_judge(NULL, &spec).is_kept_off);
	CHECK_EQ(taints_judge(two, &spec).n_disliked, 2);
	CHECK(!taints_judge(two, &spec).is_kept_off);
	CHECK(taints_judge(three, &spec).is_kept_off);
	CHECK_STR(taints_judge(three, &spec).first, "gone");
}
