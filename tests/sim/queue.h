/*
 * queue.h - what is to happen, by time, then in the order of insertion.
 *
 * Nearly all of it is near: messages, timers and timeouts lie within seconds. So what is due within
 * QUEUE_SPAN_MS lies in a ring with a list for each millisecond; the rest in a heap, until its time
 * has come near. A queue belongs to one run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim;

/* True if a process heard of it: a step. */
typedef bool sim_event_fn(struct sim *sim, void *arg);

struct sim_event {
	uint64_t at_ms;
	sim_event_fn *fn;
	void *arg;
};

struct queue;

/* Empty, at that time. */
struct queue *queue_new(uint64_t now_ms);
/* What is in it is forgotten. NULL is fine. */
void queue_free(struct queue *queue);

/* What should have been before the last one that was taken comes right after it. */
void queue_add(struct queue *queue, struct sim_event event);
bool queue_is_empty(const struct queue *queue);
/* The first; there is one. */
struct sim_event queue_take(struct queue *queue);
