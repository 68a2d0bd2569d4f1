/*
 * engine_impl.h - what a backend of engine.h supplies.
 *
 * A backend embeds struct engine at the head of its engine and struct engine_op
 * at the head of its operations. For backends only.
 */
#pragma once

#include "common/docker/engine_call.h"

struct engine_ops {
	/* Never fails and never calls back from inside: what is wrong is told later, by done. */
	struct engine_op *(*start)(struct engine *engine, const struct engine_call *call);
	void (*cancel)(struct engine_op *op);
	void (*resume)(struct engine_op *op);
	/* How many of the bytes were taken. */
	size_t (*write)(struct engine_op *op, const void *data, size_t size);
	void (*write_end)(struct engine_op *op);
	void (*close)(struct engine *engine);
};

struct engine {
	const struct engine_ops *ops;
	engine_ended_fn *on_ended; /* NULL: nobody looks */
	void *on_ended_arg;
};

struct engine_op {
	struct engine *engine; /* NULL once the engine was closed */
};
