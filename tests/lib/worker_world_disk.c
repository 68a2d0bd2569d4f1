#include <errno.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "tests/lib/worker_world.h"

void
world_port_journal_add(void *arg, const struct worker_journal_entry *entries, size_t n)
{
	struct world *world = arg;

	CHECK(!world->is_journaling);
	world->is_journaling = true;
	world->n_journal_wanted = n;
	if (world->journal_fails)
		return;
	for (size_t i = 0; i < n; i++) {
		CHECK(world->n_journal < WORLD_TASKS_MAX);
		world->journal[world->n_journal++] = entries[i];
	}
}

void
world_port_journal_drop(void *arg, const struct worker_journal_entry *entry)
{
	struct world *world = arg;

	for (size_t i = 0; i < world->n_journal; i++) {
		if (id_equal(world->journal[i].task, entry->task) &&
			world->journal[i].attempt == entry->attempt) {
			world->journal[i] = world->journal[--world->n_journal];
			return;
		}
	}
}

void
world_port_save_node_id(void *arg, const char *node_id)
{
	CHECK_STR(node_id, WORLD_NODE);
	((struct world *)arg)->is_node_known = true;
}

void
world_port_save_pulled(void *arg, const char *text)
{
	struct world *world = arg;

	free(world->pulled);
	world->pulled = xstrdup(text);
}

int
world_port_disk_usage(void *arg, const char *path, uint64_t *ret_used, uint64_t *ret_total)
{
	const struct world *world = arg;

	CHECK(path != NULL);
	*ret_used = world->disk_used;
	*ret_total = world->disk_total;
	return world->disk_total == 0 ? -ENOENT : 0;
}

int
world_port_end_orphans(void *arg, const char *container_id, struct err *err)
{
	struct world *world = arg;
	unsigned n = world->n_orphans;

	CHECK(container_id[0] != '\0');
	if (world->orphans_stay)
		return err_set(err, -EPERM, "cannot kill process 7: Operation not permitted");
	world->n_orphans = 0;
	return (int)n;
}

int
world_port_memory_kills(void *arg, uint64_t *ret_n)
{
	const struct world *world = arg;

	*ret_n = world->memory_kills;
	return world->tells_kills ? 0 : -ENOENT;
}

uint32_t
world_port_count_gpus(void *arg)
{
	return ((struct world *)arg)->n_gpus;
}
