/*
 * Questions to the scheduler, one after the other: refused with the field at fault, or answered
 * with placements of the tasks that were asked about, each once, on nodes that it was told of.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "services/scheduler/placer.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/host.h"

static bool
was_asked(const Davit__PlaceRequest *request, const char *task_id)
{
	for (size_t i = 0; i < request->n_tasks; i++) {
		if (strcmp(request->tasks[i]->task_id, task_id) == 0)
			return true;
	}
	return false;
}

static void
judge(const Davit__PlaceRequest *request, const Davit__PlaceReply *reply)
{
	assert(reply->n_placements + reply->n_refusals <= 2 * request->n_tasks);
	for (size_t i = 0; i < reply->n_placements; i++) {
		assert(was_asked(request, reply->placements[i]->task_id));
		assert(reply->placements[i]->node_id[0] != '\0');
	}
	for (size_t i = 0; i < reply->n_refusals; i++) {
		assert(was_asked(request, reply->refusals[i]->task_id));
		assert(reply->refusals[i]->message[0] != '\0');
	}
	assert(davit__place_reply__get_packed_size(reply) > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct placer_options options = {.seed = 1};
	CLEANUP(placer_free) struct placer *placer = placer_new(&options);
	const char *part;
	size_t at = 0, n;

	while (host_part(data, size, &at, &part, &n)) {
		ProtobufCMessage *message =
			host_message(&davit__place_request__descriptor, part, n);
		const Davit__PlaceRequest *request = (const Davit__PlaceRequest *)message;
		const Davit__PlaceReply *reply;
		struct place_fault fault = {0};

		if (message == NULL)
			continue;
		if (placer_place(placer, request, &reply, &fault) == 0)
			judge(request, reply);
		else
			assert(fault.err.code < 0 && fault.err.text[0] != '\0');
		placer_reply_done(placer);
		protobuf_c_message_free_unpacked(message, NULL);
	}
	return 0;
}
