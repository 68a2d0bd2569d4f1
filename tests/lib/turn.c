#include "tests/lib/turn.h"

#include "common/base/clock.h"
#include "tests/lib/test.h"

static void
on_tick(uv_timer_t *timer)
{
	(void)timer;
}

static void
on_tick_closed(uv_handle_t *handle)
{
	*(bool *)handle->data = false;
}

static bool
turn(uv_loop_t *loop, turn_fn *is_true, void *arg, uint64_t patience_ms)
{
	uint64_t end_ms = clock_mono_ms() + patience_ms;
	bool is_open = true, is_done;
	uv_timer_t tick;

	CHECK_EQ(uv_timer_init(loop, &tick), 0);
	tick.data = &is_open;
	CHECK_EQ(uv_timer_start(&tick, on_tick, 1, 1), 0);
	while (!(is_done = is_true(arg)) && clock_mono_ms() < end_ms)
		(void)uv_run(loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&tick, on_tick_closed);
	while (is_open)
		(void)uv_run(loop, UV_RUN_NOWAIT);
	return is_done;
}

void
turn_until(uv_loop_t *loop, turn_fn *is_true, void *arg, const char *what)
{
	if (!turn(loop, is_true, arg, TURN_PATIENCE_MS))
		fail_msg("waited %d s for %s", TURN_PATIENCE_MS / 1000, what);
}

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

void
turn_for(uv_loop_t *loop, unsigned ms)
{
	(void)turn(loop, never, NULL, ms);
}

void
turn_end(uv_loop_t *loop)
{
	CHECK_EQ(uv_run(loop, UV_RUN_DEFAULT), 0);
	CHECK_EQ(uv_loop_close(loop), 0);
}
