#include "common/base/id.h"
#include "tests/lib/test.h"

static const uint8_t chance[ID_RANDOM_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

TEST(id_is_a_uuid_of_version_7_and_survives_text)
{
	struct id id = id_make(UINT64_C(1700000000000), chance), back;
	char text[ID_TEXT_SIZE];

	id_format(id, text);
	CHECK_EQ(text[14], '7');
	CHECK(strchr("89ab", text[19]) != NULL);
	CHECK(id_parse(text, &back));
	CHECK(id_equal(id, back));
}

TEST(id_elements_of_an_array_follow_its_base)
{
	struct id base = id_make_base(UINT64_C(1700000000000), chance);
	char text[ID_TEXT_SIZE];

	id_format(id_at(base, 255), text);
	CHECK_STR(text + 28, "000000ff");
}

TEST(id_sorts_by_time)
{
	CHECK(id_make(1000, chance).hi < id_make(1001, chance).hi);
}

TEST(id_after_another_is_greater_and_still_an_id)
{
	static const uint64_t lasts[][2] = {/* random parts: at the start, and where one is full */
		{UINT64_C(0x0192f3a45b6c7000), UINT64_C(0x8000000000000000)},
		{UINT64_C(0x0192f3a45b6c7000), UINT64_C(0xbfffffffffffffff)},
		{UINT64_C(0x0192f3a45b6c7fff), UINT64_C(0xbfffffffffffffff)}};

	for (size_t i = 0; i < sizeof lasts / sizeof lasts[0]; i++) {
		struct id last = {lasts[i][0], lasts[i][1]};

		for (unsigned n = 0; n < 5000; n++) {
			struct id id = id_make_after(last, n % 2 == 0, chance);

			CHECK(id_is_less(id_at(last, 0), id) && !id_is_less(id, last));
			CHECK_EQ(id.hi >> 12 & 0xf, 7);
			CHECK_EQ(id.lo >> 62, 2);
			CHECK(n % 2 != 0 || (uint32_t)id.lo == 0);
			last = id_at((struct id){id.hi, id.lo & ~(uint64_t)UINT32_MAX}, UINT32_MAX);
		}
	}
	/* The step is small: the millisecond stays as it is for long. */
	CHECK_EQ(id_make_after((struct id){lasts[0][0], lasts[0][1]}, true, chance).hi,
		lasts[0][0]);
}

TEST(id_refuses_what_is_no_uuid)
{
	struct id id;

	CHECK(!id_parse("", &id));
	CHECK(!id_parse("0192f3a4-5b6c-7000-8000-00000000000", &id));
	CHECK(!id_parse("0192f3a4-5b6c-7000-8000-0000000000000", &id));
	CHECK(!id_parse("0192f3a45b6c-7000-8000-000000000000-", &id));
	CHECK(!id_parse("0192f3a4-5b6c-7000-8000-00000000000g", &id));
}
