/* The engine in memory on a real clock: one timer for the world, whatever it holds.
 * tested by tests/unit/test_engine_mem.c */
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/docker/engine_mem_impl.h"

struct mem_loop {
	uv_timer_t timer;
	struct engine_mem_world *world; /* NULL: off */
	uint64_t wall_offset_ms;        /* from the steady clock to the world's */
	uint64_t armed_ms;              /* when the timer fires, on the world's clock */
	bool inside, owns_world;
};

static uint64_t
loop_now(const struct mem_loop *loop)
{
	return clock_mono_ms() + loop->wall_offset_ms;
}

static void tick(uv_timer_t *timer);

static void
arm(struct mem_loop *loop)
{
	uint64_t next_ms = engine_mem_next(loop->world), now_ms = loop_now(loop);

	if (next_ms == UINT64_MAX) {
		(void)uv_timer_stop(&loop->timer);
		loop->armed_ms = UINT64_MAX;
		return;
	}
	loop->armed_ms = next_ms;
	(void)uv_timer_start(&loop->timer, tick, next_ms > now_ms ? next_ms - now_ms : 0, 0);
}

static void
tick(uv_timer_t *timer)
{
	struct mem_loop *loop = timer->data;

	loop->inside = true;
	engine_mem_advance_once(loop->world, loop_now(loop));
	loop->inside = false;
	if (loop->world != NULL)
		arm(loop);
}

void
engine_mem_loop_wake(struct engine_mem_world *world)
{
	struct mem_loop *loop = world->loop;

	if (loop == NULL || loop->inside)
		return;
	if (loop->armed_ms == UINT64_MAX || engine_mem_next(world) < loop->armed_ms) {
		/* The loop's idea of now may be old: a timer must not fire too late. */
		uv_update_time(loop->timer.loop);
		arm(loop);
	}
}

void
engine_mem_on_loop(struct engine_mem_world *world, uv_loop_t *loop)
{
	struct mem_loop *mine = xcalloc(1, sizeof *mine);
	uint64_t wall_ms = clock_wall_ms();

	mine->world = world;
	mine->timer.data = mine;
	if (world->now_ms < wall_ms)
		engine_mem_advance(world, wall_ms);
	mine->wall_offset_ms = world->now_ms - clock_mono_ms();
	(void)uv_timer_init(loop, &mine->timer);
	world->loop = mine;
	arm(mine);
}

static void
closed(uv_handle_t *handle)
{
	struct mem_loop *loop = handle->data;

	if (loop->owns_world)
		engine_mem_world_free(loop->world);
	free(loop);
}

void
engine_mem_off_loop(struct engine_mem_world *world)
{
	struct mem_loop *loop = world->loop;

	if (loop == NULL)
		return;
	world->loop = NULL;
	if (loop->owns_world)
		return; /* it is closing already */
	loop->world = NULL;
	uv_close((uv_handle_t *)&loop->timer, closed);
}

void
engine_mem_loop_end(struct engine_mem_world *world)
{
	struct mem_loop *loop = world->loop;

	world->loop = NULL;
	loop->owns_world = true;
	uv_close((uv_handle_t *)&loop->timer, closed);
}
