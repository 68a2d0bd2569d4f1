#include "services/cli/cli_flag.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "common/base/units.h"
#include "services/cli/cli_pb.h"
#include "services/cli/cli_text.h"

/* "key=value"; value is NULL without a '='. */
static Davit__StringEntry *
split_entry(const char *text)
{
	Davit__StringEntry *entry = CLI_PB_NEW(davit__string_entry, Davit__StringEntry);
	size_t n = strcspn(text, "=");

	entry->key = cli_pb_text(text, n);
	if (text[n] == '=')
		entry->value = xstrdup(text + n + 1);
	return entry;
}

static int
check_key(const char *text, struct err *err)
{
	if (text[0] == '\0' || text[0] == '=')
		return err_set(err, -EINVAL, "'%.40s' has no name: want NAME=VALUE", text);
	return 0;
}

int
cli_flag_env(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	Davit__StringEntry *entry;
	const char *here;

	if (check_key(text, err) < 0)
		return err->code;
	if (strchr(text, '=') == NULL) {
		here = getenv(text);
		if (here == NULL) /* as docker: a variable that is not set here is not set there */
			return 0;
		entry = split_entry(text);
		entry->value = xstrdup(here);
	} else {
		entry = split_entry(text);
	}
	CLI_PB_ADD(spec, env, entry);
	return 0;
}

static int
read_env_line(Davit__TaskSpec *spec, char *line, struct err *err)
{
	line[strcspn(line, "\r\n")] = '\0';
	line += strspn(line, " \t");
	if (line[0] == '\0' || line[0] == '#')
		return 0;
	return cli_flag_env(spec, line, err);
}

int
cli_flag_env_file(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	FILE *file = fopen(text, "re");
	char *line = NULL;
	size_t room = 0, total = 0;
	unsigned number = 0;
	int rc = 0;
	ssize_t n;

	if (file == NULL)
		return err_set(err, -errno, "cannot read '%s': %s", text, strerror(errno));
	while (rc == 0 && (n = getline(&line, &room, file)) >= 0) {
		total += (size_t)n;
		number++;
		rc = read_env_line(spec, line, err);
		if (rc < 0)
			rc = err_wrap(err, "line %u", number);
		else if (total > CLI_ENV_FILE_MAX)
			rc = err_set(err, -E2BIG, "'%s' is greater than %d bytes", text,
				CLI_ENV_FILE_MAX);
	}
	free(line);
	(void)fclose(file);
	return rc;
}

static Davit__StringEntry *
entry_with_value(const char *text)
{
	Davit__StringEntry *entry = split_entry(text);

	if (entry->value == NULL)
		entry->value = xstrdup("");
	return entry;
}

int
cli_flag_label(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	if (check_key(text, err) < 0)
		return err->code;
	CLI_PB_ADD(spec, labels, entry_with_value(text));
	return 0;
}

int
cli_flag_sysctl(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	if (check_key(text, err) < 0)
		return err->code;
	CLI_PB_ADD(spec, sysctls, entry_with_value(text));
	return 0;
}

int
cli_flag_log_opt(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	if (check_key(text, err) < 0)
		return err->code;
	if (spec->log_config == NULL)
		spec->log_config = CLI_PB_NEW(davit__log_config, Davit__LogConfig);
	CLI_PB_ADD(spec->log_config, options, entry_with_value(text));
	return 0;
}

static int
parse_limit(const char *text, int64_t *ret, struct err *err)
{
	uint64_t value;

	if (strcmp(text, "-1") == 0 || strcmp(text, "unlimited") == 0) {
		*ret = -1;
		return 0;
	}
	if (units_parse_number(text, 0, INT64_MAX, &value, err) < 0)
		return err->code;
	*ret = (int64_t)value;
	return 0;
}

int
cli_flag_ulimit(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	size_t name = strcspn(text, "="), soft;
	Davit__Ulimit *ulimit;
	CLEANUP(free) char *first = NULL;

	if (name == 0 || text[name] == '\0')
		return err_set(err, -EINVAL,
			"'%.40s': want NAME=SOFT[:HARD], such as nofile=1024:2048", text);
	ulimit = CLI_PB_NEW(davit__ulimit, Davit__Ulimit);
	ulimit->name = cli_pb_text(text, name);
	CLI_PB_ADD(spec, ulimits, ulimit);
	text += name + 1;
	soft = strcspn(text, ":");
	first = cli_pb_text(text, soft);
	ulimit->has_soft = ulimit->has_hard = 1;
	if (parse_limit(first, &ulimit->soft, err) < 0)
		return err->code;
	ulimit->hard = ulimit->soft;
	return text[soft] == ':' ? parse_limit(text + soft + 1, &ulimit->hard, err) : 0;
}

int
cli_flag_device(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	size_t host = strcspn(text, ":"), inside;
	Davit__Device *device;

	if (text[0] != '/')
		return err_set(err, -EINVAL,
			"'%.60s': want /dev/HOST[:/dev/CONTAINER[:rwm]] with absolute paths", text);
	device = CLI_PB_NEW(davit__device, Davit__Device);
	device->host_path = cli_pb_text(text, host);
	CLI_PB_ADD(spec, devices, device);
	if (text[host] == '\0')
		return 0;
	text += host + 1;
	if (text[0] != '/') { /* "/dev/a:rw" */
		device->permissions = xstrdup(text);
		return 0;
	}
	inside = strcspn(text, ":");
	device->container_path = cli_pb_text(text, inside);
	if (text[inside] == ':')
		device->permissions = xstrdup(text + inside + 1);
	return 0;
}

int
cli_flag_restart(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	size_t n = strcspn(text, ":");
	CLEANUP(free) char *word = cli_pb_text(text, n);
	uint64_t attempts;
	int value;

	if (cli_pb_enum(&davit__restart_policy__condition__descriptor, word, &value, err) < 0)
		return err->code;
	if (spec->restart == NULL)
		spec->restart = CLI_PB_NEW(davit__restart_policy, Davit__RestartPolicy);
	CLI_PB_SET(spec->restart, condition, (Davit__RestartPolicy__Condition)value);
	if (text[n] == '\0')
		return 0;
	if (value != DAVIT__RESTART_POLICY__CONDITION__ON_FAILURE)
		return err_set(err, -EINVAL, "only on-failure takes a number of attempts");
	if (units_parse_number(text + n + 1, 0, UINT32_MAX, &attempts, err) < 0)
		return err->code;
	CLI_PB_SET(spec->restart, max_attempts, (uint32_t)attempts);
	return 0;
}

int
cli_flag_disconnect(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	size_t n = strcspn(text, ":");
	CLEANUP(free) char *word = cli_pb_text(text, n);
	uint64_t ms = 0;
	int mode;

	if (cli_pb_enum(&davit__disconnect__mode__descriptor, word, &mode, err) < 0)
		return err->code;
	if (text[n] == ':' && units_parse_duration(text + n + 1, &ms, err) < 0)
		return err->code;
	if (spec->disconnect == NULL)
		spec->disconnect = CLI_PB_NEW(davit__disconnect, Davit__Disconnect);
	CLI_PB_SET(spec->disconnect, mode, (Davit__Disconnect__Mode)mode);
	if (mode == DAVIT__DISCONNECT__MODE__STOP_AFTER) {
		if (text[n] == '\0')
			return err_set(err, -EINVAL, "stop-after wants a time: stop-after:30s");
		CLI_PB_SET(spec->disconnect, stop_after_ms, ms);
	} else if (mode == DAVIT__DISCONNECT__MODE__REPLACE) {
		if (text[n] == ':')
			CLI_PB_SET(spec->disconnect, replace_after_ms, ms);
	} else if (text[n] == ':') {
		return err_set(err, -EINVAL, "%s takes no time", word);
	}
	return 0;
}

int
cli_flag_pull(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	int value;

	if (cli_pb_enum(&davit__task_spec__pull_policy__descriptor, text, &value, err) < 0)
		return err->code;
	CLI_PB_SET(spec, pull_policy, (Davit__TaskSpec__PullPolicy)value);
	return 0;
}

int
cli_flag_strategy(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	int value;

	if (cli_pb_enum(&davit__task_spec__strategy__descriptor, text, &value, err) < 0)
		return err->code;
	CLI_PB_SET(spec, strategy, (Davit__TaskSpec__Strategy)value);
	return 0;
}

int
cli_flag_toleration(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	Davit__Toleration *toleration;
	size_t effect = strcspn(text, ":"), key = strcspn(text, "=:");
	int value = DAVIT__TAINT__EFFECT__EFFECT_NONE;

	if (key == 0)
		return err_set(err, -EINVAL, "'%.40s': want KEY[=VALUE][:EFFECT]", text);
	if (text[effect] == ':' &&
		cli_pb_enum(&davit__taint__effect__descriptor, text + effect + 1, &value, err) < 0)
		return err->code;
	toleration = CLI_PB_NEW(davit__toleration, Davit__Toleration);
	toleration->key = cli_pb_text(text, key);
	if (text[key] == '=')
		toleration->value = cli_pb_text(text + key + 1, effect - key - 1);
	if (text[effect] == ':')
		CLI_PB_SET(toleration, effect, (Davit__Taint__Effect)value);
	CLI_PB_ADD(spec, tolerations, toleration);
	return 0;
}

int
cli_flag_priority(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	uint64_t value;

	if (units_parse_number(text, 0, 100, &value, err) < 0)
		return err->code;
	CLI_PB_SET(spec, priority, (uint32_t)value);
	return 0;
}

int
cli_flag_stop_timeout(Davit__TaskSpec *spec, const char *text, struct err *err)
{
	uint64_t ms;

	if (cli_text_parse_seconds(text, &ms, err) < 0)
		return err->code;
	CLI_PB_SET(spec, stop_timeout_ms, ms);
	return 0;
}
