/*
 * questions.h - explain and plan: what the scheduler would do, asked without doing it.
 *
 * A call waits here until the scheduler is free, is asked with `dry_run`, and is
 * answered with what comes back. Between two such questions the tasks that wait for a
 * node have their turn, so that curiosity does not slow placement down. Nothing is
 * stored. Part of the manager's core.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "proto/rpc.pb-c.h"
#include "proto/scheduler.pb-c.h"

struct manager;
struct question;
struct rpc_call;

struct questions {
	struct question *first, *last; /* the first is asked next, or is being asked */
	size_t n;
	bool is_asking;
	bool had_turn; /* the last Place call was one of these */
};

/* Calls of davit.Manager. */
void questions_explain(struct manager *manager, struct rpc_call *call);
void questions_plan(struct manager *manager, struct rpc_call *call);

/* True when one waits and it is its turn; others_wait: tasks wait for the scheduler, too. */
bool questions_is_due(const struct manager *manager, bool others_wait);

/* The Place call for the first one, in the batch's arena; NULL when it was answered instead. */
Davit__PlaceRequest *questions_seal(struct manager *manager);

/* What the scheduler said to it. */
void questions_answer(struct manager *manager, const Davit__PlaceReply *reply);

/* Nobody can be asked: all are answered UNAVAILABLE. */
void questions_refuse(struct manager *manager, const char *reason);

/* The same, sent at once: the model is about to be built again. */
void questions_abort(struct manager *manager, const char *reason);
