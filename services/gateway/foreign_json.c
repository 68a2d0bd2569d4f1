#include "services/gateway/foreign_json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

int
foreign_parse(const void *body, size_t size, json_t **ret_object, struct err *err)
{
	json_error_t wrong;
	json_t *json = json_loadb(size > 0 ? body : "", size, JSON_DISABLE_EOF_CHECK, &wrong);

	if (json == NULL)
		return err_set(err, -EINVAL, "%s", size == 0 ? "EOF" : wrong.text);
	if (!json_is_object(json)) {
		json_decref(json);
		return err_set(err, -EINVAL, "want an object");
	}
	*ret_object = json;
	return 0;
}

const json_t *
foreign_get(const json_t *object, const char *key)
{
	json_t *all = (json_t *)(uintptr_t)object, *value;
	const json_t *found = json_object_get(object, key);
	const char *name;

	if (found == NULL) {
		json_object_foreach(all, name, value)
		{
			if (strcasecmp(name, key) == 0)
				found = value;
		}
	}
	return json_is_null(found) ? NULL : found;
}

static int
wrong_type(struct err *err, const char *key, const char *want)
{
	return err_set(err, -EINVAL, "'%s': want %s", key, want);
}

int
foreign_text(const json_t *object, const char *key, const char **ret_text, struct err *err)
{
	const json_t *value = foreign_get(object, key);

	*ret_text = value == NULL ? "" : json_string_value(value);
	return *ret_text == NULL ? wrong_type(err, key, "a string") : 0;
}

int
foreign_number(const json_t *object, const char *key, double *ret_number, struct err *err)
{
	const json_t *value = foreign_get(object, key);

	*ret_number = json_number_value(value);
	return value != NULL && !json_is_number(value) ? wrong_type(err, key, "a number") : 0;
}

int
foreign_whole(const json_t *object, const char *key, int64_t *ret_number, struct err *err)
{
	const json_t *value = foreign_get(object, key);

	*ret_number = json_integer_value(value);
	return value != NULL && !json_is_integer(value) ? wrong_type(err, key, "a whole number")
							: 0;
}

int
foreign_object(const json_t *object, const char *key, const json_t **ret_object, struct err *err)
{
	const json_t *value = foreign_get(object, key);

	*ret_object = value;
	return value != NULL && !json_is_object(value) ? wrong_type(err, key, "an object") : 0;
}

const char *
foreign_stranger(const json_t *object, const char *const *keys)
{
	json_t *all = (json_t *)(uintptr_t)object, *value;
	const char *name;

	json_object_foreach(all, name, value)
	{
		size_t i = 0;

		while (keys[i] != NULL && strcasecmp(keys[i], name) != 0)
			i++;
		if (keys[i] == NULL)
			return name;
	}
	return NULL;
}

static double
unit_ms(const char **text)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = {
		{"ns", 1e-6},
		{"us", 1e-3},
		{"\xc2\xb5s", 1e-3},
		{"\xce\xbcs", 1e-3},
		{"ms", 1},
		{"s", 1000},
		{"m", 60000},
		{"h", 3600000},
	};

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		size_t n = strlen(units[i].name);

		if (strncmp(*text, units[i].name, n) == 0) {
			*text += n;
			return units[i].ms;
		}
	}
	return 0;
}

int
foreign_duration(const char *text, double *ret_ms, struct err *err)
{
	const char *at = text;
	double sign = 1, sum = 0;

	if (*at == '-' || *at == '+')
		sign = *at++ == '-' ? -1 : 1;
	*ret_ms = 0;
	if (strcmp(at, "0") == 0)
		return 0;
	if (*at == '\0')
		return err_set(err, -EINVAL, "time: invalid duration \"%.40s\"", text);
	while (*at != '\0') {
		size_t n = strspn(at, "0123456789.");
		double value = strtod(at, NULL), unit;

		if (n == 0 || n > 18 || (n == 1 && *at == '.'))
			return err_set(err, -EINVAL, "time: invalid duration \"%.40s\"", text);
		at += n;
		if (*at == '\0')
			return err_set(err, -EINVAL, "time: missing unit in duration \"%.40s\"",
				text);
		unit = unit_ms(&at);
		if (unit <= 0)
			return err_set(err, -EINVAL, "time: unknown unit in duration \"%.40s\"",
				text);
		sum += value * unit;
	}
	*ret_ms = sign * ceil(sum);
	return 0;
}

const char *
foreign_time(uint64_t ms, char ret_text[FOREIGN_TIME_SIZE])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	size_t n;

	if (ms == 0 || gmtime_r(&seconds, &tm) == NULL) {
		(void)snprintf(ret_text, FOREIGN_TIME_SIZE, "0001-01-01T00:00:00Z");
		return ret_text;
	}
	n = strftime(ret_text, FOREIGN_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(ret_text + n, FOREIGN_TIME_SIZE - n, ".%03uZ", (unsigned)(ms % 1000));
	return ret_text;
}
