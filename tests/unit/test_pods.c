/* The contract of the pods; with a real engine in tests/e2e/pods.bats. */
#include "services/gateway/contracts/pods.h"

#include "services/gateway/contracts/contracts.h"
#include "services/gateway/foreign_json.h"
#include "tests/lib/gateway_stage.h"
#include "tests/lib/test.h"

TEST(pods_quantities_are_read_with_their_units)
{
	static const char *const wrong[] = {"", "m", "1.2.3", "x", "1x", "-1", "1 Gi",
		"99999999999999999999", "."};
	uint64_t value;

	CHECK(pods_parse_cpu("500m", &value) && value == 500);
	CHECK(pods_parse_cpu("0.5", &value) && value == 500);
	CHECK(pods_parse_cpu("2", &value) && value == 2000);
	CHECK(pods_parse_memory("64Mi", &value) && value == 64 << 20);
	CHECK(pods_parse_memory("1.5G", &value) && value == 1500000000);
	CHECK(pods_parse_memory("128B", &value) && value == 128);
	CHECK(pods_parse_memory("4096", &value) && value == 4096);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		CHECK(!pods_parse_cpu(wrong[i], &value));
		CHECK(!pods_parse_memory(wrong[i], &value));
	}
	CHECK(!pods_parse_cpu("1Gi", &value));
	CHECK(!pods_parse_memory("500m", &value));
}

/* What is wrong with the body, in the words of the original. */
static void
check_words(const char *body, const char *want)
{
	json_t *json = json_loads(body, 0, NULL);
	CLEANUP(arena_fini) struct arena arena = {0};
	struct pods_check check = {0};
	struct pods_specs specs;

	pods_read(json, "default", "web", &specs, &check, &arena);
	if (want == NULL)
		CHECK_EQ(check.text.size, 0);
	else
		CHECK_HAS(buf_text(&check.text), want);
	buf_fini(&check.text);
	json_decref(json);
}

#define POD(container) "{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"" container "}]}}"

TEST(pods_say_all_that_is_wrong_with_a_body)
{
	check_words(POD(""), NULL);
	check_words("{}",
		"validation error on field 'spec.containers': at least one container is required");
	check_words("{\"spec\":{\"containers\":[{}]}}",
		"validation error on field 'spec.containers[0].name': name is required; validation error "
		"on field 'spec.containers[0].image': image is required");
	check_words("{\"spec\":{\"containers\":[7]}}", "name is required");
	check_words("{\"spec\":7}", "'spec': must be an object");
	check_words(POD(",\"ports\":[{\"containerPort\":70000}]"),
		"spec.containers[0].containerPort");
	check_words(POD(",\"ports\":7"), "'spec.containers[0].ports': must be a list");
	check_words(POD(",\"ports\":[{\"containerPort\":80,\"protocol\":\"ICMP\"}]"),
		"protocol must be");
	check_words(POD(",\"resources\":{\"limits\":{\"memory\":\"much\"}}"),
		"memory must be like 64Mi");
	check_words(POD(",\"resources\":{\"requests\":{\"cpu\":1}}"), "must be a string");
	check_words(POD(",\"env\":[{}]"), "each has a name");
	check_words(
		"{\"spec\":{\"restartPolicy\":\"Maybe\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}",
		"'spec.restartPolicy': must be Always, OnFailure or Never");
	check_words(
		"{\"metadata\":{\"labels\":{\"a\":1}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}",
		"'metadata.labels': values must be strings");
}

TEST(pods_have_limits)
{
	static char body[PODS_SPEC_MAX + 200];
	json_t *containers = json_array(), *many;
	char *text;

	(void)snprintf(body, sizeof body, POD(",\"x\":\"%0*d\""), PODS_SPEC_MAX, 7);
	check_words(body, "PODS_SPEC_MAX");
	for (unsigned i = 0; i <= PODS_CONTAINERS_MAX; i++)
		(void)json_array_append_new(containers, json_object());
	many = json_pack("{s:{s:o}}", "spec", "containers", containers);
	text = json_dumps(many, 0);
	check_words(text, "PODS_CONTAINERS_MAX");
	free(text);
	json_decref(many);
}

TEST(pods_of_two_containers_are_two_tasks_that_stay_together)
{
	json_t *json = json_loads(
		"{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{\"restartPolicy\":"
		"\"OnFailure\",\"nodeSelector\":{\"disk\":\"ssd\"},\"containers\":[{\"name\":\"a\","
		"\"image\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"250m\"},\"limits\":{\"cpu\":"
		"\"0.5\",\"memory\":\"64Mi\"}},\"readinessProbe\":{\"httpGet\":{\"path\":\"/ok\","
		"\"port\":8080},\"periodSeconds\":5}},{\"name\":\"b\",\"image\":\"j\"}]}}",
		0, NULL);
	CLEANUP(arena_fini) struct arena arena = {0};
	struct pods_check check = {0};
	struct pods_specs specs;
	const Davit__TaskSpec *a, *b;

	pods_read(json, "prod", "web", &specs, &check, &arena);
	CHECK_EQ(check.text.size, 0);
	CHECK_EQ(specs.n, 2);
	a = specs.items[0];
	b = specs.items[1];
	CHECK_STR(a->name, "web.a");
	CHECK_STR(b->name, "web.b");
	CHECK_STR(a->namespace_, "prod");
	CHECK_EQ(a->cpu_milli, 500);
	CHECK_EQ(a->memory_bytes, 64 << 20);
	CHECK_STR(a->healthcheck->http_get, "http://:8080/ok");
	CHECK_EQ(a->healthcheck->interval_ms, 5000);
	CHECK_EQ(a->restart->condition, DAVIT__RESTART_POLICY__CONDITION__ON_FAILURE);
	CHECK_STR(a->constraints[0], "node.labels.disk == ssd");
	CHECK_STR(b->affinities[0]->label, POD_LABEL "=web");
	CHECK_STR(a->labels[0]->key, "app");
	CHECK_EQ(a->n_labels, 4);
	CHECK_EQ(b->n_labels, 3); /* the pod's spec is with the first only */
	json_decref(json);
}

static char *
text(const char *constant)
{
	return (char *)(uintptr_t)constant;
}

/* The phase of a pod whose tasks have these states. */
static const char *
phase_of(Davit__Task__State one, Davit__Task__State two, char ret_phase[16])
{
	Davit__Task__State states[] = {one, two};
	json_t *pods = json_object(), *items;

	for (size_t i = 0; i < 2; i++) {
		Davit__Task task = DAVIT__TASK__INIT;
		Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
		Davit__StringEntry label = DAVIT__STRING_ENTRY__INIT, *labels[] = {&label};

		label.key = text(POD_LABEL);
		label.value = text("web");
		spec.labels = labels;
		spec.n_labels = 1;
		spec.image = text("i");
		task.id = text("id");
		task.name = text("web.a");
		task.namespace_ = text("default");
		task.state = states[i];
		task.spec = &spec;
		pods_add(pods, &task);
	}
	items = pods_finish(pods);
	CHECK_EQ(json_array_size(items), 1);
	(void)snprintf(ret_phase, 16, "%s",
		json_string_value(json_object_get(
			json_object_get(json_array_get(items, 0), "status"), "phase")));
	json_decref(items);
	json_decref(pods);
	return ret_phase;
}

TEST(pods_have_the_phase_of_their_containers)
{
	char phase[16];

	CHECK_STR(phase_of(DAVIT__TASK__STATE__PENDING, DAVIT__TASK__STATE__RUNNING, phase),
		"Pending");
	CHECK_STR(phase_of(DAVIT__TASK__STATE__SCHEDULED, DAVIT__TASK__STATE__RUNNING, phase),
		"Scheduled");
	CHECK_STR(phase_of(DAVIT__TASK__STATE__RUNNING, DAVIT__TASK__STATE__RUNNING, phase),
		"Running");
	CHECK_STR(phase_of(DAVIT__TASK__STATE__RUNNING, DAVIT__TASK__STATE__COMPLETED, phase),
		"Running");
	CHECK_STR(phase_of(DAVIT__TASK__STATE__COMPLETED, DAVIT__TASK__STATE__COMPLETED, phase),
		"Succeeded");
	CHECK_STR(phase_of(DAVIT__TASK__STATE__COMPLETED, DAVIT__TASK__STATE__FAILED, phase),
		"Failed");
}

/* ---- through the gateway ---- */

static const struct http_route *const tables[] = {contract_pods, NULL};

static void
expect(struct gateway_stage *stage, const char *line, const char *body, const char *status,
	const char *words)
{
	gateway_stage_ask(stage, line, body);
	http_client_wait(&stage->client, words);
	CHECK_HAS(stage->client.text, status);
	CHECK_HAS(stage->client.text, "X-Request-Id: ");
	CHECK_HAS(stage->client.text, "Access-Control-Allow-Origin: *\r\n");
}

TEST(pods_answer_what_needs_no_manager_as_the_original_does)
{
	struct gateway_stage stage;

	gateway_stage_open(&stage, tables);
	expect(&stage, "GET /health", "", " 200 ", "{\"status\":\"healthy\",\"timestamp\":\"");
	expect(&stage, "OPTIONS /api/v1/pods", "", " 204 ",
		"Access-Control-Allow-Methods: GET, POST, PUT, DELETE, OPTIONS");
	expect(&stage, "GET /api/v1/nothing", "", " 404 ", "404 page not found");
	expect(&stage, "DELETE /api/v1/pods", "", " 404 ", "404 page not found");
	expect(&stage, "GET /api/v1/pods/", "", " 301 ", "Location: /api/v1/pods\r\n");
	expect(&stage, "POST /api/v1/pods/", "", " 307 ", "Location: /api/v1/pods\r\n");
	expect(&stage, "POST /api/v1/services", "{}", " 501 ", "{\"error\":\"NOT_IMPLEMENTED\"");
	expect(&stage, "GET /api/v1/namespaces/x/deployments/y", "", " 501 ", "\"code\":501");
	expect(&stage, "POST /api/v1/pods", "{", " 400 ",
		"{\"error\":\"INVALID_REQUEST\",\"message\":\"Invalid JSON format\",\"code\":400,\"details\":{\"validation\":");
	expect(&stage, "POST /api/v1/pods", "{}", " 400 ",
		"{\"error\":\"VALIDATION_ERROR\",\"message\":\"Pod validation failed\",\"code\":400,\"details\":{\"validation\":"
		"\"validation error on field 'metadata.name': name is required; ");
	expect(&stage, "POST /api/v1/namespaces/a/pods",
		"{\"metadata\":{\"name\":\"x\",\"namespace\":\"b\"}}", " 400 ",
		"{\"error\":\"NAMESPACE_MISMATCH\"");
	expect(&stage, "PUT /api/v1/pods/y", "{\"metadata\":{\"name\":\"x\"}}", " 400 ",
		"{\"error\":\"NAME_MISMATCH\"");
	expect(&stage, "PUT /api/v1/nodes/y", "{\"metadata\":{\"name\":\"x\"}}", " 400 ",
		"{\"error\":\"NAME_MISMATCH\"");
	expect(&stage, "POST /api/v1/nodes",
		"{\"metadata\":{\"name\":\"-\"},\"status\":{\"capacity\":{\"cpu\":\"x\"}}}",
		" 400 ", "status.capacity.cpu");
	CHECK_EQ(stage.peer.n_calls, 0);
	gateway_stage_close(&stage);
}

static void
refuse(struct rpc_call *call, Davit__Reply__Status status)
{
	rpc_call_refuse(call, status, "name", "no");
	rpc_call_send(call);
}

TEST(pods_refusals_of_the_manager_have_the_codes_of_the_original)
{
	static const struct {
		Davit__Reply__Status status;
		const char *http, *code;
	} cases[] = {
		{DAVIT__REPLY__STATUS__NOT_FOUND, " 404 ", "RESOURCE_NOT_FOUND"},
		{DAVIT__REPLY__STATUS__UNAVAILABLE, " 503 ", "UNAVAILABLE"},
		{DAVIT__REPLY__STATUS__ALREADY_EXISTS, " 409 ", "RESOURCE_EXISTS"},
		{DAVIT__REPLY__STATUS__FAILED_PRECONDITION, " 409 ", "CONFLICT"},
		{DAVIT__REPLY__STATUS__INVALID_ARGUMENT, " 400 ", "VALIDATION_ERROR"},
		{DAVIT__REPLY__STATUS__INTERNAL, " 500 ", "DATABASE_ERROR"},
	};
	struct gateway_stage stage;

	gateway_stage_open(&stage, tables);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		gateway_stage_ask(&stage, "DELETE /api/v1/nodes/n9", "");
		refuse(gateway_stage_call(&stage, "RemoveNode"), cases[i].status);
		http_client_wait(&stage.client, cases[i].code);
		CHECK_HAS(stage.client.text, cases[i].http);
	}
	gateway_stage_close(&stage);
}

TEST(pods_that_cannot_be_made_whole_are_not_made)
{
	struct gateway_stage stage;
	Davit__ListTasksReply none = DAVIT__LIST_TASKS_REPLY__INIT;
	Davit__SubmitTasksReply submitted = DAVIT__SUBMIT_TASKS_REPLY__INIT;
	Davit__RemoveTasksReply removed = DAVIT__REMOVE_TASKS_REPLY__INIT;
	const Davit__RemoveTasksRequest *back;
	char *ids[] = {text("task-a")};
	struct rpc_call *call;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "POST /api/v1/pods",
		"{\"metadata\":{\"name\":\"web\"},\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"i\"},{\"name\":\"b\",\"image\":\"j\"}]}}");
	gateway_stage_answer(gateway_stage_call(&stage, "ListTasks"), &none.base);
	refuse(gateway_stage_call(&stage, "GetTask"), DAVIT__REPLY__STATUS__NOT_FOUND);
	submitted.task_ids = ids;
	submitted.n_task_ids = 1;
	gateway_stage_answer(gateway_stage_call(&stage, "SubmitTasks"), &submitted.base);
	refuse(gateway_stage_call(&stage, "SubmitTasks"), DAVIT__REPLY__STATUS__ALREADY_EXISTS);
	call = gateway_stage_call(&stage, "RemoveTasks");
	back = (const void *)call->request;
	CHECK_EQ(back->n_tasks, 1);
	CHECK_STR(back->tasks[0], "task-a");
	gateway_stage_answer(call, &removed.base);
	http_client_wait(&stage.client, "{\"error\":\"RESOURCE_EXISTS\"");
	gateway_stage_close(&stage);
}
