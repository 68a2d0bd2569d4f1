#include "common/model/chaos_rules.h"

#include <errno.h>
#include <stdbool.h>

#include "common/model/limits.h"
#include "tests/lib/test.h"

static Davit__Fault
fault_of(Davit__Fault__Kind kind)
{
	Davit__Fault fault = DAVIT__FAULT__INIT;

	fault.kind = kind;
	return fault;
}

static void
check_refused(const Davit__Fault *fault, const char *want_field, const char *words)
{
	const char *field;
	struct err err;

	CHECK_EQ(chaos_check(fault, &field, &err), -EINVAL);
	CHECK_STR(field, want_field);
	CHECK_HAS(err.text, want_field);
	CHECK_HAS(err.text, words);
}

static void
check_fine(const Davit__Fault *fault)
{
	const char *field;
	struct err err;

	CHECK_OK(chaos_check(fault, &field, &err), &err);
}

TEST(chaos_a_fault_lasts_longer_than_nothing_and_at_most_an_hour)
{
	Davit__Fault fault = fault_of(DAVIT__FAULT__KIND__KILL_NODE);

	check_fine(&fault);
	fault.has_for_ms = true;
	check_refused(&fault, "for_ms", "more than 0");
	fault.for_ms = CHAOS_FOR_MAX_MS + 1;
	check_refused(&fault, "for_ms", "CHAOS_FOR_MAX_MS");
	fault.for_ms = CHAOS_FOR_MAX_MS;
	check_fine(&fault);
	fault.for_ms = 1;
	check_fine(&fault);
}

TEST(chaos_kinds_and_directions_are_those_that_are_known)
{
	Davit__Fault fault = fault_of(DAVIT__FAULT__KIND__KIND_NONE);

	check_refused(&fault, "kind", "PAUSE_ENGINE");
	fault.kind = (Davit__Fault__Kind)99;
	check_refused(&fault, "kind", "PAUSE_ENGINE");
	fault.kind = (Davit__Fault__Kind)-1;
	check_refused(&fault, "kind", "PAUSE_ENGINE");
	fault.kind = DAVIT__FAULT__KIND__PARTITION;
	fault.has_direction = true;
	fault.direction = (Davit__Fault__Direction)3;
	check_refused(&fault, "direction", "BOTH");
	fault.direction = DAVIT__FAULT__DIRECTION__OUT;
	check_fine(&fault);
}

TEST(chaos_slow_says_how_within_limits)
{
	Davit__Fault fault = fault_of(DAVIT__FAULT__KIND__SLOW);

	check_refused(&fault, "delay_ms", "loss_percent");
	fault.has_delay_ms = true;
	fault.delay_ms = CHAOS_DELAY_MAX_MS + 1;
	check_refused(&fault, "delay_ms", "CHAOS_DELAY_MAX_MS");
	fault.delay_ms = CHAOS_DELAY_MAX_MS;
	check_fine(&fault);
	fault.has_loss_percent = true;
	fault.loss_percent = 101;
	check_refused(&fault, "loss_percent", "100");
	fault.loss_percent = 100;
	check_fine(&fault);
}

TEST(chaos_what_means_nothing_to_a_kind_is_refused)
{
	Davit__Fault fault = fault_of(DAVIT__FAULT__KIND__KILL_TASK);
	char signal[] = "KILL";

	fault.has_for_ms = true;
	fault.for_ms = 1000;
	check_refused(&fault, "for_ms", "kill-task");
	fault = fault_of(DAVIT__FAULT__KIND__KILL_NODE);
	fault.has_direction = true;
	check_refused(&fault, "direction", "kill-node");
	fault = fault_of(DAVIT__FAULT__KIND__PARTITION);
	fault.has_delay_ms = true;
	check_refused(&fault, "delay_ms", "partition");
	fault = fault_of(DAVIT__FAULT__KIND__PARTITION);
	fault.has_loss_percent = true;
	check_refused(&fault, "loss_percent", "partition");
	fault = fault_of(DAVIT__FAULT__KIND__PAUSE_ENGINE);
	fault.signal = signal;
	check_refused(&fault, "signal", "pause-engine");
}

TEST(chaos_signals_and_names_are_judged)
{
	Davit__Fault fault = fault_of(DAVIT__FAULT__KIND__KILL_TASK);
	char none[] = "NOPE", by[CHAOS_BY_MAX + 2];

	fault.signal = none;
	check_refused(&fault, "signal", "NOPE");
	fault.signal = NULL;
	memset(by, 'x', sizeof by);
	by[CHAOS_BY_MAX + 1] = '\0';
	fault.by = by;
	check_refused(&fault, "by", "CHAOS_BY_MAX");
	by[CHAOS_BY_MAX] = '\0';
	check_fine(&fault);
	by[0] = (char)0xff;
	check_refused(&fault, "by", "characters");
}

TEST(chaos_defaults_are_filled_and_all_reads_well)
{
	Davit__Fault fault = fault_of(DAVIT__FAULT__KIND__SLOW), *copy;
	char text[CHAOS_TEXT_SIZE], sentence[CHAOS_SENTENCE_SIZE], by[] = "ana@desk", web[] = "web";

	chaos_fill(&fault);
	CHECK_EQ(fault.for_ms, CHAOS_FOR_MS);
	fault.delay_ms = 200;
	CHECK_STR(chaos_text(&fault, text), "slow (200 ms late)");
	fault.loss_percent = 30;
	CHECK_STR(chaos_text(&fault, text), "slow (200 ms late, 30 % lost)");
	fault.delay_ms = 0;
	CHECK_STR(chaos_text(&fault, text), "slow (30 % lost)");
	fault.by = by;
	fault.has_until_ms = true;
	fault.until_ms = 1700000000000;
	CHECK_STR(chaos_sentence(&fault, sentence),
		"slow (30 % lost) for 30s, until 2023-11-14T22:13:20Z, by ana@desk");
	copy = chaos_copy(&fault);
	CHECK_STR(copy->by, "ana@desk");
	davit__fault__free_unpacked(copy, NULL);
	fault = fault_of(DAVIT__FAULT__KIND__KILL_TASK);
	fault.task_name = web;
	chaos_fill(&fault);
	CHECK(!fault.has_for_ms);
	CHECK_STR(chaos_sentence(&fault, sentence), "kill-task web (KILL)");
	fault = fault_of(DAVIT__FAULT__KIND__PARTITION);
	CHECK_STR(chaos_text(&fault, text), "partition");
	fault.direction = DAVIT__FAULT__DIRECTION__IN;
	CHECK_STR(chaos_text(&fault, text), "partition (in)");
	CHECK_STR(chaos_kind_name((Davit__Fault__Kind)77), "fault");
}
