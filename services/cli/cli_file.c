#include "services/cli/cli_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "common/pbjson/pbjson.h"
#include "services/cli/cli_pb.h"

enum { READ_SIZE = 65536 };

static int
read_all(FILE *file, const char *path, struct buf *out, struct err *err)
{
	for (;;) {
		size_t n = fread(buf_reserve(out, READ_SIZE), 1, READ_SIZE, file);

		out->size += n;
		if (out->size > CLI_FILE_MAX)
			return err_set(err, -E2BIG, "%s: greater than %d bytes", path,
				CLI_FILE_MAX);
		if (ferror(file))
			return err_set(err, -EIO, "%s: %s", path, strerror(errno));
		if (n == 0)
			return 0;
	}
}

static int
read_file(const char *path, struct buf *out, struct err *err)
{
	FILE *file;
	int rc;

	if (strcmp(path, "-") == 0)
		return read_all(stdin, "standard input", out, err);
	file = fopen(path, "re");
	if (file == NULL)
		return err_set(err, -errno, "cannot read '%s': %s", path, strerror(errno));
	rc = read_all(file, path, out, err);
	(void)fclose(file);
	return rc;
}

static bool
is_json(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '{';
}

static int
parse_as(const ProtobufCMessageDescriptor *type, const char *text, size_t size,
	ProtobufCMessage **ret_message, struct pbjson_err *err)
{
	return is_json(text) ? pbjson_parse(type, text, size, ret_message, err)
			     : pbjson_parse_yaml(type, text, size, ret_message, err);
}

/* A TaskSpec has no field `spec`: a document that has one is a whole request. */
static int
parse_document(const char *text, size_t size, Davit__SubmitTasksRequest **ret_request,
	struct pbjson_err *err)
{
	ProtobufCMessage *message;
	Davit__SubmitTasksRequest *request = NULL;
	int rc = parse_as(&davit__task_spec__descriptor, text, size, &message, err);

	if (rc == 0) {
		request = CLI_PB_NEW(davit__submit_tasks_request, Davit__SubmitTasksRequest);
		request->spec = (Davit__TaskSpec *)message;
		*ret_request = request;
		return 0;
	}
	if (strcmp(err->path, "spec") != 0 && strcmp(err->path, "count") != 0)
		return rc;
	*err = (struct pbjson_err){0};
	rc = parse_as(&davit__submit_tasks_request__descriptor, text, size, &message, err);
	if (rc == 0)
		*ret_request = (Davit__SubmitTasksRequest *)message;
	return rc;
}

/* Bytes up to the next line that begins a document, from text on. */
static size_t
document_size(const char *text)
{
	const char *at = text;

	for (;;) {
		const char *line = strstr(at, "\n---");

		if (line == NULL)
			return strlen(text);
		if (strchr(" \t\r\n", line[4]) != NULL) /* the NUL at the end, too */
			return (size_t)(line + 1 - text);
		at = line + 4;
	}
}

/* True if there is something to read: a line that is no comment and no "---". */
static bool
has_content(const char *text, size_t size)
{
	const char *end = text + size;

	while (text < end) {
		size_t n = strcspn(text, "\n"), blank = strspn(text, " \t\r");

		if (blank < n && text[blank] != '#' &&
			!(strncmp(text, "---", 3) == 0 && strspn(text + 3, " \t\r") + 3 >= n))
			return true;
		text += n + 1;
	}
	return false;
}

struct documents {
	Davit__SubmitTasksRequest **items;
	size_t n;
};

static void
free_documents(struct documents *documents)
{
	for (size_t i = 0; i < documents->n; i++)
		davit__submit_tasks_request__free_unpacked(documents->items[i], NULL);
	free(documents->items);
}

static int
add_document(struct documents *documents, const char *name, const char *text, size_t size,
	struct err *err)
{
	CLEANUP(free) char *copy = cli_pb_text(text, size);
	Davit__SubmitTasksRequest *request = NULL;
	struct pbjson_err why = {0};

	if (documents->n >= CLI_DOCUMENTS_MAX)
		return err_set(err, -E2BIG, "%s: more than %d documents", name, CLI_DOCUMENTS_MAX);
	if (parse_document(copy, size, &request, &why) < 0) {
		if (documents->n > 0)
			return err_set(err, -EINVAL, "%s, document %zu: %s%s%s", name,
				documents->n + 1, why.path, why.path[0] ? ": " : "", why.err.text);
		return err_set(err, -EINVAL, "%s: %s%s%s", name, why.path, why.path[0] ? ": " : "",
			why.err.text);
	}
	documents->items = xrealloc(documents->items, documents->n + 1, sizeof *documents->items);
	documents->items[documents->n++] = request;
	return 0;
}

static int
split(struct documents *documents, const char *name, const char *text, struct err *err)
{
	while (*text != '\0') {
		size_t n = is_json(text) ? strlen(text) : document_size(text);

		if (has_content(text, n) && add_document(documents, name, text, n, err) < 0)
			return err->code;
		text += n;
	}
	if (documents->n == 0)
		return err_set(err, -EINVAL, "%s: there is no task in it", name);
	return 0;
}

int
cli_file_each_text(const char *name, const char *text, cli_file_fn *take, void *arg,
	struct err *err)
{
	struct documents documents = {0};
	int rc = split(&documents, name, text, err);

	for (size_t i = 0; rc == 0 && i < documents.n && take(documents.items[i], arg); i++)
		;
	free_documents(&documents);
	return rc;
}

int
cli_file_each(const char *path, cli_file_fn *take, void *arg, struct err *err)
{
	CLEANUP(buf_fini) struct buf text = {0};

	if (read_file(path, &text, err) < 0)
		return err->code;
	if (memchr(text.data, '\0', text.size) != NULL)
		return err_set(err, -EINVAL, "%s: this is no text", path);
	return cli_file_each_text(strcmp(path, "-") == 0 ? "standard input" : path, buf_text(&text),
		take, arg, err);
}
