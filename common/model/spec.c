#include "common/model/spec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/model/rules.h"
#include "common/model/spec_rules.h"

enum {
	DEFAULT_PRIORITY = 50,
	DEFAULT_STOP_TIMEOUT_MS = 10000,
	DEFAULT_DELAY_MS = 100,
	DEFAULT_MAX_DELAY_MS = 60000,
	DEFAULT_RESET_AFTER_MS = 10000,
};

struct err *
spec_at(const struct spec_check *check, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(check->field, SPEC_FIELD_MAX, fmt, ap);
	va_end(ap);
	return check->err;
}

int
spec_check_count(const struct spec_check *check, const char *field, size_t n, size_t max)
{
	if (n > max)
		return err_set(spec_at(check, "%s", field), -EINVAL,
			"%zu are too many, at most %zu", n, max);
	return 0;
}

int
spec_check_enum(const struct spec_check *check, const char *field,
	const ProtobufCEnumDescriptor *type, int value)
{
	if (protobuf_c_enum_descriptor_get_value(type, value) == NULL)
		return err_set(spec_at(check, "%s", field), -EINVAL, "there is no %s %d",
			type->short_name, value);
	return 0;
}

int
spec_check_range(const struct spec_check *check, const char *field, uint64_t value, uint64_t min,
	uint64_t max)
{
	if (value != 0 && (value < min || value > max))
		return err_set(spec_at(check, "%s", field), -EINVAL,
			"%llu is out of range, want 0 or %llu to %llu", (unsigned long long)value,
			(unsigned long long)min, (unsigned long long)max);
	return 0;
}

int
spec_check_texts(const struct spec_check *check, const char *field, char **texts, size_t n,
	size_t max)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(texts[i]) > max)
			return err_set(spec_at(check, "%s[%zu]", field, i), -EINVAL,
				"%zu characters are too many, at most %zu", strlen(texts[i]), max);
		if (!rule_is_utf8(texts[i]))
			return err_set(spec_at(check, "%s[%zu]", field, i), -EINVAL, "not UTF-8");
	}
	return 0;
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A key that two entries have, or NULL. */
static const char *
key_twice(const struct spec_map *map)
{
	const char **keys = xcalloc(map->n + 1, sizeof *keys), *found = NULL;

	for (size_t i = 0; i < map->n; i++)
		keys[i] = map->entries[i]->key;
	qsort(keys, map->n, sizeof *keys, compare_keys);
	for (size_t i = 1; i < map->n && found == NULL; i++)
		if (strcmp(keys[i - 1], keys[i]) == 0)
			found = keys[i];
	free(keys);
	return found;
}

int
spec_check_map(const struct spec_check *check, const struct spec_map *map)
{
	const char *twice;
	int rc = spec_check_count(check, map->field, map->n, map->n_max);

	for (size_t i = 0; rc == 0 && i < map->n; i++) {
		const char *key = map->entries[i]->key, *value = map->entries[i]->value;

		if (!map->is_key(key))
			return err_set(spec_at(check, "%s", map->field), -EINVAL,
				"'%.64s' cannot be a key; want %s", key, map->want);
		if (value == NULL)
			continue;
		if (strlen(value) > map->value_max || !rule_is_utf8(value))
			return err_set(spec_at(check, "%s[\"%.64s\"]", map->field, key), -EINVAL,
				"the value is not UTF-8 of at most %zu bytes", map->value_max);
	}
	if (rc < 0)
		return rc;
	twice = key_twice(map);
	if (twice != NULL)
		return err_set(spec_at(check, "%s[\"%.64s\"]", map->field, twice), -EINVAL,
			"given twice");
	return 0;
}

int
spec_check(const Davit__TaskSpec *spec, char ret_field[SPEC_FIELD_MAX], struct err *err)
{
	static int (*const parts[])(const struct spec_check *) = {spec_check_process,
		spec_check_resources, spec_check_network, spec_check_mounts, spec_check_policy,
		spec_check_placement};
	struct spec_check check = {.spec = spec, .field = ret_field, .err = err};
	size_t size = davit__task_spec__get_packed_size(spec);

	if (size > SPEC_SIZE_MAX)
		return err_set(spec_at(&check, "%s", ""), -EINVAL,
			"the whole spec is %zu bytes long, at most %d", size, SPEC_SIZE_MAX);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		int rc = parts[i](&check);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int
spec_signal_number(const char *name_or_number)
{
	return rule_signal_number(name_or_number);
}

const char *
spec_namespace(const Davit__TaskSpec *spec)
{
	return spec->namespace_ == NULL ? "default" : spec->namespace_;
}

uint32_t
spec_priority(const Davit__TaskSpec *spec)
{
	return spec->has_priority ? spec->priority : DEFAULT_PRIORITY;
}

uint64_t
spec_stop_timeout_ms(const Davit__TaskSpec *spec)
{
	return spec->has_stop_timeout_ms ? spec->stop_timeout_ms : DEFAULT_STOP_TIMEOUT_MS;
}

uint64_t
spec_ttl_ms(const Davit__TaskSpec *spec)
{
	return spec->has_ttl_ms ? spec->ttl_ms : 0;
}

uint64_t
spec_max_run_time_ms(const Davit__TaskSpec *spec)
{
	return spec->has_max_run_time_ms ? spec->max_run_time_ms : 0;
}

Davit__RestartPolicy__Condition
spec_restart_condition(const Davit__TaskSpec *spec)
{
	return spec->restart != NULL && spec->restart->has_condition
		       ? spec->restart->condition
		       : DAVIT__RESTART_POLICY__CONDITION__NO;
}

uint32_t
spec_restart_max_attempts(const Davit__TaskSpec *spec)
{
	return spec->restart != NULL && spec->restart->has_max_attempts
		       ? spec->restart->max_attempts
		       : 0;
}

/* A pause of 0 would be a restart loop at full speed: 0 stands for the default, too. */
static uint64_t
or_default(bool has, uint64_t value, uint64_t otherwise)
{
	return has && value > 0 ? value : otherwise;
}

uint64_t
spec_restart_reset_after_ms(const Davit__TaskSpec *spec)
{
	const Davit__RestartPolicy *restart = spec->restart;

	return restart == NULL ? DEFAULT_RESET_AFTER_MS
			       : or_default(restart->has_reset_after_ms, restart->reset_after_ms,
					 DEFAULT_RESET_AFTER_MS);
}

uint64_t
spec_restart_delay_ms(const Davit__TaskSpec *spec, uint32_t n)
{
	const Davit__RestartPolicy *restart = spec->restart;
	uint64_t delay = DEFAULT_DELAY_MS, most = DEFAULT_MAX_DELAY_MS;

	if (restart != NULL) {
		delay = or_default(restart->has_delay_ms, restart->delay_ms, delay);
		/* A long delay alone means that one, not our greatest. */
		most = or_default(restart->has_max_delay_ms, restart->max_delay_ms,
			delay > most ? delay : most);
	}
	if (n == 0)
		return 0;
	for (; n > 1 && delay < most; n--)
		delay *= 2;
	return delay < most ? delay : most;
}

struct spec_disconnect
spec_disconnect(const Davit__TaskSpec *spec)
{
	const Davit__Disconnect *wish = spec->disconnect;
	struct spec_disconnect result = {.mode = wish != NULL && wish->has_mode
							 ? wish->mode
							 : DAVIT__DISCONNECT__MODE__DEFAULT};

	if (result.mode == DAVIT__DISCONNECT__MODE__DEFAULT)
		result.mode = spec_restart_condition(spec) != DAVIT__RESTART_POLICY__CONDITION__NO
				      ? DAVIT__DISCONNECT__MODE__REPLACE
				      : DAVIT__DISCONNECT__MODE__KEEP;
	if (result.mode == DAVIT__DISCONNECT__MODE__REPLACE && wish != NULL &&
		wish->has_replace_after_ms)
		result.replace_after_ms = wish->replace_after_ms;
	if (result.mode == DAVIT__DISCONNECT__MODE__STOP_AFTER && wish->has_stop_after_ms)
		result.stop_after_ms = wish->stop_after_ms;
	return result;
}

struct spec_reserve
spec_reserve(const Davit__TaskSpec *spec)
{
	return (struct spec_reserve){
		.cpu_milli = spec->has_cpu_milli ? spec->cpu_milli : 0,
		.memory_bytes = spec->has_memory_bytes ? spec->memory_bytes : 0,
		.disk_bytes = spec->has_disk_bytes ? spec->disk_bytes : 0,
	};
}
