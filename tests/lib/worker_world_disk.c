#include <errno.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "tests/lib/worker_world.h"

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
