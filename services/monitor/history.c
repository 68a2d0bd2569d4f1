#include "services/monitor/history.h"

#include <assert.h>

#include "common/base/mem.h"

const uint32_t history_steps[HISTORY_TIERS] = {1, 10, 60};

enum {
	UNKNOWN = UINT16_MAX,
	EXACT_MAX = 2048,   /* values below are themselves */
	MANTISSA_BITS = 10, /* of the others, below their first bit */
	MANTISSA = 1 << MANTISSA_BITS,
};

struct history_tier {
	uint16_t codes[HISTORY_POINTS][HISTORY_FIGURE_COUNT];
};

/* A floating-point number of 16 bits without a sign. */
static uint16_t
encode(uint64_t value)
{
	unsigned shift;

	if (value < EXACT_MAX)
		return (uint16_t)value;
	shift = 63 - (unsigned)__builtin_clzll(value) - MANTISSA_BITS;
	return (uint16_t)(EXACT_MAX + (shift - 1) * MANTISSA + (value >> shift) - MANTISSA);
}

static uint64_t
decode(uint16_t code)
{
	unsigned shift;

	if (code < EXACT_MAX)
		return code;
	shift = (unsigned)(code - EXACT_MAX) / MANTISSA + 1;
	return (uint64_t)((code - EXACT_MAX) % MANTISSA + MANTISSA) << shift;
}

static void
tier_forget(struct history_tier *tier)
{
	memset(tier, 0xFF, sizeof *tier);
}

static struct history_tier *
tier_need(struct history *history, unsigned i)
{
	if (history->tiers[i] == NULL) {
		history->tiers[i] = xmalloc(sizeof *history->tiers[i]);
		tier_forget(history->tiers[i]);
	}
	return history->tiers[i];
}

void
history_fini(struct history *history)
{
	for (unsigned i = 0; i < HISTORY_TIERS; i++)
		free(history->tiers[i]);
	*history = (struct history){0};
}

/* What was known of the seconds in [from, to) becomes one point of a coarser tier. */
static void
fold(struct history *history, unsigned i, uint64_t from, uint64_t to)
{
	const struct history_tier *fine = history->tiers[0];
	uint64_t sums[HISTORY_FIGURE_COUNT] = {0};
	unsigned n = 0;
	uint16_t *codes;

	for (uint64_t second = from; second < to; second++) {
		const uint16_t *at = fine->codes[second % HISTORY_POINTS];

		if (at[0] == UNKNOWN)
			continue;
		n++;
		for (unsigned f = 0; f < HISTORY_FIGURE_COUNT; f++)
			sums[f] += decode(at[f]);
	}
	if (n == 0 && history->tiers[i] == NULL)
		return;
	codes = tier_need(history, i)->codes[from / history_steps[i] % HISTORY_POINTS];
	for (unsigned f = 0; f < HISTORY_FIGURE_COUNT; f++)
		codes[f] = n == 0 ? UNKNOWN : encode(sums[f] / n);
}

/* Goes on second by second, so that whole tens and minutes are folded when they are over. */
static void
advance(struct history *history, uint64_t second)
{
	if (history->newest_s == 0 || second - history->newest_s > HISTORY_SPAN_S) {
		for (unsigned i = 0; i < HISTORY_TIERS; i++) {
			if (history->tiers[i] != NULL)
				tier_forget(history->tiers[i]);
		}
		history->newest_s = second - 1;
	}
	while (history->newest_s < second) {
		uint64_t next = ++history->newest_s;

		for (unsigned i = 1; i < HISTORY_TIERS && history->tiers[0] != NULL; i++) {
			if (next % history_steps[i] == 0)
				fold(history, i, next - history_steps[i], next);
		}
		memset(tier_need(history, 0)->codes[next % HISTORY_POINTS], 0xFF,
			sizeof history->tiers[0]->codes[0]);
	}
}

void
history_put(struct history *history, uint64_t second, const struct history_values *values)
{
	uint16_t *codes;

	if (second < history->newest_s || second == 0)
		return;
	advance(history, second);
	codes = history->tiers[0]->codes[second % HISTORY_POINTS];
	for (unsigned f = 0; f < HISTORY_FIGURE_COUNT; f++)
		codes[f] = encode(values->of[f]);
}

uint64_t
history_read(const struct history *history, unsigned tier, uint64_t now_s, unsigned n,
	struct history_point *ret_points)
{
	const struct history_tier *from = history->tiers[tier];
	uint64_t step = history_steps[tier], last = now_s / step - (tier > 0);
	uint64_t newest = history->newest_s / step - (tier > 0), first = last + 1 - n;

	assert(tier < HISTORY_TIERS && n > 0 && n <= HISTORY_POINTS);
	for (unsigned i = 0; i < n; i++) {
		struct history_point *point = &ret_points[i];
		uint64_t at = first + i;
		const uint16_t *codes;

		*point = (struct history_point){0};
		if (from == NULL || at > newest || newest - at >= HISTORY_POINTS)
			continue;
		codes = from->codes[at % HISTORY_POINTS];
		if (codes[0] == UNKNOWN)
			continue;
		point->is_known = true;
		for (unsigned f = 0; f < HISTORY_FIGURE_COUNT; f++)
			point->values.of[f] = decode(codes[f]);
	}
	return first * step;
}

size_t
history_bytes(const struct history *history)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < HISTORY_TIERS; i++)
		bytes += history->tiers[i] == NULL ? 0 : sizeof *history->tiers[i];
	return bytes;
}
