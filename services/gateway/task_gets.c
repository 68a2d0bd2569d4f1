#include "services/gateway/task_gets.h"

#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "common/base/arena.h"
#include "common/base/mem.h"
#include "common/pbjson/pbjson.h"
#include "proto/manager.pb-c.h"

/* Who asks. */
struct task_get {
	struct question *question;
	task_get_fn *done;
	void *arg;
	struct task_get *prev, *next;
};

/* One task that is asked for, by any number. */
struct question {
	size_t namespace_size;
	struct task_get *gets;
	struct question *next; /* of its call */
	UT_hash_handle hh;     /* while it waits to be sent */
	char key[];            /* the namespace ("": none was given), and behind its NUL the task */
};

/* One GetTasks under way. */
struct flight {
	struct task_gets *gets;
	struct question *questions;
};

struct task_gets {
	struct upstream *manager;
	uv_prepare_t *prepare; /* runs while something waits to be sent */
	struct question *waiting;
	unsigned n_calls;
};

static void
question_free(struct question *question)
{
	struct task_get *get, *next;

	DL_FOREACH_SAFE (question->gets, get, next)
		free(get);
	free(question);
}

/* ---- answers ---- */

static void
tell(struct question *question, const struct task_page *page)
{
	while (question->gets != NULL) {
		struct task_get *get = question->gets;

		DL_DELETE(question->gets, get);
		get->done(page, get->arg);
		free(get);
	}
}

/* json is room for the text, of which the last one is in it. */
static void
tell_found(struct question *question, const Davit__Task *task, struct buf *json)
{
	struct task_page page = {.message = "", .version = task->version};

	if (question->gets == NULL)
		return;
	buf_reset(json);
	pbjson_print(&task->base, PBJSON_COMPACT, json);
	buf_puts(json, "\n");
	page.json = (const char *)json->data;
	page.size = json->size;
	tell(question, &page);
}

static void schedule(struct task_gets *gets);

/* The end: nothing will be sent any more. */
static void
tell_waiting(struct task_gets *gets, const struct rpc_result *result)
{
	struct question *question, *next;

	HASH_ITER(hh, gets->waiting, question, next)
	{
		HASH_DELETE(hh, gets->waiting, question);
		tell(question,
			&(struct task_page){.status = result->status, .message = result->message});
		question_free(question);
	}
}

static void
on_done(const struct rpc_result *result, void *arg)
{
	struct flight *flight = arg;
	const Davit__GetTasksReply *reply = (const void *)result->response;
	struct task_gets *gets = flight->gets;
	CLEANUP(buf_fini) struct buf json = {0};
	size_t i = 0;

	gets->n_calls--;
	for (struct question *question = flight->questions, *next; question != NULL;
		question = next, i++) {
		next = question->next;
		if (reply != NULL && i < reply->n_results && reply->results[i]->task != NULL) {
			tell_found(question, reply->results[i]->task, &json);
		} else if (reply != NULL && i < reply->n_results) {
			const Davit__GetTasksReply__Result *refusal = reply->results[i];

			tell(question,
				&(struct task_page){.status = refusal->status,
					.message =
						refusal->message == NULL ? "" : refusal->message});
		} else {
			tell(question, &(struct task_page){.status = result->status,
					       .message = result->message});
		}
		question_free(question);
	}
	free(flight);
	if (result->status == DAVIT__REPLY__STATUS__CANCELLED)
		tell_waiting(gets, result);
	schedule(gets);
}

/* ---- questions ---- */

static void
send_some(struct task_gets *gets)
{
	Davit__GetTasksRequest request = DAVIT__GET_TASKS_REQUEST__INIT;
	CLEANUP(arena_fini) struct arena arena = {0};
	struct flight *flight = xcalloc(1, sizeof *flight);
	struct question *question, *next, **link = &flight->questions;

	flight->gets = gets;
	request.tasks = arena_array(&arena, TASK_GETS_TASKS_MAX, sizeof *request.tasks);
	HASH_ITER(hh, gets->waiting, question, next)
	{
		Davit__GetTaskRequest *one = arena_alloc(&arena, sizeof *one);

		if (request.n_tasks == TASK_GETS_TASKS_MAX)
			break;
		HASH_DELETE(hh, gets->waiting, question);
		if (question->gets == NULL) { /* all have gone */
			question_free(question);
			continue;
		}
		davit__get_task_request__init(one);
		one->task = question->key + question->namespace_size + 1;
		if (question->namespace_size > 0)
			one->namespace_ = question->key;
		request.tasks[request.n_tasks++] = one;
		*link = question;
		link = &question->next;
	}
	if (request.n_tasks == 0) {
		free(flight);
		return;
	}
	gets->n_calls++;
	(void)upstream_call(gets->manager, rpc_method(&davit__manager__descriptor, "GetTasks"),
		&request.base, NULL, 0, on_done, flight);
}

static void
on_prepare(uv_prepare_t *prepare)
{
	struct task_gets *gets = prepare->data;

	while (gets->waiting != NULL && gets->n_calls < TASK_GETS_CALLS_MAX)
		send_some(gets);
	(void)uv_prepare_stop(prepare);
}

static void
schedule(struct task_gets *gets)
{
	if (gets->waiting != NULL && gets->n_calls < TASK_GETS_CALLS_MAX)
		(void)uv_prepare_start(gets->prepare, on_prepare);
}

struct task_get *
task_gets_ask(struct task_gets *gets, const char *task, const char *namespace, task_get_fn *done,
	void *arg)
{
	size_t namespace_size = namespace == NULL ? 0 : strlen(namespace);
	size_t task_size = strlen(task), size = namespace_size + 1 + task_size;
	struct task_get *get = xcalloc(1, sizeof *get);
	struct question *question = xcalloc(1, sizeof *question + size + 1), *same;

	question->namespace_size = namespace_size;
	memcpy(question->key, namespace == NULL ? "" : namespace, namespace_size);
	memcpy(question->key + namespace_size + 1, task, task_size);
	HASH_FIND(hh, gets->waiting, question->key, size, same);
	if (same != NULL) {
		free(question);
		question = same;
	} else {
		HASH_ADD(hh, gets->waiting, key, size, question);
	}
	get->question = question;
	get->done = done;
	get->arg = arg;
	DL_APPEND(question->gets, get);
	schedule(gets);
	return get;
}

void
task_gets_drop(struct task_get *get)
{
	DL_DELETE(get->question->gets, get);
	free(get);
}

struct task_gets *
task_gets_new(uv_loop_t *loop, struct upstream *manager)
{
	struct task_gets *gets = xcalloc(1, sizeof *gets);

	gets->manager = manager;
	gets->prepare = xcalloc(1, sizeof *gets->prepare);
	(void)uv_prepare_init(loop, gets->prepare);
	gets->prepare->data = gets;
	return gets;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle);
}

void
task_gets_free(struct task_gets *gets)
{
	struct question *question, *next;

	if (gets == NULL)
		return;
	HASH_ITER(hh, gets->waiting, question, next)
	{
		HASH_DELETE(hh, gets->waiting, question);
		question_free(question);
	}
	(void)uv_prepare_stop(gets->prepare);
	uv_close((uv_handle_t *)gets->prepare, on_closed);
	free(gets);
}
