#include <errno.h>

#include "common/base/units.h"
#include "tests/lib/test.h"

static struct err err;

TEST(bytes_take_decimal_and_binary_units)
{
	static const struct {
		const char *text;
		uint64_t want;
	} cases[] = {{"0", 0}, {"4096", 4096}, {"512MiB", 536870912}, {"1.5GB", 1500000000},
		{"64k", 64000}, {"1Ki", 1024}, {"2TiB", UINT64_C(2199023255552)},
		{"1PiB", UINT64_C(1125899906842624)}, {"2EB", UINT64_C(2000000000000000000)},
		{"10b", 10}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint64_t got;

		CHECK_OK(units_parse_bytes(cases[i].text, &got, &err), &err);
		CHECK_EQ(got, cases[i].want);
	}
}

TEST(bytes_refuse_what_they_do_not_understand)
{
	static const char *const bad[] = {"", "x", "1.2.3", "5 MB", "1zb", "1mibb", ".", "0x10"};
	uint64_t got;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_EQ(units_parse_bytes(bad[i], &got, &err), -EINVAL);
	CHECK_HAS(err.text, "512MiB");
	CHECK_EQ(units_parse_bytes("99999999999TiB", &got, &err), -ERANGE);
	CHECK_EQ(units_parse_bytes("-1", &got, &err), -ERANGE);
	CHECK_EQ(units_parse_bytes("18446744073709551616", &got, &err), -ERANGE);
}

TEST(cpu_is_cores_unless_it_says_m)
{
	uint64_t got;

	CHECK_OK(units_parse_cpu("1.5", &got, &err), &err);
	CHECK_EQ(got, 1500);
	CHECK_OK(units_parse_cpu("500m", &got, &err), &err);
	CHECK_EQ(got, 500);
	CHECK_OK(units_parse_cpu(".25", &got, &err), &err);
	CHECK_EQ(got, 250);
	CHECK_EQ(units_parse_cpu("2 cores", &got, &err), -EINVAL);
}

TEST(duration_adds_its_parts_and_wants_a_unit)
{
	uint64_t got;

	CHECK_OK(units_parse_duration("1h30m", &got, &err), &err);
	CHECK_EQ(got, 5400000);
	CHECK_OK(units_parse_duration("1.5h", &got, &err), &err);
	CHECK_EQ(got, 5400000);
	CHECK_OK(units_parse_duration("500ms", &got, &err), &err);
	CHECK_EQ(got, 500);
	CHECK_OK(units_parse_duration("0", &got, &err), &err);
	CHECK_EQ(got, 0);
	CHECK_EQ(units_parse_duration("10", &got, &err), -EINVAL);
	CHECK_HAS(err.text, "unit");
	CHECK_EQ(units_parse_duration("99999999999999d", &got, &err), -ERANGE);
}

TEST(number_keeps_to_its_range)
{
	uint64_t got;

	CHECK_OK(units_parse_number("65535", 1, 65535, &got, &err), &err);
	CHECK_EQ(units_parse_number("0", 1, 65535, &got, &err), -EINVAL);
	CHECK_EQ(units_parse_number("1.0", 1, 65535, &got, &err), -EINVAL);
	CHECK_EQ(units_parse_number("7x", 1, 65535, &got, &err), -EINVAL);
}

TEST(formatted_quantities_are_short)
{
	char text[UNITS_TEXT_SIZE];

	CHECK_STR(units_format_bytes(536870912, text), "512MiB");
	CHECK_STR(units_format_bytes(0, text), "0B");
	CHECK_STR(units_format_bytes(1610612736, text), "1.5GiB");
	CHECK_STR(units_format_cpu(1500, text), "1.5");
	CHECK_STR(units_format_cpu(2000, text), "2");
	CHECK_STR(units_format_duration(450, text), "450ms");
	CHECK_STR(units_format_duration(12999, text), "12s");
	CHECK_STR(units_format_duration(200000, text), "3m20s");
	CHECK_STR(units_format_duration(3600000, text), "1h");
	CHECK_STR(units_format_duration(UINT64_C(357000000), text), "4d3h");
}
