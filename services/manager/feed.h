/*
 * feed.h - what subscribers hear, in protobuf and as JSON lines.
 *
 * Two PUB sockets with the same topics. Encoding is done only while somebody is
 * connected. In JSON a node's figures come as one line for the node and one for each
 * of its tasks (stats.task.<id>), so that a person can subscribe to one task.
 */
#pragma once

#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"

struct feed;

int feed_open(const char *url, const char *json_url, struct feed **ret_feed, struct err *err);
void feed_publish(struct feed *feed, const char *topic, const ProtobufCMessage *message);

struct feed_figures {
	unsigned n_subscribers, n_subscribers_json;
	uint64_t n_dropped, n_dropped_json;
};
void feed_figures(const struct feed *feed, struct feed_figures *ret_figures);

void feed_close(struct feed *feed);
CLEANUP_DEFINE(struct feed *, feed_close)
