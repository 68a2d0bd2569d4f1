/* Answers about execs and paths; tested by tests/unit/test_docker_parse.c. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/docker/docker_parse.h"

enum { STAT_MAX = 1 << 14 };

int
docker_parse_exec(const char *json, size_t size, struct engine_exec *ret_exec, struct err *err)
{
	json_t *root = json_loadb(json, size, JSON_ALLOW_NUL, NULL);
	json_int_t code = json_integer_value(json_object_get(root, "ExitCode"));
	bool is_object = json_is_object(root);

	*ret_exec = (struct engine_exec){
		.is_running = json_is_true(json_object_get(root, "Running")),
		.exit_code = code < INT32_MIN || code > INT32_MAX ? -1 : (int)code,
		.pid = json_integer_value(json_object_get(root, "Pid")),
	};
	json_decref(root);
	return is_object ? 0 : err_set(err, -EIO, "the engine's answer about an exec is none");
}

/* Value of one digit; -1: it is none. */
static int
digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

/* The bytes of a base64 text, as far as it is one. */
static size_t
decode(const char *text, char *ret_bytes)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t n = 0;

	for (; digit(*text) >= 0; text++) {
		bits = (bits << 6 | (uint32_t)digit(*text)) & 0xffffff;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		ret_bytes[n++] = (char)(bits >> n_bits & 0xff);
	}
	return n;
}

int
docker_parse_path(const char *header, char ret_name[DOCKER_PATH_NAME_MAX],
	struct engine_path *ret_path, struct err *err)
{
	const json_int_t go_directory = (json_int_t)1 << 31;
	char bytes[STAT_MAX];
	json_t *root = NULL;
	const char *name;
	json_int_t file_size, mode;

	if (header != NULL)
		header += strspn(header, " \t");
	if (header != NULL && strlen(header) < STAT_MAX)
		root = json_loadb(bytes, decode(header, bytes), JSON_ALLOW_NUL, NULL);
	name = json_string_value(json_object_get(root, "name"));
	if (name == NULL) {
		json_decref(root);
		return err_set(err, -EIO, "the engine does not say what the path is");
	}
	file_size = json_integer_value(json_object_get(root, "size"));
	mode = json_integer_value(json_object_get(root, "mode"));
	(void)snprintf(ret_name, DOCKER_PATH_NAME_MAX, "%s", name);
	*ret_path = (struct engine_path){
		.name = ret_name,
		.is_directory = (mode & go_directory) != 0,
		.size_bytes = file_size > 0 ? (uint64_t)file_size : 0,
	};
	json_decref(root);
	return 0;
}
