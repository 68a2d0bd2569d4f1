/*
 * constraint.h - what a task demands of its node.
 *
 *     node.name != n1                      node.labels.disk == ssd
 *     node.class in (large, huge)          node.labels.rack not in (r1, "r 2")
 *     node.labels.gpu exists               node.labels.old not exists    (also: is set, is not set)
 *     node.labels.cores >= 8               engine.version >= 20.10
 *     node.name =~ ^web-[0-9]+$            engine.kernel matches ^5\.    (also: !~)
 *     node.labels.driver version >= 535.9
 *
 * Subjects: node.id, node.name (node.hostname), node.address, node.class, node.labels.<key>,
 * engine.os (node.platform.os), engine.arch (node.platform.arch), engine.version,
 * engine.kernel. Values are compared as they are, case and all; they end with the text and
 * may be put in double quotes. A label that a node does not have is "" to ==, !=, in
 * and not in; it holds for no other operator but "not exists". engine.arch knows that
 * x86_64 is amd64 and aarch64 is arm64. <, <=, >, >= compare numbers, and versions where the
 * subject is engine.version or engine.kernel or "version" stands before; a node whose value is
 * neither does not hold. Versions are compared by the numbers between their dots, absent ones
 * being 0; 1.2-rc1 (alpha, beta, pre, dev) is before 1.2; what else follows is not looked at.
 * Patterns: common/model/pattern.h.
 *
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"
#include "common/model/pattern.h"

enum constraint_subject {
	CONSTRAINT_NONE,
	CONSTRAINT_NODE_ID,
	CONSTRAINT_NODE_NAME,
	CONSTRAINT_NODE_ADDRESS,
	CONSTRAINT_NODE_CLASS,
	CONSTRAINT_NODE_LABEL, /* key says which */
	CONSTRAINT_ENGINE_OS,
	CONSTRAINT_ENGINE_ARCH,
	CONSTRAINT_ENGINE_VERSION,
	CONSTRAINT_ENGINE_KERNEL,
	CONSTRAINT_COUNT,
};

enum constraint_operator {
	CONSTRAINT_EQUAL,
	CONSTRAINT_IN,
	CONSTRAINT_EXISTS,
	CONSTRAINT_LESS,
	CONSTRAINT_LESS_EQUAL,
	CONSTRAINT_MATCHES,
};

enum { CONSTRAINT_VALUES_MAX = 64 }; /* in one ( ) */

/* Key and value point into the text that was parsed and have no NUL of their own. */
struct constraint {
	enum constraint_subject subject;
	enum constraint_operator operator;
	bool is_not; /* the opposite: != not in, not exists, >= is not less, > is not less or equal
		      */
	bool is_version; /* of LESS and LESS_EQUAL: versions, else numbers */
	const char *key;
	size_t key_size;
	const char *value; /* of IN: what is between the ( ) */
	size_t value_size;
	double number;
	struct pattern *pattern; /* owned; of MATCHES only */
};

/* -EINVAL with a sentence that says what is wrong; nothing is to be freed then. */
int constraint_parse(const char *text, struct constraint *ret, struct err *err);
void constraint_fini(struct constraint *constraint);

static inline void
constraint_fini_cleanup(struct constraint *constraint)
{
	constraint_fini(constraint);
}

/* Whether a node whose attribute is actual (NULL: it has none) satisfies the constraint. */
bool constraint_holds(const struct constraint *constraint, const char *actual);

/* "amd64" for "x86_64" and so on; other words as they are. */
const char *constraint_arch(const char *arch);

/* Less than, equal to or greater than 0. Texts that do not begin with a number come first. */
int constraint_version_compare(const char *a, const char *b);
