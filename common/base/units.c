#include "common/base/units.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t size;
};

#define KI UINT64_C(1024)

static const struct unit byte_units[] = {
	{"", 1},
	{"b", 1},
	{"k", 1000},
	{"m", 1000000},
	{"g", 1000000000},
	{"t", UINT64_C(1000000000000)},
	{"p", UINT64_C(1000000000000000)},
	{"e", UINT64_C(1000000000000000000)},
	{"kb", 1000},
	{"mb", 1000000},
	{"gb", 1000000000},
	{"tb", UINT64_C(1000000000000)},
	{"pb", UINT64_C(1000000000000000)},
	{"eb", UINT64_C(1000000000000000000)},
	{"ki", KI},
	{"mi", KI *KI},
	{"gi", KI *KI *KI},
	{"ti", KI *KI *KI *KI},
	{"pi", KI *KI *KI *KI *KI},
	{"ei", KI *KI *KI *KI *KI *KI},
	{"kib", KI},
	{"mib", KI *KI},
	{"gib", KI *KI *KI},
	{"tib", KI *KI *KI *KI},
	{"pib", KI *KI *KI *KI *KI},
	{"eib", KI *KI *KI *KI *KI *KI},
	{NULL, 0},
};

static const struct unit cpu_units[] = {{"", 1000}, {"m", 1}, {NULL, 0}};

static const struct unit time_units[] = {
	{"ms", 1},
	{"s", 1000},
	{"m", 60000},
	{"h", 3600000},
	{"d", 86400000},
	{NULL, 0},
};

enum {
	FRACTION_DIGITS_MAX = 9, /* further digits are below any unit we have */
	UNIT_NAME_MAX = 3,
};

struct decimal {
	uint64_t whole, fraction, fraction_one; /* value = whole + fraction / fraction_one */
};

/* Reads digits[.digits] at *text and moves it behind. -EINVAL, -ERANGE. */
static int
read_decimal(const char **text, struct decimal *ret)
{
	struct decimal d = {.fraction_one = 1};
	const char *p = *text;
	unsigned n_digits = 0;

	for (; isdigit((unsigned char)*p); p++, n_digits++) {
		if (__builtin_mul_overflow(d.whole, 10, &d.whole) ||
			__builtin_add_overflow(d.whole, (uint64_t)(*p - '0'), &d.whole))
			return -ERANGE;
	}
	if (*p == '.') {
		unsigned n_fraction = 0;

		for (p++; isdigit((unsigned char)*p); p++, n_digits++) {
			if (n_fraction++ >= FRACTION_DIGITS_MAX)
				continue;
			d.fraction = d.fraction * 10 + (uint64_t)(*p - '0');
			d.fraction_one *= 10;
		}
	}
	if (n_digits == 0)
		return -EINVAL;
	*text = p;
	*ret = d;
	return 0;
}

static const struct unit *
read_unit(const char **text, const struct unit *units)
{
	char name[UNIT_NAME_MAX + 1] = {0};
	size_t n = 0;

	while (isalpha((unsigned char)(*text)[n])) {
		if (n == UNIT_NAME_MAX)
			return NULL;
		name[n] = (char)tolower((unsigned char)(*text)[n]);
		n++;
	}
	for (; units->name != NULL; units++) {
		if (strcmp(units->name, name) == 0) {
			*text += n;
			return units;
		}
	}
	return NULL;
}

static int
read_quantity(const char **text, const struct unit *units, uint64_t *ret)
{
	const struct unit *unit;
	struct decimal d;
	uint64_t value;
	int rc = read_decimal(text, &d);

	if (rc < 0)
		return rc;
	unit = read_unit(text, units);
	if (unit == NULL)
		return -EINVAL;
	if (__builtin_mul_overflow(d.whole, unit->size, &value) ||
		__builtin_add_overflow(value,
			(uint64_t)((__extension__(unsigned __int128) d.fraction) * unit->size /
				   d.fraction_one),
			&value))
		return -ERANGE;
	*ret = value;
	return 0;
}

static int
explain(int rc, const char *text, const char *right, struct err *err)
{
	if (rc == -ERANGE || text[0] == '-')
		return err_set(err, -ERANGE, "'%.40s' is out of range, want %s", text, right);
	return err_set(err, -EINVAL, "'%.40s' is not understood, want %s", text, right);
}

static int
parse_one(const char *text, const struct unit *units, const char *right, uint64_t *ret,
	struct err *err)
{
	const char *p = text;
	uint64_t value;
	int rc = read_quantity(&p, units, &value);

	if (rc == 0 && *p != '\0')
		rc = -EINVAL;
	if (rc < 0)
		return explain(rc, text, right, err);
	*ret = value;
	return 0;
}

int
units_parse_bytes(const char *text, uint64_t *ret_bytes, struct err *err)
{
	return parse_one(text, byte_units, "bytes such as 512MiB, 1.5GB or 4096", ret_bytes, err);
}

int
units_parse_cpu(const char *text, uint64_t *ret_milli, struct err *err)
{
	return parse_one(text, cpu_units, "cores such as 1.5 or 500m", ret_milli, err);
}

int
units_parse_duration(const char *text, uint64_t *ret_ms, struct err *err)
{
	static const char right[] = "a duration with its unit such as 10m, 1h30m or 500ms";
	const char *p = text;
	uint64_t total = 0, part;

	if (strcmp(text, "0") == 0) {
		*ret_ms = 0;
		return 0;
	}
	do {
		int rc = read_quantity(&p, time_units, &part);

		if (rc < 0)
			return explain(rc, text, right, err);
		if (__builtin_add_overflow(total, part, &total))
			return explain(-ERANGE, text, right, err);
	} while (*p != '\0');
	*ret_ms = total;
	return 0;
}

int
units_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret, struct err *err)
{
	const char *p = text;
	struct decimal d;

	if (strchr(text, '.') != NULL || read_decimal(&p, &d) < 0 || *p != '\0' || d.whole < min ||
		d.whole > max)
		return err_set(err, -EINVAL, "'%.40s' is not a whole number from %llu to %llu",
			text, (unsigned long long)min, (unsigned long long)max);
	*ret = d.whole;
	return 0;
}

const char *
units_format_bytes(uint64_t bytes, char ret_text[UNITS_TEXT_SIZE])
{
	static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	unsigned u = 0;

	while (value >= 1024 && u + 1 < sizeof names / sizeof names[0]) {
		value /= 1024;
		u++;
	}
	(void)snprintf(ret_text, UNITS_TEXT_SIZE, "%.4g%s", value, names[u]);
	return ret_text;
}

const char *
units_format_cpu(uint64_t milli, char ret_text[UNITS_TEXT_SIZE])
{
	int n = snprintf(ret_text, UNITS_TEXT_SIZE, "%llu.%03u", (unsigned long long)(milli / 1000),
		(unsigned)(milli % 1000));

	while (ret_text[n - 1] == '0')
		n--;
	if (ret_text[n - 1] == '.')
		n--;
	ret_text[n] = '\0';
	return ret_text;
}

const char *
units_format_duration(uint64_t ms, char ret_text[UNITS_TEXT_SIZE])
{
	unsigned u = sizeof time_units / sizeof time_units[0] - 2;
	uint64_t rest;
	int n;

	while (u > 0 && ms < time_units[u].size)
		u--;
	n = snprintf(ret_text, UNITS_TEXT_SIZE, "%llu%s",
		(unsigned long long)(ms / time_units[u].size), time_units[u].name);
	if (u < 2) /* below a minute one unit is enough */
		return ret_text;
	rest = ms % time_units[u].size / time_units[u - 1].size;
	if (rest > 0)
		(void)snprintf(ret_text + n, UNITS_TEXT_SIZE - (size_t)n, "%llu%s",
			(unsigned long long)rest, time_units[u - 1].name);
	return ret_text;
}
