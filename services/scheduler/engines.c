#include "services/scheduler/engines.h"

#include <assert.h>

#include "common/base/mem.h"

enum { ROOM_MIN = 16, BUCKETS_MIN = 16 };

/* There is one for each of a hundred thousand nodes: small, and none of them a block of its own. */
struct engine {
	char *id;        /* NULL: without a name */
	uint16_t *ports; /* ascending, each once: a node has some dozens, not thousands */
	uint32_t n_ports, room;
	uint32_t n_refs; /* 0: vacant */
	uint32_t next;   /* of its bucket, or of the vacant ones: handle + 1; 0: none */
};

struct engines {
	struct engine *all; /* by handle */
	uint32_t n_handles, room;
	uint32_t vacant;   /* handle + 1; 0: none */
	uint32_t *buckets; /* of those with an id: handle + 1; 0: none */
	uint32_t n_buckets, n_named;
};

struct engines *
engines_new(void)
{
	return xcalloc(1, sizeof(struct engines));
}

void
engines_free(struct engines *engines)
{
	if (engines == NULL)
		return;
	for (uint32_t i = 0; i < engines->n_handles; i++) {
		free(engines->all[i].id);
		free(engines->all[i].ports);
	}
	free(engines->all);
	free(engines->buckets);
	free(engines);
}

/* Where the handle of an engine of that id would be. The buckets are a power of two. */
static uint32_t *
bucket_of(const struct engines *engines, const char *id)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *id != '\0'; id++)
		hash = (hash ^ (uint8_t)*id) * 16777619u;
	return &engines->buckets[(hash ^ hash >> 16) & (engines->n_buckets - 1)];
}

static void
bucket_put(struct engines *engines, uint32_t handle)
{
	struct engine *engine = &engines->all[handle];
	uint32_t *bucket = bucket_of(engines, engine->id);

	engine->next = *bucket;
	*bucket = handle + 1;
}

/* Another one with an id: the buckets grow with them. */
static void
buckets_add(struct engines *engines, uint32_t handle)
{
	engines->n_named++;
	if (engines->n_named <= engines->n_buckets) {
		bucket_put(engines, handle);
		return;
	}
	free(engines->buckets);
	engines->n_buckets = engines->n_buckets == 0 ? BUCKETS_MIN : engines->n_buckets * 2;
	engines->buckets = xcalloc(engines->n_buckets, sizeof engines->buckets[0]);
	for (uint32_t i = 0; i < engines->n_handles; i++)
		if (engines->all[i].id != NULL)
			bucket_put(engines, i);
}

static void
buckets_remove(struct engines *engines, uint32_t handle)
{
	uint32_t *at = bucket_of(engines, engines->all[handle].id);

	while (*at != handle + 1)
		at = &engines->all[*at - 1].next;
	*at = engines->all[handle].next;
	engines->n_named--;
}

static uint32_t
handle_take(struct engines *engines)
{
	uint32_t handle = engines->vacant - 1;

	if (engines->vacant > 0) {
		engines->vacant = engines->all[handle].next;
	} else {
		if (engines->n_handles == engines->room) {
			engines->room += engines->room / 4 + ROOM_MIN;
			engines->all =
				xrealloc(engines->all, engines->room, sizeof engines->all[0]);
		}
		handle = engines->n_handles++;
	}
	engines->all[handle] = (struct engine){.n_refs = 1};
	return handle;
}

uint32_t
engines_ref(struct engines *engines, const char *id)
{
	bool has_id = id != NULL && id[0] != '\0';
	uint32_t handle;

	if (has_id && engines->n_named > 0) {
		for (uint32_t at = *bucket_of(engines, id); at != 0;
			at = engines->all[at - 1].next) {
			if (strcmp(engines->all[at - 1].id, id) != 0)
				continue;
			engines->all[at - 1].n_refs++;
			return at - 1;
		}
	}
	handle = handle_take(engines);
	if (has_id) {
		engines->all[handle].id = xstrdup(id);
		buckets_add(engines, handle);
	}
	return handle;
}

void
engines_unref(struct engines *engines, uint32_t handle)
{
	struct engine *engine = &engines->all[handle];

	assert(handle < engines->n_handles && engine->n_refs > 0);
	if (--engine->n_refs > 0)
		return;
	if (engine->id != NULL)
		buckets_remove(engines, handle);
	free(engine->id);
	free(engine->ports);
	*engine = (struct engine){.next = engines->vacant};
	engines->vacant = handle + 1;
}

uint32_t
engines_n_refs(const struct engines *engines, uint32_t handle)
{
	return engines->all[handle].n_refs;
}

static int
port_compare(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

void
engines_ports_set(struct engines *engines, uint32_t handle, const uint32_t *ports, size_t n_ports)
{
	struct engine *engine = &engines->all[handle];
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
	const struct engine *engine = &engines->all[handle];
	uint32_t at = port_find(engine, port);

	return at < engine->n_ports && engine->ports[at] == port;
}

void
engines_port_take(struct engines *engines, uint32_t handle, uint16_t port)
{
	struct engine *engine = &engines->all[handle];
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
	struct engine *engine = &engines->all[handle];
	uint32_t at = port_find(engine, port);

	assert(at < engine->n_ports && engine->ports[at] == port);
	engine->n_ports--;
	memmove(&engine->ports[at], &engine->ports[at + 1],
		(engine->n_ports - at) * sizeof engine->ports[0]);
}
