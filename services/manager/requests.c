#include "services/manager/requests.h"

#include <errno.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/rpc/pack.h"
#include "proto/store.pb-c.h"
#include "services/manager/core.h"
#include "services/manager/limits.h"
#include "services/manager/records.h"
#include "services/manager/task_calls.h"

struct request {
	UT_hash_handle hh;
	uint64_t ts_ms, request_hash, number;
	size_t response_size;
	uint8_t *response;
	char id[];
};

/* What it takes in memory; in the store it is about as much. */
static size_t
weight(const struct request *request)
{
	return sizeof *request + strlen(request->id) + 1 + request->response_size;
}

static struct request *
add_take(struct requests *requests, const char *id, struct request about)
{
	size_t size = strlen(id) + 1;
	struct request *request = xcalloc(1, sizeof *request + size);

	*request = about;
	memcpy(request->id, id, size);
	HASH_ADD_STR(requests->by_id, id, request);
	requests->n++;
	requests->bytes += weight(request);
	return request;
}

static void
drop(struct requests *requests, struct request *request)
{
	HASH_DEL(requests->by_id, request);
	requests->n--;
	requests->bytes -= weight(request);
	free(request->response);
	free(request);
}

void
requests_fini(struct requests *requests)
{
	struct request *request, *next;

	HASH_ITER(hh, requests->by_id, request, next)
	drop(requests, request);
}

/* ---- what is kept of an answer ---- */

/* The ids of an array's tasks follow from its own: 40 kB that need not be kept. */
static const ProtobufCMessage *
shorten(const ProtobufCMessage *response, Davit__SubmitTasksReply *ret_short)
{
	if (response->descriptor != &davit__submit_tasks_reply__descriptor)
		return response;
	*ret_short = *(const Davit__SubmitTasksReply *)response;
	if (ret_short->array_id != NULL)
		ret_short->n_task_ids = 0;
	return &ret_short->base;
}

static void
answer_again(struct manager *manager, struct rpc_call *call, const ProtobufCMessage *kept)
{
	Davit__SubmitTasksReply whole;
	struct id first;

	/* Not by batch_answer: it is remembered already. */
	if (kept->descriptor != &davit__submit_tasks_reply__descriptor) {
		rpc_call_answer(call, kept);
		return;
	}
	whole = *(const Davit__SubmitTasksReply *)kept;
	if (whole.array_id != NULL && id_parse(whole.array_id, &first))
		task_list_ids(&whole, first,
			whole.count < MANAGER_LIST_MAX ? whole.count : MANAGER_LIST_MAX,
			&manager->batch.arena);
	rpc_call_answer(call, &whole.base);
}

bool
requests_replay(struct manager *manager, struct rpc_call *call)
{
	const ProtobufCMessageDescriptor *type = call->service->methods[call->method].output;
	struct request *request;
	ProtobufCMessage *response;

	if (call->request_id == NULL)
		return false;
	HASH_FIND_STR(manager->requests.by_id, call->request_id, request);
	if (request == NULL)
		return false;
	if (request->request_hash != call->request_hash) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "request_id",
			"request_id '%s' was used for another request: choose a new one",
			call->request_id);
		return true;
	}
	response = protobuf_c_message_unpack(type, NULL, request->response_size, request->response);
	if (response == NULL)
		return false;
	answer_again(manager, call, response);
	batch_keep(manager, call);
	protobuf_c_message_free_unpacked(response, NULL);
	return true;
}

void
requests_remember(struct manager *manager, const struct rpc_call *call,
	const ProtobufCMessage *response)
{
	Davit__RequestRecord record = DAVIT__REQUEST_RECORD__INIT;
	struct request about = {.ts_ms = manager->now.wall_ms,
		.request_hash = call->request_hash,
		.number = ++manager->requests.last_number};
	CLEANUP(buf_fini) struct buf packed = {0};
	Davit__SubmitTasksReply without_ids;
	struct request *request;

	if (call->request_id == NULL || !manager_call_changes(call))
		return;
	rpc_pack(shorten(response, &without_ids), &packed);
	about.response_size = packed.size;
	about.response = xmemdup(packed.data, packed.size);
	request = add_take(&manager->requests, call->request_id, about);

	record.request_id = request->id;
	record.method = (char *)(uintptr_t)rpc_call_method(call);
	record.has_ts_ms = record.has_request_hash = record.has_response = true;
	record.has_number = true;
	record.number = request->number;
	record.ts_ms = request->ts_ms;
	record.request_hash = request->request_hash;
	record.response.data = about.response;
	record.response.len = about.response_size;
	records_put_message(manager, "request", request->id, &record.base);
	requests_tick(manager);
}

void
requests_load(struct manager *manager, const Davit__RequestRecord *record)
{
	(void)add_take(&manager->requests, record->request_id,
		(struct request){.ts_ms = record->ts_ms,
			.request_hash = record->request_hash,
			.number = record->number,
			.response_size = record->response.len,
			.response = xmemdup(record->response.data, record->response.len)});
	if (record->number > manager->requests.last_number)
		manager->requests.last_number = record->number;
}

static int
by_number(const struct request *a, const struct request *b)
{
	return a->number < b->number ? -1 : a->number > b->number;
}

/* The store gives them by their ids, which say nothing of their age. */
void
requests_loaded(struct requests *requests)
{
	HASH_SORT(requests->by_id, by_number);
}

void
requests_tick(struct manager *manager)
{
	struct requests *requests = &manager->requests;
	struct request *request, *next;

	HASH_ITER(hh, requests->by_id, request, next)
	{
		bool is_old = request->ts_ms + MANAGER_REQUEST_KEEP_MS < manager->now.wall_ms;

		if (!is_old && requests->n <= MANAGER_REQUESTS_MAX &&
			requests->bytes <= manager->config.requests_bytes_max)
			break;
		records_delete(manager, "request", request->id);
		drop(requests, request);
	}
}
