#include "services/scheduler/filters.h"

#include <errno.h>

#include "services/scheduler/limits.h"
#include "tests/unit/scene_fixture.h"

static void
three_nodes(struct scene *scene)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	Davit__PlaceNode *a = fixture_node(fixture, "a", 4000, GIB);
	Davit__PlaceNode *b = fixture_node(fixture, "b", 4000, GIB);
	Davit__PlaceNode *c = fixture_node(fixture, "c", 4000, GIB);
	Davit__Taint taint = DAVIT__TAINT__INIT, *taints[] = {&taint};
	char key[] = "old";

	fixture_label(fixture, a, "disk", "ssd");
	fixture_label(fixture, b, "disk", "hdd");
	fixture_engine(fixture, a, "E1", "linux", "x86_64");
	fixture_engine(fixture, b, "E1", "linux", "x86_64");
	fixture_engine(fixture, c, "E2", "linux", "aarch64");
	taint.key = key;
	taint.effect = DAVIT__TAINT__EFFECT__PREFER_NO_SCHEDULE;
	b->taints = taints;
	b->n_taints = 1;
	scene_init(scene, fixture, 100);
}

static const char *
admitted(struct scene *scene, const Davit__TaskSpec *spec, char text[8])
{
	const struct filter *filter = scene_seek(scene, spec)->filter;

	(void)snprintf(text, 8, "%s%s%s", filter_admits(filter, 0) ? "a" : "",
		filter_admits(filter, 1) ? "b" : "", filter_admits(filter, 2) ? "c" : "");
	return text;
}

TEST(filters_share_their_result_between_equal_demands)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(scene_fini) struct scene scene;
	Davit__TaskSpec *specs[3];
	char text[8];

	three_nodes(&scene);
	for (unsigned i = 0; i < 3; i++) {
		specs[i] = fixture_task(fixture, "t", 1000 * i, GIB);
		fixture_constraint(fixture, specs[i],
			i < 2 ? "node.labels.disk == ssd" : "node.labels.disk != ssd");
	}
	CHECK_STR(admitted(&scene, specs[0], text), "a");
	CHECK_STR(admitted(&scene, specs[1], text), "a");
	CHECK_EQ(scene.seek.filter->n_admitted, 1);
	CHECK_EQ(filters_n_computed(scene.filters), 1);
	CHECK_STR(admitted(&scene, specs[2], text), "bc");
	CHECK_EQ(filters_n_computed(scene.filters), 2);
	filters_reset(scene.filters);
	CHECK_EQ(filters_n_kept(scene.filters), 0);
}

TEST(filters_have_parts_for_preferences_and_for_what_is_disliked)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(scene_fini) struct scene scene;
	Davit__TaskSpec *spec = fixture_task(fixture, "t", 0, 0);
	Davit__Preference preference = DAVIT__PREFERENCE__INIT, *list[] = {&preference};
	char constraint[] = "node.labels.disk exists", text[8];
	const struct filter *filter;

	three_nodes(&scene);
	preference.constraint = constraint;
	spec->preferences = list;
	spec->n_preferences = 1;
	CHECK_STR(admitted(&scene, spec, text), "abc");
	filter = scene.seek.filter;
	CHECK_EQ(filter->n_parts, 2);
	CHECK_STR(filter->parts[0].name.what, "preference");
	CHECK_STR(filter->parts[0].name.about, "node.labels.disk exists");
	CHECK(part_at(&filter->parts[0], 0) == -0.5 && part_at(&filter->parts[0], 2) == 0);
	CHECK(part_least(&filter->parts[0]) == -0.5);
	CHECK_STR(filter->parts[1].name.what, "taints");
	CHECK(part_at(&filter->parts[1], 0) == 0 && part_at(&filter->parts[1], 1) == 1);
}

TEST(filters_know_the_platform)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(scene_fini) struct scene scene;
	Davit__TaskSpec *spec = fixture_task(fixture, "t", 0, 0);
	char text[8];

	three_nodes(&scene);
	spec->platform = fixture_text(fixture, "linux/amd64");
	CHECK_STR(admitted(&scene, spec, text), "ab");
}

TEST(filters_keep_a_bounded_number_of_results)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(scene_fini) struct scene scene;
	char text[64], names[8];

	three_nodes(&scene);
	for (unsigned i = 0; i < PLACE_CLASSES_MAX + 10; i++) {
		Davit__TaskSpec *spec = fixture_task(fixture, "t", 0, 0);

		(void)snprintf(text, sizeof text, "node.labels.disk != d%u", i);
		fixture_constraint(fixture, spec, text);
		CHECK_STR(admitted(&scene, spec, names), "abc");
	}
	CHECK_EQ(filters_n_kept(scene.filters), PLACE_CLASSES_MAX);
}

TEST(filters_refuse_a_constraint_that_cannot_be_read)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(scene_fini) struct scene scene;
	Davit__TaskSpec *spec = fixture_task(fixture, "t", 0, 0);
	CLEANUP(free) char *key = NULL;
	const struct filter *filter;
	struct err err = {0};

	three_nodes(&scene);
	fixture_constraint(fixture, spec, "node.labels.disk == ssd");
	fixture_constraint(fixture, spec, "moon is full");
	key = filter_key(spec);
	CHECK_EQ(filters_get(scene.filters, spec, key, &filter, &err), -EINVAL);
	CHECK_HAS(err.text, "'moon is full'");
}
