/*
 * cli_task.h - waiting for a task and reading its output: what several commands do.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/manager.pb-c.h"
#include "services/cli/cli.h"

struct cli_wait {
	const char *task;         /* id, prefix or name */
	Davit__Task__State until; /* RUNNING (or ended), or COMPLETED for the end */
	bool shows_progress;      /* a note for each new sentence of the task */
	uint64_t limit_ms;        /* 0: no limit */
};

/*
 * Waits for the task. Returns CLI_OK with *ret_task (davit__task__free_unpacked),
 * or an exit code after having said why: CLI_TIMEOUT after limit_ms, and without a
 * word CLI_INTERRUPTED.
 */
int cli_task_wait(struct cli *cli, const struct cli_wait *wait, Davit__Task **ret_task);

struct cli_logs {
	const char *task;
	bool follows;
	bool has_tail;
	uint32_t tail;
	uint64_t since_ms; /* 0: from the beginning */
	uint64_t until_ms; /* 0: to the end */
	bool has_timestamps;
	char *cursor; /* owned: where the next reading goes on; NULL at first */
};

void cli_logs_fini(struct cli_logs *logs);

/*
 * Writes the output of the task to out and err until its end, or, unless it follows,
 * until what there is. Interrupted, it can be called again and goes on where it was.
 * An exit code.
 */
int cli_logs_read(struct cli *cli, struct cli_logs *logs);

bool cli_task_has_ended(const Davit__Task *task);

/* The exit code that stands for an ended task: the container's, or CLI_NO_CODE. */
int cli_task_code(const Davit__Task *task);

/* On err: why a task failed that has no exit code to tell. */
void cli_task_explain(struct cli *cli, const Davit__Task *task);

void cli_task_free(Davit__Task *task);
CLEANUP_DEFINE(Davit__Task *, cli_task_free)

/* Asks tasks to stop. time_ms NULL: as their specs say. An exit code. */
int cli_task_stop(struct cli *cli, char **tasks, size_t n, const uint64_t *time_ms);
