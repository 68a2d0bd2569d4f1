#include "tests/lib/desk.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/rpc/rpc_mem.h"
#include "services/manager/limits.h"
#include "tests/lib/test.h"

static const uint64_t start_mono_ms = 1000000, start_wall_ms = UINT64_C(1700000000000);

/* ---- ports ---- */

static void
port_random(void *arg, void *data, size_t size)
{
	struct desk *desk = arg;
	uint8_t *at = data;

	for (size_t i = 0; i < size; i++) {
		desk->chance = desk->chance * UINT64_C(6364136223846793005) + 1442695040888963407u;
		at[i] = (uint8_t)(desk->chance >> 33);
	}
}

static void
port_place(void *arg, const Davit__PlaceRequest *request)
{
	struct desk *desk = arg;
	size_t size = davit__place_request__get_packed_size(request);
	uint8_t *data = xmalloc(size);

	CHECK(desk->question == NULL); /* one at a time */
	(void)davit__place_request__pack(request, data);
	desk->question = davit__place_request__unpack(NULL, size, data);
	desk->n_questions++;
	free(data);
}

static void
port_publish(void *arg, const char *topic, const ProtobufCMessage *message)
{
	struct desk *desk = arg;

	(void)message;
	(void)snprintf(desk->topics[desk->n_published++ % 64], sizeof desk->topics[0], "%s", topic);
}

static int
port_read(void *arg, const char *key, struct buf *ret_value, struct err *err)
{
	struct desk *desk = arg;

	return store_get(desk->store, key, ret_value, err);
}

static void
make_manager(struct desk *desk)
{
	struct manager_ports ports = {port_random, port_place, port_publish, port_read, desk};
	struct err err = {0};

	desk->manager = manager_new(&desk->config, &ports);
	CHECK_OK(manager_load(desk->manager, desk->store, desk->now, &err), &err);
}

void
desk_init(struct desk *desk)
{
	struct err err = {0};

	*desk = (struct desk){.now = {start_mono_ms, start_wall_ms}, .chance = 7};
	manager_config_init(&desk->config);
	desk->config.history_containers = desk->config.history_max; /* tests look into the model */
	CHECK_OK(store_open_mem(&desk->store, &err), &err);
	make_manager(desk);
}

static void
drop_question(struct desk *desk)
{
	if (desk->question != NULL)
		davit__place_request__free_unpacked(desk->question, NULL);
	desk->question = NULL;
}

void
desk_fini(struct desk *desk)
{
	manager_free(desk->manager);
	store_close(desk->store);
	drop_question(desk);
}

void
desk_restart(struct desk *desk)
{
	manager_free(desk->manager);
	drop_question(desk);
	make_manager(desk);
}

/* ---- turns ---- */

static bool
fits(const Davit__PlaceNode *node, const Davit__TaskSpec *spec)
{
	return node->schedulable &&
	       node->capacity->cpu_milli - node->reserved->cpu_milli >= spec->cpu_milli &&
	       node->capacity->memory_bytes - node->reserved->memory_bytes >= spec->memory_bytes;
}

static const Davit__TaskSpec *
spec_of(const Davit__PlaceRequest *question, const char *spec_id)
{
	for (size_t i = 0; i < question->n_specs; i++) {
		if (strcmp(question->specs[i]->id, spec_id) == 0)
			return question->specs[i]->spec;
	}
	fail_msg("spec %s is not in the question", spec_id);
	return NULL;
}

/* "fits on 1" or "fits on 0", and the first node of all as the best. */
static void
explain(const Davit__PlaceRequest *question, size_t i, const Davit__PlaceNode *chosen,
	struct arena *arena, Davit__PlaceReply *reply)
{
	Davit__Explanation *explanation = arena_alloc(arena, sizeof *explanation);

	davit__explanation__init(explanation);
	explanation->task_id = question->tasks[i]->task_id;
	explanation->strategy = "first-fit";
	explanation->has_n_nodes = explanation->has_n_feasible = true;
	explanation->n_nodes = (uint32_t)question->n_nodes;
	explanation->n_feasible = chosen != NULL;
	if (chosen != NULL) {
		Davit__ScoredNode *node = arena_alloc(arena, sizeof *node);

		davit__scored_node__init(node);
		node->node_id = chosen->id;
		node->node_name = chosen->name;
		explanation->best = arena_array(arena, 1, sizeof *explanation->best);
		explanation->best[explanation->n_best++] = node;
	}
	reply->explanations[reply->n_explanations++] = explanation;
}

/* Every question is answered as if it were a snapshot: the desk asks for one when it is not. */
static void
play_scheduler(struct desk *desk)
{
	Davit__PlaceRequest *question = TAKE(desk->question);
	Davit__PlaceReply reply = DAVIT__PLACE_REPLY__INIT;
	struct arena arena = {0};

	if (!question->snapshot) {
		manager_placed(desk->manager, desk->now, DAVIT__REPLY__STATUS__FAILED_PRECONDITION,
			"send a snapshot", NULL);
		davit__place_request__free_unpacked(question, NULL);
		return;
	}
	reply.placements = arena_array(&arena, question->n_tasks, sizeof *reply.placements);
	reply.refusals = arena_array(&arena, question->n_tasks, sizeof *reply.refusals);
	reply.explanations = arena_array(&arena, question->n_tasks, sizeof *reply.explanations);
	for (size_t i = 0; i < question->n_tasks; i++) {
		const Davit__TaskSpec *spec = spec_of(question, question->tasks[i]->spec_id);
		Davit__PlaceNode *chosen = NULL;

		for (size_t n = 0; n < question->n_nodes && chosen == NULL; n++)
			chosen = fits(question->nodes[n], spec) ? question->nodes[n] : NULL;
		if (question->explain)
			explain(question, i, chosen, &arena, &reply);
		if (chosen != NULL) {
			Davit__Placement *placement = arena_alloc(&arena, sizeof *placement);

			davit__placement__init(placement);
			placement->task_id = question->tasks[i]->task_id;
			placement->node_id = chosen->id;
			chosen->reserved->cpu_milli += spec->cpu_milli;
			chosen->reserved->memory_bytes += spec->memory_bytes;
			reply.placements[reply.n_placements++] = placement;
		} else {
			Davit__Refusal *refusal = arena_alloc(&arena, sizeof *refusal);

			davit__refusal__init(refusal);
			refusal->task_id = question->tasks[i]->task_id;
			refusal->message = "no node fits";
			reply.refusals[reply.n_refusals++] = refusal;
		}
	}
	manager_placed(desk->manager, desk->now, DAVIT__REPLY__STATUS__OK, "", &reply);
	davit__place_request__free_unpacked(question, NULL);
	arena_fini(&arena);
}

static void
commit(struct desk *desk)
{
	const struct store_batch *writes = manager_seal(desk->manager);
	struct err err = {0};

	manager_ask(desk->manager);
	if (store_commit(desk->store, writes, &err) == 0) {
		manager_release(desk->manager);
		return;
	}
	manager_abort(desk->manager, err.text);
	CHECK_OK(manager_load(desk->manager, desk->store, desk->now, &err), &err);
}

void
desk_turn(struct desk *desk)
{
	unsigned n = 0;

	while (manager_has_work(desk->manager) || (desk->question != NULL && !desk->no_scheduler)) {
		CHECK(n++ < 1000); /* or it never comes to rest */
		if (manager_has_work(desk->manager))
			commit(desk);
		if (desk->question != NULL && !desk->no_scheduler)
			play_scheduler(desk);
	}
}

void
desk_pass(struct desk *desk, uint64_t ms)
{
	for (uint64_t passed = 0; passed < ms; passed += MANAGER_TICK_MS) {
		desk->now.mono_ms += MANAGER_TICK_MS;
		desk->now.wall_ms += MANAGER_TICK_MS;
		manager_tick(desk->manager, desk->now);
		desk_turn(desk);
	}
}

/* ---- calls ---- */

void
desk_reply_fini(struct desk_reply *reply)
{
	if (reply->response != NULL)
		protobuf_c_message_free_unpacked(reply->response, NULL);
	*reply = (struct desk_reply){0};
}

static void
on_reply(const struct rpc_result *result, void *arg)
{
	struct desk_reply *reply = arg;

	CHECK(!reply->is_there); /* answered twice */
	reply->is_there = true;
	reply->status = result->status;
	(void)snprintf(reply->message, sizeof reply->message, "%s", result->message);
	(void)snprintf(reply->field, sizeof reply->field, "%s", result->field);
	(void)snprintf(reply->note, sizeof reply->note, "%s", result->note);
	if (result->response != NULL) {
		size_t size = protobuf_c_message_get_packed_size(result->response);
		uint8_t *data = xmalloc(size);

		(void)protobuf_c_message_pack(result->response, data);
		reply->response =
			protobuf_c_message_unpack(result->response->descriptor, NULL, size, data);
		free(data);
	}
}

void
desk_send(struct desk *desk, const char *method, const ProtobufCMessage *request,
	const char *request_id, struct desk_reply *reply)
{
	bool of_workers = protobuf_c_service_descriptor_get_method_by_name(
				  &davit__workers__descriptor, method) != NULL;
	struct rpc_call *call;

	*reply = (struct desk_reply){0};
	call = rpc_mem_call(of_workers ? &davit__workers__descriptor : &davit__manager__descriptor,
		method, request, request_id, on_reply, reply);
	if (call != NULL)
		manager_call(desk->manager, desk->now, call);
}

ProtobufCMessage *
desk_ask(struct desk *desk, const char *method, const ProtobufCMessage *request)
{
	struct desk_reply reply;

	desk_send(desk, method, request, NULL, &reply);
	desk_turn(desk);
	if (!reply.is_there || reply.status != DAVIT__REPLY__STATUS__OK)
		fail_msg("%s: %s (%s)", method, reply.is_there ? reply.message : "no answer",
			reply.field);
	return reply.response;
}

/* ---- a worker ---- */

void
desk_worker_join(struct desk *desk, struct desk_worker *worker, const char *name,
	uint64_t cpu_milli)
{
	Davit__RegisterNodeRequest request = DAVIT__REGISTER_NODE_REQUEST__INIT;
	Davit__Resources capacity = DAVIT__RESOURCES__INIT;
	Davit__EngineInfo engine = DAVIT__ENGINE_INFO__INIT;
	Davit__RegisterNodeReply *reply;
	char node_id[64];

	(void)snprintf(node_id, sizeof node_id, "%s", worker->node_id);
	request.name = (char *)(uintptr_t)name;
	request.node_id = node_id[0] != '\0' ? node_id : NULL;
	capacity.has_cpu_milli = capacity.has_memory_bytes = capacity.has_disk_bytes = true;
	capacity.cpu_milli = cpu_milli;
	capacity.memory_bytes = UINT64_C(8) << 30;
	capacity.disk_bytes = UINT64_C(100) << 30;
	request.capacity = &capacity;
	engine.id = "one engine";
	request.engine = &engine;
	reply = (Davit__RegisterNodeReply *)desk_ask(desk, "RegisterNode", &request.base);
	desk_worker_fini(worker);
	*worker = (struct desk_worker){.desk = desk, .session = reply->session};
	(void)snprintf(worker->node_id, sizeof worker->node_id, "%s", reply->node_id);
	(void)snprintf(worker->name, sizeof worker->name, "%s", name);
	davit__register_node_reply__free_unpacked(reply, NULL);
	desk_worker_poll(worker, NULL);
}

static void
take_answer(struct desk_worker *worker)
{
	Davit__PollReply *reply = (Davit__PollReply *)TAKE(worker->poll->response);

	if (reply == NULL)
		return;
	if (reply->complete || reply->applies_to == worker->version)
		worker->version = reply->results_in;
	if (reply->n_assignments == 0 && reply->n_dropped == 0 && !reply->complete &&
		reply->n_queries == 0) {
		davit__poll_reply__free_unpacked(reply, NULL);
		return;
	}
	if (worker->last != NULL)
		davit__poll_reply__free_unpacked(worker->last, NULL);
	worker->last = reply;
}

static void
drop_poll(struct desk_reply *poll)
{
	if (poll == NULL)
		return;
	desk_reply_fini(poll);
	free(poll);
}

void
desk_worker_fini(struct desk_worker *worker)
{
	drop_poll(TAKE(worker->poll));
	if (worker->last != NULL)
		davit__poll_reply__free_unpacked(worker->last, NULL);
	worker->last = NULL;
}

void
desk_worker_poll(struct desk_worker *worker, const Davit__TaskReport *report)
{
	Davit__PollRequest request = DAVIT__POLL_REQUEST__INIT;
	Davit__TaskReport *reports[1] = {(Davit__TaskReport *)(uintptr_t)report};
	struct desk_reply *before = worker->poll;

	if (before != NULL && before->is_there)
		take_answer(worker);
	request.node_id = worker->node_id;
	request.session = worker->session;
	request.has_have_version = request.has_wait_ms = true;
	request.have_version = worker->version;
	request.wait_ms = 60000;
	request.n_reports = report != NULL;
	request.reports = reports;
	worker->poll = xcalloc(1, sizeof *worker->poll);
	desk_send(worker->desk, "Poll", &request.base, NULL, worker->poll);
	desk_turn(worker->desk);
	CHECK(before == NULL || before->is_there); /* superseded, if it was parked */
	drop_poll(before);
	if (worker->poll->is_there)
		take_answer(worker);
}

void
desk_worker_report(struct desk_worker *worker, const char *task_id, uint32_t attempt,
	Davit__TaskReport__Observed observed, int exit_code)
{
	Davit__TaskReport report = DAVIT__TASK_REPORT__INIT;

	report.task_id = (char *)(uintptr_t)task_id;
	report.attempt = attempt;
	report.observed = observed;
	report.has_exit_code = observed == DAVIT__TASK_REPORT__OBSERVED__ENDED;
	report.exit_code = exit_code;
	desk_worker_poll(worker, &report);
	desk_worker_poll(worker, NULL);
}

const Davit__Assignment *
desk_worker_assignment(const struct desk_worker *worker, const char *task_id)
{
	for (size_t i = 0; worker->last != NULL && i < worker->last->n_assignments; i++) {
		if (strcmp(worker->last->assignments[i]->task_id, task_id) == 0)
			return worker->last->assignments[i];
	}
	return NULL;
}

/* ---- shorthand ---- */

void
desk_submit(struct desk *desk, const char *name, uint64_t cpu_milli, bool restarts,
	char ret_id[ID_TEXT_SIZE])
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__RestartPolicy restart = DAVIT__RESTART_POLICY__INIT;
	Davit__SubmitTasksReply *reply;

	spec.name = (char *)(uintptr_t)name;
	spec.image = "demo";
	spec.has_cpu_milli = cpu_milli > 0;
	spec.cpu_milli = cpu_milli;
	restart.has_condition = true;
	restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
	spec.restart = restarts ? &restart : NULL;
	request.spec = &spec;
	reply = (Davit__SubmitTasksReply *)desk_ask(desk, "SubmitTasks", &request.base);
	(void)snprintf(ret_id, ID_TEXT_SIZE, "%s", reply->task_ids[0]);
	davit__submit_tasks_reply__free_unpacked(reply, NULL);
}

void
desk_stop(struct desk *desk, const char *task)
{
	Davit__StopTasksRequest request = DAVIT__STOP_TASKS_REQUEST__INIT;
	char *tasks[] = {(char *)(uintptr_t)task};

	request.n_tasks = 1;
	request.tasks = tasks;
	protobuf_c_message_free_unpacked(desk_ask(desk, "StopTasks", &request.base), NULL);
}

struct task *
desk_task(struct desk *desk, const char *id)
{
	struct id parsed;

	CHECK(id_parse(id, &parsed));
	return model_task_find(&desk->manager->model, parsed);
}

struct node *
desk_node(struct desk *desk, const char *name)
{
	return model_node_by_name(&desk->manager->model, name);
}
