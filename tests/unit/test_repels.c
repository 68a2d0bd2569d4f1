#include "services/scheduler/repels.h"

#include "tests/lib/test.h"

static char app[] = "app", web[] = "web", zone[] = "zone", rack[] = "rack";

TEST(repels_are_found_by_each_label_that_they_mean)
{
	struct repels repels = {0};
	const struct repel exact = {.selector = {app, web}}, any = {.selector = {app, NULL}};
	const struct repel_kind *kind;

	CHECK(repels_find(&repels, "default", "app", "web") == NULL);
	repels_ref(&repels, "default", &exact);
	repels_ref(&repels, "default", &any);
	kind = repels_find(&repels, "default", "app", "web");
	CHECK(kind != NULL && kind->next == NULL && kind->topology == NULL);
	CHECK_STR(kind->label, "app=web");
	kind = repels_find(&repels, "default", "app", NULL);
	CHECK(kind != NULL);
	CHECK_STR(kind->label, "app");
	CHECK(repels_find(&repels, "default", "app", "db") == NULL);
	CHECK(repels_find(&repels, "other", "app", "web") == NULL);
	repels_fini(&repels);
}

TEST(repels_of_one_label_differ_by_topology_and_go_with_the_last_group)
{
	struct repels repels = {0};
	const struct repel kinds[] = {{.selector = {app, web}, .topology = zone},
		{.selector = {app, web}}, {.selector = {app, web}, .topology = rack}};
	uint64_t epoch;

	for (unsigned i = 0; i < 3; i++)
		repels_ref(&repels, "default", &kinds[i]);
	epoch = repels.epoch;
	repels_ref(&repels, "default", &kinds[0]);
	repels_unref(&repels, "default", &kinds[0]);
	CHECK_EQ(repels.epoch, epoch); /* no kind came or went */
	for (unsigned left = 3; left > 0; left--) {
		const struct repel_kind *kind = repels_find(&repels, "default", "app", "web");
		unsigned n = 0;

		for (; kind != NULL; kind = kind->next)
			n++;
		CHECK_EQ(n, left);
		repels_unref(&repels, "default", &kinds[3 - left]); /* the first one first */
		CHECK_EQ(repels.epoch, ++epoch);
	}
	CHECK(repels_find(&repels, "default", "app", "web") == NULL);
	CHECK(repels.by_key == NULL);
	repels_fini(&repels);
}
