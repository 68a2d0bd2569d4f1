/* Questions to this node, until their answers have been heard; tested by
 * tests/unit/test_worker_queries.c. */
#include "services/worker/core.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/mem.h"

static void
free_logs_reply(Davit__ReadLogsReply *logs)
{
	if (logs == NULL)
		return;
	davit__read_logs_reply__free_unpacked(logs, NULL);
}

/* Everything in an answer is allocated as protobuf-c would have: it frees it, too. */
static void
free_answer(Davit__QueryAnswer *answer)
{
	free(answer->error);
	free_logs_reply(answer->logs);
	for (size_t i = 0; i < answer->n_volumes; i++)
		davit__volume__free_unpacked(answer->volumes[i], NULL);
	for (size_t i = 0; i < answer->n_networks; i++)
		davit__network__free_unpacked(answer->networks[i], NULL);
	free(answer->volumes);
	free(answer->networks);
}

void
worker_query_free(struct worker_query *query)
{
	worker_job_abandon(&query->job);
	worker_logs_free(query);
	free_answer(&query->answer);
	free(query);
}

/* Moves it to the answers that the next poll carries. */
void
worker_query_done(struct worker_query *query)
{
	struct worker *worker = query->worker;

	worker_job_abandon(&query->job);
	worker_logs_free(query);
	DL_DELETE(worker->queries, query);
	worker->n_queries--;
	DL_APPEND(worker->uplink.answers, query);
}

void
worker_query_fail(struct worker_query *query, const char *fmt, ...)
{
	char text[WORKER_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	free_answer(&query->answer);
	davit__query_answer__init(&query->answer);
	query->answer.id = query->id;
	query->answer.error = xstrdup(text);
	worker_query_done(query);
}

/* ---- lists ---- */

typedef int parse_fn(const char *json, size_t size, const char *node_name,
	Davit__QueryAnswer *answer, struct err *err);

static void
answer_list(const struct err *err, const char *json, size_t size, void *arg, parse_fn *parse)
{
	struct worker_query *query = worker_job_end(arg);
	struct err mine;

	if (query == NULL)
		return;
	if (err->code < 0)
		worker_query_fail(query, "the engine of node '%s' cannot say: %s",
			query->worker->name, err->text);
	else if (parse(json, size, query->worker->name, &query->answer, &mine) < 0)
		worker_query_fail(query, "%s", mine.text);
	else
		worker_query_done(query);
}

static void
on_volumes(const struct err *err, const char *json, size_t size, void *arg)
{
	answer_list(err, json, size, arg, worker_inventory_volumes);
}

static void
on_networks(const struct err *err, const char *json, size_t size, void *arg)
{
	answer_list(err, json, size, arg, worker_inventory_networks);
}

/* ---- all ---- */

static bool
is_known(const struct worker *worker, uint64_t id)
{
	const struct worker_query *query;

	DL_FOREACH (worker->queries, query) {
		if (query->id == id)
			return true;
	}
	return false;
}

void
worker_query_begin(struct worker *worker, const Davit__Query *asked)
{
	struct worker_query *query;
	struct worker_job *job;

	if (is_known(worker, asked->id))
		return; /* both polls brought it */
	query = xcalloc(1, sizeof *query);
	query->worker = worker;
	query->id = asked->id;
	davit__query_answer__init(&query->answer);
	query->answer.id = asked->id;
	DL_APPEND(worker->queries, query);
	if (++worker->n_queries > WORKER_QUERIES_MAX) {
		worker_query_fail(query, "node '%s' is busy with %d questions: ask again later",
			worker->name, WORKER_QUERIES_MAX);
	} else if (asked->logs != NULL) {
		worker_logs_begin(query, asked->logs);
	} else if (asked->volumes) {
		job = worker_job_new(&query->job, query);
		job->op = engine_volume_list(worker->engine, on_volumes, job);
	} else if (asked->networks) {
		job = worker_job_new(&query->job, query);
		job->op = engine_network_list(worker->engine, on_networks, job);
	} else {
		worker_query_fail(query, "the worker of node '%s' does not know this question",
			worker->name);
	}
}

uint64_t
worker_queries_tick(struct worker *worker)
{
	struct worker_query *query, *next;
	uint64_t due = UINT64_MAX, one;

	DL_FOREACH_SAFE (worker->queries, query, next) {
		if (query->relay == NULL)
			continue;
		one = worker_logs_tick(query);
		due = one < due ? one : due;
	}
	return due;
}

void
worker_queries_free(struct worker *worker)
{
	struct worker_query *query, *next;
	struct worker_query **const lists[] = {&worker->queries, &worker->uplink.answers,
		&worker->uplink.answers_sent};

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		DL_FOREACH_SAFE (*lists[i], query, next) {
			DL_DELETE(*lists[i], query);
			worker_query_free(query);
		}
	}
}
