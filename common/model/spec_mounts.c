/* What a task sees of the host's disks; tested by tests/unit/test_spec.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/model/rules.h"
#include "common/model/spec_rules.h"

static Davit__Mount__Type
mount_type(const Davit__Mount *mount)
{
	return mount->has_type ? mount->type : DAVIT__MOUNT__TYPE__VOLUME;
}

static int
check_source(const struct spec_check *check, size_t i)
{
	const Davit__Mount *mount = check->spec->mounts[i];
	struct err *err = spec_at(check, "mounts[%zu].source", i);

	switch (mount_type(mount)) {
	case DAVIT__MOUNT__TYPE__BIND:
		if (mount->source == NULL)
			return err_set(err, -EINVAL, "is required for a bind mount");
		if (!rule_is_path(mount->source))
			return err_set(err, -EINVAL,
				"'%.64s' is no absolute path without '..' (for a volume leave out "
				"type: BIND)",
				mount->source);
		return 0;
	case DAVIT__MOUNT__TYPE__TMPFS:
		return mount->source == NULL
			       ? 0
			       : err_set(err, -EINVAL, "a tmpfs has no source; leave it out");
	default:
		if (mount->source == NULL || rule_is_name(mount->source))
			return 0;
		return err_set(err, -EINVAL, "'%.64s' is no name of a volume%s", mount->source,
			mount->source[0] == '/' ? " (for a path of the host say type: BIND)" : "");
	}
}

/* Whether the two name one place, whatever slashes they end in. */
static bool
same_target(const char *a, const char *b)
{
	size_t n_a = strlen(a), n_b = strlen(b);

	while (n_a > 1 && a[n_a - 1] == '/')
		n_a--;
	while (n_b > 1 && b[n_b - 1] == '/')
		n_b--;
	return n_a == n_b && memcmp(a, b, n_a) == 0;
}

static int
check_mount(const struct spec_check *check, size_t i)
{
	const Davit__Mount *mount = check->spec->mounts[i];
	char field[SPEC_FIELD_MAX];
	int rc;

	(void)snprintf(field, sizeof field, "mounts[%zu].type", i);
	rc = spec_check_enum(check, field, &davit__mount__type__descriptor, (int)mount_type(mount));
	if (rc == 0)
		rc = check_source(check, i);
	if (rc < 0)
		return rc;
	if (!rule_is_path(mount->target) || strspn(mount->target, "/") == strlen(mount->target))
		return err_set(spec_at(check, "mounts[%zu].target", i), -EINVAL,
			"'%.64s' is no absolute path without '..' below /", mount->target);
	for (size_t k = 0; k < i; k++)
		if (same_target(check->spec->mounts[k]->target, mount->target))
			return err_set(spec_at(check, "mounts[%zu].target", i), -EINVAL,
				"'%.64s' is the target of mounts[%zu] already", mount->target, k);
	if (!mount->has_tmpfs_size_bytes)
		return 0;
	(void)snprintf(field, sizeof field, "mounts[%zu].tmpfs_size_bytes", i);
	if (mount_type(mount) != DAVIT__MOUNT__TYPE__TMPFS)
		return err_set(spec_at(check, "%s", field), -EINVAL,
			"only a mount of type TMPFS has a size");
	return spec_check_range(check, field, mount->tmpfs_size_bytes, 1, SPEC_BYTES_MAX);
}

int
spec_check_mounts(const struct spec_check *check)
{
	int rc = spec_check_count(check, "mounts", check->spec->n_mounts, SPEC_LIST_MAX);

	for (size_t i = 0; rc == 0 && i < check->spec->n_mounts; i++)
		rc = check_mount(check, i);
	return rc;
}
