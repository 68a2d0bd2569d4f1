#include "services/manager/outage.h"

#include <string.h>

#include "proto/worker.pb-c.h"
#include "services/manager/manager.h"

void
outage_begin(struct outage *outage, uint64_t mono_ms, uint64_t cost_ms)
{
	uint64_t delay_ms = outage->delay_ms * 2;

	if (delay_ms < OUTAGE_DELAY_MIN_MS)
		delay_ms = OUTAGE_DELAY_MIN_MS;
	if (delay_ms > OUTAGE_DELAY_MAX_MS)
		delay_ms = OUTAGE_DELAY_MAX_MS;
	if (delay_ms < cost_ms * OUTAGE_COST_FACTOR)
		delay_ms = cost_ms * OUTAGE_COST_FACTOR;
	outage->delay_ms = delay_ms;
	outage->until_mono_ms = mono_ms + delay_ms;
}

void
outage_end(struct outage *outage)
{
	*outage = (struct outage){0};
}

bool
outage_concerns(const struct rpc_call *call)
{
	const char *method = rpc_call_method(call);

	if (strcmp(method, "Poll") == 0)
		return ((const Davit__PollRequest *)call->request)->n_reports > 0;
	return strcmp(method, "RegisterNode") == 0 || strcmp(method, "LeaveNode") == 0 ||
	       manager_call_changes(call);
}
