#include "services/cli/cli_output.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/pbjson/pbjson.h"

void
cli_print_message(struct cli *cli, const ProtobufCMessage *message)
{
	CLEANUP(buf_fini) struct buf text = {0};

	if (cli->format == CLI_FORMAT_YAML)
		pbjson_print_yaml(message, &text);
	else
		pbjson_print(message, PBJSON_PRETTY, &text);
	(void)fwrite(text.data, 1, text.size, cli->out);
}

void
cli_print_record(struct cli *cli, const ProtobufCMessage *message)
{
	CLEANUP(buf_fini) struct buf text = {0};

	if (cli->format == CLI_FORMAT_YAML) {
		buf_puts(&text, "---\n");
		pbjson_print_yaml(message, &text);
	} else {
		pbjson_print(message, PBJSON_COMPACT, &text);
		buf_puts(&text, "\n");
	}
	(void)fwrite(text.data, 1, text.size, cli->out);
}

/* Every line of text behind first (its first line) or rest. */
static void
print_indented(FILE *out, const char *text, const char *first, const char *rest)
{
	const char *lead = first;

	while (*text != '\0') {
		size_t n = strcspn(text, "\n");

		(void)fprintf(out, "%s%.*s", n > 0 ? lead : "", (int)n, text);
		text += n;
		lead = rest;
		if (*text == '\n' && *++text != '\0')
			(void)fputc('\n', out);
	}
}

void
cli_list_put(struct cli_list *list, const ProtobufCMessage *message)
{
	CLEANUP(buf_fini) struct buf text = {0};
	FILE *out = list->cli->out;

	if (list->cli->format == CLI_FORMAT_YAML) {
		pbjson_print_yaml(message, &text);
		print_indented(out, buf_text(&text), "- ", "  ");
		(void)fputc('\n', out);
	} else {
		(void)fputs(list->n == 0 ? "[\n" : ",\n", out);
		pbjson_print(message, PBJSON_PRETTY, &text);
		print_indented(out, buf_text(&text), "  ", "  ");
	}
	list->n++;
}

void
cli_list_end(struct cli_list *list)
{
	if (list->cli->format == CLI_FORMAT_YAML)
		(void)fputs(list->n == 0 ? "[]\n" : "", list->cli->out);
	else
		(void)fputs(list->n == 0 ? "[]\n" : "\n]\n", list->cli->out);
}

void
cli_print_list(struct cli *cli, size_t n, void *elements)
{
	struct cli_list list = {.cli = cli};
	const ProtobufCMessage **messages = elements;

	for (size_t i = 0; i < n; i++)
		cli_list_put(&list, messages[i]);
	cli_list_end(&list);
}
