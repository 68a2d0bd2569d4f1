/* Faults on purpose: who may order them, what is told, and how they end for the manager. */
#include "common/model/limits.h"
#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

#define STATUS(x) DAVIT__REPLY__STATUS__##x
#define KIND(x)   DAVIT__FAULT__KIND__##x

struct scene {
	struct desk desk;
	struct desk_worker worker;
};

static void
begin(struct scene *scene, bool allows_chaos)
{
	*scene = (struct scene){0};
	desk_init(&scene->desk);
	scene->desk.config.allows_chaos = allows_chaos;
	desk_restart(&scene->desk);
	desk_worker_join(&scene->desk, &scene->worker, "n1", 4000);
}

static void
end(struct scene *scene)
{
	desk_fini(&scene->desk);
	desk_worker_fini(&scene->worker);
}

static Davit__InjectFaultRequest
request_of(Davit__Fault__Kind kind, const char *node)
{
	Davit__InjectFaultRequest request = DAVIT__INJECT_FAULT_REQUEST__INIT;

	request.kind = kind;
	request.node = (char *)(uintptr_t)node;
	return request;
}

static void
check_refused(struct scene *scene, const Davit__InjectFaultRequest *request,
	Davit__Reply__Status status, const char *field, const char *words)
{
	struct desk_reply reply;

	desk_send(&scene->desk, "InjectFault", &request->base, NULL, &reply);
	desk_turn(&scene->desk);
	CHECK(reply.is_there);
	CHECK_EQ(reply.status, status);
	CHECK_STR(reply.field, field);
	CHECK_HAS(reply.message, words);
	desk_reply_fini(&reply);
}

/* The order goes down, and is accepted with an end in so many ms. */
static void
inject(struct scene *scene, const Davit__InjectFaultRequest *request, uint64_t left_ms)
{
	Davit__AnswerQueriesRequest up = DAVIT__ANSWER_QUERIES_REQUEST__INIT;
	Davit__QueryAnswer answer = DAVIT__QUERY_ANSWER__INIT, *answers[] = {&answer};
	Davit__InjectFaultReply accepted = DAVIT__INJECT_FAULT_REPLY__INIT;
	struct desk_reply reply, carrier;
	const Davit__ChaosQuery *asked;
	Davit__Fault fault;

	desk_send(&scene->desk, "InjectFault", &request->base, "r1", &reply);
	desk_turn(&scene->desk);
	desk_worker_poll(&scene->worker, NULL);
	CHECK_EQ(scene->worker.last->n_queries, 1);
	asked = scene->worker.last->queries[0]->chaos;
	CHECK(asked != NULL);
	CHECK_STR(asked->request_id, "r1");
	fault = *asked->fault;
	CHECK_EQ(fault.kind, request->kind);
	fault.has_until_ms = fault.has_left_ms = true;
	fault.until_ms = scene->desk.now.wall_ms + left_ms;
	fault.left_ms = left_ms;
	accepted.fault = &fault;
	answer.id = scene->worker.last->queries[0]->id;
	answer.fault = &accepted;
	up.node_id = scene->worker.node_id;
	up.session = scene->worker.session;
	up.n_answers = 1;
	up.answers = answers;
	desk_send(&scene->desk, "AnswerQueries", &up.base, NULL, &carrier);
	desk_turn(&scene->desk);
	CHECK_EQ(reply.status, STATUS(OK));
	CHECK_EQ(((Davit__InjectFaultReply *)reply.response)->fault->until_ms, fault.until_ms);
	desk_reply_fini(&reply);
	desk_reply_fini(&carrier);
}

static Davit__ListFaultsReply *
list(struct scene *scene)
{
	Davit__ListFaultsRequest request = DAVIT__LIST_FAULTS_REQUEST__INIT;

	return (Davit__ListFaultsReply *)desk_ask(&scene->desk, "ListFaults", &request.base);
}

static size_t
n_faults(struct scene *scene)
{
	Davit__ListFaultsReply *reply = list(scene);
	size_t n = reply->n_faults;

	davit__list_faults_reply__free_unpacked(reply, NULL);
	return n;
}

/* How many events of that kind there were, and the sentence of the last in ret_text. */
static unsigned
n_told(struct scene *scene, const char *what, char ret_text[256])
{
	Davit__ReadEventsRequest request = DAVIT__READ_EVENTS_REQUEST__INIT;
	Davit__ReadEventsReply *reply;
	unsigned n = 0;

	request.has_history = request.history = true;
	reply = (Davit__ReadEventsReply *)desk_ask(&scene->desk, "ReadEvents", &request.base);
	for (size_t i = 0; i < reply->n_events; i++) {
		if (strcmp(reply->events[i]->what, what) != 0)
			continue;
		n++;
		(void)snprintf(ret_text, 256, "%s", reply->events[i]->message);
	}
	davit__read_events_reply__free_unpacked(reply, NULL);
	return n;
}

/* What the worker says by the line that no fault touches; the kind that it is to heal. */
static Davit__Fault__Kind
check_faults(struct scene *scene, Davit__Fault *fault)
{
	Davit__CheckFaultsRequest request = DAVIT__CHECK_FAULTS_REQUEST__INIT;
	Davit__CheckFaultsReply *reply;
	Davit__Fault__Kind heal;

	request.node_id = scene->worker.node_id;
	request.faults = &fault;
	request.n_faults = fault != NULL;
	reply = (Davit__CheckFaultsReply *)desk_ask(&scene->desk, "CheckFaults", &request.base);
	heal = reply->n_heal > 0 ? reply->heal[0] : KIND(KIND_NONE);
	davit__check_faults_reply__free_unpacked(reply, NULL);
	return heal;
}

TEST(manager_chaos_is_refused_unless_it_was_allowed)
{
	struct scene scene;
	Davit__InjectFaultRequest request = request_of(KIND(KILL_NODE), "n1");
	Davit__Fault fault = DAVIT__FAULT__INIT;
	Davit__ListFaultsReply *reply;

	begin(&scene, false);
	check_refused(&scene, &request, STATUS(FAILED_PRECONDITION), "", "--allow-chaos");
	reply = list(&scene);
	CHECK(!reply->allowed);
	davit__list_faults_reply__free_unpacked(reply, NULL);
	/* What was begun under an earlier manager is to end, and is not shown. */
	fault.has_kind = true;
	fault.kind = KIND(PARTITION);
	CHECK_EQ(check_faults(&scene, &fault), KIND(PARTITION));
	CHECK_EQ(n_faults(&scene), 0);
	end(&scene);
}

TEST(manager_chaos_refuses_what_makes_no_sense_and_names_the_field)
{
	struct scene scene;
	Davit__InjectFaultRequest request;
	char name[] = "web", id[ID_TEXT_SIZE];

	begin(&scene, true);
	request = request_of(KIND(KILL_NODE), "nobody");
	check_refused(&scene, &request, STATUS(NOT_FOUND), "node", "nobody");
	request = request_of(KIND(KILL_NODE), NULL);
	check_refused(&scene, &request, STATUS(INVALID_ARGUMENT), "node", "which node");
	request = request_of(KIND(KILL_NODE), "n1");
	request.task = name;
	check_refused(&scene, &request, STATUS(INVALID_ARGUMENT), "task", "nothing");
	request = request_of(KIND(KILL_NODE), "n1");
	request.has_for_ms = true;
	check_refused(&scene, &request, STATUS(INVALID_ARGUMENT), "for_ms", "more than 0");
	request.for_ms = CHAOS_FOR_MAX_MS + 1;
	check_refused(&scene, &request, STATUS(INVALID_ARGUMENT), "for_ms", "60 min");
	request = request_of(KIND(KILL_TASK), "n1");
	check_refused(&scene, &request, STATUS(INVALID_ARGUMENT), "task", "which task");
	request.task = name;
	check_refused(&scene, &request, STATUS(INVALID_ARGUMENT), "node", "where the task runs");
	request.node = NULL;
	check_refused(&scene, &request, STATUS(NOT_FOUND), "task", "web");
	desk_submit(&scene.desk, "web", 0, false, id);
	check_refused(&scene, &request, STATUS(FAILED_PRECONDITION), "task", "SCHEDULED");
	end(&scene);
}

TEST(manager_chaos_cannot_reach_a_node_that_is_silent)
{
	struct scene scene;
	Davit__InjectFaultRequest request = request_of(KIND(PARTITION), "n1");

	begin(&scene, true);
	desk_pass(&scene.desk, MANAGER_SILENT_MS + 500);
	check_refused(&scene, &request, STATUS(UNAVAILABLE), "node", "silent");
	end(&scene);
}

TEST(manager_chaos_tells_of_a_fault_from_its_beginning_to_its_end)
{
	struct scene scene;
	Davit__InjectFaultRequest request = request_of(KIND(PARTITION), "n1");
	Davit__HealFaultsRequest heal = DAVIT__HEAL_FAULTS_REQUEST__INIT;
	Davit__HealFaultsReply *healing;
	Davit__ListFaultsReply *reply;
	Davit__Fault fault = DAVIT__FAULT__INIT;
	char by[] = "ana@desk", text[256];

	begin(&scene, true);
	request.by = by;
	inject(&scene, &request, 30000);
	CHECK_EQ(n_told(&scene, "fault", text), 1);
	CHECK_HAS(text, "partition for 30s, until ");
	CHECK_HAS(text, "by ana@desk");
	desk_pass(&scene.desk, 1000);
	reply = list(&scene);
	CHECK_EQ(reply->n_faults, 1);
	CHECK_STR(reply->faults[0]->node_name, "n1");
	CHECK_STR(reply->faults[0]->text, "partition");
	CHECK_EQ(reply->faults[0]->left_ms, 29000);
	/* The worker says the same: nothing is told twice. */
	fault = *reply->faults[0];
	CHECK_EQ(check_faults(&scene, &fault), KIND(KIND_NONE));
	CHECK_EQ(n_told(&scene, "fault", text), 1);
	heal.has_kind = true;
	heal.kind = KIND(SLOW);
	healing = (Davit__HealFaultsReply *)desk_ask(&scene.desk, "HealFaults", &heal.base);
	CHECK_EQ(healing->n_faults, 0);
	davit__heal_faults_reply__free_unpacked(healing, NULL);
	heal.has_kind = false;
	healing = (Davit__HealFaultsReply *)desk_ask(&scene.desk, "HealFaults", &heal.base);
	CHECK_EQ(healing->n_faults, 1);
	davit__heal_faults_reply__free_unpacked(healing, NULL);
	CHECK_EQ(check_faults(&scene, &fault), KIND(PARTITION));
	CHECK_EQ(n_told(&scene, "healed", text), 0);
	davit__list_faults_reply__free_unpacked(reply, NULL);
	CHECK_EQ(check_faults(&scene, NULL), KIND(KIND_NONE));
	CHECK_EQ(n_told(&scene, "healed", text), 1);
	CHECK_EQ(n_faults(&scene), 0);
	end(&scene);
}

TEST(manager_chaos_is_over_in_time_also_for_a_worker_that_never_comes_back)
{
	struct scene scene;
	Davit__InjectFaultRequest request = request_of(KIND(KILL_NODE), "n1");
	char text[256];

	begin(&scene, true);
	inject(&scene, &request, 10000);
	desk_pass(&scene.desk, 10000 + MANAGER_FAULT_MARGIN_MS - 500);
	CHECK_EQ(n_faults(&scene), 1);
	desk_pass(&scene.desk, 600);
	CHECK_EQ(n_faults(&scene), 0);
	CHECK_EQ(n_told(&scene, "healed", text), 1);
	end(&scene);
}

TEST(manager_chaos_learns_of_faults_again_after_a_restart_and_forgets_them_with_the_node)
{
	struct scene scene;
	Davit__RemoveNodeRequest request = DAVIT__REMOVE_NODE_REQUEST__INIT;
	Davit__Fault fault = DAVIT__FAULT__INIT;
	char text[256], name[] = "n1";

	begin(&scene, true);
	desk_restart(&scene.desk);
	fault.has_kind = fault.has_left_ms = true;
	fault.kind = KIND(PAUSE_ENGINE);
	fault.left_ms = 60000;
	CHECK_EQ(check_faults(&scene, &fault), KIND(KIND_NONE));
	CHECK_EQ(n_told(&scene, "fault", text), 1);
	CHECK_EQ(n_faults(&scene), 1);
	request.node = name;
	davit__remove_node_reply__free_unpacked(
		(Davit__RemoveNodeReply *)desk_ask(&scene.desk, "RemoveNode", &request.base), NULL);
	CHECK_EQ(n_faults(&scene), 0);
	CHECK_EQ(scene.desk.manager->chaos.n, 0);
	end(&scene);
}

TEST(manager_chaos_believes_no_nonsense_of_workers)
{
	struct scene scene;
	Davit__CheckFaultsRequest request = DAVIT__CHECK_FAULTS_REQUEST__INIT;
	Davit__Fault fault = DAVIT__FAULT__INIT, *many[8];
	struct desk_reply reply;
	char nobody[] = "no-id";
	static const struct {
		Davit__Fault__Kind kind;
		size_t n;
		uint64_t left_ms;
	} wrong[] = {{KIND(PARTITION), NODE_FAULT_KINDS, 1}, {KIND(KILL_TASK), 1, 1},
		{KIND(KIND_NONE), 1, 1}, {(Davit__Fault__Kind)-1, 1, 1},
		{KIND(PARTITION), 1, CHAOS_FOR_MAX_MS + 1}};

	begin(&scene, true);
	request.faults = many;
	for (size_t i = 0; i < sizeof many / sizeof many[0]; i++)
		many[i] = &fault;
	fault.has_kind = fault.has_left_ms = true;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		request.node_id = scene.worker.node_id;
		fault.kind = wrong[i].kind;
		fault.left_ms = wrong[i].left_ms;
		request.n_faults = wrong[i].n;
		desk_send(&scene.desk, "CheckFaults", &request.base, NULL, &reply);
		desk_turn(&scene.desk);
		CHECK_EQ(reply.status, STATUS(INVALID_ARGUMENT));
		CHECK_HAS(reply.field, "faults");
		desk_reply_fini(&reply);
	}
	request.node_id = nobody;
	desk_send(&scene.desk, "CheckFaults", &request.base, NULL, &reply);
	desk_turn(&scene.desk);
	CHECK_EQ(reply.status, STATUS(NOT_FOUND));
	desk_reply_fini(&reply);
	CHECK_EQ(n_faults(&scene), 0);
	end(&scene);
}
