#include "services/worker/width.h"

void
worker_width_init(struct worker_width *width, unsigned first, unsigned min, unsigned max)
{
	*width = (struct worker_width){.now = first,
		.base = first,
		.min = min,
		.max = max,
		.rest = 1};
}

static void
close_window(struct worker_width *width)
{
	width->n_ended = 0;
	width->began_ms = 0;
}

/* The base and a quarter of it, up or down, within the bounds. */
static unsigned
neighbour(const struct worker_width *width, bool less)
{
	unsigned step = width->base / 4 > 0 ? width->base / 4 : 1;

	if (less)
		return width->base < width->min + step ? width->min : width->base - step;
	return width->base + step > width->max ? width->max : width->base + step;
}

static void
begin_try(struct worker_width *width)
{
	if (neighbour(width, width->tries_less) == width->base)
		width->tries_less = !width->tries_less;
	width->now = neighbour(width, width->tries_less);
	width->step = WORKER_WIDTH_SETTLE;
}

static void
end_try(struct worker_width *width, uint64_t rate)
{
	if (rate * 100 >= width->base_rate * (100 + WORKER_WIDTH_GAIN_PERCENT)) {
		width->base = width->now;
		width->rest = 1;
	} else {
		width->tries_less = !width->tries_less;
		width->rest = 2 * width->rest < WORKER_WIDTH_REST_MAX ? 2 * width->rest
								      : WORKER_WIDTH_REST_MAX;
	}
	width->n_rest = width->rest;
	width->now = width->base;
	width->step = WORKER_WIDTH_MEASURE;
}

/* A window is full: starts ended at this rate with the present width. */
static void
judge(struct worker_width *width, uint64_t rate)
{
	width->is_halved = false;
	switch (width->step) {
	case WORKER_WIDTH_MEASURE:
		width->base_rate = rate;
		if (width->n_rest > 0)
			width->n_rest--;
		else
			begin_try(width);
		break;
	case WORKER_WIDTH_SETTLE: /* those that began with the width before have ended */
		width->step = WORKER_WIDTH_TRY;
		break;
	case WORKER_WIDTH_TRY:
		end_try(width, rate);
		break;
	}
}

void
worker_width_tick(struct worker_width *width, uint64_t now_ms, unsigned n, bool is_busy)
{
	unsigned want = width->step == WORKER_WIDTH_SETTLE ? width->now : 2 * width->now;

	if (width->min == width->max)
		return;
	if (!is_busy) { /* the rate says how many there are, not what the engine can do */
		close_window(width);
		return;
	}
	if (width->began_ms == 0) {
		width->began_ms = now_ms;
		return;
	}
	width->n_ended += n;
	if (width->step != WORKER_WIDTH_SETTLE && want < WORKER_WIDTH_WINDOW_MIN)
		want = WORKER_WIDTH_WINDOW_MIN;
	if (width->n_ended < want || now_ms == width->began_ms)
		return;
	judge(width, width->n_ended * UINT64_C(1000000) / (now_ms - width->began_ms));
	close_window(width);
	width->began_ms = now_ms;
}

void
worker_width_halve(struct worker_width *width)
{
	if (width->is_halved)
		return;
	width->is_halved = true;
	width->base = width->base / 2 > width->min ? width->base / 2 : width->min;
	width->now = width->base;
	width->step = WORKER_WIDTH_MEASURE;
	width->rest = 1;
	width->n_rest = 0;
	width->tries_less = false;
	close_window(width);
}
