/*
 * cli_output.h - messages as JSON or YAML on standard output.
 *
 * One object, or a list whose elements arrive one by one (pages of a long list are
 * not gathered). The names are those of the .proto files, so that what is printed
 * can be read by whatever reads Davit's JSON.
 */
#pragma once

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "services/cli/cli.h"

/* In the format of -o, which must be json or yaml. */
void cli_print_message(struct cli *cli, const ProtobufCMessage *message);

/* One line of JSON, or a YAML document: for streams that never end. */
void cli_print_record(struct cli *cli, const ProtobufCMessage *message);

struct cli_list {
	struct cli *cli;
	size_t n;
};

/* Elements of one JSON array or YAML sequence; end even if there were none. */
void cli_list_put(struct cli_list *list, const ProtobufCMessage *message);
void cli_list_end(struct cli_list *list);

/* The same for an array of messages at once; elements is e.g. a reply's `nodes`. */
void cli_print_list(struct cli *cli, size_t n, void *elements);
