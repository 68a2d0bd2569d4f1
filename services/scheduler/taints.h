/*
 * taints.h - what keeps tasks off a node, and who goes there all the same.
 *
 * All taints of a node are one text, so that nodes with the same taints share a
 * number and tolerations are looked at once for all of them. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "proto/types.pb-c.h"

enum { TAINTS_TEXT_MAX = 64 }; /* of a taint, in a sentence */

/* The caller frees; NULL for no taints. Equal sets in equal order give equal texts. */
char *taints_text(Davit__Taint *const *taints, size_t n);

struct taints_verdict {
	bool is_kept_off;                /* NO_SCHEDULE or NO_EXECUTE that is not tolerated */
	unsigned n_disliked;             /* PREFER_NO_SCHEDULE that are not tolerated */
	char first[TAINTS_TEXT_MAX + 1]; /* the one that keeps it off: "dedicated=db" */
};

/* text may be NULL: no taints. */
struct taints_verdict taints_judge(const char *text, const Davit__TaskSpec *spec);
