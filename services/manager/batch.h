/*
 * batch.h - what one turn of the core leaves behind: records to write, answers to send.
 *
 * Things that changed are only marked while inputs are applied; batch_seal encodes
 * each of them once, however often it changed. Answers are kept until the commit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/rpc/call.h"
#include "common/store/store.h"

struct manager;
struct task;
struct node;
struct group;

struct batch {
	struct store_batch *writes;
	struct task *dirty_tasks;
	struct node *dirty_nodes;
	struct rpc_call **calls; /* answered, not sent */
	size_t n_calls, room;
	struct arena arena; /* for messages of this turn */
	struct buf packed;  /* the record that is written now */
};

void batch_init(struct batch *batch);
void batch_fini(struct batch *batch);

/* The record will be written. Also moves the task's version on. */
void batch_touch_task(struct manager *manager, struct task *task);
void batch_touch_node(struct manager *manager, struct node *node);
/* Its record is not to be written any more: it is about to be removed. */
void batch_forget_task(struct manager *manager, struct task *task);
void batch_forget_node(struct manager *manager, struct node *node);

/* Answers the call, and keeps the answer if the call changes something and has a request_id. */
void batch_answer(struct manager *manager, struct rpc_call *call, const ProtobufCMessage *response);
void batch_refuse(struct manager *manager, struct rpc_call *call, Davit__Reply__Status status,
	const char *field, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* A call whose answer was encoded already. */
void batch_keep(struct manager *manager, struct rpc_call *call);
/* By errno, with the error's own words. */
void batch_refuse_err(struct manager *manager, struct rpc_call *call, const char *field,
	const struct err *err);

/* Encodes what is dirty into writes. */
void batch_encode(struct manager *manager);
/* Sends the answers and forgets the batch. */
void batch_send(struct batch *batch);
/* Answers everything UNAVAILABLE instead, and forgets the batch. */
void batch_abort(struct batch *batch, const char *reason);
