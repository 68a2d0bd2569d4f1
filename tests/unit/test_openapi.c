#include "services/gateway/openapi.h"

#include <string.h>

#include "services/gateway/api.h"
#include "services/gateway/openapi_comments.h"
#include "tests/lib/gateway_stage.h"
#include "tests/lib/test.h"

static json_t *
document(void)
{
	struct buf text = {0};
	json_error_t error;
	json_t *json;

	openapi_print(&text);
	json = json_loads(buf_text(&text), JSON_REJECT_DUPLICATES, &error);
	CHECK(json != NULL);
	buf_fini(&text);
	return json;
}

static json_t *
get(json_t *json, const char *a, const char *b, const char *c)
{
	return json_object_get(json_object_get(json_object_get(json, a), b), c);
}

/* Every $ref leads somewhere. */
static void
check_refs(json_t *root, json_t *at)
{
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach(at, key, value)
	{
		if (strcmp(key, "$ref") == 0) {
			char part[3][128] = {"", "", ""};

			CHECK_EQ(sscanf(json_string_value(value), "#/%100[^/]/%100[^/]/%100s",
					 part[0], part[1], part[2]),
				3);
			CHECK(get(root, part[0], part[1], part[2]) != NULL);
		}
		check_refs(root, value);
	}
	json_array_foreach(at, i, value) check_refs(root, value);
}

TEST(openapi_has_every_path_with_its_parameters_and_where_they_lead)
{
	json_t *json = document(), *paths = json_object_get(json, "paths");
	size_t n = 0;

	CHECK_STR(json_string_value(json_object_get(json, "openapi")), "3.1.0");
	for (const struct api_method *method = api_methods; method->method != NULL; method++) {
		json_t *path = json_object_get(paths, method->path);
		const char *verb = strcmp(method->method, "GET") == 0     ? "get"
				   : strcmp(method->method, "POST") == 0  ? "post"
				   : strcmp(method->method, "PATCH") == 0 ? "patch"
									  : "delete";
		json_t *operation = json_object_get(path, verb);

		CHECK(operation != NULL);
		CHECK(json_string_length(json_object_get(operation, "summary")) > 0);
		n++;
	}
	CHECK(n > 30);
	check_refs(json, json);
	json_decref(json);
}

TEST(openapi_says_what_the_proto_files_say)
{
	json_t *json = document();
	json_t *spec = get(get(json, "components", "schemas", "TaskSpec"), "properties", "image",
		"description");

	CHECK_HAS(json_string_value(spec), "Image reference");
	CHECK(get(get(json, "components", "schemas", "TaskSpec"), "properties", "memory",
		      "writeOnly") != NULL);
	CHECK_STR(json_string_value(get(get(json, "components", "schemas", "TaskSpec"),
			  "properties", "labels", "type")),
		"object");
	CHECK_HAS(json_string_value(get(get(json, "paths", "/v1/tasks/{task}", "get"), "responses",
			  "200", "description")),
		"It was done");
	json_decref(json);
}

TEST(openapi_every_call_has_a_comment_and_names_that_are_none_have_no)
{
	for (const struct api_method *method = api_methods; method->method != NULL; method++) {
		char name[128];

		(void)snprintf(name, sizeof name, "davit.Manager.%s", method->rpc);
		if (openapi_comment(name)[0] != '\0')
			continue;
		(void)snprintf(name, sizeof name, "davit.Monitor.%s", method->rpc);
		if (openapi_comment(name)[0] == '\0')
			fail_msg("%s has no comment in proto/", method->rpc);
	}
	CHECK_STR(openapi_comment("davit.Nothing"), "");
	CHECK_HAS(openapi_comment("davit.Manager.StopTasks"), "[changes] Asks tasks to end.");
}

TEST(openapi_and_a_page_to_try_it_are_served)
{
	static const struct http_route *const no_tables[] = {NULL};
	struct gateway_stage stage;

	gateway_stage_open(&stage, no_tables);
	gateway_stage_ask(&stage, "GET /openapi.json", "");
	http_client_wait(&stage.client, "}}}}\n");
	CHECK_HAS(stage.client.text, "Content-Type: application/json\r\n");
	CHECK_HAS(stage.client.text, "ETag: \"");
	gateway_stage_ask(&stage, "GET /v1", "");
	http_client_wait(&stage.client, "</html>\n");
	CHECK_HAS(stage.client.text, "Content-Security-Policy: default-src 'none'");
	gateway_stage_close(&stage);
}
