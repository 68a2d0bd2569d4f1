#include <math.h>

#include "common/pbjson/pbjson.h"
#include "proto/types.pb-c.h"
#include "tests/lib/test.h"
#include "tests/proto/zoo.pb-c.h"

static void
check_print(const void *message, const char *want)
{
	struct buf out = {0};

	pbjson_print(message, PBJSON_COMPACT, &out);
	CHECK_STR(buf_text(&out), want);
	buf_fini(&out);
}

static void
check_text(const char *text, size_t size, const char *want)
{
	struct buf out = {0};

	pbjson_print_text(text, size, &out);
	CHECK_STR(buf_text(&out), want);
	buf_fini(&out);
}

TEST(a_message_without_fields_is_an_empty_object)
{
	Zoo__Animal animal = ZOO__ANIMAL__INIT;

	check_print(&animal, "{}");
}

TEST(the_outermost_object_may_have_its_empty_lists)
{
	Zoo__Animal animal = ZOO__ANIMAL__INIT;
	struct buf out = {0};

	pbjson_print(&animal.base, PBJSON_LISTS, &out);
	CHECK_HAS(buf_text(&out), "\":[]");
	CHECK_HAS(buf_text(&out), "\":{}");
	buf_fini(&out);
}

TEST(every_integer_type_prints_its_extremes_as_numbers)
{
	Zoo__Animal a = ZOO__ANIMAL__INIT;

	a.has_i32 = a.has_s32 = a.has_sf32 = a.has_u32 = a.has_f32 = 1;
	a.has_i64 = a.has_s64 = a.has_sf64 = a.has_u64 = a.has_f64 = 1;
	a.i32 = INT32_MIN;
	a.s32 = INT32_MAX;
	a.sf32 = -1;
	a.u32 = UINT32_MAX;
	a.f32 = 0;
	a.i64 = INT64_MIN;
	a.s64 = INT64_MAX;
	a.sf64 = -10;
	a.u64 = UINT64_MAX;
	a.f64 = 100;
	check_print(&a, "{\"i32\":-2147483648,\"s32\":2147483647,\"sf32\":-1,\"u32\":4294967295,"
			"\"f32\":0,\"i64\":-9223372036854775808,\"s64\":9223372036854775807,"
			"\"sf64\":-10,\"u64\":18446744073709551615,\"f64\":100}");
}

TEST(reals_print_with_as_few_digits_as_they_need)
{
	double values[] = {0.1, 1.0 / 3, 1e300, -0.0, 3, NAN, HUGE_VAL, -HUGE_VAL};
	Zoo__Animal a = ZOO__ANIMAL__INIT;

	a.wides = values;
	a.n_wides = sizeof values / sizeof values[0];
	a.has_real = 1;
	a.real = 0.1F;
	check_print(&a, "{\"real\":0.1,\"wides\":[0.1,0.3333333333333333,1e+300,-0,3,\"NaN\","
			"\"Infinity\",\"-Infinity\"]}");
}

TEST(bytes_are_base64_of_every_length)
{
	ProtobufCBinaryData datas[] = {{0, NULL}, {1, (uint8_t *)"f"}, {2, (uint8_t *)"fo"},
		{3, (uint8_t *)"foo"}, {4, (uint8_t *)"foob"}, {3, (uint8_t *)"\xff\xfe\xfb"}};
	Zoo__Animal a = ZOO__ANIMAL__INIT;

	a.datas = datas;
	a.n_datas = sizeof datas / sizeof datas[0];
	check_print(&a, "{\"datas\":[\"\",\"Zg==\",\"Zm8=\",\"Zm9v\",\"Zm9vYg==\",\"//77\"]}");
}

TEST(enums_print_by_name_and_unknown_ones_by_number)
{
	Zoo__Animal a = ZOO__ANIMAL__INIT;
	Zoo__Animal__Size sizes[] = {ZOO__ANIMAL__SIZE__VERY_BIG, ZOO__ANIMAL__SIZE__BELOW,
		(Zoo__Animal__Size)5};

	a.sizes = sizes;
	a.n_sizes = 3;
	check_print(&a, "{\"sizes\":[\"VERY_BIG\",\"BELOW\",5]}");
	CHECK_STR(pbjson_enum_name(&zoo__animal__size__descriptor, 7), "VERY_BIG");
	CHECK_STR(pbjson_enum_name(&zoo__animal__size__descriptor, 5), "?");
	CHECK_STR(pbjson_enum_name(&davit__task__state__descriptor, DAVIT__TASK__STATE__RUNNING),
		"RUNNING");
}

TEST(entries_are_an_object_unless_their_value_is_a_message)
{
	Zoo__Entry e1 = ZOO__ENTRY__INIT, e2 = ZOO__ENTRY__INIT, *map[] = {&e1, &e2};
	Zoo__CountEntry c = ZOO__COUNT_ENTRY__INIT, *counts[] = {&c};
	Zoo__CageEntry g = ZOO__CAGE_ENTRY__INIT, *cages[] = {&g};
	Zoo__Animal a = ZOO__ANIMAL__INIT;

	e1.key = "a\"b";
	e1.value = "1";
	e2.key = "no value";
	c.key = "n";
	c.has_value = 1;
	c.value = 5;
	g.key = "k";
	a.map = map;
	a.n_map = 2;
	a.counts = counts;
	a.n_counts = 1;
	a.cages = cages;
	a.n_cages = 1;
	check_print(&a, "{\"map\":{\"a\\\"b\":\"1\",\"no value\":\"\"},\"counts\":{\"n\":5},"
			"\"cages\":[{\"key\":\"k\"}]}");
}

TEST(of_a_oneof_only_the_chosen_one_prints)
{
	Zoo__Animal a = ZOO__ANIMAL__INIT;

	a.food_case = ZOO__ANIMAL__FOOD_N_MICE;
	a.n_mice = 3;
	check_print(&a, "{\"n_mice\":3}");
}

TEST(a_field_at_its_default_is_not_set)
{
	Zoo__Animal a = ZOO__ANIMAL__INIT;

	CHECK_STR(a.word, "moo");
	CHECK_EQ(a.number, 7);
	check_print(&a, "{}");
	a.word = "woof";
	check_print(&a, "{\"word\":\"woof\"}");
}

TEST(text_is_escaped_where_json_wants_it)
{
	check_text("", 0, "\"\"");
	check_text("a\"\\/\b\f\n\r\t\x01\x1f\x7f", 12,
		"\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
	check_text("\0x", 2, "\"\\u0000x\"");
	check_text("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", 15,
		"\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

TEST(bytes_that_are_no_utf8_become_the_replacement_character)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"a\xff.", "\"a\xef\xbf\xbd.\""},
		{"\xc3", "\"\xef\xbf\xbd\""},                                 /* cut short */
		{"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* overlong */
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* a surrogate */
		{"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xe0\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_text(cases[i].text, strlen(cases[i].text), cases[i].want);
}

TEST(pretty_is_indented_by_two_and_ends_its_line)
{
	Zoo__Animal a = ZOO__ANIMAL__INIT, child = ZOO__ANIMAL__INIT, *children[] = {&child};
	Zoo__Entry e = ZOO__ENTRY__INIT, *map[] = {&e};
	struct buf out = {0};

	e.key = "k";
	e.value = "v";
	child.map = map;
	child.n_map = 1;
	a.children = children;
	a.n_children = 1;
	a.child = &child;
	child.has_u32 = 1;
	a.has_flag = 1;
	pbjson_print(&a.base, PBJSON_PRETTY, &out);
	CHECK_STR(buf_text(&out), "{\n"
				  "  \"flag\": false,\n"
				  "  \"child\": {\n"
				  "    \"u32\": 0,\n"
				  "    \"map\": {\n"
				  "      \"k\": \"v\"\n"
				  "    }\n"
				  "  },\n"
				  "  \"children\": [\n"
				  "    {\n"
				  "      \"u32\": 0,\n"
				  "      \"map\": {\n"
				  "        \"k\": \"v\"\n"
				  "      }\n"
				  "    }\n"
				  "  ]\n"
				  "}\n");
	buf_reset(&out);
	child = (Zoo__Animal)ZOO__ANIMAL__INIT;
	pbjson_print(&child.base, PBJSON_PRETTY, &out);
	CHECK_STR(buf_text(&out), "{}\n");
	buf_fini(&out);
}

TEST(what_is_nested_too_deeply_prints_as_null)
{
	Zoo__Animal animals[PBJSON_DEPTH_MAX + 1];
	struct buf out = {0};

	for (int i = 0; i <= PBJSON_DEPTH_MAX; i++) {
		animals[i] = (Zoo__Animal)ZOO__ANIMAL__INIT;
		animals[i].child = i > 0 ? &animals[i - 1] : NULL;
	}
	pbjson_print(&animals[PBJSON_DEPTH_MAX].base, PBJSON_COMPACT, &out);
	CHECK_HAS(buf_text(&out), "{\"child\":null}}");
	buf_reset(&out);
	pbjson_print(&animals[PBJSON_DEPTH_MAX - 1].base, PBJSON_COMPACT, &out);
	CHECK_HAS(buf_text(&out), "{\"child\":{}}}");
	buf_fini(&out);
}

TEST(a_required_string_that_is_missing_is_left_out)
{
	Zoo__Strict strict = ZOO__STRICT__INIT;

	check_print(&strict, "{\"count\":0}");
}
