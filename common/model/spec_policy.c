/* How a task lives and where; tested by tests/unit/test_spec.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/model/rules.h"
#include "common/model/spec_rules.h"

static int
check_restart(const struct spec_check *check)
{
	const Davit__RestartPolicy *restart = check->spec->restart;
	int rc;

	if (restart == NULL)
		return 0;
	rc = spec_check_enum(check, "restart.condition",
		&davit__restart_policy__condition__descriptor,
		restart->has_condition ? (int)restart->condition : 0);
	if (rc == 0 && restart->has_max_attempts)
		rc = spec_check_range(check, "restart.max_attempts", restart->max_attempts, 1,
			SPEC_RESTART_ATTEMPTS_MAX);
	if (rc == 0 && restart->has_delay_ms)
		rc = spec_check_range(check, "restart.delay_ms", restart->delay_ms, 1,
			SPEC_RESTART_DELAY_MAX_MS);
	if (rc == 0 && restart->has_max_delay_ms)
		rc = spec_check_range(check, "restart.max_delay_ms", restart->max_delay_ms, 1,
			SPEC_RESTART_DELAY_MAX_MS);
	if (rc == 0 && restart->has_reset_after_ms)
		rc = spec_check_range(check, "restart.reset_after_ms", restart->reset_after_ms, 1,
			SPEC_TIME_MAX_MS);
	if (rc < 0)
		return rc;
	if (restart->has_delay_ms && restart->has_max_delay_ms &&
		restart->max_delay_ms < restart->delay_ms)
		return err_set(spec_at(check, "restart.max_delay_ms"), -EINVAL,
			"may not be less than delay_ms");
	if (restart->max_attempts > 0 &&
		(!restart->has_condition ||
			restart->condition == DAVIT__RESTART_POLICY__CONDITION__NO))
		return err_set(spec_at(check, "restart.max_attempts"), -EINVAL,
			"has no meaning with the condition NO; want ON_FAILURE or ALWAYS");
	return 0;
}

static int
check_health_times(const struct spec_check *check)
{
	const Davit__Healthcheck *health = check->spec->healthcheck;
	int rc = 0;

	if (health->has_interval_ms)
		rc = spec_check_range(check, "healthcheck.interval_ms", health->interval_ms, 1,
			SPEC_HEALTH_TIME_MAX_MS);
	if (rc == 0 && health->has_timeout_ms)
		rc = spec_check_range(check, "healthcheck.timeout_ms", health->timeout_ms, 1,
			SPEC_HEALTH_TIME_MAX_MS);
	if (rc == 0 && health->has_retries)
		rc = spec_check_range(check, "healthcheck.retries", health->retries, 1,
			SPEC_HEALTH_RETRIES_MAX);
	if (rc == 0 && health->has_start_period_ms)
		rc = spec_check_range(check, "healthcheck.start_period_ms", health->start_period_ms,
			1, SPEC_HEALTH_TIME_MAX_MS);
	return rc;
}

static int
check_health(const struct spec_check *check)
{
	const Davit__Healthcheck *health = check->spec->healthcheck;
	const char *path;
	uint32_t port;
	int n_kinds, rc;

	if (health == NULL)
		return 0;
	n_kinds = (health->n_command > 0) + (health->http_get != NULL) + health->has_tcp_port;
	if (n_kinds != 1)
		return err_set(spec_at(check, "healthcheck"), -EINVAL,
			"want exactly one of command, http_get and tcp_port");
	if (health->http_get != NULL && !rule_http_get(health->http_get, &port, &path))
		return err_set(spec_at(check, "healthcheck.http_get"), -EINVAL,
			"want http://:PORT/PATH, with a port of the container");
	if (health->has_tcp_port && (health->tcp_port < 1 || health->tcp_port > UINT16_MAX))
		return err_set(spec_at(check, "healthcheck.tcp_port"), -EINVAL,
			"a port is 1 to 65535");
	rc = spec_check_count(check, "healthcheck.command", health->n_command, SPEC_ARGUMENTS_MAX);
	if (rc == 0)
		rc = spec_check_texts(check, "healthcheck.command", health->command,
			health->n_command, SPEC_ARGUMENT_MAX);
	if (rc == 0)
		rc = check_health_times(check);
	return rc;
}

static int
check_end(const struct spec_check *check)
{
	const Davit__TaskSpec *spec = check->spec;
	int rc = 0;

	if (spec->stop_signal != NULL && rule_signal_number(spec->stop_signal) < 0)
		return err_set(spec_at(check, "stop_signal"), -EINVAL,
			"'%.32s' is no signal; want such as TERM, SIGINT, 15 or RTMIN+3",
			spec->stop_signal);
	if (spec->has_stop_timeout_ms)
		rc = spec_check_range(check, "stop_timeout_ms", spec->stop_timeout_ms, 1,
			SPEC_STOP_TIMEOUT_MAX_MS);
	if (rc == 0 && spec->has_ttl_ms)
		rc = spec_check_range(check, "ttl_ms", spec->ttl_ms, 1, SPEC_TIME_MAX_MS);
	if (rc == 0 && spec->has_max_run_time_ms)
		rc = spec_check_range(check, "max_run_time_ms", spec->max_run_time_ms, 1,
			SPEC_TIME_MAX_MS);
	if (rc == 0 && spec->has_pull_policy)
		rc = spec_check_enum(check, "pull_policy",
			&davit__task_spec__pull_policy__descriptor, (int)spec->pull_policy);
	return rc;
}

static int
check_log(const struct spec_check *check)
{
	const Davit__LogConfig *log = check->spec->log_config;

	if (log == NULL)
		return 0;
	if (log->driver != NULL && !rule_is_word(log->driver))
		return err_set(spec_at(check, "log_config.driver"), -EINVAL,
			"'%.64s' is no log driver; want such as json-file, local or journald",
			log->driver);
	return spec_check_map(check, &(struct spec_map){.field = "log_config.options",
					     .entries = log->options,
					     .n = log->n_options,
					     .n_max = SPEC_LIST_MAX,
					     .value_max = SPEC_VALUE_MAX,
					     .is_key = rule_is_label_key,
					     .want = "such as max-size"});
}

/* Only those that a container has for itself may be set in it. */
static bool
is_sysctl(const char *key)
{
	static const char *const whole[] = {"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni",
		"kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni",
		"kernel.shm_rmid_forced"};

	if (!rule_is_label_key(key))
		return false;
	if (strncmp(key, "net.", 4) == 0 || strncmp(key, "fs.mqueue.", 10) == 0)
		return true;
	for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
		if (strcmp(key, whole[i]) == 0)
			return true;
	return false;
}

/* os, os/arch or os/arch/variant */
static bool
is_platform(const char *text)
{
	size_t parts = 1;

	if (!rule_is_word(text))
		return false;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '/' && (p == text || p[1] == '/' || p[1] == '\0' || ++parts > 3))
			return false;
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_-./", *p) == NULL)
			return false;
	}
	return true;
}

static int
check_engine(const struct spec_check *check)
{
	const Davit__TaskSpec *spec = check->spec;
	int rc = spec_check_map(check,
		&(struct spec_map){.field = "sysctls",
			.entries = spec->sysctls,
			.n = spec->n_sysctls,
			.n_max = SPEC_LIST_MAX,
			.value_max = SPEC_VALUE_MAX,
			.is_key = is_sysctl,
			.want = "net.*, fs.mqueue.* or one of kernel.{msg,sem,shm}*: others belong "
				"to the whole host"});

	if (rc < 0)
		return rc;
	if (spec->runtime != NULL && !rule_is_word(spec->runtime))
		return err_set(spec_at(check, "runtime"), -EINVAL,
			"'%.64s' is no runtime; want such as runc", spec->runtime);
	if (spec->platform != NULL && !is_platform(spec->platform))
		return err_set(spec_at(check, "platform"), -EINVAL,
			"'%.64s' is no platform; want such as linux/amd64", spec->platform);
	return 0;
}

static int
check_disconnect(const struct spec_check *check)
{
	const Davit__Disconnect *wish = check->spec->disconnect;
	Davit__Disconnect__Mode mode;
	int rc;

	if (wish == NULL)
		return 0;
	mode = wish->has_mode ? wish->mode : DAVIT__DISCONNECT__MODE__DEFAULT;
	rc = spec_check_enum(check, "disconnect.mode", &davit__disconnect__mode__descriptor,
		(int)mode);
	if (rc == 0 && wish->has_replace_after_ms)
		rc = spec_check_range(check, "disconnect.replace_after_ms", wish->replace_after_ms,
			1, SPEC_TIME_MAX_MS);
	if (rc == 0 && wish->has_stop_after_ms)
		rc = spec_check_range(check, "disconnect.stop_after_ms", wish->stop_after_ms, 1,
			SPEC_TIME_MAX_MS);
	if (rc < 0)
		return rc;
	if (mode == DAVIT__DISCONNECT__MODE__STOP_AFTER && wish->stop_after_ms == 0)
		return err_set(spec_at(check, "disconnect.stop_after_ms"), -EINVAL,
			"is required for STOP_AFTER; want a duration such as 30s");
	if (mode != DAVIT__DISCONNECT__MODE__STOP_AFTER && wish->has_stop_after_ms)
		return err_set(spec_at(check, "disconnect.stop_after_ms"), -EINVAL,
			"has a meaning only with the mode STOP_AFTER");
	if (mode != DAVIT__DISCONNECT__MODE__REPLACE && mode != DAVIT__DISCONNECT__MODE__DEFAULT &&
		wish->has_replace_after_ms)
		return err_set(spec_at(check, "disconnect.replace_after_ms"), -EINVAL,
			"has a meaning only with the mode REPLACE");
	return 0;
}

int
spec_check_policy(const struct spec_check *check)
{
	static int (*const parts[])(const struct spec_check *) = {check_restart, check_health,
		check_end, check_log, check_engine, check_disconnect};

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		int rc = parts[i](check);

		if (rc < 0)
			return rc;
	}
	return 0;
}
