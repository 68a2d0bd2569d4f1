#include "services/gateway/openapi.h"

#include <assert.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/pbjson/pbjson_field.h"
#include "proto/manager.pb-c.h"
#include "proto/monitor.pb-c.h"
#include "services/gateway/api.h"
#include "services/gateway/openapi_comments.h"

enum { NAME_SIZE = 256 };

static const char about[] =
	"Everything that the calls of a Davit cluster can do, by HTTP. A `task` or `node` is an id, an "
	"unambiguous prefix of an id (at least 4 characters) or a name. What fails is told as "
	"application/problem+json. A change is made once however often it is asked for with the same "
	"Idempotency-Key, and with If-Match only if nobody changed the thing since its ETag was read.";

/* Paths that are no single call, as they stand in the document. */
static const unsigned char other_paths[] = {
#include "gateway/openapi_paths.json.inc"
};

static const ProtobufCMethodDescriptor *
find_rpc(const char *name, const char **ret_service)
{
	const ProtobufCMethodDescriptor *rpc =
		protobuf_c_service_descriptor_get_method_by_name(&davit__manager__descriptor, name);

	*ret_service = rpc != NULL ? "davit.Manager" : "davit.Monitor";
	return rpc != NULL ? rpc
			   : protobuf_c_service_descriptor_get_method_by_name(
				     &davit__monitor__descriptor, name);
}

/* "POST /v1/tasks/{tasks}/stop" is postTasksByTasksStop. */
static void
operation_id(const struct api_method *method, char ret_id[NAME_SIZE])
{
	const char *at = method->path + strlen("/v1");
	size_t n = 0;

	for (const char *c = method->method; *c != '\0'; c++)
		ret_id[n++] = (char)tolower((unsigned char)*c);
	for (; *at != '\0' && n + 4 < NAME_SIZE; at++) {
		if (*at == '/' && at[1] == '{') {
			ret_id[n++] = 'B';
			ret_id[n++] = 'y';
			at++;
		}
		if (*at == '/' || *at == '{') {
			at++;
			ret_id[n++] = (char)toupper((unsigned char)*at);
		} else if (*at != '}') {
			ret_id[n++] = *at;
		}
	}
	ret_id[n] = '\0';
}

/* Whether the path or what it stands for gives the field. */
static bool
is_given(const struct api_method *method, const char *field)
{
	size_t size = strlen(field);
	char part[NAME_SIZE];

	(void)snprintf(part, sizeof part, "{%s}", field);
	return strstr(method->path, part) != NULL || strcmp(field, "if_version") == 0 ||
	       (method->fixed != NULL && strncmp(method->fixed, field, size) == 0 &&
		       method->fixed[size] == '=');
}

static json_t *
parameter(const char *name, const char *in, bool required, json_t *schema)
{
	json_t *text = json_object_get(schema, "description");
	json_t *made = json_pack("{s:s, s:s, s:b, s:o}", "name", name, "in", in, "required",
		(int)required, "schema", schema);

	if (text != NULL) {
		json_object_set(made, "description", text);
		json_object_del(schema, "description");
	}
	return made;
}

static json_t *
header(const char *name, const char *text)
{
	return parameter(name, "header", false,
		json_pack("{s:s, s:s}", "type", "string", "description", text));
}

static void
add_path_parameters(json_t *parameters, const struct api_method *method,
	const ProtobufCMessageDescriptor *type)
{
	const char *at = method->path;

	while ((at = strchr(at, '{')) != NULL) {
		char name[NAME_SIZE], full[2 * NAME_SIZE];
		json_t *schema = json_pack("{s:s, s:i}", "type", "string", "minLength", 1);

		(void)snprintf(name, sizeof name, "%.*s", (int)strcspn(at + 1, "}"), at + 1);
		(void)snprintf(full, sizeof full, "%s.%s", type->name, name);
		if (openapi_comment(full)[0] != '\0')
			json_object_set_new(schema, "description",
				json_string(openapi_comment(full)));
		json_array_append_new(parameters, parameter(name, "path", true, schema));
		at++;
	}
}

static void
add_query_parameters(json_t *parameters, const struct api_method *method,
	const ProtobufCMessageDescriptor *type)
{
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		json_t *schema;

		if (is_given(method, field->name))
			continue;
		schema = openapi_field_schema(field, type->name);
		if (field->type == PROTOBUF_C_TYPE_MESSAGE && pbjson_field_is_map(field)) {
			json_object_del(schema, "additionalProperties");
			json_object_set_new(schema, "type", json_string("array"));
			json_object_set_new(schema, "items",
				json_pack("{s:s, s:s}", "type", "string", "pattern",
					"^[^=]+(=.*)?$"));
		} else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
			json_decref(schema);
			continue;
		}
		json_array_append_new(parameters,
			parameter(field->name, "query", field->label == PROTOBUF_C_LABEL_REQUIRED,
				schema));
	}
}

static bool
has_body(const struct api_method *method)
{
	return strcmp(method->method, "POST") == 0 || strcmp(method->method, "PATCH") == 0;
}

static void
add_body(json_t *operation, const struct api_method *method, const ProtobufCMessageDescriptor *type)
{
	json_t *properties = json_object(), *required = json_array(), *schema;
	bool is_whole = true, is_needed;

	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];

		if (is_given(method, field->name)) {
			is_whole = is_whole && strcmp(field->name, "if_version") == 0;
			continue;
		}
		json_object_set_new(properties, field->name,
			openapi_field_schema(field, type->name));
		if (field->label == PROTOBUF_C_LABEL_REQUIRED)
			json_array_append_new(required, json_string(field->name));
	}
	is_needed = json_array_size(required) > 0;
	if (is_whole) {
		schema = openapi_ref(type->name);
		json_decref(properties);
	} else {
		schema = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
		if (is_needed)
			json_object_set(schema, "required", required);
	}
	json_decref(required);
	json_object_set_new(operation, "requestBody",
		json_pack("{s:b, s:{s:{s:o}}}", "required", (int)is_needed, "content",
			"application/json", "schema", schema));
}

static json_t *
responses(const struct api_method *method, const ProtobufCMethodDescriptor *rpc)
{
	const ProtobufCMessageDescriptor *type = rpc->output;
	json_t *made, *content;
	char status[8];

	if (method->unwrap != NULL)
		type = protobuf_c_message_descriptor_get_field_by_name(type, method->unwrap)
			       ->descriptor;
	content = json_pack("{s:{s:o}}", "application/json", "schema", openapi_ref(type->name));
	if (strcmp(method->rpc, "ReadEvents") == 0 || strcmp(method->rpc, "GetStats") == 0 ||
		strcmp(method->rpc, "ReadLogs") == 0)
		json_object_set_new(content, "text/event-stream",
			json_pack("{s:{s:s}}", "schema", "type", "string"));
	if (strcmp(method->rpc, "ReadLogs") == 0)
		json_object_set_new(content, "text/plain",
			json_pack("{s:{s:s}}", "schema", "type", "string"));
	(void)snprintf(status, sizeof status, "%u", method->status);
	made = json_pack("{s:{s:s, s:o}, s:{s:s}}", status, "description",
		method->status == 201 ? "It was made." : "It was done.", "content", content,
		"default", "$ref", "#/components/responses/Problem");
	if (strcmp(method->method, "GET") == 0)
		json_object_set_new(made, "304",
			json_pack("{s:s}", "description", "It has the ETag that is known."));
	return made;
}

/* The first sentence, and all of it. */
static void
describe(json_t *operation, const char *text)
{
	static const char changes[] = "[changes] ";
	const char *end;

	if (strncmp(text, changes, strlen(changes)) == 0)
		text += strlen(changes);
	end = strstr(text, ". ");
	json_object_set_new(operation, "description", json_string(text));
	json_object_set_new(operation, "summary",
		json_stringn(text, end != NULL ? (size_t)(end - text) : strlen(text)));
}

static json_t *
operation(const struct api_method *method)
{
	const char *service, *tag = method->path + strlen("/v1/");
	const ProtobufCMethodDescriptor *rpc = find_rpc(method->rpc, &service);
	json_t *parameters = json_array(), *made;
	char id[NAME_SIZE], name[NAME_SIZE];

	operation_id(method, id);
	made = json_pack("{s:s, s:[s#], s:o, s:o}", "operationId", id, "tags", tag,
		(int)strcspn(tag, "/"), "parameters", parameters, "responses",
		responses(method, rpc));
	(void)snprintf(name, sizeof name, "%s.%s", service, method->rpc);
	describe(made, openapi_comment(name)[0] != '\0' ? openapi_comment(name) : method->rpc);
	add_path_parameters(parameters, method, rpc->input);
	if (has_body(method))
		add_body(made, method, rpc->input);
	else
		add_query_parameters(parameters, method, rpc->input);
	if (strcmp(method->method, "GET") == 0)
		json_array_append_new(parameters,
			header("If-None-Match", "ETags that are known: then 304."));
	else
		json_array_append_new(parameters,
			header("Idempotency-Key", "1 to 64 printable ASCII characters."));
	if (protobuf_c_message_descriptor_get_field_by_name(rpc->input, "if_version") != NULL)
		json_array_append_new(parameters,
			header("If-Match",
				"One ETag: only if it is still that version, else 412."));
	return made;
}

static json_t *
paths(void)
{
	json_error_t error;
	json_t *made = json_loadb((const char *)other_paths, sizeof other_paths, 0, &error);

	assert(made != NULL);
	for (const struct api_method *method = api_methods; method->method != NULL; method++) {
		json_t *path = json_object_get(made, method->path);
		char verb[16] = "";

		if (path == NULL) {
			path = json_object();
			json_object_set_new(made, method->path, path);
		}
		for (size_t i = 0; i + 1 < sizeof verb && method->method[i] != '\0'; i++)
			verb[i] = (char)tolower((unsigned char)method->method[i]);
		json_object_set_new(path, verb, operation(method));
	}
	return made;
}

static json_t *
response(const char *description, const char *type, json_t *schema)
{
	return json_pack("{s:s, s:{s:{s:o}}}", "description", description, "content", type,
		"schema", schema);
}

static json_t *
components(void)
{
	json_t *status = json_pack("{s:s, s:{s:{s:s}}}", "type", "object", "properties", "status",
		"type", "string");

	return json_pack("{s:o, s:{s:o, s:o}}", "schemas", openapi_schemas(), "responses",
		"Problem",
		response("It was refused, or failed.", "application/problem+json",
			openapi_ref("Problem")),
		"Status", response("It is so.", "application/json", status));
}

void
openapi_print(struct buf *out)
{
	json_t *document = json_pack("{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s}}, s:[{s:s}], s:o, s:o}",
		"openapi", "3.1.0", "info", "title", "Davit", "version", DAVIT_VERSION,
		"description", about, "license", "name", "MIT", "identifier", "MIT", "servers",
		"url", "/", "paths", paths(), "components", components());
	char *text = json_dumps(document, JSON_COMPACT);

	assert(text != NULL);
	buf_puts(out, text);
	buf_puts(out, "\n");
	free(text);
	json_decref(document);
}
