/* Looks at the health of what runs in the world: answered as the test says. */
#include "tests/lib/worker_world.h"

void
world_port_probe(void *arg, const struct worker_probe *probe, worker_probed_fn *done,
	void *done_arg)
{
	struct world *world = arg;

	CHECK(world->probe_done == NULL); /* the tests look at one task */
	world->probe = *probe;
	(void)snprintf(world->probe_address, sizeof world->probe_address, "%s", probe->address);
	world->probe_done = done;
	world->probe_arg = done_arg;
	world->n_probes++;
}

bool
world_answer_probe(struct world *world)
{
	worker_probed_fn *done = world->probe_done;

	if (done == NULL)
		return false;
	world->probe_done = NULL;
	done(!world->probe_fails, "cannot connect", world->probe_arg);
	return true;
}
