/*
 * records.h - the model as records of the store, and back.
 *
 *     cluster          ClusterRecord   written anew by each life of the manager
 *     spec/<id>        SpecRecord      shared by groups
 *     group/<id>       GroupRecord     a submission; its id is the base of its tasks' ids
 *     task/<id>        task_record.h   a task that has moved, or a mark: an element that is gone
 *     node/<id>        NodeRecord
 *     request/<id>     RequestRecord   an answer that was given
 *
 * Duties are not recorded: they follow from states when the model is built again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/store/store.h"
#include "services/manager/model.h"

struct manager;

enum {
	RECORDS_FORMAT = 2, /* of this store; a greater one is refused */
	RECORDS_KEY_SIZE = 128,
};

void records_put_spec(struct manager *manager, const struct spec *spec);
void records_put_group(struct manager *manager, const struct group *group);
void records_put_task(struct manager *manager, const struct task *task);
void records_put_node(struct manager *manager, const struct node *node);
void records_put_cluster(struct manager *manager);
void records_put_message(struct manager *manager, const char *kind, const char *id,
	const ProtobufCMessage *message);

/* Of an element of an array: its group's record says that it is gone, or a mark in its place. */
void records_delete_task(struct manager *manager, const struct task *task);
/* Everything of a group whose last task is gone; its spec too if spec_gone. */
void records_delete_group(struct manager *manager, const struct group *group, bool spec_gone);
void records_delete(struct manager *manager, const char *kind, const char *id);

/*
 * A task that is on disk only, as it would be in the model, which does not know of it; the group
 * is the model's if it is an element of an array there.
 */
struct records_read {
	struct task task;
	struct group *group; /* made for it; NULL: the model's */
	struct spec *spec;   /* the same */
	struct records_read *next;
};

/* The store's errors, -EUCLEAN. It is the caller's to free, before the model changes. */
int records_read_task(struct manager *manager, const struct past_entry *entry,
	struct records_read **ret_read, struct err *err);
void records_read_free(struct records_read *read);
CLEANUP_DEFINE(struct records_read *, records_read_free)

/* What is gone of an entry: the record of a task, or all of its group's. */
void records_delete_past(struct manager *manager, const struct past_entry *entry);

/* Fills an empty model. A new store gets a cluster id, written with the first batch. */
int records_load(struct manager *manager, struct store *store, struct err *err);
