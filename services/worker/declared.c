#include "services/worker/declared.h"

#include <errno.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/units.h"
#include "common/model/rules.h"
#include "common/model/taint.h"

enum { DEVICES_OF_KIND_MAX = 1 << 15 };

static int
read_device(struct worker_declared *declared, const char *text, struct err *err)
{
	size_t n = strcspn(text, "=");
	Davit__DeviceCount *device = xcalloc(1, sizeof *device);
	uint64_t count = 1;

	davit__device_count__init(device);
	declared->devices[declared->n_devices++] = device;
	device->kind = xcalloc(n + 1, 1);
	memcpy(device->kind, text, n);
	if (!rule_is_namespace(device->kind))
		return err_set(err, -EINVAL, "--device '%.60s': want KIND=COUNT, such as fpga=2",
			text);
	if (text[n] == '=' &&
		units_parse_number(text + n + 1, 1, DEVICES_OF_KIND_MAX, &count, err) < 0)
		return err_wrap(err, "--device '%.60s'", text);
	device->has_count = true;
	device->count = (uint32_t)count;
	return 0;
}

int
worker_declared_read(struct worker_declared *declared, const struct option_list *taints,
	const struct option_list *devices, struct err *err)
{
	if (taints->n > WORKER_TAINTS_MAX || devices->n > WORKER_DEVICES_MAX)
		return err_set(err, -EINVAL, "at most %d --taint and %d --device",
			WORKER_TAINTS_MAX, WORKER_DEVICES_MAX);
	for (size_t i = 0; i < taints->n; i++) {
		if (taint_parse(taints->items[i], &declared->taints[i], err) < 0)
			return err_wrap(err, "--taint");
		declared->n_taints++;
	}
	for (size_t i = 0; i < devices->n; i++) {
		if (read_device(declared, devices->items[i], err) < 0)
			return err->code;
	}
	return 0;
}

void
worker_declared_fini(struct worker_declared *declared)
{
	for (size_t i = 0; i < declared->n_taints; i++)
		davit__taint__free_unpacked(declared->taints[i], NULL);
	for (size_t i = 0; i < declared->n_devices; i++)
		davit__device_count__free_unpacked(declared->devices[i], NULL);
	*declared = (struct worker_declared){0};
}

void
worker_declared_fill(const struct worker_declared *declared, Davit__RegisterNodeRequest *request,
	Davit__Resources *capacity)
{
	request->class_ = declared->node_class;
	request->taints = (Davit__Taint **)(uintptr_t)declared->taints;
	request->n_taints = declared->n_taints;
	capacity->devices = (Davit__DeviceCount **)(uintptr_t)declared->devices;
	capacity->n_devices = declared->n_devices;
	if (declared->gpus > 0) { /* else as many as were found */
		capacity->has_gpus = true;
		capacity->gpus = declared->gpus;
	}
}
