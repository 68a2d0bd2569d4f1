#include "common/docker/docker_refusal.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the UTF-8 character at text; 0: it is none. */
static size_t
utf8_size(const uint8_t *text, size_t size)
{
	size_t n = text[0] < 0x80             ? 1
		   : (text[0] & 0xe0) == 0xc0 ? 2
		   : (text[0] & 0xf0) == 0xe0 ? 3
		   : (text[0] & 0xf8) == 0xf0 ? 4
					      : 0;

	if (n > size || (n == 2 && text[0] < 0xc2) ||
		(n == 3 && text[0] == 0xe0 && size > 1 && text[1] < 0xa0) ||
		(n == 3 && text[0] == 0xed && size > 1 && text[1] > 0x9f) ||
		(n == 4 && (text[0] > 0xf4 || (text[0] == 0xf4 && text[1] > 0x8f) ||
				   (text[0] == 0xf0 && text[1] < 0x90))))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

void
docker_text_clean(const char *text, size_t size, char *ret_text, size_t room)
{
	const uint8_t *at = (const uint8_t *)text;
	size_t used = 0;

	while (size > 0) {
		size_t n = utf8_size(at, size);
		bool blank = n == 1 && (*at <= ' ' || *at == 0x7f);
		const char *put = n == 0 ? "?" : blank ? " " : (const char *)at;
		size_t n_put = n == 0 || blank ? 1 : n;

		if (used + n_put >= room)
			break;
		if (!blank || (used > 0 && ret_text[used - 1] != ' ')) {
			memcpy(ret_text + used, put, n_put);
			used += n_put;
		}
		at += n == 0 ? 1 : n;
		size -= n == 0 ? 1 : n;
	}
	while (used > 0 && ret_text[used - 1] == ' ')
		used--;
	ret_text[used] = '\0';
}

#define ANY ENGINE_CALL_NONE

/* The first line that fits decides: words before statuses, one kind before all kinds. */
static const struct {
	enum engine_call_kind kind; /* ANY: all */
	int status;                 /* 0: all */
	const char *words;          /* NULL: whatever they are */
	int code;
} refusals[] = {
	{ANY, 0, "port is already allocated", -EADDRINUSE},
	{ANY, 0, "address already in use", -EADDRINUSE},
	{ANY, 0, "no space left on device", -ENOSPC},
	{ANY, 0, "disk quota exceeded", -ENOSPC},
	{ENGINE_CALL_PULL, 0, "pull access denied", -EACCES},
	{ENGINE_CALL_PULL, 0, "unauthorized", -EACCES},
	{ENGINE_CALL_PULL, 0, "authentication required", -EACCES},
	{ENGINE_CALL_PULL, 0, "no basic auth credentials", -EACCES},
	{ENGINE_CALL_PULL, 0, "denied", -EACCES},
	{ENGINE_CALL_PULL, 0, "manifest unknown", -ENOENT},
	{ENGINE_CALL_PULL, 0, "not found", -ENOENT},
	{ENGINE_CALL_PULL, 0, "no matching manifest", -ENOENT},
	{ENGINE_CALL_START, 0, "no such file or directory", -EINVAL},
	{ENGINE_CALL_START, 0, "executable file not found", -EINVAL},
	{ENGINE_CALL_START, 0, "permission denied", -EINVAL},
	{ENGINE_CALL_START, 0, "exec format error", -EINVAL},
	{ENGINE_CALL_START, 500, ": already exists", -EEXIST},
	{ENGINE_CALL_START, 500, "ID already exists", -EEXIST},
	{ENGINE_CALL_START, 500, "id already in use", -EEXIST},
	{ENGINE_CALL_CREATE, 409, "already in use", -EEXIST},
	{ENGINE_CALL_CREATE, 500, "cannot unmarshal", -EINVAL},
	{ENGINE_CALL_CREATE, 500, "EOF", -EINVAL},
	{ENGINE_CALL_CREATE, 500, "invalid character", -EINVAL},
	{ANY, 403, "active endpoints", -EBUSY},
	{ENGINE_CALL_NETWORK_CONNECT, 403, "already exists in network", -EALREADY},
	{ENGINE_CALL_PAUSE, 409, "already paused", -EALREADY},
	{ENGINE_CALL_UNPAUSE, 0, "is not paused", -EALREADY},
	{ANY, 400, NULL, -EINVAL},
	{ANY, 401, NULL, -EACCES},
	{ANY, 403, NULL, -EACCES},
	{ANY, 404, NULL, -ENOENT},
	{ANY, 409, NULL, -EBUSY},
};

static int
code_of(enum engine_call_kind kind, long status, const char *words)
{
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
		if ((refusals[i].kind == ANY || refusals[i].kind == kind) &&
			(refusals[i].status == 0 || refusals[i].status == status) &&
			(refusals[i].words == NULL || strstr(words, refusals[i].words) != NULL))
			return refusals[i].code;
	return -EIO;
}

enum { HEAD_SIZE = 100, TAIL_SIZE = 120 };

/* The telling words stand at the end, often beyond what an err holds: then the middle goes. */
static void
shorten(char *words)
{
	size_t size = strlen(words), head = HEAD_SIZE, tail;

	if (size <= HEAD_SIZE + TAIL_SIZE + 5)
		return;
	tail = size - TAIL_SIZE;
	while (((uint8_t)words[head] & 0xc0) == 0x80)
		head--;
	while (((uint8_t)words[tail] & 0xc0) == 0x80)
		tail++;
	head -= words[head - 1] == ' ';
	tail += words[tail] == ' ';
	memcpy(words + head, " ... ", 5);
	memmove(words + head + 5, words + tail, size - tail + 1);
}

int
docker_refusal(enum engine_call_kind kind, long status, const char *body, size_t size,
	struct err *err)
{
	json_t *root = json_loadb(body, size, JSON_ALLOW_NUL, NULL);
	const json_t *message = json_object_get(root, "message");
	char words[1024];
	int code;

	if (json_is_string(message))
		docker_text_clean(json_string_value(message), json_string_length(message), words,
			sizeof words);
	else
		docker_text_clean(body, size, words, sizeof words);
	json_decref(root);
	code = code_of(kind, status, words);
	shorten(words);
	if (words[0] == '\0')
		return err_set(err, code, "the engine answers %ld without a word", status);
	if (message == NULL && kind != ENGINE_CALL_PULL)
		return err_set(err, code, "the engine answers %ld: %s", status, words);
	return err_set(err, code, "%s", words);
}

bool
docker_is_fulfilled(enum engine_call_kind kind, long status)
{
	switch (kind) {
	case ENGINE_CALL_START:
	case ENGINE_CALL_STOP:
		return status == 304;
	case ENGINE_CALL_REMOVE:
	case ENGINE_CALL_NETWORK_REMOVE:
		return status == 404;
	case ENGINE_CALL_NETWORK_CREATE:
		return status == 409;
	default:
		return false;
	}
}
