/*
 * declared.h - what a node says of itself beside labels: its class, taints and devices.
 *
 * Read once from the options and told with every registration. Owned by the shell; the
 * worker borrows it.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/options.h"
#include "proto/worker.pb-c.h"

enum { WORKER_TAINTS_MAX = 64, WORKER_DEVICES_MAX = 16 };

struct worker_declared {
	char *node_class; /* borrowed; NULL: none */
	Davit__Taint *taints[WORKER_TAINTS_MAX];
	size_t n_taints;
	Davit__DeviceCount *devices[WORKER_DEVICES_MAX];
	size_t n_devices;
	uint32_t gpus;
};

/*
 * "KEY[=VALUE]:EFFECT" and "KIND=COUNT". -EINVAL with the option at fault; fini in every
 * case.
 */
int worker_declared_read(struct worker_declared *declared, const struct option_list *taints,
	const struct option_list *devices, struct err *err);
void worker_declared_fini(struct worker_declared *declared);

/* Puts it into the registration, all of it borrowed. */
void worker_declared_fill(const struct worker_declared *declared,
	Davit__RegisterNodeRequest *request, Davit__Resources *capacity);
