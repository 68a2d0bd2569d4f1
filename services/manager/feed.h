/*
 * feed.h - what subscribers hear, in protobuf and as JSON lines.
 *
 * Two PUB sockets with the same topics. Encoding is done only while somebody is
 * connected. In JSON a node's figures come as one line for the node and one for each
 * of its tasks (stats.task.<id>), so that a person can subscribe to one task.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"

struct feed;

int feed_open(const char *url, const char *json_url, struct feed **ret_feed, struct err *err);
void feed_publish(struct feed *feed, const char *topic, const ProtobufCMessage *message);
void feed_close(struct feed *feed);
CLEANUP_DEFINE(struct feed *, feed_close)
