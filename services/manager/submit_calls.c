/* Submissions, one or many; tested by tests/unit/test_manager_tasks.c and
 * tests/unit/test_manager_submit.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <uthash.h>

#include "common/base/mem.h"
#include "common/model/spec.h"
#include "common/rpc/unpack.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"
#include "services/manager/records.h"
#include "services/manager/task_calls.h"
#include "services/manager/view.h"

/* "registry:5000/team/web-app:1.2@sha256:…" gives "web-app". */
static void
name_from_image(const char *image, char *ret_name, size_t size)
{
	const char *slash = strrchr(image, '/');
	const char *base = slash == NULL ? image : slash + 1;
	size_t n = strcspn(base, ":@");

	(void)snprintf(ret_name, size, "%.*s", (int)(n < size ? n : size - 1), base);
	if (n < 2)
		(void)snprintf(ret_name, size, "task");
}

/* "<image>-<six digits of chance>", free in the namespace. */
static void
make_name(struct manager *manager, const Davit__TaskSpec *spec, uint32_t count, char *ret_name,
	size_t size)
{
	char base[64];
	uint32_t value;

	name_from_image(spec->image, base, sizeof base);
	do {
		manager->ports.random(manager->ports.arg, &value, sizeof value);
		(void)snprintf(ret_name, size, "%s-%06x", base, value & 0xffffffu);
	} while (model_name_is_taken(&manager->model, spec->namespace_, ret_name, count));
}

static bool
refuse_name(struct manager *manager, struct rpc_call *call, const Davit__TaskSpec *spec,
	uint32_t count, const char *prefix)
{
	const char *namespace =
		spec->namespace_ == NULL ? task_default_namespace : spec->namespace_;

	if (spec->name == NULL ||
		!model_name_is_taken(&manager->model, namespace, spec->name, count))
		return false;
	batch_refuse(manager, call, DAVIT__REPLY__STATUS__ALREADY_EXISTS,
		arena_printf(&manager->batch.arena, "%sspec.name", prefix),
		"a live task in namespace '%s' is called '%s' already: stop it, or choose another "
		"name",
		namespace, spec->name);
	return true;
}

static int
check_count(const struct manager *manager, const Davit__TaskSpec *spec, uint32_t count,
	struct err *err)
{
	if (count < 1 || count > MANAGER_ARRAY_MAX)
		return err_set(err, -EINVAL, "count is 1 to %d (MANAGER_ARRAY_MAX)",
			MANAGER_ARRAY_MAX);
	if (placing_is_gang(spec) && count > MANAGER_GANG_MAX)
		return err_set(err, -EINVAL,
			"an array that is placed all or nothing has at most %d tasks "
			"(MANAGER_GANG_MAX)",
			MANAGER_GANG_MAX);
	if (manager->model.n_tasks + count > manager->config.tasks_max)
		return err_set(err, -ENOSPC,
			"there would be more than %u tasks (MANAGER_TASKS_MAX): remove some",
			manager->config.tasks_max);
	return 0;
}

bool
task_refuse_spec(struct manager *manager, struct rpc_call *call, const Davit__TaskSpec *spec,
	uint32_t count, const char *prefix)
{
	struct arena *arena = &manager->batch.arena;
	char field[SPEC_FIELD_MAX];
	struct err err = {0};

	if (check_count(manager, spec, count, &err) < 0) {
		batch_refuse_err(manager, call, arena_printf(arena, "%scount", prefix), &err);
		return true;
	}
	if (spec_check(spec, field, &err) == 0)
		return refuse_name(manager, call, spec, count, prefix);
	batch_refuse_err(manager, call,
		arena_printf(arena, "%sspec%s%s", prefix, field[0] == '\0' ? "" : ".", field),
		&err);
	return true;
}

/* ---- one submission that is accepted ---- */

/* What will be submitted under which name. */
struct offer {
	const Davit__SubmitTasksRequest *request;
	uint32_t count;
	const char *namespace;
	char name[256];
	bool is_made; /* the name: another would do */
};

static uint32_t
count_of(const Davit__SubmitTasksRequest *request)
{
	return request->has_count ? request->count : 1;
}

static void
make_offer(struct manager *manager, const Davit__SubmitTasksRequest *request,
	struct offer *ret_offer)
{
	Davit__TaskSpec spec = *request->spec;

	if (spec.namespace_ == NULL)
		spec.namespace_ = (char *)(uintptr_t)task_default_namespace;
	ret_offer->request = request;
	ret_offer->count = count_of(request);
	ret_offer->namespace = spec.namespace_;
	ret_offer->is_made = spec.name == NULL;
	if (spec.name != NULL)
		(void)snprintf(ret_offer->name, sizeof ret_offer->name, "%s", spec.name);
	else
		make_name(manager, &spec, ret_offer->count, ret_offer->name,
			sizeof ret_offer->name);
}

static struct group *
accept(struct manager *manager, const struct offer *offer)
{
	struct id id = manager_new_id(manager, offer->count > 1);
	Davit__TaskSpec said = *offer->request->spec;
	char text[ID_TEXT_SIZE];
	struct group *group;
	struct spec *spec;

	said.namespace_ = (char *)(uintptr_t)offer->namespace;
	id_format(id, text);
	spec = model_spec_add(&manager->model, text, &said);
	group = lifecycle_submit(manager, id, spec, offer->count, offer->name);
	records_put_spec(manager, spec);
	records_put_group(manager, group);
	return group;
}

void
task_list_ids(Davit__SubmitTasksReply *reply, struct id first, uint32_t n, struct arena *arena)
{
	reply->n_task_ids = 0;
	reply->task_ids = arena_array(arena, n + 1, sizeof *reply->task_ids);
	while (reply->n_task_ids < n) {
		struct id id = id_at(first, (uint32_t)reply->n_task_ids);

		reply->task_ids[reply->n_task_ids++] = view_id(id, arena);
	}
}

/* The ids of at most n_ids tasks go with it. */
static void
fill_reply(const struct offer *offer, const struct group *group, uint32_t n_ids,
	Davit__SubmitTasksReply *reply, struct arena *arena)
{
	uint32_t n = offer->count < n_ids ? offer->count : n_ids;

	reply->has_count = true;
	reply->count = offer->count;
	reply->name = arena_strdup(arena, offer->name);
	if (offer->count > 1)
		reply->array_id = view_id(group->id, arena);
	task_list_ids(reply, group->id, n, arena);
}

static void
note_repeats(struct rpc_call *call)
{
	if (call->request_id == NULL)
		rpc_call_set_note(call, "without a request_id a repeat of this call makes "
					"more tasks");
}

void
task_submit(struct manager *manager, struct rpc_call *call)
{
	const Davit__SubmitTasksRequest *request = (const Davit__SubmitTasksRequest *)call->request;
	Davit__SubmitTasksReply reply = DAVIT__SUBMIT_TASKS_REPLY__INIT;
	struct offer offer;

	if (task_refuse_spec(manager, call, request->spec, count_of(request), ""))
		return;
	make_offer(manager, request, &offer);
	fill_reply(&offer, accept(manager, &offer), MANAGER_LIST_MAX, &reply,
		&manager->batch.arena);
	note_repeats(call);
	batch_answer(manager, call, &reply.base);
}

/* ---- many: all or none ---- */

/* A name that an offer of this call has: of one task, or of an array whose tasks are NAME-0 on. */
struct claim {
	char *key;
	uint32_t count;
	UT_hash_handle hh;
};

static char *
claim_key(const struct offer *offer, bool is_array, size_t name_size, struct arena *arena)
{
	return arena_printf(arena, "%s/%s%.*s", offer->namespace, is_array ? "-" : "",
		(int)name_size, offer->name);
}

/* False: another offer of this call has the name. */
static bool
claim(struct claim **claims, const struct offer *offer, struct arena *arena)
{
	bool is_array = offer->count > 1;
	struct claim *found, *mine = arena_alloc(arena, sizeof *mine);

	mine->key = claim_key(offer, is_array, strlen(offer->name), arena);
	mine->count = offer->count;
	HASH_FIND_STR(*claims, mine->key, found);
	if (found != NULL)
		return false;
	HASH_ADD_KEYPTR(hh, *claims, mine->key, strlen(mine->key), mine);
	return true;
}

/* One task called "web-2" while an array "web" of this call has a third. */
static bool
is_in_array(struct claim *claims, const struct offer *offer, struct arena *arena)
{
	const char *dash = strrchr(offer->name, '-');
	struct claim *found;
	unsigned index;
	int used = 0;
	char *key;

	if (offer->count > 1 || dash == NULL || dash[1] < '0' || dash[1] > '9' ||
		(dash[1] == '0' && dash[2] != '\0') ||
		sscanf(dash + 1, "%9u%n", &index, &used) != 1 || dash[1 + used] != '\0')
		return false;
	key = claim_key(offer, true, (size_t)(dash - offer->name), arena);
	HASH_FIND_STR(claims, key, found);
	return found != NULL && index < found->count;
}

/* True if the call was refused: two of its tasks would have one name. */
static bool
refuse_doubles(struct manager *manager, struct rpc_call *call, struct offer *offers, size_t n)
{
	struct arena *arena = &manager->batch.arena;
	struct claim *claims = NULL;
	size_t bad = n;

	for (size_t i = 0; i < n && bad == n; i++)
		while (bad == n && !claim(&claims, &offers[i], arena)) {
			if (offers[i].is_made)
				make_offer(manager, offers[i].request, &offers[i]);
			else
				bad = i;
		}
	for (size_t i = 0; i < n && bad == n; i++)
		if (is_in_array(claims, &offers[i], arena))
			bad = i;
	HASH_CLEAR(hh, claims);
	if (bad == n)
		return false;
	batch_refuse(manager, call, DAVIT__REPLY__STATUS__ALREADY_EXISTS,
		arena_printf(arena, "tasks[%zu].spec.name", bad),
		"two tasks of this call would be called '%s' in namespace '%s'", offers[bad].name,
		offers[bad].namespace);
	return true;
}

/* All offers, or NULL and the call was refused. */
static struct offer *
make_offers(struct manager *manager, struct rpc_call *call)
{
	const Davit__SubmitManyRequest *request = (const Davit__SubmitManyRequest *)call->request;
	struct arena *arena = &manager->batch.arena;
	struct offer *offers = arena_array(arena, request->n_tasks, sizeof *offers);
	uint64_t n_tasks = manager->model.n_tasks;

	for (size_t i = 0; i < request->n_tasks; i++) {
		const Davit__SubmitTasksRequest *one = request->tasks[i];
		char prefix[32];

		(void)snprintf(prefix, sizeof prefix, "tasks[%zu].", i);
		if (task_refuse_spec(manager, call, one->spec, count_of(one), prefix))
			return NULL;
		n_tasks += count_of(one);
		make_offer(manager, one, &offers[i]);
	}
	if (n_tasks > manager->config.tasks_max) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED, "tasks",
			"there would be more than %u tasks (MANAGER_TASKS_MAX): remove some",
			manager->config.tasks_max);
		return NULL;
	}
	return refuse_doubles(manager, call, offers, request->n_tasks) ? NULL : offers;
}

void
task_submit_many(struct manager *manager, struct rpc_call *call)
{
	const Davit__SubmitManyRequest *request = (const Davit__SubmitManyRequest *)call->request;
	Davit__SubmitManyReply reply = DAVIT__SUBMIT_MANY_REPLY__INIT;
	struct arena *arena = &manager->batch.arena;
	struct offer *offers;

	if (request->n_tasks < 1 || request->n_tasks > MANAGER_SUBMIT_MAX) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "tasks",
			"1 to %d submissions at once (MANAGER_SUBMIT_MAX)", MANAGER_SUBMIT_MAX);
		return;
	}
	offers = make_offers(manager, call);
	if (offers == NULL)
		return;
	reply.results = arena_array(arena, request->n_tasks, sizeof *reply.results);
	for (size_t i = 0; i < request->n_tasks; i++) {
		Davit__SubmitTasksReply *one = arena_alloc(arena, sizeof *one);

		davit__submit_tasks_reply__init(one);
		fill_reply(&offers[i], accept(manager, &offers[i]), offers[i].count == 1 ? 1 : 0,
			one, arena);
		reply.results[reply.n_results++] = one;
	}
	note_repeats(call);
	batch_answer(manager, call, &reply.base);
}
