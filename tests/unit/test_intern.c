#include "services/scheduler/intern.h"
#include "tests/lib/test.h"

TEST(intern_equal_texts_are_equal_numbers)
{
	CLEANUP(intern_free) struct intern *intern = intern_new();
	uint32_t ssd = intern_ref(intern, "ssd"), hdd = intern_ref(intern, "hdd");
	char other[] = "ssd";

	CHECK(ssd != 0 && hdd != 0 && ssd != hdd);
	CHECK_EQ(intern_ref(intern, other), ssd);
	CHECK_EQ(intern_find(intern, "ssd"), ssd);
	CHECK_EQ(intern_find(intern, "tape"), 0);
	CHECK_STR(intern_text(intern, hdd), "hdd");
	CHECK_EQ(intern_ref(intern, NULL), 0);
	CHECK_STR(intern_text(intern, 0), "");
}

TEST(intern_forgets_a_text_with_its_last_reference)
{
	CLEANUP(intern_free) struct intern *intern = intern_new();
	uint32_t number = intern_ref(intern, "ssd");

	(void)intern_ref(intern, "ssd");
	intern_unref(intern, number);
	CHECK_EQ(intern_find(intern, "ssd"), number);
	intern_unref(intern, number);
	intern_unref(intern, 0);
	CHECK_EQ(intern_find(intern, "ssd"), 0);
	CHECK_EQ(intern_count(intern), 0);
}

TEST(intern_is_bounded_by_what_is_in_use)
{
	CLEANUP(intern_free) struct intern *intern = intern_new();
	char text[32];
	uint32_t most = 0;

	for (unsigned i = 0; i < 1000; i++) {
		uint32_t number;

		(void)snprintf(text, sizeof text, "value-%u", i);
		number = intern_ref(intern, text);
		most = number > most ? number : most;
		intern_unref(intern, number);
	}
	CHECK_EQ(most, 1);
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(text, sizeof text, "value-%u", i);
		(void)intern_ref(intern, text);
	}
	CHECK_EQ(intern_count(intern), 1000);
	CHECK_STR(intern_text(intern, intern_find(intern, "value-77")), "value-77");
}
