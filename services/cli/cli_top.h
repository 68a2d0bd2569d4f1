/*
 * cli_top.h - the page that `davit top` shows.
 */
#pragma once

#include <stdio.h>

#include "proto/manager.pb-c.h"

enum cli_top_sort { CLI_TOP_CPU, CLI_TOP_MEMORY, CLI_TOP_NAME };

/* Writes cluster, nodes and tasks as text. The order of reply->tasks is changed. */
void cli_top_print(const Davit__GetStatsReply *reply, enum cli_top_sort sort, FILE *out);
