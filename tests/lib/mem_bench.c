#include "tests/lib/mem_bench.h"

#include "tests/lib/test.h"

void
mem_bench_fini_cleanup(struct mem_bench *bench)
{
	engine_close(bench->engine);
	engine_mem_world_free(bench->world);
}

struct mem_bench
mem_bench_make(const struct engine_mem_options *options)
{
	struct mem_bench bench = {.world = engine_mem_world_new(options)};

	bench.engine = engine_mem_open(bench.world);
	return bench;
}
void
mem_bench_pass(struct mem_bench *bench, uint64_t ms)
{
	engine_mem_advance(bench->world, engine_mem_now(bench->world) + ms);
}

const char *
mem_bench_body(const char *image)
{
	static char body[512];

	(void)snprintf(body, sizeof body,
		"{\"Image\":\"%s\",\"Labels\":{\"davit.node\":\"n1\"},\"HostConfig\":{"
		"\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"8080\"}]}}}",
		image);
	return body;
}

void
mem_bench_run(struct mem_bench *bench, const char *name, const char *body, struct got *ret_got)
{
	struct got started = {0};

	*ret_got = (struct got){0};
	engine_container_create(bench->engine,
		&(struct engine_creation){.name = name, .body = body}, got_id, ret_got);
	CHECK_EQ(ret_got->n, 0); /* never from inside */
	mem_bench_pass(bench, 100);
	CHECK_EQ(ret_got->n, 1);
	CHECK_OK(ret_got->err.code, &ret_got->err);
	CHECK_EQ(strlen(ret_got->id), ENGINE_ID_MAX);
	engine_container_start(bench->engine, ret_got->id, got_done, &started);
	mem_bench_pass(bench, 0);
	CHECK_EQ(started.n, 1);
	CHECK_OK(started.err.code, &started.err);
}

struct got
mem_bench_inspect(struct mem_bench *bench, const char *id)
{
	struct got got = {0};

	engine_container_inspect(bench->engine, id, got_container, &got);
	mem_bench_pass(bench, 0);
	CHECK_EQ(got.n, 1);
	return got;
}
