#include "tests/lib/scene.h"

#include "common/base/clock.h"
#include "tests/lib/test.h"

enum { TIMEOUT_MS = 90000, PATIENCE_MS = 120000 };

static void
ignore(uv_timer_t *timer)
{
	(void)timer;
}

void
scene_open(struct scene *scene, const struct fake_answer *answers, size_t n, bool tcp)
{
	struct err err = {0};

	CHECK_EQ(uv_loop_init(&scene->loop), 0);
	fake_http_open(&scene->fake, &scene->loop, tcp, answers, n);
	(void)uv_timer_init(&scene->loop, &scene->tick);
	(void)uv_timer_start(&scene->tick, ignore, 20, 20);
	CHECK_OK(engine_open_http(&scene->loop,
			 &(struct engine_http_options){
				 .host = scene->fake.host,
				 .timeout_ms =
					 scene->timeout_ms != 0 ? scene->timeout_ms : TIMEOUT_MS,
			 },
			 &scene->engine, &err),
		&err);
}

void
scene_close_cleanup(struct scene *scene)
{
	engine_close(scene->engine);
	fake_http_close(&scene->fake);
	uv_close((uv_handle_t *)&scene->tick, NULL);
	(void)uv_run(&scene->loop, UV_RUN_DEFAULT);
	CHECK_EQ(uv_loop_close(&scene->loop), 0);
}
void
scene_wait(struct scene *scene, const struct got *got, unsigned n)
{
	uint64_t until_ms = clock_mono_ms() + PATIENCE_MS;

	while (got->n < n) {
		if (clock_mono_ms() > until_ms)
			fail_msg("waited in vain for callback %u", n);
		(void)uv_run(&scene->loop, UV_RUN_ONCE);
	}
	CHECK_EQ(got->n, n);
}

struct got
scene_inspect(struct scene *scene)
{
	struct got got = {0};

	engine_container_inspect(scene->engine, "c1", got_container, &got);
	scene_wait(scene, &got, 1);
	return got;
}
