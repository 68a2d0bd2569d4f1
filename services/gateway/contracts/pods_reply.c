/* How the contract of the pods answers: its headers, its errors, what it checks. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "services/gateway/contracts/pods.h"
#include "services/gateway/foreign_json.h"

enum { NAME_MAX_SIZE = 253 };

/* X-Request-Id comes with every answer of the gateway. */
static void
put_headers(struct errand *errand)
{
	struct http_request *request = errand_request(errand);

	http_reply_header(request, "Access-Control-Allow-Origin", "*");
	http_reply_header(request, "Access-Control-Allow-Methods",
		"GET, POST, PUT, DELETE, OPTIONS");
	http_reply_header(request, "Access-Control-Allow-Headers", "Content-Type, Authorization");
}

void
pods_reply(struct errand *errand, unsigned status, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	put_headers(errand);
	json_decref(json);
	errand_reply(errand, status, "application/json; charset=utf-8", text == NULL ? "" : text,
		text == NULL ? 0 : strlen(text));
	free(text);
}

void
pods_message(struct errand *errand, const char *message)
{
	pods_reply(errand, 200, json_pack("{s:s}", "message", message));
}

void
pods_refuse(struct errand *errand, unsigned status, const char *code, const char *message,
	const char *key, const char *text)
{
	json_t *json =
		json_pack("{s:s,s:s,s:i}", "error", code, "message", message, "code", (int)status);

	if (text != NULL)
		(void)json_object_set_new(json, "details", json_pack("{s:s}", key, text));
	pods_reply(errand, status, json);
}

void
pods_refuse_missing(struct errand *errand, const char *kind, const char *namespace_name,
	const char *name)
{
	struct arena *arena = errand_arena(errand);

	pods_refuse(errand, 404, "RESOURCE_NOT_FOUND", arena_printf(arena, "%s not found", kind),
		"error",
		namespace_name == NULL ? arena_printf(arena, "node not found: %.300s", name)
				       : arena_printf(arena, "resource not found: %s/%.100s/%.300s",
						 kind, namespace_name, name));
}

void
pods_refuse_call(struct errand *errand, const char *kind, const struct rpc_result *result)
{
	struct arena *arena = errand_arena(errand);

	switch (result->status) {
	case DAVIT__REPLY__STATUS__UNAVAILABLE:
		pods_refuse(errand, 503, "UNAVAILABLE", "The manager does not answer just now",
			"error", result->message);
		return;
	case DAVIT__REPLY__STATUS__NOT_FOUND:
		pods_refuse(errand, 404, "RESOURCE_NOT_FOUND",
			arena_printf(arena, "%s not found", kind), "error", result->message);
		return;
	case DAVIT__REPLY__STATUS__ALREADY_EXISTS:
		pods_refuse(errand, 409, "RESOURCE_EXISTS",
			arena_printf(arena, "%s already exists", kind), "error", result->message);
		return;
	case DAVIT__REPLY__STATUS__FAILED_PRECONDITION:
		pods_refuse(errand, 409, "CONFLICT", arena_printf(arena, "%s is in use", kind),
			"error", result->message);
		return;
	case DAVIT__REPLY__STATUS__INVALID_ARGUMENT:
		pods_refuse(errand, 400, "VALIDATION_ERROR",
			arena_printf(arena, "%s validation failed", kind), "validation",
			arena_printf(arena, "validation error on field '%s': %s", result->field,
				result->message));
		return;
	default:
		pods_refuse(errand, 500, "DATABASE_ERROR", "The manager refused", "error",
			result->message);
	}
}

json_t *
pods_body(struct errand *errand)
{
	json_t *json = NULL;
	struct err err = {0};
	size_t size;
	const void *body = http_body(errand_request(errand), &size);

	if (foreign_parse(body, size, &json, &err) == 0)
		return errand_keep(errand, json);
	pods_refuse(errand, 400, "INVALID_REQUEST", "Invalid JSON format", "validation", err.text);
	return NULL;
}

/* ---- what is not there, and what is there for all ---- */

void
pods_on_unknown(struct http_request *request, void *arg)
{
	struct errand *errand = errand_begin(request, arg);
	const char *path = http_path(request), *method = http_method(request);
	size_t size = strlen(path);

	put_headers(errand);
	if (strcmp(method, "OPTIONS") == 0) {
		errand_reply(errand, 204, NULL, NULL, 0);
	} else if (size > 1 && path[size - 1] == '/') {
		http_reply_header(request, "Location",
			arena_printf(errand_arena(errand), "%.*s", (int)size - 1, path));
		errand_reply(errand, strcmp(method, "GET") == 0 ? 301 : 307, NULL, NULL, 0);
	} else {
		errand_reply(errand, 404, "text/plain", "404 page not found", 18);
	}
}

/* Services and deployments. */
void
pods_on_later(struct http_request *request, void *arg)
{
	if (strcmp(http_method(request), "OPTIONS") == 0)
		pods_on_unknown(request, arg);
	else
		pods_refuse(errand_begin(request, arg), 501, "NOT_IMPLEMENTED",
			"Services and deployments are not there yet; pods and nodes are", "error",
			http_path(request));
}

void
pods_on_health(struct http_request *request, void *arg)
{
	char now[FOREIGN_TIME_SIZE];

	pods_reply(errand_begin(request, arg), 200,
		json_pack("{s:s,s:s,s:s}", "status", "healthy", "timestamp",
			foreign_time(clock_wall_ms(), now), "version", "v1.0.0"));
}

/* ---- checks ---- */

void
pods_check_add(struct pods_check *check, const char *field, const char *why)
{
	buf_printf(&check->text, "%svalidation error on field '%s': %s",
		check->text.size > 0 ? "; " : "", field, why);
}

bool
pods_check_passes(struct pods_check *check, struct errand *errand, const char *kind)
{
	bool passes = check->text.size == 0;

	if (!passes)
		pods_refuse(errand, 400, "VALIDATION_ERROR",
			arena_printf(errand_arena(errand), "%s validation failed", kind),
			"validation", buf_text(&check->text));
	buf_fini(&check->text);
	return passes;
}

bool
pods_is_dns_name(const char *text)
{
	size_t n = strnlen(text, NAME_MAX_SIZE + 1);

	return n >= 1 && n <= NAME_MAX_SIZE &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") == n &&
	       isalnum((unsigned char)text[0]) && isalnum((unsigned char)text[n - 1]);
}

void
pods_check_name(struct pods_check *check, const char *field, const char *name)
{
	if (name[0] == '\0')
		pods_check_add(check, field, "name is required");
	else if (!pods_is_dns_name(name))
		pods_check_add(check, field,
			"name must be lowercase letters, digits, '-' and '.', with a letter or digit "
			"at both ends");
}

/* ---- quantities ---- */

/* A number, and where its unit begins. False: it is none. */
static bool
parse_number(const char *text, double *ret_number, const char **ret_unit)
{
	size_t n = strspn(text, "0123456789.");

	if (n == 0 || n > 18 || (n == 1 && text[0] == '.'))
		return false;
	*ret_number = strtod(text, NULL);
	*ret_unit = text + n;
	return memchr(text, '.', n) == NULL || strchr(strchr(text, '.') + 1, '.') == NULL;
}

bool
pods_parse_cpu(const char *text, uint64_t *ret_milli)
{
	const char *unit;
	double number;

	if (!parse_number(text, &number, &unit) || (unit[0] != '\0' && strcmp(unit, "m") != 0))
		return false;
	number = ceil(unit[0] == 'm' ? number : number * 1000);
	if (number > 1e10)
		return false;
	*ret_milli = (uint64_t)number;
	return true;
}

bool
pods_parse_memory(const char *text, uint64_t *ret_bytes)
{
	static const struct {
		const char *name;
		double bytes;
	} units[] = {{"", 1}, {"B", 1}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12},
		{"Ki", 1024.0}, {"Mi", 1048576.0}, {"Gi", 1073741824.0}, {"Ti", 1099511627776.0}};
	const char *unit;
	double number;

	if (!parse_number(text, &number, &unit))
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(unit, units[i].name) != 0 || number * units[i].bytes > 1e15)
			continue;
		*ret_bytes = (uint64_t)ceil(number * units[i].bytes);
		return true;
	}
	return false;
}
