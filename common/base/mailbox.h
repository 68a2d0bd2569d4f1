/*
 * mailbox.h - messages from any thread to the one that runs a loop.
 *
 * Callbacks of nng run on its own threads. They put a letter and wake the loop;
 * the loop takes all letters at once, in the order in which they were put. The
 * box is bounded: a full box is an answer (-ENOBUFS), and the caller decides
 * whether to drop or to push back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/cleanup.h"

/* Embedded in whatever travels. Ownership goes with the letter. */
struct letter {
	struct letter *next;
};

struct mailbox;

/*
 * wake is called after a put into an empty box, from the putting thread: it may
 * only do what is safe there, such as uv_async_send. max: most letters inside.
 */
struct mailbox *mailbox_new(size_t max, void (*wake)(void *arg), void *arg);

/* The box must be empty, or its letters are leaked. */
void mailbox_free(struct mailbox *box);
CLEANUP_DEFINE(struct mailbox *, mailbox_free)

/* 0, or -ENOBUFS when the box is full: the letter is still the caller's. Any thread. */
int mailbox_put(struct mailbox *box, struct letter *letter);

/* Every letter inside, oldest first, linked by next; NULL when empty. The reader's thread. */
struct letter *mailbox_take_all(struct mailbox *box);
