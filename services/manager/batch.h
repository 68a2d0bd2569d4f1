/*
 * batch.h - what one turn of the core leaves behind: records to write, answers to send.
 *
 * Things that changed are only marked while inputs are applied; batch_seal encodes
 * each of them once, however often it changed. A sealed batch is whole: what it writes and
 * what it says is bytes by then, whatever happens to the model while it is committed. The
 * next one is open meanwhile. Answers are kept until the commit.
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

/* How far on its way is what an answer tells of. */
enum batch_way {
	BATCH_STORED, /* it is in the store */
	BATCH_SEALED, /* … or in the sealed batch */
	BATCH_OPEN,   /* … or in the open one */
};

/* What a batch writes, and the calls that it answers. */
struct batch_parcel {
	struct store_batch *writes;
	struct rpc_call **calls; /* answered, not sent */
	size_t n_calls, room;
	bool is_broad; /* not only tasks have changed: nodes have, or tasks were removed */
};

struct batch {
	struct batch_parcel open, sealed;
	bool is_sealed;           /* and not yet released */
	uint64_t n_seals, n_sent; /* batches so far; sent: up to which */
	struct task *dirty_tasks;
	struct node *dirty_nodes;
	struct arena arena; /* for messages of this turn; nothing of it is left once it is sealed */
	struct buf packed;  /* the record that is written now */
	/* Of the read that is answered now. */
	bool sees_all;
	enum batch_way seen;
};

void batch_init(struct batch *batch);
void batch_fini(struct batch *batch);

/* The record will be written. Also moves the task's version on. */
void batch_touch_task(struct manager *manager, struct task *task);
/* The same of a group, of which tasks have no record of their own; not that it will be written. */
void batch_touch_group(struct manager *manager, struct group *group);
void batch_touch_node(struct manager *manager, struct node *node);
/* Its record is not to be written any more: it is about to be removed. */
void batch_forget_task(struct manager *manager, struct task *task);
void batch_forget_node(struct manager *manager, struct node *node);

/* One that is not in memory, or never was, is removed because somebody wants it. */
void batch_forget_past(struct manager *manager);

/* Answers the call, and keeps the answer if the call changes something and has a request_id. */
void batch_answer(struct manager *manager, struct rpc_call *call, const ProtobufCMessage *response);
void batch_refuse(struct manager *manager, struct rpc_call *call, Davit__Reply__Status status,
	const char *field, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* A call whose answer was encoded already. */
void batch_keep(struct manager *manager, struct rpc_call *call);
/* By errno, with the error's own words. */
void batch_refuse_err(struct manager *manager, struct rpc_call *call, const char *field,
	const struct err *err);

/* True while the model holds nothing to write that was not sealed. */
bool batch_is_clean(const struct batch *batch);

/*
 * A read is answered between begin and end, by one call of batch_answer or batch_refuse, and its
 * answer goes as soon as all that it tells of is in the store: at once, with the sealed batch, or
 * with the open one. It is taken to tell of everything, unless batch_read_narrow says that
 * from then on it is only of the tasks that are named, and of nodes, and of tasks that
 * were removed. What history no longer keeps is not among these: nobody was promised it.
 */
void batch_read_begin(struct batch *batch);
void batch_read_narrow(struct batch *batch);
void batch_read_task(struct batch *batch, const struct task *task);
/* Of each task of the group. */
void batch_read_group(struct batch *batch, const struct group *group);
void batch_read_end(struct batch *batch);

/* Encodes what is dirty into writes, and begins the next one. None is sealed. */
void batch_seal(struct manager *manager);
/* Sends the answers of the sealed one and forgets it. */
void batch_send(struct batch *batch);
/* Answers everything UNAVAILABLE instead, of both, and forgets them. */
void batch_abort(struct batch *batch, const char *reason);
