/* Tested by tests/unit/test_chaos_rules.c. */
#include "common/model/chaos_rules.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/base/units.h"
#include "common/model/limits.h"
#include "common/model/rules.h"

static const char *const names[] = {
	[DAVIT__FAULT__KIND__KILL_NODE] = "kill-node",
	[DAVIT__FAULT__KIND__PARTITION] = "partition",
	[DAVIT__FAULT__KIND__PAUSE_ENGINE] = "pause-engine",
	[DAVIT__FAULT__KIND__SLOW] = "slow",
	[DAVIT__FAULT__KIND__KILL_TASK] = "kill-task",
};

const char *
chaos_kind_name(Davit__Fault__Kind kind)
{
	size_t i = (size_t)kind;

	return i < sizeof names / sizeof names[0] && names[i] != NULL ? names[i] : "fault";
}

static int
check_slow(const Davit__Fault *fault, const char **ret_field, struct err *err)
{
	*ret_field = "delay_ms";
	if (fault->delay_ms > CHAOS_DELAY_MAX_MS)
		return err_set(err, -EINVAL, "at most %d s (CHAOS_DELAY_MAX_MS)",
			CHAOS_DELAY_MAX_MS / 1000);
	if (fault->delay_ms == 0 && fault->loss_percent == 0)
		return err_set(err, -EINVAL, "slow how? give delay_ms or loss_percent");
	*ret_field = "loss_percent";
	if (fault->loss_percent > 100)
		return err_set(err, -EINVAL, "at most 100");
	return 0;
}

static int
check_signal(const Davit__Fault *fault, const char **ret_field, struct err *err)
{
	*ret_field = "signal";
	if (fault->signal != NULL && rule_signal_number(fault->signal) < 0)
		return err_set(err, -EINVAL, "'%.40s' is no signal", fault->signal);
	return 0;
}

/* Fields that would do nothing are refused: whoever gave them expects something else. */
static int
check_strays(const Davit__Fault *fault, const char **ret_field, struct err *err)
{
	Davit__Fault__Kind kind = fault->kind;

	if (kind != DAVIT__FAULT__KIND__PARTITION && fault->has_direction)
		*ret_field = "direction";
	else if (kind != DAVIT__FAULT__KIND__SLOW && fault->has_delay_ms)
		*ret_field = "delay_ms";
	else if (kind != DAVIT__FAULT__KIND__SLOW && fault->has_loss_percent)
		*ret_field = "loss_percent";
	else if (kind != DAVIT__FAULT__KIND__KILL_TASK && fault->signal != NULL)
		*ret_field = "signal";
	else if (kind == DAVIT__FAULT__KIND__KILL_TASK && fault->has_for_ms)
		*ret_field = "for_ms";
	else
		return 0;
	return err_set(err, -EINVAL, "means nothing to %s", chaos_kind_name(kind));
}

static int
check(const Davit__Fault *fault, const char **ret_field, struct err *err)
{
	Davit__Fault__Kind kind = fault->kind;

	*ret_field = "kind";
	if (strcmp(chaos_kind_name(kind), "fault") == 0)
		return err_set(err, -EINVAL,
			"want KILL_NODE, PARTITION, PAUSE_ENGINE, SLOW or KILL_TASK");
	*ret_field = "by";
	if (fault->by != NULL && (strlen(fault->by) > CHAOS_BY_MAX || !rule_is_utf8(fault->by)))
		return err_set(err, -EINVAL, "at most %d characters (CHAOS_BY_MAX)", CHAOS_BY_MAX);
	if (check_strays(fault, ret_field, err) < 0)
		return err->code;
	*ret_field = "for_ms";
	if (fault->has_for_ms && (fault->for_ms == 0 || fault->for_ms > CHAOS_FOR_MAX_MS))
		return err_set(err, -EINVAL, "want more than 0, at most %d min (CHAOS_FOR_MAX_MS)",
			CHAOS_FOR_MAX_MS / 60000);
	*ret_field = "direction";
	if (fault->has_direction && (unsigned)fault->direction > DAVIT__FAULT__DIRECTION__OUT)
		return err_set(err, -EINVAL, "want BOTH, IN or OUT");
	if (kind == DAVIT__FAULT__KIND__SLOW)
		return check_slow(fault, ret_field, err);
	return check_signal(fault, ret_field, err);
}

/* People do not see the field, so it is named in the words, too. */
int
chaos_check(const Davit__Fault *fault, const char **ret_field, struct err *err)
{
	int rc = check(fault, ret_field, err);

	return rc < 0 ? err_wrap(err, "%s", *ret_field) : 0;
}

Davit__Fault *
chaos_copy(const Davit__Fault *fault)
{
	size_t size = davit__fault__get_packed_size(fault);
	Davit__Fault *copy;
	uint8_t *packed = xmalloc(size + 1);

	(void)davit__fault__pack(fault, packed);
	copy = davit__fault__unpack(NULL, size, packed);
	free(packed);
	return copy;
}

void
chaos_fill(Davit__Fault *fault)
{
	fault->has_kind = true;
	if (fault->kind == DAVIT__FAULT__KIND__KILL_TASK) {
		if (fault->signal == NULL)
			fault->signal = "KILL";
		return;
	}
	if (!fault->has_for_ms)
		fault->for_ms = CHAOS_FOR_MS;
	fault->has_for_ms = true;
}

const char *
chaos_text(const Davit__Fault *fault, char text[CHAOS_TEXT_SIZE])
{
	const char *name = chaos_kind_name(fault->kind);

	if (fault->kind == DAVIT__FAULT__KIND__PARTITION && fault->direction != 0)
		(void)snprintf(text, CHAOS_TEXT_SIZE, "%s (%s)", name,
			fault->direction == DAVIT__FAULT__DIRECTION__IN ? "in" : "out");
	else if (fault->kind == DAVIT__FAULT__KIND__SLOW && fault->loss_percent == 0)
		(void)snprintf(text, CHAOS_TEXT_SIZE, "%s (%" PRIu64 " ms late)", name,
			fault->delay_ms);
	else if (fault->kind == DAVIT__FAULT__KIND__SLOW && fault->delay_ms == 0)
		(void)snprintf(text, CHAOS_TEXT_SIZE, "%s (%" PRIu32 " %% lost)", name,
			fault->loss_percent);
	else if (fault->kind == DAVIT__FAULT__KIND__SLOW)
		(void)snprintf(text, CHAOS_TEXT_SIZE,
			"%s (%" PRIu64 " ms late, %" PRIu32 " %% lost)", name, fault->delay_ms,
			fault->loss_percent);
	else if (fault->kind == DAVIT__FAULT__KIND__KILL_TASK)
		(void)snprintf(text, CHAOS_TEXT_SIZE, "%s %.100s (%.20s)", name,
			fault->task_name != NULL ? fault->task_name : "",
			fault->signal != NULL ? fault->signal : "KILL");
	else
		(void)snprintf(text, CHAOS_TEXT_SIZE, "%s", name);
	return text;
}

const char *
chaos_sentence(const Davit__Fault *fault, char sentence[CHAOS_SENTENCE_SIZE])
{
	time_t until = (time_t)(fault->until_ms / 1000);
	char text[CHAOS_TEXT_SIZE], length[UNITS_TEXT_SIZE], when[64] = "";
	struct tm utc;

	if (fault->has_until_ms && gmtime_r(&until, &utc) != NULL)
		(void)strftime(when, sizeof when, ", until %Y-%m-%dT%H:%M:%SZ", &utc);
	(void)snprintf(sentence, CHAOS_SENTENCE_SIZE, "%s%s%s%s%s%s", chaos_text(fault, text),
		fault->has_for_ms ? " for " : "",
		fault->has_for_ms ? units_format_duration(fault->for_ms, length) : "", when,
		fault->by != NULL ? ", by " : "", fault->by != NULL ? fault->by : "");
	return sentence;
}
