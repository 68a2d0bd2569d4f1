#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/pbjson/pbjson.h"
#include "proto/manager.pb-c.h"
#include "proto/rpc.pb-c.h"
#include "proto/types.pb-c.h"
#include "tests/lib/test.h"
#include "tests/proto/zoo.pb-c.h"

static struct pbjson_err err;

static void *
parse(const ProtobufCMessageDescriptor *type, const char *text)
{
	ProtobufCMessage *message = NULL;
	int rc = pbjson_parse(type, text, strlen(text), &message, &err);

	if (rc < 0)
		fail_msg("%s: %s: %s", text, err.path, err.err.text);
	return message;
}

static Zoo__Animal *
animal(const char *text)
{
	return parse(&zoo__animal__descriptor, text);
}

static void
release(void *message)
{
	protobuf_c_message_free_unpacked(message, NULL);
}

/* The text must be refused at that path, with those words. */
static void
refused_as(const ProtobufCMessageDescriptor *type, const char *text, const char *path,
	const char *words)
{
	ProtobufCMessage *message = NULL;
	int rc = pbjson_parse(type, text, strlen(text), &message, &err);

	if (rc != -EINVAL || message != NULL)
		fail_msg("%s: was taken, want a refusal at '%s'", text, path);
	CHECK_STR(err.path, path);
	CHECK_HAS(err.err.text, words);
	CHECK_EQ(err.err.code, -EINVAL);
}

static void
refused(const char *text, const char *path, const char *words)
{
	refused_as(&zoo__animal__descriptor, text, path, words);
}

/* What is read and printed is the text again. */
static void
round_trip(const ProtobufCMessageDescriptor *type, const char *text)
{
	ProtobufCMessage *message = parse(type, text);
	struct buf out = {0};

	pbjson_print(message, PBJSON_COMPACT, &out);
	CHECK_STR(buf_text(&out), text);
	buf_fini(&out);
	release(message);
}

TEST(every_kind_of_field_comes_back_as_it_was)
{
	round_trip(&zoo__animal__descriptor, "{}");
	round_trip(&zoo__animal__descriptor,
		"{\"i32\":-2147483648,\"s32\":2147483647,\"sf32\":-1,\"u32\":4294967295,\"f32\":0,"
		"\"i64\":-9223372036854775808,\"s64\":9223372036854775807,\"sf64\":-10,"
		"\"u64\":18446744073709551615,\"f64\":100,\"real\":0.25,\"wide\":-1.5e-09,"
		"\"flag\":true,\"text\":\"t\",\"data\":\"AAECAw==\",\"size\":\"VERY_BIG\","
		"\"child\":{\"child\":{}},\"i32s\":[1,-2,3],\"u64s\":[0,18446744073709551615],"
		"\"wides\":[\"NaN\",\"Infinity\",\"-Infinity\",0.1],\"flags\":[true,false],"
		"\"texts\":[\"\",\"a\\u0001\\n\\\"\"],\"datas\":[\"\",\"Zg==\",\"Zm9v\"],"
		"\"sizes\":[\"BELOW\",\"NONE\"],\"children\":[{},{\"i32\":0}],"
		"\"map\":{\"a\":\"1\",\"\":\"empty key\",\"b\":\"\"},\"counts\":{\"x\":4},"
		"\"cages\":[{\"key\":\"k\",\"value\":{\"i32\":1}}],\"n_mice\":4,"
		"\"cpu_milli\":1500,\"small_bytes\":1,\"nap_ms\":18446744073709551615,"
		"\"word\":\"woof\",\"number\":7}");
	round_trip(&zoo__animal__descriptor, "{\"grass\":\"\"}");
	round_trip(&zoo__animal__descriptor, "{\"prey\":{\"n_mice\":0}}");
	round_trip(&zoo__strict__descriptor,
		"{\"count\":1,\"name\":\"\",\"entry\":{\"key\":\"k\"}}");
}

TEST(a_whole_task_spec_comes_back_as_it_was)
{
	round_trip(&davit__submit_tasks_request__descriptor,
		"{\"spec\":{\"name\":\"web\",\"image\":\"nginx:1.25\",\"command\":[\"a\",\"b c\"],"
		"\"env\":{\"A\":\"1\",\"B\":\"\"},\"labels\":{\"com.example.x\":\"y\"},"
		"\"cpu_milli\":1500,\"memory_bytes\":536870912,\"ulimits\":[{\"name\":\"nofile\","
		"\"soft\":-1,\"hard\":-1}],\"ports\":[{\"container_port\":80,\"protocol\":\"UDP\"}],"
		"\"mounts\":[{\"type\":\"BIND\",\"source\":\"/a\",\"target\":\"/b\","
		"\"read_only\":true}],\"restart\":{\"condition\":\"ON_FAILURE\",\"max_attempts\":3},"
		"\"pull_policy\":\"NEVER\",\"log_config\":{\"options\":{\"max-size\":\"1m\"}},"
		"\"constraints\":[\"node.name == n1\"],\"disconnect\":{\"mode\":\"STOP_AFTER\","
		"\"stop_after_ms\":5000}},\"count\":3}");
}

TEST(integers_may_be_decimal_texts)
{
	Zoo__Animal *a = animal(
		"{\"i32\":\"-5\",\"u64\":\"18446744073709551615\",\"i64\":\"-9223372036854775808\","
		"\"u32\":\"0\",\"i32s\":[\"7\"],\"cpu_milli\":\"250\"}");

	CHECK_EQ(a->i32, -5);
	CHECK(a->u64 == UINT64_MAX);
	CHECK(a->i64 == INT64_MIN);
	CHECK(a->has_u32 && a->u32 == 0);
	CHECK_EQ(a->i32s[0], 7);
	CHECK_EQ(a->cpu_milli, 250);
	release(a);
}

TEST(integers_keep_to_their_range)
{
	refused("{\"i32\":2147483648}", "i32", "out of range, want -2147483648 to 2147483647");
	refused("{\"i32\":-2147483649}", "i32", "out of range");
	refused("{\"u32\":4294967296}", "u32", "out of range, want 0 to 4294967295");
	refused("{\"u32\":-1}", "u32", "out of range");
	refused("{\"u64\":-1}", "u64", "out of range");
	refused("{\"u64\":18446744073709551616}", "u64", "out of range");
	refused("{\"i64\":9223372036854775808}", "i64", "out of range");
	refused("{\"i64\":-9223372036854775809}", "i64", "out of range");
	refused("{\"f64\":99999999999999999999999999999999999999}", "f64", "out of range");
	refused("{\"u64\":1111111111111111111111111111111111111111111111111111111111111111111}",
		"u64", "want a whole number");
	refused("{\"i32s\":[1,2,2147483648]}", "i32s[2]", "out of range");
}

TEST(integers_are_whole)
{
	static const char *const bad[] = {"1.5", "1.0", "1e3", "\"\"", "\" 1\"", "\"1 \"", "\"+1\"",
		"\"0x10\"", "\"010\"", "\"-\"", "true", "{}", "[]", "\"1\\u0000\""};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char text[64];

		(void)snprintf(text, sizeof text, "{\"i32\":%s}", bad[i]);
		refused(text, "i32", "want a whole number, not");
	}
}

TEST(reals_take_numbers_their_texts_and_three_words)
{
	Zoo__Animal *a = animal("{\"real\":\"NaN\",\"wides\":[1,1e308,\"-Infinity\",\"2.5\",-0]}");

	CHECK(isnan(a->real));
	CHECK(a->wides[1] == 1e308 && a->wides[3] == 2.5);
	CHECK(isinf(a->wides[2]) && a->wides[2] < 0);
	release(a);
	refused("{\"wide\":1e309}", "wide", "out of range");
	refused("{\"real\":1e39}", "real", "out of range");
	refused("{\"wide\":\"nan\"}", "wide", "want a number");
	refused("{\"wide\":\"0x1p3\"}", "wide", "want a number");
	refused("{\"wide\":\"\"}", "wide", "want a number");
	refused("{\"wide\":\"1e\"}", "wide", "want a number");
	refused("{\"wide\":[]}", "wide", "want a number, not a list");
}

TEST(bools_are_words_without_quotes)
{
	refused("{\"flag\":1}", "flag", "want true or false, not the number 1");
	refused("{\"flag\":\"true\"}", "flag", "want true or false, not the text 'true'");
	refused("{\"flags\":[true,null]}", "flags[1]", "want true or false, not null");
}

TEST(enums_take_names_in_any_case_and_numbers_that_exist)
{
	Zoo__Animal *a = animal("{\"size\":7,\"sizes\":[\"very_big\",\"Very-Big\",-3,\"-3\",0]}");

	CHECK_EQ(a->size, ZOO__ANIMAL__SIZE__VERY_BIG);
	CHECK_EQ(a->sizes[0], ZOO__ANIMAL__SIZE__VERY_BIG);
	CHECK_EQ(a->sizes[1], ZOO__ANIMAL__SIZE__VERY_BIG);
	CHECK_EQ(a->sizes[2], ZOO__ANIMAL__SIZE__BELOW);
	CHECK_EQ(a->sizes[3], ZOO__ANIMAL__SIZE__BELOW);
	CHECK_EQ(a->sizes[4], ZOO__ANIMAL__SIZE__NONE);
	release(a);
	refused("{\"size\":\"HUGE\"}", "size", "want one of BELOW NONE SMALL VERY_BIG, not");
	refused("{\"size\":4}", "size", "want one of");
	refused("{\"size\":4294967303}", "size", "want one of"); /* 7, were it cut to 32 bits */
	refused("{\"size\":\"\"}", "size", "want one of");
	refused("{\"size\":true}", "size", "want one of");
}

TEST(texts_are_texts)
{
	refused("{\"text\":5}", "text", "want a text, not the number 5");
	refused("{\"text\":true}", "text", "want a text, not true");
	refused("{\"text\":{}}", "text", "want a text, not an object");
	refused("{\"text\":[\"a\"]}", "text", "want a text, not a list");
	refused("{\"text\":\"a\\u0000b\"}", "text", "NUL");
	refused("{\"texts\":\"a\"}", "texts", "want a list, not the text 'a'");
	refused("{\"texts\":[\"a\",null]}", "texts[1]", "want a text, not null");
}

TEST(bytes_are_padded_base64_or_unpadded)
{
	Zoo__Animal *a = animal("{\"datas\":[\"Zg==\",\"Zg\",\"Zm8\",\"Zm9vYg==\",\"//77\"]}");

	CHECK_EQ(a->datas[0].len, 1);
	CHECK_EQ(a->datas[1].len, 1);
	CHECK_EQ(a->datas[2].len, 2);
	CHECK_EQ(a->datas[3].len, 4);
	CHECK(memcmp(a->datas[4].data, "\xff\xfe\xfb", 3) == 0);
	release(a);
	refused("{\"data\":\"Z\"}", "data", "base64");
	refused("{\"data\":\"Zg=\"}", "data", "base64");
	refused("{\"data\":\"Zg===\"}", "data", "base64");
	refused("{\"data\":\"====\"}", "data", "base64");
	refused("{\"data\":\"Z!==\"}", "data", "base64");
	refused("{\"data\":\"Zm9v\\nZm9v\"}", "data", "base64");
	refused("{\"data\":5}", "data", "base64");
}

TEST(null_is_absent_but_nothing_in_a_list_or_map)
{
	Zoo__Animal *a = animal("{\"i32\":null,\"text\":null,\"child\":null,\"texts\":null,"
				"\"map\":null,\"grass\":null,\"n_mice\":3,\"word\":null}");

	CHECK(!a->has_i32 && a->text == NULL && a->child == NULL && a->n_texts == 0);
	CHECK_EQ(a->food_case, ZOO__ANIMAL__FOOD_N_MICE);
	CHECK_STR(a->word, "moo");
	release(a);
	refused("{\"map\":{\"A\":null}}", "map[\"A\"]", "want a text, not null");
	refused("{\"children\":[null]}", "children[0]", "want an object, not null");
	refused("{\"i32\":null,\"i32\":1}", "i32", "given twice");
	refused_as(&zoo__strict__descriptor, "{\"count\":null}", "count", "required");
}

TEST(maps_are_objects_or_lists_of_pairs)
{
	Zoo__Animal *a = animal("{\"map\":[\"A=1\",\"B=x=y\",\"C=\"]}");

	CHECK_EQ(a->n_map, 3);
	CHECK_STR(a->map[0]->key, "A");
	CHECK_STR(a->map[1]->value, "x=y");
	CHECK_STR(a->map[2]->value, "");
	release(a);
	refused("{\"map\":[\"A\"]}", "map[0]", "want a text such as KEY=value, not the text 'A'");
	refused("{\"map\":[\"=x\"]}", "map[0]", "KEY=value");
	refused("{\"map\":[5]}", "map[0]", "KEY=value");
	refused("{\"map\":[\"A=1\",\"A=2\"]}", "map[1]", "given twice");
	refused("{\"map\":[\"A\\u0000=1\"]}", "map[0]", "NUL");
	refused("{\"map\":{\"A\":\"1\",\"B\":\"2\",\"A\":\"3\"}}", "map[\"A\"]", "given twice");
	refused("{\"map\":{\"A\\u0000\":\"1\"}}", "map[\"A…\"]", "NUL");
	refused("{\"map\":{\"A\":1}}", "map[\"A\"]", "want a text, not the number 1");
	refused("{\"map\":\"A=1\"}", "map", "want an object");
	refused("{\"counts\":[\"A=1\"]}", "counts", "want an object, not a list");
	refused("{\"counts\":{\"A\":\"x\"}}", "counts[\"A\"]", "want a whole number");
	refused("{\"counts\":{\"A\":null}}", "counts[\"A\"]", "want a whole number");
	refused("{\"cages\":{}}", "cages", "want a list, not an object");
}

TEST(a_map_may_have_many_keys_and_finds_the_one_that_comes_twice)
{
	struct buf text = {0};

	buf_puts(&text, "{\"map\":{");
	for (int i = 0; i < 20000; i++)
		buf_printf(&text, "\"k%d\":\"\",", i);
	buf_puts(&text, "\"k777\":\"\"}}");
	refused(buf_text(&text), "map[\"k777\"]", "given twice");
	buf_fini(&text);
}

TEST(of_a_oneof_only_one_is_taken)
{
	refused("{\"grass\":\"a\",\"n_mice\":1}", "n_mice", "only one of this and 'grass'");
	refused("{\"prey\":{\"i32\":\"x\"}}", "prey.i32", "want a whole number");
}

TEST(quantities_take_units_under_either_name)
{
	Zoo__Animal *a = animal("{\"cpu\":1.5,\"small\":\"64KiB\",\"nap\":\"1h30m\"}");

	CHECK_EQ(a->cpu_milli, 1500);
	CHECK_EQ(a->small_bytes, 65536);
	CHECK_EQ(a->nap_ms, 5400000);
	CHECK(a->has_cpu_milli && a->has_small_bytes && a->has_nap_ms);
	release(a);
	a = animal("{\"cpu_milli\":\"500m\",\"small_bytes\":\"1k\",\"nap_ms\":\"2s\"}");
	CHECK_EQ(a->cpu_milli, 500);
	CHECK_EQ(a->small_bytes, 1000);
	CHECK_EQ(a->nap_ms, 2000);
	release(a);
	a = animal("{\"cpu\":\"2\",\"small\":4096,\"nap\":0}");
	CHECK_EQ(a->cpu_milli, 2000);
	CHECK_EQ(a->small_bytes, 4096);
	CHECK(a->has_nap_ms && a->nap_ms == 0);
	release(a);
}

TEST(quantities_refuse_what_could_mean_two_things)
{
	refused("{\"cpu_milli\":1.5}", "cpu_milli", "want a whole number");
	refused("{\"cpu_milli\":\"1.5\"}", "cpu_milli", "want a whole number");
	refused("{\"nap\":10}", "nap", "duration with its unit");
	refused("{\"nap\":\"10\"}", "nap", "duration with its unit");
	refused("{\"small\":\"8GiB\"}", "small", "out of range, want 0 to 4294967295");
	refused("{\"cpu\":\"x\"}", "cpu", "cores such as 1.5 or 500m");
	refused("{\"cpu\":-1}", "cpu", "out of range");
	refused("{\"cpu\":true}", "cpu", "want cores such as 1.5 or 500m, not true");
	refused("{\"small\":[]}", "small", "512MiB");
	refused("{\"small_bytes\":\"5 apples\"}", "small_bytes", "512MiB");
}

TEST(a_quantity_under_both_names_is_refused_by_both_names)
{
	refused("{\"cpu\":1,\"cpu_milli\":1000}", "cpu_milli",
		"give either 'cpu' or 'cpu_milli', not both");
	refused("{\"nap_ms\":1,\"nap\":\"1s\"}", "nap", "give either 'nap' or 'nap_ms', not both");
	refused("{\"nap\":\"1s\",\"nap\":\"1s\"}", "nap", "given twice");
}

TEST(unknown_names_are_refused_with_what_may_be_meant)
{
	refused_as(&davit__task_spec__descriptor, "{\"imgae\":\"x\"}", "imgae", "'image'");
	refused_as(&davit__task_spec__descriptor, "{\"ports\":[{\"containerPort\":1}]}",
		"ports[0].containerPort", "'container_port'");
	refused_as(&davit__task_spec__descriptor, "{\"memroy\":1}", "memroy", "'memory'");
	refused_as(&davit__task_spec__descriptor, "{\"memoryBytes\":1}", "memoryBytes",
		"'memory_bytes'");
	refused_as(&davit__task_spec__descriptor, "{\"noNewPrivileges\":true}", "noNewPrivileges",
		"'no_new_privileges'");
	refused_as(&davit__task_spec__descriptor, "{\"quite different\":1}", "quite different",
		"there is no such field in TaskSpec");
	refused("{\"\":1}", "", "no such field");
	refused("{\"i32\\u0000\":1}", "i32…", "no such field");
	refused("{\"_milli\":1}", "_milli", "no such field");
	refused("{\"cpu_\":1}", "cpu_", "no such field");
}

TEST(what_is_required_must_be_there)
{
	refused_as(&zoo__strict__descriptor, "{}", "count", "is required");
	refused_as(&zoo__strict__descriptor, "{\"count\":1}", "name", "is required");
	refused_as(&zoo__strict__descriptor, "{\"count\":1,\"name\":\"\",\"entry\":{}}",
		"entry.key", "is required");
	refused_as(&davit__submit_tasks_request__descriptor, "{\"spec\":{\"ports\":[{},{}]}}",
		"spec.ports[0].container_port", "is required");
}

TEST(a_field_comes_once)
{
	refused("{\"i32\":1,\"i32\":1}", "i32", "given twice");
	refused("{\"child\":{\"texts\":[],\"texts\":[]}}", "child.texts", "given twice");
}

TEST(the_outermost_value_is_an_object)
{
	static const char *const others[] = {"[]", "5", "\"x\"", "true", "null"};

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		refused(others[i], "", "want an object, not");
}

/* n objects within each other, the innermost with that inside. */
static char *
nested(unsigned n, const char *open, const char *inside, const char *close)
{
	struct buf text = {0};

	for (unsigned i = 0; i < n; i++)
		buf_puts(&text, open);
	buf_puts(&text, inside);
	for (unsigned i = 0; i < n; i++)
		buf_puts(&text, close);
	return buf_take(&text, NULL);
}

TEST(depth_is_limited)
{
	CLEANUP(free) char *most = nested(PBJSON_DEPTH_MAX - 1, "{\"child\":", "{}", "}");
	CLEANUP(free) char *over = nested(PBJSON_DEPTH_MAX, "{\"child\":", "{}", "}");
	CLEANUP(free)
	char *list = nested(PBJSON_DEPTH_MAX - 1, "{\"child\":", "{\"i32s\":[]}", "}");

	release(animal(most));
	refused(over,
		"child.child.child.child.child.child.child.child.child.child.child.child.child."
		"child.child.child.child.child.child.child.chil…",
		"nested deeper than 32");
	refused(list, err.path, "nested deeper than 32");
}

TEST(a_bomb_of_brackets_is_cheap)
{
	CLEANUP(free) char *lists = nested(1000000, "[", "", "");
	CLEANUP(free) char *objects = nested(1000000, "{\"child\":", "", "");

	refused(lists, "", "want an object, not a list");
	refused(objects, err.path, "nested deeper than 32");
}

TEST(paths_are_cut_between_characters)
{
	struct buf text = {0};
	size_t n;

	buf_puts(&text, "{\"child\":{\"child\":{\"child\":{\"child\":{\"child\":{\"child\":{"
			"\"child\":{\"child\":{\"child\":{\"child\":{\"child\":{\"child\":{"
			"\"map\":{\"");
	for (int i = 0; i < 60; i++)
		buf_puts(&text, "\xe2\x82\xac");
	buf_puts(&text, "\":5");
	CHECK_EQ(pbjson_parse(&zoo__animal__descriptor, buf_text(&text), text.size,
			 &(ProtobufCMessage *){NULL}, &err),
		-EINVAL);
	n = strlen(err.path);
	CHECK(n < PBJSON_PATH_MAX && n > PBJSON_PATH_MAX - 8);
	CHECK_STR(err.path + n - 6, "\xe2\x82\xac…");
	buf_fini(&text);
}

TEST(text_is_limited_in_size)
{
	char *text = xmalloc(PBJSON_TEXT_MAX + 1);
	ProtobufCMessage *message = NULL;

	memset(text, ' ', PBJSON_TEXT_MAX + 1);
	memcpy(text, "{}", 2);
	CHECK_OK(pbjson_parse(&zoo__animal__descriptor, text, PBJSON_TEXT_MAX, &message, &err),
		&err.err);
	release(message);
	CHECK_EQ(pbjson_parse(&zoo__animal__descriptor, text, PBJSON_TEXT_MAX + 1, &message, &err),
		-E2BIG);
	CHECK_HAS(err.err.text, "at most 16777216");
	CHECK_STR(err.path, "");
	free(text);
}

/* "before", then the item as often as fits in the limit of text, then "after". */
static void
check_memory(const char *before, const char *item, const char *after)
{
	struct buf text = {0};
	ProtobufCMessage *message = NULL;

	buf_puts(&text, before);
	while (text.size + 64 < PBJSON_TEXT_MAX) {
		if (strstr(item, "%zu") != NULL)
			buf_printf(&text, "\"%zu\":\"\",", text.size);
		else
			buf_puts(&text, item);
	}
	buf_puts(&text, after);
	CHECK_EQ(pbjson_parse(&zoo__animal__descriptor, buf_text(&text), text.size, &message, &err),
		-E2BIG);
	CHECK_HAS(err.err.text, "more than 64 MiB of memory");
	CHECK_EQ(err.err.code, -E2BIG);
	buf_fini(&text);
}

TEST(a_short_text_cannot_make_much_memory)
{
	check_memory("{\"children\":[", "{},", "{}]}");
	CHECK_HAS(err.path, "children[");
	check_memory("{\"texts\":[", "\"\",", "\"\"]}");
	check_memory("{\"datas\":[", "\"\",", "\"\"]}");
	check_memory("{\"i32s\":[", "0,", "0]}");
	check_memory("{\"map\":{", "\"%zu\":\"\",", "\"\":\"\"}}");
}

TEST(a_raw_field_is_passed_over_and_given_back)
{
	static const char text[] = "{ \"method\":\"X\",\"request\" :  {\"a\":[1,{\"b\":\"}\"}]} ,"
				   "\"deadline_ms\":5}";
	struct pbjson_raw raw = {0};
	ProtobufCMessage *message = NULL;
	Davit__Call *call;

	CHECK_OK(pbjson_parse_raw(&davit__call__descriptor, text, strlen(text), "request", &message,
			 &raw, &err),
		&err.err);
	call = (Davit__Call *)message;
	CHECK_STR(call->method, "X");
	CHECK_EQ(call->deadline_ms, 5);
	CHECK(!call->has_request);
	CHECK_EQ(raw.size, strlen("{\"a\":[1,{\"b\":\"}\"}]}"));
	CHECK(memcmp(raw.text, "{\"a\":[1,{\"b\":\"}\"}]}", raw.size) == 0);
	release(message);
}

static int
parse_raw(const char *text, struct pbjson_raw *ret_raw)
{
	ProtobufCMessage *message = NULL;
	int rc = pbjson_parse_raw(&davit__call__descriptor, text, strlen(text), "request", &message,
		ret_raw, &err);

	release(message);
	return rc;
}

TEST(a_raw_field_may_be_anything_but_broken)
{
	CLEANUP(free) char *deep = nested(PBJSON_DEPTH_MAX, "[", "", "]");
	struct pbjson_raw raw = {0};
	struct buf text = {0};

	CHECK_OK(parse_raw("{\"request\":null}", &raw), &err.err);
	CHECK(raw.size == 4 && memcmp(raw.text, "null", 4) == 0);
	CHECK_OK(parse_raw("{}", &raw), &err.err);
	CHECK(raw.text == NULL && raw.size == 0);
	CHECK_EQ(parse_raw("{\"request\":{\"a\":tru}}", &raw), -EINVAL);
	CHECK_HAS(err.err.text, "not JSON");
	CHECK_EQ(parse_raw("{\"request\":1,\"request\":1}", &raw), -EINVAL);
	CHECK_STR(err.path, "request");
	CHECK_EQ(parse_raw("{\"request\":[1", &raw), -EINVAL);
	buf_printf(&text, "{\"request\":%s}", deep);
	CHECK_EQ(parse_raw(buf_text(&text), &raw), -EINVAL);
	CHECK_STR(err.path, "request");
	CHECK_HAS(err.err.text, "nested deeper");
	buf_fini(&text);
}
