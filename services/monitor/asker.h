/*
 * asker.h - asks a manager for what the feed does not tell.
 *
 * At the start, after a gap and when the feed comes back: GetStats. While something runs that
 * is only known by its id: the list of tasks, in pages, so rarely that it takes at most a
 * twentieth of the time. Answers go to the view and the roster. One thread.
 */
#pragma once

#include <uv.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "services/monitor/live.h"
#include "services/monitor/roster.h"

struct asker;

/* feed is the number of its manager's feed. The rest is borrowed for its life. */
int asker_open(uv_loop_t *loop, const char *manager, unsigned feed, struct live *live,
	struct roster *roster, struct asker **ret_asker, struct err *err);

/* Something may have been missed: asks as soon as it may. */
void asker_want(struct asker *asker);

/* Asks what is to be asked. A few times a second. */
void asker_tick(struct asker *asker, uint64_t now_ms);

/* True: the manager has answered something. */
bool asker_was_answered(const struct asker *asker);

/* The loop must turn once more. */
void asker_close(struct asker *asker);
CLEANUP_DEFINE(struct asker *, asker_close)
