/* Messages as JSON schemas; tested by tests/unit/test_openapi.c. */
#include <stdio.h>
#include <string.h>

#include <protobuf-c/protobuf-c.h>

#include "common/pbjson/pbjson_field.h"
#include "proto/manager.pb-c.h"
#include "proto/monitor.pb-c.h"
#include "services/gateway/openapi.h"
#include "services/gateway/openapi_comments.h"

enum { NAME_SIZE = 256 };

static const char *
short_name(const char *full)
{
	return strncmp(full, "davit.", 6) == 0 ? full + 6 : full;
}

json_t *
openapi_ref(const char *full_name)
{
	return json_pack("{s:s+}", "$ref", "#/components/schemas/", short_name(full_name));
}

static void
describe(json_t *schema, const char *name)
{
	const char *text = openapi_comment(name);

	if (text[0] != '\0')
		json_object_set_new(schema, "description", json_string(text));
}

static json_t *
integer(const char *format, bool is_unsigned)
{
	json_t *schema = json_pack("{s:s, s:s}", "type", "integer", "format", format);

	if (is_unsigned)
		json_object_set_new(schema, "minimum", json_integer(0));
	return schema;
}

/* One value of the field's type. */
static json_t *
value_schema(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return integer("int32", false);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return integer("uint32", true);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return integer("int64", false);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return integer("uint64", true);
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		return json_pack("{s:s}", "type", "number");
	case PROTOBUF_C_TYPE_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case PROTOBUF_C_TYPE_BYTES:
		return json_pack("{s:s, s:s}", "type", "string", "contentEncoding", "base64");
	case PROTOBUF_C_TYPE_ENUM:
		return openapi_ref(((const ProtobufCEnumDescriptor *)field->descriptor)->name);
	case PROTOBUF_C_TYPE_MESSAGE:
		return openapi_ref(((const ProtobufCMessageDescriptor *)field->descriptor)->name);
	case PROTOBUF_C_TYPE_STRING:
		break;
	}
	return json_pack("{s:s}", "type", "string");
}

json_t *
openapi_field_schema(const void *field_descriptor, const char *message_name)
{
	const ProtobufCFieldDescriptor *field = field_descriptor;
	char name[NAME_SIZE];
	json_t *schema;

	(void)snprintf(name, sizeof name, "%s.%s", message_name, field->name);
	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		schema = value_schema(field);
	else if (pbjson_field_is_map(field))
		schema = json_pack("{s:s, s:{s:s}}", "type", "object", "additionalProperties",
			"type", "string");
	else
		schema = json_pack("{s:s, s:o}", "type", "array", "items", value_schema(field));
	describe(schema, name);
	return schema;
}

/* "cpu" beside "cpu_milli": the same with a unit, in what is asked for. */
static void
add_friendly(json_t *properties, const ProtobufCFieldDescriptor *field)
{
	static const struct {
		const char *ending, *text, *example;
	} units[] = {
		{"_milli", "in cores, or with a unit, instead of", "1.5"},
		{"_bytes", "in bytes, or with a unit, instead of", "512MiB"},
		{"_ms", "with a unit, instead of", "10m"},
	};
	size_t size = strlen(field->name);

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		size_t n = strlen(units[i].ending);
		char name[NAME_SIZE], text[NAME_SIZE];

		if (size <= n || strcmp(field->name + size - n, units[i].ending) != 0 ||
			field->label == PROTOBUF_C_LABEL_REPEATED)
			continue;
		(void)snprintf(name, sizeof name, "%.*s", (int)(size - n), field->name);
		(void)snprintf(text, sizeof text, "%s %s: %s", units[i].text, field->name,
			units[i].example);
		if (json_object_get(properties, name) == NULL)
			json_object_set_new(properties, name,
				json_pack("{s:[s, s], s:s, s:b}", "type", "string", "number",
					"description", text, "writeOnly", 1));
	}
}

static json_t *
message_schema(const ProtobufCMessageDescriptor *type)
{
	json_t *properties = json_object(), *required = json_array(), *schema;

	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];

		json_object_set_new(properties, field->name,
			openapi_field_schema(field, type->name));
		if (field->label == PROTOBUF_C_LABEL_REQUIRED)
			json_array_append_new(required, json_string(field->name));
	}
	for (unsigned i = 0; i < type->n_fields; i++)
		add_friendly(properties, &type->fields[i]);
	schema = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
	if (json_array_size(required) > 0)
		json_object_set_new(schema, "required", required);
	else
		json_decref(required);
	describe(schema, type->name);
	return schema;
}

static json_t *
enum_schema(const ProtobufCEnumDescriptor *type)
{
	json_t *values = json_array(), *schema;
	struct buf text = {0};

	buf_puts(&text, openapi_comment(type->name));
	for (unsigned i = 0; i < type->n_values; i++) {
		const char *what;
		char name[NAME_SIZE];

		json_array_append_new(values, json_string(type->values[i].name));
		(void)snprintf(name, sizeof name, "%s.%s", type->name, type->values[i].name);
		what = openapi_comment(name);
		if (what[0] != '\0')
			buf_printf(&text, "%s`%s`: %s", text.size > 0 ? "\n\n" : "",
				type->values[i].name, what);
	}
	schema = json_pack("{s:s, s:o}", "type", "string", "enum", values);
	if (text.size > 0)
		json_object_set_new(schema, "description", json_string(buf_text(&text)));
	buf_fini(&text);
	return schema;
}

/* The type and all that it is made of, unless it is there already. */
static void
add_type(json_t *schemas, const ProtobufCMessageDescriptor *type)
{
	if (json_object_get(schemas, short_name(type->name)) != NULL)
		return;
	json_object_set_new(schemas, short_name(type->name), message_schema(type));
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		const ProtobufCEnumDescriptor *values = field->descriptor;

		if (field->type == PROTOBUF_C_TYPE_ENUM)
			json_object_set_new(schemas, short_name(values->name), enum_schema(values));
		else if (field->type == PROTOBUF_C_TYPE_MESSAGE && !pbjson_field_is_map(field))
			add_type(schemas, field->descriptor);
	}
}

json_t *
openapi_schemas(void)
{
	static const ProtobufCServiceDescriptor *const services[] = {&davit__manager__descriptor,
		&davit__monitor__descriptor};
	json_t *schemas = json_object();

	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
		for (unsigned j = 0; j < services[i]->n_methods; j++) {
			add_type(schemas, services[i]->methods[j].input);
			add_type(schemas, services[i]->methods[j].output);
		}
	}
	json_object_set_new(schemas, "Problem",
		json_pack("{s:s, s:s, s:[s,s,s], s:{s:{s:s}, s:{s:s}, s:{s:s, s:i, s:i}, s:{s:s}, "
			  "s:{s:s, s:s}, s:{s:s, s:s}}}",
			"type", "object", "description", "RFC 9457", "required", "type", "title",
			"status", "properties", "type", "type", "string", "title", "type", "string",
			"status", "type", "integer", "minimum", 400, "maximum", 599, "detail",
			"type", "string", "code", "type", "string", "description",
			"The status of the call: NOT_FOUND", "field", "type", "string",
			"description", "Path of the field at fault: spec.memory"));
	return schemas;
}
