#include "common/base/mem.h"
#include "services/scheduler/place_service.h"
#include "tests/sim/host.h"

struct host_scheduler {
	struct placer *placer;
};

void
host_scheduler_take(struct sim *sim, struct rpc_call *call)
{
	place_service_on_call(call, sim->scheduler->placer);
}

void
host_scheduler_start(struct sim *sim)
{
	struct placer_options options = {
		.seed = dice_roll(&sim->procs[SIM_SCHEDULER].dice, UINT32_MAX)};

	if (sim->procs[SIM_SCHEDULER].is_up)
		return;
	sim_trace(sim, SIM_SCHEDULER, "starts");
	sim->procs[SIM_SCHEDULER].is_up = true;
	sim->scheduler->placer = placer_new(&options);
}

void
host_scheduler_kill(struct sim *sim)
{
	if (!sim->procs[SIM_SCHEDULER].is_up)
		return;
	sim_trace(sim, SIM_SCHEDULER, "is killed");
	sim_count(sim, SIM_SCHEDULER_KILLED);
	sim->procs[SIM_SCHEDULER].is_up = false;
	sim->procs[SIM_SCHEDULER].epoch++;
	placer_free(sim->scheduler->placer);
	sim->scheduler->placer = NULL;
}

void
host_scheduler_init(struct sim *sim)
{
	sim->scheduler = xcalloc(1, sizeof *sim->scheduler);
	host_scheduler_start(sim);
}

void
host_scheduler_fini(struct sim *sim)
{
	placer_free(sim->scheduler->placer);
	free(sim->scheduler);
	sim->scheduler = NULL;
}
