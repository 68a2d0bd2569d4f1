/*
 * exec_run.h - a command in a task's container, for an answer that is its whole output.
 *
 * The channel is closed when the errand ends, also when that is because the client has gone.
 * The loop's thread.
 */
#pragma once

#include "common/base/buf.h"
#include "services/gateway/errand.h"

enum {
	EXEC_OUTPUT_MAX = 1 << 20, /* bytes of output; what comes then ends it */
	EXEC_WAIT_MS = 10000,      /* of one long poll */
};

enum exec_end {
	EXEC_DONE,    /* exit_code is set */
	EXEC_FAILED,  /* it was not started, or broke off: status and why say more */
	EXEC_LATE,    /* the time was over first */
	EXEC_TOO_MUCH /* EXEC_OUTPUT_MAX */
};

struct exec_result {
	enum exec_end end;
	int exit_code;
	Davit__Reply__Status status;
	const char *why;          /* "" for EXEC_DONE */
	const struct buf *output; /* both streams, as they came; what there was by then */
};

typedef void exec_done_fn(struct errand *errand, const struct exec_result *result, void *arg);

struct exec_wish {
	const char *task;           /* id */
	const char *const *command; /* ends with NULL */
	uint64_t limit_ms;          /* 0: none */
};

/* wish is borrowed for the call; done runs once, later, unless the client goes away before. */
void exec_run(struct errand *errand, const struct exec_wish *wish, exec_done_fn *done, void *arg);
