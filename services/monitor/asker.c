#include "services/monitor/asker.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/rpc/client.h"
#include "services/monitor/limits.h"

struct asker {
	struct rpc_client *client;
	unsigned feed;
	struct live *live;
	struct roster *roster;
	bool wants_stats, is_asking; /* GetStats */
	uint64_t ask_ms;             /* not before this moment */
	bool is_listing;
	uint64_t list_ms, list_began_ms;
	char *after; /* the next page; NULL: the first */
	bool was_answered;
};

int
asker_open(uv_loop_t *loop, const char *manager, unsigned feed, struct live *live,
	struct roster *roster, struct asker **ret_asker, struct err *err)
{
	struct asker *asker = xcalloc(1, sizeof *asker);
	int rc = rpc_client_open(loop, manager, &asker->client, err);

	if (rc < 0) {
		free(asker);
		return rc;
	}
	asker->feed = feed;
	asker->live = live;
	asker->roster = roster;
	asker->wants_stats = true;
	*ret_asker = asker;
	return 0;
}

void
asker_want(struct asker *asker)
{
	asker->wants_stats = true;
}

bool
asker_was_answered(const struct asker *asker)
{
	return asker->was_answered;
}

/* ---- GetStats ---- */

static void
on_stats(const struct rpc_result *result, void *arg)
{
	struct asker *asker = arg;
	const Davit__GetStatsReply *reply = (const Davit__GetStatsReply *)result->response;

	if (result->status == DAVIT__REPLY__STATUS__CANCELLED)
		return;
	asker->is_asking = false;
	if (reply == NULL) {
		asker->wants_stats = true;
		asker->ask_ms = clock_mono_ms() + MONITOR_ASK_AGAIN_MS;
		log_debug("monitor.ask_failed", "reason=\"%s\", asking again in %d ms",
			result->message, MONITOR_ASK_AGAIN_MS);
		return;
	}
	asker->was_answered = true;
	live_take_stats(asker->live, asker->feed, reply, clock_mono_ms());
	for (size_t i = 0; i < reply->n_nodes; i++)
		roster_take_node(asker->roster, reply->nodes[i]);
}

/* Tasks are left out: their figures come with the next second's messages. */
static void
ask_stats(struct asker *asker, uint64_t now_ms)
{
	Davit__GetStatsRequest request = DAVIT__GET_STATS_REQUEST__INIT;
	struct rpc_call_options options = {.timeout_ms = MONITOR_ASK_TIMEOUT_MS};

	if (!asker->wants_stats || asker->is_asking || now_ms < asker->ask_ms)
		return;
	asker->wants_stats = false;
	asker->is_asking = true;
	asker->ask_ms = now_ms + MONITOR_ASK_AGAIN_MS;
	request.has_tasks = true;
	request.tasks = false;
	(void)rpc_client_call(asker->client, rpc_method(&davit__manager__descriptor, "GetStats"),
		&request.base, &options, on_stats, asker);
}

/* ---- ListTasks ---- */

static void ask_page(struct asker *asker);

static void
list_over(struct asker *asker)
{
	uint64_t now_ms = clock_mono_ms();
	uint64_t rest_ms = (now_ms - asker->list_began_ms) * MONITOR_LIST_REST;

	free(TAKE(asker->after));
	asker->is_listing = false;
	asker->list_ms = now_ms + (rest_ms > MONITOR_LIST_MS ? rest_ms : MONITOR_LIST_MS);
}

static void
on_page(const struct rpc_result *result, void *arg)
{
	struct asker *asker = arg;
	const Davit__ListTasksReply *reply = (const Davit__ListTasksReply *)result->response;

	if (result->status == DAVIT__REPLY__STATUS__CANCELLED)
		return;
	if (reply == NULL) {
		list_over(asker);
		return;
	}
	asker->was_answered = true;
	for (size_t i = 0; i < reply->n_tasks; i++)
		roster_take_task(asker->roster, reply->tasks[i]);
	if (reply->next == NULL || reply->next[0] == '\0') {
		list_over(asker);
		return;
	}
	free(asker->after);
	asker->after = xstrdup(reply->next);
	ask_page(asker);
}

static void
ask_page(struct asker *asker)
{
	Davit__ListTasksRequest request = DAVIT__LIST_TASKS_REQUEST__INIT;
	Davit__Task__State running = DAVIT__TASK__STATE__RUNNING;
	struct rpc_call_options options = {.timeout_ms = MONITOR_ASK_TIMEOUT_MS};

	request.states = &running;
	request.n_states = 1;
	request.has_with_spec = true;
	request.with_spec = true;
	request.after = asker->after;
	(void)rpc_client_call(asker->client, rpc_method(&davit__manager__descriptor, "ListTasks"),
		&request.base, &options, on_page, asker);
}

static void
ask_list(struct asker *asker, uint64_t now_ms)
{
	if (asker->is_listing || now_ms < asker->list_ms || !roster_wants_list(asker->roster))
		return;
	asker->is_listing = true;
	asker->list_began_ms = now_ms;
	roster_listed(asker->roster);
	ask_page(asker);
}

void
asker_tick(struct asker *asker, uint64_t now_ms)
{
	ask_stats(asker, now_ms);
	ask_list(asker, now_ms);
}

void
asker_close(struct asker *asker)
{
	if (asker == NULL)
		return;
	rpc_client_close(asker->client);
	free(asker->after);
	free(asker);
}
