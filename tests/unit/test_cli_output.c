#include "services/cli/cli_output.h"

#include <stdlib.h>

#include "tests/lib/cli_world.h"

/* Two tasks as a list in the format. */
static char *
print_list(enum cli_format format, size_t n)
{
	Davit__PortMapping one = DAVIT__PORT_MAPPING__INIT, other = DAVIT__PORT_MAPPING__INIT;
	Davit__PortMapping *ports[] = {&one, &other};
	struct cli cli = {.format = format};
	char *text = NULL;
	size_t size;

	one.has_host_port = other.has_host_port = 1;
	one.host_port = 1;
	other.host_port = 2;
	cli.out = open_memstream(&text, &size);
	CHECK(cli.out != NULL);
	cli_print_list(&cli, n, ports);
	(void)fclose(cli.out);
	return text;
}

TEST(cli_output_lists_are_arrays_in_json)
{
	char *text = print_list(CLI_FORMAT_JSON, 2);

	CHECK_STR(text, "[\n  {\n    \"host_port\": 1\n  },\n  {\n    \"host_port\": 2\n  }\n]\n");
	free(text);
	text = print_list(CLI_FORMAT_JSON, 0);
	CHECK_STR(text, "[]\n");
	free(text);
}

TEST(cli_output_lists_are_sequences_in_yaml)
{
	char *text = print_list(CLI_FORMAT_YAML, 2);

	CHECK_STR(text, "- host_port: 1\n- host_port: 2\n");
	free(text);
	text = print_list(CLI_FORMAT_YAML, 0);
	CHECK_STR(text, "[]\n");
	free(text);
}

TEST(cli_output_records_are_lines_or_documents)
{
	Davit__PortMapping port = DAVIT__PORT_MAPPING__INIT;
	struct cli cli = {.format = CLI_FORMAT_JSON};
	char *text = NULL;
	size_t size;

	port.has_host_port = 1;
	port.host_port = 7;
	cli.out = open_memstream(&text, &size);
	cli_print_record(&cli, &port.base);
	cli.format = CLI_FORMAT_YAML;
	cli_print_record(&cli, &port.base);
	cli_print_message(&cli, &port.base);
	(void)fclose(cli.out);
	CHECK_STR(text, "{\"host_port\":7}\n---\nhost_port: 7\nhost_port: 7\n");
	free(text);
}
