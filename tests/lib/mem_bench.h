/*
 * mem_bench.h - a world in memory (engine_mem.h) with one client, for a test.
 */
#pragma once

#include "common/docker/engine_mem.h"
#include "tests/lib/got.h"

struct mem_bench {
	struct engine_mem_world *world;
	struct engine *engine;
};

/* For CLEANUP(mem_bench_fini). engine may be NULL by then. */
void mem_bench_fini_cleanup(struct mem_bench *bench);
struct mem_bench mem_bench_make(const struct engine_mem_options *options);
#define BENCH(...)               \
	CLEANUP(mem_bench_fini)  \
	struct mem_bench bench = \
		mem_bench_make(&(struct engine_mem_options){.seed = 1, __VA_ARGS__})

/* Lets time pass. */
void mem_bench_pass(struct mem_bench *bench, uint64_t ms);
/* The body of a create: this image, the label davit.node=n1, host port 8080. Until the next call.
 */
const char *mem_bench_body(const char *image);
/* Creates and starts; the id is in ret_got. */
void mem_bench_run(struct mem_bench *bench, const char *name, const char *body,
	struct got *ret_got);
struct got mem_bench_inspect(struct mem_bench *bench, const char *id);
