/*
 * docker_list.h - a list of containers, read while it arrives. Pure.
 *
 * The engine tells some 2 KB about each container, of which little is kept: so
 * a list of thousands never exists as a whole, neither as text nor as JSON.
 * A zeroed struct docker_list is the beginning.
 */
#pragma once

#include "common/base/buf.h"
#include "common/docker/engine.h"

struct docker_list {
	struct engine_container *containers; /* id, name, status and labels only */
	size_t n, room;
	/* Where in the text we are. */
	size_t scanned; /* bytes at the front of the buf that were looked at */
	size_t start;   /* of the present item */
	unsigned depth; /* 0: before the list, 1: between items */
	bool in_text, escaped, ended;
};

void docker_list_fini(struct docker_list *list);
static inline void
docker_list_fini_cleanup(struct docker_list *list)
{
	docker_list_fini(list);
}

/*
 * Reads what is whole at the front of in and takes it out. -EIO: this is no
 * list of containers, or one item is longer than ENGINE_LINE_MAX.
 */
int docker_list_feed(struct docker_list *list, struct buf *in, struct err *err);

/* Nothing more comes. -EIO: but there should. */
int docker_list_end(const struct docker_list *list, struct err *err);
