/* Questions to this node, until their answers have been heard; tested by
 * tests/unit/test_worker_queries.c. */
#include "services/worker/core.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/mem.h"

static void
free_message(ProtobufCMessage *message)
{
	if (message != NULL)
		protobuf_c_message_free_unpacked(message, NULL);
}

/* Everything in an answer is allocated as protobuf-c would have: it frees it, too. */
static void
free_answer(Davit__QueryAnswer *answer)
{
	free(answer->error);
	free_message((ProtobufCMessage *)answer->logs);
	free_message((ProtobufCMessage *)answer->open);
	free_message((ProtobufCMessage *)answer->read);
	free_message((ProtobufCMessage *)answer->write);
	free_message((ProtobufCMessage *)answer->close);
	free_message((ProtobufCMessage *)answer->fault);
	for (size_t i = 0; i < answer->n_volumes; i++)
		davit__volume__free_unpacked(answer->volumes[i], NULL);
	for (size_t i = 0; i < answer->n_networks; i++)
		davit__network__free_unpacked(answer->networks[i], NULL);
	for (size_t i = 0; i < answer->n_images; i++)
		davit__image__free_unpacked(answer->images[i], NULL);
	for (size_t i = 0; i < answer->n_image_results; i++)
		davit__image_result__free_unpacked(answer->image_results[i], NULL);
	free(answer->images);
	free(answer->image_results);
	free(answer->volumes);
	free(answer->networks);
}

void
worker_query_free(struct worker_query *query)
{
	worker_job_abandon(&query->job);
	worker_logs_free(query);
	worker_channel_forget(query);
	free_message((ProtobufCMessage *)query->removal);
	free_answer(&query->answer);
	free(query);
}

/* Moves it to the answers that are sent next. */
void
worker_query_done(struct worker_query *query)
{
	struct worker *worker = query->worker;

	worker_job_abandon(&query->job);
	worker_logs_free(query);
	worker_channel_forget(query);
	DL_DELETE(worker->queries, query);
	worker->n_queries--;
	DL_APPEND(worker->uplink.answers, query);
}

static void
fail(struct worker_query *query, Davit__Reply__Status status, const char *fmt, va_list ap)
{
	char text[WORKER_MESSAGE_MAX];

	(void)vsnprintf(text, sizeof text, fmt, ap);
	free_answer(&query->answer);
	davit__query_answer__init(&query->answer);
	query->answer.id = query->id;
	query->answer.error = xstrdup(text);
	query->answer.has_status = true;
	query->answer.status = status;
	worker_query_done(query);
}

void
worker_query_fail(struct worker_query *query, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail(query, DAVIT__REPLY__STATUS__UNAVAILABLE, fmt, ap);
	va_end(ap);
}

void
worker_query_refuse(struct worker_query *query, Davit__Reply__Status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail(query, status, fmt, ap);
	va_end(ap);
}

/* ---- the way up ---- */

static void
carry(struct worker *worker, uint64_t *place)
{
	struct worker_uplink *uplink = &worker->uplink;
	Davit__AnswerQueriesRequest request = DAVIT__ANSWER_QUERIES_REQUEST__INIT;
	Davit__QueryAnswer *answers[WORKER_ANSWERS_MAX];
	struct worker_query *query, *next;
	size_t n = 0;

	DL_FOREACH (uplink->answers, query) {
		if (n == WORKER_ANSWERS_MAX)
			break;
		answers[n++] = &query->answer;
	}
	request.node_id = worker->node_id;
	request.session = uplink->session;
	request.answers = answers;
	request.n_answers = n;
	*place = ++uplink->ticket;
	worker->ports.call(worker->ports.arg, *place, "AnswerQueries", &request.base,
		WORKER_CALL_MS);
	/* Should the call be lost, whoever asked asks again. */
	DL_FOREACH_SAFE (uplink->answers, query, next) {
		if (n-- == 0)
			break;
		DL_DELETE(uplink->answers, query);
		worker_query_free(query);
	}
}

void
worker_answers_send(struct worker *worker)
{
	struct worker_uplink *uplink = &worker->uplink;

	for (size_t i = 0; i < WORKER_ANSWER_CALLS_MAX && uplink->answers != NULL; i++) {
		if (uplink->answer_tickets[i] == 0)
			carry(worker, &uplink->answer_tickets[i]);
	}
}

bool
worker_answers_heard(struct worker *worker, uint64_t ticket)
{
	for (size_t i = 0; i < WORKER_ANSWER_CALLS_MAX; i++) {
		if (worker->uplink.answer_tickets[i] != ticket)
			continue;
		worker->uplink.answer_tickets[i] = 0;
		return true;
	}
	return false;
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

static void
on_images(const struct err *err, const char *json, size_t size, void *arg)
{
	answer_list(err, json, size, arg, worker_inventory_images);
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
	} else if (asked->open != NULL) {
		worker_channel_open(query, asked->open);
	} else if (asked->read != NULL) {
		worker_channel_read(query, asked->read);
	} else if (asked->write != NULL) {
		worker_channel_write(query, asked->write);
	} else if (asked->close != NULL) {
		worker_channel_close(query, asked->close);
	} else if (asked->images) {
		job = worker_job_new(&query->job, query);
		job->op = engine_image_list(worker->engine, on_images, job);
	} else if (asked->remove_images != NULL) {
		worker_inventory_remove(query, asked->remove_images);
	} else if (asked->chaos != NULL) {
		worker_chaos_query(query, asked->chaos);
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
	struct worker_query **const lists[] = {&worker->queries, &worker->uplink.answers};

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		DL_FOREACH_SAFE (*lists[i], query, next) {
			DL_DELETE(*lists[i], query);
			worker_query_free(query);
		}
	}
}
