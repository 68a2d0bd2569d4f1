#include "services/gateway/foreign_json.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/lib/test.h"

static struct err err;

static json_t *
parse(const char *text)
{
	json_t *json = NULL;

	CHECK_OK(foreign_parse(text, strlen(text), &json, &err), &err);
	return json;
}

TEST(foreign_json_reads_keys_in_any_case_and_ignores_what_follows)
{
	json_t *json = parse("{\"Name\":\"a\",\"cpu\":1.5,\"MEMORY\":7,\"x\":null} trailing");
	const char *text;
	double number;
	int64_t whole;

	CHECK_OK(foreign_text(json, "name", &text, &err), &err);
	CHECK_STR(text, "a");
	CHECK_OK(foreign_number(json, "cpu", &number, &err), &err);
	CHECK(number > 1.4 && number < 1.6);
	CHECK_OK(foreign_whole(json, "memory", &whole, &err), &err);
	CHECK_EQ(whole, 7);
	CHECK_OK(foreign_text(json, "x", &text, &err), &err);
	CHECK_STR(text, "");
	CHECK_OK(foreign_whole(json, "absent", &whole, &err), &err);
	CHECK_EQ(whole, 0);
	foreign_free(json);
}

TEST(foreign_json_refuses_wrong_types_by_name)
{
	json_t *json = parse("{\"name\":1,\"cpu\":\"1\",\"memory\":10.5,\"env\":[]}");
	const json_t *object;
	const char *text;
	double number;
	int64_t whole;

	CHECK_EQ(foreign_text(json, "name", &text, &err), -EINVAL);
	CHECK_STR(err.text, "'name': want a string");
	CHECK_EQ(foreign_number(json, "cpu", &number, &err), -EINVAL);
	CHECK_EQ(foreign_whole(json, "memory", &whole, &err), -EINVAL);
	CHECK_HAS(err.text, "'memory': want a whole number");
	CHECK_EQ(foreign_object(json, "env", &object, &err), -EINVAL);
	foreign_free(json);
}

TEST(foreign_json_refuses_what_is_no_object)
{
	CLEANUP(free) char *deep = malloc(1 << 20);
	json_t *json;

	CHECK_EQ(foreign_parse("", 0, &json, &err), -EINVAL);
	CHECK_EQ(foreign_parse("[1]", 3, &json, &err), -EINVAL);
	CHECK_EQ(foreign_parse("{\"a\":\"\xff\"}", 9, &json, &err), -EINVAL);
	memset(deep, '[', 1 << 20);
	CHECK_EQ(foreign_parse(deep, 1 << 20, &json, &err), -EINVAL);
}

TEST(foreign_json_finds_strangers)
{
	static const char *const keys[] = {"ID", "Task", NULL};
	json_t *json = parse("{\"id\":1,\"task\":2}"), *other = parse("{\"id\":1,\"tsk\":2}");

	CHECK(foreign_stranger(json, keys) == NULL);
	CHECK_STR(foreign_stranger(other, keys), "tsk");
	foreign_free(json);
	foreign_free(other);
}

TEST(foreign_durations_are_those_of_go)
{
	static const struct {
		const char *text;
		double ms;
	} good[] = {{"10m", 600000}, {"1h30m", 5400000}, {"1.5h", 5400000}, {"500ms", 500},
		{"1ns", 1}, {"0", 0}, {"-3s", -3000}, {"2\xc2\xb5s", 1}, {"+1s", 1000}};
	static const char *const bad[] = {"", "10", "1.5", "s", "1d", ".s", "1m2", "-", "1e5s",
		"99999999999999999999s", "0x10s"};
	double ms;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		CHECK_OK(foreign_duration(good[i].text, &ms, &err), &err);
		CHECK_EQ((long long)ms, (long long)good[i].ms);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_EQ(foreign_duration(bad[i], &ms, &err), -EINVAL);
	CHECK_EQ(foreign_duration("10", &ms, &err), -EINVAL);
	CHECK_STR(err.text, "time: missing unit in duration \"10\"");
}

TEST(foreign_times_are_those_of_go)
{
	char text[FOREIGN_TIME_SIZE];

	CHECK_STR(foreign_time(0, text), "0001-01-01T00:00:00Z");
	CHECK_STR(foreign_time(1795330163924, text), "2026-11-22T06:49:23.924Z");
}
