#include "services/manager/admission.h"

#include <errno.h>
#include <string.h>

#include "common/model/limits.h"
#include "common/model/rules.h"
#include "common/model/skew.h"
#include "common/model/spec.h"
#include "services/manager/core.h"
#include "services/manager/limits.h"
#include "services/manager/traits.h"

static bool
is_allowed(const struct manager *manager, const char *name)
{
	const struct manager_config *config = &manager->config;

	for (size_t i = 0; i < config->n_allowed_nodes; i++) {
		if (strcmp(config->allowed_nodes[i], name) == 0)
			return true;
	}
	return config->allowed_nodes == NULL;
}

static bool
is_good_name(const char *name)
{
	size_t n = strnlen(name, MANAGER_NODE_NAME_MAX + 1);

	return n >= 1 && n <= MANAGER_NODE_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       n;
}

static bool
has_bad_device(const struct manager *manager, const Davit__Resources *have)
{
	unsigned n_new = 0;

	for (size_t i = 0; i < have->n_devices; i++) {
		const Davit__DeviceCount *device = have->devices[i];

		if (!rule_is_namespace(device->kind) || strlen(device->kind) >= LEDGER_KIND_SIZE ||
			device->count > LEDGER_DEVICES_MAX)
			return true;
		n_new += ledger_kind_find(&manager->model.kinds, device->kind) < 0;
	}
	return have->gpus > LEDGER_DEVICES_MAX || n_new > LEDGER_KINDS_MAX - manager->model.kinds.n;
}

static bool
has_bad_version(const Davit__RegisterNodeRequest *request, struct err *err)
{
	return request->davit_version != NULL &&
	       skew_check_worker(request->davit_version, DAVIT_VERSION, DAVIT_PREVIOUS, err) < 0;
}

bool
admission_is_of_version(const char *davit_version)
{
	struct err err;

	return davit_version == NULL ||
	       skew_check_worker(davit_version, DAVIT_VERSION, DAVIT_PREVIOUS, &err) != -ENOTSUP;
}

bool
admission_refuse(struct manager *manager, struct rpc_call *call,
	const Davit__RegisterNodeRequest *request)
{
	const Davit__Resources *have = request->capacity;
	struct err err;

	if (has_bad_version(request, &err))
		batch_refuse(manager, call,
			err.code == -EINVAL ? DAVIT__REPLY__STATUS__INVALID_ARGUMENT
					    : DAVIT__REPLY__STATUS__FAILED_PRECONDITION,
			"davit_version", "%s", err.text);
	else if (!is_good_name(request->name))
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "name",
			"a node's name is 1 to %d characters of a-z A-Z 0-9 . _ -",
			MANAGER_NODE_NAME_MAX);
	else if (request->n_labels > MANAGER_LABELS_MAX)
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "labels",
			"a node has at most %d labels (MANAGER_LABELS_MAX)", MANAGER_LABELS_MAX);
	else if (!traits_labels_are_good(request->labels, request->n_labels))
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "labels",
			"a label has a key of at most %d bytes without blanks, and a value of at most "
			"%d (MANAGER_LABEL_VALUE_MAX)",
			SPEC_KEY_MAX, MANAGER_LABEL_VALUE_MAX);
	else if (request->n_taints > MANAGER_TAINTS_MAX ||
		 !traits_taints_are_good(request->taints, request->n_taints))
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "taints",
			"a node has at most %d taints (MANAGER_TAINTS_MAX), each with key and effect",
			MANAGER_TAINTS_MAX);
	else if (request->class_ != NULL && !rule_is_name(request->class_))
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "class",
			"a class is named as a node is");
	else if (have->cpu_milli == 0 || have->memory_bytes == 0)
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "capacity",
			"a node has some CPU and some memory");
	else if (has_bad_device(manager, have))
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT,
			"capacity.devices",
			"a kind of device is named as a namespace is, a node has at most %d of it "
			"(LEDGER_DEVICES_MAX), and there are at most %d kinds (LEDGER_KINDS_MAX)",
			LEDGER_DEVICES_MAX, LEDGER_KINDS_MAX);
	else if (!is_allowed(manager, request->name))
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__PERMISSION_DENIED, "name",
			"node '%s' is not on the manager's list (--node)", request->name);
	else
		return false;
	return true;
}
