#include "services/scheduler/engines.h"

#include <assert.h>

#include <uthash.h>

#include "common/base/mem.h"

struct engine {
	UT_hash_handle hh; /* only those with an id */
	char *id;
	uint32_t handle;
	uint32_t n_refs;
	uint16_t *ports; /* ascending, each once: a node has some dozens, not thousands */
	uint32_t n_ports;
	uint32_t room;
};

struct engines {
	struct engine *by_id;
	struct engine **by_handle; /* NULL: vacant */
	uint32_t n_handles;
	uint32_t room;
	uint32_t *vacant;
	uint32_t n_vacant;
};

struct engines *
engines_new(void)
{
	return xcalloc(1, sizeof(struct engines));
}

static void
engine_free(struct engine *engine)
{
	if (engine == NULL)
		return;
	free(engine->id);
	free(engine->ports);
	free(engine);
}

void
engines_free(struct engines *engines)
{
	if (engines == NULL)
		return;
	HASH_CLEAR(hh, engines->by_id);
	for (uint32_t i = 0; i < engines->n_handles; i++)
		engine_free(engines->by_handle[i]);
	free(engines->by_handle);
	free(engines->vacant);
	free(engines);
}

static uint32_t
handle_take(struct engines *engines)
{
	if (engines->n_vacant > 0)
		return engines->vacant[--engines->n_vacant];
	if (engines->n_handles == engines->room) {
		engines->room = engines->room == 0 ? 16 : engines->room * 2;
		engines->by_handle =
			xrealloc(engines->by_handle, engines->room, sizeof engines->by_handle[0]);
		engines->vacant =
			xrealloc(engines->vacant, engines->room, sizeof engines->vacant[0]);
	}
	return engines->n_handles++;
}

uint32_t
engines_ref(struct engines *engines, const char *id)
{
	struct engine *engine = NULL;
	bool has_id = id != NULL && id[0] != '\0';

	if (has_id)
		HASH_FIND_STR(engines->by_id, id, engine);
	if (engine == NULL) {
		engine = xcalloc(1, sizeof *engine);
		engine->handle = handle_take(engines);
		engines->by_handle[engine->handle] = engine;
		if (has_id) {
			engine->id = xstrdup(id);
			HASH_ADD_KEYPTR(hh, engines->by_id, engine->id, (unsigned)strlen(id),
				engine);
		}
	}
	engine->n_refs++;
	return engine->handle;
}

void
engines_unref(struct engines *engines, uint32_t handle)
{
	struct engine *engine = engines->by_handle[handle];

	assert(engine != NULL && engine->n_refs > 0);
	if (--engine->n_refs > 0)
		return;
	if (engine->id != NULL)
		HASH_DEL(engines->by_id, engine);
	engines->by_handle[handle] = NULL;
	engines->vacant[engines->n_vacant++] = handle;
	engine_free(engine);
}

uint32_t
engines_n_refs(const struct engines *engines, uint32_t handle)
{
	return engines->by_handle[handle]->n_refs;
}

static int
port_compare(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

void
engines_ports_set(struct engines *engines, uint32_t handle, const uint32_t *ports, size_t n_ports)
{
	struct engine *engine = engines->by_handle[handle];
	uint32_t n = 0;

	if (n_ports > engine->room) {
		engine->room = (uint32_t)n_ports;
		engine->ports = xrealloc(engine->ports, n_ports, sizeof engine->ports[0]);
	}
	for (size_t i = 0; i < n_ports; i++)
		engine->ports[i] = (uint16_t)ports[i];
	if (n_ports > 1)
		qsort(engine->ports, n_ports, sizeof engine->ports[0], port_compare);
	for (size_t i = 0; i < n_ports; i++) {
		if (n == 0 || engine->ports[n - 1] != engine->ports[i])
			engine->ports[n++] = engine->ports[i];
	}
	engine->n_ports = n;
}

/* Where the port is, or where it would be. */
static uint32_t
port_find(const struct engine *engine, uint16_t port)
{
	uint32_t low = 0, high = engine->n_ports;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (engine->ports[middle] < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
engines_port_is_taken(const struct engines *engines, uint32_t handle, uint16_t port)
{
	const struct engine *engine = engines->by_handle[handle];
	uint32_t at = port_find(engine, port);

	return at < engine->n_ports && engine->ports[at] == port;
}

void
engines_port_take(struct engines *engines, uint32_t handle, uint16_t port)
{
	struct engine *engine = engines->by_handle[handle];
	uint32_t at = port_find(engine, port);

	assert(at == engine->n_ports || engine->ports[at] != port);
	if (engine->n_ports == engine->room) {
		engine->room = engine->room == 0 ? 8 : engine->room * 2;
		engine->ports = xrealloc(engine->ports, engine->room, sizeof engine->ports[0]);
	}
	memmove(&engine->ports[at + 1], &engine->ports[at],
		(engine->n_ports - at) * sizeof engine->ports[0]);
	engine->ports[at] = port;
	engine->n_ports++;
}

void
engines_port_give(struct engines *engines, uint32_t handle, uint16_t port)
{
	struct engine *engine = engines->by_handle[handle];
	uint32_t at = port_find(engine, port);

	assert(at < engine->n_ports && engine->ports[at] == port);
	engine->n_ports--;
	memmove(&engine->ports[at], &engine->ports[at + 1],
		(engine->n_ports - at) * sizeof engine->ports[0]);
}
