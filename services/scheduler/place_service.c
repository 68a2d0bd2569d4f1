#include "services/scheduler/place_service.h"

#include <errno.h>

#include "common/base/log.h"

static void
refuse(struct rpc_call *call, int rc, const struct place_fault *fault)
{
	/* A gap is ordinary: it is how a scheduler that was restarted gets its nodes. */
	Davit__Reply__Status status = rc == -ESTALE ? DAVIT__REPLY__STATUS__FAILED_PRECONDITION
						    : DAVIT__REPLY__STATUS__INVALID_ARGUMENT;

	log_info("place.refused", "status=%s field=%s reason=\"%s\"", rpc_status_name(status),
		fault->field, fault->err.text);
	rpc_call_refuse(call, status, fault->field[0] != '\0' ? fault->field : NULL, "%s",
		fault->err.text);
}

void
place_service_on_call(struct rpc_call *call, void *arg)
{
	struct placer *placer = arg;
	const Davit__PlaceRequest *request = (const Davit__PlaceRequest *)call->request;
	const Davit__PlaceReply *reply;
	struct place_fault fault = {0};
	int rc = placer_place(placer, request, &reply, &fault);

	if (rc < 0) {
		refuse(call, rc, &fault);
		rpc_call_send(call);
		return;
	}
	log_debug("place.answered", "version=%llu nodes=%u changed=%zu placed=%zu refused=%zu",
		(unsigned long long)reply->version, placer_n_nodes(placer), request->n_nodes,
		reply->n_placements, reply->n_refusals);
	rpc_call_answer(call, &reply->base);
	rpc_call_send(call);
	placer_reply_done(placer);
}
