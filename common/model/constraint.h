/*
 * constraint.h - what a task demands of its node.
 *
 *     node.name != n1      node.labels.disk == ssd      engine.os == linux
 *
 * Attributes: node.id, node.name, node.address, node.labels.<key>, engine.os,
 * engine.arch, engine.version. Values are compared as they are, case and all; they
 * end with the text and may be put in double quotes. A label that a node does not
 * have is "" (so `!=` holds for it). Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

enum constraint_subject {
	CONSTRAINT_NONE,
	CONSTRAINT_NODE_ID,
	CONSTRAINT_NODE_NAME,
	CONSTRAINT_NODE_ADDRESS,
	CONSTRAINT_NODE_LABEL, /* key says which */
	CONSTRAINT_ENGINE_OS,
	CONSTRAINT_ENGINE_ARCH,
	CONSTRAINT_ENGINE_VERSION,
	CONSTRAINT_COUNT,
};

/* Key and value point into the text that was parsed and have no NUL of their own. */
struct constraint {
	enum constraint_subject subject;
	bool is_not; /* != instead of == */
	const char *key;
	size_t key_size;
	const char *value;
	size_t value_size;
};

/* -EINVAL with a sentence that says what is wrong; -ENOSYS for an operator of a later stage. */
int constraint_parse(const char *text, struct constraint *ret, struct err *err);

/* Whether a node whose attribute is actual (NULL: it has none) satisfies the constraint. */
bool constraint_holds(const struct constraint *constraint, const char *actual);
