/*
 * spill.h - bytes that wait for their reader in a file without a name, not in memory.
 *
 * What a command says while it is still being told its input: HTTP/1.1 has no way to send the one
 * before the other has ended. The loop's thread; writes go to the page cache.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"

enum { SPILL_BYTES_MAX = 1 << 30 }; /* written and not yet taken */

struct spill;

/* In $TMPDIR or /var/tmp. What the system says, with words. */
int spill_open(struct spill **ret_spill, struct err *err);
void spill_close(struct spill *spill);
CLEANUP_DEFINE(struct spill *, spill_close)

/* All or nothing. -ENOBUFS beyond the limit, -ENOSPC and what the system says, with words. */
int spill_put(struct spill *spill, const void *data, size_t size, struct err *err);
uint64_t spill_size(const struct spill *spill);
/* The first of them, at most size; how many. 0: there are none, or the file broke. */
size_t spill_take(struct spill *spill, void *data, size_t size);
