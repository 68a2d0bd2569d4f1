/* What a task takes of its node; tested by tests/unit/test_spec.c. */
#include <errno.h>
#include <string.h>

#include "common/model/rules.h"
#include "common/model/spec_rules.h"

static const char *const ulimit_names[] = {"core", "cpu", "data", "fsize", "locks", "memlock",
	"msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"};

static bool
is_ulimit(const char *name)
{
	for (size_t i = 0; i < sizeof ulimit_names / sizeof ulimit_names[0]; i++)
		if (strcmp(name, ulimit_names[i]) == 0)
			return true;
	return false;
}

static int
check_ulimit(const struct spec_check *check, size_t i)
{
	const Davit__Ulimit *ulimit = check->spec->ulimits[i];

	if (!is_ulimit(ulimit->name))
		return err_set(spec_at(check, "ulimits[%zu].name", i), -EINVAL,
			"'%.32s' is no limit; want such as nofile, nproc, core, memlock",
			ulimit->name);
	for (size_t k = 0; k < i; k++)
		if (strcmp(check->spec->ulimits[k]->name, ulimit->name) == 0)
			return err_set(spec_at(check, "ulimits[%zu].name", i), -EINVAL,
				"'%s' is given twice", ulimit->name);
	if (!ulimit->has_soft)
		return err_set(spec_at(check, "ulimits[%zu].soft", i), -EINVAL,
			"is required; want a number, or -1 for no limit");
	if (ulimit->soft < -1)
		return err_set(spec_at(check, "ulimits[%zu].soft", i), -EINVAL,
			"want a number from 0, or -1 for no limit");
	if (ulimit->has_hard && ulimit->hard < -1)
		return err_set(spec_at(check, "ulimits[%zu].hard", i), -EINVAL,
			"want a number from 0, or -1 for no limit");
	if (ulimit->has_hard && (uint64_t)ulimit->soft > (uint64_t)ulimit->hard)
		return err_set(spec_at(check, "ulimits[%zu].soft", i), -EINVAL,
			"the soft limit may not be over the hard one");
	return 0;
}

static bool
are_permissions(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (strchr("rwm", text[i]) == NULL || strchr(text + i + 1, text[i]) != NULL)
			return false;
	return n > 0;
}

static int
check_device(const struct spec_check *check, size_t i)
{
	const Davit__Device *device = check->spec->devices[i];

	if (!rule_is_path(device->host_path))
		return err_set(spec_at(check, "devices[%zu].host_path", i), -EINVAL,
			"'%.64s' is no absolute path without '..'; want such as /dev/fuse",
			device->host_path);
	if (device->container_path != NULL && !rule_is_path(device->container_path))
		return err_set(spec_at(check, "devices[%zu].container_path", i), -EINVAL,
			"'%.64s' is no absolute path without '..'", device->container_path);
	if (device->permissions != NULL && !are_permissions(device->permissions))
		return err_set(spec_at(check, "devices[%zu].permissions", i), -EINVAL,
			"'%.16s' are no permissions; want r, w and m, each at most once",
			device->permissions);
	return 0;
}

static int
check_amounts(const struct spec_check *check)
{
	const Davit__TaskSpec *spec = check->spec;
	const struct {
		const char *field;
		uint64_t value, min, max;
	} amounts[] = {
		{"cpu_milli", spec->has_cpu_milli ? spec->cpu_milli : 0, SPEC_CPU_MILLI_MIN,
			SPEC_CPU_MILLI_MAX},
		{"memory_bytes", spec->has_memory_bytes ? spec->memory_bytes : 0,
			SPEC_MEMORY_BYTES_MIN, SPEC_BYTES_MAX},
		{"disk_bytes", spec->has_disk_bytes ? spec->disk_bytes : 0, 1, SPEC_BYTES_MAX},
		{"pids_limit", spec->has_pids_limit ? spec->pids_limit : 0, 1, SPEC_PIDS_MAX},
		{"shm_size_bytes", spec->has_shm_size_bytes ? spec->shm_size_bytes : 0, 1,
			SPEC_BYTES_MAX},
	};

	for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
		int rc = spec_check_range(check, amounts[i].field, amounts[i].value, amounts[i].min,
			amounts[i].max);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int
spec_check_resources(const struct spec_check *check)
{
	const Davit__TaskSpec *spec = check->spec;
	int rc = check_amounts(check);

	if (rc == 0)
		rc = spec_check_count(check, "ulimits", spec->n_ulimits, SPEC_LIST_MAX);
	for (size_t i = 0; rc == 0 && i < spec->n_ulimits; i++)
		rc = check_ulimit(check, i);
	if (rc == 0)
		rc = spec_check_count(check, "devices", spec->n_devices, SPEC_LIST_MAX);
	for (size_t i = 0; rc == 0 && i < spec->n_devices; i++)
		rc = check_device(check, i);
	return rc;
}
