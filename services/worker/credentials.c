#include "services/worker/credentials.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "common/base/mem.h"

CLEANUP_DEFINE(json_t *, json_decref)

static const char hub[] = "https://index.docker.io/v1/"; /* as `docker login` calls it */

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

/* ---- base64 ---- */

static char *
encode_url(const char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t size = strlen(text), n = 0;
	char *out = xmalloc((size + 2) / 3 * 4 + 1);

	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i;
		uint32_t bits = (uint32_t)(uint8_t)text[i] << 16;

		if (left > 1)
			bits |= (uint32_t)(uint8_t)text[i + 1] << 8;
		if (left > 2)
			bits |= (uint8_t)text[i + 2];
		out[n++] = digits[bits >> 18];
		out[n++] = digits[bits >> 12 & 63];
		out[n++] = left > 1 ? digits[bits >> 6 & 63] : '=';
		out[n++] = left > 2 ? digits[bits & 63] : '=';
	}
	out[n] = '\0';
	return out;
}

static int
digit_of(char c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : c >= '0' && c <= '9' ? c - '0' + 52
	       : c == '+' || c == '-' ? 62
	       : c == '/' || c == '_' ? 63
				      : -1;
}

/* Up to the first character that is none; what comes out is text. */
static char *
decode(const char *text)
{
	char *out = xmalloc(strlen(text) + 1);
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t n = 0;

	for (int digit; (digit = digit_of(*text)) >= 0; text++) {
		bits = bits << 6 | (uint32_t)digit;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[n++] = (char)(bits >> n_bits & 255);
		}
	}
	out[n] = '\0';
	return out;
}

/* ---- the file ---- */

static json_t *
load(const char *path, struct err *err)
{
	CLEANUP(free) char *text = NULL;
	json_t *root, *auths;
	json_error_t error;
	FILE *in = fopen(path, "re");
	size_t size;

	if (in == NULL) {
		(void)err_set(err, -EINVAL, "cannot read the registry credentials in '%s': %s",
			path, strerror(errno));
		return NULL;
	}
	text = xmalloc(CREDENTIALS_FILE_MAX + 1);
	size = fread(text, 1, CREDENTIALS_FILE_MAX + 1, in);
	(void)fclose(in);
	if (size > CREDENTIALS_FILE_MAX) {
		(void)err_set(err, -EINVAL, "'%s' is larger than %d bytes", path,
			CREDENTIALS_FILE_MAX);
		return NULL;
	}
	root = json_loadb(text, size, 0, &error);
	auths = json_incref(json_object_get(root, "auths"));
	if (root == NULL)
		(void)err_set(err, -EINVAL, "'%s' is no JSON: %s in line %d", path, error.text,
			error.line);
	else if (!json_is_object(auths))
		(void)err_set(err, -EINVAL,
			"'%s' has no \"auths\", as docker's config.json has (a helper program "
			"that keeps credentials is not asked)",
			path);
	json_decref(root);
	return auths;
}

/* "registry:5000/team/web" is at registry:5000; "web" and "team/web" are at the Docker Hub. */
static char *
registry_of(const char *image)
{
	size_t size = strcspn(image, "/");
	bool is_host = image[size] == '/' &&
		       (memchr(image, '.', size) != NULL || memchr(image, ':', size) != NULL ||
			       (size == 9 && strncmp(image, "localhost", 9) == 0));
	char *registry = xmalloc(size + sizeof hub);

	if (!is_host || (size == 9 && strncmp(image, "docker.io", 9) == 0)) {
		memcpy(registry, hub, sizeof hub);
	} else {
		memcpy(registry, image, size);
		registry[size] = '\0';
	}
	return registry;
}

/* Old versions of docker wrote the address of the API. */
static const json_t *
entry_of(const json_t *auths, const char *key)
{
	const json_t *entry = json_object_get(auths, key);
	char url[512];

	for (unsigned i = 0; entry == NULL && i < 4; i++) {
		(void)snprintf(url, sizeof url, "%s%s%s", i % 2 == 0 ? "https://" : "http://", key,
			i < 2 ? "" : "/v1/");
		entry = json_object_get(auths, url);
	}
	return json_is_object(entry) ? entry : NULL;
}

static char *
header_of(const json_t *entry, const char *registry)
{
	CLEANUP(free) char *pair = decode(text_of(entry, "auth"));
	CLEANUP(json_decref) json_t *auth = NULL;
	CLEANUP(free) char *text = NULL;
	char *colon = strchr(pair, ':');
	const char *user = text_of(entry, "username"), *password = text_of(entry, "password");

	if (user[0] == '\0' && colon != NULL) {
		*colon = '\0';
		user = pair;
		password = colon + 1;
	}
	auth = json_pack("{s:s, s:s, s:s, s:s}", "username", user, "password", password,
		"identitytoken", text_of(entry, "identitytoken"), "serveraddress", registry);
	text = auth == NULL ? NULL : json_dumps(auth, JSON_COMPACT);
	return text == NULL ? NULL : encode_url(text);
}

int
credentials_find(const char *path, const char *name, const char *image, char **ret_auth,
	struct err *err)
{
	CLEANUP(free) char *registry = registry_of(image);
	CLEANUP(json_decref) json_t *auths = NULL;
	const json_t *entry;
	char *header;

	*ret_auth = NULL;
	if (path == NULL && name != NULL)
		return err_set(err, -ENOENT,
			"registry_auth names '%s', and this worker has no credentials: start it "
			"with --registry-config",
			name);
	if (path == NULL)
		return 0;
	auths = load(path, err);
	if (!json_is_object(auths))
		return err->code;
	entry = entry_of(auths, name == NULL ? registry : name);
	if (entry == NULL && name != NULL)
		return err_set(err, -ENOENT, "registry_auth names '%s', which '%s' does not have",
			name, path);
	if (entry == NULL)
		return 0;
	header = header_of(entry, registry);
	if (header == NULL)
		return err_set(err, -EINVAL, "the entry for '%s' in '%s' is not UTF-8",
			name == NULL ? registry : name, path);
	*ret_auth = header;
	return 0;
}
