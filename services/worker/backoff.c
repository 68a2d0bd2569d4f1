#include "services/worker/backoff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DELAY_MS = 100,
	MAX_DELAY_MS = 60000,
	RESET_AFTER_MS = 10000,
	DOUBLINGS_MAX = 40,
};

static const char *const condition_name[] = {
	[DAVIT__RESTART_POLICY__CONDITION__NO] = "no",
	[DAVIT__RESTART_POLICY__CONDITION__ON_FAILURE] = "on-failure",
	[DAVIT__RESTART_POLICY__CONDITION__ALWAYS] = "always",
	[DAVIT__RESTART_POLICY__CONDITION__UNLESS_STOPPED] = "unless-stopped",
};
enum { N_CONDITIONS = sizeof condition_name / sizeof condition_name[0] };

void
worker_restart_fill(const Davit__RestartPolicy *policy, struct worker_restart *ret_restart)
{
	*ret_restart = (struct worker_restart){
		.delay_ms = DELAY_MS,
		.max_delay_ms = MAX_DELAY_MS,
		.reset_after_ms = RESET_AFTER_MS,
	};
	if (policy == NULL)
		return;
	if (policy->has_condition && (unsigned)policy->condition < N_CONDITIONS)
		ret_restart->condition = policy->condition;
	ret_restart->max_attempts = policy->max_attempts;
	if (policy->has_delay_ms)
		ret_restart->delay_ms = policy->delay_ms;
	if (policy->has_max_delay_ms)
		ret_restart->max_delay_ms = policy->max_delay_ms;
	if (policy->has_reset_after_ms)
		ret_restart->reset_after_ms = policy->reset_after_ms;
}

bool
worker_restart_wanted(const struct worker_restart *restart, int exit_code, uint32_t n_again)
{
	switch (restart->condition) {
	case DAVIT__RESTART_POLICY__CONDITION__ALWAYS:
	case DAVIT__RESTART_POLICY__CONDITION__UNLESS_STOPPED:
		return true;
	case DAVIT__RESTART_POLICY__CONDITION__ON_FAILURE:
		return exit_code != 0 &&
		       (restart->max_attempts == 0 || n_again < restart->max_attempts);
	default:
		return false;
	}
}

static uint64_t
doubled(uint64_t first, unsigned times, uint64_t max)
{
	if (first == 0)
		return 0;
	for (unsigned i = 0; i < times && i < DOUBLINGS_MAX && first < max; i++)
		first = first > max / 2 ? max : first * 2;
	return first < max ? first : max;
}

uint64_t
worker_restart_delay_ms(const struct worker_restart *restart, uint32_t n_again)
{
	return n_again == 0 ? 0 : doubled(restart->delay_ms, n_again - 1, restart->max_delay_ms);
}

const char *
worker_restart_format(const struct worker_restart *restart, char ret_text[WORKER_RESTART_TEXT_SIZE])
{
	if (restart->max_attempts == 0)
		(void)snprintf(ret_text, WORKER_RESTART_TEXT_SIZE, "%s",
			condition_name[restart->condition]);
	else
		(void)snprintf(ret_text, WORKER_RESTART_TEXT_SIZE, "%s:%u",
			condition_name[restart->condition], (unsigned)restart->max_attempts);
	return ret_text;
}

void
worker_restart_parse(const char *text, struct worker_restart *ret_restart)
{
	size_t size = text == NULL ? 0 : strcspn(text, ":");

	worker_restart_fill(NULL, ret_restart);
	for (unsigned i = 0; i < N_CONDITIONS && size > 0; i++) {
		if (strlen(condition_name[i]) != size || memcmp(condition_name[i], text, size) != 0)
			continue;
		ret_restart->condition = (Davit__RestartPolicy__Condition)i;
		if (text[size] == ':')
			ret_restart->max_attempts = (uint32_t)strtoul(text + size + 1, NULL, 10);
	}
}

uint64_t
worker_retry_delay_ms(unsigned n_failed, uint64_t min_ms, uint64_t max_ms, uint32_t random)
{
	uint64_t delay = doubled(min_ms, n_failed, max_ms);

	return delay - delay / 4 + random % (delay / 4 + 1);
}
