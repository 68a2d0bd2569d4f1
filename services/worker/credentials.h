/*
 * credentials.h - who this node is to image registries.
 *
 * From a file in the format of docker's config.json: {"auths": {"registry:5000":
 * {"auth": base64 of user:password}}}, or with username and password, or with an
 * identitytoken. It is read for every pull, so a change needs no restart.
 */
#pragma once

#include "common/base/err.h"

enum { CREDENTIALS_FILE_MAX = 1 << 20 };

/*
 * What the engine wants in X-Registry-Auth, for the caller to free; NULL: nothing is
 * known of the image's registry. name: an entry of the file, or NULL for that of the
 * registry. -ENOENT when the named one is not there, -EINVAL for a file that cannot
 * be used, both with words.
 */
int credentials_find(const char *path, const char *name, const char *image, char **ret_auth,
	struct err *err);
