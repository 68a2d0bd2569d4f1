/*
 * cli_submit.h - handing tasks to the manager and saying what became of them.
 */
#pragma once

#include <stdint.h>

#include "proto/manager.pb-c.h"
#include "services/cli/cli.h"

void cli_submit_reply_free(Davit__SubmitTasksReply *reply);
CLEANUP_DEFINE(Davit__SubmitTasksReply *, cli_submit_reply_free)

/* spec is borrowed. An exit code; *ret_reply is the caller's. */
int cli_submit(struct cli *cli, Davit__TaskSpec *spec, uint32_t count,
	Davit__SubmitTasksReply **ret_reply);

/* The id to go on with: of the array, or of the one task. Borrowed; never NULL. */
const char *cli_submitted_id(const Davit__SubmitTasksReply *reply);

/* On out: the id, or the whole reply with -o json or yaml. */
void cli_print_submitted(struct cli *cli, const Davit__SubmitTasksReply *reply);

/* Waits until each of the reply's tasks runs or has ended; one that failed is said. */
int cli_wait_submitted(struct cli *cli, const Davit__SubmitTasksReply *reply);
