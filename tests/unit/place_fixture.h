/*
 * place_fixture.h - requests for the scheduler, written down shortly.
 *
 * A fixture owns what it makes; nothing in it may be freed with protobuf-c. Tests only.
 */
#pragma once

#include <inttypes.h>
#include <stdbool.h>

#include "common/base/mem.h"
#include "services/scheduler/placer.h"
#include "tests/lib/test.h"

enum { FIXTURE_MAX = 4096, GIB_SHIFT = 30 };
#define GIB ((uint64_t)1 << GIB_SHIFT)
#define MIB ((uint64_t)1 << 20)

struct fixture {
	Davit__PlaceRequest request;
	Davit__PlaceNode *nodes[FIXTURE_MAX];
	Davit__PlaceSpec *specs[FIXTURE_MAX];
	Davit__PlaceTask *tasks[FIXTURE_MAX];
	void *blocks[16 * FIXTURE_MAX]; /* everything that was allocated */
	size_t n_blocks;
};

static inline void *
fixture_block(struct fixture *fixture, size_t size)
{
	void *block = xcalloc(1, size);

	CHECK(fixture->n_blocks < 16 * FIXTURE_MAX);
	fixture->blocks[fixture->n_blocks++] = block;
	return block;
}

__attribute__((format(printf, 2, 3))) static inline char *
fixture_text(struct fixture *fixture, const char *fmt, ...)
{
	char text[512], *copy;
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	copy = fixture_block(fixture, strlen(text) + 1);
	memcpy(copy, text, strlen(text) + 1);
	return copy;
}

/* An empty snapshot of version 1. */
static inline struct fixture *
fixture_new(void)
{
	struct fixture *fixture = xcalloc(1, sizeof *fixture);

	davit__place_request__init(&fixture->request);
	fixture->request.has_snapshot = fixture->request.snapshot = true;
	fixture->request.has_version = true;
	fixture->request.version = 1;
	fixture->request.nodes = fixture->nodes;
	fixture->request.specs = fixture->specs;
	fixture->request.tasks = fixture->tasks;
	return fixture;
}

static inline void
fixture_free(struct fixture *fixture)
{
	for (size_t i = 0; i < fixture->n_blocks; i++)
		free(fixture->blocks[i]);
	free(fixture);
}
CLEANUP_DEFINE(struct fixture *, fixture_free)

/* A ready node with an engine of its own, 100 dynamic ports, named as its id. */
static inline Davit__PlaceNode *
fixture_node(struct fixture *fixture, const char *id, uint64_t cpu_milli, uint64_t memory_bytes)
{
	Davit__PlaceNode *node = fixture_block(fixture, sizeof *node);

	davit__place_node__init(node);
	node->id = fixture_text(fixture, "%s", id);
	node->name = node->id;
	node->has_schedulable = node->schedulable = true;
	node->has_state = true;
	node->state = DAVIT__NODE__STATE__READY;
	node->n_ports_free = 100;
	node->capacity = fixture_block(fixture, sizeof *node->capacity);
	davit__resources__init(node->capacity);
	node->capacity->cpu_milli = cpu_milli;
	node->capacity->memory_bytes = memory_bytes;
	node->capacity->disk_bytes = 100 * GIB;
	node->reserved = fixture_block(fixture, sizeof *node->reserved);
	davit__resources__init(node->reserved);
	fixture->nodes[fixture->request.n_nodes++] = node;
	return node;
}

static inline void
fixture_label(struct fixture *fixture, Davit__PlaceNode *node, const char *key, const char *value)
{
	Davit__StringEntry *entry = fixture_block(fixture, sizeof *entry);

	davit__string_entry__init(entry);
	entry->key = fixture_text(fixture, "%s", key);
	entry->value = value == NULL ? NULL : fixture_text(fixture, "%s", value);
	if (node->labels == NULL)
		node->labels = fixture_block(fixture, 512 * sizeof(Davit__StringEntry *));
	node->labels[node->n_labels++] = entry;
}

static inline void
fixture_engine(struct fixture *fixture, Davit__PlaceNode *node, const char *id, const char *os,
	const char *arch)
{
	node->engine = fixture_block(fixture, sizeof *node->engine);
	davit__engine_info__init(node->engine);
	node->engine->id = fixture_text(fixture, "%s", id);
	node->engine->os = fixture_text(fixture, "%s", os);
	node->engine->arch = fixture_text(fixture, "%s", arch);
}

static inline void
fixture_taken_port(struct fixture *fixture, Davit__PlaceNode *node, uint32_t port)
{
	if (node->host_ports == NULL)
		node->host_ports = fixture_block(fixture, 64 * sizeof(uint32_t));
	node->host_ports[node->n_host_ports++] = port;
}

/* A spec, and a task of it; both have the same id. */
static inline Davit__TaskSpec *
fixture_task(struct fixture *fixture, const char *id, uint64_t cpu_milli, uint64_t memory_bytes)
{
	Davit__PlaceSpec *item = fixture_block(fixture, sizeof *item);
	Davit__PlaceTask *task = fixture_block(fixture, sizeof *task);

	davit__place_spec__init(item);
	item->id = fixture_text(fixture, "%s", id);
	item->spec = fixture_block(fixture, sizeof *item->spec);
	davit__task_spec__init(item->spec);
	item->spec->cpu_milli = cpu_milli;
	item->spec->memory_bytes = memory_bytes;
	fixture->specs[fixture->request.n_specs++] = item;
	davit__place_task__init(task);
	task->task_id = item->id;
	task->spec_id = item->id;
	fixture->tasks[fixture->request.n_tasks++] = task;
	return item->spec;
}

/* One more task of a spec that is there. */
static inline Davit__PlaceTask *
fixture_again(struct fixture *fixture, const char *id, const char *spec_id)
{
	Davit__PlaceTask *task = fixture_block(fixture, sizeof *task);

	davit__place_task__init(task);
	task->task_id = fixture_text(fixture, "%s", id);
	task->spec_id = fixture_text(fixture, "%s", spec_id);
	fixture->tasks[fixture->request.n_tasks++] = task;
	return task;
}

static inline void
fixture_avoid(struct fixture *fixture, Davit__PlaceTask *task, const char *node_id)
{
	if (task->avoid_nodes == NULL)
		task->avoid_nodes = fixture_block(fixture, 64 * sizeof(char *));
	task->avoid_nodes[task->n_avoid_nodes++] = fixture_text(fixture, "%s", node_id);
}

static inline void
fixture_port(struct fixture *fixture, Davit__TaskSpec *spec, uint32_t host_port)
{
	Davit__Port *port = fixture_block(fixture, sizeof *port);

	davit__port__init(port);
	port->container_port = 80;
	port->host_port = host_port;
	if (spec->ports == NULL)
		spec->ports = fixture_block(fixture, 64 * sizeof(Davit__Port *));
	spec->ports[spec->n_ports++] = port;
}

static inline void
fixture_constraint(struct fixture *fixture, Davit__TaskSpec *spec, const char *constraint)
{
	if (spec->constraints == NULL)
		spec->constraints = fixture_block(fixture, 64 * sizeof(char *));
	spec->constraints[spec->n_constraints++] = fixture_text(fixture, "%s", constraint);
}

/* The node that a task was placed on; "-" when it was refused. */
static inline const char *
placed_on(const Davit__PlaceReply *reply, const char *task_id)
{
	for (size_t i = 0; i < reply->n_placements; i++) {
		if (strcmp(reply->placements[i]->task_id, task_id) == 0)
			return reply->placements[i]->node_id;
	}
	return "-";
}

/* The sentence of a task's refusal; "" when it was placed. */
static inline const char *
refused_with(const Davit__PlaceReply *reply, const char *task_id)
{
	for (size_t i = 0; i < reply->n_refusals; i++) {
		if (strcmp(reply->refusals[i]->task_id, task_id) == 0)
			return reply->refusals[i]->message;
	}
	return "";
}
