/*
 * Peers of a manager that say what they like, in turns: the first letter of a part says who.
 *
 *     c   a call, as a client or a worker sends it         p   the scheduler's answer
 *     s   figures of a node, from the feed                 t   time passes: so many ms
 *     r   the process is killed and starts again           x   the scheduler cannot be reached
 *     a   a commit fails, and the model is built again
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/host.h"

enum { PASS_MAX_MS = 100000 };

static void
answer_question(struct host *host, const char *text, size_t size)
{
	ProtobufCMessage *reply = host_message(&davit__place_reply__descriptor, text, size);

	if (reply == NULL)
		return;
	if (host->question != NULL) {
		davit__place_request__free_unpacked(host->question, NULL);
		host->question = NULL;
		manager_placed(host->manager, host->now, DAVIT__REPLY__STATUS__OK, "",
			(const Davit__PlaceReply *)reply);
	}
	protobuf_c_message_free_unpacked(reply, NULL);
}

static void
take_figures(struct host *host, const char *text, size_t size)
{
	ProtobufCMessage *stats = host_message(&davit__node_stats__descriptor, text, size);

	if (stats == NULL)
		return;
	manager_node_stats(host->manager, host->now, (const Davit__NodeStats *)stats);
	protobuf_c_message_free_unpacked(stats, NULL);
}

static void
no_scheduler(struct host *host)
{
	if (host->question == NULL)
		return;
	davit__place_request__free_unpacked(host->question, NULL);
	host->question = NULL;
	manager_placed(host->manager, host->now, DAVIT__REPLY__STATUS__UNAVAILABLE, "away", NULL);
}

static void
pass(struct host *host, const char *text, size_t size)
{
	uint64_t ms = 0;

	for (size_t i = 0; i < size && text[i] >= '0' && text[i] <= '9' && ms < PASS_MAX_MS; i++)
		ms = ms * 10 + (uint64_t)(text[i] - '0');
	host_pass(host, ms > PASS_MAX_MS ? PASS_MAX_MS : ms);
}

static void
act(struct host *host, char who, const char *text, size_t size)
{
	switch (who) {
	case 'c':
		host_call(host, text, size);
		break;
	case 'p':
		answer_question(host, text, size);
		break;
	case 's':
		take_figures(host, text, size);
		break;
	case 't':
		pass(host, text, size);
		break;
	case 'r': /* it can read what it wrote */
		host_restart(host);
		assert(host_load(host) == 0);
		break;
	case 'a':
		manager_abort(host->manager, "disk full");
		assert(host_load(host) == 0);
		break;
	case 'x':
		no_scheduler(host);
		break;
	default:
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host host;
	const char *part;
	size_t at = 0, n;

	host_init(&host);
	if (host_load(&host) < 0)
		abort();
	while (host_part(data, size, &at, &part, &n)) {
		if (n > 0)
			act(&host, part[0], part + 1, n - 1);
		host_turn(&host);
	}
	host_restart(&host);
	assert(host_load(&host) == 0);
	host_fini(&host);
	return 0;
}
