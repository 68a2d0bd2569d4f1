/*
 * skew.h - which version of a worker a manager lets in.
 *
 * Workers of the manager's own minor version and of the release before work, since an upgrade
 * begins with the manager; older and newer ones do not (docs/OPERATIONS.md, Upgrade).
 * Pure; any thread.
 */
#pragma once

#include "common/base/err.h"

/* The longest version that is read, in bytes. */
#define SKEW_VERSION_MAX 64

/* A release has three numbers, each below this. */
#define SKEW_NUMBER_MAX 9999

/*
 * Whether a worker of version `worker` may work with a manager of version `manager`, whose
 * release before was `previous`; only major and minor count. -EINVAL if `worker` is no
 * version, -ENOTSUP with what is to be upgraded if it may not. The other two are the
 * program's own, and good.
 */
int skew_check_worker(const char *worker, const char *manager, const char *previous,
	struct err *err);
